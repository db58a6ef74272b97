"""A rule file as operators write it: the shape of one rule, made of the fields and the registered conditions."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, cast

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, create_model, model_validator

from watcher.model.message import Severity
from watcher.model.times import Millis
from watcher.model.trouble import TroubleKind
from watcher.rules.bound import BoundWhere
from watcher.rules.conditions import DEFAULT_KIND, KINDS, Condition
from watcher.rules.conditions.watcher import WATCHER_FIELDS, OfWatcher
from watcher.rules.fields import FIELDS, GROUPABLE
from watcher.rules.fields import Field as RuleField
from watcher.rules.match import Matcher, any_test, compile_match, text_test
from watcher.rules.quantities import Duration, DurationOrZero
from watcher.rules.resolve import DEFAULT_EXPIRE, Ending, Resolve, ResolveHow
from watcher.rules.rule import Rule
from watcher.rules.template import Template, TemplateFailed, compile_template
from watcher.rules.validation import Part
from watcher.rules.where import Where
from watcher.rules.wording import quoted, suggestion

Text = Annotated[str, Field(min_length=1, max_length=1000)]


def _clause(field: RuleField, raw: object) -> object:
    """One value of a `match`, checked by compiling it."""
    what = "a comparison" if field.numeric else "text or a list of texts"
    if isinstance(raw, bool | int | float) and not field.numeric:
        raise ValueError(f'{field.name} is text: write it in quotes, "{raw}"')
    if not isinstance(raw, str | tuple) or (isinstance(raw, tuple) and not raw):
        raise ValueError(f"expected {what}")
    if isinstance(raw, tuple) and not all(isinstance(part, str) for part in raw):
        raise ValueError(f"expected {what}: write every entry of the list in quotes")
    compile_match({field.name: cast("str | tuple[str, ...]", raw)})
    return raw


_match_fields: dict[str, Any] = {
    name: (Annotated[Any, PlainValidator(partial(_clause, field))], None) for name, field in FIELDS.items()
}


Patterns = str | Annotated[tuple[str, ...], Field(min_length=1)]


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


class _Match(Part):
    """`watcher` and `channel` are of rules about the watcher itself."""

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


if TYPE_CHECKING:
    MatchPart = _Match
else:
    MatchPart = create_model("MatchPart", __base__=_Match, **_match_fields)


def _compiled(part: _Match, where: str | None = None) -> Matcher:
    match = compile_match(part.model_dump(exclude_unset=True))
    return match if where is None else replace(match, where=BoundWhere(Where(where)))


def _of_watcher(part: _Match) -> OfWatcher:
    said = part.model_dump(exclude_unset=True)
    return OfWatcher({name: any_test(raw if isinstance(raw, tuple) else (raw,)) for name, raw in said.items()})


def _where(source: str) -> str:
    Where(source)
    return source


def _by_field(name: str) -> str:
    if name in GROUPABLE:
        return name
    if name in FIELDS:
        raise ValueError(f"{name} has no single text for a value: alerts can't be told apart by it")
    raise ValueError(f"unknown field {quoted(name)}{suggestion(name, GROUPABLE)}")


def _template(source: str) -> str:
    try:
        compile_template(source)
    except TemplateFailed as error:
        raise ValueError(str(error)) from error
    return source


def _never(value: object) -> object:
    return None if value == "never" else value


class ResolvePart(Part):
    on: MatchPart | None = None
    after: Duration | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.on is None) == (self.after is None):
            raise ValueError("resolve is on_success, never, {on: match} or {after: duration}")
        return self


class MessagePart(Part):
    title: Annotated[Text, AfterValidator(_template)] | None = None
    body: Annotated[Text, AfterValidator(_template)] | None = None


class RuleBase(Part):
    """What every rule may say, whatever its condition."""

    later: ClassVar[frozenset[str]] = frozenset(
        {"unless", "unless_same", "ratio", "absent", "sequence", "spike", "new"} - KINDS.keys()
    )

    name: Text
    summary: Text | None = None
    severity: Annotated[Severity, Field(strict=False)] = Severity.WARNING
    match: MatchPart
    where: Annotated[Text, AfterValidator(_where)] | None = None
    by: tuple[Annotated[str, AfterValidator(_by_field)], ...] | None = None
    hold: DurationOrZero = Field(default=0, alias="for")
    keep_firing_for: DurationOrZero = 0
    resolve: Literal["on_success", "never"] | ResolvePart | None = None
    expire: Annotated[Duration | None, BeforeValidator(_never)] = DEFAULT_EXPIRE
    notify: tuple[Text, ...] | None = None
    labels: dict[Text, Text] = Field(default_factory=dict)
    runbook: Text | None = None
    message: MessagePart = MessagePart()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        given = self.model_fields_set & KINDS.keys()
        if len(given) > 1:
            raise ValueError(f"a rule has one condition, this one has {' and '.join(sorted(given))}")
        if self.match.watcher is not None:
            self._only_what_goes_with_the_watcher(given)
        kind = KINDS[self.condition]
        for name in ("resolve", "expire"):
            if name in self.model_fields_set and not kind.of_single_events:
                raise ValueError(
                    f"{name} goes with each: a {self.condition} alert ends when its condition is no longer true"
                )
        taken = {"rule", "severity", *self.fields_apart}
        for label in self.labels:
            if label in taken:
                raise ValueError(f"the label {quoted(label)} is one that every alert of this rule has already")
        return self

    def _only_what_goes_with_the_watcher(self, conditions: Iterable[str]) -> None:
        wrong = [*conditions, *({"by", "keep_firing_for", "resolve", "expire", "where"} & self.model_fields_set)]
        if wrong:
            raise ValueError(f"{min(wrong)} goes with tasks: a rule about the watcher lasts as long as its trouble")

    @property
    def condition(self) -> str:
        return next(iter(self.model_fields_set & KINDS.keys()), DEFAULT_KIND)

    @property
    def fields_apart(self) -> tuple[str, ...]:
        if self.match.watcher is not None:
            return WATCHER_FIELDS
        return KINDS[self.condition].by if self.by is None else self.by

    @property
    def digest(self) -> str:
        """Of what decides what fires and when; wording, severity and routing are not part of it."""
        said = self.model_dump(
            mode="json",
            by_alias=True,
            exclude={"summary", "severity", "notify", "labels", "runbook", "message"},
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
            of_single_events=KINDS[self.condition].of_single_events and self.match.watcher is None,
            notify=self.notify,
            runbook=self.runbook,
            title=_compiled_template(self.message.title),
            body=_compiled_template(self.message.body),
        )

    def _condition(self) -> Condition:
        if self.match.watcher is not None:
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
        return Resolve(ResolveHow.ON, on=_compiled(said.on))
    after: Millis = said.after or 0
    return Resolve(ResolveHow.AFTER, after=after)


def _compiled_template(source: str | None) -> Template | None:
    return None if source is None else compile_template(source)


_condition_fields: Mapping[str, Any] = {name: (kind.spec | None, None) for name, kind in KINDS.items()}
if TYPE_CHECKING:
    RulePart = RuleBase
else:
    RulePart = create_model("RulePart", __base__=RuleBase, **_condition_fields)


class RuleFile(Part):
    later: ClassVar[frozenset[str]] = frozenset({"tests"})

    rules: tuple[RulePart, ...] = ()
