"""Reading a page of rows so that a strange field costs that field, never its row, and a strange row costs
that row, never its page. Pure: what was strange is returned, for the caller to log."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from watcher.errors import ApiUnavailable
from watcher.nonce.shapes import HeadShape, MemberShape, Pagination, RowShape, Shape

Opened = TypeVar("Opened", bound="_Envelope")
Row = TypeVar("Row", bound=RowShape)
Salvaged = TypeVar("Salvaged", bound=Shape)

_LONGEST_NUMBER = 4000
"""Digits; Python and pydantic refuse a few more."""


class _Envelope(BaseModel):
    """What does not fit its shape stays the JSON it was, for a second and slower reading."""

    model_config = ConfigDict(strict=True, extra="ignore")

    success: Any = None


class Envelope(_Envelope, Generic[Row]):
    """A page."""

    data: list[Annotated[Row | JsonValue, Field(union_mode="left_to_right")]]
    pagination: Annotated[Pagination | JsonValue, Field(union_mode="left_to_right")] = None


class _Contents(Shape):
    batch: Annotated[HeadShape | JsonValue, Field(union_mode="left_to_right")] = None
    tasks: list[Annotated[MemberShape | JsonValue, Field(union_mode="left_to_right")]]


class _BatchEnvelope(_Envelope):
    """A batch with its tasks (2.4), all in one reply."""

    data: _Contents


@dataclass(frozen=True, slots=True)
class Whole:
    """A batch and its tasks, each of them once; `odd` and `skipped` as for a page."""

    head: HeadShape
    members: list[MemberShape]
    odd: frozenset[str] = frozenset()
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """The rows of one reply.

    Args:
        odd: names of the fields that held something else than is documented; they are unknown now.
        skipped: how many rows could not be used at all.
    """

    rows: list[Row]
    pagination: Pagination
    odd: frozenset[str] = frozenset()
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Reader(Generic[Row]):
    """Reads pages of one kind of row. Made once for each: pydantic builds its models slowly."""

    shape: type[Row]
    envelope: type[Envelope[Row]]

    def read(self, body: bytes) -> Page[Row]:
        """The page that a reply's body holds.

        Raises:
            ApiUnavailable: the body is no page, or none of its rows can be used.
        """
        found = _opened(self.envelope, body)
        odd: set[str] = set()
        rows = _usable(found.data, self.shape, odd)
        pagination = found.pagination
        if not isinstance(pagination, Pagination):
            pagination = salvaged(pagination, Pagination, odd) or Pagination()
        return Page(rows, pagination, frozenset(odd), len(found.data) - len(rows))


def read_batch(body: bytes) -> Whole:
    """The batch that a reply's body holds; a strange head is an empty one.

    Raises:
        ApiUnavailable: there is no list of tasks, or none of them can be used.
    """
    found = _opened(_BatchEnvelope, body).data
    odd: set[str] = set()
    rows = _usable(found.tasks, MemberShape, odd)
    head = found.batch
    if not isinstance(head, HeadShape):
        head = salvaged(head, HeadShape, odd) or HeadShape()
    members = {row.id: row for row in rows}
    return Whole(head, list(members.values()), frozenset(odd), len(found.tasks) - len(rows))


def _opened(envelope: type[Opened], body: bytes) -> Opened:
    found = _parsed(envelope, body)
    if found.success is False:
        raise ApiUnavailable("The Nonce API answered 200, but says that it had no success.")
    return found


def _parsed(envelope: type[Opened], body: bytes) -> Opened:
    try:
        return envelope.model_validate_json(body)
    except ValidationError as error:
        if not _of_syntax(error):
            raise ApiUnavailable("The Nonce API answered JSON without a list of rows.") from None
    try:
        return envelope.model_validate_json(_rewritten(body))
    except (ValueError, RecursionError):
        raise ApiUnavailable("The Nonce API's answer is not JSON, or only a part of it.") from None


def _usable(data: Sequence[object], shape: type[Row], odd: set[str]) -> list[Row]:
    """The rows, without those that no salvage makes fit."""
    every = [row if isinstance(row, shape) else salvaged(row, shape, odd) for row in data]
    rows = [row for row in every if row is not None]
    if every and not rows:
        raise ApiUnavailable(f"The Nonce API answered {len(every)} rows, none of which can be understood.")
    return rows


def _of_syntax(error: ValidationError) -> bool:
    return error.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid"


def _rewritten(body: bytes) -> bytes:
    """The same JSON without what pydantic refuses: halves of characters, broken UTF-8, endless digits."""
    value = json.loads(body.decode(errors="replace"), parse_int=_whole)
    return json.dumps(value, ensure_ascii=False).encode(errors="replace")


def _whole(digits: str) -> int | float:
    """The number; one that is longer than any reader takes is infinite."""
    return int(digits) if len(digits) <= _LONGEST_NUMBER else math.inf


def salvaged(data: Any, shape: type[Salvaged], odd: set[str]) -> Salvaged | None:  # noqa: ANN401 - any JSON at all
    """The row with every value that does not fit made null, its name added to `odd`; None if unusable.

    `data` is changed. Every turn makes at least one value null, so there is a last one.
    """
    while True:
        try:
            return shape.model_validate(data)
        except ValidationError as error:
            faults = error.errors(include_url=False, include_context=False, include_input=False)
        culprits = {_culprit(data, fault["loc"]) for fault in faults}
        if () in culprits:
            return None
        for path in sorted(culprits, key=len, reverse=True):
            _make_null(data, path)
            odd.add(".".join(part for part in path if isinstance(part, str)))


def _culprit(data: Any, path: tuple[int | str, ...]) -> tuple[int | str, ...]:  # noqa: ANN401 - as above
    """What to make null for a fault: a missing key, or a null that may not be one, is the fault of what holds it."""
    known = 0
    for depth, part in enumerate(path, start=1):
        inside = part in data if isinstance(data, dict) else isinstance(data, list) and isinstance(part, int)
        if not inside or data[part] is None:
            break
        data, known = data[part], depth
    return path[:known]


def _make_null(data: Any, path: tuple[int | str, ...]) -> None:  # noqa: ANN401 - as above
    for part in path[:-1]:
        data = data[part]
    data[path[-1]] = None
