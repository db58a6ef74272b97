"""The daemon: its loops under one TaskGroup with one stop event, and what signals and systemd ask of it."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import structlog

from watcher.assembly import Host, Parts, open_channels, opened
from watcher.config import CONSOLE
from watcher.errors import ConfigError, StoreFailed, StoreUnusable
from watcher.heartbeat import Heartbeat
from watcher.loading import Loaded, load_all, with_rules_of_now
from watcher.model.times import HOUR, Millis
from watcher.reload import GLANCE, Edits, content, stamp
from watcher.sdnotify import ServiceManager
from watcher.watch.once import look_once

_log = structlog.get_logger()

_TICK = 1.0
_PURGE_EVERY: Millis = HOUR
_GRACE = 8.0
"""Seconds that a message in flight has to be finished; one that is cut off is sent again, as a possible repeat."""


async def run_once(loaded: Loaded, host: Host, announce: Callable[[int], object]) -> int:
    """One complete look, everything told that is new, each message tried once; returns the exit code."""
    async with opened(loaded, host) as parts:
        complete = await look_once(parts.watch, announce)
        parts.summarize()
        left = await parts.deliverer.drain()
        if left:
            _log.error("messages are still in the outbox", count=left)
        return 0 if complete and not left else 3


def _first(group: BaseExceptionGroup[StoreUnusable]) -> StoreUnusable:
    """The loops end together; one sentence says why."""
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


class Daemon:
    """Runs until SIGTERM or SIGINT. SIGHUP reads configuration and rules again, a saved rule file the rules: all or
    nothing."""

    def __init__(self, config: Path, loaded: Loaded, host: Host) -> None:
        self._config = config
        self._loaded = loaded
        self._host = host
        self._manager = ServiceManager(host.environ)
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()
        self._edited = asyncio.Event()
        self._looked_at = host.monotonic()
        self._purged_at: Millis = 0
        self._parts: Parts | None = None
        self._refused_edit = False

    def stop(self) -> None:
        """Finish what is in flight, and return from `run`."""
        self._stop.set()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)
        while not self._stop.is_set():
            async with opened(self._loaded, self._host, self._alive) as parts:
                self._parts = parts
                self._manager.ready()
                self._manager.status(self._summary())
                _log.info("watching", rules=len(self._loaded.rules.rules), store=str(parts.store.database.path))
                try:
                    await self._serve(parts)
                except* StoreUnusable as unusable:
                    raise _first(unusable) from None
        self._manager.stopping()
        _log.info("stopped")

    async def _serve(self, parts: Parts) -> None:
        """All loops, until the stop or an accepted reload; a loop that dies ends the process loudly."""
        halt = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(parts.watch.run(halt))
            delivering = group.create_task(parts.deliverer.run(halt))
            others = [group.create_task(self._tick(parts, halt)), group.create_task(self._beat(parts))]
            others.append(group.create_task(self._watch_rules()))
            await self._until_halt()
            halt.set()
            # A look is a transaction without a pause in it: what is cut off here was not begun.
            for task in (watching, *others):
                task.cancel()
            await asyncio.wait({delivering}, timeout=_GRACE)
            delivering.cancel()

    async def _beat(self, parts: Parts) -> None:
        """The dead man's ping, while looking, judging, saving and telling all work."""
        settings = self._loaded.settings.heartbeat
        if settings.url is None:
            return
        heart = Heartbeat(settings.url, settings.every, monotonic=self._host.monotonic)
        try:
            while True:
                if parts.watch.healthy:
                    await heart.beat()
                await self._host.sleep(_TICK)
        finally:
            await heart.aclose()

    async def _until_halt(self) -> None:
        while not self._stop.is_set():
            waits = [asyncio.ensure_future(event.wait()) for event in (self._stop, self._reload, self._edited)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            if self._stop.is_set():
                return
            if self._reload.is_set():
                self._reload.clear()
                if self._reloaded():
                    return
            if self._edited.is_set():
                self._edited.clear()
                if self._rules_reloaded():
                    return

    async def _watch_rules(self) -> None:
        """Notice saved rule files."""
        folder = self._loaded.settings.rules
        known = stamp(folder)  # before the content: what is saved in between is seen by the next glance
        edits = Edits.since(known if content(folder) == self._loaded.read else None)
        while True:
            await self._host.sleep(GLANCE)
            if edits.glance(stamp(folder)):
                self._edited.set()

    def _rules_reloaded(self) -> bool:
        """Whether other rules than those that run were accepted; bad ones change nothing."""
        now = content(self._loaded.settings.rules)
        if now is not None and now == self._loaded.read:
            if self._refused_edit and self._parts is not None:
                _log.info("the refused edit was undone")
                self._parts.watch.health.refused_rules = None
            self._refused_edit = False
            return False
        try:
            loaded = with_rules_of_now(self._loaded)
        except ConfigError as error:
            self._refused(error)
            self._refused_edit = True
            return False
        self._accept(loaded)
        return True

    def _refused(self, error: ConfigError) -> None:
        _log.error("reload refused, the watch goes on as before", faults=[str(fault) for fault in error.faults])
        more = f" and {len(error.faults) - 1} more" if len(error.faults) > 1 else ""
        self._refuse(f"{error.faults[0]}{more}")

    def _accept(self, loaded: Loaded) -> None:
        self._loaded, self._refused_edit = loaded, False
        _log.info("reloaded", rules=len(loaded.rules.rules))

    def _reloaded(self) -> bool:
        """Whether a new configuration was accepted; a bad one changes nothing."""
        self._manager.reloading()
        try:
            loaded = load_all(self._config, self._host.environ)
            open_channels(loaded)
        except ConfigError as error:
            self._refused(error)
            self._manager.ready()
            return False
        settings, old = loaded.settings, self._loaded.settings
        if settings.store.path != old.store.path or settings.nonce.workspace != old.nonce.workspace:
            _log.error("reload refused: store.path and nonce.workspace need a restart")
            self._manager.ready()
            self._refuse("store.path and nonce.workspace need a restart")
            return False
        self._accept(loaded)
        return True

    def _refuse(self, why: str) -> None:
        """A refused edit is a trouble of the watch until one is accepted."""
        if self._parts is not None:
            self._parts.watch.health.refused_rules = (self._parts.clock.now(), why)

    async def _tick(self, parts: Parts, halt: asyncio.Event) -> None:
        """What time alone makes due: group timers, retention, a sign of life."""
        while not halt.is_set():
            try:
                parts.watch.tick()
                parts.summarize()
                self._purge(parts)
            except StoreFailed as failure:
                _log.error("nothing saved", reason=str(failure))
                parts.watch.stale = True
            self._pat()
            await self._host.sleep(_TICK)

    def _purge(self, parts: Parts) -> None:
        now = parts.clock.now()
        if now - self._purged_at < _PURGE_EVERY or not parts.clock.told:
            return
        self._purged_at = now
        before = now - self._loaded.settings.store.retain
        with parts.store.atomic():
            parts.store.tasks.purge(before)
            parts.store.episodes.purge(before)
            parts.store.outbox.purge(before)
            parts.store.speech.purge(before)
            parts.store.acts.purge(before)
            parts.store.batches.purge(before)
            parts.store.closings.purge(before)
            parts.store.usage.purge(now)

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
