"""A `match` as operators write it: one optional key for each field."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import Field, PlainValidator, WithJsonSchema, create_model
from pydantic_core import PydanticKnownError

from watcher.rules.fields import FIELDS
from watcher.rules.fields import Field as RuleField
from watcher.rules.match import Matcher, compile_match
from watcher.rules.quantities import DURATION_PATTERN
from watcher.rules.validation import Part


def _clause(field: RuleField, raw: object) -> object:
    """One value of a `match`, checked by compiling it."""
    what = 'a comparison such as "> 10m", or a list of them' if field.numeric else "text or a list of texts"
    if isinstance(raw, bool | int | float) and not field.numeric:
        raise PydanticKnownError("string_type")  # `validation` quotes it as it is written: 3.10, not 3.1
    if not isinstance(raw, str | tuple):
        raise ValueError(f"expected {what}")
    if not raw and isinstance(raw, tuple):
        raise ValueError(f"must not be empty: expected {what}")
    if isinstance(raw, tuple) and not all(isinstance(part, str) for part in raw):
        raise ValueError(f"expected {what}: write every entry of the list in quotes")
    compile_match({field.name: cast("str | tuple[str, ...]", raw)})
    return raw


def _schema(field: RuleField) -> WithJsonSchema:
    """What an editor checks of one value."""
    one: dict[str, Any] = {"type": "string"}
    if field.numeric:
        one["pattern"] = f"^\\s*(>=|<=|>|<|==?)?\\s*(0[hms]|{DURATION_PATTERN})\\s*$"
        one["patternErrorMessage"] = 'write a comparison with a unit, such as "> 10m"'
    return WithJsonSchema(one | {"type": ["string", "array"], "items": one, "minItems": 1})


Patterns = str | Annotated[tuple[str, ...], Field(min_length=1)]
_match_fields: dict[str, Any] = {
    name: (Annotated[Any, PlainValidator(partial(_clause, field)), _schema(field)], None)
    for name, field in FIELDS.items()
}


class _Match(Part):
    def compiled(self) -> Matcher:
        return compile_match(self.model_dump(exclude_unset=True))


if TYPE_CHECKING:
    MatchPart = _Match
else:
    MatchPart = create_model("MatchPart", __base__=_Match, **_match_fields)
