"""`python -m tests.bench`: what the parts cost, as ratios to a floor taken in the same run."""

import argparse

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.bench import backtest, detection, ingest, memory, quiet, rules, start
from watcher.logs import configure

PARTS = {
    "detection": detection.measure,
    "quiet": quiet.measure,
    "ingest": ingest.measure,
    "rules": rules.measure,
    "backtest": backtest.measure,
    "memory": memory.measure,
    "start": start.measure,
}


def main() -> None:
    configure("error", "json")
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", default=[], help=f"of {', '.join(PARTS)}; all without any")
    wanted = parser.parse_args().parts or list(PARTS)
    table = Table("what", "measured", "goal", box=None, pad_edge=False)
    for part in wanted:
        for row in PARTS[part]():
            table.add_row(*map(Text, row))  # not markup: a bracket is a bracket
    Console(width=150).print(table)


main()
