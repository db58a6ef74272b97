"""A real SMTP server on a loopback port, with TLS and passwords, that judges each letter and answers as scripted."""

import asyncio
import logging
import socket
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.standins.certificates import Certificate, server_side
from tests.standins.letter import judged
from tests.standins.verdict import STRICT, Allowed, Received, Refusal, Refused

USER, PASSWORD = "watcher", "stand-in-password"
SENDER = "watcher@farm.example"


class Tls(StrEnum):
    """As apprise's `mode` names it."""

    STARTTLS = "starttls"
    IMPLICIT = "ssl"
    NONE = "insecure"


@dataclass(slots=True)
class Orders:
    """Args:
    rcpt: what is answered to RCPT, by address.
    data: what is answered to a letter, instead of judging it.
    greylist: so many times the first tries for an address are answered 451.
    dies: the connection breaks when the letter has come.
    """

    rcpt: dict[str, str] = field(default_factory=dict)
    data: str | None = None
    greylist: int = 0
    dies: bool = False


class Stand:
    """Args:
    allowed: what may be live; None takes all.
    tls: what is offered. Clients find the authority by `SSL_CERT_FILE` and `certificates.authority_file`.
    certificate: which one is shown.
    largest: bytes of a letter; above, 552.
    password: whether one is needed.
    """

    def __init__(
        self,
        allowed: Allowed | None = STRICT,
        tls: Tls = Tls.STARTTLS,
        certificate: Certificate = Certificate.TRUSTED,
        largest: int = 10 << 20,
        *,
        password: bool = True,
    ) -> None:
        self.received: list[Received] = []
        self.refused: list[Refusal] = []
        self.orders = Orders()
        self._allowed = allowed
        self._tls = tls
        self.needs_password = password
        self._tries: Counter[str] = Counter()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        logging.getLogger("mail.log").setLevel(logging.ERROR)  # it speaks of its own deprecations
        context = server_side(certificate)
        self._controller = Controller(
            _Handler(self),
            hostname="127.0.0.1",
            port=self.port,
            ssl_context=context if tls is Tls.IMPLICIT else None,
            tls_context=context if tls is Tls.STARTTLS else None,
            require_starttls=tls is Tls.STARTTLS,
            authenticator=_authenticated,
            auth_require_tls=tls is Tls.STARTTLS,
            data_size_limit=largest,
            enable_SMTPUTF8=False,
        )
        self._controller.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._controller.stop()

    def apprise_url(self, to: str = "ops@farm.example", mode: Tls | None = None) -> str:
        user = f"{USER}:{PASSWORD}@" if self.needs_password else ""
        return f"mailtos://{user}localhost:{self.port}?smtp=localhost&mode={mode or self._tls}&from={SENDER}&to={to}"

    def asked(self, address: str) -> str:
        """The answer to RCPT."""
        self._tries[address] += 1
        if self._tries[address] <= self.orders.greylist:
            return "451 4.7.1 Greylisted, please try again in five minutes"
        return self.orders.rcpt.get(address, "250 OK")

    def handed(self, envelope: Envelope) -> str:
        """The answer to a letter."""
        content = envelope.original_content or b""
        to = tuple(envelope.rcpt_tos)
        try:
            if self.orders.data is not None:
                raise Refused(self.orders.data, "as ordered", 0)
            seen = judged(content, to, self._allowed)
        except Refused as refused:
            self.refused.append(Refusal(content, refused.answer, refused.reason, 0.0))
            return refused.answer
        self.received.append(Received(content, seen.text, seen.live, 0.0, ", ".join(to), seen.files))
        return "250 2.0.0 OK: queued"


class _Handler:
    def __init__(self, stand: Stand) -> None:
        self._stand = stand

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name for it
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._stand.needs_password and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - as above
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        said = self._stand.asked(address)
        if said.startswith("2"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        said = self._stand.handed(envelope)
        if self._stand.orders.dies:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return said


def _authenticated(_server: SMTP, _session: Session, _envelope: Envelope, _method: str, data: Any) -> AuthResult:
    right = LoginPassword(login=USER.encode(), password=PASSWORD.encode())
    return AuthResult(success=data == right, handled=False)
