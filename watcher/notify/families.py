"""Which words go to which kind of service. A family with its own renderer is one file and one line here."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Protocol

from watcher.model.message import Message
from watcher.notify.render import render
from watcher.notify.targets import Target
from watcher.notify.text import Text


class Renderer(Protocol):
    def __call__(self, message: Message, zone: tzinfo, *, may_repeat: bool, limit: int) -> Text: ...


RENDERERS: Mapping[str, Renderer] = {}
"""By the schema of apprise's URLs; all others get plain text."""


def rendered(message: Message, target: Target, zone: tzinfo, *, may_repeat: bool) -> Text:
    renderer = RENDERERS.get(target.schema, render)
    return renderer(message, zone, may_repeat=may_repeat, limit=target.limit)
