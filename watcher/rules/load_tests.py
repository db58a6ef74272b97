"""The tests beside the rules, with the place of each."""

from dataclasses import dataclass
from pathlib import Path

from watcher.errors import ConfigError, Fault
from watcher.rules.document import Document, read
from watcher.rules.load import rule_files
from watcher.rules.validation import validate
from watcher.rules.wording import quoted, suggestion
from watcher.rules.written_test import TestPart


@dataclass(frozen=True, slots=True)
class WrittenTest:
    """One test of a file.

    Args:
        index: its position among the file's tests.
        names: the rules that it is about.
    """

    document: Document
    index: int
    part: TestPart
    names: tuple[str, ...]

    def place(self, *where: str | int) -> str:
        """Where it, or something in it, stands: `file:line`."""
        return f"{self.document.path}:{self.document.place(('tests', self.index, *where)).line}"


def load_tests(folder: Path, known: frozenset[str]) -> list[WrittenTest]:
    """Every test of a folder's rule files, which are known to load.

    Args:
        known: the names of all rules.

    Raises:
        ConfigError: a test names a rule that there is none.
    """
    found: list[WrittenTest] = []
    faults: list[Fault] = []
    for path in rule_files(folder):
        document = read(path)
        own = tuple(rule["name"] for rule in document.data.get("rules", ()))
        for index, _ in enumerate(document.data.get("tests", ())):
            part = validate(document, TestPart, under=("tests", index))
            for position, name in enumerate(part.rules or ()):
                if name not in known:
                    text = f"test {quoted(part.name)}: there is no rule {quoted(name)}{suggestion(name, sorted(known))}"
                    faults.append(document.fault(("tests", index, "rules", position), text))
            found.append(WrittenTest(document, index, part, part.rules or own))
    if faults:
        raise ConfigError(faults)
    return found
