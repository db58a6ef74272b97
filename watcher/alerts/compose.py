"""From an utterance to a message: the facts about its alerts, gathered rule by rule."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any, Protocol

from watcher.alerts.board import Utterance
from watcher.alerts.figures import lines_of, links_of, miners_of, models_of, reasons_of
from watcher.alerts.links import NO_LINKS, AppLinks
from watcher.alerts.speech import Member
from watcher.model.act import Act, Deed
from watcher.model.alert import EndReason, Episode
from watcher.model.fact import TaskFact
from watcher.model.message import Message, Say, Section, Since, State
from watcher.model.subject import Subject
from watcher.model.times import MINUTE, Millis, duration_text, to_datetime
from watcher.rules.conditions.watcher import WATCHER_FIELDS
from watcher.rules.fields import FIELDS, UNKNOWN
from watcher.rules.rule import Rule
from watcher.rules.template import Template, TemplateFailed

MOST_IDS = 3
MOST_ACTS = 5
MOST_ROWS = 10_000
"""Of a message's table; it is kept with the message until that is delivered."""
LATE_AFTER: Millis = 10 * MINUTE


class Facts(Protocol):
    """The store, for what a message needs to know of tasks."""

    def task_facts(self, keys: Sequence[int]) -> list[TaskFact]:
        """In the order of `keys`; what is gone is left out."""

    def subject(self, key: int) -> Subject | None: ...

    def unrepaired(self, keys: Sequence[int]) -> tuple[int, int]:
        """Of the miners of these tasks: how many lack a later success of the same task, and of how many."""


@dataclass(frozen=True, slots=True)
class Composer:
    """Makes messages.

    Args:
        zone: in which templates are shown times.
        links: to the operator's app.
    """

    rules: Mapping[str, Rule]
    facts: Facts
    zone: tzinfo
    links: AppLinks = NO_LINKS

    def message(
        self,
        utterance: Utterance,
        *,
        notes: Sequence[str] = (),
        unseen: tuple[Millis, Millis] | None = None,
        without: Sequence[str] = (),
    ) -> Message:
        """The message of an utterance.

        Args:
            without: farms that are left out of alerts across farms, since nobody can see them.
        """
        sections = [
            self._section(rule, state, members, utterance, without)
            for (rule, state), members in _gathered(utterance.members).items()
        ]
        sections.sort(key=lambda section: (list(State).index(section.state), -section.severity.rank))
        return Message(
            since=_since(utterance),
            id=utterance.id,
            say=utterance.say,
            channel=utterance.channel,
            severity=max((section.severity for section in sections), key=lambda severity: severity.rank),
            sections=tuple(_bounded(sections)),
            at=utterance.at,
            notes=tuple(notes),
            unseen=unseen,
        )

    def _section(
        self, name: str, state: State, members: Sequence[Member], utterance: Utterance, without: Sequence[str]
    ) -> Section:
        episodes = [member.episode for member in members]
        rule = self.rules.get(name)
        keys = list(dict.fromkeys(key for episode in episodes for key in episode.tasks))
        tasks = self.facts.task_facts(keys)
        totals = [episode.total for episode in episodes if episode.total is not None]
        reasons, other_reasons = reasons_of(tasks)
        miners, miners_total = miners_of(tasks, self.links)
        firsts = [episode.first_at for episode in episodes if episode.first_at is not None]
        lasts = [episode.last_at for episode in episodes if episode.last_at is not None]
        ends = [episode.ended_at for episode in episodes if episode.ended_at is not None]
        quiet = state is State.RESOLVED and any(e.end_reason is EndReason.QUIET for e in episodes)
        unheard = [episode for episode in episodes if episode.id in utterance.unheard]
        section = Section(
            rule=name,
            summary=(rule.summary if rule is not None else None) or name,
            state=state,
            severity=max((episode.alert.severity for episode in episodes), key=lambda severity: severity.rank),
            labels=_shared(episode.alert.labels for episode in episodes),
            alerts=len(episodes),
            alert_ids=tuple(episode.alert.fingerprint for episode in episodes[:MOST_IDS]),
            new=len(unheard),
            count=sum(episode.count for episode in episodes),
            total=sum(totals) if totals else None,
            tasks=dict(Counter(f"{task.name} {task.status}" for task in tasks).most_common()),
            reasons=reasons,
            other_reasons=other_reasons,
            models=models_of(tasks),
            miners=miners,
            miners_total=miners_total,
            links=links_of(tasks, self.links),
            rows=lines_of(tasks[:MOST_ROWS]),
            first_at=min(firsts, default=None),
            last_at=max(lasts, default=None),
            started_at=min(episode.started_at for episode in episodes),
            ended_at=max(ends) if ends and state is not State.FIRING else None,
            ended_by=_ended_by(members) if state is not State.FIRING else None,
            unrepaired=self.facts.unrepaired(keys) if quiet else None,
            late=any(utterance.at - _became_news(episode) > LATE_AFTER for episode in unheard),
            fired_at=min((episode.started_at for episode in unheard), default=None),
            runbook=None if rule is None else rule.runbook,
            cause=next((episode.cause for episode in episodes if episode.cause), None),
            without=tuple(without) if rule is not None and _across_farms(rule) else (),
            acts=tuple(dict.fromkeys(_acts(members, utterance)))[:MOST_ACTS],
            flaps=_flaps(members),
        )
        return section if rule is None or state is not State.FIRING else self._in_own_words(section, rule, keys)

    def _in_own_words(self, section: Section, rule: Rule, keys: Sequence[int]) -> Section:
        """The rule's own title and body; a template that fails leaves the default words in place."""
        if rule.of_watcher:
            own = self._own_values(section) | {name: section.labels.get(name) or "" for name in WATCHER_FIELDS}
            return replace(section, title=_rendered(rule.title, own), body=_rendered(rule.body, own))
        if (rule.title is None and rule.body is None) or not keys:
            return section
        subject = self.facts.subject(keys[-1])
        if subject is None:
            return section
        values = self._values(section, subject)
        return replace(section, title=_rendered(rule.title, values), body=_rendered(rule.body, values))

    def _values(self, section: Section, subject: Subject) -> dict[str, Any]:
        latest = subject.transitions[-1]
        values: dict[str, Any] = {}
        for name, field in FIELDS.items():
            value = field.get(subject, latest)
            known = None if value is UNKNOWN else value
            values[name] = duration_text(known) if field.numeric and isinstance(known, int) else known
        return values | self._own_values(section)

    def _own_values(self, section: Section) -> dict[str, Any]:
        return {
            "cause": section.cause or "",
            "count": section.count,
            "total": section.total,
            "ratio": section.count / section.total if section.total else None,
            "miners": [miner.id for miner in section.miners],
            "reasons": list(section.reasons),
            "first": self._clock(section.first_at),
            "last": self._clock(section.last_at),
            "runbook": section.runbook or "",
        }

    def _clock(self, at: Millis | None) -> str:
        return "" if at is None else to_datetime(at).astimezone(self.zone).strftime("%Y-%m-%d %H:%M")


def _acts(members: Iterable[Member], utterance: Utterance) -> Iterator[Act]:
    """What people did: once in each message that it bears upon, the end of a silence in the first one after it."""
    spoken_at = None if utterance.before is None else utterance.before[0]
    for member in members:
        ack, silence, released = member.ack, member.silence, member.released
        if ack is not None and member.acknowledged:
            yield Act(Deed.ACKNOWLEDGED, ack.author, ack.at, ack.comment)
        if silence is not None and silence.holds(utterance.at):
            yield Act(Deed.SILENCED, silence.author, silence.ends_at, silence.comment)
        elif released is not None and (spoken_at is None or spoken_at < released.ends_at):
            yield Act(Deed.SILENCE_ENDED, released.author, released.ends_at, released.comment)


def _flaps(members: Iterable[Member]) -> tuple[int, Millis] | None:
    """Of the alert that changes most."""
    found = [(member.flaps.changes, member.flaps.within) for member in members if member.flaps is not None]
    return max(found, default=None)


def _since(utterance: Utterance) -> Since | None:
    """None for what a channel hears beside its groups, and for a group's first message."""
    if utterance.before is None or utterance.say in (Say.ALREADY, Say.CATCH_UP):
        return None
    at, count = utterance.before
    new = sum(member.episode.id in utterance.unheard for member in utterance.members)
    ended = sum(member.episode.id not in utterance.unheard for member in utterance.ended)
    return Since(at, count, sum(member.episode.count for member in utterance.firing), new, ended)


def _bounded(sections: Iterable[Section]) -> Iterator[Section]:
    """The sections, with as many rows as a message may hold over all of them."""
    room = MOST_ROWS
    for section in sections:
        yield replace(section, rows=section.rows[:room])
        room = max(0, room - len(section.rows))


def _across_farms(rule: Rule) -> bool:
    return not rule.of_watcher and not {"farm", "farm_id"} & set(rule.by)


def _gathered(members: Iterable[Member]) -> dict[tuple[str, State], list[Member]]:
    gathered: dict[tuple[str, State], list[Member]] = {}
    for member in members:
        ended = State.RESOLVED if member.recovered else State.ENDED
        state = State.FIRING if member.episode.firing else ended
        gathered.setdefault((member.episode.alert.rule, state), []).append(member)
    return gathered


def _shared(labels: Iterable[Mapping[str, str | None]]) -> dict[str, str | None]:
    """The labels on which all agree, in the order of the first."""
    first, *others = labels
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}


def _ended_by(members: Sequence[Member]) -> str:
    """What ended most of them, in words."""
    words = Counter(member.episode.ended_by or "" for member in members)
    return words.most_common(1)[0][0]


def _became_news(episode: Episode) -> Millis:
    """What was learnt in silence began long ago; the event that made it news is its last."""
    return max(episode.started_at, episode.last_at if episode.last_at is not None else episode.started_at)


def _rendered(template: Template | None, values: Mapping[str, Any]) -> str | None:
    if template is None:
        return None
    try:
        return template.render(values)
    except TemplateFailed:
        return None
