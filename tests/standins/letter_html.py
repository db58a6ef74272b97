"""The HTML of a letter, read for what a mail program would do with it: the text that is seen, the links, and whatever
has no place in an alert (scripts, forms, remote images, event handlers)."""

import re
from html.parser import HTMLParser

from tests.standins.verdict import Live, Seen

_TAGS = frozenset({
    "html", "head", "title", "meta", "body", "style", "div", "p", "span", "br", "hr", "b", "strong", "i", "em", "u",
    "s", "del", "small", "code", "pre", "blockquote", "h1", "h2", "h3", "h4", "ul", "ol", "li", "dl", "dt", "dd", "a",
    "img", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "center", "font",
})  # fmt: skip
_VOID = frozenset({"meta", "br", "hr", "img"})
_UNSEEN = frozenset({"head", "title", "style"})
_BREAKS = frozenset(
    {"div", "p", "br", "hr", "h1", "h2", "h3", "h4", "li", "tr", "table", "blockquote", "pre", "dt", "dd"}
)
_CELLS = frozenset({"td", "th"})
_BARE_AMPERSAND = re.compile(r"&(?!#\d{1,7};|#[xX][0-9a-fA-F]{1,6};|[a-zA-Z][a-zA-Z0-9]*;)")
_BARE_BRACKET = re.compile(r"<(?![a-zA-Z/!])")
_REMOTE_STYLE = re.compile(r"url\s*\(|@import|expression\s*\(|javascript:", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:https?://|mailto:)[^\s]+", re.IGNORECASE)


class BadHtml(Exception):
    """What is wrong, in words."""


def seen_html(html: str) -> Seen:
    """The text that is seen and the links.

    Raises:
        BadHtml: for what is no HTML, or has no place in a letter.
    """
    for pattern, what in ((_BARE_AMPERSAND, "an unescaped &"), (_BARE_BRACKET, "an unescaped <")):
        found = pattern.search(html)
        if found:
            raise BadHtml(f"{what}: {html[max(0, found.start() - 20) : found.start() + 20]!r}")
    reader = _Reader()
    reader.feed(html)
    reader.close()
    if reader.open:
        raise BadHtml(f"<{reader.open[-1]}> is never closed")
    lines = (" ".join(line.split()) for line in "".join(reader.shown).split("\n"))
    return Seen("\n".join(line for line in lines if line), tuple(reader.live))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.shown: list[str] = []
        self.live: list[Live] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            raise BadHtml(f"<{tag}> has no place in a letter")
        names = [name for name, _ in attrs]
        if len(set(names)) < len(names):
            raise BadHtml(f"<{tag}> has an attribute twice")
        for name, value in attrs:
            self._attribute(tag, name, value or "")
        if tag in _BREAKS:
            self.shown.append("\n")
        elif tag in _CELLS:
            self.shown.append(" ")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            raise BadHtml(f"<{tag}/> closes nothing")
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            raise BadHtml(f"</{tag}> ends {self.open[-1] if self.open else 'nothing'}")
        self.open.pop()
        if tag in _BREAKS:
            self.shown.append("\n")

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            if _REMOTE_STYLE.search(data):
                raise BadHtml("a style that loads something")
        elif not _UNSEEN.intersection(self.open):
            self.shown.append(data)

    def handle_comment(self, data: str) -> None:
        raise BadHtml(f"a comment, which some mail programs read: {data[:40]!r}")

    def handle_decl(self, decl: str) -> None:
        if decl.lower() != "doctype html":
            raise BadHtml(f"<!{decl[:40]}>")

    def unknown_decl(self, data: str) -> None:
        raise BadHtml(f"<![{data[:40]}")

    def handle_pi(self, data: str) -> None:
        raise BadHtml(f"<?{data[:40]}")

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on"):
            raise BadHtml(f"<{tag}> has an event handler, {name}")
        if name == "style" and _REMOTE_STYLE.search(value):
            raise BadHtml(f"<{tag}> has a style that loads something")
        if name == "http-equiv" and value.lower() == "refresh":
            raise BadHtml("a page that leads elsewhere by itself")
        if tag == "a" and name == "href":
            if not _ADDRESS.fullmatch(value):
                raise BadHtml(f"a link to {value[:60]!r}")
            self.live.append(Live("link", value))
        elif tag == "img" and name == "src":
            if not value.startswith("cid:"):
                raise BadHtml(f"a remote image, {value[:60]!r}")
        elif name in {"src", "srcset", "background", "href", "action", "formaction", "ping", "poster", "data"}:
            raise BadHtml(f"<{tag}> has {name}")
