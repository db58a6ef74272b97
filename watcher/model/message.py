"""What is to be said: facts, not text. `notify` turns them into words for each kind of channel."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from watcher.model.act import Act
from watcher.model.digest import Digest
from watcher.model.severity import Severity
from watcher.model.times import Millis


class Say(StrEnum):
    """Why a message is sent (the table "When a group speaks" of the architecture)."""

    FIRST = "first"
    NEW_ALERTS = "new_alerts"
    GREW = "grew"
    ALL_ENDED = "all_ended"
    CATCH_UP = "catch_up"
    REPEAT = "repeat"
    ESCALATED = "escalated"
    UNMUTED = "unmuted"
    ALREADY = "already"
    SAMPLE = "sample"
    BATCH_ENDED = "batch_ended"
    DIGEST = "digest"
    DAILY = "daily"


class State(StrEnum):
    """What a section of a message says of its alerts."""

    FIRING = "firing"
    RESOLVED = "resolved"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class MinerLine:
    """One affected miner, by its id, as a message names it; `url` is where the operator's app shows it."""

    id: str
    model: str | None = None
    ip: str | None = None
    url: str | None = None


class TaskLine(NamedTuple):
    """One affected task, as a row of the table that goes along with a message that had to cut its lists.
    A bare tuple: there may be thousands, and the outbox keeps them."""

    farm: str
    miner: str | None
    model: str | None
    ip: str | None
    task: str
    status: str
    reason: str | None
    batch: str | None


@dataclass(frozen=True, slots=True)
class Link:
    """A link of ours, never of the API's making: a live one on every channel that has links."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Since:
    """What changed since the group's last message on this channel.

    Args:
        at: when that was.
        count: what the channel was then told of events, over the alerts that fired.
        now: the same, of those that fire now.
        new: alerts that it had not heard of.
        ended: alerts that it had heard of and that have ended.
    """

    at: Millis
    count: int
    now: int
    new: int
    ended: int


@dataclass(frozen=True, slots=True)
class Closing:
    """What became of a batch that is over.

    Args:
        batch: its id.
        task: the name of its tasks.
        farm: the farm's name.
        succeeded: how many of its tasks succeeded.
        total: how many there were.
        statuses: the others: status → how many.
        models: model → how many of its tasks succeeded, and of how many; the worst first.
        reasons: the commonest masked error texts, with counts.
        other_reasons: how many more reasons there are, and of how many tasks.
        again: the first miners to do again.
        again_total: how many miners lack a success.
        began_at: when it was created.
        ended_at: when its last task ended.
        actor: who started it.
        links: to the batch.
        rows: the tasks that did not succeed.
    """

    batch: str
    task: str
    farm: str
    succeeded: int
    total: int
    statuses: Mapping[str, int]
    models: tuple[tuple[str, int, int], ...]
    reasons: tuple[tuple[str, int], ...]
    other_reasons: tuple[int, int]
    again: tuple[MinerLine, ...]
    again_total: int
    began_at: Millis | None
    ended_at: Millis | None
    actor: str | None = None
    links: tuple[Link, ...] = ()
    rows: tuple[TaskLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """What a message says of one rule's alerts that share a state.

    Args:
        rule: the rule's name.
        summary: what the rule says happened; its name where it has no summary.
        state: firing, resolved (a recovery or quiet), or ended otherwise.
        severity: the rule's.
        labels: the labels that all these alerts share, in order.
        alerts: how many alerts.
        alert_ids: ids of the first of them, as `explain` takes them.
        new: how many of them this channel had not heard of.
        count: events (or stuck tasks) over all of them.
        total: what `count` is a part of, where the condition has one.
        tasks: task names with their statuses, commonest first: "miner.system.reboot timed_out" → how many.
        reasons: the commonest masked error texts, with counts.
        miners: the first ten affected miners.
        miners_total: how many miners are affected.
        first_at: the first event's time.
        last_at: the last event's time.
        started_at: when the first of the alerts began to fire.
        ended_at: when the last of them ended; None while firing.
        ended_by: in words what ended them; None while firing.
        unrepaired: of a quiet end: how many of the miners still lack a later success, and of how many.
        late: told more than ten minutes after it fired.
        fired_at: of what this channel had not heard of: when the first of it fired.
        title: the rule's own title, rendered; None for the default words.
        body: the rule's own body, rendered; None for the default words.
        runbook: the rule's link.
        cause: of a trouble of the watcher itself.
        without: farms that nobody can see now, left out of an alert across farms.
        other_reasons: how many reasons there are beside `reasons`, and of how many tasks.
        models: tasks by the model of their miner, commonest first.
        links: to what it is about, in the operator's app.
        rows: its tasks, up to the composer's bound.
        acts: what people did about its alerts.
        flaps: it flaps: how often it changed of late, and within how long (ms).
    """

    rule: str
    summary: str
    state: State
    severity: Severity
    labels: Mapping[str, str | None]
    alerts: int
    alert_ids: tuple[str, ...]
    new: int
    count: int
    total: int | None
    tasks: Mapping[str, int]
    reasons: tuple[tuple[str, int], ...]
    miners: tuple[MinerLine, ...]
    miners_total: int
    first_at: Millis | None
    last_at: Millis | None
    started_at: Millis
    ended_at: Millis | None = None
    ended_by: str | None = None
    unrepaired: tuple[int, int] | None = None
    late: bool = False
    fired_at: Millis | None = None
    title: str | None = None
    body: str | None = None
    runbook: str | None = None
    cause: str | None = None
    without: tuple[str, ...] = ()
    other_reasons: tuple[int, int] = (0, 0)
    models: tuple[tuple[str, int], ...] = ()
    links: tuple[Link, ...] = ()
    rows: tuple[TaskLine, ...] = ()
    acts: tuple[Act, ...] = ()
    flaps: tuple[int, Millis] | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One notification for one channel.

    Args:
        id: short and stable; a repeated delivery shows the same.
        say: why it is sent.
        channel: the channel's name.
        severity: the highest of its sections.
        sections: firing first.
        at: the API's present when it was decided.
        notes: lines about the watch itself ("rule X changed: 3 closed, 2 go on").
        unseen: for `catch_up`, the stretch (from, to) that could not be seen.
        since: what changed since the group's last message; None for its first.
        closing: for `batch_ended`, which has no sections.
        digest: for `digest` and `daily`, which have none either.
        undelivered: the channel that it could not be delivered to, in whose place this one is told.
    """

    id: str
    say: Say
    channel: str
    severity: Severity
    sections: tuple[Section, ...]
    at: Millis
    notes: tuple[str, ...] = ()
    unseen: tuple[Millis, Millis] | None = None
    since: Since | None = None
    closing: Closing | None = None
    digest: Digest | None = None
    undelivered: str | None = None


__all__ = [
    "Closing",
    "Link",
    "Message",
    "MinerLine",
    "Say",
    "Section",
    "Severity",
    "Since",
    "State",
    "TaskLine",
]
