import asyncio
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

import pytest

from watcher.errors import ApiError, ApiRefused, ApiRejected, ApiThrottled, ApiUnavailable
from watcher.nonce.budget import MARGIN, Budget
from watcher.nonce.gate import Gate

if TYPE_CHECKING:
    from tests.nonce.conftest import Clock, Kit


def gate_of(
    clock: "Clock",
    limit: float = 100,
    spent: list[float] | None = None,
    learnt: float | None = None,
    on_learnt: Callable[[float | None], object] = lambda _: None,
) -> Gate:
    return Gate(
        Budget(limit, learnt=learnt, since=clock()),
        monotonic=clock,
        sleep=clock.sleep,
        random=Random(1),
        on_spend=(lambda _: None) if spent is None else spent.append,
        on_learnt=on_learnt,
        learnt=learnt,
    )


async def ask(gate: Gate, ends_with: ApiError | None = None) -> None:
    async with gate.place():
        pass
    with gate.hearing():
        if ends_with is not None:
            raise ends_with


def test_concurrent_askers_never_overshoot(kit: "Kit") -> None:
    clock, spent = kit.Clock(), list[float]()
    gate = gate_of(clock, 3, spent)

    async def story() -> None:
        await asyncio.gather(*(ask(gate) for _ in range(8)))

    asyncio.run(story())
    window = 60 + MARGIN
    assert [at - 1000 for at in spent] == [0] * 3 + [window] * 3 + [2 * window] * 2


def test_a_request_whose_spending_cannot_be_stored_stays_in(kit: "Kit") -> None:
    clock = kit.Clock()
    budget = Budget(1)

    def full(_: float) -> None:
        raise OSError("disk full")

    gate = Gate(budget, monotonic=clock, sleep=clock.sleep, random=Random(1), on_spend=full)
    with pytest.raises(OSError, match="disk full"):
        asyncio.run(ask(gate))
    assert budget.remaining(clock()) == 1


def test_nobody_asks_inside_a_retry_after_not_even_who_was_waiting_already(kit: "Kit") -> None:
    clock, spent = kit.Clock(), list[float]()
    gate = gate_of(clock, 1, spent)

    async def story() -> None:
        with pytest.raises(ApiThrottled):
            await ask(gate, ApiThrottled("slow down", 100))
        for _ in range(3):
            with pytest.raises(ApiThrottled) as turned_back:
                await ask(gate)
            assert turned_back.value.retry_after == 100
        clock.seconds += 100
        await ask(gate)

    asyncio.run(story())
    assert spent == [1000, 1100]


def test_a_wait_that_begins_while_one_queues_for_the_budget_turns_it_back(kit: "Kit") -> None:
    clock = kit.Clock()
    spent = list[float]()
    gate = gate_of(clock, 2, spent)

    async def throttled_later() -> None:
        async with gate.place():
            await asyncio.sleep(0.01)
        with pytest.raises(ApiThrottled), gate.hearing():
            raise ApiThrottled("slow down", 1000)

    async def story() -> None:
        slow = asyncio.create_task(throttled_later())
        await asyncio.sleep(0)
        await ask(gate)
        await slow
        with pytest.raises(ApiThrottled):
            await ask(gate)

    asyncio.run(story())
    assert len(spent) == 2


@pytest.mark.parametrize(
    ("error", "rest"),
    [
        (ApiThrottled("slow down", 7), 7),
        (ApiRefused("wrong key", 401), 300),
        (ApiRefused("not yours", 403), 0),  # of what was asked for
        (ApiRejected("no such miner", 404), 0),
        (ApiUnavailable("down"), 0),  # how to treat it is the caller's
    ],
)
def test_which_errors_shut_the_gate(kit: "Kit", error: ApiError, rest: float) -> None:
    clock = kit.Clock()
    gate = gate_of(clock)

    async def story() -> None:
        with pytest.raises(type(error)):
            await ask(gate, error)
        if rest:
            clock.seconds += rest - 0.1
            with pytest.raises(type(error)):
                await ask(gate)
            clock.seconds += 0.1
        await ask(gate)

    asyncio.run(story())


def test_what_is_not_counted_takes_no_place_and_does_not_wait_for_one(kit: "Kit") -> None:
    clock, spent = kit.Clock(), list[float]()
    gate = gate_of(clock, 1, spent)

    async def story() -> None:
        await ask(gate)
        for _ in range(3):
            async with gate.place(counted=False):
                pass
        with pytest.raises(ApiThrottled), gate.hearing(counted=False):
            raise ApiThrottled("slow down", 7)
        with pytest.raises(ApiThrottled):
            async with gate.place(counted=False):
                pass
        assert clock.slept == []

    asyncio.run(story())
    assert spent == [1000]


def test_what_a_429_teaches_is_told_when_it_changes_and_when_it_is_unlearnt(kit: "Kit") -> None:
    clock, heard = kit.Clock(), list[float | None]()
    gate = gate_of(clock, 20, on_learnt=heard.append)

    async def story() -> None:
        for _ in range(14):
            await ask(gate)
        for _ in range(2):  # they were out together
            with pytest.raises(ApiThrottled), gate.hearing():
                raise ApiThrottled("slow down", 1)
        for minutes in (9, 10, 11, 40, 100):
            clock.seconds = 1000 + 60 * minutes
            await ask(gate)

    asyncio.run(story())
    assert heard == [pytest.approx(11.2), pytest.approx(12.2), pytest.approx(15.2), None]


@pytest.mark.parametrize(
    ("learnt", "heard"),
    [(None, []), (5.0, []), (20.0, [None]), (30.0, [None]), (0.5, [1.0])],  # as it is now, if that is another
)
def test_what_is_known_already_is_not_told_again(kit: "Kit", learnt: float | None, heard: list[float | None]) -> None:
    clock, told = kit.Clock(), list[float | None]()
    asyncio.run(ask(gate_of(clock, 20, on_learnt=told.append, learnt=learnt)))
    assert told == heard


def test_a_429_for_what_is_not_counted_teaches_no_limit(kit: "Kit") -> None:
    clock, heard = kit.Clock(), list[float | None]()
    gate = gate_of(clock, 20, on_learnt=heard.append)
    with pytest.raises(ApiThrottled), gate.hearing(counted=False):
        raise ApiThrottled("slow down", 1)
    assert heard == []


def test_other_errors_teach_no_limit(kit: "Kit") -> None:
    clock, heard = kit.Clock(), list[float | None]()
    for error in (ApiRefused("wrong key", 401), ApiRejected("gone", 404), ApiUnavailable("down")):
        with pytest.raises(type(error)):
            asyncio.run(ask(gate_of(clock, on_learnt=heard.append), error))
    assert heard == []
