from flask_smorest import Blueprint

blp = Blueprint("family", __name__)
