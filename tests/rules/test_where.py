"""`where`: what CEL is asked, what it needs, what it may cost, and what it says when it can't tell."""

import contextlib
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

import cel
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from watcher.errors import WatcherError
from watcher.model.task import Part
from watcher.rules.fields import FIELDS
from watcher.rules.where import Where, WhereFailed

PAYLOAD: Mapping[str, Any] = {
    "mode": "low",
    "watts": 3200,
    "pools": [{"url": "stratum://a", "user": "x"}, {"url": "stratum://b", "user": "y"}],
}
VALUES: Mapping[str, object] = {
    "task": "miner.power.set",
    "status": "failed",
    "miner": "m1",
    "rack": None,
    "health": ("hot", "slow"),
    "log": ["started", "fan 3 lost", "gave up"],
    "error": "fan lost",
    "duration": 90.0,
    "queue_time": None,
    "payload": PAYLOAD,
    "result": None,
}


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ('payload.mode == "low"', True),
        ('payload["mode"] == "low" && size(payload.pools) == 2', True),
        ('has(payload.mode) && !has(payload.profile) && "watts" in payload', True),
        ('payload.pools.exists(x, x.url.startsWith("stratum://b"))', True),
        ('payload.pools.all(payload, payload.user == "x")', False),  # the loop's own payload
        ("payload.pools.map(p, p.user).size() == 2", True),
        ('payload.pools.exists(p, log.exists(l, l == p.user)) || status == "failed"', True),
        ("payload.watts > 3000.5", True),  # whole and broken numbers compare
        ('payload.profile == "x" || status == "failed"', True),  # CEL: what is true beside an error is true
        ("duration > 60 && duration == 90.0", True),  # seconds
        ('duration("2m") > duration("90s")', True),  # the function of that name is not the field
        ("queue_time == null && rack == null && result == null", True),
        ('"hot" in health && log.exists(line, line.contains("lost"))', True),
        ('log.exists(line, line.matches("^fan [0-9]+ "))', True),
        ('error.matches(r"^\\w+ lost$") && matches(error, "") && !error.matches(\'x\')', True),
        ('type(payload.watts) == int && string(payload.watts) == "3200"', True),
        ('status == "failed" // && miner == null', True),
        ('\'\'\'log" \'\'\' != "payload\\"" && r\'\\\' == \'\\\\\' && """a\'b\nc""".contains("b")', True),
        ("true", True),
    ],
)
def test_an_expression_holds_or_not(source: str, holds: bool) -> None:
    assert Where(source)(VALUES) is holds


@pytest.mark.parametrize(
    ("source", "names", "parts"),
    [
        ('status == "failed"', {"status"}, set()),
        ("payload.status == 1", {"payload"}, {Part.PAYLOAD}),
        ("has(result.error)", {"result"}, {Part.RESULT}),
        ('error.contains("log")', {"error"}, {Part.RESULT, Part.LOGS}),
        ("size(log) > 0 // payload", {"log"}, {Part.LOGS}),
        ("duration > 5 || queue_time > 5", {"duration", "queue_time"}, {Part.TIMES}),
        ("payload.a.exists(log, log == 1)", {"payload"}, {Part.PAYLOAD}),  # a loop's variable is no field
        ("payload.a.exists(log, log == 1) && size(log) > 0", {"payload", "log"}, {Part.PAYLOAD, Part.LOGS}),
        ('duration("5s") == duration("5s")', set(), set()),
        ("type(miner) == string", {"miner"}, set()),
        ('{"a": "log"}.exists(k, k == r"result\\") && actor == """x" payload"""', {"actor"}, set()),
    ],
)
def test_it_knows_what_it_needs(source: str, names: set[str], parts: set[Part]) -> None:
    where = Where(source)
    assert where.source == source
    assert set(where.names) == names
    assert set(where.parts) == parts


@pytest.mark.parametrize("name", [*FIELDS, "payload", "result"])
def test_every_field_may_be_named(name: str) -> None:
    assert Where(f"{name} == null").names == {name}


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("payload.mode ==", "the expression is no CEL: line 1, character 16: mismatched input '<EOF>'"),
        ("status ==\n 'a' b", "the expression is no CEL: line 2, character 6: extraneous input 'b'"),
        ("", "the expression is no CEL"),
        ('status == "\ud800"', "the expression is no CEL"),
        ("(" * 1999, "the expression is no CEL"),
        ('modle == "S19"', 'unknown field "modle" (did you mean "model"?)'),
        ("payload.a.exists(x, x == 1) && x == 1", 'unknown field "x"'),
        ("payload.a.exists(x, y == 1)", 'unknown field "y"'),
        (".payload.mode == 'a'", 'unknown field ".payload" (did you mean "payload"?)'),
        ("optional.none() == 1", 'unknown field "optional"'),
        ("re2_matches(status, 'a')", 'unknown function "re2_matches" (did you mean "matches"?)'),
        ('status.startswith("a")', 'unknown function "startswith" (did you mean "startsWith"?)'),
        ("log.exists(i, l, l == '')", "unknown field"),
        ('log.exists(log, log, log == "")', "`exists` is asked of a list or map, with a name and an expression"),
        ("Task{name: 1}", 'the expression makes a message "Task"; there are only maps and lists'),
        ("status", "the expression gives text, not true or false"),
        ("duration + 1.0", "the expression gives the number 2.0, not true or false"),
        ('duration("1h")', "the expression gives a timedelta, not true or false"),
        ("[status]", "the expression gives a list, not true or false"),
        ('matches(status, "a", "b")', "the expression gives nothing, not true or false"),
        ("status > 5", "the expression compares or calls what does not fit together"),
        ('duration.startsWith("a")', "the expression compares or calls what does not fit together"),
        ('status.matches("(")', "/(/ is not a regular expression that RE2 understands"),
        ('status.matches("a(?=b)")', "/a(?=b)/ is not a regular expression that RE2 understands"),
        ('status.matches("a" + "b")', "`matches` takes a pattern written out in quotes"),
        ("status.matches(payload.pattern)", "`matches` takes a pattern written out in quotes"),
        ("status.matches(b'a')", "`matches` takes a pattern written out in quotes"),
        (f'status == "{"x" * 1989}"', "a CEL expression has at most 2000 characters, this one has 2001"),
        ("log.all(a, log.all(b, log.all(c, a == b)))", "at most 2 loops may stand inside each other"),
    ],
)
def test_a_fault_is_a_sentence(source: str, fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)):
        Where(source)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ('payload.profile == "x"', 'there is no "profile"'),
        ("payload.pools[7].url == 'x'", "an index lies outside its list"),
        ("payload.mode.deeper == 1", "it compares or calls what does not fit together"),
        ("result.code == 1", "it compares or calls what does not fit together"),
        ("has(result.code)", "it compares or calls what does not fit together"),
        ("queue_time > 5", "it compares or calls what does not fit together"),  # null
        ('rack.startsWith("r")', "it compares or calls what does not fit together"),
        ('payload.watts.matches("3")', "it gives nothing, not true or false"),
        ('payload.pools.exists(p, p.matches("3"))', "it compares or calls what does not fit together"),
        ("payload.watts / 0 == 1", "it divides by zero"),
        ("payload.watts * 9223372036854775807 > 0", "a number grows too large"),
        ("int(payload.mode) == 1", "a value cannot be converted"),
        ("payload.mode", "it gives text, not true or false"),
    ],
)
def test_what_cannot_be_judged_says_why(source: str, reason: str) -> None:
    with pytest.raises(WhereFailed, match=f"^`where` cannot be judged: {re.escape(reason)}") as failed:
        Where(source)(VALUES)
    assert isinstance(failed.value, WatcherError)


def test_a_value_that_was_not_given_is_null() -> None:
    assert Where("payload == null && miner == null")({})


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": [value]}
    return value


@pytest.mark.parametrize("depth", [60, 1000, 100_000])
def test_what_is_nested_too_deeply_is_not_judged(depth: int) -> None:
    with pytest.raises(WhereFailed, match="nested more than 100 deep"):
        Where("size(payload) == 1")({"payload": nested(depth)})


@pytest.mark.parametrize(
    "value", [list(range(10_000)), {str(number): number for number in range(10_000)}, "x" * 1_000_100, [[]] * 10_000]
)
def test_what_is_too_large_is_not_judged(value: object) -> None:
    with pytest.raises(WhereFailed, match="too large"):
        Where("size(payload) > 0")({"payload": value})


def test_what_is_not_asked_for_may_be_as_large_as_it_likes() -> None:
    huge = {"mode": "low", "image": "x" * 10_000_000, "rows": list(range(1_000_000)), "deep": nested(1000)}
    assert Where('payload.mode == "low" && !has(payload.other)')({"payload": huge})


@pytest.mark.parametrize(
    ("source", "length", "judged"),
    [
        ("payload.a.all(x, x >= 0)", 9_000, True),
        ("payload.a.filter(x, x >= 0).size() > 0", 1_300, True),  # every step copies the list so far
        ("payload.a.filter(x, x >= 0).size() > 0", 1_500, False),
        ("payload.a.all(x, size(payload.a) > 0)", 1_500, False),  # every round copies the list
        ("payload.a.all(x, payload.a.all(y, x != y || x == y))", 100, True),
        ("payload.a.all(x, payload.a.all(y, x != y || x == y))", 1_000, False),
    ],
)
def test_loops_are_bounded_by_what_they_run_over(source: str, length: int, judged: bool) -> None:
    where, values = Where(source), {"payload": {"a": list(range(length))}}
    if judged:
        assert where(values)
    else:
        with pytest.raises(WhereFailed, match="its loops would run too long over payload"):
            where(values)


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ("a\ud800b", 'payload.x == "a\ufffdb"'),
        ({"\ud800": 1}, 'payload.x["\ufffd"] == 1'),
        ("\ud83d\ude00é", 'payload.x == "😀é"'),
        ("\x00", 'payload.x == "\\u0000"'),
        (2**63, "payload.x > 9.2e18"),
        (10**3000, "payload.x > 1e300"),
        (-(10**3000), "payload.x < -1e300"),
        (float("nan"), "payload.x != payload.x"),
        (True, "payload.x"),
    ],
)
def test_hostile_values_are_made_fit(value: object, source: str) -> None:
    assert Where(source)({"payload": {"x": value}}) is True


def test_a_value_that_is_no_json_is_not_judged() -> None:
    with pytest.raises(WhereFailed, match="a value is no JSON"):
        Where("payload == 1")({"payload": object()})


class PanicException(BaseException):  # as the bindings of Rust name theirs
    pass


class Raising:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def execute(self, _: object) -> NoReturn:
        raise self.error


@pytest.mark.parametrize("error", [PanicException("index out of bounds"), RecursionError(), MemoryError(), OSError()])
def test_whatever_the_library_raises_is_that_it_failed(error: BaseException) -> None:
    where = Where("true")
    where._program = Raising(error)
    with pytest.raises(WhereFailed):
        where({})


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
def test_a_stop_is_let_through(error: BaseException) -> None:
    where = Where("true")
    where._program = Raising(error)
    with pytest.raises(type(error)):
        where({})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON, st.sampled_from(["payload.a == 1", "payload == result", "payload.exists(x, x == 1)", "payload in result"]))
def test_any_json_gives_an_answer_or_fails(value: object, source: str) -> None:
    with contextlib.suppress(WhereFailed):
        assert Where(source)({"payload": value, "result": [value]}) in {True, False}


ATOMS = [
    "payload",
    "log",
    "x",
    "y",
    "status",
    "payload.x",
    "'log\"'",
    'r"\\"',
    '"""x\n"y"""',
    "b'x'",
    "1",
    "1.5e3",
    "0x1eu",
    "null",
]
FORMS = [
    "({})",
    "[{}]",
    "{{{}: {}}}",
    "{} == {}",
    "{} && !{}",
    "{} ? {} : {}",
    "{} in {}",
    "{}[{}]",
    "has({}.x)",
    "{}.status",
]
FORMS += [
    "{}.exists(x, {})",
    "{}.map(y, {}, {})",
    "{}.all(log, {})",
    "{}.exists_one(payload, {})",
    "size({})",
    "{}.size()",
]
FORMS += ["{}.matches('x')", "{} // payload\n", "-{}"]


def formed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda form, parts: form.format(*parts), st.sampled_from(FORMS), st.tuples(inner, inner, inner))


EXPRESSIONS = st.recursive(st.sampled_from(ATOMS), formed, max_leaves=12)


@given(EXPRESSIONS)
def test_any_expression_is_refused_or_judged_or_fails(source: str) -> None:
    """And nothing that it names turns out unknown only then."""
    failed: BaseException | None = None
    try:
        assert Where(source)(VALUES) in {True, False}
    except WhereFailed as error:
        failed = error.__cause__
    except ValueError as error:
        event(str(error)[:20])
    assert re.match(r"Undefined variable or function: '(payload|log|x|y|status)'", str(failed)) is None


@given(EXPRESSIONS)
def test_the_names_are_those_that_the_library_asks_for(source: str) -> None:
    asked: set[str] = set()

    def ask(name: str) -> object:
        asked.add(name)
        return VALUES.get(name)

    context = cel.Context()
    context.set_variable_resolver(ask)
    try:
        where = Where(source)
    except ValueError:
        return
    with contextlib.suppress(Exception):
        cel.compile(source).execute(context)
    assert asked <= where.names


def test_the_library_is_imported_only_by_those_who_use_it() -> None:
    script = "import sys, watcher.rules.where; sys.exit('cel' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
