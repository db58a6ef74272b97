"""Backtest: the command over a month of a million tasks, with fifty rules of all eight conditions."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.bench.fifty import write_rules
from tests.bench.million import write_history

TASKS = 1_000_000
_LOOK = 0.2
"""Seconds between two looks at what the processes hold."""


def measure() -> Iterator[tuple[str, str, str]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rules").mkdir()
        write_rules(folder / "rules")
        write_history(folder / "history.jsonl", TASKS)
        asked = ["rules", "backtest", "--rules", str(folder / "rules"), "--history", str(folder / "history.jsonl")]
        with (folder / "found.json").open("wb") as out:
            began = time.perf_counter()
            process = subprocess.Popen([sys.executable, "-m", "watcher", *asked, "--json"], stdout=out)
            peak = 0
            while process.poll() is None:
                peak = max(peak, _held(process.pid))
                time.sleep(_LOOK)
            took = time.perf_counter() - began
        assert process.returncode == 0
        found = json.loads((folder / "found.json").read_bytes())
    assert len(found) >= 1000, len(found)
    yield (
        f"Backtest: {TASKS:,} tasks, 50 rules",
        f"{took:.1f} s, {peak // 1024} MB in all its processes; {len(found):,} episodes",
        "≤ 30 s, ≤ 500 MB",
    )


def _held(pid: int) -> int:
    """What a process and its children hold together, in kB; what they share is counted once."""
    total = 0
    with suppress(OSError):  # it ends while it is looked at
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for one in (str(pid), *children):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total
