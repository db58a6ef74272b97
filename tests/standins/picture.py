"""Lines of text as an SVG of a phone's width: wrapped by estimated widths, since whoever looks has other fonts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from html import escape

WIDTH = 390
_FAMILY = "-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
_MONO = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_NARROW, _WIDE = frozenset("iljtfrI.,:;'|!()[]· "), frozenset("mwMW@%×–—")
_SIGNS = {"🔴": "#d32f2f", "🟠": "#ef6c00", "🟢": "#2e7d32", "🔵": "#1565c0"}
_LEADING = 1.38


@dataclass(frozen=True, slots=True)
class Run:
    """Words of one look."""

    text: str
    bold: bool = False
    code: bool = False
    link: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Args:
    indent: where it begins, and where a line that was wrapped goes on (px).
    above: the space above it (px).
    """

    runs: tuple[Run, ...]
    size: float = 15
    colour: str = "#1d1c1d"
    indent: tuple[float, float] = (0, 0)
    above: float = 0


@dataclass(slots=True)
class Canvas:
    """What was drawn so far, down to `y`."""

    background: str
    link: str = "#1264a3"
    code: str = "#b3261e"
    y: float = 0
    _drawn: list[str] = field(default_factory=list)

    def shape(self, markup: str) -> None:
        self._drawn.append(markup)

    def under(self, drawn_before: int, markup: str) -> None:
        """Put a shape under everything that was drawn since."""
        self._drawn.insert(drawn_before, markup)

    @property
    def mark(self) -> int:
        return len(self._drawn)

    def write(self, paragraphs: Iterable[Paragraph], left: float, width: float) -> None:
        for paragraph in paragraphs:
            self.y += paragraph.above
            for number, line in enumerate(_wrapped(paragraph, width)):
                self.y += paragraph.size * _LEADING
                self._line(line, left + paragraph.indent[number > 0], paragraph)

    def _line(self, line: list[Run], x: float, paragraph: Paragraph) -> None:
        sign = line[0].text[:1] if line else ""
        if sign in _SIGNS:
            radius = paragraph.size * 0.38
            self.shape(
                f'<circle cx="{x + radius:.1f}" cy="{self.y - radius * 0.9:.1f}" r="{radius:.1f}" '
                f'fill="{_SIGNS[sign]}"/>'
            )
            x += paragraph.size * 1.15
            line = [replace(line[0], text=line[0].text[1:].lstrip()), *line[1:]]
        spans = "".join(self._span(run) for run in line)
        self.shape(
            f'<text x="{x:.1f}" y="{self.y:.1f}" font-size="{paragraph.size:g}" fill="{paragraph.colour}">'
            f"{spans}</text>"
        )

    def _span(self, run: Run) -> str:
        look = ' font-weight="700"' if run.bold else ""
        if run.code:
            look += f' font-family="{_MONO}" font-size="88%" fill="{self.code}"'
        if run.link:
            look += f' fill="{self.link}"'
        words = escape(run.text, quote=False)
        return f"<tspan{look}>{words}</tspan>" if look else words

    def svg(self, title: str) -> str:
        height = round(self.y + 14)
        body = "\n".join(self._drawn)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" role="img" font-family="{_FAMILY}" xml:space="preserve">\n'
            f"<title>{escape(title)}</title>\n"
            f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="14" fill="{self.background}" '
            f'stroke="#d0d7de"/>\n{body}\n</svg>\n'
        )


def _wrapped(paragraph: Paragraph, width: float) -> Iterator[list[Run]]:
    line: list[Run] = []
    first, other = paragraph.indent
    room = width - first
    for word in _words(paragraph.runs):
        rest = word
        if line and _width(rest, paragraph.size) > room:
            yield line
            line, room = [], width - other
            rest = replace(rest, text=rest.text.lstrip())
        while _width(rest, paragraph.size) > room:  # longer than a line
            fits = sum(_width(_part(rest, 0, n), paragraph.size) <= room for n in range(1, len(rest.text)))
            yield [_part(rest, 0, fits)]
            rest = _part(rest, fits, len(rest.text))
        line.append(rest)
        room -= _width(rest, paragraph.size)
    if line:
        yield line


def _part(word: Run, start: int, end: int) -> Run:
    return replace(word, text=word.text[start:end])


def _words(runs: Iterable[Run]) -> Iterator[Run]:
    """Each with the space before it."""
    for run in runs:
        word = ""
        for sign in run.text:
            if sign == " " and word.strip():
                yield replace(run, text=word)
                word = ""
            word += sign
        if word:
            yield replace(run, text=word)


def _width(run: Run, size: float) -> float:
    if run.code:
        return len(run.text) * 0.61 * 0.88 * size
    ems = sum(_em(sign) for sign in run.text)
    return ems * size * (1.07 if run.bold else 1.0)


def _em(sign: str) -> float:
    if sign in _SIGNS:
        return 1.15
    if sign in _NARROW:
        return 0.31
    return 0.86 if sign in _WIDE else 0.7 if sign.isupper() else 0.565
