import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.notify.text import clean, clean_lines

ANY = st.text(st.characters(), max_size=400)


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("S21 Pro", "S21 Pro"),
        ("Scheune Süd ✓ 矿机", "Scheune Süd ✓ 矿机"),
        ("a\r\nBcc: x@evil.example", "a Bcc: x@evil.example"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x07", "link"),
        ("nul\0bell\a", "nulbell"),
        ("\u202egnp.exe", "gnp.exe"),
        ("\u2066a\u2069", "a"),
        ("zero\u200bwidth\ufeff\u00ad", "zerowidth"),
        ("\u3164\u2800", ""),
        ("lone \ud800", "lone \ufffd"),
        ("@here @everyone pool@host", "\uff20here \uff20everyone pool@host"),
        ("{{7*7}} {0.__class__} %n ${x}", "{{7*7}} {0.__class__} %n ${x}"),
        ("x" * 10_000, "x" * 127 + "…"),
    ],
)
def test_what_machines_wrote_becomes_one_harmless_line(foreign: str, shown: str) -> None:
    assert clean(foreign) == shown


@given(ANY)
def test_a_clean_line_is_short_visible_and_encodable(foreign: str) -> None:
    line = clean(foreign)
    assert len(line) <= 128
    assert len(line.splitlines()) <= 1
    assert not {unicodedata.category(sign) for sign in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    line.encode()


@given(ANY)
def test_cleaning_twice_changes_nothing(foreign: str) -> None:
    assert clean(clean(foreign)) == clean(foreign)


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"], exclude_characters="@"), max_size=120))
def test_plain_words_stay_as_they_are(foreign: str) -> None:
    assert clean(foreign) == " ".join(foreign.split())


@given(ANY)
def test_a_template_keeps_its_lines_and_nothing_else_invisible(foreign: str) -> None:
    text = clean_lines(foreign)
    assert not {unicodedata.category(sign) for sign in text.replace("\n", "")} & {"Cc", "Cf", "Cs"}
