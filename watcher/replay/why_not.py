"""Why a task fired nothing: the gates before an alert, as far as it got."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from watcher.model.times import DAY, Millis, duration_text
from watcher.replay.candidate import Candidate
from watcher.replay.clauses import Fit
from watcher.replay.figures import Figures, Retelling
from watcher.replay.gates import Answer, Gate, Passage, When, of_condition
from watcher.rules.tracker import AlertKey

_LONGEST: Millis = 7 * DAY
_UNJUDGED = "no alert of it is stored: no daemon has judged it by this rule yet, or it is older than store.retain"


@dataclass(frozen=True, slots=True)
class Asking:
    """What it is asked by.

    Args:
        known_to: up to when everything is known of what the alert is about.
        present: nothing is later.
        doubted: tells from when on the rule waits for the record of some task; asked only where that matters.
    """

    retelling: Retelling
    known_to: Millis | None
    present: Millis
    when: When
    doubted: Callable[[], Millis | None] = lambda: None


def of_match(found: Candidate, asking: Asking) -> Passage:
    """Whether the task is evidence at all."""
    when, best = asking.when, found.best
    if found.at is not None:
        return Passage(Gate.MATCH, Answer.PASSES, f"it matched at {when(found.at)}")
    if best is None:
        statuses = "none of its statuses is open" if found.subject.transitions else "it has no transition yet"
        return Passage(Gate.MATCH, Answer.STOPS, statuses)
    if found.excluded is not None:
        return Passage(Gate.MATCH, Answer.STOPS, f"it fits the match, but not `of`: {found.excluded.words}")
    part = "" if best.part == "match" else f"{best.part}: "
    if best.fit is Fit.WAITS:
        return Passage(Gate.MATCH, Answer.WAITS, f"{part}{best.words}")
    if best.fit is Fit.FITS:
        return Passage(Gate.MATCH, Answer.STOPS, f"{best.words} {best.part}, but not the rest of the rule")
    return Passage(Gate.MATCH, Answer.STOPS, f"{part}{best.words}")


def without_episode(found: Candidate, figures: Figures, asking: Asking) -> Iterator[Passage]:
    """The gates between a task that matched and an alert that did not fire for it.

    Args:
        figures: when the condition came closest.
    """
    if found.key is None or found.at is None:
        return
    condition, when = asking.retelling.rule.condition, asking.when
    left = found.left_at
    if condition.of_open_tasks and left is not None:
        stayed = f"it stayed for {duration_text(left - found.at)} and then moved on"
        yield Passage(Gate.CONDITION, Answer.STOPS, f"{stayed}: the rule wants {condition.phrase()}")
        return
    late = asking.known_to is None or asking.known_to < figures.at
    if condition.gated and late:
        upto = "nothing yet" if asking.known_to is None else f"up to {when(asking.known_to)} only"
        yield Passage(Gate.KNOWN, Answer.WAITS, f"it is judged when everything is known: {upto}")
    doubted = asking.doubted() if figures.holds else None
    if doubted is not None and doubted <= figures.at:
        words = f"the rule waits for the record of a task, and judges nothing from {when(doubted)} on"
        yield Passage(Gate.KNOWN, Answer.WAITS, words)
    yield from of_figures(found.key, figures, asking)


def closest(key: AlertKey, at: Millis, asking: Asking) -> Figures:
    """When the condition came closest to holding, while the task counted."""
    condition = asking.retelling.rule.condition
    if condition.by_time:
        return asking.retelling.at(key, asking.present if condition.of_open_tasks else at)
    length = min(condition.memory or 0, _LONGEST)
    return asking.retelling.best(key, at, max(at, min(asking.present, at + length - 1)))


def of_figures(key: AlertKey, figures: Figures, asking: Asking) -> Iterator[Passage]:
    """The condition, and whether it held for long enough."""
    rule, when = asking.retelling.rule, asking.when
    over = figures.fires_at
    if not figures.holds or (over is not None and over > asking.present):
        yield from of_condition(rule, figures, when)
        return
    yield from (one for one in of_condition(rule, figures, when) if one.gate is Gate.CONDITION)
    later = figures if over is None or not rule.hold else asking.retelling.at(key, over)
    if rule.hold and not later.firing:
        words = f"it did not hold for {duration_text(rule.hold)}: at {when(later.at)}: {later.words}"
        yield Passage(Gate.FOR, Answer.STOPS, words)
        return
    yield Passage(Gate.KNOWN, Answer.WAITS, _UNJUDGED)
