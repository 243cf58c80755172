"""Documents are taken apart in a process of their own, with little memory, little time and no secrets.

A file that is made to break a decoder breaks that process (app/documents/take_apart.py).
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress

import msgspec
import structlog

from app.documents.image import sniff
from app.documents.problems import DocumentTypeUnsupported, DocumentUnreadable
from app.documents.take_apart import LIMIT_BYTES

log = structlog.get_logger()

WITHIN_S = 30.0
AT_ONCE = asyncio.Semaphore(2)


class Clean(msgspec.Struct, frozen=True):
    media_type: str
    content: bytes


class _Verdict(msgspec.Struct, frozen=True):
    """What the process says first: the type of what follows, or why nothing does."""

    media_type: str = ""
    refused: str = ""


async def clean(raw: bytes) -> Clean:
    """The same document as a new file. Raises DocumentTypeUnsupported, DocumentUnreadable."""
    if sniff(raw) is None:
        raise DocumentTypeUnsupported
    async with AT_ONCE:
        answer = await _run(raw)
    line, _, content = answer.partition(b"\n")
    try:
        verdict = msgspec.json.decode(line, type=_Verdict)
    except msgspec.DecodeError:
        raise DocumentUnreadable(reason="damaged") from None  # the process broke over it
    if verdict.refused or not content:
        raise DocumentUnreadable(reason=verdict.refused or "damaged")
    if len(content) > LIMIT_BYTES:
        raise DocumentUnreadable(reason="too_large")
    return Clean(verdict.media_type, content)


async def _run(raw: bytes) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", "app.documents.take_apart"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ},
    )
    try:
        async with asyncio.timeout(WITHIN_S):
            answer, _ = await process.communicate(raw)
    except TimeoutError:
        return b""
    else:
        if process.returncode != 0:
            log.warning("document_broke_its_reader", returncode=process.returncode)
        return answer
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
