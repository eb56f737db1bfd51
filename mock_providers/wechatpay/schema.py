"""The gateway's schema layer: shapes of requests and the literal messages for what does not fit. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

MOST_OF_INT = 2**31 - 1
MOST_OF_UINT = 2**63 - 1
RFC3339 = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$")
PARAMETER_INVALID, OUT_OF_RANGE = 268435461, 268435464
LIMITS = {"字符数": len, "字节数": lambda text: len(text.encode())}


class Invalid(ValueError):
    """A request that does not fit. `internal` goes into the Request-ID.

    `detail` is what captures show, a place and a value; documents show `field` and `issue` as well, of a currency,
    so words out of an enumeration, of which no capture is known, have all four.
    """

    def __init__(self, message: str, location: str, value: Any, internal: int = PARAMETER_INVALID) -> None:
        super().__init__(message)
        self.message, self.internal = message, internal
        self.detail = {"location": location, "value": value if isinstance(value, str | int | float) else ""}


@dataclass(frozen=True, kw_only=True)
class Field:
    """`title` is the vendor's Chinese name of the field."""

    title: str
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Text(Field):
    """A string of `least` to `most` characters (or bytes, where the vendor counts those)."""

    most: int
    least: int = 0
    pattern: str = ""
    unit: str = "字符数"


@dataclass(frozen=True, kw_only=True)
class Word(Field):
    """One of the words of an enumeration."""

    words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Whole(Field):
    """An integer; amounts are fen."""

    least: int = 0
    most: int = MOST_OF_INT


@dataclass(frozen=True, kw_only=True)
class Flag(Field):
    """true or false."""


@dataclass(frozen=True, kw_only=True)
class Group(Field):
    """An object. Fields it does not know are passed over, as the gateway does."""

    fields: Mapping[str, Field] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Many(Field):
    """A list."""

    of: Field


KINDS: dict[type[Field], str] = {
    Text: " string 类型的 Json 值",
    Word: " string 类型的 Json 值",
    Whole: "合法的 64 位有符号整数",
    Flag: " bool 类型的 Json 值",
    Group: " object 类型的 Json 值",
    Many: " array 类型的 Json 值",
}
PYTHON: dict[type[Field], type] = {Text: str, Word: str, Whole: int, Flag: bool, Group: dict, Many: list}


def read(fields: Mapping[str, Field], given: Mapping[str, Any], location: str = "body") -> dict[str, Any]:
    """What was given, checked and without empty or unknown members. Raises Invalid."""
    return _group(Group(title="", fields=fields), given, location, f"/{location}")


def _group(shape: Group, given: Mapping[str, Any], location: str, path: str) -> dict[str, Any]:
    found = {}
    for name, inner in shape.fields.items():
        value = given.get(name)
        if value is None or value == "":
            if value == "" and inner.required and isinstance(inner, Text):
                inner = replace(inner, least=max(1, inner.least))
            elif inner.required:
                message = f"输入源“{path}/{name}”映射到字段“{inner.title}”必填性规则校验失败，此字段为必填项"
                raise Invalid(message, location, "")
            else:
                continue
        found[name] = _value(inner, value, location, f"{path}/{name}")
    return found


def _value(shape: Field, value: Any, location: str, path: str) -> Any:
    fits = type(value) is PYTHON[type(shape)]
    if not fits:
        message = f"无法将 JSON 输入源“{path}”映射到目标字段“{shape.title}”中，此字段需要一个{KINDS[type(shape)]}"
        raise Invalid(message, location, value)
    if isinstance(shape, Group):
        return _group(shape, value, location, path)
    if isinstance(shape, Many):
        return [_value(shape.of, one, location, f"{path}/{at}") for at, one in enumerate(value)]
    if wrong := _wrong(shape, value):
        message, internal, shown = wrong
        invalid = Invalid(f"输入源“{path}”映射到{message}", location, shown, internal)
        if isinstance(shape, Word):
            invalid.detail |= {
                "field": path.removeprefix(f"/{location}"),
                "issue": f"not one of {', '.join(shape.words)}",
            }
        raise invalid
    return value


def _wrong(shape: Field, value: Any) -> tuple[str, int, Any] | None:
    """(message, internal number, what `detail.value` shows): for a length that is the length."""
    if isinstance(shape, Whole):
        rule = f"数值字段“{shape.title}”规则校验失败，值"
        if value < shape.least:
            return f"{rule}低于最小值 {shape.least}", OUT_OF_RANGE, value
        if value > shape.most:
            return f"{rule}高于最大值 {shape.most}", OUT_OF_RANGE, value
    if isinstance(shape, Word) and value not in shape.words:
        return f"枚举字段“{shape.title}”枚举规则校验失败，值不在枚举范围内", PARAMETER_INVALID, value
    if isinstance(shape, Text):
        return _wrong_text(shape, value)
    return None


def _wrong_text(shape: Text, value: str) -> tuple[str, int, Any] | None:
    rule = f"值字段“{shape.title}”字符串规则校验失败，"
    size = LIMITS[shape.unit](value)
    if size > shape.most:
        return f"{rule}{shape.unit} {size}，大于最大值 {shape.most}", PARAMETER_INVALID, size
    if size < shape.least:
        return f"{rule}{shape.unit} {size}，小于最小值 {shape.least}", PARAMETER_INVALID, size
    if shape.pattern and not re.fullmatch(shape.pattern.removeprefix("^").removesuffix("$"), value):
        return f"{rule}字符串必须匹配正则表达式“{shape.pattern}”", PARAMETER_INVALID, value
    if any(char == "\0" or char > "\uffff" for char in value):
        return f"{rule}仅支持 UTF-8 编码长度为 1 至 3 字节的字符", PARAMETER_INVALID, value
    return None


def instant(text: str) -> datetime:
    """An RFC 3339 time that says its offset. Raises ValueError."""
    if not RFC3339.match(text):
        raise ValueError("not RFC 3339 with an offset")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of range") from error
