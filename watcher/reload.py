"""Notices that rule files were edited: what their folder shows, glance by glance, and when it is to be read.
What a good or a bad edit then means is the daemon's."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

from watcher.errors import ConfigError
from watcher.rules.document import MOST_BYTES
from watcher.rules.load import rule_files

GLANCE = 0.5
"""Seconds between two: an edit is seen by one, has stood still at the next, and is live within two seconds."""

Stamp = tuple[tuple[str, int, int, int], ...]
"""Of each rule file its name, time of change (ns), size and inode."""


def stamp(folder: Path) -> Stamp | None:
    """What tells cheaply that a rule file was saved, added, removed, renamed or replaced; None where nothing does."""
    try:
        found = [(path.name, path.stat()) for path in rule_files(folder)]
    except (ConfigError, OSError):
        return None
    return tuple((name, stat.st_mtime_ns, stat.st_size, stat.st_ino) for name, stat in found)


def content(folder: Path) -> str | None:
    """A digest of the names and bytes of all rule files; None where they can't be read."""
    digest = sha256()
    try:
        for path in rule_files(folder):
            with path.open("rb") as file:
                held = file.read(MOST_BYTES + 1)
            digest.update(f"{path.name}\0{len(held)}\0".encode(errors="surrogateescape"))
            digest.update(held)
    except (ConfigError, OSError):
        return None
    return digest.hexdigest()


@dataclass(slots=True)
class Edits:
    """Whether a folder has changed and stands still again, so that nothing is read that is half written.

    Args:
        seen: what the last glance showed.
        settled: what was judged last; None where nothing was.
    """

    seen: Stamp | None
    settled: Stamp | None

    @classmethod
    def since(cls, known: Stamp | None) -> Self:
        """From what is known to run; None where that is not what the files hold."""
        return cls(known, known)

    def glance(self, now: Stamp | None) -> bool:
        """Take one; whether the files are to be read."""
        still, self.seen = now == self.seen, now
        if not still or now == self.settled:
            return False
        self.settled = now
        return True
