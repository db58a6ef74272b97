"""Of every mistake of the corpus it is told where it is, in which rule, and what would be right; all at once."""

from pathlib import Path

import pytest

from tests.rules.corpus import CORPUS, Mistake
from watcher.errors import ConfigError, Fault
from watcher.rules.load import load_rules

JARGON = ("Input should", "Value error", "validation error", "NoneType", "Traceback")


def faults_of(folder: Path, **files: str | bytes) -> list[Fault]:
    """Every fault of a folder with these files."""
    for name, text in files.items():
        (folder / f"{name}.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        load_rules(folder)
    return caught.value.faults


def place(fault: Fault) -> str:
    return f"{fault.line}:{fault.column}"


@pytest.mark.parametrize("mistake", CORPUS.values(), ids=CORPUS)
def test_a_mistake_is_told_with_its_place_its_rule_and_what_would_be_right(mistake: Mistake, tmp_path: Path) -> None:
    faults = faults_of(tmp_path, own=mistake.text)
    assert sorted(map(place, faults)) == sorted([mistake.place, *mistake.beside])
    for fault in faults:
        # What is wrong with the folder as a whole is told of the folder.
        assert fault.path in {str(tmp_path / "own.yaml"), str(tmp_path)}
        assert not any(word in fault.text for word in JARGON)
        if mistake.about:
            about = mistake.about if " " in mistake.about else f'rule "{mistake.about}"'
            assert fault.text.startswith(f"{about}: ")
    told = "; ".join(fault.text for fault in faults if place(fault) == mistake.place)
    for words in mistake.says:
        assert words in told


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 280
    assert len({mistake.text for mistake in CORPUS.values()}) == len(CORPUS)


def test_every_fault_of_every_file_comes_out_at_once(tmp_path: Path) -> None:
    faults = faults_of(
        tmp_path,
        a="rules:\n  - name: a\n    macth: {}\n  - name: b\n    match: {rack: 5}\n    for: 5\n",
        b="rules:\n  - name: c\n    match: {status: [failed}\n",
        c="rules:\n  - name: d\n    match: {}\n    by: [modle]\n  - match: {}\ntsets: []\n",
        good="rules:\n  - name: e\n    match: {}\n",
    )
    assert [f"{Path(fault.path).name}:{place(fault)}" for fault in faults] == [
        "a.yaml:3:5",
        "a.yaml:5:19",
        "a.yaml:6:10",
        "b.yaml:3:21",
        "c.yaml:4:10",
        "c.yaml:5:5",
        "c.yaml:6:1",
    ]
    assert [fault.text.split(":")[0] for fault in faults[:4]] == [
        'rule "a"',
        'rule "b"',
        'rule "b"',
        "the list that opens here is broken",
    ]


def test_what_only_shows_between_rules_comes_out_with_the_rest(tmp_path: Path) -> None:
    """A rule that is wrong hides neither its name's second use nor the faults of those that are right."""
    faults = faults_of(
        tmp_path,
        a="rules:\n  - name: a\n    macth: {}\n",
        b=(
            "rules:\n  - name: a\n    match: {}\n    unless: [c]\n"
            "  - name: b\n    match: {}\n    unless: [a]\n    message: {title: '{{ cuont }}'}\n"
        ),
    )
    assert [f"{Path(fault.path).name}:{place(fault)}" for fault in faults] == [
        "a.yaml:3:5",
        "b.yaml:2:11",
        "b.yaml:4:14",
        "b.yaml:8:22",
    ]
    assert f"at {tmp_path / 'a.yaml'}:2" in faults[1].text


def test_a_rule_that_may_stand_in_an_unreadable_file_is_not_called_missing(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, a="rules:\n\t- name: a\n", b="rules:\n  - name: b\n    match: {}\n    unless: [a]\n")
    assert Path(fault.path).name == "a.yaml"


@pytest.mark.parametrize(
    "other",
    ["match: {watcher: blind}", "match: {}", "match: {}\n    by: [farm_id]\n    labels: {farm: all}"],
    ids=["of the watcher", "of tasks", "with a label of its own"],
)
def test_unless_goes_with_rules_that_carry_the_labels(tmp_path: Path, other: str) -> None:
    (tmp_path / "b.yaml").write_text(f"rules:\n  - name: other\n    {other}\n")
    (tmp_path / "a.yaml").write_text("rules:\n  - name: r\n    match: {}\n    unless: [other]\n")
    rule, _ = load_rules(tmp_path).rules
    assert rule.unless == {"other"}
    assert rule.unless_same == ("farm",)


@pytest.mark.parametrize(
    ("rest", "place_of_it"),
    [
        ("match: {status: faild}", "3:21"),
        ("match: {}\n    resolve: {on: {status: [succed]}}", "4:28"),
        ("match: {}\n    ratio: {at_least: 2%, within: 1h, of: {status: '!canceled'}}", "4:52"),
        ("sequence: {steps: [{status: faild}, {}], within: 1h}", "3:33"),
    ],
)
def test_a_status_that_looks_misspelt_is_let_through_with_a_warning(
    tmp_path: Path, rest: str, place_of_it: str
) -> None:
    (tmp_path / "own.yaml").write_text(f"rules:\n  - name: r\n    {rest}\n")
    (warning,) = load_rules(tmp_path).warnings
    assert place(warning) == place_of_it
    assert warning.text.startswith('rule "r": ')
    assert "did you mean" in warning.text


def test_a_label_called_status_is_no_status(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("rules:\n  - name: r\n    match: {}\n    labels: {status: faild}\n")
    assert load_rules(tmp_path).warnings == ()


@pytest.mark.parametrize("folder", ["nowhere", "file.yaml"])
def test_a_folder_that_is_none_is_said_to_be_none(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file.yaml").write_text("rules: []\n")
    with pytest.raises(ConfigError, match="no such folder: rules are read from here"):
        load_rules(tmp_path / folder)


def test_a_longer_circle_of_unless_is_told_once_with_all_its_rules(tmp_path: Path) -> None:
    def one(name: str, hushed_by: str) -> str:
        return f"rules:\n  - name: {name}\n    match: {{}}\n    unless: [{hushed_by}]\n"

    (fault,) = faults_of(tmp_path, a=one("a", "b"), b=one("b", "c"), c=one("c", "a"), d=one("d", "a"))
    assert (Path(fault.path).name, place(fault)) == ("a.yaml", "4:14")
    assert fault.text.startswith('rule "a": these rules hush each other')
    assert '"a" by "b", "b" by "c", "c" by "a"' in fault.text


def test_rules_that_are_hushed_by_the_same_one_are_no_circle(tmp_path: Path) -> None:
    """Nor is a rule that two ways lead to."""
    rules = "  - {name: a, match: {}, unless: [b, c]}\n  - {name: b, match: {}, unless: [d]}\n"
    rules += "  - {name: c, match: {}, unless: [d]}\n  - {name: d, match: {}}\n"
    (tmp_path / "own.yaml").write_text(f"rules:\n{rules}")
    assert len(load_rules(tmp_path).rules) == 4


def test_a_folder_without_a_rule_file_needs_one(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path)
    assert (fault.path, fault.line) == (str(tmp_path), 0)
    assert "no rules here: at least one is needed" in fault.text
