import ssl

import httpx
import pytest

from watcher.errors import ApiRejected, ApiUnavailable
from watcher.nonce.exceptions import CAUGHT, SENTENCES, translated

EVERY = [
    found for name in httpx.__all__ if isinstance(found := getattr(httpx, name), type) and issubclass(found, Exception)
]


def test_every_error_of_httpx_is_mapped_and_caught() -> None:
    assert {*EVERY, ssl.SSLError} == set(SENTENCES)
    assert all(issubclass(kind, CAUGHT) for kind in EVERY)


@pytest.mark.parametrize("kind", EVERY)
def test_no_text_of_the_request_gets_into_ours(kind: type[Exception]) -> None:
    error = kind.__new__(kind)
    Exception.__init__(error, "x-api-key: canary")
    translation = translated(error)
    assert isinstance(translation, ApiUnavailable | ApiRejected)
    if not isinstance(error, httpx.ConnectError | httpx.ProxyError):
        assert "canary" not in str(translation)


def test_what_cannot_be_sent_is_rejected_and_not_tried_for_ever() -> None:
    assert isinstance(translated(httpx.InvalidURL("too long")), ApiRejected)


def test_the_cause_of_a_failed_connection_is_told() -> None:
    assert "refused" in str(translated(httpx.ConnectError("[Errno 111] Connection refused")))
