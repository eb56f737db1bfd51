from flask_smorest import Blueprint

blp = Blueprint("credential", __name__)
