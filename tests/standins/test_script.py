"""The scripted server proves itself: what it plays is what a client meets, and nothing of it is left afterwards."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.standins import plays
from tests.standins.certificates import Certificate, authority_file, server_side
from tests.standins.plays import Play
from tests.standins.script import Script


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "stand-in"]


def ask(server: Script, **how: Any) -> requests.Response:
    return requests.post(f"{server.url}/hook", data=b"hello", timeout=how.pop("timeout", 5), **how)


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 403, 404, 410, 413, 429, 500, 502, 503, 599])
def test_a_status_arrives_and_the_request_is_in_the_ledger(status: int) -> None:
    with Script(plays.answer(status, b"", X_Sign="1"), clock=lambda: 7.0) as server:
        said = ask(server, allow_redirects=False)
    assert (said.status_code, said.headers["X-Sign"]) == (status, "1")
    (asked,) = server.ledger
    assert (asked.at, asked.method, asked.path, asked.body) == (7.0, "POST", "/hook", b"hello")
    assert asked.headers["content-length"] == "5"


def test_the_last_play_is_played_for_ever() -> None:
    with Script(plays.answer(500), plays.answer(200)) as server:
        assert [ask(server).status_code for _ in range(3)] == [500, 200, 200]


def test_a_redirect_leads_to_a_server_that_records() -> None:
    with Script() as other, Script(plays.redirect(f"{other.url}/elsewhere", 307)) as server:
        ask(server)
    assert [(asked.method, asked.path) for asked in other.ledger] == [("POST", "/elsewhere")]


BREAKS: list[tuple[str, Callable[[], Play], type[Exception]]] = [
    ("hang", plays.hang, requests.ReadTimeout),
    ("deaf", plays.deaf, requests.ReadTimeout),
    ("drip of the head", lambda: plays.drip(0), requests.ReadTimeout),
    ("vanish", plays.vanish, requests.ConnectionError),
    ("reset at once", plays.reset, requests.ConnectionError),
    ("reset in the head", lambda: plays.reset(20), requests.ConnectionError),
    ("reset in the body", lambda: plays.reset(100, b"x" * 1000), requests.exceptions.ChunkedEncodingError),
    ("cut short", plays.cut_short, requests.exceptions.ChunkedEncodingError),
    ("garbage", plays.garbage, requests.ConnectionError),
    ("hang in the body", lambda: plays.hang_after(200), requests.ConnectionError),
]


@pytest.mark.parametrize(("play", "error"), [case[1:] for case in BREAKS], ids=[case[0] for case in BREAKS])
def test_a_break_is_what_the_client_meets(play: Callable[[], Play], error: type[Exception]) -> None:
    with Script(play()) as server, pytest.raises(error):
        ask(server, timeout=0.2)
    assert threads() == []


def test_a_drip_goes_on_for_as_long_as_somebody_listens() -> None:
    with Script(plays.drip(every=0.01)) as server, ask(server, stream=True) as said:
        assert said.raw.read(5) == b"xxxxx"
    assert threads() == []


def test_a_bomb_is_small_on_the_wire_and_large_in_memory() -> None:
    with Script(plays.gzip_bomb(64 << 20)) as server, ask(server, stream=True) as said:
        assert int(said.headers["Content-Length"]) < 1 << 20
        assert sum(len(piece) for piece in said.iter_content(1 << 20)) == 64 << 20


def test_a_huge_body_comes_as_far_as_it_is_read() -> None:
    with Script(plays.huge()) as server, ask(server, stream=True) as said:
        assert said.headers["Content-Length"] == str(1 << 30)
        assert len(said.raw.read(1 << 20)) == 1 << 20
    assert threads() == []


def test_a_request_inside_a_retry_after_is_found() -> None:
    now = [0.0]
    with Script(plays.busy(30), plays.busy(), plays.answer(200), clock=lambda: now[0]) as server:
        for now[0] in (0.0, 29.9, 30.0):
            said = ask(server)
    assert said.status_code == 200
    assert [asked.at for asked in server.early()] == [29.9]


def test_a_wait_can_be_a_date_by_the_server_s_clock() -> None:
    now = [0.0]
    play = plays.busy_until(datetime(2026, 11, 23, 22, 6, tzinfo=UTC), 90, 503)
    with Script(play, plays.answer(200), clock=lambda: now[0]) as server:
        said = ask(server)
        now[0] = 89.0
        ask(server)
    assert said.headers["Date"] == "Mon, 23 Nov 2026 22:06:00 GMT"
    assert said.headers["Retry-After"] == "Mon, 23 Nov 2026 22:07:30 GMT"
    assert [asked.at for asked in server.early()] == [89.0]


@pytest.mark.parametrize("certificate", [one for one in Certificate if one is not Certificate.TRUSTED])
def test_a_bad_certificate_is_not_believed_and_nothing_is_asked(certificate: Certificate, tmp_path: Path) -> None:
    with Script(tls=server_side(certificate)) as server, pytest.raises(requests.exceptions.SSLError):
        ask(server, verify=authority_file(tmp_path))
    assert server.ledger == []
    assert server.broken_handshakes == 1


def test_a_good_certificate_is_believed(tmp_path: Path) -> None:
    with Script(tls=server_side()) as server:
        assert ask(server, verify=authority_file(tmp_path)).text == "ok"


def test_breaks_are_played_over_tls_too(tmp_path: Path) -> None:
    authority = authority_file(tmp_path)
    with Script(plays.reset(), plays.vanish(), plays.hang(), tls=server_side()) as server:
        for error in (requests.ConnectionError, requests.ConnectionError, requests.ReadTimeout):
            with pytest.raises(error):
                ask(server, verify=authority, timeout=1)
    assert len(server.ledger) == 3
    assert threads() == []


def test_a_thousand_clients_that_hang_and_go_leave_no_thread() -> None:
    with Script(plays.hang()) as server:
        for _ in range(1000):
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert server.heard(1000)
        deadline = time.monotonic() + 5
        while len(threads()) > 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(threads()) == 1
    assert threads() == []


def test_closing_ends_a_client_that_still_waits() -> None:
    with Script(plays.hang()) as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert server.heard(1)
        server.close()
        assert client.recv(1) == b""
    assert threads() == []


def test_every_certificate_can_be_served() -> None:
    assert all(isinstance(server_side(one), ssl.SSLContext) for one in Certificate)
