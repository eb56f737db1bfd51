"""The life of an e-credential (domain sheet §6.1). Rule of the file: all that decides it is in NEXT; no I/O."""

from datetime import timedelta

from yibao.errors import Refused

CODE_LIFE = timedelta(seconds=60)
CODE_LENGTH = 28
CODE_PREFIX = "SIM"

NEXT = {
    ("NONE", "activate"): "FACE_PENDING",
    ("FACE_PENDING", "activate"): "FACE_PENDING",
    ("FACE_PENDING", "face_passed"): "ACTIVE",
    ("ACTIVE", "show_code"): "ACTIVE",
    ("NONE", "freeze"): "FROZEN",
    ("FACE_PENDING", "freeze"): "FROZEN",
    ("ACTIVE", "freeze"): "FROZEN",
    ("FROZEN", "freeze"): "FROZEN",
}


def move(state: str, event: str) -> str:
    """The next state. Raises Refused CREDENTIAL_FROZEN, CREDENTIAL_INACTIVE or STATE_CONFLICT."""
    if (state, event) in NEXT:
        return NEXT[state, event]
    if state == "FROZEN":
        raise Refused("CREDENTIAL_FROZEN")
    if event == "show_code":
        raise Refused("CREDENTIAL_INACTIVE")
    raise Refused("STATE_CONFLICT", f"the credential is {state}")
