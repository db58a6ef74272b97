"""The seam between deciding when to send and sending, and the simplest sender: the console."""

from collections.abc import Callable
from typing import Protocol

from watcher.notify.outcome import Outcome, Result
from watcher.notify.targets import Target
from watcher.notify.text import Text


class Sender(Protocol):
    async def send(self, target: Target, text: Text) -> Outcome:
        """One attempt. It raises nothing, and ends in bounded time."""


class ConsoleSender:
    """Writes messages where somebody looks, when no channel is configured."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    async def send(self, target: Target, text: Text) -> Outcome:
        body = text.body.replace("\n", "\n  ")
        self._write(f"{text.title}\n  {body}\n\n")
        return Outcome(Result.SENT, f"{target.service} took it")
