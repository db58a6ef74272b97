from hypothesis import given
from hypothesis import strategies as st

from watcher.notify.document import Document, Gives, Listing, Part, plain
from watcher.notify.family.plain import written
from watcher.notify.fit import cut, sized, units
from watcher.notify.rows import rows
from watcher.notify.text import Kind

NOTES = Listing(Gives.NOTES, (), "note")
WORDS = st.text(st.characters(exclude_characters="\n\r"), max_size=40).map(plain)


def document(*parts: Part) -> Document:
    return Document(Kind.INFO, "🔵", "Headline", parts, NOTES, plain("Message 9c21f0"), "9c21f0")


def part(number: int, *blocks: Listing) -> Part:
    fixed = plain(f"rule {number}: {number} tasks")
    return Part(plain(f"Rule {number}"), (fixed, *blocks), fixed, fixed, number, 1)


def measure(one: Document) -> int:
    return units(written(rows(one)))


def test_telegram_counts_an_emoji_as_two() -> None:
    assert units("a😀") == 3


@given(st.lists(WORDS, max_size=60), st.lists(WORDS, max_size=10), st.integers(120, 3500))
def test_what_does_not_fit_is_cut_between_lines_and_counted(miners: list, reasons: list, limit: int) -> None:  # type: ignore[type-arg]
    whole = document(
        part(1, Listing(Gives.MINERS, tuple(miners), "miner"), Listing(Gives.REASONS, tuple(reasons), "reason"))
    )
    shown = sized(whole, measure, limit)
    assert measure(shown) <= limit
    text = written(rows(shown))
    assert text.endswith("Message 9c21f0")
    if measure(whole) <= limit:
        assert shown == whole
        return
    kept = {block.gives: block for block in shown.parts[0].blocks if isinstance(block, Listing)}
    if len(kept) == 2:
        gone = len(miners) - len(kept[Gives.MINERS].lines)
        assert kept[Gives.MINERS].more == gone
        assert not gone or f"{gone:,} more miner" in text or f"{gone:,} miner" in text
        assert not kept[Gives.REASONS].more or not kept[Gives.MINERS].lines, "miners give way before reasons"


def test_as_much_stays_as_there_is_room_for() -> None:
    miners = Listing(Gives.MINERS, tuple(plain(f"miner-{number}") for number in range(40)), "miner")
    shown = sized(document(part(1, miners)), measure, 200)
    (listing,) = [block for block in shown.parts[0].blocks if isinstance(block, Listing)]
    one_more = document(part(1, miners)).capped(Gives.MINERS, len(listing.lines) + 1)
    assert measure(shown) <= 200 < measure(one_more)


def test_parts_that_find_no_room_are_added_up() -> None:
    shown = sized(document(*(part(number, NOTES) for number in range(1, 101))), measure, 400)
    text = written(rows(shown))
    kept = len(shown.parts)
    assert 0 < kept < 100
    assert shown.rest is not None
    assert shown.rest in text
    assert shown.dropped == (100 - kept, sum(range(kept + 1, 101)), 100 - kept)


def test_a_list_that_lost_lines_tells_what_they_stood_for() -> None:
    reasons = Listing(
        Gives.REASONS, (plain("a"), plain("b"), plain("c")), "reason", figures=(5, 4, 3), more=2, more_figures=2
    )
    assert reasons.capped(1).rest == "and 4 more reasons (9×)"
    assert reasons.capped(0).rest == "5 reasons (14×)"
    assert reasons.rest == "and 2 more reasons (2×)"


@given(st.text(), st.integers(1, 100))
def test_a_cut_text_is_short_enough_and_a_beginning(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert units(short) <= limit
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))
