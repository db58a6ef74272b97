"""The simulated API, held against what its documentation says."""

from datetime import timedelta

import httpx
import pytest

from watcher.sim import Sim, Switches


def tasks_path(sim: Sim) -> str:
    miner = sim.miners()[0]
    return f"/farms/{miner.farm_id}/miners/{miner.id}/tasks"


def test_a_task_shows_only_the_states_it_has_reached(sim: Sim, api: httpx.Client) -> None:
    sim.add_task(sim.miners()[0], "miner.system.reboot", runs=60)
    seen = []
    for seconds in (0, 3, 4, 70):
        sim.clock.advance(seconds)
        (row,) = api.get(tasks_path(sim)).json()["data"]
        seen.append((row["status"], row["succeedAt"] is not None))
    assert seen == [("created", False), ("queuing", False), ("pending", False), ("succeed", True)]


def test_pages_are_ten_rows_unless_asked_and_capped_as_switched(sim: Sim, api: httpx.Client) -> None:
    path = f"/farms/{next(iter(sim.farms))}/miner/latest"
    assert api.get(path).json()["pagination"]["limit"] == 10
    assert len(api.get(path, params={"pageSize": 500}).json()["data"]) == 25
    sim.switches.page_cap = 7
    last = api.get(path, params={"pageSize": 500, "page": 4}).json()
    assert (len(last["data"]), last["pagination"]["hasNext"]) == (4, False)


@pytest.mark.parametrize(
    "query",
    [
        {"from_time": "2026-02-20T00:00:00Z"},
        {"from_time": "2026-03-01T00:00:00"},
        {"from_time": "yesterday"},
        {"page": "0"},
        {"pageSize": "10001"},
    ],
)
def test_what_the_documentation_refuses_is_refused(sim: Sim, api: httpx.Client, query: dict[str, str]) -> None:
    reply = api.get(tasks_path(sim), params=query)
    assert (reply.status_code, reply.json()["error"]) == (400, "Bad Request")


def test_the_key_goes_in_the_header_that_is_switched_on(sim: Sim, api: httpx.Client) -> None:
    sim.switches.auth = "bearer"
    assert api.get("/farms").status_code == 401
    assert api.get("/farms", headers={"Authorization": "Bearer demo"}).status_code == 200


def test_the_newer_shape_has_no_state_times(sim: Sim, api: httpx.Client) -> None:
    sim.switches.row_shape = "newer"
    sim.add_task(sim.miners()[0], "miner.system.reboot", runs=5, ends="failed", error="no answer")
    sim.clock.advance(60)
    (row,) = api.get(tasks_path(sim)).json()["data"]
    assert row["status"] == "failed"
    assert row["error"] == {"message": "no answer"}
    assert "failedAt" not in row
    assert row["updated_at"] == "2026-03-02T00:00:10.000Z"


def test_more_requests_than_the_limit_are_refused_and_told_when_to_come_back(sim: Sim, api: httpx.Client) -> None:
    sim.switches = Switches(rate_limit=3, retry_after="seconds")
    replies = [api.get("/farms") for _ in range(4)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
    assert replies[-1].headers["Retry-After"] == "60"
    assert sim.busiest_minute() == 3


def test_the_date_is_the_simulations_own(sim: Sim, api: httpx.Client) -> None:
    sim.clock.offset = -30
    assert api.get("/farms").headers["Date"] == "Sun, 01 Mar 2026 23:59:30 GMT"


def test_a_batch_counts_its_tasks_and_ends_mixed_when_one_failed(sim: Sim, api: httpx.Client) -> None:
    farm = next(iter(sim.farms))
    batch = sim.new_batch(farm, "miner.system.reboot")
    for number, miner in enumerate(sim.miners()[:5]):
        sim.add_task(miner, "miner.system.reboot", runs=5, ends="timed_out" if number == 0 else "succeed", batch=batch)
    search = f"/farms/{farm}/tasks/search"
    assert api.post(search, json={}).json()["data"][0]["status"] == "pending"
    sim.clock.advance(60)
    (row,) = api.post(search, json={"status": {"eq": "partial_succeed"}}).json()["data"]
    assert (row["task_count"], row["succeed_count"], row["failed_count"]) == (5, 4, 1)
    sim.switches.failed_has_timed_out = False
    assert api.post(search, json={}).json()["data"][0]["failed_count"] == 0
    told = api.get(f"/farms/{farm}/tasks/batches/{batch.id}").json()["data"]
    assert {task["status"] for task in told["tasks"]} == {"succeed", "timed_out"}
    assert not any("timed_out_at" in task for task in told["tasks"])


@pytest.mark.parametrize(("kind", "status"), [("503", 503), ("html", 200), ("truncated", 200), ("redirect", 307)])
def test_faults_come_as_often_as_ordered(sim: Sim, api: httpx.Client, kind: str, status: int) -> None:
    sim.fail_next(1, kind, "/farms")
    assert api.get("/farms").status_code == status
    assert api.get("/farms").json()["success"] is True


def test_the_same_seed_gives_the_same_fleet() -> None:
    assert [m.id for m in Sim(miners=9, seed=3).miners()] == [m.id for m in Sim(miners=9, seed=3).miners()]
    assert [m.id for m in Sim(miners=9, seed=3).miners()] != [m.id for m in Sim(miners=9, seed=4).miners()]


def test_time_filters_by_creation_or_by_the_last_change(sim: Sim, api: httpx.Client) -> None:
    start = sim.clock.now() - timedelta(hours=3)
    sim.add_raw(sim.miners()[0], "miner.log.get", {"created": start, "succeed": start + timedelta(hours=2)})
    since = {"from_time": (start + timedelta(hours=1)).isoformat()}
    assert api.get(tasks_path(sim), params=since).json()["data"] == []
    sim.switches.from_time_filters = "updated"
    assert len(api.get(tasks_path(sim), params=since).json()["data"]) == 1


def test_an_agents_own_task_is_shown_by_its_batch_alone(sim: Sim, api: httpx.Client) -> None:
    farm = next(iter(sim.farms))
    task = sim.add_agent_task(farm, "agent.scan.create", ends="failed", error="no route to 10.0.0.0/24")
    sim.clock.advance(60)
    (row,) = api.get(f"/farms/{farm}/tasks/batches/{task.batch_id}").json()["data"]["tasks"]
    assert (row["miner_id"], row["status"], row["error"]["message"]) == (None, "failed", "no route to 10.0.0.0/24")


def test_behind_an_offline_agent_tasks_stay_created(sim: Sim, api: httpx.Client) -> None:
    farm = sim.farms[next(iter(sim.farms))]
    farm.agent_online = False
    sim.add_task(sim.miners()[0], "miner.system.reboot")
    sim.clock.advance(3600)
    assert api.get(tasks_path(sim)).json()["data"][0]["status"] == "created"
    assert api.get("/agents").json()["data"][0]["status"] == "offline"


def test_a_connection_can_be_lost_in_the_middle_of_an_answer(sim: Sim, api: httpx.Client) -> None:
    sim.fail_next(1, "reset", "/farms")
    with pytest.raises(httpx.RemoteProtocolError):
        api.get("/farms")
