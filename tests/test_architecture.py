"""The import table of the architecture, held against the code."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "watcher"

ALLOWED = {
    "model": set(),
    "nonce": {"model"},
    "store": {"model"},
    "rules": {"model"},
    "alerts": {"model", "rules"},
    "replay": {"model", "rules", "alerts"},
    "watch": {"model", "nonce", "store", "rules", "alerts"},
    "notify": {"model", "alerts", "store"},
    "sim": set(),
}
"""What each package imports of ours, beside itself and `errors`."""

PACKAGES = sorted(ALLOWED)


def modules(folder: Path) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(folder.rglob("*.py")):
        yield path, ast.parse(path.read_text())


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module


def calls(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_the_table_allows(package: str) -> None:
    strangers = {
        f"{path.relative_to(ROOT)}: {name}"
        for path, tree in modules(ROOT / package)
        for name in imports(tree)
        if name.startswith("watcher.") and name.split(".")[1] not in ALLOWED[package] | {package, "errors"}
    }
    assert strangers == set()


def importers_of(library: str) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path, tree in modules(ROOT)
        for name in imports(tree)
        if name.split(".")[0] == library
    }


def test_only_nonce_and_heartbeat_import_httpx() -> None:
    assert {path.split("/")[0] for path in importers_of("httpx")} == {"nonce", "heartbeat.py"}


def test_only_one_module_imports_apprise() -> None:
    assert importers_of("apprise") == {"notify/apprise_adapter.py"}


def test_only_store_knows_sqlite() -> None:
    found = importers_of("sqlite3") | importers_of("sqlite_utils")
    assert {path.split("/")[0] for path in found} == {"store"}


def test_only_store_holds_sql() -> None:
    verbs = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ")
    holders = {
        str(path.relative_to(ROOT))
        for path, tree in modules(ROOT)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(verbs)
    }
    assert {path.split("/")[0] for path in holders} == {"store"}


def test_only_the_shell_reads_a_clock() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for path, tree in modules(ROOT)
        for name in calls(tree)
        if name in {"time.time", "time.time_ns", "time.monotonic", "datetime.now", "datetime.utcnow", "date.today"}
    }
    shell = ("assembly.py", "daemon.py", "cli/", "sim/")
    assert {path for path in readers if not path.startswith(shell)} == set()


def test_no_statement_is_made_of_values() -> None:
    """Values are bound; an f-string in an `execute` may only hold names of our own, and says so."""
    for path, tree in modules(ROOT / "store"):
        lines = path.read_text().splitlines()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith((".execute", ".executemany")):
                for argument in node.args[:1]:
                    if isinstance(argument, ast.JoinedStr):
                        spoken = " ".join(lines[argument.lineno - 1 : (argument.end_lineno or argument.lineno)])
                        assert "S608" in spoken or "PRAGMA" in spoken, f"{path}:{argument.lineno}"
