"""What a message says of what people did about its alerts, and of alerts that flap."""

from collections.abc import Iterator
from datetime import tzinfo

from watcher.model.act import Act, Deed
from watcher.model.message import Section
from watcher.model.times import Millis, duration_text
from watcher.notify.document import Line, plain
from watcher.notify.moments import moment
from watcher.notify.text import inert

_LONGEST_COMMENT = 200


def act_line(act: Act, present: Millis, zone: tzinfo) -> Line:
    """As in: Acknowledged by bob at 22:06 CST: the pump is replaced."""
    who, at = inert(act.author), moment(act.at, present, zone)
    done = {
        Deed.ACKNOWLEDGED: f"Acknowledged by {who} at {at}",
        Deed.SILENCED: f"Silenced by {who} until {at}",
        Deed.SILENCE_ENDED: f"The silence of {who} ended at {at}",
    }[act.deed]
    comment = inert(act.comment, _LONGEST_COMMENT)
    return plain(f"{done}: {comment}" if comment else f"{done}.")


def flapping(section: Section) -> Iterator[Line]:
    """That nothing more comes before it is calm."""
    if section.flaps is not None:
        changes, within = section.flaps
        calm = duration_text(within)
        yield plain(f"Flapping: it fired and ended {changes} times within {calm}; quiet until it is calm for {calm}.")
