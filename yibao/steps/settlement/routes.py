from flask_smorest import Blueprint

blp = Blueprint("settlement", __name__)
