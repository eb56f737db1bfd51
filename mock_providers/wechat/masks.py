"""Numbers that may be a real person's are not kept: the journal gets the body without them."""

from flask import g, request
from werkzeug.exceptions import RequestEntityTooLarge

from mock_providers import people
from mock_providers.wechat import wire
from mock_providers.wechat.door import bp

PUBLISHED_EXAMPLES = (
    "310101199801011234",  # WeChat's, of cert_hash; its check character is wrong
    "11010519491231002X",  # of the standard for citizen numbers itself (GB 11643); where X and x differ
)


@bp.before_request
def mask_real_numbers() -> None:
    """What looks like a real ID number is not kept: the journal gets the body without it."""
    try:
        raw = request.get_data()
    except RequestEntityTooLarge:
        return
    clean = wire.masked(raw)
    if clean != raw:
        g.journal_body = clean
    if request.path.endswith(("/getverifyid", "/getuseridkey")):
        _mask_certificate(raw)


def _mask_certificate(raw: bytes) -> None:
    try:
        given = wire.parse(raw)
    except ValueError:
        return
    person = given.get("cert_info")
    shown = [person.get("cert_no")] if isinstance(person, dict) else []
    shown += [given["id_card_number"]] if "id_card_number" in given else []
    if not all(map(is_sample, shown)):
        g.journal_body = b'{"masked": "the number is not a sample one"}'


def is_sample(number: object) -> bool:
    """Whether this is a sample citizen number with a right check character, or another sample document's.

    So are the numbers of this world's people, and those that stand as examples in public documents.
    """
    if not isinstance(number, str):
        return False
    upper = number.upper()
    if upper in PUBLISHED_EXAMPLES or upper in people.world().by_number:
        return True
    if people.NUMBER["id_card"].match(upper):
        return people.check_character(upper[:17]) == upper[17]
    return any(people.NUMBER[kind].match(upper) for kind in ("hk_permit", "passport"))
