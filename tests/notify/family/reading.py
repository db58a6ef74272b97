"""What a reader sees of a family's markup: the words, the links and the tags; or why the markup is not sound."""

import html
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

CHAT_TAGS = frozenset({"b", "code", "a"})
MAIL_TAGS = CHAT_TAGS | {"html", "head", "meta", "body", "div", "p", "ul", "li"}
_VOID = frozenset({"meta"})


class Unsound(AssertionError):
    """The markup holds what its renderer never writes."""


@dataclass
class Read:
    text: str = ""
    links: list[str] = field(default_factory=list)
    bold: list[str] = field(default_factory=list)


def read_html(markup: str, tags: frozenset[str]) -> Read:
    """Strict: every tag is known and closed in order, every sign that means something is escaped."""
    reader = _Reader(tags)
    reader.feed(markup)
    reader.close()
    if reader.open:
        raise Unsound(f"<{reader.open[-1]}> is not closed")
    return reader.read


class _Reader(HTMLParser):
    def __init__(self, tags: frozenset[str]) -> None:
        super().__init__(convert_charrefs=False)
        self.read = Read()
        self.open: list[str] = []
        self._tags = tags

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self._tags:
            raise Unsound(f"<{tag}>")
        strange = [name for name, _ in attrs if name not in ("href", "style", "lang", "charset", "name", "content")]
        if strange:
            raise Unsound(f"<{tag} {strange[0]}=…>")
        self.read.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise Unsound(f"</{tag}> closes nothing")
        self.read.text += "\n" if tag in ("p", "li") else ""

    def handle_data(self, data: str) -> None:
        if {"<", ">", "&"} & set(data):
            raise Unsound(f"unescaped: {data[:60]!r}")
        self.read.text += data
        if "b" in self.open:
            self.read.bold.append(data)

    def handle_entityref(self, name: str) -> None:
        if name not in ("amp", "lt", "gt", "quot"):
            raise Unsound(f"&{name};")
        self.read.text += html.unescape(f"&{name};")

    def handle_charref(self, name: str) -> None:
        if name != "x27":
            raise Unsound(f"&#{name};")
        self.read.text += "'"

    def handle_comment(self, data: str) -> None:
        raise Unsound(f"<!--{data}")

    def handle_pi(self, data: str) -> None:
        raise Unsound(f"<?{data}")

    def unknown_decl(self, data: str) -> None:
        raise Unsound(f"<![{data}")


_CONTROL = re.compile(r"<([^<>|]*)\|([^<>|]*)>")
_MARKED = re.compile(r"(?<![^\W_])([*_~])(?=\S)[^\n]*?\S\1(?![^\W_])|`")


def read_mrkdwn(text: str) -> Read:
    """Slack's: `<url|words>` is a link, everything else in angle brackets is alive and not ours."""
    read = Read()

    def link(found: re.Match[str]) -> str:
        if not found[1].startswith("https://"):
            raise Unsound(found[0])
        read.links.append(found[1].replace("&amp;", "&"))
        return found[2]

    text = _CONTROL.sub(link, text)
    for line in text.split("\n"):
        inner = line[1:-1] if line.startswith("*") and line.endswith("*") else line
        if _MARKED.search(inner) or line.startswith(("&gt;", ">")):
            raise Unsound(f"formatted: {line[:80]!r}")
    if re.search(r"[<>]|&(?!(?:amp|lt|gt);)", text):
        raise Unsound(f"unescaped: {text!r}")
    read.text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return read


_LINK = re.compile(r"\[((?:\\.|[^\\\[\]])*)\]\(<([^<>\s]+)>\)")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_ALIVE = re.compile(r"[`*_~|<>\[\]]|[@#](?=\w)|^(?:[-+=]|\d+[.)] )", re.MULTILINE)


def read_markdown(text: str) -> Read:
    """Discord's and Mattermost's: bold lines, points of lists and links are ours; all else must be escaped."""
    read = Read()

    def link(found: re.Match[str]) -> str:
        read.links.append(found[2])
        return found[1]

    lines = []
    for line in _LINK.sub(link, text).split("\n"):
        inner = line[2:-2] if line.startswith("**") and line.endswith("**") else line.removeprefix("- ")
        alive = _ALIVE.search(_ESCAPED.sub("\N{MIDDLE DOT}", inner))
        if alive:
            raise Unsound(f"alive: {alive[0]!r} in {line[:80]!r}")
        lines.append(_ESCAPED.sub(r"\1", inner))
    read.text = "\n".join(lines)
    return read
