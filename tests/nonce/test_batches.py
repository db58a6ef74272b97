"""Batches and agents, read from the simulated API."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from watcher.errors import ApiRefused, ApiRejected, ApiThrottled, ApiUnavailable
from watcher.model.batch import Agent, Batch, BatchReading, Listing
from watcher.model.task import FULL, POOR, Part, Task
from watcher.model.times import Millis, from_datetime
from watcher.nonce.client import NonceClient
from watcher.sim import Sim, SimClock, Switches
from watcher.sim.server import SimServer

if TYPE_CHECKING:
    from tests.nonce.conftest import Kit

START = datetime(2026, 3, 2, tzinfo=UTC)
REBOOT = "miner.system.reboot"

Ask = Callable[..., Any]
Story = Callable[[NonceClient], Coroutine[Any, Any, Any]]


def at(seconds: float) -> Millis:
    return from_datetime(START + timedelta(seconds=seconds))


@pytest.fixture
def sim(kit: "Kit") -> Sim:
    found = Sim(farms=2, miners=10, clock=SimClock(START, scale=0), switches=Switches(api_key=kit.key))
    found.workspace = "org_1"
    return found


@pytest.fixture(scope="session")
def ending() -> Iterator[ExitStack]:
    """Servers that were asked to end; they take a moment each, so they are waited for together."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def ask(kit: "Kit", sim: Sim, ending: ExitStack) -> Iterator[Ask]:
    """Tells a story to a fresh client of the simulation; `more` are the client's settings and arguments."""
    server = ending.enter_context(SimServer(sim))

    def told(story: Story, **more: Any) -> Any:
        async def run() -> Any:
            async with kit.client(server.base_url, **more) as client:
                return await story(client)

        return asyncio.run(run())

    yield told
    server.stop()


@pytest.fixture
def farm(sim: Sim) -> str:
    return next(iter(sim.farms))


def hourly(sim: Sim, farm: str, count: int) -> list[str]:
    """Batches of one task each, an hour apart up to now; their ids, newest first."""
    miner = sim.miners(farm)[0]
    moments = [START - timedelta(hours=hours) for hours in range(count)]
    return [sim.add_task(miner, REBOOT, created_at=moment, runs=30).batch_id for moment in moments]


# --- lists of batches


LISTS: list[Callable[..., Any]] = [NonceClient.search_batches, NonceClient.list_batches]


@pytest.mark.parametrize("listed", LISTS)
@pytest.mark.parametrize("pagination", ["limit", "page"])
@pytest.mark.parametrize("count_name", ["failed_count", "unsuccessful_count"])
@pytest.mark.parametrize("times", ["milliseconds", "seconds"])
def test_a_batch_is_listed_in_every_shape(
    ask: Ask, sim: Sim, farm: str, listed: Any, pagination: Any, count_name: Any, times: Any
) -> None:
    sim.switches.pagination, sim.switches.count_name, sim.switches.times = pagination, count_name, times
    one, two, three = sim.miners(farm)[:3]
    batch = sim.new_batch(farm, REBOOT, START - timedelta(seconds=100))
    sim.add_task(one, REBOOT, batch=batch, created_at=batch.created_at, runs=10)
    sim.add_task(two, REBOOT, batch=batch, created_at=batch.created_at, runs=10, ends="failed")
    sim.add_task(three, REBOOT, batch=batch, created_at=batch.created_at, runs=None)
    expected = Batch(farm, batch.id, REBOOT, "pending", at(-100), 3, 1, 1, "user:operator")
    assert ask(lambda client: listed(client, farm, since=None)) == Listing((expected,), at(0), 1000.0)


@pytest.mark.parametrize("listed", LISTS)
@pytest.mark.parametrize("pagination", ["limit", "page"])
def test_only_what_is_young_enough_is_listed_over_all_pages(
    ask: Ask, sim: Sim, farm: str, listed: Any, pagination: Any
) -> None:
    sim.switches.page_cap, sim.switches.pagination = 3, pagination
    ids = hourly(sim, farm, 12)
    found = ask(lambda client: listed(client, farm, since=at(-7 * 3600)))
    assert [batch.id for batch in found.batches] == ids[:8]
    everything = ask(lambda client: listed(client, farm, since=None))
    assert [batch.id for batch in everything.batches] == ids


def test_a_search_says_what_it_wants_in_its_body(kit: "Kit") -> None:
    async def story() -> None:
        async with kit.listening(kit.answer(kit.page([]))) as server, kit.client(server.url) as client:
            await client.search_batches("f/1", since=1795464000120)
            head = server.requests[0]
            assert head.startswith("POST /private-api/v1/org_1/farms/f%2F1/tasks/search HTTP/1.1")
            assert "content-type: application/json" in head.lower()
            assert f"x-api-key: {kit.key}" in head

    asyncio.run(story())


def test_a_list_that_is_newest_first_is_read_no_further_than_needed(ask: Ask, sim: Sim, farm: str) -> None:
    sim.switches.page_cap = 5
    hourly(sim, farm, 50)
    ask(lambda client: client.list_batches(farm, since=at(-7 * 3600)))
    assert len(sim.requests) == 2


OLD, YOUNG = "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"


@pytest.mark.parametrize(
    ("first", "second", "asked"),
    [
        ([YOUNG, OLD], [OLD], 1),
        ([YOUNG, None, OLD], [OLD], 1),  # an unknown time says nothing of the order
        ([OLD, YOUNG, OLD], [YOUNG], 2),  # in no order
        ([OLD, "2026-03-01T00:00:01Z"], [YOUNG], 2),  # oldest first
        ([OLD, OLD], [YOUNG], 2),  # created at once: of no order yet
        ([YOUNG, OLD, None], [YOUNG], 2),
        (["2026-03-02T00:00:01Z", YOUNG], [YOUNG], 2),  # all young
    ],
)
def test_when_a_list_may_be_left_early(
    kit: "Kit", first: list[str | None], second: list[str | None], asked: int
) -> None:
    def rows(page: int, times: list[str | None]) -> list[Any]:
        known = {"task_name": "n", "status": "pending"}
        return [{"batch_id": f"{page}-{n}", "created_at": time, **known} for n, time in enumerate(times)]

    async def story() -> None:
        size = len(first)
        answers = [
            kit.answer(kit.page(rows(1, first), total=9, limit=size, hasNext=True)),
            kit.answer(kit.page(rows(2, second), total=9, limit=size, hasNext=False)),
        ]
        async with kit.listening(*answers) as server, kit.client(server.url) as client:
            found = await client.list_batches("f1", since=at(0))
            assert len(server.requests) == asked
            told = [*first, *(second if asked == 2 else [])]
            assert len(found.batches) == sum(time is None or not time.startswith("2026-03-01") for time in told)

    asyncio.run(story())


def test_a_strange_field_costs_the_field_and_a_strange_row_the_row(kit: "Kit") -> None:
    good = {"batch_id": "b1", "task_name": "n", "status": "pending"}
    rows = [
        {**good, "task_count": "3", "succeed_count": 1.5, "failed_count": -1, "created_at": "soon", "created_by": 5},
        {"id": "b2", "name": "n", "status": "of no known kind", "task_count": 10**40, "succeed_count": True},
        {**good, "batch_id": ""},
        {**good, "task_name": None},
        {**good, "status": 5},
        "nonsense",
    ]

    async def story() -> None:
        async with kit.listening(kit.answer(kit.page(rows))) as server, kit.client(server.url) as client:
            expected = (Batch("f1", "b1", "n", "pending"), Batch("f1", "b2", "n", "of no known kind"))
            assert (await client.search_batches("f1", since=None)).batches == expected

    asyncio.run(story())


@pytest.mark.parametrize(("status", "error"), [(403, ApiRefused), (404, ApiRejected), (405, ApiRejected)])
def test_refused_batches_keep_their_status(ask: Ask, sim: Sim, farm: str, status: int, error: Any) -> None:
    sim.switches.batches = status

    async def story(client: NonceClient) -> None:
        for asked in (
            lambda: client.search_batches(farm, since=None),
            lambda: client.list_batches(farm, since=None),
            lambda: client.batch(farm, "b1"),
        ):
            with pytest.raises(error) as caught:
                await asked()
            assert caught.value.status == status
        assert len(await client.farms()) == 2

    ask(story)


def test_a_search_finds_the_header_that_works_too(ask: Ask, sim: Sim, farm: str) -> None:
    sim.switches.auth = "bearer"
    heard: list[str] = []
    ask(lambda client: client.search_batches(farm, since=None), on_auth=heard.append)
    assert heard == ["bearer"]
    assert [one.status for one in sim.requests] == [401, 200]


# --- one batch


def batch_of_three(sim: Sim, farm: str) -> tuple[str, list[Task]]:
    """A batch with a failed, a timed-out and an agent's task; as the newer form tells them."""
    one, two = sim.miners(farm)[:2]
    payload = {"force": True}
    batch = sim.new_batch(farm, REBOOT, START - timedelta(seconds=100), payload=payload)
    told = {status: START - timedelta(seconds=ago) for status, ago in [("created", 100), ("queuing", 90)]}
    started = told | {"pending": START - timedelta(seconds=80)}
    rows = [
        sim.add_raw(one, REBOOT, started | {"failed": START}, error="boom", batch=batch, payload=payload, result=7),
        sim.add_raw(two, REBOOT, started | {"timed_out": START}, batch=batch, payload=payload),
        sim.add_raw(two, REBOOT, told, batch=batch, payload=payload),
    ]
    rows[2].miner_id = None
    same: dict[str, Any] = {"batch_id": batch.id, "actor": "user:operator", "payload": payload}
    times = {"created": at(-100), "queuing": at(-90)}
    ran = times | {"pending": at(-80)}
    ended = {"lacks": frozenset({Part.LOGS}), **same}
    failed = Task(farm, rows[0].id, REBOOT, "failed", one.id, times=ran | {"failed": at(0)}, **ended)
    return batch.id, [
        replace(failed, result=7, error="boom"),
        Task(farm, rows[1].id, REBOOT, "timed_out", two.id, times=ran | {"timed_out": at(0)}, **ended),
        Task(farm, rows[2].id, REBOOT, "queuing", None, times=times, lacks=FULL, **same),
    ]


def test_the_newer_form_lacks_only_the_logs(ask: Ask, sim: Sim, farm: str) -> None:
    sim.switches.batch_rows = "newer"
    batch_id, tasks = batch_of_three(sim, farm)
    found = ask(lambda client: client.batch(farm, batch_id))
    head = Batch(farm, batch_id, REBOOT, "pending", at(-100), actor="user:operator")
    assert found == BatchReading(tuple(tasks), at(0), 1000.0, found.digest, unchanged=False, batch=head)
    assert len(sim.requests) == 1


@pytest.mark.parametrize("times", ["milliseconds", "seconds"])
def test_the_poorest_form_lacks_everything_that_a_full_record_has(ask: Ask, sim: Sim, farm: str, times: Any) -> None:
    sim.switches.times = times
    batch_id, newer = batch_of_three(sim, farm)
    found = ask(lambda client: client.batch(farm, batch_id))
    for poor, full in zip(found.tasks, newer, strict=True):
        known = {status: moment for status, moment in full.times.items() if status in ("created", "failed")}
        lacks = POOR if full.miner_id else FULL
        assert poor == replace(full, times=known, payload=None, result=None, lacks=lacks)


def test_a_batch_known_to_the_letter_is_not_read_again(ask: Ask, sim: Sim, farm: str) -> None:
    batch_id, _ = batch_of_three(sim, farm)

    async def story(client: NonceClient) -> list[BatchReading]:
        first = await client.batch(farm, batch_id)
        again = await client.batch(farm, batch_id, known=first.digest)
        sim.finish(sim.batches[batch_id].tasks[2], "cancelled")
        return [first, again, await client.batch(farm, batch_id, known=first.digest)]

    first, again, moved = ask(story)
    assert again == BatchReading((), at(0), 1000.0, first.digest, unchanged=True, batch=None)
    assert first.digest is not None
    assert first.digest != moved.digest
    assert (moved.unchanged, moved.tasks[2].status, moved.batch.status) == (False, "cancelled", "failed")


def test_an_unknown_batch_is_a_404(ask: Ask, farm: str) -> None:
    async def story(client: NonceClient) -> int:
        with pytest.raises(ApiRejected) as caught:
            await client.batch(farm, "nowhere")
        return caught.value.status

    assert ask(story) == 404


def reading(kit: "Kit", data: Any) -> BatchReading:
    async def story() -> BatchReading:
        answer = kit.answer({"success": True, "data": data, "error": None})
        async with kit.listening(answer) as server, kit.client(server.url) as client:
            return await client.batch("f1", "b1")

    return asyncio.run(story())


@pytest.mark.parametrize(
    ("row", "lacks"),
    [
        ({}, POOR),
        ({"error": {"message": "boom"}, "succeed_at": None, "task_name": "n", "batch_id": "b1"}, POOR),
        ({"pending_at": None}, {Part.PAYLOAD, Part.RESULT, Part.LOGS}),
        ({"params": None}, {Part.RESULT, Part.TIMES, Part.LOGS}),
        ({"payload": {"a": 1}}, {Part.RESULT, Part.TIMES, Part.LOGS}),
        ({"result": None}, {Part.PAYLOAD, Part.TIMES, Part.LOGS}),
        ({"queuing_at": None}, {Part.PAYLOAD, Part.RESULT, Part.TIMES, Part.LOGS}),
        ({"timed_out_at": None, "params": {}, "result": {}}, {Part.TIMES, Part.LOGS}),
        ({"cancelled_at": None, "params": 5, "result": {}, "pending_at": "soon"}, {Part.LOGS}),  # there, if odd
        ({"miner_id": None}, FULL),
        ({"miner_id": "", "params": {}}, FULL),
    ],
)
def test_what_a_row_lacks_is_told_by_its_keys(kit: "Kit", row: dict[str, Any], lacks: set[Part]) -> None:
    data = {"batch": {"task_name": "n"}, "tasks": [{"id": "t1", "miner_id": "m1", "status": "failed", **row}]}
    assert reading(kit, data).tasks[0].lacks == lacks


TASK = {"id": "t1", "status": "failed"}
NAMED = {"task_id": "t2", "status": "failed", "task_name": "own", "updated_at": "2026-03-02T00:00:01Z"}


@pytest.mark.parametrize("head", [None, 5, [], {}, {"task_name": None}, {"task_name": ""}, {"name": 5, "status": []}])
def test_a_head_without_a_name_takes_that_of_its_tasks(kit: "Kit", head: Any) -> None:
    found = reading(kit, {"batch": head, "tasks": [TASK, NAMED]})
    assert found.batch == Batch("f1", "b1", "own", "")
    assert [(task.name, task.updated_at) for task in found.tasks] == [("own", None), ("own", at(1))]


def test_a_head_is_built_from_what_of_it_can_be_read(kit: "Kit") -> None:
    head = {"id": "other", "name": "n", "status": "odd", "created_by": 5, "created_at": "2026-03-02T00:00:00Z"}
    found = reading(kit, {"batch": head, "tasks": [NAMED]})
    assert found.batch == Batch("f1", "b1", "n", "odd", at(0))
    assert (found.tasks[0].name, found.tasks[0].batch_id) == ("own", "b1")


def test_a_strange_task_costs_itself_alone_and_a_repeated_one_counts_once(kit: "Kit") -> None:
    data = {"batch": {"name": "n"}, "tasks": [TASK, 5, {"id": "t9"}, {**TASK, "status": "succeed"}]}
    assert [(task.id, task.status) for task in reading(kit, data).tasks] == [("t1", "succeed")]


def test_a_batch_may_be_empty(kit: "Kit") -> None:
    assert reading(kit, {"batch": {"name": "n", "status": "succeed"}, "tasks": []}).tasks == ()


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"batch": {"name": "n"}},
        {"batch": {"name": "n"}, "tasks": {}},
        {"batch": {"name": "n"}, "tasks": [5, {"id": "t9"}]},  # nothing of it can be used
        {"batch": {}, "tasks": []},  # of what, nobody says
        {"batch": None, "tasks": [TASK]},
    ],
)
def test_a_batch_that_cannot_be_understood_is_an_error(kit: "Kit", data: Any) -> None:
    with pytest.raises(ApiUnavailable):
        reading(kit, data)


# --- agents


def test_agents_are_told_with_their_farm_and_their_status(ask: Ask, sim: Sim) -> None:
    one, two = sim.farms.values()
    two.agent_online = False
    sim.switches.page_cap = 1
    expected = [Agent(f"agent-{one.id}", one.id, "online"), Agent(f"agent-{two.id}", two.id, "offline")]
    assert ask(NonceClient.agents) == expected


def test_an_agent_without_a_farm_is_passed_over(kit: "Kit") -> None:
    rows = [
        {"id": "a1", "status": "online", "farm": {"id": "f1", "name": "North"}},
        {"id": "a2", "status": "online", "farm_id": None, "farm": None},
        {"id": "a3", "status": "online", "farm_id": 5, "farm": {"id": ""}},
    ]

    async def story() -> None:
        async with kit.listening(kit.answer(kit.page(rows))) as server, kit.client(server.url) as client:
            assert await client.agents() == [Agent("a1", "f1", "online")]

    asyncio.run(story())


# --- what searches cost


def test_searches_take_places_unless_the_api_does_not_count_them(ask: Ask, sim: Sim, farm: str) -> None:
    async def story(client: NonceClient) -> list[int]:
        for _ in range(3):
            await client.search_batches(farm, since=None)
        free = [client.allowance().free]
        await client.farms()
        return [*free, client.allowance().free]

    spent: list[float] = []
    assert ask(story, requests_per_minute=10, on_spend=spent.append) == [7, 6]
    assert len(spent) == 4
    spent.clear()
    sim.switches.counts_searches = False
    assert ask(story, requests_per_minute=10, on_spend=spent.append, count_searches=False) == [10, 9]
    assert len(spent) == 1


def test_a_search_that_nobody_counts_keeps_a_demanded_wait_all_the_same(ask: Ask, sim: Sim, farm: str) -> None:
    sim.switches.rate_limit, sim.switches.counts_searches, sim.switches.retry_after = 1, False, "seconds"

    async def story(client: NonceClient) -> float:
        await client.search_batches(farm, since=None)
        await client.search_batches(farm, since=None)
        await client.farms()
        with pytest.raises(ApiThrottled):
            await client.farms()
        with pytest.raises(ApiThrottled):
            await client.search_batches(farm, since=None)
        return client.limit

    assert ask(story, requests_per_minute=10, count_searches=False) == 5
    assert len(sim.requests) == 4


def test_a_429_lowers_what_the_client_allows_itself_and_the_next_process_begins_there(
    ask: Ask, sim: Sim, kit: "Kit", farm: str
) -> None:
    sim.switches.rate_limit, sim.switches.retry_after = 4, "seconds"
    heard: list[float | None] = []

    async def story(client: NonceClient) -> None:
        assert (client.limit, client.allowance().places) == (6, 6)
        for _ in range(4):
            await client.search_batches(farm, since=None)
        with pytest.raises(ApiThrottled):
            await client.search_batches(farm, since=None)
        assert (client.limit, client.allowance().places, client.allowance().free) == (4, 4, 0)

    ask(story, requests_per_minute=6, on_learnt=heard.append)
    assert heard == [4]

    clock = kit.Clock()

    async def next_process(client: NonceClient) -> None:
        assert client.limit == 4
        sim.switches.rate_limit = None
        for tenths in (1, 20):
            clock.seconds = 1000.0 + 600 * tenths
            await client.farms()
        assert client.limit == 90

    ask(next_process, on_learnt=heard.append, learnt=4, clock=clock)
    assert heard == [4, 8.5, None]
