"""Several pieces of work at once, each in a process of its own that begins with all that this one knows."""

import gc
import multiprocessing
import os
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from watcher.errors import WatcherError

Tell = Callable[[Any], object]
Work = Callable[[Tell], Any]
"""Tells what it likes meanwhile, and returns what it came to."""


class ProcessDied(WatcherError):
    """A process is gone; the message says what to try."""


def processors() -> int:
    return os.cpu_count() or 1


def at_once(works: Sequence[Work], told: Callable[[int, Any], object] = lambda *_: None) -> list[Any]:
    """What each piece of work came to, in their order.

    Args:
        told: hears what they tell meanwhile, with the number of the piece.

    Raises:
        ProcessDied: a process was killed.
        Exception: whatever a piece of work raised.
    """
    fork = multiprocessing.get_context("fork")  # rules are full of functions, which no other way carries over
    ends: dict[Any, int] = {}
    children = []
    for number, work in enumerate(works):
        ours, theirs = fork.Pipe(duplex=False)
        child = fork.Process(target=_do, args=(work, theirs), daemon=True)
        child.start()
        theirs.close()
        children.append(child)
        ends[ours] = number
    results: list[Any] = [None] * len(works)
    try:
        while ends:
            for end in wait(list(ends)):
                what, said = _heard(end)
                if what == "failed":
                    raise said
                if what == "told":
                    told(ends[end], said)
                else:
                    results[ends.pop(end)] = said
    finally:
        for child in children:
            child.terminate()
            child.join()
    return results


def _heard(end: Any) -> tuple[str, Any]:  # noqa: ANN401 - a Connection, which `wait` does not say
    try:
        what, said = end.recv()
    except EOFError:
        raise ProcessDied(
            "A process of the replay was killed, perhaps as memory ran out: try a shorter history (--since)."
        ) from None
    return what, said


def _do(work: Work, end: Connection) -> None:
    gc.disable()  # what is made here does not refer to itself, and there is much to look through
    try:
        end.send(("done", work(lambda said: end.send(("told", said)))))
    except Exception as error:  # noqa: BLE001 - it is raised where somebody can say it
        end.send(("failed", error))
