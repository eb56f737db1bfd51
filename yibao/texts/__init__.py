"""The texts people read and sign: versioned Markdown with a head that says what must be in it.

`load` checks every file when the program starts: name, required topics, placeholders, the 样例 mark. A text in
force is never edited; a change is a new version in a new file.
"""

import html
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

TOPICS = {
    "notice": ("what", "who", "age", "materials", "checks", "letter", "visibility", "time", "change", "contact"),
    "letter": (
        "parties",
        "truth",
        "consent",
        "purpose",
        "duty",
        "consequence",
        "guardian",
        "mutual_aid",
        "safekeeping",
        "closing",
    ),
    "member_notice": ("added", "data", "rights", "age", "count", "effects", "separate", "unbind"),
}
HEADING = re.compile(r"^## (\d+)\. (.+) \{#([a-z_]+)\}$", re.MULTILINE)
PLACE = re.compile(r"\{([a-z_]+)\}")
BLOCK_END = re.compile(r"</(?:h1|h2|p|li)>")
TAG = re.compile(r"<[^>]*>")


class BadText(ValueError):
    """A text file is not what its head promises; the message names file and key."""


@dataclass(frozen=True)
class Text:
    """One version of one text. `body` is Markdown with `{placeholders}`."""

    id: str
    version: str
    kind: str
    lang: str
    title: str
    topics: tuple[str, ...]
    fields: tuple[str, ...]
    body: str

    def html(self, values: Mapping[str, str]) -> str:
        """The text with its placeholders filled. Raises KeyError for a missing one."""
        return "".join(_html(line, values) for line in self.body.split("\n") if line.strip())


@cache
def load() -> Mapping[tuple[str, str], Text]:
    """Every text by (id, version). Raises BadText."""
    found = {}
    for path in sorted(files(__package__).iterdir(), key=lambda entry: entry.name):
        if path.name.endswith(".md"):
            text = parse(path.name, path.read_text("utf-8"))
            found[text.id, text.version] = text
    return found


def parse(name: str, content: str) -> Text:
    """One file. Raises BadText."""
    try:
        _, head, body = content.replace("\r\n", "\n").split("+++\n", 2)
        given = tomllib.loads(head)
        text = Text(**{**given, "topics": tuple(given["topics"]), "fields": tuple(given["fields"])}, body=body)
    except (ValueError, KeyError, TypeError) as error:
        raise BadText(f"texts/{name}: head: {error}") from error
    _check(name, text)
    return text


def _check(name: str, text: Text) -> None:
    if name != f"{text.id}-{text.version}.md":
        raise BadText(f"texts/{name}: id, version: the file's name says otherwise")
    if text.kind not in TOPICS or text.topics != TOPICS[text.kind]:
        raise BadText(f"texts/{name}: topics: not the topics of a {text.kind}")
    headings = HEADING.findall(text.body)
    if [topic for _, _, topic in headings] != list(text.topics):
        raise BadText(f"texts/{name}: headings: {[topic for _, _, topic in headings]} instead of the topics")
    if [int(number) for number, _, _ in headings] != list(range(1, len(headings) + 1)):
        raise BadText(f"texts/{name}: headings: not numbered 1, 2, 3, …")
    if any(not section.strip() for section in HEADING.split(text.body)[4::4]):
        raise BadText(f"texts/{name}: headings: a section is empty")
    if used := set(PLACE.findall(text.body)) ^ set(text.fields):
        raise BadText(f"texts/{name}: fields: {min(used)} is used but not listed, or listed but not used")
    if "样例" not in text.title or "样例" not in text.body:
        raise BadText(f"texts/{name}: title: 样例 must be visible")


def _html(line: str, values: Mapping[str, str]) -> str:
    """One line as one block; what is filled in cannot become markup, a line or another placeholder."""
    heading = HEADING.match(line)
    if heading:
        return f'<h2 id="{heading[3]}">{heading[1]}. {html.escape(heading[2])}</h2>'
    tag, line = next(
        (tag, line.removeprefix(mark))
        for mark, tag in (("# ", "h1"), ("- ", "li"), ("", "p"))
        if line.startswith(mark)
    )
    filled = PLACE.sub(lambda place: html.escape(" ".join(values[place[1]].split())), html.escape(line, quote=False))
    return f"<{tag}>{filled}</{tag}>"


def canonical(markup: str) -> str:
    """What is said, without how it is set: one line per block, NFC, LF, single spaces."""
    plain = html.unescape(TAG.sub("", BLOCK_END.sub("\n", markup)))
    lines = (" ".join(line.split()) for line in unicodedata.normalize("NFC", plain).split("\n"))
    return "\n".join(line for line in lines if line)
