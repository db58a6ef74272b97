"""The gates between a task and a message, in order, and what each of them says: the first that says no is the reason.

Nothing is decided here: what was decided is put into words.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from watcher.alerts.reasons import ESCALATION
from watcher.model.alert import Episode, Origin
from watcher.model.decision import Hush, Why
from watcher.model.times import Millis, duration_text
from watcher.replay.figures import Figures
from watcher.replay.parcels import Parcel, Sent
from watcher.rules.rule import Rule
from watcher.rules.wording import listed

When = Callable[[Millis], str]
"""A moment in words."""


class Gate(StrEnum):
    """Where something may be held back."""

    MATCH = "match"
    KNOWN = "known"
    """everything up to the moment must be known"""
    CONDITION = "condition"
    FOR = "for"
    LEARNT = "learnt"
    """what was so at the first contact, or when the rule was edited, is nobody's news"""
    INHIBITION = "inhibition"
    SILENCE = "silence"
    FLAPPING = "flapping"
    ROUTE = "route"
    MUTE = "mute"
    """the route's mute times"""
    TIMERS = "timers"
    SAID = "said"
    """deduplication: what was said is not said again"""
    OUTBOX = "outbox"


class Answer(StrEnum):
    PASSES = "passes"
    WAITS = "waits"
    STOPS = "stops"


@dataclass(frozen=True, slots=True)
class Passage:
    """What one gate says. `channel`: None where it is the same for all."""

    gate: Gate
    answer: Answer
    words: str
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """An alert's way to one channel, as of a moment.

    Args:
        route: in words, with its group and timers.
        why: what was decided last on the episode; None where nothing was yet.
        sent: the messages that spoke of it, the oldest first.
        ended: it has ended by then.
        unless: the rules that could speak for it.
    """

    name: str
    route: str
    why: Why | None
    sent: Sequence[Sent]
    ended: bool = False
    unless: Sequence[str] = ()


def first_no(passages: Sequence[Passage]) -> Passage | None:
    """The first gate that did not let it pass on any channel; None where it got through somewhere."""
    common = next((one for one in passages if one.channel is None and one.answer is not Answer.PASSES), None)
    if common is not None:
        return common
    channels = dict.fromkeys(one.channel for one in passages if one.channel is not None)
    stops = [
        next((one for one in passages if one.channel == name and one.answer is not Answer.PASSES), None)
        for name in channels
    ]
    return None if None in stops else next(iter(stops), None)


def of_condition(rule: Rule, found: Figures, when: When) -> Iterator[Passage]:
    """The condition and `for`, where no episode shows that both let it pass."""
    at = when(found.at)
    if not found.holds:
        yield Passage(Gate.CONDITION, Answer.STOPS, f"at {at}: {found.words}")
        return
    yield Passage(Gate.CONDITION, Answer.PASSES, f"at {at}: {found.words}")
    if rule.hold and not found.firing and found.since is not None:
        held = duration_text(found.at - found.since)
        yield Passage(
            Gate.FOR,
            Answer.WAITS,
            f"it has held for {held} of {duration_text(rule.hold)}, since {when(found.since)}",
        )


def of_episode(episode: Episode, found: Figures | None, rule: Rule | None, when: When) -> Iterator[Passage]:
    """The gates that an episode has passed by beginning, and whether it is news."""
    began = f"it fired at {when(episode.started_at)}"
    words = f"{began}: {found.words}" if found is not None else began
    yield Passage(Gate.CONDITION, Answer.PASSES, words)
    if rule is not None and rule.hold:
        held = f"it had held for {duration_text(rule.hold)} by {when(episode.started_at)}"
        yield Passage(Gate.FOR, Answer.PASSES, held)


def of_knowledge(episode: Episode, until: Millis, when: When) -> Iterator[Passage]:
    """Whether anybody knew of it by then: a look must have brought it."""
    if until < episode.known_at:
        words = f"it was not known before {when(episode.known_at)}, when a look showed it"
        yield Passage(Gate.KNOWN, Answer.WAITS, words)


def of_origin(episode: Episode, edited_at: Millis | None, when: When) -> Passage:
    """Whether an episode is news, or was learnt."""
    if episode.origin is Origin.BASELINE:
        if edited_at is not None and episode.known_at >= edited_at and episode.started_at <= edited_at:
            why = f"it was so before the rule was edited at {when(edited_at)}: an edit announces nothing from the past"
        else:
            why = "it is made only of what was learnt at the first contact (alerts.baseline: learn)"
        return Passage(Gate.LEARNT, Answer.STOPS, why)
    if episode.origin is Origin.ALREADY:
        return Passage(Gate.LEARNT, Answer.PASSES, "it was so already at the first contact: one message tells all such")
    return Passage(Gate.LEARNT, Answer.PASSES, "it is news")


def of_channel(channel: Channel, when: When) -> Iterator[Passage]:
    """The gates of one channel."""
    why, name = channel.why, channel.name
    if why is not None and why.reason is Hush.INHIBITED and not channel.sent:
        words = f"alert {why.by} of rule {why.by_rule} speaks for it (unless)"
        yield Passage(Gate.INHIBITION, Answer.STOPS, words, name)
        return
    yield Passage(Gate.INHIBITION, Answer.PASSES, _not_hushed(channel), name)
    kept = None if why is None or channel.sent else _kept_quiet(why, when)
    if kept is not None and kept[0] is not Gate.MUTE:
        yield Passage(kept[0], Answer.STOPS, kept[1], name)
        return
    yield Passage(Gate.ROUTE, Answer.PASSES, channel.route, name)
    if kept is not None:
        yield Passage(kept[0], Answer.STOPS if channel.ended else Answer.WAITS, kept[1], name)
        return
    if not channel.sent:
        yield _unsaid(channel, when)
        return
    last = channel.sent[-1]
    yield Passage(Gate.TIMERS, Answer.PASSES, f"its group spoke at {when(last.at)}", name)
    yield Passage(Gate.SAID, Answer.PASSES, _said(channel, last, when), name)
    for sent in channel.sent[-1:]:
        yield from (_outbox(parcel, name, when) for parcel in sent.parcels)
        if not sent.parcels:
            yield Passage(Gate.OUTBOX, Answer.PASSES, "what became of it is older than the store keeps", name)


def _kept_quiet(why: Why, when: When) -> tuple[Gate, str] | None:
    """What people and mute times keep quiet, and an alert that flaps; None where nothing of that does."""
    until = "" if why.due is None else f" until {when(why.due)}"
    comment = f": {why.comment}" if why.comment else ""
    match why.reason:
        case Hush.SILENCED:
            return Gate.SILENCE, f"silence {why.what} of {why.author}{until}{comment}"
        case Hush.FLAPPING:
            often = f" ({why.what})" if why.what else ""
            calm = "" if why.due is None else f", at the earliest at {when(why.due)}"
            return Gate.FLAPPING, f"it flaps{often} and was told as flapping: quiet until it is calm{calm}"
        case Hush.MUTED if why.due is None:
            return Gate.MUTE, f"it came and went while the route was mute: mute_times {why.what}"
        case Hush.MUTED:
            return Gate.MUTE, f"the route is mute{until}: mute_times {why.what}"
    return None


def _not_hushed(channel: Channel) -> str:
    if channel.why is not None and channel.why.reason is Hush.INHIBITED:
        return "nothing spoke for it when it was said"
    if not channel.unless:
        return "its rule has no `unless`"
    return f"no alert of {listed(channel.unless)} speaks for it"


def _unsaid(channel: Channel, when: When) -> Passage:
    why, name = channel.why, channel.name
    match None if why is None else why.reason:
        case None:
            return Passage(Gate.TIMERS, Answer.WAITS, "nothing has been decided on it yet", name)
        case Hush.TOO_OLD:
            words = "it was over for longer than alerts.max_age before it could be told"
            return Passage(Gate.TIMERS, Answer.STOPS, words, name)
        case Hush.UNCHANGED:
            return Passage(Gate.SAID, Answer.STOPS, "it counts as told by what spoke for it", name)
    if why is not None and why.reason is Hush.ACKNOWLEDGED:
        words = f"not escalated: acknowledged by {why.author}{f': {why.comment}' if why.comment else ''}"
        return Passage(Gate.TIMERS, Answer.STOPS, words, name)
    if why is not None and why.what == ESCALATION:
        words = "it is told here only if nobody acknowledges it where it is told first"
        if why.due is not None:
            words = f"it is told here at {when(why.due)}, unless it ends or somebody acknowledges it by then"
        return Passage(Gate.TIMERS, Answer.WAITS, words, name)
    if why is not None and why.due is not None:
        return Passage(Gate.TIMERS, Answer.WAITS, f"its group speaks at {when(why.due)}", name)
    words = "it came and went: one message tells all such" if channel.ended else "one message tells what was already so"
    return Passage(Gate.TIMERS, Answer.WAITS, f"{words}, after the next complete look", name)


def _said(channel: Channel, last: Sent, when: When) -> str:
    said = f"message {last.id} ({last.say}) at {when(last.at)}"
    if len(channel.sent) > 1:
        first = channel.sent[0]
        said = f"message {first.id} ({first.say}) at {when(first.at)}, last {said}"
    why = channel.why
    match None if why is None else why.reason:
        case Hush.UNCHANGED if why is not None and why.due is not None:
            return f"{said}; nothing new since, repeated at {when(why.due)}"
        case Hush.UNCHANGED:
            return f"{said}; nothing new since, and no repeat"
        case Hush.WAITING if why is not None and why.due is not None:
            return f"{said}; what is new since is said at {when(why.due)}"
        case Hush.WAITING:
            return f"{said}; what is new since goes with the group's next message"
        case Hush.ACKNOWLEDGED if why is not None:
            comment = f" ({why.comment})" if why.comment else ""
            return f"{said}; acknowledged by {why.author}{comment}: not repeated until it gets worse"
        case Hush.INHIBITED if why is not None:
            return f"{said}; since then alert {why.by} of rule {why.by_rule} speaks for it (unless)"
    kept = None if why is None else _kept_quiet(why, when)
    return said if kept is None else f"{said}; since then {kept[1]}"


def _outbox(parcel: Parcel, name: str, when: When) -> Passage:
    tries = len(parcel.attempts)
    last = parcel.attempts[-1] if parcel.attempts else None
    tried = f"after {tries} {'try' if tries == 1 else 'tries'}"
    match parcel.state:
        case "sent":
            at = "" if parcel.finished_at is None else f" at {when(parcel.finished_at)}"
            answer = f": {last.detail}" if last is not None and last.detail else ""
            return Passage(Gate.OUTBOX, Answer.PASSES, f"sent to {parcel.target}{at}{answer}", name)
        case "folded":
            words = f"told to {parcel.target} by a digest: message {parcel.reason}"
            return Passage(Gate.OUTBOX, Answer.PASSES, words, name)
        case "dropped":
            return Passage(Gate.OUTBOX, Answer.STOPS, f"for {parcel.target}: {parcel.reason}", name)
        case "dead":
            words = f"given up for {parcel.target} {tried}: {parcel.reason or 'no reason was kept'}"
            return Passage(Gate.OUTBOX, Answer.STOPS, words, name)
    if last is None:
        return Passage(Gate.OUTBOX, Answer.WAITS, f"queued for {parcel.target}, not tried yet", name)
    again = "" if parcel.next_at is None else f"; next try at {when(parcel.next_at)}"
    words = f"not taken by {parcel.target} {tried}, at {when(last.at)} {last.outcome}: {last.detail}{again}"
    return Passage(Gate.OUTBOX, Answer.WAITS, words, name)
