"""`notify`: a realistic sample to one channel, and what the service answered."""

import asyncio
from typing import Annotated

import typer

from watcher.cli.common import Config, Exit, command, complain, loaded

_WORDS = {
    "sent": "sent",
    "passing": "not sent, and would be tried again",
    "permanent": "not sent, and never will be like this",
    "uncertain": "perhaps sent, and would be repeated once",
}


@command
def notify(
    channel: Annotated[str, typer.Argument(help="The channel's name in the configuration.")], config: Config = None
) -> int:
    """Send a realistic sample to CHANNEL and say what the service answered."""
    from watcher.assembly import Host, open_channels, sender, wall
    from watcher.cli.sample import sample
    from watcher.notify.families import rendered
    from watcher.notify.outcome import Result
    from watcher.rules.wording import quoted, suggestion

    found = loaded(config)
    channels = {one.name: one for one in open_channels(found)}
    if channel not in channels:
        complain(f"there is no channel {quoted(channel)}{suggestion(channel, sorted(channels))}")
        return Exit.USAGE
    import os

    outlet = sender(found, Host(os.environ))
    code = Exit.DONE
    for target in channels[channel].targets:
        text = rendered(sample(channel, wall()), target, found.settings.timezone, may_repeat=False)
        outcome = asyncio.run(outlet.send(target, text))
        good = outcome.result is Result.SENT
        wait = "" if outcome.retry_after is None else f"; it asks to wait {outcome.retry_after:g} s"
        said = f"{target.key} ({target.place}): {_WORDS[outcome.result.value]}: {outcome.reason}{wait}"
        (typer.echo if good else complain)(said)
        code = code if good else Exit.UNREACHABLE
    return code
