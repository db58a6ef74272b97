from datetime import UTC, datetime
from typing import Any

import pytest

from watcher.model.miner import Farm, Miner
from watcher.model.task import LogLine, Task
from watcher.model.times import Millis
from watcher.nonce import translate
from watcher.nonce.shapes import FarmShape, MinerShape, TaskShape


def at(second: int, ms: int = 0) -> Millis:
    return int(datetime(2026, 11, 23, 19, 9, second, tzinfo=UTC).timestamp()) * 1000 + ms


def task(**row: Any) -> Task:
    row = {"id": "t1", "name": "miner.system.reboot", "status": "failed", **row}
    return translate.task(TaskShape.model_validate(row), "f1", "m1")


def test_the_documented_row() -> None:
    found = task(
        batchId="b1",
        createdAt="2026-11-23T19:09:01Z",
        queuingAt="2026-11-23T19:09:02.120Z",
        pendingAt="2026-11-23T20:09:03.5+01:00",
        failedAt="2026-11-23T19:09:04.999999Z",
        succeedAt=None,
        payload={"force": True},
        result={"message": "no answer"},
        logs=[{"timestamp": "2026-11-23T19:09:03Z", "level": "error", "message": "boom"}, {"message": "bare"}],
        miner={
            "id": "m7",
            "status": ["online"],
            "lifecycle_status": "active",
            "health_status": ["hot", "slow"],
            "mining_mode": "normal",
            "metadata": {
                "ip": "10.0.0.7",
                "mac": "aa:bb",
                "serial_number": "sn",
                "firmware": "vnish",
                "firmware_version": "1.2",
                "make": "Bitmain",
                "model": "",
                "farm_name": "North",
                "farm_location": "Texas",
            },
            "hashboards": [{"status": "ok", "serial_number": "h1"}],
        },
    )
    assert found == Task(
        farm_id="f1",
        id="t1",
        name="miner.system.reboot",
        status="failed",
        miner_id="m7",
        batch_id="b1",
        times={"created": at(1), "queuing": at(2, 120), "pending": at(3, 500), "failed": at(4, 999)},
        miner=Miner(
            farm_id="f1",
            id="m7",
            ip="10.0.0.7",
            mac="aa:bb",
            serial="sn",
            make="Bitmain",
            firmware="vnish",
            firmware_version="1.2",
            location="Texas",
            mining_mode="normal",
            lifecycle="active",
            health=("hot", "slow"),
        ),
        payload={"force": True},
        result={"message": "no answer"},
        logs=(LogLine("boom", "error", at(3)), LogLine("bare")),
    )


def test_the_newer_row_has_no_time_of_its_final_state_and_its_miner_is_the_one_asked_for() -> None:
    row = {
        "task_id": "t1",
        "batch_id": "b1",
        "task_name": "miner.log.get",
        "status": "timed_out",
        "params": {"lines": 5},
        "error": {"message": "deadline passed", "code": 7},
        "result": None,
        "created_by": "automation",
        "created_at": "2026-11-23T19:09:01+00:00",
        "updated_at": "2026-11-23T19:09:09Z",
    }
    assert translate.task(TaskShape.model_validate(row), "f1", "m1") == Task(
        farm_id="f1",
        id="t1",
        name="miner.log.get",
        status="timed_out",
        miner_id="m1",
        batch_id="b1",
        times={"created": at(1)},
        updated_at=at(9),
        actor="automation",
        payload={"lines": 5},
        error="deadline passed",
    )


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (None, None),
        ("", None),
        ({}, None),
        ("refused", "refused"),
        ({"message": "refused"}, "refused"),
        ({"code": "E7"}, '{"code": "E7"}'),  # of no documented form, but better than nothing
        ({"message": None, "code": 7}, '{"message": null, "code": 7}'),
    ],
)
def test_the_error_text(error: Any, text: str | None) -> None:
    assert task(error=error).error == text


@pytest.mark.parametrize(
    ("row", "lifecycle", "health"),
    [
        ({"lifecycle_status": "active", "status": "online", "ops_status": "retired"}, "active", ()),
        ({"status": "online", "ops_status": "retired"}, "online", ()),
        ({"ops_status": "retired"}, "retired", ()),
        ({"health_status": "hot, slow,"}, None, ("hot", "slow")),
        ({"health_status": ["hot", None, 5, " slow "]}, None, ("hot", "slow")),
        ({"health_status": None}, None, ()),
    ],
)
def test_the_state_of_a_miner_of_the_inventory(
    row: dict[str, Any], lifecycle: str | None, health: tuple[str, ...]
) -> None:
    found = translate.miner(MinerShape.model_validate({"id": "m1", **row}), "f1")
    assert (found.lifecycle, found.health) == (lifecycle, health)


def test_a_miner_of_the_inventory() -> None:
    row = {"id": "m1", "farm_id": "f9", "serial_number": "sn", "model": "S21", "ip": "10.0.0.7", "rack": "R4"}
    assert translate.miner(MinerShape.model_validate(row), "f1") == Miner(
        farm_id="f1", id="m1", serial="sn", model="S21", ip="10.0.0.7", rack="R4"
    )


def test_a_farm() -> None:
    assert translate.farm(FarmShape(id="f1", name="North")) == Farm("f1", "North")
