"""The table of causes and the tests are one list; differences are found where they are."""

from hypothesis import given
from hypothesis import strategies as st

from mock_providers.explain.causes import TABLE
from mock_providers.explain.differ import first_difference
from mock_providers.explain.search import search, variants
from tests.mock_providers.explain import test_explain_national as national
from tests.mock_providers.explain import test_explain_wechat as wechat
from tests.mock_providers.explain import test_explain_wechatpay as wechatpay

MADE = {
    *wechatpay.REQUESTS, *wechatpay.TOLD, *wechatpay.PAID, *wechat.SESSIONS, *wechat.REPLIES,
    "session_over", "push_encrypt_missing", "content_edited",
    *national.TIF, *national.CA, *national.PORTAL, *national.SEALED,
}  # fmt: skip


def test_every_cause_of_the_table_is_made_on_purpose_in_a_test() -> None:
    assert set(TABLE) == MADE


def test_every_cause_says_what_to_do_in_one_sentence_of_either_language() -> None:
    for cause in TABLE.values():
        assert all((cause.says, cause.remedy, cause.remedy_zh)) and "\n" not in cause.says + cause.remedy
        assert not cause.remedy_zh.isascii()


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_the_first_difference_is_where_they_part(one: bytes, other: bytes) -> None:
    found = first_difference(one, other)
    if one == other:
        assert found is None
        return
    assert found
    at = found["offset"]
    assert one[:at] == other[:at] and one[at : at + 1] != other[at : at + 1]
    lines = one[:at].split(b"\n")
    assert (found["line"], found["column"]) == (len(lines), len(lines[-1]) + 1)


def test_the_search_finds_one_mistake_before_two_and_gives_up_otherwise() -> None:
    letters = [variants("a", ("first", "b"), ("both", "c")), variants("x", ("second", "y"))]
    assert search(letters, str.__add__, lambda made: made == "ax") == ((), "ax")
    assert search(letters, str.__add__, lambda made: made == "by") == (("first", "second"), "by")
    assert search(letters, str.__add__, lambda made: made == "zz") is None
