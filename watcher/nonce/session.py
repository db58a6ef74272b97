"""One request with the key, at its place in the budget, and its answer understood or turned into an error."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from watcher.errors import ApiUnavailable
from watcher.model.secret import Secret
from watcher.model.times import Millis
from watcher.nonce.gate import Gate
from watcher.nonce.replies import date_of, error_inside, error_of
from watcher.nonce.transport import Reply, Request, Transport

Header = Literal["x-api-key", "bearer"]
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Moment:
    """When an answer came.

    Args:
        date: what its `Date` says.
        came_at: seconds of the monotonic clock.
    """

    date: Millis | None
    came_at: float


class Session:
    """Asks once; to ask again is the caller's.

    Args:
        auth: the header that the key goes in.
        changeable: whether a 401 is answered by trying the other header, once for each request.
        on_auth: told when that one worked.
        count_searches: whether a POST takes a place in the budget.
    """

    def __init__(
        self,
        transport: Transport,
        gate: Gate,
        key: Secret,
        *,
        auth: Header,
        changeable: bool,
        on_auth: Callable[[Header], object],
        count_searches: bool = True,
    ) -> None:
        self._transport = transport
        self._gate = gate
        self._key = key
        self._changeable = changeable
        self._on_auth = on_auth
        self._count_searches = count_searches
        self._auth: Header = auth

    async def ask(self, request: Request, read: Callable[[bytes], Found]) -> tuple[Found, Moment]:
        """What `read` finds in the answer's body, and when that came.

        Args:
            read: raises ApiUnavailable for a body that it cannot read.

        Raises:
            ApiError: its class says what may be done.
        """
        reply = await self._authorised(request)
        with self._gate.hearing(counted=self._counts(request)):
            found = self._understood(reply, read)
        return found, Moment(date_of(reply.headers.get("Date")), reply.came_at)

    async def _authorised(self, request: Request) -> Reply:
        reply = await self._sent(request, self._auth)
        if reply.status != 401 or not self._changeable:
            return reply
        other: Header = "x-api-key" if self._auth == "bearer" else "bearer"
        reply = await self._sent(request, other)
        if 200 <= reply.status < 300:
            self._auth = other
            self._on_auth(other)
        return reply

    async def _sent(self, request: Request, auth: Header) -> Reply:
        key = self._key.reveal()
        header = {"x-api-key": key} if auth == "x-api-key" else {"Authorization": f"Bearer {key}"}
        async with self._gate.place(counted=self._counts(request), patient=request.patient):
            return await self._transport.send(request, header)

    def _counts(self, request: Request) -> bool:
        return request.method == "GET" or self._count_searches

    def _understood(self, reply: Reply, read: Callable[[bytes], Found]) -> Found:
        error = error_of(reply, self._key)
        if error is not None:
            raise error
        try:
            return read(reply.body)
        except ApiUnavailable as unreadable:
            raise error_inside(reply, self._key) or unreadable from None
