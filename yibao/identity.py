"""Documents and their numbers (domain sheet §4.1-4.3), and how much of them may be shown.

Rules of the file: pure. This system takes sample numbers only: a number that could be a living person's is refused
before anything is stored.
"""

import re
import unicodedata
from datetime import date

from yibao.errors import Refused

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK = "10X98765432"
OLDEST = 130
SAMPLE_AREA = "469099"  # assigned to no place
NAME_AT_MOST = 50
INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")

KINDS = {
    "id_card": re.compile(r"\d{17}[\dX]", re.ASCII),
    "hk_permit": re.compile(r"[HM]\d{8}(\d{2})?", re.ASCII),
    "tw_permit": re.compile(r"\d{8}(\d{2})?", re.ASCII),
    "passport": re.compile(r"[A-Z0-9]{5,18}", re.ASCII),
    "birth_certificate": re.compile(r"[A-Z]\d{9}", re.ASCII),
}
SAMPLES = {
    "id_card": re.compile(SAMPLE_AREA + r".*"),
    "hk_permit": re.compile(r"[HM]000000.*"),
    "tw_permit": re.compile(r"000000.*"),
    "passport": re.compile(r"XSAMPLE.*"),
    "birth_certificate": re.compile(r"Z99.*"),
}


def checked(id_type: str, number: str, today: date) -> str:
    """The number as it is kept (upper case). Raises Refused ID_FORMAT, ID_DATE, ID_CHECKSUM, REAL_ID_REFUSED."""
    kept = number.upper() if number.isascii() else ""
    if not KINDS[id_type].fullmatch(kept):
        raise Refused("ID_FORMAT")
    if id_type == "id_card":
        if not _possible(kept, today):
            raise Refused("ID_DATE")
        if check_character(kept[:17]) != kept[17]:
            raise Refused("ID_CHECKSUM")
    if not SAMPLES[id_type].fullmatch(kept):
        raise Refused("REAL_ID_REFUSED")
    return kept


def check_character(first17: str) -> str:
    """The last character of an identity card number (ISO 7064 MOD 11-2)."""
    return CHECK[sum(int(digit) * weight for digit, weight in zip(first17, WEIGHTS, strict=True)) % 11]


def born_on(number: str) -> date:
    """The birth date in an identity card number. Raises ValueError for an impossible one."""
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def gender(number: str) -> str:
    """male or female, from an identity card number."""
    return "male" if int(number[16]) % 2 else "female"


def age(born: date, on: date) -> int:
    """Whole years; the birthday itself counts."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def _possible(number: str, today: date) -> bool:
    try:
        born = born_on(number)
    except ValueError:
        return False
    return born <= today and age(born, today) <= OLDEST


def is_name(text: str) -> bool:
    """A name people have: 1 to 50 characters, none of them control, unassigned, or half of a pair."""
    return 0 < len(text) <= NAME_AT_MOST and text == text.strip() and is_clean(text)


def is_clean(text: str) -> bool:
    """No control characters, line breaks, halves of a surrogate pair, or invisible marks."""
    return not any(unicodedata.category(each) in INVISIBLE for each in text)


def mask_name(name: str) -> str:
    """林样一 → 林*一; two characters keep the first."""
    if len(name) <= 2:
        return name[:1] + "*" * (len(name) - 1)
    return name[0] + "*" * (len(name) - 2) + name[-1]


def mask_number(number: str) -> str:
    """469099198803159034 → 469***********9034; short numbers keep one and two."""
    head, tail = (3, 4) if len(number) > 12 else (1, 2)
    return number[:head] + "*" * max(len(number) - head - tail, 0) + number[len(number) - tail :]


def mask_phone(phone: str) -> str:
    """15400000001 → 154****0001."""
    return phone[:3] + "****" + phone[-4:] if len(phone) >= 8 else "*" * len(phone)


def mask_token(token: str) -> str:
    """An openid or the like: enough to recognise, not to use."""
    return f"{token[:4]}…{token[-4:]}" if len(token) > 12 else "…"
