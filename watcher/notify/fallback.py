"""What the fallback channels are told of a message that another channel could not be told. Pure."""

from dataclasses import replace
from hashlib import sha256

from watcher.model.message import Message


def instead(message: Message, fallback: str, reason: str) -> Message:
    """The message for another channel, as what it is; the same however often the first one fails.

    Args:
        reason: why it was given up.
    """
    name = f"{message.id}/{message.channel}/{fallback}"
    return replace(
        message,
        id=sha256(name.encode()).hexdigest()[:10],
        channel=fallback,
        notes=(*message.notes, f"{message.channel}: {reason}"),
        undelivered=message.channel,
    )
