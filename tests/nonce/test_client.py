import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from watcher.errors import ApiRefused, ApiRejected, ApiThrottled, ApiUnavailable
from watcher.model.look import Reading
from watcher.model.miner import Farm, Miner
from watcher.model.task import Task
from watcher.nonce.budget import MARGIN

if TYPE_CHECKING:
    from tests.nonce.conftest import Kit

DATE = "Mon, 23 Nov 2026 20:00:00 GMT"
FARMS = [{"id": "f1", "name": "North", "workspace_id": "org_1"}]


def run(story: Coroutine[Any, Any, object]) -> None:
    asyncio.run(story)


def row(number: int) -> dict[str, Any]:
    return {"id": f"t{number}", "name": "miner.log.get", "status": "created"}


def path_of(request: str) -> str:
    return request.split()[1]


def test_farms_and_miners(kit: "Kit") -> None:
    async def story() -> None:
        farms = kit.answer(kit.page(FARMS, total=1, limit=500, offset=0, hasNext=False))
        miners = kit.answer(kit.page([{"id": "m1", "ip": "10.0.0.1"}, {"id": "m2"}]))
        async with kit.listening(farms, miners) as server, kit.client(server.url) as client:
            assert await client.farms() == [Farm("f1", "North")]
            assert await client.miners("f1") == [Miner("f1", "m1", ip="10.0.0.1"), Miner("f1", "m2")]
            assert [path_of(request) for request in server.requests] == [
                "/private-api/v1/org_1/farms?page=1&pageSize=500",
                "/private-api/v1/org_1/farms/f1/miner/latest?page=1&pageSize=500",
            ]

    run(story())


def test_a_reading_holds_all_pages_and_the_moment_of_the_first_reply(kit: "Kit") -> None:
    async def story() -> None:
        clock = kit.Clock()
        first = kit.answer(kit.page([row(1), row(2)], total=3, limit=2, hasNext=True), Date=DATE)
        second = kit.answer(kit.page([row(3)], total=3, limit=2, hasNext=False), Date="nonsense")
        async with kit.listening(first, second) as server, kit.client(server.url, clock) as client:
            reading = await client.miner_tasks("f1", "m1", from_time=1795464000120)
            tasks = tuple(Task("f1", f"t{n}", "miner.log.get", "created", "m1") for n in (1, 2, 3))
            assert reading == Reading(tasks, 1795464000000, 1000.0)
            assert [path_of(request).split("?")[1] for request in server.requests] == [
                "page=1&pageSize=500&from_time=2026-11-23T20%3A00%3A00.120Z",
                "page=2&pageSize=2&from_time=2026-11-23T20%3A00%3A00.120Z",
            ]

    run(story())


def test_a_reply_that_is_known_to_the_letter_is_not_read_again(kit: "Kit") -> None:
    async def story() -> None:
        old = kit.answer(kit.page([row(1)], total=1, limit=500, hasNext=False))
        new = kit.answer(kit.page([row(1), row(2)], total=2, limit=500, hasNext=False))
        async with kit.listening(old, old, new) as server, kit.client(server.url) as client:
            first = await client.miner_tasks("f1", "m1")
            again = await client.miner_tasks("f1", "m1", known=first.digest)
            moved = await client.miner_tasks("f1", "m1", known=again.digest)
            assert [len(reading.tasks) for reading in (first, again, moved)] == [1, 0, 2]
            assert [reading.unchanged for reading in (first, again, moved)] == [False, True, False]
            assert first.digest == again.digest != moved.digest

    run(story())


def test_several_pages_have_no_digest_to_be_known_by(kit: "Kit") -> None:
    async def story() -> None:
        first = kit.answer(kit.page([row(1), row(2)], total=3, limit=2, hasNext=True))
        second = kit.answer(kit.page([row(3)], total=3, limit=2, hasNext=False))
        async with kit.listening(first, second) as server, kit.client(server.url) as client:
            reading = await client.miner_tasks("f1", "m1")
            assert (len(reading.tasks), reading.digest, reading.unchanged) == (3, None, False)

    run(story())


def test_without_a_date_the_reading_has_none(kit: "Kit") -> None:
    async def story() -> None:
        async with kit.listening(kit.answer(kit.page([]))) as server, kit.client(server.url) as client:
            assert (await client.miner_tasks("f1", "m1")).date is None

    run(story())


def test_auto_tries_the_other_header_on_a_401_and_remembers_what_worked(kit: "Kit") -> None:
    heard: list[str] = []

    async def story() -> None:
        answers = [kit.answer({"statusCode": 401}, 401), kit.answer(kit.page(FARMS))]
        async with kit.listening(*answers) as server:
            async with kit.client(server.url, on_auth=heard.append) as client:
                await client.farms()
                await client.farms()
            async with kit.client(server.url, remembered_auth="bearer") as client:
                await client.farms()
            sent = ["x-api-key" if f"x-api-key: {kit.key}" in one else "bearer" for one in server.requests]
            assert sent == ["x-api-key", "bearer", "bearer", "bearer"]
            assert f"authorization: bearer {kit.key}" in server.requests[1].lower()
            assert "x-api-key" not in server.requests[1]

    run(story())
    assert heard == ["bearer"]


@pytest.mark.parametrize(("auth", "requests"), [("auto", 2), ("x-api-key", 1), ("bearer", 1)])
def test_a_refused_key_is_not_hammered_with(kit: "Kit", auth: str, requests: int) -> None:
    async def story() -> None:
        clock = kit.Clock()
        answer = kit.answer({"statusCode": 401, "message": "Unauthorized", "error": "Unauthorized"}, 401)
        async with kit.listening(answer) as server, kit.client(server.url, clock, auth=auth) as client:
            for _ in range(3):
                with pytest.raises(ApiRefused, match=r"nonce\.api_key"):
                    await client.farms()
            assert len(server.requests) == requests
            clock.seconds += 300
            with pytest.raises(ApiRefused):
                await client.farms()
            assert len(server.requests) == 2 * requests

    run(story())


def test_a_403_concerns_only_what_was_asked_for(kit: "Kit") -> None:
    async def story() -> None:
        async with (
            kit.listening(kit.answer({}, 403), kit.answer({}, 404), kit.answer(kit.page(FARMS))) as server,
            kit.client(server.url) as client,
        ):
            with pytest.raises(ApiRefused) as refused:
                await client.miners("f1")
            assert refused.value.status == 403
            with pytest.raises(ApiRejected) as rejected:
                await client.miners("f2")
            assert rejected.value.status == 404
            assert await client.farms() == [Farm("f1", "North")]

    run(story())


@pytest.mark.parametrize("asked", ["30", "Mon, 23 Nov 2026 20:00:30 GMT"])
def test_no_request_goes_out_inside_a_retry_after(kit: "Kit", asked: str) -> None:
    async def story() -> None:
        clock = kit.Clock()
        slow = kit.answer({"message": "Too Many Requests"}, 429, Retry_After=asked, Date=DATE)
        async with (
            kit.listening(slow, kit.answer(kit.page(FARMS))) as server,
            kit.client(server.url, clock) as client,
        ):
            with pytest.raises(ApiThrottled):
                await client.farms()
            looks = await asyncio.gather(*(client.farms() for _ in range(20)), return_exceptions=True)
            assert all(isinstance(look, ApiThrottled) and look.retry_after == 30 for look in looks)
            assert len(server.requests) == 1
            clock.seconds += 30
            assert await client.farms() == [Farm("f1", "North")]

    run(story())


def test_looks_at_once_stay_within_the_budget_that_an_earlier_process_used(kit: "Kit") -> None:
    spent: list[float] = []

    async def story() -> None:
        clock = kit.Clock()
        async with (
            kit.listening(kit.answer(kit.page(FARMS))) as server,
            kit.client(server.url, clock, requests_per_minute=3, spent=[990.0], on_spend=spent.append) as client,
        ):
            for _ in range(4):
                await client.farms()

    run(story())
    assert spent == [1000, 1000, 990 + 60 + MARGIN, 1000 + 60 + MARGIN]


def test_concurrent_looks_use_no_more_than_twenty_connections(kit: "Kit") -> None:
    async def story() -> None:
        async with (
            kit.listening(kit.answer(kit.page(FARMS))) as server,
            kit.client(server.url, requests_per_minute=1000) as client,
        ):
            found = await asyncio.gather(*(client.farms() for _ in range(100)))
            assert found == [[Farm("f1", "North")]] * 100
            assert len(server.tasks) <= 20

    run(story())


def test_success_false_is_as_its_error_says(kit: "Kit") -> None:
    async def story() -> None:
        answers = [
            kit.answer({"success": False, "data": [], "error": {"message": "try later"}}),
            kit.answer({"statusCode": 404, "message": "no such farm"}),
        ]
        async with kit.listening(*answers) as server, kit.client(server.url) as client:
            with pytest.raises(ApiUnavailable, match="try later"):
                await client.farms()
            with pytest.raises(ApiRejected, match="no such farm"):
                await client.farms()

    run(story())


def test_what_is_strange_is_logged_once(kit: "Kit") -> None:
    async def story() -> None:
        odd = {**row(1), "batchId": 7}
        first = kit.answer(kit.page([odd, {"id": "t9"}], total=3, limit=2, hasNext=True))
        second = kit.answer(kit.page([{**row(2), "batchId": 8}], total=3, limit=2, hasNext=False))
        async with kit.listening(first, second, first, second) as server, kit.client(server.url) as client:
            await client.miner_tasks("f1", "m1")
            await client.miner_tasks("f1", "m1")

    with structlog.testing.capture_logs() as logs:
        run(story())
    assert [entry["what"] for entry in logs] == ["TaskShape.batchId", "TaskShape", "pageSize"]
