"""The parts of the daemon, put together for one loaded configuration; nothing runs here."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from random import Random

import structlog

from watcher import crash
from watcher.alerts.board import Board, Voice
from watcher.alerts.compose import Composer
from watcher.alerts.digest import Digester
from watcher.alerts.links import AppLinks
from watcher.crash import CrashingOutbox, CrashingSender, CrashingStore
from watcher.errors import ConfigError
from watcher.loading import Loaded, damping, voices
from watcher.model.times import SECOND, Millis, duration_text
from watcher.nonce.client import ApiSettings, NonceClient
from watcher.notify.deliver import Deliverer
from watcher.notify.outbox import Outbox
from watcher.notify.sender import ConsoleSender, Sender
from watcher.notify.stored import StoredOutbox
from watcher.notify.targets import BadUrl, Budget, Channel, console_channel
from watcher.notify.worker import Means as DeliveryMeans
from watcher.rules.quantities import Rate
from watcher.store.database import Database, open_database
from watcher.store.lock import locked
from watcher.store.store import Store
from watcher.watch.clock import ApiClock
from watcher.watch.daily import Daily
from watcher.watch.delivery import broken_channels
from watcher.watch.desk import Desk, Policy
from watcher.watch.inventory import Wanted
from watcher.watch.plan import Allowance, Wishes
from watcher.watch.watch import Means, Watch
from watcher.watch.watermarks import Watermarks

_log = structlog.get_logger()

_AUTH = "auth"
LIMIT, STRETCHED = "limit", "stretched"
"""Where `status` finds the learnt limit, and how far `every` is stretched."""
_WINDOW = 120.0
"""How long a spent request is remembered, in seconds: the budget's minute and what a request may take."""


def wall() -> Millis:
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class Host:
    """What the daemon takes from the machine it runs on.

    Args:
        environ: the environment; never read elsewhere.
        monotonic: seconds that never step.
        sleep: waits so many of these seconds.
        console: where messages go when no channel is configured.
        random: spreads the retries of requests; guards nothing.
    """

    environ: Mapping[str, str]
    wall: Callable[[], Millis] = wall
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    console: Sender = field(default_factory=lambda: ConsoleSender(sys.stdout.write))
    random: Random = field(default_factory=Random)


_PURPOSE: ContextVar[str] = ContextVar("purpose", default="other")
"""What the requests of this task are for."""


@dataclass(slots=True)
class Parts:
    """One assembly of the daemon for one loaded configuration."""

    loaded: Loaded
    channels: list[Channel]
    client: NonceClient
    watch: Watch
    deliverer: Deliverer
    store: Store
    clock: ApiClock
    daily: Daily

    def summarize(self) -> None:
        """Say once a day how things stand.

        Raises:
            StoreFailed: nothing was saved.
        """
        if self.clock.told and self.daily.tick(self.clock.now()):
            self.deliverer.wake()


def open_channels(loaded: Loaded) -> list[Channel]:
    """The configured channels with their targets.

    Raises:
        ConfigError: a URL that apprise does not understand.
    """
    if not loaded.settings.channels:
        return [console_channel()]
    from watcher.notify.apprise_adapter import open_targets  # noqa: PLC0415 - half a second, only where messages leave

    faults, channels = [], []
    for name, channel in loaded.settings.channels.items():
        try:
            targets = open_targets(name, [url.reveal() for url in channel.urls])
        except BadUrl as error:
            faults.append(loaded.settings.document.fault(("channels", name), str(error)))
            continue
        spacing = channel.rate.per / channel.rate.count / SECOND
        budget = None if channel.budget is None else Budget(channel.budget.count, channel.budget.per)
        channels.append(Channel(name, targets, spacing, budget, channel.fallback))
    if faults:
        raise ConfigError(faults)
    return channels


def sender(loaded: Loaded, host: Host) -> Sender:
    if not loaded.settings.channels:
        return host.console
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
        damping=damping(settings),
    )
    targets = {channel.name: [target.key for target in channel.targets] for channel in channels}
    policy = Policy(loaded.rules.rules, targets, max_age=settings.alerts.max_age)
    digester = Digester(rules)
    told_daily = {name: targets[name] for name in settings.daily.channels}
    composer = Composer(rules, store.past, settings.timezone, AppLinks(settings.nonce.app_url))
    desk = Desk(store, policy, board, composer, watermarks)
    outbox: Outbox = StoredOutbox(store, channels, digester, settings.timezone)
    outlet = sender(loaded, host)
    if isinstance(store, CrashingStore):
        outbox, outlet = CrashingOutbox(outbox, store.reached), CrashingSender(outlet, store.reached)
    deliverer = Deliverer(channels, DeliveryMeans(outbox, outlet, clock, settings.timezone, host.sleep))
    client = _client(loaded, store, clock, host)
    nonce = settings.nonce

    def allowance() -> Allowance:
        left = client.allowance()
        return Allowance(left.places, left.free, int(left.window * SECOND))

    def stretch(every: Millis | None) -> None:
        with store.atomic():
            store.meta.set(STRETCHED, "" if every is None else duration_text(every))

    means = Means(
        store=store,
        api=client,
        desk=desk,
        watermarks=watermarks,
        clock=clock,
        wanted=Wanted(None if nonce.farms == "all" else nonce.farms, None if nonce.miners == "all" else nonce.miners),
        wishes=Wishes(settings.poll.every, _spacing(settings.poll.sweep), searches_count=nonce.count_searches),
        inventory_every=settings.poll.inventory,
        allowance=allowance,
        spending=_PURPOSE.set,
        channels=partial(broken_channels, store.outbox, [channel.name for channel in channels]),
        strategy=settings.poll.strategy,
        stretching=stretch,
        learn=settings.alerts.baseline == "learn",
        changed=deliverer.wake,
        alive=alive,
        sleep=host.sleep,
        random=host.random,
    )
    daily = Daily(store, digester, settings.daily.at, settings.timezone, told_daily)
    return Parts(loaded, channels, client, Watch(means), deliverer, store, clock, daily)


def _spacing(rate: Rate | None) -> Millis | None:
    return None if rate is None else max(1, int(rate.per / rate.count))


def api_settings(loaded: Loaded) -> ApiSettings:
    nonce = loaded.settings.nonce
    return ApiSettings(
        base_url=nonce.base_url,
        workspace=nonce.workspace,
        api_key=loaded.settings.api_key,
        auth=nonce.auth,
        requests_per_minute=nonce.requests_per_minute,
        timeout=nonce.timeout / SECOND,
        count_searches=nonce.count_searches,
    )


def _client(loaded: Loaded, store: Store, clock: ApiClock, host: Host) -> NonceClient:
    def spend(at: float) -> None:
        with store.atomic():
            store.meta.spend(at, _WINDOW)
            store.usage.add(_PURPOSE.get(), clock.now(), 1)

    def learn(limit: float | None) -> None:
        with store.atomic():
            store.meta.set(LIMIT, "" if limit is None else repr(limit))

    def remember(auth: str) -> None:
        with store.atomic():
            store.meta.set(_AUTH, auth)

    return NonceClient(
        api_settings(loaded),
        spent=[at + loaded.settings.nonce.timeout / SECOND for at in store.meta.spent(host.monotonic())],
        on_spend=spend,
        learnt=float(learnt) if (learnt := store.meta.get(LIMIT)) else None,
        on_learnt=learn,
        remembered_auth=store.meta.get(_AUTH),
        on_auth=remember,
        monotonic=host.monotonic,
        sleep=host.sleep,
        random=host.random,
    )


def _bury_strays(store: Store, channels: list[Channel], now: Millis) -> None:
    """Messages for a channel that the configuration no longer has can't be sent: they become dead letters."""
    strays = store.outbox.strays((target.channel, target.key) for channel in channels for target in channel.targets)
    if not strays:
        return
    with store.atomic():
        for stray in strays:
            store.outbox.dead(stray.id, now, "its channel is no longer configured")
    _log.error("messages given up: their channel is no longer configured", count=len(strays))


def _store(database: Database, host: Host) -> Store:
    wanted = host.environ.get(crash.VARIABLE)
    return Store(database) if wanted is None else CrashingStore(database, crash.crashing(wanted))


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
        store = _store(open_database(path), host)
        stack.callback(store.close)
        clock = ApiClock(host.wall, host.monotonic, store.fleet.last_look())
        parts = assemble(loaded, store, clock, host, alive)
        _bury_strays(store, parts.channels, clock.now())
        parts.watch.restore()
        try:
            yield parts
        finally:
            await parts.client.aclose()
