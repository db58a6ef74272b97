"""The tests beside the rules, as operators write them: what happens, and what must fire and be sent by then."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema

from watcher.rules.quantities import DurationOrZero
from watcher.rules.validation import Part

Text = Annotated[str, Field(min_length=1, max_length=1000)]
_RANGE = re.compile(r"(.*?)(\d+)\.\.(.*?)(\d+)")
_MOST_MINERS = 10_000


def miners_of(said: object) -> tuple[str, ...]:
    """`m1`, `m1..m20`, or a list of these.

    Raises:
        ValueError: with a sentence for the operator.
    """
    if isinstance(said, tuple):
        return tuple(name for part in said for name in miners_of(part))
    if not isinstance(said, str) or not said:
        raise ValueError("expected a miner such as m1, a range such as m1..m20, or a list of them")
    found = _RANGE.fullmatch(said)
    if found is None:
        return (said,)
    prefix, first, again, last = found.groups()
    if again not in ("", prefix) or int(last) < int(first):
        raise ValueError(f"{said} is no range: write it like m1..m20")
    if int(last) - int(first) >= _MOST_MINERS:
        raise ValueError(f"a range has at most {_MOST_MINERS} miners")
    width = len(first) if first.startswith("0") else 0
    return tuple(f"{prefix}{number:0{width}d}" for number in range(int(first), int(last) + 1))


def _several(said: object) -> object:
    return (said,) if isinstance(said, str) else said


_MINERS_SCHEMA = {"type": ["string", "array"], "items": {"type": "string"}}
Miners = Annotated[tuple[str, ...], PlainValidator(miners_of), WithJsonSchema(_MINERS_SCHEMA)]
Several = Annotated[tuple[Text, ...], BeforeValidator(_several)]


class GivenPart(Part):
    """Something that happens: a task enters a status. What is not named is carried over from the task so far."""

    at: DurationOrZero
    status: Text
    id: Text | None = None
    task: Text | None = None
    miner: Miners = ()
    batch: Text | None = None
    farm: Text | None = None
    actor: Text | None = None
    agent_status: Text | None = None
    error: Text | None = None
    log: Several | None = None
    payload: dict[str, Any] | None = None
    result: Any = None
    ip: Text | None = None
    mac: Text | None = None
    serial: Text | None = None
    make: Text | None = None
    model: Text | None = None
    firmware: Text | None = None
    firmware_version: Text | None = None
    rack: Text | None = None
    location: Text | None = None
    mining_mode: Text | None = None
    lifecycle: Text | None = None
    health: Several | None = None


class SentPart(Part):
    """A message that was sent since the last expectation. `contains`: texts that are in it."""

    channel: Text | None = None
    contains: Several = ()
    reason: Text | None = None


class ExpectPart(Part):
    """What must be so at a moment: exactly these alerts fire, exactly these messages were sent since the last one."""

    at: DurationOrZero
    firing: tuple[dict[str, Any], ...] | None = None
    sent: tuple[SentPart, ...] | None = None


class TestPart(Part):
    """One test. `rules`: those that are run; without it all of the file."""

    __test__ = False

    name: Text
    rules: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    given: Annotated[tuple[GivenPart, ...], Field(min_length=1)]
    expect: Annotated[tuple[ExpectPart, ...], Field(min_length=1)]
