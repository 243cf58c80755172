"""POST /feed/v1/bulk/loads: a file of money, up to 1 GiB, staged and checked while its sender waits.

It goes to a file on disk first: until its end nobody knows that it was signed, and nothing of it is read before.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from typing import IO, Any

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency

from app.bulk.load import SQL, Batch, LoadError, LoadingError, load_run
from app.bulk.problems import BulkLoadRefused
from app.bulk.read_file import batches_of
from app.bulk.row import Form, HeaderError, Kind
from app.bulk.run import Run, show_run
from app.feed.event import Identifier
from app.feed.signature import SignatureInvalid, SignatureOfParts
from app.platform.problems import BodyMalformed, BodyTooLarge, Busy, RequestInvalid, WrongContentType
from app.platform.spool import spool
from app.platform.strict_json import decode_item
from app.platform.table_csv import MAX_LINE_BYTES
from app.settings import Settings

LIMIT_BYTES = 1024 * 1024 * 1024
FORMS: dict[str, Form] = {"application/x-ndjson": "ndjson", "text/csv": "csv"}
_one_at_a_time = asyncio.Semaphore(1)


class BulkLoad(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file is: the name is of the run, and never used for another file."""

    name: Identifier
    kind: Kind


class BulkLoadLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A top-level key of its own: no body of another route fits this one."""

    bulk_load: BulkLoad


@post(
    "/feed/v1/bulk/loads",
    status_code=200,
    opt={
        "problems": (
            SignatureInvalid,
            BulkLoadRefused,
            BodyMalformed,
            BodyTooLarge,
            WrongContentType,
            RequestInvalid,
            Busy,
        ),
        "public": True,
        "transaction": False,
        "spooled": True,
    },
    tags=["feed"],
)
async def receive_load(request: Request[Any, Any, Any], settings: NamedDependency[Settings]) -> Run:
    """The body's first line is `{"bulk_load": {"name", "kind"}}`; from the second on it is the file: NDJSON, or CSV with its
    header, by the Content-Type; packed with gzip or not. Signed is the body unpacked.

    The answer is the run, staged and checked. Nothing is posted until it is resumed. Sent again after a failure, it goes on
    where it stopped; one that is whole is not loaded again.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in FORMS:
        raise WrongContentType(accepted=", ".join(FORMS))
    if _one_at_a_time.locked():
        raise Busy
    async with _one_at_a_time:
        with tempfile.TemporaryFile(prefix="sepakat-bulk-") as file:
            signature = SignatureOfParts(settings.feed_secrets, dict(request.headers))
            encoding = request.headers.get("content-encoding", "identity").strip().lower()
            await spool(request.stream(), file, encoding=encoding, limit=LIMIT_BYTES, told=signature.update)
            signature.require()
            return await _load(request, file, FORMS[content_type])


async def _load(request: Request[Any, Any, Any], file: IO[bytes], form: Form) -> Run:
    load = _read_first(file.readline(MAX_LINE_BYTES))
    begin = file.tell()
    settings: Settings = request.app.state.settings
    async with request.app.state.pool.acquire(timeout=settings.pool_wait_s) as connection:
        now = await connection.fetchval(SQL["now"])

        async def source(skip: int) -> AsyncIterator[Batch]:
            file.seek(begin)
            async for batch in batches_of(file, load.kind, form, now, skip):
                yield batch

        try:
            await load_run(connection, load.name, load.kind, source)
        except LoadingError:
            raise Busy from None
        except LoadError as error:
            raise BulkLoadRefused(reason=str(error)) from None
        except HeaderError as error:
            raise RequestInvalid(errors=[{"field": "", "reason": str(error)}]) from None
        return await show_run(connection, load.name)


def _read_first(line: bytes) -> BulkLoad:
    try:
        return msgspec.convert(decode_item(line), BulkLoadLine).bulk_load
    except msgspec.ValidationError as error:
        raise RequestInvalid(errors=[{"field": "", "reason": f"the first line: {error}"}]) from None
