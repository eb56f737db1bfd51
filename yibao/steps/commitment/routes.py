from flask_smorest import Blueprint

blp = Blueprint("commitment", __name__)
