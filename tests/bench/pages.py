"""Pages of tasks as the API would send them, and rules to put them through."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

from watcher.model.times import HOUR, MINUTE, SECOND, Millis, iso

PAGE = 500
NAMES = (
    "miner.firmware.update",
    "miner.system.reboot",
    "miner.power_mode.update",
    "miner.pool.update",
    "miner.log.get",
)
START: Millis = 1_772_000_000_000


def page(number: int, random: Random) -> bytes:
    """One miner's reading of 500 documented rows, one in eight failed."""
    rows = []
    for index in range(PAGE):
        created = START + number * MINUTE + index * 7 * SECOND
        bad = random.random() < 0.125
        end = created + random.randrange(20, 300) * SECOND
        rows.append(
            {
                "id": f"task-{number:05d}-{index:04d}",
                "batchId": f"batch-{number % 40}",
                "name": NAMES[index % len(NAMES)],
                "status": "failed" if bad else "succeed",
                "createdAt": iso(created),
                "queuingAt": iso(created + SECOND),
                "pendingAt": iso(created + 3 * SECOND),
                "succeedAt": None if bad else iso(end),
                "failedAt": iso(end) if bad else None,
                "timedOutAt": None,
                "cancelledAt": None,
                "payload": {"firmware_url": "https://firmware.example/s19/2.8.1.bin"},
                "result": {"error": f"checksum mismatch at block {random.randrange(9999)}"} if bad else None,
                "logs": [
                    {"timestamp": iso(created), "level": "info", "message": "accepted"},
                    {"timestamp": iso(end), "level": "error" if bad else "info", "message": "done"},
                ],
                "downloadable": None,
                "miner": {
                    "id": f"{number:032x}",
                    "status": ["online"],
                    "lifecycle_status": "active",
                    "health_status": ["healthy"],
                    "mining_mode": "normal",
                    "metadata": {
                        "ip": f"10.0.{number // 250}.{number % 250}",
                        "mac": "02:00:00:00:00:01",
                        "serial_number": f"SN{number}",
                        "firmware": "stock",
                        "firmware_version": "2.8.1",
                        "make": "Bitmain",
                        "model": "Antminer S19 Pro",
                        "farm_name": "Bench",
                        "farm_location": "Texas",
                    },
                    "hashboards": [],
                },
            }
        )
    body = {"success": True, "data": rows, "pagination": {"total": PAGE, "limit": PAGE, "offset": 0, "hasNext": False}}
    return json.dumps({**body, "error": None}).encode()


def pages(count: int) -> Iterator[bytes]:
    random = Random(11)
    return (page(number, random) for number in range(count))


def fifty_rules(folder: Path) -> None:
    """Each, count and stuck rules over all names, by miner and by farm."""
    lines = ["rules:"]
    for number in range(50):
        name = NAMES[number % len(NAMES)]
        match = f"{{task: {name}, status: [failed, timed_out]}}"
        kind = number % 3
        lines.append(f"  - name: rule-{number:02d}")
        if kind == 0:
            lines.append(f"    match: {match}")
            lines.append(f"    by: [farm, task, {'miner' if number % 2 else 'model'}]")
        elif kind == 1:
            lines.append(f"    match: {match}")
            lines.append(f"    count: {{at_least: {5 + number}, within: {1 + number % 6}h}}")
        else:
            lines.append(f"    match: {{task: {name}, status: pending}}")
            lines.append(f"    stuck: {{longer_than: {10 + number}m}}")
    (folder / "rules.yaml").write_text("\n".join(lines) + "\n")


LAST: Millis = START + 200 * MINUTE + 2 * HOUR
