"""What the documentation leaves unknown, switched either way."""

from typing import Any

import httpx
import pytest

from watcher.sim import Outcome, Sim, Switches

REBOOT = "miner.system.reboot"


@pytest.fixture
def timed_out(sim: Sim, farm: str) -> str:
    """The batch of a reboot that timed out after five seconds, a minute ago."""
    lost = Outcome("timed_out", "no answer", runs=5)
    batch = sim.create_batch(farm, REBOOT, [sim.miners()[0].id], outcomes=lost)
    sim.clock.advance(60)
    return batch.id


def test_the_key_goes_in_the_header_that_is_switched_on(sim: Sim, api: httpx.Client) -> None:
    bearer = {"Authorization": "Bearer demo", "x-api-key": ""}
    got = {}
    for switches in (Switches(auth="both"), Switches(auth="x-api-key"), Switches(auth="bearer")):
        sim.switches = switches
        got[switches.auth] = (api.get("/farms").status_code, api.get("/farms", headers=bearer).status_code)
    assert got == {"both": (200, 200), "x-api-key": (200, 401), "bearer": (401, 200)}


@pytest.mark.usefixtures("timed_out")
def test_the_newer_shape_has_no_state_times(sim: Sim, api: httpx.Client, farm: str, tasks: str) -> None:
    sim.switches.farm_shapes = {farm: "newer"}
    (row,) = api.get(tasks).json()["data"]
    assert (row["status"], row["error"]) == ("timed_out", {"message": "no answer"})
    assert "timedOutAt" not in row
    assert row["updated_at"] == "2026-03-02T00:00:10.000Z"


def test_the_server_may_give_smaller_pages_than_asked(sim: Sim, api: httpx.Client, farm: str) -> None:
    sim.switches.page_cap = 7
    last = api.get(f"/farms/{farm}/miner/latest", params={"pageSize": 500, "page": 4}).json()
    assert (len(last["data"]), last["pagination"]["limit"], last["pagination"]["hasNext"]) == (4, 7, False)


def test_pages_may_be_told_by_number(sim: Sim, api: httpx.Client, farm: str) -> None:
    sim.switches = Switches(pagination="page", size_name="page_size")
    last = api.get(f"/farms/{farm}/miner/latest", params={"page_size": 10, "page": 3}).json()
    assert last["pagination"] == {"total": 25, "page": 3, "page_size": 10, "total_pages": 3}


@pytest.mark.usefixtures("timed_out")
def test_batches_may_be_refused(sim: Sim, api: httpx.Client, farm: str) -> None:
    for status in (403, 404):
        sim.switches.batches = status
        assert api.post(f"/farms/{farm}/tasks/search", json={}).status_code == status


@pytest.mark.parametrize(
    ("switches", "named"),
    [
        (Switches(), {"failed_count": 1}),
        (Switches(failed_has_timed_out=False), {"failed_count": 0}),
        (Switches(count_name="unsuccessful_count"), {"unsuccessful_count": 1}),
    ],
)
@pytest.mark.usefixtures("timed_out")
def test_failures_are_counted_as_switched(
    sim: Sim, api: httpx.Client, farm: str, switches: Switches, named: dict[str, int]
) -> None:
    sim.switches = switches
    (row,) = api.post(f"/farms/{farm}/tasks/search", json={}).json()["data"]
    assert {name: count for name, count in row.items() if name in ("failed_count", "unsuccessful_count")} == named


def test_the_newer_rows_of_a_batch_know_more(sim: Sim, api: httpx.Client, farm: str, timed_out: str) -> None:
    def row() -> Any:
        return api.get(f"/farms/{farm}/tasks/batches/{timed_out}").json()["data"]["tasks"][0]

    assert row().keys() == {"id", "miner_id", "status", "created_at", "error"}
    sim.switches.batch_rows = "newer"
    assert row()["timed_out_at"] == "2026-03-02T00:00:10.000Z"


@pytest.mark.usefixtures("timed_out")
def test_times_may_be_whole_seconds_and_absent_ones_left_out(sim: Sim, api: httpx.Client, tasks: str) -> None:
    sim.switches = Switches(times="seconds", absent="left_out")
    (row,) = api.get(tasks).json()["data"]
    assert row["timedOutAt"] == "2026-03-02T00:00:10Z"
    assert "succeedAt" not in row


def test_more_requests_than_the_limit_are_refused(sim: Sim, api: httpx.Client, farm: str) -> None:
    sim.switches = Switches(rate_limit=3, counts_searches=False)
    assert [api.get("/farms").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert api.post(f"/farms/{farm}/tasks/search", json={}).status_code == 200
    assert sim.busiest_minute() == 4


@pytest.mark.parametrize(
    ("said", "told"), [("none", None), ("seconds", "60"), ("date", "Mon, 02 Mar 2026 00:01:00 GMT")]
)
def test_a_429_tells_when_to_come_back_as_switched(sim: Sim, api: httpx.Client, said: Any, told: str | None) -> None:
    sim.switches = Switches(rate_limit=1, retry_after=said)
    api.get("/farms")
    assert api.get("/farms").headers.get("Retry-After") == told


def test_the_limits_window_slides(sim: Sim, api: httpx.Client) -> None:
    sim.switches = Switches(rate_limit=1, rate_window=0.05)
    assert api.get("/farms").status_code == 200
    while api.get("/farms").status_code == 429:
        pass
    assert [one.status for one in sim.requests].count(200) == 2
