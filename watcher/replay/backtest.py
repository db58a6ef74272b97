"""What a rule set would have done on a history: episodes and messages, rule by rule, and against another set."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from watcher.model.times import DAY, Millis
from watcher.replay.performance import Played, Stage, by_time, utterances
from watcher.rules.one_pass import Firing

_NOISIEST = 5


@dataclass(frozen=True, slots=True)
class Alarm:
    """One episode, as programs read it. `by`: the values of the rule's `by` fields, a farm by its name."""

    rule: str
    by: tuple[tuple[str, str | None], ...]
    started_at: Millis
    ended_at: Millis | None
    count: int
    total: int | None

    @property
    def labels(self) -> Mapping[str, str | None]:
        return dict(self.by)


@dataclass(slots=True)
class RuleReport:
    """What one rule did.

    Args:
        messages: by channel, those that spoke of it.
        longest: the longest episode.
        noisiest: alerts with the most episodes, and how many.
        days: episodes by the day they began (days since 1970).
    """

    rule: str
    episodes: int = 0
    firing: int = 0
    messages: Counter[str] = field(default_factory=Counter)
    longest: Alarm | None = None
    alerts: Counter[tuple[tuple[str, str | None], ...]] = field(default_factory=Counter)
    days: Counter[int] = field(default_factory=Counter)

    @property
    def noisiest(self) -> list[tuple[tuple[tuple[str, str | None], ...], int]]:
        return self.alerts.most_common(_NOISIEST)


@dataclass(slots=True)
class Report:
    """Of a whole set.

    Args:
        messages: by channel, every message.
        spoken: by channel and day, likewise.
    """

    alarms: list[Alarm]
    rules: dict[str, RuleReport]
    messages: Counter[str] = field(default_factory=Counter)
    spoken: Counter[tuple[str, int]] = field(default_factory=Counter)


def alarms_of(stage: Stage, firings: Iterable[Firing], farms: Mapping[str, str]) -> list[Alarm]:
    """Episodes by time.

    Args:
        farms: their names, by their ids.
    """
    by_names = {rule.name: rule.by for rule in stage.rules}
    found = []
    for firing in by_time(firings):
        (rule, values), stretch = firing.key, firing.stretch
        named = zip(by_names[rule], values, strict=True)
        by = tuple((name, farms.get(value or "", value) if name == "farm" else value) for name, value in named)
        found.append(Alarm(rule, by, stretch.started_at, stretch.ended_at, *stretch.peak))
    return found


def report(stage: Stage, alarms: list[Alarm], played: Sequence[Played]) -> Report:
    """The figures of a replay."""
    rules = {rule.name: RuleReport(rule.name) for rule in stage.rules if not rule.of_watcher}
    for alarm in alarms:
        own = rules[alarm.rule]
        own.episodes += 1
        own.firing += alarm.ended_at is None
        own.alerts[alarm.by] += 1
        own.days[alarm.started_at // DAY] += 1
        if own.longest is None or _length(alarm, stage.until) > _length(own.longest, stage.until):
            own.longest = alarm
    found = Report(alarms, rules)
    for one in utterances(stage, played):
        found.messages[one.channel] += 1
        found.spoken[one.channel, one.at // DAY] += 1
        for rule in {member.episode.alert.rule for member in one.members}:
            rules[rule].messages[one.channel] += 1
    return found


def _length(alarm: Alarm, until: Millis) -> Millis:
    return (until if alarm.ended_at is None else alarm.ended_at) - alarm.started_at


@dataclass(frozen=True, slots=True)
class Difference:
    """An episode of one set that the other has not, or has at another time. `what`: new, gone, earlier, later."""

    what: str
    alarm: Alarm
    other: Alarm | None = None


def compared(ours: Sequence[Alarm], theirs: Sequence[Alarm]) -> Iterator[Difference]:
    """What our set does that theirs does not: episodes of the same alert that overlap are the same one."""
    left = list(theirs)
    by_alert: dict[tuple[object, ...], list[Alarm]] = {}
    for one in left:
        by_alert.setdefault((one.rule, one.by), []).append(one)
    matched: set[int] = set()
    for alarm in ours:
        same = next(
            (
                one
                for one in by_alert.get((alarm.rule, alarm.by), ())
                if id(one) not in matched and _overlap(alarm, one)
            ),
            None,
        )
        if same is None:
            yield Difference("new", alarm)
            continue
        matched.add(id(same))
        if alarm.started_at != same.started_at:
            yield Difference("earlier" if alarm.started_at < same.started_at else "later", alarm, same)
    for one in left:
        if id(one) not in matched:
            yield Difference("gone", one)


def _overlap(one: Alarm, other: Alarm) -> bool:
    return (other.ended_at is None or one.started_at < other.ended_at) and (
        one.ended_at is None or other.started_at < one.ended_at
    )
