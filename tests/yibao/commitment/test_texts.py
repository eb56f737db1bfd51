"""What people read and sign holds every topic, and a text that does not is refused at start."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao import texts

NOTICE, LETTER = ("notice-family", "1.0"), ("hn-letter-family", "1.0")
SAID = {
    NOTICE: [
        "不共享资金",
        "最多绑定",
        "周岁",
        "JPEG",
        "国家医保信息平台",
        "承诺书",
        "异议",
        "同步",
        "重新绑定",
        "12393",
    ],
    LETTER: [
        "承诺人",
        "真实",
        "同意",
        "仅用于",
        "套取现金",
        "退回",
        "{guardian_clause}",
        "家庭共济",
        "去世",
        "校验值",
    ],
}


def filled(text: texts.Text, **values: str) -> str:
    return text.html({**{name: f"[{name}]" for name in text.fields}, **values})


@pytest.mark.parametrize("key", [NOTICE, LETTER])
def test_each_of_the_ten_topics_is_really_spoken_of(key: tuple[str, str]) -> None:
    sections = texts.HEADING.split(texts.load()[key].body)[4::4]
    assert len(sections) == 10
    for section, words in zip(sections, SAID[key], strict=True):
        assert words in section


def test_near_relatives_rest_on_the_guidance_and_not_on_the_insurance_law() -> None:
    body = texts.load()[NOTICE].body
    assert "国务院办公厅" in body and "社会保险法" not in body


def test_every_version_in_the_folder_says_that_it_is_a_sample() -> None:
    for text in texts.load().values():
        assert "样例" in filled(text)


def test_one_character_more_is_another_hash_text() -> None:
    text = texts.load()[LETTER]
    assert texts.canonical(filled(text)) != texts.canonical(filled(text, relative_name="[relative_namf]"))


@given(st.text(min_size=1, max_size=40))
def test_what_is_filled_in_never_becomes_markup_or_a_placeholder(value: str) -> None:
    text = texts.load()[LETTER]
    markup = filled(text, relative_name=value)
    assert markup.count("<") == filled(text).count("<")
    said = " ".join(unicodedata.normalize("NFC", value).split())
    if said.isprintable():
        assert said in texts.canonical(markup)


def test_setting_and_spaces_do_not_change_what_is_said() -> None:
    assert texts.canonical("<p>a  b</p>\n<p>c</p>") == texts.canonical("<h1 id='x'>a\tb</h1><li> c </li>") == "a b\nc"
    assert texts.canonical("<p>e\u0301</p>") == "é"
    assert texts.canonical("<p>&lt;b&gt; &amp;</p>") == "<b> &"


def source(**head: str) -> str:
    given = {
        "id": '"letter-x"',
        "version": '"1.0"',
        "kind": '"member_notice"',
        "lang": '"zh-CN"',
        "title": '"样例"',
        "topics": str(list(texts.TOPICS["member_notice"])),
        "fields": '["a"]',
        "body": "样例 {a}\n"
        + "".join(f"## {n}. T {{#{t}}}\nx\n" for n, t in enumerate(texts.TOPICS["member_notice"], 1)),
        **head,
    }
    body = given.pop("body")
    lines = [f"{name} = {value}" for name, value in given.items() if value]
    return "\n".join(["+++", *lines, "+++", body])


def test_a_text_as_it_should_be_is_taken() -> None:
    assert texts.parse("letter-x-1.0.md", source()).fields == ("a",)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ({"id": '"letter-y"'}, "file's name"),
        ({"version": '"1.1"'}, "file's name"),
        ({"version": ""}, "head"),
        ({"lang": "zh"}, "head"),
        ({"kind": '"poem"'}, "topics"),
        ({"topics": "[]"}, "topics"),
        ({"fields": "[]"}, "fields: a"),
        ({"fields": '["a", "b"]'}, "fields: b"),
        ({"title": '"x"'}, "样例"),
        ({"body": "no headings {a}"}, "headings"),
        ({"body": source().split("+++\n")[2].replace("## 2.", "## 3.")}, "not numbered"),
        ({"body": source().split("+++\n")[2].replace("{#data}\nx", "{#data}\n")}, "empty"),
    ],
)
def test_a_text_that_breaks_its_promise_stops_the_program(head: dict[str, str], message: str) -> None:
    with pytest.raises(texts.BadText, match=message) as caught:
        texts.parse("letter-x-1.0.md", source(**head))
    assert "texts/letter-x-1.0.md" in str(caught.value)


def test_a_file_without_a_head_is_refused() -> None:
    with pytest.raises(texts.BadText, match="head"):
        texts.parse("x.md", "# hello")
