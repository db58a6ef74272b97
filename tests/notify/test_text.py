import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.notify.text import BREAK, clean, clean_lines, inert, inert_lines, task_name

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


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("http://evil.example/x", "http|://evil|.example/x"),
        ("tg://resolve", "tg|://resolve"),
        ("see evil.com.", "see evil|.com."),
        ("www.evil.co.uk", "www|.evil|.co|.uk"),
        ("www.e", "www|.e"),
        ("ops@evil.org", "ops@evil|.org"),
        ("mailto:ops tel:123", "mailto|:ops tel|:123"),
        ("10.0.3.1 v1.2 S21 Pro 16:04 and/or e.g. x", None),
    ],
)
def test_nothing_can_become_a_link(foreign: str, shown: str | None) -> None:
    assert inert(foreign).replace(BREAK, "|") == (foreign if shown is None else shown)
    assert inert_lines(foreign).replace(BREAK, "") == foreign


@pytest.mark.parametrize(
    ("task", "shown"),
    [
        ("miner.firmware.update", None),
        ("miner.system.reboot", None),
        ("miner.evil.com", "miner.evil.|com"),
        ("www.evil.com", "www|.evil|.com"),
        ("http://evil.com", "http|://evil|.com"),
    ],
)
def test_a_task_s_name_can_be_copied(task: str, shown: str | None) -> None:
    assert task_name(task).replace(BREAK, "|") == (task if shown is None else shown)


def test_breaking_links_takes_no_time() -> None:
    """Nothing in it looks further than a few signs ahead."""
    assert inert_lines("a.aa" * 100_000).count(BREAK) == 100_000
