"""Starts the daemon again and again, each time in a tenth of a second: a process that has imported everything forks.
It reads what to set NONCE_WATCHER_CRASH_AT to, a line for each start, and writes the process's id, then its status."""

import os
import sys
from pathlib import Path


def tell(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def serve(config: Path, log: Path) -> None:
    import watcher.notify.apprise_adapter  # noqa: F401 - for its quarter second
    from watcher.cli.app import app

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            if line.strip():
                os.environ["NONCE_WATCHER_CRASH_AT"] = line.strip()
            os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), 2)
            try:
                app(["run", "--config", str(config)], standalone_mode=False)
            finally:
                os._exit(0)
        tell(child)
        tell(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]))
