import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from watcher.model.message import Message, MinerLine, Say, Section, Severity, State
from watcher.model.times import Millis
from watcher.notify.text import Kind, Text


@dataclass
class Answer:
    status: int = 200
    body: str = '{"ok": true}'
    headers: dict[str, str] = field(default_factory=dict)
    before: Callable[[BaseHTTPRequestHandler], bool] | None = None
    """Called first; what it answers is the whole answer where it says True."""


class Receiver:
    """A real web server on a loopback port: answers as told, the last answer for ever, and keeps a ledger."""

    def __init__(self) -> None:
        self.answers = [Answer()]
        self.paths: list[str] = []
        self.bodies: list[Any] = []
        self.released = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                receiver.paths.append(self.path)
                as_json = "json" in (self.headers.get("Content-Type") or "")
                receiver.bodies.append((json.loads(raw) if as_json else raw) if raw else None)
                answer = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
                if answer.before is not None and answer.before(self):
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body.encode())))
                self.end_headers()
                self.wfile.write(answer.body.encode())

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """A client that went away is part of the test."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class PostOffice:
    """A real mail server on a loopback port; `refusals` are its answers and `delays` its seconds by command."""

    def __init__(self) -> None:
        self.refusals: dict[str, str] = {}
        self.delays: dict[str, float] = {}
        self.envelopes: list[Envelope] = []
        self.broken_after_data = False
        office = self

        class Handler:
            async def handle_RCPT(  # noqa: N802 - aiosmtpd's name for it
                self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
            ) -> str:
                await asyncio.sleep(office.delays.get("RCPT", 0))
                if "RCPT" in office.refusals:
                    return office.refusals["RCPT"]
                envelope.rcpt_tos.append(address)
                return "250 OK"

            async def handle_DATA(  # noqa: N802 - aiosmtpd's name for it
                self, server: SMTP, _session: Session, envelope: Envelope
            ) -> str:
                office.envelopes.append(envelope)
                await asyncio.sleep(office.delays.get("DATA", 0))
                if office.broken_after_data:
                    assert isinstance(server.transport, asyncio.Transport)
                    server.transport.abort()
                return office.refusals.get("DATA", "250 OK")

        def authenticator(_server: SMTP, _session: Session, _e: Envelope, _m: str, data: Any) -> AuthResult:
            wanted = LoginPassword(login=b"user", password=b"right-password")
            return AuthResult(success=data == wanted, handled=False)

        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._controller = Controller(
            Handler(),
            hostname="127.0.0.1",
            port=self.port,
            authenticator=authenticator,
            auth_require_tls=False,
        )
        self._controller.start()

    def url(self, *, user: str = "", query: str = "", to: str = "ops@farm.example") -> str:
        return (
            f"mailto://{user}127.0.0.1:{self.port}?smtp=127.0.0.1&mode=insecure"
            f"&from=watcher@farm.example&to={to}{query}"
        )

    def close(self) -> None:
        self._controller.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.close()


@pytest.fixture
def post_office() -> Iterator[PostOffice]:
    office = PostOffice()
    yield office
    office.close()


def at(clock: str, day: int = 23) -> Millis:
    """A time of 23 November 2026, UTC."""
    hour, minute, second = (int(part) for part in f"{clock}:00".split(":")[:3])
    return int(datetime(2026, 11, day, hour, minute, second, tzinfo=UTC).timestamp()) * 1000


FIRING = Section(
    rule="firmware-failing",
    summary="Firmware updates are failing",
    state=State.FIRING,
    severity=Severity.CRITICAL,
    labels={"rule": "firmware-failing", "severity": "critical", "farm": "North Barn", "model": "S21 Pro"},
    alerts=1,
    alert_ids=("7f3a9c",),
    new=1,
    count=300,
    total=900,
    tasks={"miner.firmware.update failed": 280, "miner.firmware.update timed_out": 20},
    reasons=(("install failed: checksum mismatch at block <n>", 240), ("no answer from <ip>", 41)),
    miners=tuple(MinerLine(f"M-{number:04}", "S21 Pro", f"10.0.3.{number}") for number in range(1, 11)),
    miners_total=300,
    first_at=at("21:40:03"),
    last_at=at("22:04:11"),
    started_at=at("21:41"),
)
MESSAGE = Message("9c21f0", Say.FIRST, "ops", Severity.CRITICAL, (FIRING,), at("22:06"))


@pytest.fixture
def firing() -> Section:
    return FIRING


@pytest.fixture
def resolved() -> Section:
    return replace(
        FIRING,
        state=State.RESOLVED,
        ended_at=at("22:31:40"),
        ended_by="all 300 miners have since succeeded",
    )


@pytest.fixture
def message() -> Message:
    return MESSAGE


@pytest.fixture
def text() -> Text:
    return Text("Critical: <b>reboots</b> fail", "12 of 40 tasks\non <!channel> & @here", Kind.FAILURE)
