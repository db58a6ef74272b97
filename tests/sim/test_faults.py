"""What servers, proxies and networks do to a reply."""

import gzip
import json
from typing import Any

import httpx
import pytest

from watcher.sim import Sim
from watcher.sim.faults import KINDS


@pytest.mark.parametrize("status", ["400", "401", "403", "404", "429", "500", "502", "503", "522"])
def test_a_status_comes_with_the_documented_body(sim: Sim, api: httpx.Client, status: str) -> None:
    sim.fail_next(1, status)
    reply = api.get("/farms")
    assert (reply.status_code, reply.json()["statusCode"]) == (int(status), int(status))


def test_faults_come_as_often_as_ordered_and_where(sim: Sim, api: httpx.Client, tasks: str) -> None:
    sim.fail_next(2, "503", "/tasks")
    assert api.get("/farms").status_code == 200
    assert [api.get(tasks).status_code for _ in range(3)] == [503, 503, 200]
    sim.fail_next(5, "500")
    sim.faults.clear()
    assert api.get("/farms").status_code == 200


def test_an_unknown_kind_is_refused(sim: Sim) -> None:
    with pytest.raises(ValueError, match="no such fault: gremlins"):
        sim.fail_next(1, "gremlins")
    assert len(set(KINDS)) == len(KINDS)


@pytest.mark.parametrize(
    ("kind", "status", "begins"),
    [("html", 200, b"<html>"), ("empty", 200, b""), ("wrong_type", 200, b"\x00"), ("redirect", 307, b"")],
)
def test_a_proxy_may_answer_instead(sim: Sim, api: httpx.Client, kind: str, status: int, begins: bytes) -> None:
    sim.fail_next(1, kind)
    reply = api.get("/farms")
    assert (reply.status_code, reply.content[: len(begins)]) == (status, begins)


def test_a_list_may_be_bare_or_empty(sim: Sim, api: httpx.Client) -> None:
    sim.fail_next(1, "bare_list")
    sim.fail_next(1, "empty_list")
    assert api.get("/farms").json() == [1, "two", None]
    assert api.get("/farms").json()["data"] == []


def test_a_truncated_reply_is_no_json(sim: Sim, api: httpx.Client) -> None:
    sim.fail_next(1, "truncated")
    with pytest.raises(json.JSONDecodeError):
        api.get("/farms").json()


def test_a_page_loop_never_ends(sim: Sim, api: httpx.Client, farm: str) -> None:
    path = f"/farms/{farm}/miner/latest"
    first = api.get(path).json()["data"]
    sim.fail_next(2, "page_loop")
    for page in (7, 8):
        again = api.get(path, params={"page": page}).json()
        assert [row["id"] for row in again["data"]] == [row["id"] for row in first]
        assert again["pagination"]["hasNext"] is True


def test_odd_fields_leave_only_the_ids(sim: Sim, api: httpx.Client, tasks: str) -> None:
    task = sim.add_task(sim.miners()[0], "miner.log.get")
    sim.fail_next(1, "odd_fields")
    (row,) = api.get(tasks).json()["data"]
    assert (row["id"], row["status"], row["logs"], row["result"]) == (task.id, "paused_by_moon", None, "text")


def test_after_a_lost_connection_the_next_one_works(sim: Sim, api: httpx.Client) -> None:
    sim.fail_next(1, "reset")
    with pytest.raises(httpx.RemoteProtocolError):
        api.get("/farms")
    assert api.get("/farms").status_code == 200


@pytest.mark.parametrize("kind", ["hang", "drip"])
def test_a_reply_may_take_longer_than_anybody_waits(sim: Sim, api: httpx.Client, kind: str) -> None:
    sim.switches.drip_seconds = 30
    sim.fail_next(1, kind)
    with pytest.raises(httpx.ReadTimeout):
        api.get("/farms", timeout=0.1)
    assert api.get("/farms").status_code == 200


def test_huge_replies_come_in_pieces_and_bombs_are_small(sim: Sim, api: httpx.Client, monkeypatch: Any) -> None:
    sim.fail_next(1, "huge")
    with api.stream("GET", "/farms") as reply:
        assert len(next(reply.iter_raw(1_000_000))) == 1_000_000
    monkeypatch.setattr("watcher.sim.broken._MEGABYTE", b" " * 10_000)
    sim.fail_next(1, "gzip_bomb")
    with api.stream("GET", "/farms") as reply:
        body = b"".join(reply.iter_raw())
    assert len(gzip.decompress(body)) == 2_000_000 > 100 * len(body)
