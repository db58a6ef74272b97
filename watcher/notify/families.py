"""Which family a service belongs to. A new family is one file and one line here."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Protocol

from watcher.model.message import Message
from watcher.notify.document import Document
from watcher.notify.draft import draft
from watcher.notify.family.mail import Mail
from watcher.notify.family.markdown import Markdown
from watcher.notify.family.plain import Plain, unbroken
from watcher.notify.family.slack import Slack
from watcher.notify.family.telegram import Telegram
from watcher.notify.targets import Target
from watcher.notify.text import Text


class Family(Protocol):
    def __call__(self, document: Document, limit: int) -> Text:
        """The document in the family's markup.

        Args:
            limit: how long the body may be at most, in UTF-16 units; a family may have less, or its own measure.
        """


FAMILIES: Mapping[str, Family] = {
    "console": Plain(unbroken),
    "discord": Markdown(),
    "mailto": Mail(),
    "mailtos": Mail(),
    "mmost": Markdown(),
    "mmosts": Markdown(),
    "slack": Slack(),
    "tgram": Telegram(),
}
"""By the schema of apprise's URLs; all others get plain text."""

_OTHERS = Plain()


def rendered(
    message: Message,
    target: Target,
    zone: tzinfo,
    *,
    may_repeat: bool,
    families: Mapping[str, Family] = FAMILIES,
) -> Text:
    """The message as a target gets it.

    Args:
        may_repeat: an earlier attempt may have delivered it already; the text says so.
        families: those of the product; others are for tests.
    """
    document = draft(message, zone, may_repeat=may_repeat)
    return families.get(target.schema, _OTHERS)(document, target.limit)
