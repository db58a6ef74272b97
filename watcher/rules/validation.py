"""A document against a pydantic model: the model, or every fault at once, each with its place and in an
operator's words. The sentences of the models' own validators (ValueError) come out as they are."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from watcher.errors import ConfigError, Fault
from watcher.rules.composing import Where, resolve
from watcher.rules.document import Document
from watcher.rules.keys import models_at
from watcher.rules.wording import found, listed, quoted, suggestion

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "none_required": "nothing",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
}
_BOUNDS = {
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "finite_number": "must be a finite number",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} of them",
    "too_long": "must have at most {max_length} of them",
}
_OTHER_WORDS = {
    **dict.fromkeys(("rule", "alert", "id"), "name"),
    **dict.fromkeys(("group_by", "group"), "by"),
    **dict.fromkeys(("threshold", "min_count"), "at_least"),
    **dict.fromkeys(("window", "during", "period", "interval"), "within"),
    **dict.fromkeys(("description", "annotations"), "summary"),
    **dict.fromkeys(("filter", "when", "if", "on"), "match"),
    **dict.fromkeys(("expr", "expression"), "where"),
    **dict.fromkeys(("channel", "channels", "receiver"), "notify"),
    **dict.fromkeys(("level", "priority"), "severity"),
    **dict.fromkeys(("longer", "for", "after"), "longer_than"),
    **dict.fromkeys(("title", "body", "text", "template"), "message"),
}
"""What other systems call a key."""
_CHOICE = re.compile(r"'([^']*)'")


class Part(BaseModel):
    """A mapping of a file. Strict: lists are tuples, and an enum's field needs `Field(strict=False)`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    later: ClassVar[frozenset[str]] = frozenset()
    """Keys that are documented, but not of this version."""


Model = TypeVar("Model", bound=BaseModel)


def validate(document: Document, model: type[Model], *, under: Where = (), about: str = "") -> Model:
    """The model of the document's data, or of what is `under` a place in it.

    Args:
        document: what was read.
        model: a strict one.
        under: where the model's data are.
        about: of what the faults speak: `rule "firmware-failing"`.

    Raises:
        ConfigError: with every fault.
    """
    try:
        return model.model_validate(document.at(under))
    except ValidationError as error:
        details = error.errors(include_url=False)
    findings = [_finding(document.at(under), detail) for detail in details if not _is_echo(detail)]
    prefix = f"{about}: " if about else ""
    faults = [_fault(document, model, under, prefix, finding) for finding in _likeliest(findings)]
    raise ConfigError(faults)  # not from pydantic's error, whose input may be a secret


@dataclass(frozen=True, slots=True)
class _Finding:
    """One of pydantic's errors.

    Args:
        where: the value that it is about; of an unknown key, that key's.
        member: the place of a union and the name of the member that complains; None outside of unions.
        value: what was found.
        expected: what would have been right; empty where the kind of value is not what is wrong.
        error: as pydantic told it.
    """

    where: Where
    member: tuple[Where, str | int] | None
    value: object
    expected: tuple[str, ...]
    error: ErrorDetails


def _finding(data: Any, error: ErrorDetails) -> _Finding:  # noqa: ANN401 - what the operator wrote
    """Pydantic's location also names members of unions and missing keys; the rest leads through the data."""
    steps = error["loc"][:-1] if error["type"] == "missing" or _of_key(error) else error["loc"]
    where: Where = ()
    member: tuple[Where, str | int] | None = None
    for step in steps:
        if step in (data if isinstance(data, dict) else range(len(data) if isinstance(data, tuple) else 0)):
            data = data[step]
            where = (*where, step)
        elif member is None:
            member = (where, step)
    if error["type"] in {"enum", "literal_error"}:
        expected = [quoted(choice) for choice in _CHOICE.findall(error["ctx"]["expected"])]
    else:
        expected = [_EXPECTED[error["type"]]] if error["type"] in _EXPECTED else []
    return _Finding(where, member, data, tuple(expected), error)


def _is_echo(error: ErrorDetails) -> bool:
    """Whether a list or mapping is called too short only since pydantic did not count its wrong entries."""
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def _of_key(error: ErrorDetails) -> bool:
    return error["loc"][-1:] == ("[key]",)


def _likeliest(findings: list[_Finding]) -> Iterator[_Finding]:
    """Of each union, what the member says that came furthest; where none got in, what each expected."""
    unions: dict[Where, dict[str | int, list[_Finding]]] = {}
    for finding in findings:
        if finding.member is None:
            yield finding
        else:
            place, name = finding.member
            unions.setdefault(place, {}).setdefault(name, []).append(finding)
    for place, members in unions.items():
        strangers = [said for said in members.values() if said[0].where == place and said[0].expected]
        others = [said for said in members.values() if said not in strangers]
        if others:
            yield from max(others, key=lambda said: max(len(finding.where) for finding in said))
        else:
            words = (word for said in strangers for finding in said for word in finding.expected)
            first = strangers[0][0]
            yield _Finding(place, None, first.value, tuple(dict.fromkeys(words)), first.error)


def _fault(document: Document, model: type[BaseModel], under: Where, prefix: str, finding: _Finding) -> Fault:
    where = under + finding.where
    if finding.error["type"] == "extra_forbidden":
        key = str(finding.where[-1])
        return document.key_fault(where, prefix + _unknown(key, models_at(model, finding.where[:-1])))
    if _of_key(finding.error):
        return document.key_fault(where, prefix + _sentence(finding.error))
    if finding.expected:
        keys = [
            field.alias or name for one in models_at(model, finding.where) for name, field in one.model_fields.items()
        ]
        return document.fault(where, prefix + _unexpected(finding, document.place(where).written, keys))
    return document.fault(where, prefix + _sentence(finding.error))


def _unknown(key: str, models: Iterable[type[BaseModel]]) -> str:
    models = list(models)
    if any(key in model.later for model in models if issubclass(model, Part)):
        return f"this version of nonce-watcher has no {quoted(key)} yet"
    known = _keys(models)
    if not known:
        return f"unknown key {quoted(key)}; none is known here"
    if (other := _OTHER_WORDS.get(key)) in known:
        return f"unknown key {quoted(key)} (did you mean {quoted(str(other))}?)"
    near = suggestion(key, known) or f"; known here: {listed(known, 'and')}"
    return f"unknown key {quoted(key)}{near}"


def _keys(models: Iterable[type[BaseModel]]) -> list[str]:
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def _unexpected(finding: _Finding, written: str | None, keys: Sequence[str]) -> str:
    """Args:
    keys: those of the mapping that may stand there.
    """
    value = finding.value
    choices = [word.strip('"') for word in finding.expected if word.startswith('"')]
    near = suggestion(value, choices) if isinstance(value, str) else ""
    hint = _hint(value, written, set(finding.expected))
    wanted = listed(finding.expected)
    if wanted == "a mapping" and keys:
        wanted = f"a mapping with the key{'s' if len(keys) > 1 else ''} {listed(keys, 'and')}"
    return f"expected {wanted}, found {found(value, written)}{near}{hint}"


def _hint(value: object, written: str | None, expected: set[str]) -> str:
    """What differs in YAML 1.2 from what the operator may have meant."""
    if "text" in expected and isinstance(value, bool | int | float):
        return f': put it in quotes: "{written}"'
    if isinstance(value, dict) and expected == {"a list"}:
        return ': every entry begins with "- "'
    if not isinstance(value, str):
        return ""
    if expected == {"a list"}:
        return ": write it in brackets, [first, second]"
    meant = resolve(value.replace("_", ""))
    if "true or false" in expected and value.lower() in {"yes", "no", "on", "off"}:
        return f": YAML 1.2 takes {value} as text"
    if ("true or false" in expected and isinstance(meant, bool)) or (
        {"a number", "a whole number"} & expected and type(meant) in {int, float}
    ):
        return ": write it without quotes" if written is None else ": write it without underscores"
    return ""


def _sentence(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "too_short" if not error["input"]:
            return "must not be empty"
        case "missing":
            return f"missing key {quoted(str(error['loc'][-1]))}"
        case "value_error":
            return str(context["error"])
        case kind if kind in _BOUNDS:
            return _BOUNDS[kind].format(**context)
    return error["msg"]
