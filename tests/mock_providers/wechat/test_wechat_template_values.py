"""Every kind of template field at its limits (§5.6)."""

import pytest

from mock_providers.wechat import templates
from mock_providers.wechat.template_values import KINDS, fits

GOOD = {
    "thing": ["样" * 20, "a1!样 ~", "x"],
    "number": ["0", "1" * 32, "12.5", "0.01"],
    "letter": ["a" * 32, "AbC"],
    "symbol": ["!", "!?#%&", "，。"],
    "character_string": ["A-1", "a" * 32, "2019-01-01 10:00", "#!~"],
    "time": ["15:01", "15:01:59", "0:00", "2019年10月1日 15:01", "15:01~16:00", "2019-10-01 09:00~2019-10-02 09:00"],
    "date": [
        *("2019年10月1日", "2019年10月1日 15:01", "2019年10月", "10月1日", "2018-01-01", "2018/01/01", "2018.01.01"),
        *("2018-01", "01-01", "2019年10月1日~2019年10月3日", "2024年2月29日"),
    ],
    "amount": ["¥100", "￥100.50", "$1", "€0.01元", "100元", "¥1234567890", "100"],
    "phone_number": ["+86-0766-66888866", "12345", "(0898) 12345678"],
    "car_number": ["粤A8Z888挂", "粤A8Z888", "A8Z8888", "12345678"],
    "name": ["样" * 10, "a" * 20, "Ann O'Neil-Smith", "样A", "林*一"],
    "phrase": ["配送中", "样", "样样样样样"],
}
BAD = {
    "thing": ["样" * 21, "a\nb", "a\x00", "\ud800"],
    "number": ["1" * 33, "1." + "1" * 32, "-1", "1,000", "１", "1.", "a", "1 "],
    "letter": ["a" * 33, "a1", "a b", "é", "样"],
    "symbol": ["!!!!!!", "a", "1", "样"],
    "character_string": ["a" * 33, "样", "a样"],
    "time": [
        "24:00",
        "12:60",
        "15",
        "15:01～16:00",
        "2019年10月1日",
        "1~2~3",
        "15:01~",
        "2019年2月30日 15:01",
        "noon",
    ],
    "date": ["15:01", "2019年2月30日", "2018-13-01", "2018-01/01", "2019", "2019年10月1日～2019年10月2日", "1月32日"],
    "amount": ["¥12345678901", "A100", "¥¥1", "¥", "-¥1", "¥1,000", "1.", "元", "一百元"],
    "phone_number": ["1" * 18, "0898转1", "abc", "+-"],
    "car_number": ["粤A8Z8888挂", "A粤8", "粤-A", "粤"],
    "name": ["样" * 11, "a" * 21, "样1", "a1", "样a样a样a样a样aa"],
    "phrase": ["样" * 6, "abc", "样1", "样!"],
}


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind in GOOD for value in GOOD[kind]])
def test_what_fits(kind: str, value: str) -> None:
    assert fits(kind, value)


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind in BAD for value in BAD[kind]])
def test_what_does_not_fit(kind: str, value: str) -> None:
    assert not fits(kind, value)


def test_an_enum_holds_only_what_it_lists() -> None:
    assert fits("enum", "上午", ("上午", "下午"))
    assert not fits("enum", "晚上", ("上午", "下午"))
    assert not fits("enum", "上午")


def test_every_kind_is_tried_here_and_stands_in_a_template() -> None:
    used = {line.kind for one in templates.load().values() for line in one.lines}
    assert set(GOOD) == set(BAD) == set(KINDS) - {"enum", "signed_amount"}
    assert used == set(GOOD) | {"enum"}
