"""Farms and miners: the inventory, T0, and up to when each is known."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from watcher.model.miner import Farm, Miner
from watcher.model.subject import Place
from watcher.model.times import Millis
from watcher.store import rows

_FACTS = ("health", *rows.MINER_FACTS)
_UPSERT_MINER = (
    f"INSERT INTO miners (farm_id, id, introduced_at, {', '.join(_FACTS)}) "  # noqa: S608 - our own column names
    f"VALUES ({', '.join('?' * (len(_FACTS) + 3))}) "
    "ON CONFLICT (farm_id, id) DO UPDATE SET gone_at = NULL, "
    "introduced_at = CASE WHEN gone_at IS NULL THEN introduced_at ELSE excluded.introduced_at END, "
    + ", ".join(f"{name} = coalesce(excluded.{name}, {name})" for name in _FACTS)
)


@dataclass(frozen=True, slots=True)
class FarmRecord:
    """A farm as the store knows it.

    Args:
        t0: the first contact.
        watermark: up to when everything of it was known at last.
        listed_at: the API's present at the last complete list of its batches.
        strategy: how its tasks are read, as far as that was found out; `probed_at`: when.
        agent_status: of its agent.
    """

    farm: Farm
    t0: Millis | None
    gone_at: Millis | None
    watermark: Millis | None = None
    listed_at: Millis | None = None
    strategy: str | None = None
    probed_at: Millis | None = None
    agent_status: str | None = None


@dataclass(frozen=True, slots=True)
class MinerRecord:
    """A miner's place in the watch.

    Args:
        first_look_at: the API's present at its first reading.
        watermark: up to when its tasks are known.
        active_at: its latest transition.
    """

    farm_id: str
    id: str
    first_look_at: Millis | None
    watermark: Millis | None
    active_at: Millis | None


class Fleet:
    """Reads and writes inside whatever transaction the caller holds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def farms(self) -> list[FarmRecord]:
        cursor = self._connection.execute(
            "SELECT id, name, t0, gone_at, watermark, listed_at, strategy, probed_at, agent_status "
            "FROM farms ORDER BY id"
        )
        return [FarmRecord(Farm(row[0], row[1]), *row[2:]) for row in cursor]

    def standing(self) -> list[FarmRecord]:
        """The farms that are there."""
        return [record for record in self.farms() if record.gone_at is None]

    def last_look(self) -> Millis | None:
        """The API's present at the latest reading of anything: nothing in the store was observed later."""
        latest: Millis | None = self._connection.execute(
            "SELECT max(at) FROM (SELECT max(watermark) AS at FROM miners UNION ALL "
            "SELECT max(listed_at) FROM farms UNION ALL SELECT max(read_at) FROM batches)"
        ).fetchone()[0]
        return latest

    def names(self) -> dict[str, str]:
        return dict(self._connection.execute("SELECT id, name FROM farms").fetchall())

    def write_farms(self, farms: Iterable[Farm], gone: Iterable[str], now: Millis) -> None:
        self._connection.executemany(
            "INSERT INTO farms (id, name) VALUES (?, ?) "
            "ON CONFLICT (id) DO UPDATE SET name = excluded.name, gone_at = NULL",
            [(farm.id, farm.name) for farm in farms],
        )
        self._connection.executemany("UPDATE farms SET gone_at = ? WHERE id = ?", [(now, one) for one in gone])

    def set_t0(self, farm_id: str, t0: Millis) -> None:
        self._connection.execute("UPDATE farms SET t0 = ? WHERE id = ? AND t0 IS NULL", (t0, farm_id))

    def set_watermark(self, farm_id: str, watermark: Millis) -> None:
        self._connection.execute(
            "UPDATE farms SET watermark = max(coalesce(watermark, 0), ?) WHERE id = ?", (watermark, farm_id)
        )

    def watermark(self, farm_id: str) -> Millis | None:
        row = self._connection.execute("SELECT watermark FROM farms WHERE id = ?", (farm_id,)).fetchone()
        return None if row is None else row[0]

    def set_listed(self, farm_id: str, at: Millis) -> None:
        self._connection.execute(
            "UPDATE farms SET listed_at = max(coalesce(listed_at, 0), ?) WHERE id = ?", (at, farm_id)
        )

    def set_strategy(self, farm_id: str, strategy: str | None, at: Millis) -> None:
        self._connection.execute("UPDATE farms SET strategy = ?, probed_at = ? WHERE id = ?", (strategy, at, farm_id))

    def set_agent(self, farm_id: str, status: str | None) -> None:
        self._connection.execute("UPDATE farms SET agent_status = ? WHERE id = ?", (status, farm_id))

    def add_gap(self, farm_id: str, start: Millis, end: Millis, known_at: Millis) -> None:
        self._connection.execute("INSERT INTO gaps VALUES (?, ?, ?, ?)", (farm_id, start, end, known_at))

    def gaps(self, since: Millis) -> list[tuple[str, Millis, Millis, Millis]]:
        """Stretches that nobody will ever know: farm id, from, until, and when that was found out, after `since`."""
        cursor = self._connection.execute(
            "SELECT farm_id, start, end, known_at FROM gaps WHERE known_at > ? ORDER BY known_at", (since,)
        )
        return cursor.fetchall()

    def ever_known(self, farm_id: str) -> set[str]:
        """The miners that some inventory showed."""
        return {row[0] for row in self._connection.execute("SELECT id FROM miners WHERE farm_id = ?", (farm_id,))}

    def miners(self, farm_id: str) -> list[MinerRecord]:
        """The ones that are there, by id."""
        cursor = self._connection.execute(
            "SELECT farm_id, id, first_look_at, watermark, active_at FROM miners "
            "WHERE farm_id = ? AND gone_at IS NULL ORDER BY id",
            (farm_id,),
        )
        return [MinerRecord(*row) for row in cursor]

    def facts(self, places: Sequence[tuple[str, str | None]]) -> Mapping[tuple[str, str], Miner]:
        """What the inventory tells of miners, by farm and id."""
        cursor = self._connection.cursor()
        cursor.row_factory = sqlite3.Row
        found = cursor.execute(
            "SELECT m.* FROM json_each(?) AS place JOIN miners AS m "
            "ON m.farm_id = place.value ->> 0 AND m.id = place.value ->> 1",
            (json.dumps([list(place) for place in places if place[1] is not None]),),
        )
        return {(row["farm_id"], row["id"]): rows.miner_of(row) for row in found}

    def gone(self) -> list[tuple[str, str | None]]:
        """The farms (without a miner) and the miners that are no longer there."""
        cursor = self._connection.execute(
            "SELECT id, NULL FROM farms WHERE gone_at IS NOT NULL UNION ALL "
            "SELECT farm_id, id FROM miners WHERE gone_at IS NOT NULL"
        )
        return cursor.fetchall()

    def places(self) -> Iterator[Place]:
        """The farms that were seen, and the miners that are there, each with its first look. Read batch by batch, a
        farm's miners are all seen from its first look on, and later ones from when the inventory showed them."""
        farms = {one.farm.id: one for one in self.standing() if one.t0 is not None}
        for record in farms.values():
            yield Place(record.farm, None, record.t0 or 0)
        cursor = self._connection.cursor()
        cursor.row_factory = sqlite3.Row
        for row in cursor.execute("SELECT * FROM miners WHERE gone_at IS NULL"):
            farm = farms.get(row["farm_id"])
            if farm is None or (farm.strategy == "miners" and row["first_look_at"] is None):
                continue
            looked_at = row["first_look_at"] if farm.strategy == "miners" else row["introduced_at"]
            yield Place(farm.farm, rows.miner_of(row), max(farm.t0 or 0, looked_at or 0))

    def write_miners(self, miners: Iterable[Miner], now: Millis | None = None) -> None:
        """Note the miners of an inventory; `now`: the API's present, when those that are new came."""
        self._connection.executemany(
            _UPSERT_MINER,
            [
                (
                    miner.farm_id,
                    miner.id,
                    now,
                    json.dumps(list(miner.health)) if miner.health else None,
                    *[getattr(miner, name) for name in rows.MINER_FACTS],
                )
                for miner in miners
            ],
        )

    def mark_gone(self, farm_id: str, miners: Iterable[str], now: Millis) -> None:
        self._connection.executemany(
            "UPDATE miners SET gone_at = ? WHERE farm_id = ? AND id = ?",
            [(now, farm_id, miner) for miner in miners],
        )

    def looked(self, farm_id: str, miner_id: str, watermark: Millis, active_at: Millis | None) -> None:
        """Note a look: the watermark never goes back."""
        self._connection.execute(
            "UPDATE miners SET first_look_at = coalesce(first_look_at, ?), "
            "watermark = max(coalesce(watermark, 0), ?), "
            "active_at = coalesce(max(?, coalesce(active_at, 0)), active_at) "
            "WHERE farm_id = ? AND id = ?",
            (watermark, watermark, active_at, farm_id, miner_id),
        )
