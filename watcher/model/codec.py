"""A message as JSON text and back, exactly: the form in which the outbox keeps it."""

import json

from pydantic import TypeAdapter

from watcher.model.message import Message

_MESSAGE = TypeAdapter(Message)


def to_json(message: Message) -> str:
    """One line of ASCII. pydantic's own writer refuses lone surrogates, and a miner may send some."""
    return json.dumps(_MESSAGE.dump_python(message, mode="json"), separators=(",", ":"))


def from_json(text: str) -> Message:
    """The message that `to_json` was given.

    Raises:
        ValueError: the text is no such message.
    """
    return _MESSAGE.validate_python(json.loads(text))
