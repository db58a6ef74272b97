"""What time alone makes due: groups that speak, troubles of the watch itself, farms that nobody can see."""

from collections.abc import Callable
from dataclasses import dataclass, field

from watcher.model.times import DAY, SECOND, Millis
from watcher.model.trouble import Trouble, TroubleKind
from watcher.rules.scope import Scope
from watcher.store.store import Store
from watcher.watch.clock import ApiClock
from watcher.watch.desk import Desk
from watcher.watch.health import Health, Lag
from watcher.watch.plan import Allowance, Plan, cycle, search_every
from watcher.watch.watermarks import Watermarks

_CHANNELS_EVERY: Millis = 10 * SECOND
_GAPS_SHOWN: Millis = DAY
_SERIOUS = frozenset({TroubleKind.BLIND, TroubleKind.AUTH, TroubleKind.CHANNEL})


@dataclass(slots=True)
class Moments:
    """Says what has become due by time passing.

    Args:
        channels: the channels that messages don't get through to: since when, and why.
        stretching: told how often farms are looked at where the budget does not allow what was wished, else None.
        changed: called after something was put into the outbox.
        troubles: what is wrong with the watch itself, as of the last tick.
    """

    store: Store
    desk: Desk
    plan: Plan
    health: Health
    watermarks: Watermarks
    clock: ApiClock
    allowance: Callable[[], Allowance]
    channels: Callable[[Millis], list[Trouble]]
    stretching: Callable[[Millis | None], object]
    changed: Callable[[], object]
    troubles: list[Trouble] = field(default_factory=list)
    _channels: list[Trouble] = field(default_factory=list)
    _channels_at: Millis = 0
    _stretched: Millis | None = None

    def tick(self) -> None:
        """Judge and speak.

        Raises:
            StoreFailed: nothing was saved.
        """
        now = self.clock.now()
        self.troubles = self._all_troubles(now)
        self._tell_stretching()
        changes = self.desk.troubled(self.troubles, now) if self.health.settled(now) else []
        left_out = self.watermarks.leave_out(self.health.left_out(now))
        heeded = self.desk.heed(now)
        due = self.desk.next_due(now)
        if not (changes or left_out or heeded or self.desk.postponed or (due is not None and due <= now)):
            return
        with self.store.atomic():
            self.desk.note_troubles(changes, now)
            if left_out:
                self.desk.judge([Scope()], now)
            self.desk.judge_all(now)
            spoken = self.desk.speak(now)
        if spoken:
            self.changed()

    def _all_troubles(self, now: Millis) -> list[Trouble]:
        if self.clock.take_step():
            self.health.stepped_at = now
        if now - self._channels_at >= _CHANNELS_EVERY:
            self._channels, self._channels_at = self.channels(now), now
        gaps = self.store.fleet.gaps(now - _GAPS_SHOWN)
        return [*self.health.troubles(now, self.lags(), gaps), *self._channels]

    def _tell_stretching(self) -> None:
        every = search_every(self.plan, self.allowance())
        stretched = every if every > self.plan.wishes.every else None
        if stretched != self._stretched:
            self._stretched = stretched
            self.stretching(stretched)

    def lags(self) -> dict[str, Lag]:
        """How far each farm is known, and how old that is expected to be at most."""
        allowance = self.allowance()
        return {
            farm.id: Lag(self.watermarks.of(Scope(farm.id)), cycle(self.plan, farm, allowance))
            for farm in self.plan.farms.values()
        }

    @property
    def healthy(self) -> bool:
        """Looking, judging and telling all work."""
        return self.clock.told and not any(one.kind in _SERIOUS for one in self.troubles)
