"""When an edit of the rules is noticed: pure, glance by glance."""

from pathlib import Path

from watcher.reload import Edits, Stamp, content, stamp

OLD: Stamp = (("a.yaml", 1, 10, 7),)
HALF: Stamp = (("a.yaml", 2, 4, 7),)
NEW: Stamp = (("a.yaml", 3, 12, 7),)


def glances(edits: Edits, *seen: Stamp | None) -> list[bool]:
    return [edits.glance(one) for one in seen]


def test_an_edit_is_dealt_with_once_and_only_when_it_stands_still() -> None:
    assert glances(Edits.since(OLD), OLD, OLD, HALF, NEW, NEW, NEW, NEW) == [False] * 4 + [True, False, False]


def test_what_is_back_as_it_was_before_it_stood_still_is_no_edit() -> None:
    assert not any(glances(Edits.since(OLD), HALF, OLD, OLD, HALF, OLD, OLD))


def test_a_folder_that_is_gone_is_an_edit_and_so_is_its_return() -> None:
    assert glances(Edits.since(OLD), None, None, None, OLD, OLD) == [False, True, False, False, True]


def test_only_rule_files_count(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: []")
    before, said = stamp(tmp_path), content(tmp_path)
    for name in (".a.yaml.swp", "4913", "a.yaml~", "#a.yaml#", ".hidden.yaml", "notes.txt"):
        (tmp_path / name).write_text("x")
    assert (stamp(tmp_path), content(tmp_path)) == (before, said)
    (tmp_path / "b.yml").write_text("rules: []")
    assert stamp(tmp_path) != before
    assert content(tmp_path) != said


def test_a_file_that_was_only_touched_says_the_same(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("rules: []")
    before, said = stamp(tmp_path), content(tmp_path)
    file.unlink()
    file.write_text("rules: []")
    assert content(tmp_path) == said
    (tmp_path / "new.yaml").write_text("rules: []")
    (tmp_path / "new.yaml").replace(file)
    assert stamp(tmp_path) != before
    assert content(tmp_path) == said


def test_a_folder_that_cannot_be_read_looks_like_no_other(tmp_path: Path) -> None:
    assert stamp(tmp_path / "gone") != stamp(tmp_path)
    assert content(tmp_path / "gone") is None
