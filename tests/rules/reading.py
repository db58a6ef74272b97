"""A second, slow reading of the rule language, made from its document alone: what fires when in a finished history.
It shares no code with the engine; the differential tests compare the two. Times and durations are whole milliseconds.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction
from random import Random
from statistics import NormalDist
from typing import Any, NamedTuple

Row = dict[str, Any]
Rule = dict[str, Any]
Match = Mapping[str, Any]
By = tuple[str | None, ...]

OPEN = ("created", "queuing", "pending")
FINAL = ("succeed", "failed", "timed_out", "cancelled")
LIFE = OPEN + FINAL
NUMERIC = ("duration", "queue_time")
FARM_AND_MINER = ("farm", "farm_id", "miner", "model", "health")
CONDITIONS = ("each", "count", "ratio", "stuck", "absent", "sequence", "spike", "new")
DEFAULT_BY = {
    "each": ("farm", "task", "miner"),
    "stuck": ("farm", "task", "miner"),
    "sequence": ("farm", "miner"),
}
UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "": operator.eq,
}
MINUTE = UNITS["m"]
START = 29_166_667 * MINUTE
"""The first moment of the histories that `random_rows` makes; a whole minute."""
HISTORY = 120 * MINUTE
"""How long after START their last task can be created."""


class Found(NamedTuple):
    """One episode: `ended_at` is None while it still fires, `total` is None except for `ratio`."""

    rule: str
    by: By
    started_at: int
    ended_at: int | None
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody asks for here
    total: int | None


@dataclass(frozen=True, slots=True)
class Measure:
    """A condition at one moment."""

    true: bool
    count: int
    total: int | None = None


class Stretch(NamedTuple):
    """From `start` on, until just before `end`; None is 'not over yet'."""

    start: int
    end: int | None


@dataclass(frozen=True, eq=False)
class Event:
    """One transition, with every field that a rule can name."""

    at: int
    key: int
    status: str
    created: int | None
    fields: Mapping[str, Any]
    payload: Mapping[str, Any] | None

    @property
    def order(self) -> tuple[int, int, int]:
        return self.at, self.key, LIFE.index(self.status)


@dataclass(frozen=True)
class Alert:
    """What one alert of a rule has to go by: the transitions of its `by` values, and all of them (for `resolve`)."""

    rule: Rule
    fields: tuple[str, ...]
    """The names of the rule's `by`."""
    own: list[Event]
    history: list[Event]

    @property
    def match(self) -> Match:
        return self.rule.get("match") or {}

    @property
    def matching(self) -> list[Event]:
        """E, in the document's words."""
        return [event for event in self.own if fits(self.match, event) and self.allows(event)]

    def allows(self, event: Event) -> bool:
        """What `where` says, in our own words."""
        return "where" not in self.rule or WHERES[self.rule["where"]](event)


class Judge(NamedTuple):
    """A condition of one alert: it can change at an event, and these delays after one, and at no other moment."""

    delays: list[int]
    measure: Callable[[int], Measure]


def episodes(rule: Rule, rows: list[Row], until: int) -> list[Found]:
    """Every episode of a rule over a history that is completely known up to `until` (ms, inclusive).

    Args:
        rule: As the YAML file would load; exactly one condition, or none for `each`.
        rows: The tasks; transitions after `until` do not exist yet.
        until: The last moment that is judged; what would happen later has not happened.

    Returns:
        Sorted by the `by` values (a missing one as "") and the time of firing.
    """
    history = events_of(rows, until)
    fields = by_of(rule)
    found = [
        episode
        for by in {values(event, fields) for event in history}
        for episode in _episodes_of_alert(rule, fields, by, history, until)
    ]
    return sorted(found, key=lambda one: (tuple(value or "" for value in one.by), one.started_at))


def _episodes_of_alert(
    rule: Rule, fields: tuple[str, ...], by: By, history: list[Event], until: int
) -> Iterator[Found]:
    alert = Alert(rule, fields, [event for event in history if values(event, fields) == by], history)
    judge = JUDGES[condition_of(rule)](alert)
    moments = {event.at + delay for event in history for delay in [0, *judge.delays] if event.at + delay <= until}
    measured = {moment: judge.measure(moment) for moment in sorted(moments)}
    wait, keep = milliseconds(rule.get("for", "0s")), milliseconds(rule.get("keep_firing_for", "0s"))
    for start, end in firings(true_stretches(measured), wait, keep, until):
        while_firing = {start: judge.measure(start)}
        while_firing |= {at: one for at, one in measured.items() if at >= start and (end is None or at < end)}
        _, top = max(
            ((at, one) for at, one in while_firing.items() if one.true), key=lambda pair: (pair[1].count, pair[0])
        )
        yield Found(rule["name"], by, start, end, top.count, top.total)


def true_stretches(measured: Mapping[int, Measure]) -> list[Stretch]:
    """Where a condition was true, from its measures in the order of time; each holds until the next one."""
    stretches: list[Stretch] = []
    since: int | None = None
    for at, one in measured.items():
        if one.true and since is None:
            since = at
        elif not one.true and since is not None:
            stretches.append(Stretch(since, at))
            since = None
    return stretches if since is None else [*stretches, Stretch(since, None)]


def firings(stretches: Iterable[Stretch], wait: int, keep: int, until: int) -> list[Stretch]:
    """Fine print 10: from the stretches where the condition is true to those where the alert fires."""
    done: list[Stretch] = []
    firing_since: int | None = None
    gone_at: int | None = None
    for start, end in stretches:
        if firing_since is not None and gone_at is not None:
            if start <= gone_at + keep:
                gone_at = end
                continue
            done.append(Stretch(firing_since, gone_at + keep))
            firing_since = None
        fires_at = start + wait
        if fires_at <= until and (end is None or fires_at < end):
            firing_since, gone_at = fires_at, end
    if firing_since is not None:
        over = gone_at is not None and gone_at + keep <= until
        done.append(Stretch(firing_since, gone_at + keep if gone_at is not None and over else None))
    return done


# --- transitions, matches, durations ---


def events_of(rows: Iterable[Row], until: int) -> list[Event]:
    """The transitions up to `until`, in their order."""
    events = [_event(row, status, at) for row in rows for status, at in row["times"].items() if at <= until]
    return sorted(events, key=lambda event: event.order)


def _event(row: Row, status: str, at: int) -> Event:
    times: Mapping[str, int] = row["times"]
    created, pending = times.get("created"), times.get("pending")
    begun = status == "pending" or (status in FINAL and pending is not None)
    names = ("task", "farm", "miner", "batch", "model", "actor", "error", "log", "health")
    fields = {name: row.get(name) for name in names}
    fields |= {"farm_id": row["farm"], "status": status}
    fields["duration"] = at - pending if status in FINAL and pending is not None else None
    fields["queue_time"] = pending - created if begun and pending is not None and created is not None else None
    return Event(at, row["key"], status, created, fields, row["payload"])


def condition_of(rule: Rule) -> str:
    return next((name for name in CONDITIONS if name in rule), "each")


def by_of(rule: Rule) -> tuple[str, ...]:
    return tuple(rule["by"]) if "by" in rule else DEFAULT_BY.get(condition_of(rule), ("farm",))


def values(event: Event, fields: Iterable[str]) -> By:
    return tuple(event.fields[name] for name in fields)


def milliseconds(text: str) -> int:
    """A duration such as `90s` or `1h30m`, in ms."""
    if not re.fullmatch(r"(\d+(ms|s|m|h|d))+", text):
        raise ValueError(f"no duration: {text}")
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|s|m|h|d)", text))


def percentage(text: str) -> Fraction:
    return Fraction(text.removesuffix("%").strip()) / 100


def fits(match: Match, event: Event) -> bool:
    return all(_field_fits(name, wanted, event.fields[name]) for name, wanted in match.items())


def _field_fits(name: str, wanted: str | list[str], value: Any) -> bool:
    patterns = [wanted] if isinstance(wanted, str) else wanted
    if isinstance(value, list):
        return any(_field_fits(name, wanted, one) for one in value or [None])
    if name in NUMERIC:
        return value is not None and any(_compares(pattern, value) for pattern in patterns)
    plain = [pattern for pattern in patterns if not pattern.startswith("!")]
    refused = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    if value is None:
        return not plain
    one_of_plain = not plain or any(_pattern_fits(pattern, value) for pattern in plain)
    return one_of_plain and not any(_pattern_fits(pattern, value) for pattern in refused)


def _compares(text: str, value: int) -> bool:
    sign, duration = re.fullmatch(r"(>=|<=|>|<|)\s*(\w+)", text.strip()).groups()  # type: ignore[union-attr]
    return COMPARISONS[sign](value, milliseconds(duration))


def _pattern_fits(pattern: str, value: str) -> bool:
    if len(pattern) > 1 and pattern.startswith("/") and pattern.endswith("/"):
        return re.search(pattern[1:-1], value) is not None
    return fnmatchcase(value, pattern)


def in_window(events: Iterable[Event], after: int, to: int) -> list[Event]:
    """Open at the old end, closed at the new one."""
    return [event for event in events if after < event.at <= to]


def watched_since(alert: Alert) -> int | None:
    """Fine print 7: the first transition of the alert that fits what `match` says of farm, miner and `by` fields."""
    told = {name: wanted for name, wanted in alert.match.items() if name in (*FARM_AND_MINER, *alert.fields)}
    return min((event.at for event in alert.own if fits(told, event)), default=None)


def miners_of(events: Iterable[Event]) -> set[str]:
    return {event.fields["miner"] for event in events if event.fields["miner"] is not None}


# --- the conditions ---


def judge_each(alert: Alert) -> Judge:
    return _standing(alert, alert.matching)


def judge_new(alert: Alert) -> Judge:
    asked = alert.rule["new"]
    memory, learn = milliseconds(asked["memory"]), milliseconds(asked["learn"])
    since, name, matching = watched_since(alert), asked["field"], alert.matching

    def is_new(event: Event) -> bool:
        value = event.fields[name]
        if value is None or since is None or event.at < since + learn:
            return False
        seen = [one for one in matching if event.at - memory < one.at < event.at]
        return all(one.fields[name] != value for one in seen)

    return _standing(alert, [event for event in matching if is_new(event)])


def _standing(alert: Alert, events: list[Event]) -> Judge:
    spans = [Stretch(event.at, resolved_at(event, alert)) for event in events]
    resolve = alert.rule.get("resolve")
    after = resolve.get("after", "1h") if isinstance(resolve, dict) else "1h"
    expire = alert.rule.get("expire", "7d")
    delays = [milliseconds(text) for text in (after, expire) if text != "never"]
    return Judge(delays, lambda now: _standing_at(spans, now))


def _standing_at(spans: Iterable[Stretch], now: int) -> Measure:
    count = sum(start <= now and (end is None or now < end) for start, end in spans)
    return Measure(count > 0, count)


def resolved_at(event: Event, alert: Alert) -> int | None:
    """When an event of `each` or `new` ends; None for never."""
    by_status = "on_success" if event.status in {"failed", "timed_out"} else {"after": "1h"}
    resolve = alert.rule.get("resolve", by_status)
    if resolve == "never":
        return None
    if isinstance(resolve, dict) and "after" in resolve:
        return event.at + milliseconds(resolve["after"])
    if resolve == "on_success":
        ends = [one.at for one in alert.history if _succeeds(one, event)]
    else:
        ends = [one.at for one in alert.history if _answers(one, event, resolve["on"], alert.fields)]
    expire = alert.rule.get("expire", "7d")
    if expire != "never":
        ends.append(event.at + milliseconds(expire))
    return min(ends, default=None)


def _succeeds(later: Event, event: Event) -> bool:
    same = ("task", "farm", "miner")
    born = later.at if later.created is None else later.created
    return (
        later.status == "succeed"
        and event.fields["miner"] is not None
        and values(later, same) == values(event, same)
        and born > event.at
    )


def _answers(later: Event, event: Event, match: Match, by: Iterable[str]) -> bool:
    unnamed = [name for name in by if name not in match]
    return later.at > event.at and fits(match, later) and values(later, unnamed) == values(event, unnamed)


def judge_count(alert: Alert) -> Judge:
    asked, matching = alert.rule["count"], alert.matching
    within = milliseconds(asked["within"])

    def measure(now: int) -> Measure:
        recent = in_window(matching, now - within, now)
        count = len(miners_of(recent)) if asked.get("distinct") == "miner" else len(recent)
        return Measure(count >= asked["at_least"], count)

    return Judge([within], measure)


def judge_ratio(alert: Alert) -> Judge:
    asked = alert.rule["ratio"]
    within, at_least = milliseconds(asked["within"]), percentage(asked["at_least"])
    of: Match = asked["of"] if "of" in asked else {**alert.match, "status": list(FINAL)}
    whole = [event for event in alert.own if fits(of, event) and ("of" in asked or alert.allows(event))]

    def measure(now: int) -> Measure:
        recent = in_window(whole, now - within, now)
        if asked.get("distinct") == "miner":
            recent = _latest_of_each_miner(recent)
        part = [event for event in recent if fits(alert.match, event) and alert.allows(event)]
        return Measure(reaches(len(part), len(recent)), len(part), len(recent))

    def reaches(part: int, total: int) -> bool:
        if total < max(1, asked.get("min_total", 1)):
            return False
        if "confidence" in asked:
            return wilson_lower_bound(part, total, float(percentage(asked["confidence"]))) >= float(at_least)
        return Fraction(part, total) >= at_least

    return Judge([within], measure)


def _latest_of_each_miner(events: Iterable[Event]) -> list[Event]:
    latest = {event.fields["miner"]: event for event in sorted(events, key=lambda event: event.order)}
    return [event for miner, event in latest.items() if miner is not None]


def wilson_lower_bound(part: int, total: int, confidence: float) -> float:
    """The lower end of the two-sided score interval (E. B. Wilson, 1927)."""
    z: float = NormalDist().inv_cdf(1 - (1 - confidence) / 2)
    p = part / total
    centre = p + z**2 / (2 * total)
    spread = z * float((p * (1 - p) / total + z**2 / (4 * total**2)) ** 0.5)
    return (centre - spread) / (1 + z**2 / total)


def judge_stuck(alert: Alert) -> Judge:
    longer_than = milliseconds(alert.rule["stuck"]["longer_than"])
    held = {event for event in alert.matching if event.status in OPEN}
    spans = [span for key in {event.key for event in held} for span in _time_among(held, key, alert.history)]

    def measure(now: int) -> Measure:
        count = sum(now - start >= longer_than and (end is None or now < end) for start, end in spans)
        return Measure(count > 0, count)

    return Judge([longer_than], measure)


def _time_among(held: set[Event], key: int, history: Iterable[Event]) -> Iterator[Stretch]:
    """From a task's entering one of the held states to its entering another one."""
    entered: int | None = None
    for event in history:
        if event.key != key:
            continue
        if event in held and entered is None:
            entered = event.at
        elif event not in held and entered is not None:
            yield Stretch(entered, event.at)
            entered = None
    if entered is not None:
        yield Stretch(entered, None)


def judge_absent(alert: Alert) -> Judge:
    within = milliseconds(alert.rule["absent"]["within"])
    since, matching = watched_since(alert), alert.matching

    def measure(now: int) -> Measure:
        covered = since is not None and since <= now - within
        return Measure(covered and not in_window(matching, now - within, now), 0)

    return Judge([within], measure)


def judge_sequence(alert: Alert) -> Judge:
    asked = alert.rule["sequence"]
    within = milliseconds(asked["within"])
    steps = [[event for event in alert.matching if fits(step, event)] for step in asked["steps"]]
    breaks = [event.at for event in alert.own if "without" in asked and fits(asked["without"], event)]
    any_step = [event for event in alert.matching if any(fits(step, event) for step in asked["steps"])]
    ends = {first.at: _earliest_end(first.at, steps[1:]) for first in steps[0]}

    def measure(now: int) -> Measure:
        true = any(
            last is not None and last <= now and now - within < first and not any(first < at < last for at in breaks)
            for first, last in ends.items()
        )
        return Measure(true, len(in_window(any_step, now - within, now)))

    return Judge([within], measure)


def _earliest_end(first: int, later_steps: Iterable[list[Event]]) -> int | None:
    """Where the steps after `first` end at the soonest; a later end has no chance that this one lacks: it is true for
    a part of the time only, and what breaks this one lies inside it too.
    """
    at: int | None = first
    for step in later_steps:
        at = min((event.at for event in step if at is not None and event.at > at), default=None)
    return at


def judge_spike(alert: Alert) -> Judge:
    asked, matching = alert.rule["spike"], alert.matching
    within, baseline = milliseconds(asked["within"]), milliseconds(asked["baseline"])
    since, times = watched_since(alert), Fraction(str(asked["times"]))

    def measure(now: int) -> Measure:
        count = len(in_window(matching, now - within, now))
        before = len(in_window(matching, now - within - baseline, now - within))
        mean = Fraction(before * within, baseline)
        covered = since is not None and since <= now - within - baseline
        return Measure(covered and count >= asked.get("min", 1) and count >= times * mean, count)

    return Judge([within, within + baseline], measure)


JUDGES: dict[str, Callable[[Alert], Judge]] = {
    "each": judge_each,
    "count": judge_count,
    "ratio": judge_ratio,
    "stuck": judge_stuck,
    "absent": judge_absent,
    "sequence": judge_sequence,
    "spike": judge_spike,
    "new": judge_new,
}


# --- histories and rules by chance ---

FARMS = ("north", "south")
MODELS = {"m1": "Antminer S19", "m2": "Antminer S19 Pro", "m3": "Whatsminer M50", "m4": None}
HOMES = {"m1": "north", "m2": "north", "m3": "south", "m4": "south"}
TASKS = ("miner.reboot", "miner.firmware.update", "agent.scan")
BATCHES = ("b1", "b2", "b3")
ACTORS = ("alice", "bob")
ERRORS = ("connection refused", "timeout after 30 s", "Bad image")
LINES = ("step 1 of 3", "flash write", "no route to host")
HEALTH: dict[str | None, list[str]] = {"m1": ["healthy"], "m2": ["hot", "dusty"], "m3": []}
WHERES: dict[str, Callable[[Event], bool]] = {
    'task.startsWith("miner.")': lambda event: event.fields["task"].startswith("miner."),
    'status in ["failed", "timed_out", "created"]': lambda event: event.status in {"failed", "timed_out", "created"},
    "payload.force == true": lambda event: event.payload == {"force": True},
    'miner != null || farm == "north"': lambda event: bool(event.fields["miner"]) or event.fields["farm"] == "north",
    "size(log) > 1": lambda event: len(event.fields["log"]) > 1,
}


def random_rows(random: Random, size: int | None = None) -> list[Row]:
    """Tasks mostly on a grid of whole minutes, so that borders are hit exactly, or missed by a millisecond.

    Args:
        random: The source of chance.
        size: How many tasks; else 1 to 59.
    """
    return [_random_row(random, key) for key in range(1, (random.randint(1, 59) if size is None else size) + 1)]


def _random_row(random: Random, key: int) -> Row:
    miner = random.choice([*MODELS, *MODELS, None])
    astray = miner is None or random.random() < 0.15
    times = _random_times(random)
    return {
        "key": key,
        "id": f"task-{key}",
        "farm": random.choice(FARMS) if miner is None or astray else HOMES[miner],
        "miner": miner,
        "batch": random.choice([*BATCHES, None]),
        "task": random.choice([TASKS[0], *TASKS]),
        "model": None if miner is None else MODELS[miner],
        "actor": random.choice([*ACTORS, None]),
        "error": random.choice([*ERRORS, None]) if {"failed", "timed_out"} & times.keys() else None,
        "payload": random.choice([None, {"force": True}]),
        "log": random.sample(LINES, random.choice([0, 0, 1, 2, 3])),
        "health": HEALTH.get(miner, []),
        "times": times,
    }


def _random_times(random: Random) -> dict[str, int]:
    at = START + random.randint(0, HISTORY // MINUTE) * MINUTE + random.choice([0, 0, 0, 0, 0, 1, -1, 30_000, 123])
    times = {"created": at}
    for status in ("queuing", "pending"):
        if random.random() < 0.75:
            at += random.choice([0, 0, 1, 1, 2, 3, 5, 10]) * MINUTE
            times[status] = at
    if random.random() < 0.85:
        at += random.choice([0, 1, 1, 2, 3, 5, 10, 20]) * MINUTE
        times[random.choice(["succeed", "succeed", "failed", "failed", "timed_out", "cancelled"])] = at
    if len(times) > 1 and random.random() < 0.08:
        del times["created"]
    return times


PATTERNS: dict[str, list[Any]] = {
    "task": ["miner.reboot", "miner.*", "*update", "!agent.*", ["miner.*", "!*reboot"], "/^miner/", "agent.scan"],
    "farm": ["north", "south", "n*", "!north", ["north", "south"], "/th$/"],
    "miner": ["m?", "m[12]", "!m1", "m*", ["m*", "!m3"], ["m1", "m4"], "/[34]/", "!m*"],
    "batch": ["b1", ["b1", "b2"], "!b3", "b[23]", "*", "!*"],
    "model": ["Antminer*", "Antminer S19", "!Whatsminer*", "/S19$/", ["*Pro", "Whats*"], "antminer*"],
    "actor": ["alice", "!alice", "*", ["alice", "bob"]],
    "error": ["/refused|timeout/", "*30 s", "!*image", "connection*", "*"],
    "log": ["step*", "/route|flash/", "!flash*", "flash write", ["*host", "!step*"], "!*"],
    "health": ["hot", "!hot", "h*", ["dusty", "healthy"], "/ty$/", "!*"],
    "duration": ["> 2m", ">= 5m", "< 3m", "<= 1m", [">= 10m", "< 2m"]],
    "queue_time": ["> 1m", ">= 3m", "< 2m", "<= 90s"],
}
STATUSES: list[Any] = [
    *LIFE,
    ["failed", "timed_out"],
    ["failed", "timed_out"],
    ["succeed", "failed"],
    "!succeed",
    ["failed", "timed_out", "cancelled"],
    "/ed$/",
]
OPEN_STATUSES: list[Any] = ["created", "queuing", "pending", ["created", "queuing"], ["queuing", "pending"]]
BY = ("farm", "farm_id", "miner", "batch", "task", "status", "model", "actor", "error")


def random_rule(random: Random, number: int) -> Rule:
    """A valid rule on one of the eight conditions, made to fire often over a history of `random_rows`.

    Args:
        random: The source of chance.
        number: Goes into the rule's name.
    """
    condition = random.choice(CONDITIONS)
    rule: Rule = {"name": f"rule-{number}"}
    if condition != "sequence" or random.random() < 0.5:
        rule["match"] = _random_match_for(random, condition)
    if condition != "each" or random.random() < 0.5:
        rule[condition] = RANDOM_CONDITIONS[condition](random)
    if random.random() < 0.15:
        rule["where"] = random.choice(list(WHERES))
    if random.random() < 0.7:
        rule["by"] = random.sample(BY, random.choice([0, 1, 1, 1, 2, 3]))
    for name in ("for", "keep_firing_for"):
        if random.random() < 0.4:
            rule[name] = random.choice(["0s", "1m", "90s", "2m", "5m", "10m"])
    if condition in {"each", "new"}:
        rule |= _random_end(random, by_of(rule))
    return rule


def _duration(random: Random) -> str:
    return random.choice(["1m", "90s", "2m", "3m", "5m", "7m", "10m", "15m", "30m", "1h", "1h30m"])


def _window(random: Random) -> str:
    return random.choice(["90s", "3m", "5m", "10m", "10m", "20m", "30m", "1h", "1h30m"])


def _random_match(
    random: Random, statuses: list[Any], *, status_chance: float, not_named: tuple[str, ...] = ()
) -> Rule:
    match: Rule = {}
    if random.random() < status_chance:
        match["status"] = random.choice(statuses)
    names = [name for name in PATTERNS if name not in not_named]
    for name in random.sample(names, random.choice([0, 0, 0, 1, 1, 2])):
        match[name] = random.choice(PATTERNS[name])
    return match


def _random_match_for(random: Random, condition: str) -> Rule:
    if condition == "stuck":
        return _random_match(random, OPEN_STATUSES, status_chance=0.6, not_named=("duration",))
    if condition == "sequence":
        return _random_match(random, STATUSES, status_chance=0.1, not_named=("duration", "queue_time"))
    return _random_match(random, STATUSES, status_chance=0.7)


def _random_end(random: Random, by: tuple[str, ...]) -> Rule:
    end: Rule = {}
    if random.random() < 0.75:
        # Whether a match on `farm` names `farm_id` too is nowhere said.
        not_named = ("farm",) if "farm_id" in by else ()
        on = _random_match(random, STATUSES, status_chance=0.8, not_named=not_named)
        end["resolve"] = random.choice(["on_success", "never", {"after": _duration(random)}, {"on": on}])
    if random.random() < 0.4:
        end["expire"] = random.choice(["never", _duration(random)])
    return end


def _sometimes(random: Random, name: str, choices: list[Any]) -> Rule:
    return {name: random.choice(choices)} if random.random() < 0.4 else {}


def _random_count(random: Random) -> Rule:
    asked = {"at_least": random.choice([1, 2, 2, 2, 3, 5]), "within": _window(random)}
    return asked | _sometimes(random, "distinct", ["miner"])


def _random_ratio(random: Random) -> Rule:
    asked: Rule = {"at_least": random.choice(["5%", "20%", "25%", "33.3%", "50%", "66.7%", "100%"])}
    asked["within"] = _window(random)
    asked |= _sometimes(random, "min_total", [1, 2, 3, 5])
    asked |= _sometimes(random, "of", [_random_match(random, STATUSES, status_chance=0.6)])
    asked |= _sometimes(random, "confidence", ["50%", "80%", "95%"])
    return asked | _sometimes(random, "distinct", ["miner"])


def _random_sequence(random: Random) -> Rule:
    steps = [_random_match(random, STATUSES, status_chance=0.9) for _ in range(random.choice([2, 2, 3]))]
    asked: Rule = {"steps": steps, "within": _window(random)}
    return asked | _sometimes(random, "without", [_random_match(random, STATUSES, status_chance=0.9)])


def _random_spike(random: Random) -> Rule:
    within, factor = random.choice([1, 2, 3, 5, 10]), random.choice([2, 3, 4, 6])
    asked: Rule = {"times": random.choice([1, 1.5, 2, 3, 5]), "within": f"{within}m"}
    asked["baseline"] = f"{within * factor + random.choice([0, 0, 1])}m"
    return asked | _sometimes(random, "min", [1, 2, 3])


def _random_new(random: Random) -> Rule:
    field = random.choice(["farm", "miner", "batch", "task", "model", "actor", "error", "status"])
    return {"field": field, "memory": _duration(random), "learn": random.choice(["1m", "5m", "10m", "20m", "30m"])}


RANDOM_CONDITIONS: dict[str, Callable[[Random], Rule]] = {
    "each": lambda _: {},
    "count": _random_count,
    "ratio": _random_ratio,
    "stuck": lambda random: {"longer_than": _duration(random)},
    "absent": lambda random: {"within": _duration(random)},
    "sequence": _random_sequence,
    "spike": _random_spike,
    "new": _random_new,
}


# --- worked by hand ---


def _row(key: int, miner: str | None = "m1", batch: str | None = None, **minutes: float) -> Row:
    times = {status: int(at * MINUTE) for status, at in minutes.items()}
    names: Row = {
        "farm": "north",
        "task": "reboot",
        "model": None,
        "actor": None,
        "error": None,
        "payload": None,
        "log": [],
    }
    return {"key": key, "id": f"t{key}", "miner": miner, "batch": batch, **names, "times": times}


def _minutes(rule: Rule, rows: list[Row], until: float = 1000) -> list[tuple[Any, ...]]:
    """(start, end, count) in minutes, with the total where there is one."""
    found = episodes({"name": "r", **rule}, rows, int(until * MINUTE))
    ends = [None if one.ended_at is None else one.ended_at / MINUTE for one in found]
    return [
        (one.started_at / MINUTE, end, one.count, *([] if one.total is None else [one.total]))
        for one, end in zip(found, ends, strict=True)
    ]


FAILED = {"status": "failed"}
SUCCEED = {"status": "succeed"}


def _check_matches() -> None:
    row = _row(1, miner=None, batch="b1", created=0, queuing=1, pending=3, failed=13)
    created, _, pending, failed = events_of([row], 20 * MINUTE)
    assert fits({}, failed)
    assert fits({"status": ["f*", "!fa"], "batch": "b?"}, failed)
    assert not fits({"status": ["f*", "!*led"]}, failed)
    assert fits({"miner": "!m1"}, failed)
    assert not fits({"miner": "*"}, failed)
    assert fits({"task": "/boo/"}, failed)
    assert not fits({"task": "boo"}, failed)
    assert not fits({"task": "Reboot"}, failed)
    assert fits({"duration": ">= 10m", "queue_time": "<= 3m"}, failed)
    assert not fits({"duration": "> 10m"}, failed)
    assert fits({"queue_time": "3m"}, pending)
    assert not fits({"queue_time": "< 9m"}, created)
    assert not fits({"duration": "< 9m"}, pending)
    assert milliseconds("1h30m") == 90 * MINUTE


def _check_each() -> None:
    rows = [_row(1, created=0, failed=5), _row(2, created=5, succeed=6), _row(3, created=7, succeed=9)]
    assert _minutes({"match": FAILED}, rows) == [(5, 9, 1)]
    assert _minutes({"match": FAILED}, rows, until=8.5) == [(5, None, 1)]
    assert _minutes({"match": FAILED, "expire": "3m"}, rows) == [(5, 8, 1)]
    assert _minutes({"match": FAILED, "resolve": "never", "expire": "3m"}, rows) == [(5, None, 1)]
    assert _minutes({"match": FAILED, "resolve": {"on": {"status": "created"}}}, rows) == [(5, 7, 1)]
    assert _minutes({"match": {"status": "created"}, "each": {}}, rows) == [(0, 67, 3)]
    assert _minutes({"match": SUCCEED, "resolve": {"after": "3m"}}, rows) == [(6, 12, 1)]
    assert _minutes({"match": SUCCEED, "resolve": {"after": "4m"}}, rows) == [(6, 13, 2)]
    assert _minutes({"match": FAILED, "expire": "never"}, [_row(1, None, created=0, failed=5)]) == [(5, None, 1)]
    other = [_row(1, batch="b1", created=0, failed=5), _row(2, batch="b2", created=6, succeed=7)]
    on = {"match": FAILED, "by": ["batch"], "resolve": {"on": SUCCEED}}
    assert _minutes(on, other) == [(5, None, 1)]
    assert _minutes(on | {"resolve": {"on": SUCCEED | {"batch": "b2"}}}, other) == [(5, 7, 1)]
    assert _minutes({"match": FAILED, "by": ["batch"]}, other) == [(5, 7, 1)]


def _check_count() -> None:
    rows = [_row(1, created=0, failed=1), _row(2, created=0, failed=5), _row(3, "m2", created=0, failed=6)]
    count = {"at_least": 2, "within": "5m"}
    assert _minutes({"match": FAILED, "count": count}, rows) == [(5, 10, 2)]
    assert _minutes({"match": FAILED, "count": count | {"within": "4m"}}, rows) == [(6, 9, 2)]
    assert _minutes({"match": FAILED, "count": count | {"within": "6m"}}, rows) == [(5, 11, 3)]
    assert _minutes({"match": FAILED, "count": count | {"distinct": "miner"}}, rows) == [(6, 10, 2)]
    assert _minutes({"match": FAILED, "count": count, "for": "4m"}, rows) == [(9, 10, 2)]
    assert _minutes({"match": FAILED, "count": count, "for": "5m"}, rows) == []
    assert _minutes({"match": FAILED, "count": count, "for": "4m"}, rows, until=9) == [(9, None, 2)]
    assert _minutes({"match": FAILED, "count": count, "for": "4m"}, rows, until=8) == []


def _check_for_and_keep() -> None:
    rows = [_row(1, created=0, failed=1), _row(2, created=0, failed=6)]
    base = {"match": FAILED, "resolve": {"after": "3m"}}
    assert _minutes(base, rows) == [(1, 4, 1), (6, 9, 1)]
    assert _minutes(base | {"keep_firing_for": "1m"}, rows) == [(1, 5, 1), (6, 10, 1)]
    assert _minutes(base | {"keep_firing_for": "2m"}, rows) == [(1, 11, 1)]
    assert _minutes(base | {"keep_firing_for": "2m"}, rows, until=10) == [(1, None, 1)]
    assert _minutes(base | {"keep_firing_for": "2m", "for": "2m"}, rows) == [(3, 11, 1)]
    assert _minutes(base | {"keep_firing_for": "9m", "for": "3m"}, rows) == []


def _check_ratio() -> None:
    rows = [_row(n, f"m{n}", created=0, succeed=1) for n in (1, 2, 3)]
    rows += [_row(4, "m4", created=0, failed=2), _row(5, "m4", created=2, succeed=4)]
    ratio = {"at_least": "25%", "within": "10m"}
    assert _minutes({"match": FAILED, "ratio": ratio}, rows) == [(2, 4, 1, 4), (11, 12, 1, 2)]
    assert _minutes({"match": FAILED, "ratio": ratio | {"min_total": 3}}, rows) == [(2, 4, 1, 4)]
    assert _minutes({"match": FAILED, "ratio": ratio | {"at_least": "20%"}}, rows) == [(2, 12, 1, 2)]
    assert _minutes({"match": FAILED, "ratio": ratio | {"distinct": "miner"}}, rows) == [(2, 4, 1, 4)]
    assert _minutes({"match": FAILED, "ratio": ratio | {"of": {}, "at_least": "13%"}}, rows[:4]) == [(10, 12, 1, 1)]
    assert _minutes({"match": FAILED, "ratio": ratio | {"of": {"status": "failed"}}}, rows) == [(2, 12, 1, 1)]
    assert _minutes({"match": FAILED, "ratio": ratio | {"of": SUCCEED}}, rows) == []
    sure = {"match": SUCCEED, "ratio": ratio | {"at_least": "37%", "confidence": "95%"}}
    assert _minutes(sure, rows) == [(1, 2, 3, 3), (4, 11, 4, 5)]
    assert abs(wilson_lower_bound(8, 10, 0.95) - 0.4901625) < 1e-6


def _check_stuck() -> None:
    rows = [_row(1, created=0, queuing=2, pending=6, succeed=20)]
    assert _minutes({"match": {}, "stuck": {"longer_than": "20m"}}, rows) == []
    assert _minutes({"match": {}, "stuck": {"longer_than": "19m"}}, rows) == [(19, 20, 1)]
    assert _minutes({"match": {}, "stuck": {"longer_than": "19m"}}, rows, until=19) == [(19, None, 1)]
    begun = {"match": {"status": ["created", "queuing"]}, "stuck": {"longer_than": "5m"}}
    assert _minutes(begun, rows) == [(5, 6, 1)]
    assert _minutes(begun | {"match": {"status": "queuing"}}, rows) == []
    assert _minutes(begun | {"match": {"status": "pending"}}, rows) == [(11, 20, 1)]
    assert _minutes(begun | {"match": {}}, [*rows, _row(2, created=8)]) == [(5, None, 2)]


def _check_absent() -> None:
    rows = [_row(1, created=0, succeed=5), _row(2, created=20, succeed=22)]
    absent = {"match": SUCCEED, "absent": {"within": "10m"}}
    assert _minutes(absent, rows) == [(15, 22, 0), (32, None, 0)]
    assert _minutes(absent, rows, until=14) == []
    assert _minutes(absent, rows, until=15) == [(15, None, 0)]
    assert _minutes(absent | {"absent": {"within": "5m"}}, rows) == [(10, 22, 0), (27, None, 0)]
    assert _minutes(absent | {"absent": {"within": "4m"}}, rows) == [(4, 5, 0), (9, 22, 0), (26, None, 0)]
    assert _minutes(absent | {"match": {"miner": "m2"}}, rows) == []
    assert _minutes(absent | {"match": SUCCEED, "by": ["status"]}, rows) == [(15, 22, 0), (32, None, 0)]


def _check_sequence() -> None:
    rows = [_row(1, created=0, failed=5), _row(2, created=7, succeed=9), _row(3, "m2", created=6, succeed=6)]
    steps = {"steps": [FAILED, SUCCEED], "within": "10m"}
    assert _minutes({"sequence": steps}, rows) == [(9, 15, 2)]
    assert _minutes({"sequence": steps | {"within": "4m"}}, rows) == []
    assert _minutes({"sequence": steps, "by": []}, rows) == [(6, 15, 3)]
    assert _minutes({"sequence": steps, "match": {"miner": "m1"}, "by": []}, rows) == [(9, 15, 2)]
    assert _minutes({"sequence": steps | {"without": {"status": "created"}}}, rows) == []
    assert _minutes({"sequence": steps | {"without": FAILED}}, rows) == [(9, 15, 2)]
    assert _minutes({"sequence": {"steps": [SUCCEED, SUCCEED], "within": "9m"}}, rows) == []
    assert _minutes({"sequence": {"steps": [SUCCEED, SUCCEED], "within": "9m"}, "by": []}, rows) == [(9, 15, 2)]


def _check_spike() -> None:
    rows = [_row(1, created=0, failed=1), *(_row(n, created=0, failed=11) for n in (2, 3))]
    spike = {"times": 4, "within": "5m", "baseline": "10m"}
    assert _minutes({"match": FAILED, "spike": spike}, rows) == [(15, 16, 2)]
    assert _minutes({"match": FAILED, "spike": spike | {"min": 3}}, rows) == []
    assert _minutes({"match": FAILED, "spike": spike | {"within": "3m"}}, rows) == [(13, 14, 2)]
    late = [*rows, _row(4, created=0, failed=18), *(_row(n, created=0, failed=19) for n in (5, 6, 7))]
    assert _minutes({"match": FAILED, "spike": spike}, late) == [(15, 16, 2), (19, 23, 4)]


def _check_new() -> None:
    rows = [_row(n, batch=batch, created=at) for n, batch, at in [(1, "b1", 0), (2, "b2", 9), (3, "b1", 10)]]
    rows += [_row(4, batch="b3", created=10), _row(5, created=11), _row(6, batch="b3", created=30)]
    new = {"match": {"status": "created"}, "resolve": {"after": "2m"}}
    asked = {"field": "batch", "memory": "20m", "learn": "10m"}
    assert _minutes(new | {"new": asked}, rows) == [(10, 12, 1), (30, 32, 1)]
    assert _minutes(new | {"new": asked | {"memory": "21m"}}, rows) == [(10, 12, 1)]
    assert _minutes(new | {"new": asked | {"memory": "10m"}}, rows) == [(10, 12, 2), (30, 32, 1)]
    assert _minutes(new | {"new": asked | {"learn": "9m"}}, rows) == [(9, 12, 2), (30, 32, 1)]


def _check_chance() -> None:
    random = Random(7)
    for number in range(100):
        rows, rule = random_rows(random), random_rule(random, number)
        early = {one for one in episodes(rule, rows, START + HISTORY // 2) if one.ended_at is not None}
        assert early <= set(episodes(rule, rows, START + HISTORY))


def _check_all() -> None:
    _check_matches()
    _check_each()
    _check_count()
    _check_for_and_keep()
    _check_ratio()
    _check_stuck()
    _check_absent()
    _check_sequence()
    _check_spike()
    _check_new()
    _check_chance()


if __name__ == "__main__":
    _check_all()
