from hypothesis import given
from hypothesis import strategies as st

from watcher.notify.fit import cut, fit, units

LINES = st.lists(st.text(st.characters(exclude_characters="\n\r"), max_size=60), min_size=1, max_size=60)
FOOT = ["", "Message 9c21f0"]


def test_telegram_counts_an_emoji_as_two() -> None:
    assert units("a😀") == 3


@given(LINES, st.integers(40, 3500))
def test_what_does_not_fit_is_cut_between_lines_and_counted(lines: list[str], limit: int) -> None:
    body = fit(lines, FOOT, limit)
    assert units(body) <= limit
    assert body.endswith("Message 9c21f0")
    whole = "\n".join([*lines, *FOOT])
    if units(whole) <= limit:
        assert body == whole
    elif len(lines) > 1:
        *kept, more = body.split("\n")[:-2]
        gone = len(lines) - len(kept)
        assert more == (f"… and {gone} more lines" if gone > 1 else "… and 1 more line")
        assert kept == lines[: len(kept)] or kept[0].endswith("…")


@given(st.text(), st.integers(1, 100))
def test_a_cut_text_is_short_enough_and_a_beginning(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert units(short) <= limit
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))
