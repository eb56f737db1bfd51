from flask_smorest import Blueprint

blp = Blueprint("records", __name__)
