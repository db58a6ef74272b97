"""How the watch itself is doing: which farms are seen, which are not and why. Pure; time is an argument."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from watcher.model.times import HOUR, MINUTE, Millis, duration_text
from watcher.model.trouble import Trouble, TroubleKind

BLIND_AFTER: Millis = 5 * MINUTE
LEFT_OUT_AFTER: Millis = 15 * MINUTE
_BEHIND = 3
_BREATH: Millis = MINUTE
_SHOWN: Millis = HOUR
"""How long an event (a gap, a step of the clock) is a trouble."""


@dataclass(slots=True)
class FarmHealth:
    """How a farm can be seen.

    Args:
        seen_at: its last complete look; for one that was never seen, the beginning of the watch over it.
        cause: why the last request for it failed; None where it did not.
        refused: the last request was refused, not just failed.
        blind: nobody has seen it for too long.
        alone: it became blind while others were seen.
    """

    seen_at: Millis
    cause: str | None = None
    refused: bool = False
    blind: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind a farm is known.

    Args:
        known_to: its watermark; None while nothing is known.
        expected: how old it is expected to be at most (ms).
    """

    known_to: Millis | None
    expected: Millis


@dataclass(slots=True)
class Health:
    """What the looks so far say.

    Args:
        started_at: the beginning of the process.
        dark_until: when all farms were blind at once for the last time.
        refusal: why the key is refused; None while it is not. `refused_at`: since when.
        stepped_at: when the API's clock jumped last.
        refused_rules: why the last edit was refused, and since when.
    """

    started_at: Millis
    farms: dict[str, FarmHealth] = field(default_factory=dict)
    dark_until: Millis = 0
    refusal: str | None = None
    refused_at: Millis = 0
    stepped_at: Millis | None = None
    refused_rules: tuple[Millis, str] | None = None

    def watch(self, farms: Mapping[str, Millis | None], now: Millis) -> None:
        """The farms that are there, each with the time of its last look, whichever process took it."""
        self.farms = {
            farm_id: self.farms.get(farm_id) or FarmHealth(now if seen_at is None else min(seen_at, now))
            for farm_id, seen_at in farms.items()
        }

    def settled(self, now: Millis) -> bool:
        """Whether there was time to look: right after a start, the last look is always long ago."""
        return now - self.started_at > _BREATH or all(farm.seen_at >= self.started_at for farm in self.farms.values())

    def saw(self, farm_id: str | None, now: Millis, *, complete: bool) -> None:
        """A request was answered; `complete`: and the farm was seen whole, as far as its strategy does."""
        self.refusal = None
        farm = self.farms.get(farm_id or "")
        if farm is not None:
            farm.cause, farm.refused = None, False
            if complete:
                farm.seen_at, farm.blind, farm.alone = now, False, False

    def failed(self, farm_id: str | None, cause: str, *, refused: bool = False) -> None:
        """A request for a farm failed; None: it was for no farm, and says something of all of them."""
        for one, farm in self.farms.items():
            if farm_id in (None, one):
                farm.cause, farm.refused = cause, refused

    def refuse(self, cause: str, now: Millis) -> None:
        """The key is refused for everything."""
        if self.refusal is None:
            self.refused_at = now
        self.refusal = cause

    def left_out(self, now: Millis) -> list[str]:
        """Farms that nobody has seen for so long that the others don't wait for them; never all."""
        out = [farm_id for farm_id, farm in self.farms.items() if now - farm.seen_at > LEFT_OUT_AFTER]
        return out if len(out) < len(self.farms) else []

    def troubles(
        self, now: Millis, lags: Mapping[str, Lag], gaps: Iterable[tuple[str, Millis, Millis, Millis]]
    ) -> list[Trouble]:
        """Everything that is wrong now, but for the channels.

        Args:
            lags: of each farm.
            gaps: farm id, from, until, known since: see `Fleet.gaps`.
        """
        found = [*self._auth(), *self._blind(now), *self._behind(now, lags)]
        found += [
            Trouble(TroubleKind.GAP, known_at, f"{duration_text(end - start)} of history can't be had any more", farm)
            for farm, start, end, known_at in gaps
            if now - known_at < _SHOWN and farm in self.farms
        ]
        if self.stepped_at is not None and now - self.stepped_at < _SHOWN:
            found.append(Trouble(TroubleKind.CLOCK, self.stepped_at, "the API's clock jumped; the watch followed it"))
        if self.refused_rules is not None:
            found.append(Trouble(TroubleKind.RULES, *self.refused_rules))
        return found

    def _auth(self) -> Iterator[Trouble]:
        if self.refusal is not None:
            yield Trouble(TroubleKind.AUTH, self.refused_at, self.refusal)
            return
        for farm_id, farm in self.farms.items():
            if farm.refused and farm.cause is not None:
                yield Trouble(TroubleKind.AUTH, farm.seen_at, farm.cause, farm_id)

    def _blind(self, now: Millis) -> Iterator[Trouble]:
        """All farms are one trouble, of the API; some are one each, once they had time to come back alone."""
        blind = {one: farm for one, farm in self.farms.items() if now - farm.seen_at > BLIND_AFTER}
        for farm in blind.values():
            farm.blind = True
        together = [farm for farm in blind.values() if not farm.alone]
        if together and len(blind) == len(self.farms):
            self.dark_until = now
            cause = next((farm.cause for farm in together if farm.cause), None)
            yield Trouble(TroubleKind.BLIND, min(farm.seen_at for farm in together), _because(cause))
        for farm_id, farm in blind.items():
            farm.alone = farm.alone or now - max(farm.seen_at, self.dark_until) > BLIND_AFTER
            if farm.alone:
                yield Trouble(TroubleKind.BLIND, farm.seen_at, _because(farm.cause), farm_id)

    def _behind(self, now: Millis, lags: Mapping[str, Lag]) -> Iterator[Trouble]:
        for farm_id, lag in lags.items():
            farm = self.farms.get(farm_id)
            if farm is None or farm.blind or farm.refused or lag.known_to is None:
                continue
            late = now - lag.known_to
            if late > max(_BEHIND * lag.expected, BLIND_AFTER):
                cause = f"known only up to {duration_text(late)} ago; {duration_text(lag.expected)} were expected"
                yield Trouble(TroubleKind.BEHIND, lag.known_to, cause, farm_id)


def _because(cause: str | None) -> str:
    return cause if cause is not None else "no complete look; no request failed, so the budget may be too small"
