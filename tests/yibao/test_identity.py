"""Document numbers and masks."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao import identity
from yibao.errors import Refused

TODAY = date(2025, 12, 1)


def card(born, area=identity.SAMPLE_AREA, sequence="903"):
    first = f"{area}{born}{sequence}"
    return first + identity.check_character(first)


@pytest.mark.parametrize(
    ("id_type", "number"),
    [
        ("id_card", "469099198803159034"),
        ("id_card", "46909919331006937X"),
        ("id_card", card("20251201")),
        ("hk_permit", "H00000014"),
        ("hk_permit", "M0000001401"),
        ("tw_permit", "00000015"),
        ("passport", "XSAMPLE015"),
        ("birth_certificate", "Z990000006"),
    ],
)
def test_sample_numbers_are_taken(id_type, number):
    assert identity.checked(id_type, number, TODAY) == number
    assert identity.checked(id_type, number.lower(), TODAY) == number


@pytest.mark.parametrize(
    ("id_type", "number", "code"),
    [
        ("id_card", "46909919880315903", "ID_FORMAT"),
        ("id_card", "4690991988031590345", "ID_FORMAT"),
        ("id_card", "46909919880315903Y", "ID_FORMAT"),
        ("id_card", "４69099198803159034", "ID_FORMAT"),
        ("id_card", "469099198803159034\n", "ID_FORMAT"),
        ("id_card", "", "ID_FORMAT"),
        ("id_card", "469099198803159035", "ID_CHECKSUM"),
        ("id_card", card("20250230"), "ID_DATE"),
        ("id_card", card("20251202"), "ID_DATE"),
        ("id_card", card("18941130"), "ID_DATE"),
        ("id_card", card("00000101"), "ID_DATE"),
        ("id_card", "11010519491231002X", "REAL_ID_REFUSED"),
        ("id_card", card("19900101", "810000"), "REAL_ID_REFUSED"),
        ("hk_permit", "H12345678", "REAL_ID_REFUSED"),
        ("hk_permit", "X00000014", "ID_FORMAT"),
        ("tw_permit", "12345678", "REAL_ID_REFUSED"),
        ("tw_permit", "0000001", "ID_FORMAT"),
        ("passport", "E12345678", "REAL_ID_REFUSED"),
        ("passport", "E1", "ID_FORMAT"),
        ("birth_certificate", "A460000006", "REAL_ID_REFUSED"),
        ("birth_certificate", "Z99000000", "ID_FORMAT"),
    ],
)
def test_other_numbers_are_refused(id_type, number, code):
    with pytest.raises(Refused) as caught:
        identity.checked(id_type, number, TODAY)
    assert caught.value.code == code


@given(st.sampled_from(list(identity.KINDS)), st.text(max_size=20))
def test_any_text_is_taken_or_refused(id_type, text):
    try:
        identity.checked(id_type, text, TODAY)
    except Refused as refused:
        assert refused.code in ("ID_FORMAT", "ID_DATE", "ID_CHECKSUM", "REAL_ID_REFUSED")


def test_a_card_tells_birth_and_gender():
    assert identity.born_on("469099198803159034") == date(1988, 3, 15)
    assert identity.gender("469099198803159034") == "male"
    assert identity.gender("469099199007029049") == "female"


def test_a_birthday_counts_on_its_day():
    born = date(2009, 12, 1)
    assert [identity.age(born, day) for day in (date(2025, 11, 30), TODAY)] == [15, 16]


@pytest.mark.parametrize("name", ["林样一", "阿样·例", "SAMPLE MARIA", "样" * 50, "\U00030edd样", "O'样"])
def test_names_people_have(name):
    assert identity.is_name(name)


@pytest.mark.parametrize("name", ["", " 林", "林 ", "样" * 51, "a\nb", "a\0", "\ud800", "a\u202eb", "a\u200bb"])
def test_names_nobody_has(name):
    assert not identity.is_name(name)


def test_masks_show_little():
    assert [identity.mask_name(name) for name in ("林样一", "林样", "林", "")] == ["林*一", "林*", "林", ""]
    assert identity.mask_number("469099198803159034") == "469***********9034"
    assert identity.mask_number("H00000014") == "H******14"
    assert identity.mask_phone("15400000001") == "154****0001"
    assert identity.mask_phone("123") == "***"
    assert identity.mask_token("short") == "…"
