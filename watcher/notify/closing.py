"""What a message says of a batch that is over."""

from collections.abc import Iterator
from datetime import tzinfo

from watcher.model.message import Closing
from watcher.model.times import Millis, duration_text
from watcher.notify.document import Block, Gives, Listing, Part, Span, Style, joined, plain
from watcher.notify.moments import counted, moment
from watcher.notify.sections import linked, miners, reasons
from watcher.notify.text import inert, task_name

_MODELS = 6


def closing_headline(closing: Closing) -> str:
    """`Batch over: 840 of 900 miner.firmware.update succeeded, North Barn`."""
    word = "done" if closing.succeeded == closing.total else "over"
    return f"Batch {word}: {_share(closing)} {task_name(closing.task)} succeeded, {inert(closing.farm)}"


def closing_part(closing: Closing, present: Millis, zone: tzinfo) -> Part:
    short = plain(f"{_share(closing)} succeeded, {counted(closing.again_total, 'miner')} to do again")
    return Part(None, tuple(_blocks(closing, present, zone)), short, short, closing.total)


def _share(closing: Closing) -> str:
    return f"{closing.succeeded:,} of {closing.total:,}"


def _blocks(closing: Closing, present: Millis, zone: tzinfo) -> Iterator[Block]:
    others = [f"{count:,} {inert(status)}" for status, count in closing.statuses.items()]
    again = f"; {counted(closing.again_total, 'miner')} to do again" if closing.again_total else ""
    yield plain(f"{', '.join([f'{_share(closing)} succeeded', *others])}{again}")
    yield plain(_when(closing, present, zone))
    yield from reasons(closing.reasons, closing.other_reasons)
    if closing.models:
        yield Listing(
            Gives.MODELS,
            tuple(plain(f"{inert(model)} ({good:,} of {total:,})") for model, good, total in closing.models),
            "model",
            head="By model:",
            inline=True,
            figures=tuple(total - good for _, good, total in closing.models),
        ).capped(_MODELS)
    yield from miners(closing.again, closing.again_total, "To do again:")
    batch = (Span("Batch "), Span(inert(closing.batch), Style.CODE))
    actor = plain(f", started by {inert(closing.actor)}") if closing.actor else ()
    yield (*(joined((linked(link) for link in closing.links), " · ") or batch), *actor)


def _when(closing: Closing, present: Millis, zone: tzinfo) -> str:
    if closing.ended_at is None:
        return "Over; nobody says since when"
    ended = f"Over at {moment(closing.ended_at, present, zone)}"
    if closing.began_at is None:
        return ended
    return f"{ended}, {duration_text(closing.ended_at - closing.began_at)} after it began"
