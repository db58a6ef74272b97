"""A reply's body, unpacked while it comes in and never larger than allowed: a bomb is noticed before it grows."""

import zlib
from collections.abc import AsyncIterator
from typing import Protocol

from watcher.errors import ApiUnavailable

_EITHER_HEADER = 47
"""zlib's window bits for "gzip or zlib, see for yourself"."""


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _AsItIs:
    eof = True

    def decompress(self, data: bytes, _max_length: int, /) -> bytes:
        return data


async def read_body(chunks: AsyncIterator[bytes], encoding: str, cap: int) -> bytes:
    """The whole body.

    Args:
        chunks: as they came over the wire.
        encoding: the `Content-Encoding`.
        cap: the largest size, unpacked, in bytes.

    Raises:
        ApiUnavailable: it is larger, packed in a way nobody asked for, damaged or cut off.
    """
    unpacker = _unpacker(encoding)
    body = bytearray()
    async for chunk in chunks:
        try:
            body += unpacker.decompress(chunk, cap - len(body) + 1)
        except zlib.error:
            raise ApiUnavailable("The Nonce API's answer is damaged: it does not unpack.") from None
        if len(body) > cap:
            raise ApiUnavailable(f"The Nonce API's answer is larger than {cap} bytes.")
    if not unpacker.eof:
        raise ApiUnavailable("The Nonce API's answer was cut off.")
    return bytes(body)


def _unpacker(encoding: str) -> _Unpacker:
    match encoding.strip().lower():
        case "" | "identity":
            return _AsItIs()
        case "gzip" | "x-gzip" | "deflate":
            return zlib.decompressobj(_EITHER_HEADER)
        case _:
            raise ApiUnavailable("The Nonce API's answer is packed in a way that nobody asked for.")
