"""How long a command takes to start."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

RUNS = 7
ROOT = Path(__file__).resolve().parents[2]


def seconds(command: list[str]) -> float:
    took = []
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        took.append(time.perf_counter() - began)
    return median(took[1:])


def measure() -> Iterator[tuple[str, str, str]]:
    program = [sys.executable, "-m", "watcher"]
    bare = seconds([sys.executable, "-c", "pass"])
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(f"nonce: {{workspace: org_x, api_key: k}}\nrules: {ROOT / 'rules'}\n")
        check = seconds([*program, "check", "--config", str(config)])
    helped = seconds([*program, "--help"])
    yield "Start: check on the shipped rules", f"{check:.2f} s ({check / bare:.0f} × a bare Python)", "< 0.8 s"
    yield "Start: --help", f"{helped:.2f} s ({helped / bare:.0f} × a bare Python)", "< 0.25 s"
