"""How fast a bot may speak: one message a second in a chat, twenty a minute in a group, thirty a second in all."""

from collections import defaultdict, deque
from collections.abc import Iterator

_IN_CHAT = (1, 1.0)
_IN_GROUP = (20, 60.0)
_IN_ALL = (30, 1.0)
_EVERYWHERE = ""


class Rates:
    def __init__(self) -> None:
        self._sent: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=30))

    def wait(self, chat: str, at: float) -> float:
        """The seconds until the chat may get a message; 0 is now."""
        return max(0.0, *self._waits(chat, at))

    def sent(self, chat: str, at: float) -> None:
        self._sent[chat].append(at)
        self._sent[_EVERYWHERE].append(at)

    def _waits(self, chat: str, at: float) -> Iterator[float]:
        limits = [(chat, _IN_CHAT), (_EVERYWHERE, _IN_ALL)]
        if chat.startswith("-"):
            limits.append((chat, _IN_GROUP))
        for place, (most, seconds) in limits:
            sent = self._sent[place]
            if len(sent) >= most:
                yield sent[-most] + seconds - at
        yield 0.0
