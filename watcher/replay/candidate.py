"""One task against one rule: which of its transitions gets how far, and which alert it is evidence of."""

from collections.abc import Sequence
from dataclasses import dataclass

from watcher.model.subject import Subject
from watcher.model.task import Transition, is_final
from watcher.model.times import Millis
from watcher.replay.clauses import Clause, Fit, clauses_of, no_of, sentence, verdict_of
from watcher.rules.event import Role
from watcher.rules.fields import by_value
from watcher.rules.rule import Rule
from watcher.rules.tracker import AlertKey

_EVIDENCE = frozenset({Role.MATCH, Role.ENTER})


@dataclass(frozen=True, slots=True)
class Asked:
    """One transition against one part of a rule.

    Args:
        part: `match`, `of`, `step 2`, `without`.
    """

    part: str
    transition: Transition
    clauses: Sequence[Clause]
    fit: Fit

    @property
    def rank(self) -> tuple[int, int, Millis]:
        """How far it gets; of equals, the later."""
        order = (Fit.DIFFERS, Fit.WAITS, Fit.FITS)
        return order.index(self.fit), sum(one.fit is Fit.FITS for one in self.clauses), self.transition.at

    @property
    def words(self) -> str:
        """Why it does not fit, or that it does."""
        stopped = no_of(list(self.clauses))
        return f"{self.transition.status} fits" if stopped is None else sentence(stopped)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A task as evidence for a rule.

    Args:
        asked: every transition against every part of the rule.
        key: the alert that it belongs to, of its best transition.
        at: when it became evidence; None where it did not.
        left_at: of a status that is watched while it lasts (`stuck`): when the task left it.
    """

    subject: Subject
    asked: Sequence[Asked]
    key: AlertKey | None
    at: Millis | None
    left_at: Millis | None = None

    @property
    def best(self) -> Asked | None:
        """The transition and part that get furthest; `of` and `without` are evidence of nothing."""
        wanted = [one for one in self.asked if one.part not in ("of", "without")]
        steps = [one for one in wanted if one.part != "match"]
        return max(reversed(steps or wanted), key=lambda one: one.rank, default=None)

    @property
    def rank(self) -> tuple[bool, tuple[int, int, Millis]]:
        return self.at is not None, (0, 0, 0) if self.best is None else self.best.rank

    @property
    def excluded(self) -> Asked | None:
        """It fits the match, but not what a ratio is taken of."""
        best = self.best
        if best is None or best.fit is not Fit.FITS:
            return None
        return next(
            (o for o in self.asked if o.part == "of" and o.transition == best.transition and o.fit is not Fit.FITS),
            None,
        )


def candidate(rule: Rule, subject: Subject) -> Candidate:
    """Take a task apart against a rule."""
    condition = rule.condition
    asked: list[Asked] = []
    for transition in subject.transitions:
        if condition.of_open_tasks and is_final(transition.status):
            continue
        for part, match in condition.parts():
            clauses = clauses_of(match, subject, transition)
            asked.append(Asked(part, transition, clauses, verdict_of(clauses)))
    hits = [hit for hit in condition.hits(subject) if hit.event.role in _EVIDENCE]
    if not hits:
        return Candidate(subject, asked, None, None)
    last = hits[-1]
    left = [hit.event.at for hit in condition.hits(subject) if hit.event.role in (Role.LEAVE, Role.LOST)]
    values = tuple(by_value(name, subject, last.transition) for name in rule.by)
    left_at = next((at for at in left if at >= last.event.at), None)
    return Candidate(subject, asked, (rule.name, values), last.event.at, left_at)


def furthest(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The one that gets furthest first."""
    return sorted(candidates, key=lambda one: one.rank, reverse=True)
