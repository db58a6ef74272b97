"""What of YAML the files of operators may hold, and what is said of the rest."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.errors import ConfigError, Fault
from watcher.rules.document import Document, parse, read


def parsed(text: str) -> Document:
    return parse(text.encode(), "f.yaml")


def faults_of(text: str) -> list[str]:
    """The faults of a text, without the file's name."""
    with pytest.raises(ConfigError) as caught:
        parsed(text)
    return [str(fault).removeprefix("f.yaml:").strip() for fault in caught.value.faults]


REFUSED_BY_YAML = [
    # the file as a whole
    ("", "is empty"),
    ("# nothing but this\n", "is empty"),
    ("- a\n- b\n", "1:1: expected a mapping, found a list: the file begins with a key and a colon"),
    ("just words", "1:1: expected a mapping, found text: the file begins with a key and a colon"),
    ("12", "1:1: expected a mapping, found the number 12: the file begins with a key and a colon"),
    ("a: 1\n---\nb: 2\n", "2:1: a second document begins: the file may hold only one"),
    ("%YAML 1.1\n---\na: yes\n", "2:1: the file must be YAML 1.2: remove the %YAML line above"),
    ("a: " + "[" * 40 + "]" * 40, "1:36: is nested more than 32 deep"),
    # syntax
    ("a:\n\tb: 1\n", "2:1: a tab: YAML is indented with spaces only"),
    ("a:\n  b: 1\n\tc: 2\n", "3:1: a tab: YAML is indented with spaces only"),
    ("a: b: c\n", '1:5: unexpected ":": wrong indentation, or a text with ": " that needs quotes'),
    ("a: 1\n b: 2\n", '2:3: unexpected ":": wrong indentation, or a text with ": " that needs quotes'),
    ("a: 1\nb\n", '3:1: expected ":" after a key'),
    ("a: 'it\n", "1:4: the quotes that open here are never closed"),
    ("a: 'it's'\n", "1:8: this does not fit the lines above: check the indentation and the quotes"),
    ("a: [1, 2\n", '1:4: the list that opens here is broken: expected "," or "]"'),
    ("a: {b: 1\n", '1:4: the mapping that opens here is broken: expected "," or "}"'),
    ("a: - b\n", '1:4: a list item ("- ") cannot begin here'),
    ('a: "\\d+"\n', "1:6: unknown escape: single quotes take a backslash as it is"),
    ('a: "\\UFFFFFFFF"\n', "is not valid YAML: a character that does not exist"),
    ("a: @home\n", "1:4: a text that begins with this character needs quotes"),
    ("a: > 10m\n", '1:4: a text that begins with ">" or "|" needs quotes'),
    ("a: *\n", '1:4: a text that begins with "*" or "&" needs quotes'),
    ("a: b\x01\n", "1:5: a control character is not allowed here"),
    ("a: }\n", "1:4: is not valid YAML: while parsing a block node expected the node content, but found '}'"),
    # what YAML has and we don't
    ("a: &x 1\n", '1:4: anchors are not allowed; a text that begins with "&" needs quotes'),
    ("a: *S19*\n", '1:4: aliases are not allowed; a text that begins with "*" needs quotes'),
    ("a: !failed\n", '1:4: tags are not allowed; a text that begins with "!" needs quotes'),
    ("a: !!str 1\n", '1:4: tags are not allowed; a text that begins with "!" needs quotes'),
    (
        "a: !!python/object/apply:os.system [ls]\n",
        '1:4: tags are not allowed; a text that begins with "!" needs quotes',
    ),
    ("<<: {a: 1}\n", '1:1: merge keys ("<<") are not allowed: write the keys out'),
    ("a: {{ b }}\n", '1:5: a key must be text; a template needs quotes: "{{ … }}"'),
    ("7: x\n", '1:1: a key must be text: put it in quotes: "7"'),
    ("true: x\n", '1:1: a key must be text: put it in quotes: "true"'),
    (": x\n", '1:1: a key must be text, found nothing before ":"'),
    ("a: 1\nb: 2\na: 3\n", '3:1: duplicate key "a", first on line 1'),
    ("a:\n  slack://T/secret: 1\n  slack://T/secret: 1\n", '3:3: duplicate key "slack://…", first on line 2'),
    ('a: "\\ud800"\n', r"1:4: contains half a character (\ud800 to \udfff)"),
]


@pytest.mark.parametrize(("text", "fault"), REFUSED_BY_YAML)
def test_what_is_refused_of_yaml_is_told_with_its_place(text: str, fault: str) -> None:
    assert faults_of(text) == [fault]


def test_several_faults_of_yaml_come_out_at_once() -> None:
    assert faults_of("a: *x\nb: !y z\nb: 2\n") == [
        '1:4: aliases are not allowed; a text that begins with "*" needs quotes',
        '2:4: tags are not allowed; a text that begins with "!" needs quotes',
        '3:1: duplicate key "b", first on line 2',
    ]


def test_scalars_follow_yaml_1_2() -> None:
    texts = parsed("a: [on, Off, yes, NO, 1_000, 12:30:00, 2026-11-23, '7']")
    others = parsed("a: [~, null, True, false, 012, 0o17, 0xFF, 1e3, -.inf]")
    assert texts.data["a"] == ("on", "Off", "yes", "NO", "1_000", "12:30:00", "2026-11-23", "7")
    assert others.data["a"] == (None, None, True, False, 12, 15, 255, 1000.0, float("-inf"))


def test_keys_and_values_know_their_places() -> None:
    document = parsed("a:\n  b: [x, 'y']\n  c:\nd: |\n  text\n")
    assert document.fault(("a", "b", 1), "!") == Fault("f.yaml", 2, 10, "!")
    assert document.key_fault(("a", "b"), "!") == Fault("f.yaml", 2, 3, "!")
    assert document.key_fault(("a", "b", 1), "!") == Fault("f.yaml", 2, 10, "!")  # no key in a list
    assert document.fault(("a", "c"), "!") == Fault("f.yaml", 3, 3, "!")  # no value: its key
    assert document.fault(("d",), "!") == Fault("f.yaml", 4, 4, "!")
    assert document.fault(("a", "b", 9, "z"), "!") == Fault("f.yaml", 2, 6, "!")  # nothing there: around it
    assert document.fault((), "!") == Fault("f.yaml", 1, 1, "!")


def test_an_empty_file_may_be_allowed() -> None:
    assert parse(b"# later\n", "f.yaml", allow_empty=True).data == {}


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parse(b"\xef\xbb\xbfa: 1", "f.yaml").data == {"a": 1}


def test_text_that_is_not_utf_8_is_told_where_it_begins() -> None:
    with pytest.raises(ConfigError, match=r"^f.yaml:2:5: is not UTF-8 text from here on: save the file as UTF-8$"):
        parse("a: ü\nb: ü".encode() + b"\xff", "f.yaml")


def test_too_much_is_refused(tmp_path: Path) -> None:
    big = tmp_path / "big.yaml"
    big.write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(ConfigError, match=r"big.yaml: is larger than 1 MiB: split it into several files$"):
        read(big)
    with pytest.raises(ConfigError, match=r"has more than 100000 values$"):
        parsed("a: [" + "1," * 100_001 + "]")


def test_laughs_by_the_billion_are_refused_unread() -> None:
    layers = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)]
    with pytest.raises(ConfigError, match="aliases are not allowed"):
        parsed("\n".join(["l0: &l0 [lol]", *layers]))


@pytest.mark.parametrize("name", ["nowhere.yaml", ".", "null\0byte"])
def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path / name)


YAML_BITS = st.lists(
    st.sampled_from(
        [*"abx019 :-[]{},'\"\\#&*!|>%@?~.\n\t<=_/$", "\n  ", "name: ", "wheels: ", "- ", "true", "…", "\x00"]
    )
    | st.characters(),
    max_size=60,
).map("".join)


@given(YAML_BITS | st.text())
def test_any_text_gives_data_or_faults(text: str) -> None:
    with suppress(ConfigError):
        assert isinstance(parse(text.encode(errors="surrogatepass"), "f.yaml").data, dict)


@given(st.binary())
def test_any_bytes_give_data_or_faults(content: bytes) -> None:
    with suppress(ConfigError):
        parse(content, "f.yaml")
