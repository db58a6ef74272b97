"""The Nonce API as the watcher uses it: farms, miners, and the tasks of a miner, each a whole list or an error."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from random import Random
from types import TracebackType
from typing import Literal, Self

import structlog

from watcher.errors import ConfigError, Fault
from watcher.model.look import Reading
from watcher.model.miner import Farm, Miner
from watcher.model.secret import Secret
from watcher.model.times import Millis, iso
from watcher.nonce import translate
from watcher.nonce.budget import Budget
from watcher.nonce.gate import Gate
from watcher.nonce.lenient import Envelope, Page, Reader, Row
from watcher.nonce.paging import read_all
from watcher.nonce.session import Header, Moment, Session
from watcher.nonce.shapes import FarmShape, MinerShape, TaskShape
from watcher.nonce.transport import Transport

_FARMS = Reader(FarmShape, Envelope[FarmShape])
_MINERS = Reader(MinerShape, Envelope[MinerShape])
_NOTHING = b'{"data": [], "pagination": {"hasNext": false}}'
_TASKS = Reader(TaskShape, Envelope[TaskShape])

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """How to reach the API.

    Args:
        auth: the header that the key goes in; `auto` tries the other one on a 401.
        timeout: seconds for a whole request, its body included.
        body_cap: the largest body, unpacked, in bytes.
    """

    base_url: str
    workspace: str
    api_key: Secret
    auth: Literal["auto"] | Header = "auto"
    timeout: float = 15.0
    requests_per_minute: float = 90.0
    body_cap: int = 16 * 2**20


class NonceClient:
    """Asks within the budget, and never twice by itself. To be closed, with `aclose` or `async with`.

    Inside a Retry-After, and for five minutes after a 401, a request is turned back with the same error and
    without the network. What is not as documented, but can be read all the same, is logged once.

    Args:
        monotonic: seconds of CLOCK_MONOTONIC.
        spent: when earlier requests ended, by the same clock (see `Budget`).
        on_spend: told the time of each request before it goes out; what it raises keeps the request in.
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
        remembered_auth: str | None = None,
        on_auth: Callable[[Header], object] = lambda _: None,
    ) -> None:
        if not _fits_a_header(settings.api_key.reveal()):
            text = "is empty or holds what fits no header (a space, a line break, a letter that is not ASCII?)"
            raise ConfigError([Fault("nonce.api_key", 0, 0, text)])
        remembered: Header = "bearer" if remembered_auth == "bearer" else "x-api-key"
        budget = Budget(settings.requests_per_minute, spent=spent)
        self._transport = Transport(
            settings.base_url, timeout=settings.timeout, cap=settings.body_cap, monotonic=monotonic
        )
        self._session = Session(
            self._transport,
            Gate(budget, monotonic=monotonic, sleep=sleep, random=random, on_spend=on_spend),
            settings.api_key,
            auth=remembered if settings.auth == "auto" else settings.auth,
            changeable=settings.auth == "auto",
            on_auth=on_auth,
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
    def auth_in_use(self) -> Header:
        """The header that the key goes in, as far as is known."""
        return self._session.auth

    async def farms(self) -> list[Farm]:
        """Every farm of the workspace (2.5).

        Raises:
            ApiError: its class says what may be done. So with every method here.
        """
        rows, _ = await self._all(_FARMS, ("farms",))
        return [translate.farm(row) for row in rows]

    async def miners(self, farm_id: str) -> list[Miner]:
        """Every miner of a farm (2.6). A list read while it moved may lack one: believe two of them."""
        rows, _ = await self._all(_MINERS, ("farms", farm_id, "miner", "latest"))
        return [translate.miner(row, farm_id) for row in rows]

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
            digests.append(blake2b(body, digest_size=16).digest())
            return _TASKS.read(_NOTHING if digests == [known] else body)

        rows, first = await self._all(_TASKS, ("farms", farm_id, "miners", miner_id, "tasks"), query, read)
        tasks = tuple(translate.task(row, farm_id, miner_id) for row in rows)
        digest = digests[0] if len(digests) == 1 else None
        return Reading(tasks, first.date, first.came_at, digest, unchanged=digest is not None and digest == known)

    async def _all(
        self,
        reader: Reader[Row],
        path: tuple[str, ...],
        query: Mapping[str, str] | None = None,
        read: Callable[[bytes], Page[Row]] | None = None,
    ) -> tuple[list[Row], Moment]:
        """Every row of a list, and when the first of them came."""
        moments: list[Moment] = []

        async def fetch(number: int, size: int) -> Page[Row]:
            paging = {"page": str(number), "pageSize": str(size)}
            page, moment = await self._session.get(
                (*self._root, *path), {**paging, **(query or {})}, read or reader.read
            )
            moments.append(moment)
            self._notice(reader.shape.__name__, page, size)
            return page

        return await read_all(fetch), moments[0]

    def _notice(self, kind: str, page: Page[Row], size: int) -> None:
        for name in page.odd:
            self._say_once(f"{kind}.{name}", "a field holds what nobody documented: it counts as unknown")
        if page.skipped:
            self._say_once(kind, "rows without a usable id, name or status are passed over")
        if page.pagination.size is not None and page.pagination.size < size:
            self._say_once("pageSize", "the API gives smaller pages than asked for, which costs more requests")

    def _say_once(self, what: str, said: str) -> None:
        if what not in self._noticed:
            self._noticed.add(what)
            _log.warning(said, what=what)


def _fits_a_header(key: str) -> bool:
    return bool(key) and all("!" <= letter <= "~" for letter in key)
