import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import pytest

from watcher.errors import ApiUnavailable
from watcher.nonce.body import read_body

BODY = b'{"data": []}' * 1000


def read(packed: bytes, encoding: str = "", cap: int = 1 << 20, step: int = 100) -> bytes:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(packed), step):
            yield packed[start : start + step]

    return asyncio.run(read_body(chunks(), encoding, cap))


@pytest.mark.parametrize(
    ("packed", "encoding"),
    [
        (BODY, ""),
        (BODY, "identity"),
        (gzip.compress(BODY), "gzip"),
        (gzip.compress(BODY), " X-Gzip"),
        (zlib.compress(BODY), "deflate"),
    ],
)
def test_a_body_is_unpacked(packed: bytes, encoding: str) -> None:
    for step in (1, 7, 100_000):
        assert read(packed, encoding, step=step) == BODY
    assert read(packed, encoding, cap=len(BODY)) == BODY


@pytest.mark.parametrize(
    ("packed", "encoding", "cap"),
    [
        (BODY, "", len(BODY) - 1),
        (gzip.compress(BODY), "gzip", len(BODY) - 1),
        (gzip.compress(BODY)[:-1], "gzip", 1 << 20),
        (b"", "gzip", 1 << 20),
        (BODY, "gzip", 1 << 20),
        (BODY, "br", 1 << 20),
        (gzip.compress(gzip.compress(BODY)), "gzip, gzip", 1 << 20),
    ],
)
def test_too_large_cut_off_damaged_or_strangely_packed_is_an_error(packed: bytes, encoding: str, cap: int) -> None:
    with pytest.raises(ApiUnavailable):
        read(packed, encoding, cap)


def test_a_bomb_leaves_the_memory_flat() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(100)) + packer.flush()
    tracemalloc.start()
    try:
        with pytest.raises(ApiUnavailable, match="larger than"):
            read(bomb, "gzip", cap=1 << 20, step=1 << 16)
        assert tracemalloc.get_traced_memory()[1] < 5 << 20
    finally:
        tracemalloc.stop()
