"""Each documented endpoint: what it finds, and in which order."""

from datetime import timedelta

import httpx
import pytest

from watcher.sim import Outcome, Sim, Switches

REBOOT = "miner.system.reboot"


def test_a_task_shows_only_the_states_it_has_reached(sim: Sim, api: httpx.Client, farm: str, tasks: str) -> None:
    sim.create_batch(farm, REBOOT, [sim.miners()[0].id], outcomes=Outcome(runs=60))
    seen = []
    for seconds in (0, 3, 4, 70):
        sim.clock.advance(seconds)
        (row,) = api.get(tasks).json()["data"]
        seen.append((row["status"], row["queuingAt"] is not None, row["succeedAt"] is not None))
    assert seen == [
        ("created", False, False),
        ("queuing", True, False),
        ("pending", True, False),
        ("succeed", True, True),
    ]


def test_rows_come_newest_first_however_they_were_added(sim: Sim, api: httpx.Client, farm: str, tasks: str) -> None:
    for hours in (3, 1, 2):
        sim.add_task(sim.miners()[0], f"after-{hours}", created_at=sim.clock.now() - timedelta(hours=hours))
    assert [row["name"] for row in api.get(tasks).json()["data"]] == ["after-1", "after-2", "after-3"]


def test_a_task_keeps_what_it_was_given(sim: Sim, api: httpx.Client, farm: str, tasks: str) -> None:
    now = sim.clock.now()
    task = sim.add_raw(
        sim.miners()[0],
        "miner.log.get",
        {"created": now, "succeed": now},
        result={"lines": 3},
        logs=[(now, "warn", "slow")],
        payload={"tail": 3},
    )
    (row,) = api.get(tasks).json()["data"]
    assert (row["id"], row["result"], row["payload"]) == (task.id, {"lines": 3}, {"tail": 3})
    assert row["logs"] == [{"timestamp": "2026-03-02T00:00:00.000Z", "level": "warn", "message": "slow"}]
    assert row["miner"]["metadata"]["ip"] == sim.miners()[0].ip


def test_a_task_can_be_ended_before_its_time(sim: Sim, api: httpx.Client, farm: str, tasks: str) -> None:
    now = sim.clock.now()
    later = now + timedelta(hours=1)
    task = sim.add_raw(sim.miners()[0], REBOOT, {"created": now, "pending": later, "succeed": later})
    sim.finish(task, "failed", now, error="no answer")
    sim.clock.advance(7200)
    (row,) = api.get(tasks).json()["data"]
    assert (row["status"], row["pendingAt"], row["succeedAt"]) == ("failed", None, None)
    assert row["result"] == {"error": "no answer"}
    assert row["logs"][-1]["message"] == "no answer"


def test_pages_are_ten_rows_unless_asked(api: httpx.Client, farm: str) -> None:
    path = f"/farms/{farm}/miner/latest"
    assert api.get(path).json()["pagination"] == {
        "total": 25,
        "limit": 10,
        "offset": 0,
        "hasNext": True,
        "hasPrevious": False,
    }
    assert len(api.get(path, params={"pageSize": 500}).json()["data"]) == 25
    assert len(api.get(path, params={"page_size": 500}).json()["data"]) == 10


@pytest.mark.parametrize(
    "query",
    [
        {"to_time": "2026-03-03T00:00:00Z"},
        {"to_time": "2026-03-01"},
        {"page": "one"},
        {"pageSize": "0"},
    ],
)
def test_what_the_documentation_refuses_is_refused(api: httpx.Client, tasks: str, query: dict[str, str]) -> None:
    reply = api.get(tasks, params=query)
    assert (reply.status_code, reply.json()["statusCode"], reply.json()["error"]) == (400, 400, "Bad Request")


def test_name_and_status_narrow_the_list(sim: Sim, api: httpx.Client, farm: str, tasks: str) -> None:
    for name, status in ((REBOOT, "failed"), (REBOOT, "succeed"), ("miner.log.get", "failed")):
        sim.add_raw(sim.miners()[0], name, {"created": sim.clock.now(), status: sim.clock.now()})
    (row,) = api.get(tasks, params={"task_name": REBOOT, "status": "failed"}).json()["data"]
    assert (row["name"], row["status"]) == (REBOOT, "failed")


def test_a_search_finds_by_time_name_and_actor(sim: Sim, api: httpx.Client, farm: str) -> None:
    now, miner = sim.clock.now(), sim.miners()[0].id
    for hours, name, actor in ((3, REBOOT, "api"), (2, REBOOT, "user"), (1, "miner.log.get", "api")):
        sim.create_batch(farm, name, [miner], now - timedelta(hours=hours), actor=actor)

    def found(**body: object) -> list[str]:
        rows = api.post(f"/farms/{farm}/tasks/search", json=body).json()["data"]
        return [row["created_at"][11:13] for row in rows]

    assert found() == ["23", "22", "21"]
    assert found(created_at={"gte": (now - timedelta(hours=2)).isoformat()}) == ["23", "22"]
    assert found(created_at={"gt": (now - timedelta(hours=2)).isoformat()}) == ["23"]
    assert found(task_name={"in": [REBOOT]}, actor_type={"eq": "api"}) == ["21"]
    assert found(limit=1, page=2) == ["22"]
    listed = api.get(f"/farms/{farm}/tasks/batches", params={"task_name": REBOOT}).json()["data"]
    assert [row["created_at"][11:13] for row in listed] == ["22", "21"]


def test_tasks_wait_for_an_agent_that_is_offline(sim: Sim, api: httpx.Client, farm: str, tasks: str) -> None:
    sim.farms[farm].outages.append((sim.clock.now(), sim.clock.now() + timedelta(minutes=10)))
    sim.create_batch(farm, REBOOT, [sim.miners()[0].id], outcomes=Outcome(runs=5))
    sim.clock.advance(300)
    assert api.get("/agents").json()["data"][0]["status"] == "offline"
    assert api.get(tasks).json()["data"][0]["status"] == "created"
    sim.clock.advance(600)
    assert api.get("/agents").json()["data"][0]["status"] == "online"
    assert api.get(tasks).json()["data"][0]["status"] == "succeed"


def test_what_is_gone_is_not_found_and_what_is_new_is(sim: Sim, api: httpx.Client, farm: str, tasks: str) -> None:
    sim.add_miner(farm)
    sim.remove_miner(farm, sim.miners()[0].id)
    assert api.get(tasks).status_code == 404
    assert api.get(f"/farms/{farm}/miner/latest").json()["pagination"]["total"] == 25
    sim.remove_farm(farm)
    assert api.get("/farms").json()["data"] == []
    assert api.get(f"/farms/{farm}/miner/latest").json()["error"] == "Not Found"


def test_another_workspace_is_forbidden_and_another_path_unknown(sim: Sim, api: httpx.Client) -> None:
    other = str(api.base_url).replace(sim.workspace, "org_other")
    assert api.get(f"{other}farms").status_code == 403
    assert api.get("/barns").json() == {"statusCode": 404, "message": "No such endpoint", "error": "Not Found"}


def test_every_request_is_in_the_ledger(sim: Sim, api: httpx.Client, farm: str) -> None:
    api.get("/farms")
    api.post(f"/farms/{farm}/tasks/search", content=b"no JSON")
    assert [(one.method, one.path.split("/")[-1], one.status) for one in sim.requests] == [
        ("GET", "farms", 200),
        ("POST", "search", 400),
    ]
    assert {one.virtual for one in sim.requests} == {sim.clock.now()}
    assert sim.busiest_minute() == 2


def test_the_date_is_the_simulations_own(sim: Sim, api: httpx.Client) -> None:
    sim.clock.offset = -30
    reply = api.get("/farms")
    assert reply.headers.get_list("Date") == ["Sun, 01 Mar 2026 23:59:30 GMT"]
    assert "Server" not in reply.headers
    sim.switches = Switches(date=False)
    assert "Date" not in api.get("/farms").headers
