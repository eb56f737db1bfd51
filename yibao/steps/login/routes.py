from flask_smorest import Blueprint

blp = Blueprint("login", __name__)
