"""In which words and where it is told that a file does not fit its model."""

from contextlib import suppress
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from watcher.errors import ConfigError, Fault
from watcher.rules.document import Document, parse
from watcher.rules.quantities import Duration, DurationOrZero, Rate, RateText
from watcher.rules.validation import Part, validate


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def shouted(text: str) -> str:
    if not text.isupper():
        raise ValueError(f'"{text}" should be shouted')
    return text


def one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class Wheel(Part):
    later: ClassVar[frozenset[str]] = frozenset({"tyre"})

    spokes: int
    rim: str = "steel"


class Bike(Part):
    name: str
    model: str | None = None
    wheels: tuple[Wheel, ...] = ()
    gears: int | None = None
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 9.5
    electric: bool = False
    colour: Annotated[Colour, Field(strict=False)] = Colour.RED
    frame: Literal["road", "gravel"] = "road"
    horn: Annotated[str, AfterValidator(shouted)] = "TOOT"
    bags: Annotated[tuple[str, ...], BeforeValidator(one_or_many), Field(max_length=2)] = ()
    lamp: str | tuple[str, ...] = ""
    spare: Literal["none"] | Wheel = "none"
    parts: dict[Annotated[str, AfterValidator(shouted)], int] = Field(default_factory=dict)
    serviced: Duration | None = None
    pause: DurationOrZero = 0
    limit: RateText = Rate(1, 1000)
    until: int | None = Field(default=None, alias="for")

    @model_validator(mode="after")
    def _no_gears_on_gravel(self) -> Self:
        if self.frame == "gravel" and self.gears == 1:
            raise ValueError("a gravel bike has gears")
        return self


def parsed(text: str) -> Document:
    return parse(text.encode(), "f.yaml")


def faults_of(text: str) -> list[str]:
    """The faults of a bike's file, without the file's name."""
    with pytest.raises(ConfigError) as caught:
        validate(parsed(text), Bike)
    return [str(fault).removeprefix("f.yaml:").strip() for fault in caught.value.faults]


REFUSED_BY_THE_MODEL = [
    # keys
    ("nmae: x\nname: y\n", ['1:1: unknown key "nmae" (did you mean "name"?)']),
    ("{}\n", ['1:1: missing key "name"']),
    ("name: x\nwheels:\n  - rim: wood\n", ['3:5: missing key "spokes"']),
    ("name: x\nspare: {spokes: 3, rmi: x}\n", ['2:20: unknown key "rmi" (did you mean "rim"?)']),
    ("name: x\nspare: {spokes: 3, zzz: x}\n", ['2:20: unknown key "zzz"; known here: spokes and rim']),
    ("name: x\nspare: {spokes: 3, tyre: x}\n", ['2:20: this version of nonce-watcher has no "tyre" yet']),
    ("name: x\nfro: 3\n", ['2:1: unknown key "fro" (did you mean "for"?)']),
    ("name: x\nparts: {bell: 1}\n", ['2:9: "bell" should be shouted']),
    # kinds of values
    ("name:\n", ["1:1: expected text, found nothing"]),
    ("name: [a]\n", ["1:7: expected text, found a list"]),
    ("name: {a: b}\n", ["1:7: expected text, found a mapping"]),
    (
        "name: x\nwheels: slack://T/secret\n",
        ["2:9: expected a list, found text: write it in brackets, [first, second]"],
    ),
    ("name: x\nwheels: [round]\n", ["2:10: expected a mapping with the keys spokes and rim, found text"]),
    ("name: x\nwheels: [{spokes: 1.5}]\n", ["2:19: expected a whole number, found the number 1.5"]),
    ("name: x\nwheels: [{spokes: 1e3}]\n", ["2:19: expected a whole number, found the number 1e3"]),
    ("name: x\nwheels: [{spokes: true}]\n", ["2:19: expected a whole number, found true"]),
    ("name: x\nweight: -1\n", ["2:9: must be greater than 0"]),
    ("name: x\ncolour: bleu\n", ['2:9: expected "red" or "blue", found text (did you mean "blue"?)']),
    ("name: x\nframe: rode\n", ['2:8: expected "road" or "gravel", found text (did you mean "road"?)']),
    ("name: x\nbags: [a, b, c]\n", ["2:7: must have at most 2 of them"]),
    # one of several kinds
    ("name: x\nlamp: 3\n", ['2:7: expected text or a list, found the number 3: put it in quotes: "3"']),
    ("name: x\nlamp: [a, 3]\n", ['2:11: expected text, found the number 3: put it in quotes: "3"']),
    ("name: x\nspare: 3\n", ['2:8: expected "none" or a mapping, found the number 3']),
    (
        "name: x\nspare: {spokes: a, rim: 1}\n",
        [
            "2:17: expected a whole number, found text",
            '2:25: expected text, found the number 1: put it in quotes: "1"',
        ],
    ),
    # the surprises of YAML
    ("name: 012\n", ['1:7: expected text, found the number 012: put it in quotes: "012"']),
    ("name: .nan\n", ['1:7: expected text, found the number .nan: put it in quotes: ".nan"']),
    ("name: 0o7\n", ['1:7: expected text, found the number 0o7: put it in quotes: "0o7"']),
    ("name: true\n", ['1:7: expected text, found true: put it in quotes: "true"']),
    ("name: x\nelectric: on\n", ["2:11: expected true or false, found text: YAML 1.2 takes on as text"]),
    ("name: x\ngears: 1_000\n", ["2:8: expected a whole number, found text: write it without underscores"]),
    ("name: x\ngears: '8'\n", ["2:8: expected a whole number, found text: write it without quotes"]),
    ("name: x\ngears: 12:30:00\n", ["2:8: expected a whole number, found text"]),
    ("name: x\nweight: .nan\n", ["2:9: must be a finite number"]),
    ("name: x\nweight: .inf\n", ["2:9: must be a finite number"]),
    # sentences of validators
    ("name: x\nhorn: ding\n", ['2:7: "ding" should be shouted']),
    ("name: x\nframe: gravel\ngears: 1\n", ["1:1: a gravel bike has gears"]),
    # quantities
    ("name: x\nserviced: 30\n", ["2:11: durations carry a unit: 90s, 15m, 6h, 7d or 1h30m"]),
    ("name: x\nserviced: 0s\n", ["2:11: a duration here is at least 1s"]),
    ("name: x\nserviced: [1]\n", ["2:11: expected a duration such as 90s, 15m, 6h, 7d or 1h30m"]),
    (
        "name: x\nserviced: 12:30:00\n",
        ['2:11: "12:30:00" is no duration: write it like 90s, 15m, 6h, 7d or 1h30m'],
    ),
    (
        "name: x\nserviced: 5m1h\n",
        ['2:11: "5m1h" is no duration: each unit once, the larger first, like 1h30m'],
    ),
    ("name: x\nserviced: 99999d\n", ['2:11: "99999d" is longer than 100 years']),
    ("name: x\nlimit: 5\n", ["2:8: expected a rate such as 1/s, 20/m or 20/10m"]),
    ("name: x\nlimit: 0/s\n", ["2:8: a rate here is at least one"]),
    ("name: x\nlimit: 5/0s\n", ["2:8: a duration here is at least 1s"]),
]


@pytest.mark.parametrize(("text", "faults"), REFUSED_BY_THE_MODEL)
def test_what_does_not_fit_is_told_in_words_and_with_its_place(text: str, faults: list[str]) -> None:
    assert faults_of(text) == faults


def test_every_fault_comes_out_at_once_and_in_the_order_of_the_file() -> None:
    text = "nmae: x\nelectric: yes\nwheels:\n  - {spokes: many}\n  - {rim: 7}\nserviced: 90\n"
    assert faults_of(text) == [
        '1:1: missing key "name"',
        '1:1: unknown key "nmae" (did you mean "name"?)',
        "2:11: expected true or false, found text: YAML 1.2 takes yes as text",
        "4:14: expected a whole number, found text",
        '5:5: missing key "spokes"',
        '5:11: expected text, found the number 7: put it in quotes: "7"',
        "6:11: durations carry a unit: 90s, 15m, 6h, 7d or 1h30m",
    ]


def test_a_good_file_becomes_its_model() -> None:
    bike = validate(
        parsed(
            "name: on\nwheels: [{spokes: 012}, {spokes: 0o14}]\nelectric: true\ncolour: blue\nbags: one\n"
            "lamp: [a, b]\nspare: {spokes: 3}\nparts: {BELL: 1}\nserviced: 1h30m\npause: 0s\n"
            "limit: 20/10m\nfor: 3\n"
        ),
        Bike,
    )
    assert bike == Bike.model_validate(
        {
            "name": "on",
            "wheels": ({"spokes": 12}, {"spokes": 12}),
            "electric": True,
            "colour": Colour.BLUE,
            "bags": ("one",),
            "lamp": ("a", "b"),
            "spare": {"spokes": 3},
            "parts": {"BELL": 1},
            "serviced": "90m",
            "limit": "20/600s",
            "for": 3,
        }
    )


def test_one_entry_can_be_validated_by_itself_and_named_in_its_faults() -> None:
    document = parsed("bikes:\n  - name: a\n  - nme: b\n")
    assert validate(document, Bike, under=("bikes", 0)).name == "a"
    with pytest.raises(ConfigError) as caught:
        validate(document, Bike, under=("bikes", 1), about='bike "b"')
    assert caught.value.faults == [
        Fault("f.yaml", 3, 5, 'bike "b": missing key "name"'),
        Fault("f.yaml", 3, 5, 'bike "b": unknown key "nme" (did you mean "name"?)'),
    ]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["red", "1h", "none", "X"]) | st.text(),
    lambda inner: st.lists(inner).map(tuple) | st.dictionaries(st.sampled_from([*Bike.model_fields, "spokes"]), inner),
)


@given(st.dictionaries(st.sampled_from([*Bike.model_fields, "for", "str", "other"]), VALUES))
def test_any_data_give_a_model_or_faults(data: dict[str, Any]) -> None:
    with suppress(ConfigError):
        validate(Document("f.yaml", data, {}, {}), Bike)
