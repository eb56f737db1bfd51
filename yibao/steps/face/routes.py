from flask_smorest import Blueprint

blp = Blueprint("face", __name__)
