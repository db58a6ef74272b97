"""Which keys a pydantic model knows at a place of its data."""

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from watcher.rules.composing import Where


def models_at(model: type[BaseModel], where: Where) -> list[type[BaseModel]]:
    """The models that may stand there; several where a union does."""
    kinds: list[Any] = [model]
    for step in where:
        kinds = [inner for kind in kinds for inner in _inside(kind, step)]
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]


def _inside(kind: type, step: str | int) -> Iterator[Any]:
    """The classes and containers that a value of this kind may have at a step."""
    if get_origin(kind) is dict:
        yield from _members(get_args(kind)[1])
    elif get_origin(kind) in (tuple, list):
        yield from _members(get_args(kind)[0])
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            if step == (field.alias or name):
                yield from _members(field.annotation)


def _members(kind: Any) -> Iterator[Any]:  # noqa: ANN401 - an annotation is whatever typing makes of it
    if get_origin(kind) is Annotated:
        yield from _members(get_args(kind)[0])
    elif get_origin(kind) in (Union, UnionType):
        for member in get_args(kind):
            yield from _members(member)
    else:
        yield kind
