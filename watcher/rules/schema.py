"""A rule file as operators write it: the shape of one rule, made of the fields and the registered conditions."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, create_model, model_validator
from pydantic_core import InitErrorDetails

from watcher.model.message import Severity
from watcher.model.task import FINAL_STATUSES, OPEN_STATUSES
from watcher.model.times import Millis
from watcher.model.trouble import TroubleKind
from watcher.rules.bound import BoundWhere
from watcher.rules.conditions import DEFAULT_KIND, KINDS, Condition, Kind
from watcher.rules.conditions.watcher import WATCHER_FIELDS, OfWatcher
from watcher.rules.fields import FIELDS, GROUPABLE
from watcher.rules.match import NOTHING_ASKED, Matcher, any_test, text_test
from watcher.rules.match_part import MatchPart, Patterns
from watcher.rules.quantities import Duration, DurationOrZero, parse_duration
from watcher.rules.resolve import DEFAULT_EXPIRE, Ending, Resolve, ResolveHow
from watcher.rules.rule import DEFAULT_UNLESS_SAME, Rule
from watcher.rules.template import Template, TemplateFailed, compile_template
from watcher.rules.validation import Part
from watcher.rules.where import Where
from watcher.rules.wording import listed, quoted, suggestion
from watcher.rules.written_test import TestPart

Text = Annotated[str, Field(min_length=1, max_length=1000)]
_WAYS_TO_END = "resolve is on_success, never, {on: match} or {after: duration}"


def _trouble(said: Patterns) -> Patterns:
    """Only kinds of trouble that there are: another one would never come."""
    for kind in said if isinstance(said, tuple) else (said,):
        plain = kind.removeprefix("!")
        if plain not in set(TroubleKind) and plain.isidentifier():
            known = [one.value for one in TroubleKind]
            raise ValueError(f"the watcher has no trouble {quoted(plain)}{suggestion(plain, known) or _of(known)}")
        text_test(kind)
    return said


def _of(known: Iterable[str]) -> str:
    return f": there are {', '.join(known)}"


class RuleMatch(MatchPart):
    """A rule's own match: `watcher` and `channel` are of rules about the watcher itself."""

    watcher: Annotated[Patterns, AfterValidator(_trouble)] | None = None
    channel: Patterns | None = None

    @model_validator(mode="after")
    def _of_tasks_or_of_the_watcher(self) -> Self:
        said = self.model_fields_set
        if "watcher" in said and said - set(WATCHER_FIELDS):
            raise ValueError("a match with watcher sees no tasks: only farm and channel go with it")
        if "channel" in said and "watcher" not in said:
            raise ValueError("channel goes with watcher: channel only")
        return self


def _compiled(part: MatchPart | None, where: str | None) -> Matcher:
    match = NOTHING_ASKED if part is None else part.compiled()
    return match if where is None else replace(match, where=BoundWhere(Where(where)))


def _of_watcher(part: RuleMatch) -> OfWatcher:
    said = part.model_dump(exclude_unset=True)
    return OfWatcher({name: any_test(raw if isinstance(raw, tuple) else (raw,)) for name, raw in said.items()})


def _where(source: str) -> str:
    Where(source)
    return source


def _by_field(name: str) -> str:
    if name in GROUPABLE:
        return name
    if name in FIELDS:
        raise ValueError(f"{name} has no single text for a value: alerts can't be told apart by it, leave it out")
    near = suggestion(name, GROUPABLE) or f"; known here: {listed(GROUPABLE, 'and')}"
    raise ValueError(f"unknown field {quoted(name)}{near}")


def _template(source: str) -> str:
    try:
        compile_template(source)
    except TemplateFailed as error:
        raise ValueError(str(error)) from error
    return source


def _or_never(value: object) -> object:
    if value == "never":
        return None
    try:
        parse_duration(value)
    except ValueError as error:
        raise ValueError(f"{error}; or never") from error
    return value


def _way_to_end(value: object) -> object:
    if isinstance(value, dict) or value in ("on_success", "never"):
        return value
    near = suggestion(value, ("on_success", "never")) if isinstance(value, str) else ""
    raise ValueError(f"{_WAYS_TO_END}{near}")


class ResolvePart(Part):
    on: MatchPart | None = None
    after: Duration | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.on is None) == (self.after is None):
            raise ValueError(_WAYS_TO_END)
        return self


class MessagePart(Part):
    title: Annotated[Text, AfterValidator(_template)] | None = None
    body: Annotated[Text, AfterValidator(_template)] | None = None


_OF_TASKS = {"by", "keep_firing_for", "resolve", "expire", "where", "unless", "unless_same", "closing"}
_SAID_ONLY = {"summary", "severity", "unless", "unless_same", "closing", "notify", "labels", "runbook", "message"}
"""What decides nothing of what fires and when."""


class RuleBase(Part):
    """What every rule may say, whatever its condition."""

    name: Text
    summary: Text | None = None
    severity: Annotated[Severity, Field(strict=False)] = Severity.WARNING
    match: RuleMatch | None = None
    where: Annotated[str, Field(min_length=1), AfterValidator(_where)] | None = None
    by: tuple[Annotated[str, AfterValidator(_by_field)], ...] | None = None
    hold: DurationOrZero = Field(default=0, alias="for")
    keep_firing_for: DurationOrZero = 0
    resolve: Annotated[Literal["on_success", "never"] | ResolvePart | None, BeforeValidator(_way_to_end)] = None
    expire: Annotated[Duration | None, BeforeValidator(_or_never)] = DEFAULT_EXPIRE
    unless: tuple[Text, ...] = ()
    unless_same: tuple[Text, ...] = DEFAULT_UNLESS_SAME
    closing: bool = False
    notify: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    labels: dict[Text, Text] = Field(default_factory=dict)
    runbook: Text | None = None
    message: MessagePart = MessagePart()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        misfits = [
            InitErrorDetails(type="value_error", loc=where, input=None, ctx={"error": ValueError(text)})
            for where, text in self._misfits()
        ]
        if misfits:
            raise ValidationError.from_exception_data("rule", misfits)  # each with its own place
        return self

    def _misfits(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """What does not go together: where it stands in the rule, and why."""
        said = self.model_fields_set
        given = sorted(said & KINDS.keys())
        if len(given) > 1:
            yield (given[-1],), f"a rule has one condition, this one has {listed(given, 'and')}"
            return
        kind = KINDS[self.condition]
        if self.match is None and not kind.matches_by_itself:
            where = ("match",) if "match" in said else ()
            yield where, 'missing key "match": which transitions; match: {} is every one'
        if self.of_watcher:
            for name in sorted(said & (_OF_TASKS | KINDS.keys())):
                yield (name,), f"{name} goes with tasks: a rule about the watcher lasts as long as its trouble"
        else:
            yield from self._misfit_keys(kind)
        for label in self.labels:
            if label in {"rule", "severity", *self.fields_apart}:
                text = f"the label {quoted(label)} is one that every alert of this rule has already"
                yield ("labels", label), text

    def _misfit_keys(self, kind: Kind) -> Iterator[tuple[tuple[str, ...], str]]:
        said = self.model_fields_set
        for name in sorted({"resolve", "expire"} & said):
            if not kind.of_single_events:
                text = f"{name} goes with each and new: an alert of {self.condition} ends when it is no longer true"
                yield (name,), text
        if self.condition == "stuck" and self.match is not None and not self._sees_open_tasks():
            yield ("match",), f"stuck is about open tasks: a status of {listed(OPEN_STATUSES)}, or none for all of them"
        if self.closing and "batch" not in self.fields_apart:
            yield ("closing",), "closing goes with by: [farm, batch], or another one with batch in it"
        if "unless_same" in said and not self.unless:
            yield ("unless_same",), "unless_same goes with unless: the rules whose alerts hush this one"

    def _sees_open_tasks(self) -> bool:
        """Statuses are an open set, so only those that are documented as final are known to be wrong."""
        said = None if self.match is None else self.match.model_dump(exclude_unset=True).get("status")
        patterns = said if isinstance(said, tuple) else (said,)
        return said is None or not all(pattern in FINAL_STATUSES for pattern in patterns)

    @property
    def of_watcher(self) -> bool:
        return self.match is not None and self.match.watcher is not None

    @property
    def condition(self) -> str:
        return next(iter(self.model_fields_set & KINDS.keys()), DEFAULT_KIND)

    @property
    def fields_apart(self) -> tuple[str, ...]:
        if self.of_watcher:
            return WATCHER_FIELDS
        return KINDS[self.condition].by if self.by is None else self.by

    @property
    def digest(self) -> str:
        """Of what decides what fires and when; wording, severity and routing are not part of it."""
        said = self.model_dump(
            mode="json",
            by_alias=True,
            exclude=_SAID_ONLY,
            exclude_unset=True,
        )
        said |= {"by": self.fields_apart, "condition": self.condition}
        return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    def compiled(self) -> Rule:
        return Rule(
            name=self.name,
            digest=self.digest,
            condition=self._condition(),
            by=self.fields_apart,
            severity=self.severity,
            summary=self.summary,
            labels=self.labels,
            hold=self.hold,
            keep=self.keep_firing_for,
            tells_expiry=bool({"resolve", "expire"} & self.model_fields_set),
            of_single_events=KINDS[self.condition].of_single_events and not self.of_watcher,
            unless=frozenset(self.unless),
            unless_same=self.unless_same,
            closing=self.closing,
            notify=self.notify,
            runbook=self.runbook,
            title=_compiled_template(self.message.title),
            body=_compiled_template(self.message.body),
        )

    def _condition(self) -> Condition:
        if self.match is not None and self.of_watcher:
            return _of_watcher(self.match)
        kind = KINDS[self.condition]
        ending = Ending(_resolve(self.resolve), self.expire, self.fields_apart)
        return kind.build(_compiled(self.match, self.where), getattr(self, self.condition), ending)


def _resolve(said: str | ResolvePart | None) -> Resolve | None:
    if said is None:
        return None
    if isinstance(said, str):
        return Resolve(ResolveHow(said))
    if said.on is not None:
        return Resolve(ResolveHow.ON, on=said.on.compiled())
    after: Millis = said.after or 0
    return Resolve(ResolveHow.AFTER, after=after)


def _compiled_template(source: str | None) -> Template | None:
    return None if source is None else compile_template(source)


_condition_fields: Mapping[str, Any] = {name: (kind.spec, None) for name, kind in KINDS.items()}
if TYPE_CHECKING:
    RulePart = RuleBase
else:
    RulePart = create_model("RulePart", __base__=RuleBase, **_condition_fields)


class RuleFile(Part):
    rules: tuple[RulePart, ...] = ()
    tests: tuple[TestPart, ...] = ()
