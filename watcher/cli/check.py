"""`check`: is the configuration, with its rules and templates, one that works?"""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from watcher.cli.common import Config, Exit, command, complain, loaded

if TYPE_CHECKING:
    from watcher.loading import Loaded


@command
def check(
    config: Config = None,
    online: Annotated[
        bool, typer.Option("--online", help="Also ask the API, and whether each channel's server answers.")
    ] = False,
) -> int:
    """Validate the configuration, the rules and their templates: every fault at once, each with its place."""
    from watcher.assembly import open_channels

    found = loaded(config)
    channels = open_channels(found)
    for warning in found.warnings:
        complain(f"warning: {warning}")
    targets = sum(len(channel.targets) for channel in channels)
    typer.echo(
        f"{found.settings.document.path}: good. {len(found.rules.rules)} rules, {len(channels)} "
        f"channel{'s' if len(channels) != 1 else ''} with {targets} target{'s' if targets != 1 else ''}, "
        f"{len(found.routes)} route{'s' if len(found.routes) != 1 else ''}."
    )
    return asyncio.run(_ask(found)) if online else Exit.DONE


async def _ask(found: "Loaded") -> int:
    import time
    from random import Random

    from watcher.assembly import api_settings
    from watcher.errors import ApiError
    from watcher.nonce.client import NonceClient

    nonce = found.settings.nonce
    client = NonceClient(api_settings(found), monotonic=time.monotonic, random=Random())  # noqa: S311 - spreads retries
    code = Exit.DONE
    try:
        farms = await client.farms()
        typer.echo(f"{nonce.base_url}: good. {len(farms)} farms: {', '.join(farm.name for farm in farms[:5])}")
    except ApiError as error:
        complain(f"{nonce.base_url}: {error}")
        code = Exit.UNREACHABLE
    finally:
        await client.aclose()
    if found.settings.channels and not await _reachable(found):
        code = Exit.UNREACHABLE
    return code


async def _reachable(found: "Loaded") -> bool:
    """Whether a connection to each channel's server can be made; nothing is sent."""
    from watcher.assembly import open_channels
    from watcher.notify.apprise_adapter import server_of

    good = True
    for channel in open_channels(found):
        for target in channel.targets:
            server = server_of(target)
            if server is None:
                complain(f"channel {channel.name}: {target.place}: apprise does not say where it leads; try `notify`")
                continue
            host, port = server
            try:
                _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 10)
                writer.close()
                typer.echo(f"channel {channel.name}: {target.place}: {host}:{port} answers")
            except (OSError, TimeoutError) as error:
                said = str(error) or "no answer in 10 s"
                complain(f"channel {channel.name}: {target.place}: {host}:{port} can't be reached: {said}")
                good = False
    return good
