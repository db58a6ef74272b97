"""A month of tasks as List Miner Tasks shows them, however many, always the same: farms whose miners fail now and
then, in bad batches, while the site is down, and more often where something is broken."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from watcher.model.times import DAY, HOUR, MINUTE, SECOND, Millis, to_datetime

START: Millis = 1_772_000_000_000
SPAN: Millis = 30 * DAY
END: Millis = START + SPAN
"""Nothing after it has happened yet: the last tasks are open."""

BATCH = 100
FARMS = 8
LEAST_MINERS = 2_000
TASKS_EACH = 100
"""Of a miner, where there are tasks enough for more miners than the least."""

NAMES: tuple[tuple[str, int, dict[str, Any], str], ...] = (
    ("miner.system.reboot", 30, {"force": False}, "did not come back after the reboot"),
    ("miner.power_mode.update", 25, {"mode": "high"}, "power mode refused by the control board"),
    ("miner.pool.update", 15, {}, "pool did not answer"),
    ("miner.firmware.update", 12, {"firmware_url": "https://firmware.example/s19/image.bin"}, "checksum mismatch"),
    ("miner.log.get", 12, {}, "connection reset by the miner"),
    ("miner.light.update", 6, {}, "no such light"),
)
"""Name, weight, payload, and why it fails."""

MODELS = ("Antminer S19 Pro", "Antminer S19 XP", "Antminer S21", "Whatsminer M50S", "Whatsminer M60")


@dataclass(frozen=True, slots=True)
class Batch:
    """Args:
    fails: how likely each of its tasks is to.
    held: how long none of them begins, since the agent of the farm is away.
    """

    id: str
    kind: int
    at: Millis
    fails: float
    silent: bool
    held: Millis


def batches(group: int, farm: int, count: int) -> list[Batch]:
    """Of a hundred miners, spread over the month."""
    random = Random(group)
    weights = [weight for _, weight, *_ in NAMES]
    outages = _outages(farm)
    found: list[Batch] = []
    for number in range(count):
        at = START + int((number + random.random()) / count * SPAN)
        until = next((end for begin, end in outages if begin <= at < end), at)
        bad = random.random() < 0.05
        kind = random.choices(range(len(NAMES)), weights)[0]
        fails = 0.25 if until > at else random.uniform(0.2, 0.6) if bad else 0.012
        found.append(Batch(f"batch-{group:04d}-{number:04d}", kind, at, fails, until > at, until - at))
    return found


def _outages(farm: int) -> list[tuple[Millis, Millis]]:
    """When a farm's agent was away."""
    random = Random(f"farm {farm}")
    begins = (START + random.randrange(SPAN) for _ in range(6))
    return [(begin, begin + random.randrange(40 * MINUTE, 4 * HOUR)) for begin in begins]


def rows(tasks: int) -> Iterator[dict[str, Any]]:
    """One miner after another, each with its tasks by time."""
    miners = max(LEAST_MINERS, tasks // TASKS_EACH)
    most = -(-tasks // miners)
    group: list[Batch] = []
    for number in range(miners):
        farm = number * FARMS // miners
        if number % BATCH == 0:
            group = batches(number // BATCH, farm, most)
        yield from _of_miner(number, farm, group[: (tasks + miners - 1 - number) // miners])


def _of_miner(number: int, farm: int, found: list[Batch]) -> Iterator[dict[str, Any]]:
    random = Random(number)
    broken = random.random() < 0.02
    name = f"Farm {farm + 1}"
    metadata = {
        "ip": f"10.{farm}.{number // 250 % 250}.{number % 250 + 1}",
        "mac": f"02:00:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}",
        "serial_number": f"SN{number:08d}",
        "firmware": "stock",
        "make": "Bitmain",
        "model": random.choice(MODELS[: 3 + farm % 3]),
        "farm_name": name,
        "farm_location": ("Texas", "Alberta", "Paraguay")[farm % 3],
    }
    for place, batch in enumerate(found):
        miner = {
            "id": f"{number:032x}",
            "status": ["online"],
            "lifecycle_status": "active",
            "health_status": ["hashboard_missing" if broken else "healthy"],
            "mining_mode": "normal",
            "metadata": {**metadata, "firmware_version": f"2.8.{(batch.at - START + farm * 9 * HOUR) // (6 * DAY)}"},
            "hashboards": [],
        }
        fails = max(batch.fails, 0.3) if broken else batch.fails
        yield {"farm": {"id": f"farm-{farm + 1}", "name": name}, **_task(random, batch, place, fails), "miner": miner}


def _task(random: Random, batch: Batch, place: int, fails: float) -> dict[str, Any]:
    name, _, payload, why = NAMES[batch.kind]
    created = batch.at + random.randrange(2 * SECOND)
    queuing = created + batch.held + random.randrange(SECOND, 5 * SECOND)
    pending = queuing + random.randrange(SECOND, 90 * SECOND)
    chance = random.random()
    final, runs = "succeedAt", random.randrange(20 * SECOND, 5 * MINUTE)
    if chance < fails:
        final = "timedOutAt" if batch.silent or chance < fails / 4 else "failedAt"
        runs = 20 * MINUTE if final == "timedOutAt" else runs
    elif chance > 0.997:
        final = "cancelledAt"
    times = {"createdAt": created, "queuingAt": queuing, "pendingAt": pending, final: pending + runs}
    happened = {state: at for state, at in times.items() if at <= END}
    status = _STATUS[list(happened)[-1]] if happened else "created"
    wrong = f"{why} (after {runs // SECOND} s)" if status == "failed" else None
    logs = [{"timestamp": _iso(created), "level": "info", "message": "accepted"}]
    if final in happened:
        level = "error" if wrong else "info"
        logs.append({"timestamp": _iso(times[final]), "level": level, "message": wrong or status})
    return {
        "id": f"{batch.id}-{place:04d}-{random.getrandbits(40):010x}",
        "batchId": batch.id,
        "name": name,
        "status": status,
        **{state: _iso(happened[state]) if state in happened else None for state in _STATUS},
        "createdAt": _iso(created),
        "payload": payload,
        "result": {"error": wrong} if wrong else None,
        "logs": logs,
        "downloadable": None,
    }


_STATUS = {
    "createdAt": "created",
    "queuingAt": "queuing",
    "pendingAt": "pending",
    "succeedAt": "succeed",
    "failedAt": "failed",
    "timedOutAt": "timed_out",
    "cancelledAt": "cancelled",
}


def _iso(moment: Millis) -> str:
    return to_datetime(moment).isoformat(timespec="milliseconds")


def write_history(path: Path, tasks: int) -> None:
    """A file for `rules backtest --history`: a row a line, in the order of the miners, not of time."""
    encode = json.JSONEncoder(separators=(",", ":")).encode
    with path.open("w") as file:
        file.writelines(encode(row) + "\n" for row in rows(tasks))
