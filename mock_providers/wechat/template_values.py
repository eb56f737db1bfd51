"""What each kind of template field may hold (§5.6). Rule of the file: no I/O."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date

HAN = re.compile(r"[㐀-鿿豈-﫿\U00020000-\U000323AF〇]")
DIGITS_AT_MOST = 32
NUMBER = re.compile(r"\d+(\.\d+)?", re.ASCII)
AMOUNT = re.compile(r"(\D?)(\d{1,10})(\.\d{1,10})?元?", re.ASCII)
CLOCK = r"(?P<hour>\d{1,2})[:：](?P<minute>\d{2})(?:[:：](?P<second>\d{2}))?"
TIME = re.compile(rf"(?P<day>.*?)\s*{CLOCK}", re.ASCII)
DAYS = (
    re.compile(r"(?P<y>\d{4})年(?:(?P<m>\d{1,2})月(?:(?P<d>\d{1,2})日)?)", re.ASCII),
    re.compile(r"(?P<m>\d{1,2})月(?P<d>\d{1,2})日", re.ASCII),
    re.compile(r"(?P<y>\d{4})(?P<sep>[-/.])(?P<m>\d{1,2})(?:(?P=sep)(?P<d>\d{1,2}))?", re.ASCII),
    re.compile(r"(?P<m>\d{1,2})[-/.](?P<d>\d{1,2})", re.ASCII),
)
PHONE = re.compile(r"[0-9+\-*#() ]{1,17}")
CAR = re.compile(r"[A-Z0-9a-z]{1,8}")
LEAP_YEAR = 2000


def fits(kind: str, value: str, values: Sequence[str] = ()) -> bool:
    """Whether a field of this kind can hold the value; `values` are what an enum lists."""
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in value):
        return False
    return value in values if kind == "enum" else KINDS[kind](value)


def is_symbol(char: str) -> bool:
    """Punctuation, a sign, or a blank: neither letter nor digit."""
    return unicodedata.category(char)[0] in "PSZ"


def _is_letter(char: str) -> bool:
    return char.isascii() and char.isalpha()


def _thing(value: str) -> bool:
    return len(value) <= 20


def _number(value: str) -> bool:
    return NUMBER.fullmatch(value) is not None and sum(map(str.isdigit, value)) <= DIGITS_AT_MOST


def _letter(value: str) -> bool:
    return len(value) <= 32 and all(map(_is_letter, value))


def _symbol(value: str) -> bool:
    return len(value) <= 5 and all(map(is_symbol, value))


def _character_string(value: str) -> bool:
    return len(value) <= 32 and all(is_symbol(char) or (char.isascii() and char.isalnum()) for char in value)


def _time(value: str) -> bool:
    return _span(value, _is_time)


def _date(value: str) -> bool:
    return _span(value, lambda one: _is_day(one) or _is_time(one, with_day=True))


def _span(value: str, is_one: Callable[[str], bool]) -> bool:
    """One, or two joined by a half-width ~."""
    parts = value.split("~")
    return len(parts) <= 2 and all(is_one(part.strip()) for part in parts)


def _is_time(value: str, with_day: bool = False) -> bool:
    found = TIME.fullmatch(value)
    if found is None or ((with_day or found["day"]) and not _is_day(found["day"])):
        return False
    return int(found["hour"]) < 24 and int(found["minute"]) < 60 and int(found["second"] or 0) < 60


def _is_day(value: str) -> bool:
    found = next((match for pattern in DAYS if (match := pattern.fullmatch(value))), None)
    if found is None:
        return False
    parts = found.groupdict()
    try:
        date(int(parts.get("y") or LEAP_YEAR), int(parts["m"]), int(parts["d"] or 1))
    except ValueError:
        return False
    return True


def _amount(value: str) -> bool:
    found = AMOUNT.fullmatch(value)
    return found is not None and (not found[1] or unicodedata.category(found[1]) == "Sc")


def _phone_number(value: str) -> bool:
    return PHONE.fullmatch(value) is not None and any(map(str.isdigit, value))


def _car_number(value: str) -> bool:
    inner = value[bool(HAN.match(value[:1])) : len(value) - bool(len(value) > 1 and HAN.match(value[-1:]))]
    return len(value) <= 8 and CAR.fullmatch(inner) is not None


def _name(value: str) -> bool:
    """A Chinese name of 10, or letters and symbols of 20; a mixed one counts as Chinese."""
    chinese = HAN.search(value) is not None
    return len(value) <= (10 if chinese else 20) and all(
        HAN.match(char) or char.isalpha() or is_symbol(char) for char in value
    )


def _phrase(value: str) -> bool:
    return len(value) <= 5 and all(map(HAN.match, value))


KINDS: dict[str, Callable[[str], bool]] = {
    "thing": _thing,
    "number": _number,
    "letter": _letter,
    "symbol": _symbol,
    "character_string": _character_string,
    "time": _time,
    "date": _date,
    "amount": _amount,
    "phone_number": _phone_number,
    "car_number": _car_number,
    "name": _name,
    "phrase": _phrase,
    "signed_amount": lambda value: _amount(value) and not value[0].isdigit(),
    "enum": lambda value: False,
}
