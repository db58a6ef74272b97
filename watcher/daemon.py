"""The daemon: the parts put together, and their loops under one TaskGroup with one stop event."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import structlog

from watcher.alerts.board import Board, Voice
from watcher.alerts.compose import Composer
from watcher.errors import ConfigError, StoreFailed
from watcher.loading import CONSOLE, Loaded, load_all, voices
from watcher.model.times import HOUR, SECOND, Millis
from watcher.nonce.client import ApiSettings, NonceClient
from watcher.notify.deliver import Deliverer
from watcher.notify.sender import ConsoleSender, Sender
from watcher.notify.stored import StoredOutbox
from watcher.notify.targets import Channel, console_channel
from watcher.notify.worker import Means as DeliveryMeans
from watcher.sdnotify import ServiceManager
from watcher.store.database import open_database
from watcher.store.lock import locked
from watcher.store.store import Store
from watcher.watch.clock import ApiClock
from watcher.watch.desk import Desk, Policy
from watcher.watch.inventory import Wanted
from watcher.watch.plan import Plan
from watcher.watch.watch import Means, Watch
from watcher.watch.watermarks import Watermarks

_log = structlog.get_logger()

_TICK = 1.0
_PURGE_EVERY: Millis = HOUR
_AUTH = "auth"
_WINDOW = 120.0
"""How long a spent request is remembered, in seconds: the budget's minute and what a request may take."""


def wall() -> Millis:
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class Host:
    """What the daemon takes from the machine it runs on.

    Args:
        environ: the environment; never read elsewhere.
        write: where the console channel writes.
    """

    environ: Mapping[str, str]
    wall: Callable[[], Millis] = wall
    monotonic: Callable[[], float] = time.monotonic
    write: Callable[[str], object] = field(default=sys.stdout.write)


@dataclass(slots=True)
class Parts:
    """One assembly of the daemon for one loaded configuration."""

    loaded: Loaded
    client: NonceClient
    watch: Watch
    deliverer: Deliverer
    store: Store
    clock: ApiClock


def open_channels(loaded: Loaded) -> list[Channel]:
    """The configured channels with their targets.

    Raises:
        ConfigError: a URL that apprise does not understand.
    """
    if not loaded.settings.channels:
        return [console_channel()]
    from watcher.notify.apprise_adapter import open_targets  # noqa: PLC0415 - half a second, only where messages leave
    from watcher.notify.targets import BadUrl  # noqa: PLC0415 - goes with it

    faults, channels = [], []
    for name, channel in loaded.settings.channels.items():
        try:
            targets = open_targets(name, [url.reveal() for url in channel.urls])
        except BadUrl as error:
            faults.append(loaded.settings.document.fault(("channels", name), str(error)))
            continue
        channels.append(Channel(name, targets, channel.rate.per / channel.rate.count / SECOND))
    if faults:
        raise ConfigError(faults)
    return channels


def _sender(loaded: Loaded, host: Host) -> Sender:
    if not loaded.settings.channels:
        return ConsoleSender(host.write)
    from watcher.notify.apprise_adapter import AppriseSender  # noqa: PLC0415 - as above

    return AppriseSender()


def assemble(loaded: Loaded, store: Store, clock: ApiClock, host: Host, alive: Callable[[], object]) -> Parts:
    """Put the parts together; nothing runs yet.

    Raises:
        ConfigError: a channel's URL is not one.
    """
    settings = loaded.settings
    channels = open_channels(loaded)
    rules = {rule.name: rule for rule in loaded.rules.rules}
    watermarks = Watermarks()
    board = Board(
        loaded.routes,
        rules,
        {name: Voice(name, resolved) for name, resolved in voices(settings).items()},
        max_age=settings.alerts.max_age,
    )
    policy = Policy(
        loaded.rules.rules,
        {channel.name: [target.key for target in channel.targets] for channel in channels},
        max_age=settings.alerts.max_age,
    )
    composer = Composer(rules, store.past, settings.timezone)
    desk = Desk(store, policy, board, composer, watermarks)
    deliverer = Deliverer(
        channels,
        DeliveryMeans(StoredOutbox(store), _sender(loaded, host), clock, settings.timezone),
    )
    client = _client(loaded, store, host)
    nonce = settings.nonce
    means = Means(
        store=store,
        api=client,
        desk=desk,
        plan=Plan(settings.poll.every),
        watermarks=watermarks,
        clock=clock,
        wanted=Wanted(
            None if nonce.farms == "all" else nonce.farms, None if nonce.miners == "all" else nonce.miners
        ),
        inventory_every=settings.poll.inventory,
        learn=settings.alerts.baseline == "learn",
        changed=deliverer.wake,
        alive=alive,
    )
    return Parts(loaded, client, Watch(means), deliverer, store, clock)


def _client(loaded: Loaded, store: Store, host: Host) -> NonceClient:
    nonce = loaded.settings.nonce

    def spend(at: float) -> None:
        with store.atomic():
            store.meta.spend(at, _WINDOW)

    def remember(auth: str) -> None:
        with store.atomic():
            store.meta.set(_AUTH, auth)

    return NonceClient(
        ApiSettings(
            base_url=nonce.base_url,
            workspace=nonce.workspace,
            api_key=loaded.settings.api_key,
            auth=nonce.auth,
            requests_per_minute=nonce.requests_per_minute,
            timeout=nonce.timeout / SECOND,
        ),
        spent=[at + nonce.timeout / SECOND for at in store.meta.spent(host.monotonic())],
        on_spend=spend,
        remembered_auth=store.meta.get(_AUTH),
        on_auth=remember,
        monotonic=host.monotonic,
        random=Random(),  # noqa: S311 - spreads retries, guards nothing
    )


@asynccontextmanager
async def opened(loaded: Loaded, host: Host, alive: Callable[[], object] = lambda: None) -> AsyncIterator[Parts]:
    """The parts on their store, which no other daemon holds.

    Raises:
        StoreError: the store can't be had.
        ConfigError: a channel's URL is not one.
    """
    path = loaded.settings.store.path
    with ExitStack() as stack:
        if path.parent.is_dir():
            stack.enter_context(locked(path))
        store = Store(open_database(path))
        stack.callback(store.close)
        newest = max((mark for mark in store.fleet.watermarks() if mark is not None), default=None)
        clock = ApiClock(host.wall, host.monotonic, newest)
        parts = assemble(loaded, store, clock, host, alive)
        parts.watch.restore()
        try:
            yield parts
        finally:
            await parts.client.aclose()


async def run_once(loaded: Loaded, host: Host, announce: Callable[[int], object]) -> int:
    """One complete look, everything told that is new, each message tried once; returns the exit code."""
    async with opened(loaded, host) as parts:
        complete = await parts.watch.once(announce)
        left = await parts.deliverer.drain()
        if left:
            _log.error("messages are still in the outbox", count=left)
        return 0 if complete and not left else 3


class Daemon:
    """Runs until SIGTERM or SIGINT; SIGHUP reads configuration and rules again, all or nothing."""

    def __init__(self, config: Path, loaded: Loaded, host: Host) -> None:
        self._config = config
        self._loaded = loaded
        self._host = host
        self._manager = ServiceManager(host.environ)
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()
        self._looked_at = host.monotonic()
        self._purged_at: Millis = 0

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)
        while not self._stop.is_set():
            async with opened(self._loaded, self._host, self._alive) as parts:
                self._manager.ready()
                self._manager.status(self._summary())
                _log.info("watching", rules=len(self._loaded.rules.rules), store=str(parts.store.database.path))
                await self._serve(parts)
        self._manager.stopping()
        _log.info("stopped")

    async def _serve(self, parts: Parts) -> None:
        """All loops, until the stop or an accepted reload; a loop that dies ends the process loudly."""
        halt = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(parts.watch.run(halt))
            group.create_task(parts.deliverer.run(halt))
            group.create_task(self._tick(parts, halt))
            await self._until_halt()
            halt.set()

    async def _until_halt(self) -> None:
        while not self._stop.is_set():
            waits = [asyncio.ensure_future(event.wait()) for event in (self._stop, self._reload)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            if self._reload.is_set() and not self._stop.is_set():
                self._reload.clear()
                if self._reloaded():
                    return

    def _reloaded(self) -> bool:
        """Whether a new configuration was accepted; a bad one changes nothing."""
        self._manager.reloading()
        try:
            loaded = load_all(self._config, self._host.environ)
            open_channels(loaded)
        except ConfigError as error:
            _log.error("reload refused, the watch goes on as before", faults=[str(f) for f in error.faults])
            self._manager.ready()
            return False
        settings, old = loaded.settings, self._loaded.settings
        if settings.store.path != old.store.path or settings.nonce.workspace != old.nonce.workspace:
            _log.error("reload refused: store.path and nonce.workspace need a restart")
            self._manager.ready()
            return False
        self._loaded = loaded
        _log.info("reloaded", rules=len(loaded.rules.rules))
        return True

    async def _tick(self, parts: Parts, halt: asyncio.Event) -> None:
        """What time alone makes due: group timers, retention, a sign of life."""
        while not halt.is_set():
            try:
                parts.watch.tick()
                self._purge(parts)
            except StoreFailed as failure:
                _log.error("nothing saved", reason=str(failure))
                parts.watch.stale = True
            self._pat()
            with suppress(TimeoutError):
                await asyncio.wait_for(halt.wait(), _TICK)

    def _purge(self, parts: Parts) -> None:
        now = parts.clock.now()
        if now - self._purged_at < _PURGE_EVERY:
            return
        self._purged_at = now
        before = now - self._loaded.settings.store.retain
        with parts.store.atomic():
            parts.store.tasks.purge(before)
            parts.store.episodes.purge(before)
            parts.store.outbox.purge(before)
            parts.store.speech.purge(before)

    def _alive(self) -> None:
        """A look was completed, or there was none to take."""
        self._looked_at = self._host.monotonic()

    def _pat(self) -> None:
        """The watchdog hears of us only while looks are being completed and this loop turns."""
        patience = self._manager.watchdog
        if patience is not None and self._host.monotonic() - self._looked_at < patience:
            self._manager.alive()

    def _summary(self) -> str:
        channels = ", ".join(self._loaded.settings.channels) or CONSOLE
        return f"watching with {len(self._loaded.rules.rules)} rules, telling {channels}"
