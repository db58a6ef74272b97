"""A JSON Schema (draft 7) of a rule file, for editors. What there is comes from the models; what it is for and
what goes with what is said here. It judges no regular expression, CEL or template: `check` does."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from watcher.model.task import STATUSES
from watcher.model.trouble import TroubleKind
from watcher.rules.conditions import KINDS
from watcher.rules.conditions.watcher import WATCHER_FIELDS
from watcher.rules.fields import FIELDS, GROUPABLE
from watcher.rules.schema import RuleFile, RulePart

_FILE = {
    "rules": "The rules. All files of the folder are one set.",
    "tests": "What must fire and be sent for a given history: `nonce-watcher rules test` runs them.",
}
_RULE = {
    "name": "Unique over all files; with the values of `by` an alert's identity.",
    "summary": "The message's first words. Default: the name.",
    "severity": "info, warning (default) or critical.",
    "match": "Which transitions: field → value, all must hold. {} is every one. Required, but with sequence.",
    "where": "A CEL expression that must hold too: payload.mode == 'low' && duration > 300.",
    "by": "The fields that tell alerts of the rule apart; [] is one alert. Default: [farm, task, miner] for each and "
    "stuck, [farm, miner] for sequence, [farm] for the others.",
    "for": "How long the condition must hold before it fires. Default: 0s.",
    "keep_firing_for": "How long the condition must be gone before the alert ends. Default: 0s.",
    "resolve": "How an event ends, with each and new: on_success, never, {on: match} or {after: duration}. Default: "
    "on_success for failed and timed_out, {after: 1h} for every other status.",
    "expire": "What on_success and on wait for at most, with each and new; or never. Default: 7d.",
    "unless": "Rules whose alerts hush this one's while they fire.",
    "unless_same": "The labels in which the two must be the same. Default: [farm].",
    "closing": "true: whoever was told of an alert hears what became of its batch when that is over. Goes with batch "
    "in by. Default: false.",
    "notify": "Channels in place of those of the first route that matches. Default: the routes decide.",
    "labels": "More labels, for routes; not rule, severity or a field of by.",
    "runbook": "An address, shown in the message.",
    "message": "Your own words (Jinja2) in place of the built-in ones.",
}
_MESSAGE = {
    "title": "A template: {{ count }} updates failed in {{ farm }}.",
    "body": "A template; it has the fields and count, total, ratio, miners, reasons, first, last, runbook.",
}
_RESOLVE = {
    "on": "A later transition that fits this ends the event, with the same values of the by fields it does not name.",
    "after": "The event ends when this time has passed; a new one prolongs the alert.",
}
_WINDOW = "How far back it looks, such as 15m or 6h."
_DISTINCT = "Each miner counts once; what has no miner does not count. Default: every event counts."
_CONDITIONS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "each": ("A matching event happened and has not been resolved. The default; it takes no keys.", {}),
    "count": (
        "At least so many matching events within a time.",
        {"at_least": "How many; inclusive.", "within": _WINDOW, "distinct": _DISTINCT},
    ),
    "ratio": (
        "At least this part of the events within a time fits the match.",
        {
            "at_least": "The part, such as 20% or 12.5%; inclusive.",
            "within": _WINDOW,
            "min_total": "Of no fewer; inclusive. Default: 1.",
            "of": "What the part is taken of; stands alone. Default: the same match with every final status.",
            "confidence": "How sure, such as 95%: the lower end of the Wilson interval must reach at_least.",
            "distinct": "Each miner counts once, by its latest outcome. Default: every event counts.",
        },
    ),
    "stuck": (
        "A task entered a matched open status and stays among them.",
        {"longer_than": "For how long; inclusive."},
    ),
    "absent": ("Nothing has matched for a time.", {"within": "For how long."}),
    "sequence": (
        "Several things happened in this order, for the same values of by.",
        {
            "steps": "Two to ten, each written as a match.",
            "within": "The time from the first step to the last.",
            "without": "What may not lie between the first step and the last.",
        },
    ),
    "spike": (
        "Many more matching events than usual.",
        {
            "times": "How many times the mean per `within` of the baseline; inclusive.",
            "within": _WINDOW,
            "baseline": "The time before that is taken as usual, such as 7d.",
            "min": "And at least so many. Default: 1.",
        },
    ),
    "new": (
        "A matching event carries a value that was not seen before.",
        {
            "field": "The field whose values are watched.",
            "memory": "For how long a value is remembered.",
            "learn": "The time at first in which nothing fires.",
        },
    ),
}
_MINERS = "of the miner, as the task's row tells it, else the inventory."
_FIELDS = {
    "task": "The task's name, such as miner.system.reboot.",
    "status": "The status that the task entered; failed is the moment of failing. The API may say other ones.",
    "farm": "The farm's name.",
    "farm_id": "The farm's id.",
    "miner": "The miner's id.",
    "batch": "The id of the batch that the task belongs to.",
    "ip": f"The address {_MINERS}",
    "mac": f"The MAC address {_MINERS}",
    "serial": f"The serial number {_MINERS}",
    "make": f"The make {_MINERS}",
    "model": f"The model {_MINERS}",
    "firmware": f"The firmware {_MINERS}",
    "firmware_version": f"The firmware's version {_MINERS}",
    "rack": f"The rack {_MINERS}",
    "location": f"The location {_MINERS}",
    "mining_mode": f"The mining mode {_MINERS}",
    "lifecycle": f"The lifecycle {_MINERS}",
    "health": "Of the miner: several values, fits when one does.",
    "actor": "Who started the task.",
    "agent_status": "Of the farm's agent while the task was last open: online, offline, or what else the API says.",
    "error": "The reason of a failure, as found in its error, result or log.",
    "log": "The log's messages: fits when one does.",
    "duration": 'From pending to the end, only on final states: "> 10m".',
    "queue_time": 'From the creation to pending: "> 10m".',
    "watcher": "The watcher's own trouble, in place of tasks; only farm and channel go with it.",
    "channel": "The channel that is broken, with watcher: channel.",
}
_VALUES = ' A value, a glob (S19*), a /regex/, "!not this", or a list of these.'

_KNOWN = {"status": STATUSES, "agent_status": ("online", "offline")}
"""Values that an editor may propose; others are as good."""

_OF_SINGLE_EVENTS = ("resolve", "expire")
_NOT_OF_WATCHER = ("by", "keep_firing_for", "resolve", "expire", "where", "unless", "unless_same", "closing", *KINDS)


class _Generate(GenerateJsonSchema):
    """Of what the models say, what helps in an editor: no titles, and null is no value that anybody means."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - part of an interface
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Defaults are in the descriptions: as values of the models they are not what one writes."""
        return self.generate_inner(schema["schema"])


def rule_file_schema() -> dict[str, Any]:
    """The schema of a rule file, as what becomes JSON."""
    rule = RulePart.model_json_schema(ref_template="#/definitions/{model}", schema_generator=_Generate)
    definitions: dict[str, Any] = {**rule.pop("$defs"), "RulePart": rule}
    severity = definitions.pop("Severity")
    for one in (severity, *definitions.values()):
        one.pop("title", None)
        one.pop("description", None)
    of = {name: one["properties"] for name, one in definitions.items()}
    of["RulePart"]["severity"] = severity
    of["RulePart"]["by"]["items"] = {"enum": list(GROUPABLE)}
    of["RulePart"]["expire"] = {"anyOf": [{"enum": ["never"]}, of["RulePart"]["expire"]]}
    of["NewSpec"]["field"] = {"enum": list(GROUPABLE)}
    of["RuleMatch"]["watcher"] = _one_or_more(_trouble())
    for match in (of["MatchPart"], of["RuleMatch"]):
        for name, values in _KNOWN.items():
            match[name] = _one_or_more({"anyOf": [{"enum": list(values)}, {"type": "string"}]})
    for name, texts in _texts().items():
        of[name] |= {key: _described(one, texts[key]) for key, one in of[name].items()}
    definitions["ResolvePart"] |= {"minProperties": 1, "maxProperties": 1}
    definitions["RuleMatch"]["dependencies"] = {
        "watcher": _without(name for name in FIELDS if name not in WATCHER_FIELDS),
        "channel": ["watcher"],
    }
    definitions["RulePart"] |= _what_goes_together()
    inside = {"rules": {"$ref": "#/definitions/RulePart"}, "tests": {"type": "object"}}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Rules of nonce-watcher",
        "type": "object",
        "properties": {
            name: {"description": _FILE[name], "type": "array", "items": inside[name]} for name in RuleFile.model_fields
        },
        "additionalProperties": False,
        "definitions": dict(sorted(definitions.items())),
    }


def _texts() -> dict[str, Mapping[str, str]]:
    """The descriptions of each definition's keys."""
    fields = {
        name: text if name in FIELDS and FIELDS[name].numeric else text + _VALUES for name, text in _FIELDS.items()
    }
    return {
        "RulePart": _RULE | {name: text for name, (text, _) in _CONDITIONS.items()},
        "RuleMatch": fields,
        "MatchPart": fields,
        "MessagePart": _MESSAGE,
        "ResolvePart": _RESOLVE,
        **{KINDS[name].spec.__name__: texts for name, (_, texts) in _CONDITIONS.items()},
    }


def _described(said: dict[str, Any], text: str) -> dict[str, Any]:
    # Beside a $ref, draft 7 sees nothing else.
    return {"description": text} | ({"allOf": [said]} if "$ref" in said else said)


def _one_or_more(one: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


def _trouble() -> dict[str, Any]:
    """A kind, or not this kind; or a pattern, which is no plain word."""
    kinds = [sign + kind.value for sign in ("", "!") for kind in TroubleKind]
    return {"anyOf": [{"enum": kinds}, {"type": "string", "pattern": "^!?(?![A-Za-z_][A-Za-z0-9_]*$)"}]}


def _without(names: Iterable[str]) -> dict[str, Any]:
    """None of these keys; an editor marks the one that is too much."""
    return {"properties": dict.fromkeys(names, False)}


def _what_goes_together() -> dict[str, Any]:
    """One condition at most; what only some conditions take; what rules about the watcher do without."""
    apart = {}
    for name, kind in KINDS.items():
        others = [other for other in KINDS if other != name]
        apart[name] = _without(others if kind.of_single_events else [*others, *_OF_SINGLE_EVENTS])
    alone = [{"required": [name]} for name, kind in KINDS.items() if kind.matches_by_itself]
    of_watcher = {"required": ["match"], "properties": {"match": {"type": "object", "required": ["watcher"]}}}
    return {
        "dependencies": {**apart, "unless_same": ["unless"]},
        "allOf": [
            {"if": {"not": {"anyOf": alone}}, "then": {"required": ["match"]}},
            {"if": of_watcher, "then": _without(_NOT_OF_WATCHER)},
        ],
    }
