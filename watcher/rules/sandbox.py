"""Jinja2 made harmless: sandboxed, with a deadline that every turn of a loop and every call of a macro looks at,
and without what makes much out of little in one step. Rendering is `template`'s."""

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from watcher.rules.template import TemplateFailed

if TYPE_CHECKING:
    from jinja2.runtime import Context

MOST = 100_000
"""The longest text or list that a step may make, and the largest number that a call may be given."""
_MOST_BITS = 10_000
_WIDE = re.compile(r"%[-+ #0]*[\d.]*\d{5}|%[-+ #0\d.]*\*|:[^}]*\d{5}")
"""What pads a value with many thousand characters, in either kind of a format."""
TICK, JOIN = "_tick", "_join"
"""The names under which a template finds the deadline and the bounded `~`."""


def joined(*parts: object) -> str:
    """What `~` makes."""
    text = "".join(map(str, parts))
    return text if len(text) <= MOST else _refuse("joins something too long")


def compiled(source: str) -> jinja2.Template:
    """A template whose values must hold `TICK`, a function that raises when it is late, and `JOIN`, which is `joined`.

    Raises:
        jinja2.TemplateSyntaxError: it is none.
    """
    tree = _Watched().visit(_ENVIRONMENT.parse(source))
    tree.set_environment(_ENVIRONMENT)
    return _ENVIRONMENT.from_string(tree)


class _Watched(NodeTransformer):
    """Puts the look at the deadline where a template can go round: a template is only asked by its output else."""

    def _ticking(self, node: Any) -> Any:  # noqa: ANN401 - a For, a Macro, a CallBlock or a Block
        self.generic_visit(node)
        node.body.insert(0, nodes.ExprStmt(_call(TICK, [], node.lineno), lineno=node.lineno))
        return node

    visit_For = visit_Macro = visit_CallBlock = visit_Block = _ticking  # noqa: N815 - Jinja2's own names

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - Jinja2's own name
        self.generic_visit(node)
        return _call(JOIN, node.nodes, node.lineno)


def _call(name: str, arguments: list[nodes.Expr], line: int) -> nodes.Call:
    return nodes.Call(nodes.Name(name, "load", lineno=line), arguments, [], None, None, lineno=line)


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def call_binop(self, context: "Context", operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401 - Jinja2's own
        _OPERATIONS[operator](left, right)
        return super().call_binop(context, operator, left, right)

    def call(self, context: "Context", called: Any, /, *args: Any, **named: Any) -> Any:  # noqa: ANN401 - Jinja2's own
        _modest((*args, *named.values()))
        if getattr(called, "__name__", "") in {"format", "format_map"}:
            _narrow(getattr(getattr(called, "__wrapped__", called), "__self__", None))
        return super().call(context, called, *args, **named)


def _added(left: object, right: object) -> None:
    if _size(left) + _size(right) > MOST:
        _refuse("joins something too long")


def _multiplied(left: object, right: object) -> None:
    for one, other in ((left, right), (right, left)):
        if isinstance(other, int) and _size(one) * other > MOST:
            _refuse("repeats something too often")
    _numbers(left, right, 1)


def _raised(left: object, right: object) -> None:
    _numbers(left, 0, abs(right) if isinstance(right, int) else 1)


def _numbers(left: object, right: object, times: int) -> None:
    bits = sum(value.bit_length() for value in (left, right) if isinstance(value, int))
    if bits * times > _MOST_BITS:
        _refuse("makes too large a number")


def _formatted(left: object, _: object) -> None:
    _narrow(left)


_OPERATIONS: Mapping[str, Callable[[object, object], None]] = {
    "+": _added,
    "*": _multiplied,
    "**": _raised,
    "%": _formatted,
}


def _size(value: object) -> int:
    return len(value) if isinstance(value, str | list | tuple) else 0


def _narrow(text: object) -> None:
    if isinstance(text, str) and _WIDE.search(text):
        _refuse("formats something too wide")


def _modest(arguments: tuple[object, ...]) -> None:
    if any(isinstance(value, int) and abs(value) > MOST for value in arguments):
        _refuse("calls something with too large a number")


def _refuse(what: str) -> Any:  # noqa: ANN401 - never returns
    raise TemplateFailed(f"the template {what}")


def _bounded(made: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that makes as much as its arguments, beside the value itself, say."""

    @wraps(made)
    def run(value: Any, *args: Any, **named: Any) -> Any:  # noqa: ANN401 - what a filter takes
        _modest((*args, *named.values()))
        if made.__name__ == "do_format":
            _narrow(value)
        return made(value, *args, **named)

    return run


def _environment() -> jinja2.Environment:
    environment = _Sandbox(undefined=jinja2.StrictUndefined, keep_trailing_newline=False)
    for name in ("center", "indent", "batch", "slice", "format"):
        environment.filters[name] = _bounded(environment.filters[name])
    return environment


_ENVIRONMENT = _environment()
