"""A body too large for memory, written to a file as it comes."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import IO

from app.platform.problems import BodyMalformed, BodyTooLarge, WrongContentType
from app.platform.strict_json import NEXT_PART_WITHIN_S

PART_BYTES = 1024 * 1024
# Whoever drips, unsigned as far as anybody knows, holds the place of the next one no longer: some 300 kB a second are 1 GiB.
WHOLE_WITHIN_S = 3600.0


async def spool(
    parts: AsyncIterator[bytes], file: IO[bytes], *, encoding: str, limit: int, told: Callable[[bytes], None]
) -> None:
    """Writes the body, unpacked, to `file`, and tells each part of it.

    Raises BodyTooLarge beyond `limit` bytes, WrongContentType for another encoding than gzip or none, BodyMalformed where it is
    cut off, or is no one piece of gzip.
    """
    if encoding not in ("identity", "gzip"):
        raise WrongContentType(accepted="content-encoding: identity, gzip")
    member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS) if encoding == "gzip" else None
    written = 0
    async for part in _in_time(parts):
        for plain in _unpack(member, part) if member else (part,):
            written += len(plain)
            if written > limit:
                raise BodyTooLarge(limit=limit)
            told(plain)
            await asyncio.to_thread(file.write, plain)
    if member is not None and not member.eof:
        raise BodyMalformed(reason="the gzip is cut off")
    await asyncio.to_thread(file.seek, 0)


async def _in_time(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Parts of some size, each of which came in time, and so did all together."""
    buffer = bytearray()
    until = asyncio.get_running_loop().time() + WHOLE_WITHIN_S
    try:
        while True:
            now = asyncio.get_running_loop().time()
            async with asyncio.timeout_at(min(now + NEXT_PART_WITHIN_S, until)):
                part = await anext(parts)
            buffer += part
            if len(buffer) >= PART_BYTES:
                yield bytes(buffer)
                buffer.clear()
    except StopAsyncIteration:
        yield bytes(buffer)
    except TimeoutError:
        raise BodyMalformed(reason="the body was cut off") from None


def _unpack(member: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    try:
        while packed and not member.eof:
            yield member.decompress(packed, PART_BYTES)
            packed = member.unconsumed_tail
    except zlib.error:
        raise BodyMalformed(reason="not gzip") from None
    if member.unused_data or (packed and member.eof):
        raise BodyMalformed(reason="something follows the gzip")
