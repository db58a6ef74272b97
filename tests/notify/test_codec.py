import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.model.codec import from_json, to_json
from watcher.model.digest import AlertLine, Cause, Digest
from watcher.model.message import (
    Closing,
    Link,
    Message,
    MinerLine,
    Say,
    Section,
    Severity,
    Since,
    State,
    TaskLine,
)

WORDS = st.text(st.characters(), max_size=20)
NAMES = st.text(st.characters(codec="utf-8"), max_size=20)
"""Of labels and tasks: they come out of a file or of JSON that was read."""
MAYBE = st.none() | WORDS
NUMBERS = st.integers(-(2**63), 2**63)
ROWS = st.builds(TaskLine, WORDS, MAYBE, MAYBE, MAYBE, WORDS, WORDS, MAYBE, MAYBE)
SECTIONS = st.builds(
    Section,
    rule=WORDS,
    summary=WORDS,
    state=st.sampled_from(State),
    severity=st.sampled_from(Severity),
    labels=st.dictionaries(NAMES, MAYBE, max_size=3),
    alerts=NUMBERS,
    alert_ids=st.lists(WORDS, max_size=3).map(tuple),
    new=NUMBERS,
    count=NUMBERS,
    total=st.none() | NUMBERS,
    tasks=st.dictionaries(NAMES, NUMBERS, max_size=3),
    reasons=st.lists(st.tuples(WORDS, NUMBERS), max_size=3).map(tuple),
    miners=st.lists(st.builds(MinerLine, WORDS, MAYBE, MAYBE, MAYBE), max_size=3).map(tuple),
    miners_total=NUMBERS,
    first_at=st.none() | NUMBERS,
    last_at=st.none() | NUMBERS,
    started_at=NUMBERS,
    ended_at=st.none() | NUMBERS,
    ended_by=MAYBE,
    late=st.booleans(),
    title=MAYBE,
    body=MAYBE,
    runbook=MAYBE,
    other_reasons=st.tuples(NUMBERS, NUMBERS),
    models=st.lists(st.tuples(WORDS, NUMBERS), max_size=3).map(tuple),
    links=st.lists(st.builds(Link, WORDS, WORDS), max_size=2).map(tuple),
    rows=st.lists(ROWS, max_size=3).map(tuple),
)
CLOSINGS = st.builds(
    Closing,
    batch=WORDS,
    task=WORDS,
    farm=WORDS,
    succeeded=NUMBERS,
    total=NUMBERS,
    statuses=st.dictionaries(NAMES, NUMBERS, max_size=3),
    models=st.lists(st.tuples(WORDS, NUMBERS, NUMBERS), max_size=3).map(tuple),
    reasons=st.lists(st.tuples(WORDS, NUMBERS), max_size=3).map(tuple),
    other_reasons=st.tuples(NUMBERS, NUMBERS),
    again=st.lists(st.builds(MinerLine, WORDS, MAYBE, MAYBE), max_size=3).map(tuple),
    again_total=NUMBERS,
    began_at=st.none() | NUMBERS,
    ended_at=st.none() | NUMBERS,
    rows=st.lists(ROWS, max_size=3).map(tuple),
)
LINES = st.builds(
    AlertLine,
    id=WORDS,
    rule=WORDS,
    severity=st.sampled_from(Severity),
    place=st.lists(WORDS, max_size=2).map(tuple),
    count=NUMBERS,
    started_at=NUMBERS,
    ended_at=st.none() | NUMBERS,
    ended_by=MAYBE,
)
DIGESTS = st.builds(
    Digest,
    cause=st.sampled_from(Cause),
    messages=NUMBERS,
    since=NUMBERS,
    standing=st.lists(LINES, max_size=2).map(tuple),
    standing_total=NUMBERS,
    over=st.lists(LINES, max_size=2).map(tuple),
    over_total=NUMBERS,
    passed=NUMBERS,
    rules=st.lists(st.tuples(WORDS, NUMBERS), max_size=2).map(tuple),
    farms=st.lists(st.tuples(WORDS, NUMBERS), max_size=2).map(tuple),
    others=st.lists(WORDS, max_size=2).map(tuple),
    unsaid=st.lists(st.tuples(WORDS, NUMBERS), max_size=2).map(tuple),
    died=st.lists(st.tuples(WORDS, WORDS, NUMBERS), max_size=2).map(tuple),
)
MESSAGES = st.builds(
    Message,
    id=WORDS,
    say=st.sampled_from(Say),
    channel=WORDS,
    severity=st.sampled_from(Severity),
    sections=st.lists(SECTIONS, max_size=3).map(tuple),
    at=NUMBERS,
    notes=st.lists(WORDS, max_size=2).map(tuple),
    unseen=st.none() | st.tuples(NUMBERS, NUMBERS),
    since=st.none() | st.builds(Since, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    closing=st.none() | CLOSINGS,
    digest=st.none() | DIGESTS,
    undelivered=MAYBE,
)


@given(MESSAGES)
def test_a_message_comes_back_as_it_was(message: Message) -> None:
    text = to_json(message)
    assert text.isascii()
    assert from_json(text) == message


def test_labels_keep_their_order(message: Message, firing: Section) -> None:
    labels = {"z": "1", "a": None, "m": "3"}
    back = from_json(to_json(replace(message, sections=(replace(firing, labels=labels),))))
    assert list(back.sections[0].labels.items()) == list(labels.items())


def test_what_is_no_message_is_refused() -> None:
    for text in ("", "{}", '{"id": 1}', "[]"):
        with pytest.raises(ValueError, match=r".+"):
            from_json(text)


def test_a_message_of_an_older_version_is_read_with_what_it_lacks(message: Message) -> None:
    old = json.loads(to_json(message))
    for name in ("since", "closing", "digest", "undelivered"):
        del old[name]
    for section in old["sections"]:
        for name in ("other_reasons", "models", "links", "rows"):
            del section[name]
        for miner in section["miners"]:
            del miner["url"]
    assert from_json(json.dumps(old)) == message
