"""The Nonce API as the watcher uses it: farms, agents, miners, batches, and the tasks of a miner or a batch, each
a whole list or an error."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from random import Random
from types import TracebackType
from typing import Literal, Self

import structlog

from watcher.errors import ConfigError, Fault
from watcher.model.batch import Agent, BatchReading, Listing
from watcher.model.look import Reading
from watcher.model.miner import Farm, Miner
from watcher.model.secret import Secret
from watcher.model.times import Millis, iso
from watcher.nonce import translate
from watcher.nonce.budget import Allowance, Budget
from watcher.nonce.gate import Gate
from watcher.nonce.lenient import Envelope, Page, Reader, Row, Whole, read_batch
from watcher.nonce.paging import Enough, read_all
from watcher.nonce.session import Header, Moment, Session
from watcher.nonce.shapes import AgentShape, BatchShape, FarmShape, MemberShape, MinerShape, TaskShape
from watcher.nonce.transport import Request, Transport

_AGENTS = Reader(AgentShape, Envelope[AgentShape])
_BATCHES = Reader(BatchShape, Envelope[BatchShape])
_FARMS = Reader(FarmShape, Envelope[FarmShape])
_MINERS = Reader(MinerShape, Envelope[MinerShape])
_NOTHING = b'{"data": [], "pagination": {"hasNext": false}}'
_TASKS = Reader(TaskShape, Envelope[TaskShape])

_Asking = Callable[[int, int], Request]
"""The request for a page, by its number from 1 and the size of the pages."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """How to reach the API.

    Args:
        auth: the header that the key goes in; `auto` tries the other one on a 401.
        timeout: seconds for a whole request, its body included.
        body_cap: the largest body, unpacked, in bytes.
        count_searches: whether the API counts POST searches too.
    """

    base_url: str
    workspace: str
    api_key: Secret
    auth: Literal["auto"] | Header = "auto"
    timeout: float = 15.0
    requests_per_minute: float = 90.0
    body_cap: int = 16 * 2**20
    count_searches: bool = True


class NonceClient:
    """Asks within the budget, and never twice by itself. To be closed, with `aclose` or `async with`.

    Inside a Retry-After, and for five minutes after a 401, a request is turned back with the same error and
    without the network. What is not as documented, but can be read all the same, is logged once.

    Args:
        monotonic: seconds of CLOCK_MONOTONIC.
        spent: when earlier requests ended, by the same clock (see `Budget`).
        on_spend: told the time of each counted request before it goes out; what it raises keeps the request in.
        learnt: the limit that an earlier process had learnt.
        on_learnt: told the limit that a 429 taught, and whenever it has changed; None when it is as configured.
        remembered_auth: the header that worked for an earlier process.
        on_auth: told when it is another.

    Raises:
        ConfigError: the key fits no header, or the environment names an unusable proxy or certificate file.
    """

    def __init__(
        self,
        settings: ApiSettings,
        *,
        monotonic: Callable[[], float],
        random: Random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        spent: Iterable[float] = (),
        on_spend: Callable[[float], object] = lambda _: None,
        learnt: float | None = None,
        on_learnt: Callable[[float | None], object] = lambda _: None,
        remembered_auth: str | None = None,
        on_auth: Callable[[Header], object] = lambda _: None,
    ) -> None:
        if not _fits_a_header(settings.api_key.reveal()):
            text = "is empty or holds what fits no header (a space, a line break, a letter that is not ASCII?)"
            raise ConfigError([Fault("nonce.api_key", 0, 0, text)])
        remembered: Header = "bearer" if remembered_auth == "bearer" else "x-api-key"
        self._monotonic = monotonic
        self._budget = Budget(settings.requests_per_minute, spent=spent, learnt=learnt, since=monotonic())
        self._transport = Transport(
            settings.base_url, timeout=settings.timeout, cap=settings.body_cap, monotonic=monotonic
        )
        self._session = Session(
            self._transport,
            Gate(
                self._budget,
                monotonic=monotonic,
                sleep=sleep,
                random=random,
                on_spend=on_spend,
                on_learnt=on_learnt,
                learnt=learnt,
            ),
            settings.api_key,
            auth=remembered if settings.auth == "auto" else settings.auth,
            changeable=settings.auth == "auto",
            on_auth=on_auth,
            count_searches=settings.count_searches,
        )
        self._root = ("private-api", "v1", settings.workspace)
        self._noticed: set[str] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._transport.aclose()

    @property
    def limit(self) -> float:
        """Requests a minute: as configured, or fewer where a 429 taught so."""
        return self._budget.limit(self._monotonic())

    def allowance(self) -> Allowance:
        return self._budget.allowance(self._monotonic())

    async def farms(self) -> list[Farm]:
        """Every farm of the workspace (2.5).

        Raises:
            ApiError: its class says what may be done. So with every method here.
        """
        rows, _ = await self._all(_FARMS, self._listed("farms"))
        return [translate.farm(row) for row in rows]

    async def agents(self) -> list[Agent]:
        """Every agent that a farm has (2.7)."""
        rows, _ = await self._all(_AGENTS, self._listed("agents"))
        return [found for row in rows if (found := translate.agent(row)) is not None]

    async def miners(self, farm_id: str, *, patient: bool = False) -> list[Miner]:
        """Every miner of a farm (2.6). A list read while it moved may lack one: believe two of them.

        Args:
            farm_id: whose miners.
            patient: leave half of the budget to those who can't wait.
        """
        path = (*self._root, "farms", farm_id, "miner", "latest")

        def ask(number: int, size: int) -> Request:
            return Request("GET", path, {"page": str(number), "pageSize": str(size)}, patient=patient)

        rows, _ = await self._all(_MINERS, ask)
        return [translate.miner(row, farm_id) for row in rows]

    async def search_batches(self, farm_id: str, *, since: Millis | None) -> Listing:
        """The batches of a farm that were created since then, all without one (2.2)."""
        wanted = {} if since is None else {"created_at": {"gte": iso(since)}}
        path = (*self._root, "farms", farm_id, "tasks", "search")

        def ask(number: int, size: int) -> Request:
            return Request("POST", path, body={**wanted, "page": number, "limit": size})

        rows, first = await self._all(_BATCHES, ask)
        return Listing(tuple(translate.batch(row, farm_id) for row in rows), first.date, first.came_at)

    async def list_batches(self, farm_id: str, *, since: Millis | None) -> Listing:
        """As `search_batches`, where that is refused (2.3). The API gives the whole history: where it proves to
        be sorted, no more of it is read than that.
        """

        def enough(rows: list[BatchShape]) -> bool:
            return since is not None and _newest_first_until(since, rows)

        rows, first = await self._all(_BATCHES, self._listed("farms", farm_id, "tasks", "batches"), enough=enough)
        young = (row for row in rows if since is None or row.created_at is None or row.created_at >= since)
        return Listing(tuple(translate.batch(row, farm_id) for row in young), first.date, first.came_at)

    async def batch(self, farm_id: str, batch_id: str, *, known: bytes | None = None) -> BatchReading:
        """A batch with all its tasks (2.4).

        Args:
            farm_id: of the batch.
            batch_id: which one.
            known: the digest of the last reading: the same reply once more is not read again.
        """

        def read(body: bytes) -> tuple[bytes, Whole | None]:
            digest = _digest(body)
            return digest, None if digest == known else read_batch(body)

        request = Request("GET", (*self._root, "farms", farm_id, "tasks", "batches", batch_id))
        (digest, found), moment = await self._session.ask(request, read)
        if found is None:
            return BatchReading((), moment.date, moment.came_at, digest, unchanged=True)
        self._notice(MemberShape.__name__, found)
        head = translate.head(found.head, found.members, farm_id, batch_id)
        tasks = tuple(translate.member(row, head) for row in found.members)
        return BatchReading(tasks, moment.date, moment.came_at, digest, batch=head)

    async def miner_tasks(
        self, farm_id: str, miner_id: str, *, from_time: Millis | None = None, known: bytes | None = None
    ) -> Reading:
        """The tasks of a miner (2.1), of the last 7 days unless `from_time` asks for less.

        Args:
            farm_id: of the miner.
            miner_id: whose tasks.
            from_time: what is older may be left out.
            known: the digest of the last reading: the same reply once more is not read again.
        """
        query = {} if from_time is None else {"from_time": iso(from_time)}
        digests: list[bytes] = []

        def read(body: bytes) -> Page[TaskShape]:
            digests.append(_digest(body))
            return _TASKS.read(_NOTHING if digests == [known] else body)

        rows, first = await self._all(
            _TASKS, self._listed("farms", farm_id, "miners", miner_id, "tasks", query=query), read
        )
        tasks = tuple(translate.task(row, farm_id, miner_id) for row in rows)
        digest = digests[0] if len(digests) == 1 else None
        return Reading(tasks, first.date, first.came_at, digest, unchanged=digest is not None and digest == known)

    def _listed(self, *path: str, query: Mapping[str, str] | None = None) -> _Asking:
        """How to GET the pages of a list."""

        def ask(number: int, size: int) -> Request:
            paging = {"page": str(number), "pageSize": str(size)}
            return Request("GET", (*self._root, *path), {**paging, **(query or {})})

        return ask

    async def _all(
        self,
        reader: Reader[Row],
        ask: _Asking,
        read: Callable[[bytes], Page[Row]] | None = None,
        enough: Enough[Row] = lambda _: False,
    ) -> tuple[list[Row], Moment]:
        """Every row of a list, or enough of them, and when the first of them came."""
        moments: list[Moment] = []

        async def fetch(number: int, size: int) -> Page[Row]:
            page, moment = await self._session.ask(ask(number, size), read or reader.read)
            moments.append(moment)
            self._notice(reader.shape.__name__, page)
            if page.pagination.size is not None and page.pagination.size < size:
                self._say_once("pageSize", "the API gives smaller pages than asked for, which costs more requests")
            return page

        return await read_all(fetch, enough), moments[0]

    def _notice(self, kind: str, found: Page[Row] | Whole) -> None:
        for name in found.odd:
            self._say_once(f"{kind}.{name}", "a field holds what nobody documented: it counts as unknown")
        if found.skipped:
            self._say_once(kind, "rows without a usable id, name or status are passed over")

    def _say_once(self, what: str, said: str) -> None:
        if what not in self._noticed:
            self._noticed.add(what)
            _log.warning(said, what=what)


def _fits_a_header(key: str) -> bool:
    return bool(key) and all("!" <= letter <= "~" for letter in key)


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=16).digest()


def _newest_first_until(since: Millis, rows: list[BatchShape]) -> bool:
    """Whether these rows are the newest, down to one that is too old.

    Rows without a time say nothing of the order, nor do rows that were all created at once.
    """
    oldest = rows[-1].created_at if rows else None
    if oldest is None or oldest >= since:
        return False
    times = [row.created_at for row in rows if row.created_at is not None]
    return times[0] > oldest and all(before >= after for before, after in pairwise(times))
