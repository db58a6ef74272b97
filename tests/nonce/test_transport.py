"""Every hostile server of the fault catalogue (faults.md, 2), over real TCP."""

import asyncio
import gzip
import logging
import os
import ssl
import time
import traceback
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from watcher.errors import ApiError, ApiRejected, ApiThrottled, ApiUnavailable, ConfigError
from watcher.model.miner import Farm

if TYPE_CHECKING:
    from tests.nonce.conftest import Kit

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
FARMS = [{"id": "f1", "name": "North"}]


def run(story: Coroutine[Any, Any, object]) -> None:
    asyncio.run(story)


def failure(kit: "Kit", answer: Any, **settings: Any) -> ApiError:
    """How a request ends that is answered so; the key is in nothing of it."""
    failures: list[ApiError] = []

    async def story() -> None:
        async with kit.listening(answer) as server, kit.client(server.url, **settings) as client:
            with pytest.raises(ApiError) as caught:
                await client.farms()
            assert len(server.requests) == 1
            failures.append(caught.value)

    run(story())
    assert kit.key not in "".join(traceback.format_exception(failures[0]))
    return failures[0]


async def reset(_: str, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b'Content-Length: 1000\r\n\r\n{"data": [')
    await writer.drain()
    writer.transport.abort()


async def hang_up(_: str, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize(
    "answer",
    [
        reset,
        hang_up,
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\0" * 1000,
        HEAD + b"X: " + b"x" * 200_000 + b"\r\n\r\n",
        HEAD + b"".join(b"X%d: y\r\n" % number for number in range(20_000)) + b"\r\n",
        HEAD + b"Content-Length: no number\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzzz\r\n",
        HEAD + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"Content-Length: 0\r\n\r\n",
        HEAD + b'Content-Length: 11\r\n\r\n{"data": [{',
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 600 What\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_nonsense_instead_of_an_answer_passes(kit: "Kit", answer: Any) -> None:
    assert isinstance(failure(kit, answer), ApiUnavailable)


def test_a_body_that_drips_is_ended_by_one_deadline_for_all_of_it(kit: "Kit") -> None:
    async def drip(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 1000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    began = time.monotonic()
    assert "within 0.3 s" in str(failure(kit, drip, timeout=0.3))
    assert time.monotonic() - began < 1.5


def test_headers_that_never_come_are_ended_by_the_same_deadline(kit: "Kit") -> None:
    async def silence(_: str, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    assert isinstance(failure(kit, silence, timeout=0.2), ApiUnavailable)


def test_a_bomb_or_an_endless_body_stops_at_the_cap(kit: "Kit") -> None:
    async def endless(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 1073741824\r\n\r\n")
        while True:
            writer.write(bytes(1 << 16))
            await writer.drain()

    bomb = kit.answer(body=gzip.compress(bytes(1 << 24)), Content_Encoding="gzip")
    for answer in (bomb, endless):
        assert "larger than" in str(failure(kit, answer, body_cap=1 << 20))


def test_a_packed_page_is_read(kit: "Kit") -> None:
    async def story() -> None:
        packed = gzip.compress(b'{"data": [{"id": "f1", "name": "North"}]}')
        answer = kit.answer(body=packed, Content_Encoding="gzip")
        async with kit.listening(answer) as server, kit.client(server.url) as client:
            assert await client.farms() == [Farm("f1", "North")]

    run(story())


def test_an_errors_status_counts_whatever_becomes_of_its_body(kit: "Kit") -> None:
    head = b"HTTP/1.1 429 Slow\r\nRetry-After: 30\r\n"
    for rest in (b"Content-Length: 10\r\n\r\n{", b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"):
        error = failure(kit, head + rest, timeout=0.3)
        assert isinstance(error, ApiThrottled)
        assert error.retry_after == 30


def test_a_redirect_is_not_followed_and_the_key_stays_here(kit: "Kit") -> None:
    async def story() -> None:
        async with kit.listening(kit.answer(kit.page(FARMS))) as other:
            for status in (301, 302, 303, 307, 308):
                away = kit.answer({}, status, Location=f"{other.url}/private-api/v1/org_1/farms")
                async with kit.listening(away) as server, kit.client(server.url) as client:
                    with pytest.raises(ApiUnavailable, match=rf"{status} and points to 127\.0\.0\.1"):
                        await client.farms()
            assert other.requests == []

    run(story())


def test_cookies_are_not_kept(kit: "Kit") -> None:
    async def story() -> None:
        answer = kit.answer(kit.page(FARMS), Set_Cookie="a=b")
        async with kit.listening(answer) as server, kit.client(server.url) as client:
            await client.farms()
            await client.farms()
            assert "cookie" not in server.requests[1].lower()

    run(story())


def test_nobody_there_is_told_as_such(kit: "Kit") -> None:
    async def story() -> None:
        async with kit.listening(b"") as server:
            url = server.url
        async with kit.client(url) as client:
            with pytest.raises(ApiUnavailable, match="cannot be reached"):
                await client.farms()

    run(story())


def test_ids_are_opaque_and_stay_one_part_of_the_path(kit: "Kit") -> None:
    async def story() -> None:
        async with kit.listening(kit.answer(kit.page([]))) as server, kit.client(server.url) as client:
            await client.miner_tasks("..", "a/b?c#d e%2F\ud800", from_time=None)
            expected = "/farms/%2E%2E/miners/a%2Fb%3Fc%23d%20e%252F%ED%A0%80/tasks?page=1&pageSize=500 HTTP/1.1"
            assert expected in server.requests[0]

    run(story())


def test_an_id_that_no_url_can_hold_is_rejected_not_tried_for_ever(kit: "Kit") -> None:
    async def story() -> None:
        async with kit.client("http://127.0.0.1:1") as client:
            with pytest.raises(ApiRejected):
                await client.miners("x" * 100_000)

    run(story())


@pytest.mark.parametrize("key", ["", "two words", "line\r\nX-Evil: 1", "schlüssel", "tab\t"])
def test_a_key_that_fits_no_header_is_refused_without_being_shown(kit: "Kit", key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        kit.client("http://127.0.0.1:1", key=key)
    assert not key or key not in str(caught.value)


def tls_of(authority: trustme.CA, *names: str, **more: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, **more).configure_cert(context)
    return context


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_certificates_named_by_the_environment_are_trusted(
    kit: "Kit", variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv(variable, str(tmp_path / "ca.pem"))

    async def story() -> None:
        tls = tls_of(authority, "127.0.0.1")
        async with (
            kit.listening(kit.answer(kit.page(FARMS)), tls=tls) as server,
            kit.client(f"https://127.0.0.1:{server.port}") as client,
        ):
            assert await client.farms() == [Farm("f1", "North")]

    run(story())


def test_an_unknown_a_foreign_and_an_expired_certificate_are_refused(
    kit: "Kit", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    yesterday = datetime.now(UTC) - timedelta(days=1)
    cases = [
        (tls_of(trustme.CA(), "127.0.0.1"), "verify failed"),
        (tls_of(authority, "elsewhere.example"), "mismatch"),
        (tls_of(authority, "127.0.0.1", not_after=yesterday), "expired"),
    ]
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))

    async def story() -> None:
        for tls, cause in cases:
            async with kit.listening(b"", tls=tls) as server:
                async with kit.client(f"https://127.0.0.1:{server.port}") as client:
                    with pytest.raises(ApiUnavailable, match=cause):
                        await client.farms()
                assert server.requests == []

    run(story())


def test_tls_that_breaks_after_the_handshake_passes(
    kit: "Kit", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))

    async def damaged_record(_: str, writer: asyncio.StreamWriter) -> None:
        os.write(writer.get_extra_info("socket").fileno(), b"\x17\x03\x03\x00\x20" + b"z" * 32)

    async def story() -> None:
        tls = tls_of(authority, "127.0.0.1")
        async with (
            kit.listening(damaged_record, tls=tls) as server,
            kit.client(f"https://127.0.0.1:{server.port}") as client,
        ):
            with pytest.raises(ApiUnavailable, match="DECRYPTION_FAILED"):
                await client.farms()

    run(story())


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem"),
        ("SSL_CERT_FILE", __file__),
        ("HTTPS_PROXY", "gopher://proxy:1"),
        ("HTTP_PROXY", "http://proxy:port"),
    ],
)
def test_an_unusable_environment_is_a_fault_of_the_configuration(
    kit: "Kit", variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=variable):
        kit.client("http://127.0.0.1:1")


def test_a_proxy_of_the_environment_is_used_and_no_proxy_obeyed(kit: "Kit", monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with kit.listening(kit.answer(kit.page(FARMS))) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            async with kit.client("http://api.nonce.invalid") as client:
                await client.farms()
            assert proxy.requests[0].startswith("GET http://api.nonce.invalid/private-api/")
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
            async with kit.listening(kit.answer(kit.page(FARMS))) as server, kit.client(server.url) as client:
                await client.farms()
            assert len(proxy.requests) == 1

    run(story())


def test_the_key_is_in_no_log_at_any_level(kit: "Kit", caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    failure(kit, kit.answer({"message": f"wrong key {kit.key}"}, 401), auth="bearer")
    failure(kit, hang_up)
    assert caplog.records
    assert kit.key not in caplog.text
