"""Errors as RFC 9457 problem details: classes with a stable code, rendered in one place.

A problem that is raised rolls the transaction back, unless its class `leaves_trace` (a code tried, a challenge spent,
a plan renewed): then what was written until then is committed, and the request is refused all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar
from uuid import uuid4
from zoneinfo import ZoneInfo

import asyncpg
import msgspec
import structlog
from babel.dates import format_datetime
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """A refusal with a stable `code`.

    `indonesian` and `english` say what happened and what to do next; members given to the constructor are members of
    the answer and may stand in the texts as `{name}`.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]
    indonesian: ClassVar[str]
    english: ClassVar[str]
    leaves_trace: ClassVar[bool] = False
    constraint: ClassVar[str | None] = None
    """The name of the database constraint whose violation is this problem."""

    def __init__(self, *, headers: dict[str, str] | None = None, **members: object) -> None:
        super().__init__(self.code)
        self.members = members
        self.headers = headers or {}


def every_problem(base: type[Problem] = Problem) -> Iterator[type[Problem]]:
    """All problem classes that are imported, for docs and OpenAPI."""
    for kind in base.__subclasses__():
        yield kind
        yield from every_problem(kind)


class RequestInvalid(Problem):
    status, code, title = 400, "request_invalid", "The request does not fit"
    indonesian = "Isi permintaan tidak sesuai. Perbaiki bagian yang disebut, lalu kirim lagi."
    english = "The request does not have the right form. Correct the named fields and send it again."


class BodyMalformed(Problem):
    status, code, title = 400, "body_malformed", "The body is not strict JSON"
    indonesian = "Isi permintaan bukan JSON yang sah: {reason}."
    english = "The body is not strict JSON: {reason}."


class BodyTooLarge(Problem):
    status, code, title = 413, "body_too_large", "The body is too large"
    indonesian = "Isi permintaan melebihi {limit} byte. Kirim yang lebih kecil."
    english = "The body is larger than {limit} bytes. Send a smaller one."


class WrongContentType(Problem):
    status, code, title = 415, "content_type_unsupported", "The content type is not supported"
    indonesian = "Kirim sebagai {accepted}."
    english = "Send it as {accepted}."


class NotFound(Problem):
    status, code, title = 404, "route_unknown", "No such route"
    indonesian = "Alamat ini tidak ada. Lihat /docs untuk semua alamat."
    english = "This address does not exist. See /docs for all of them."


class MethodNotAllowed(Problem):
    status, code, title = 405, "method_not_allowed", "The method is not allowed here"
    indonesian = "Metode ini tidak berlaku di alamat ini."
    english = "This method does not apply to this address."


class Busy(Problem):
    status, code, title = 503, "busy", "Busy"
    indonesian = "Layanan sedang sibuk. Coba lagi sebentar lagi; tidak ada yang hilang."
    english = "The service is busy. Try again in a moment; nothing is lost."

    def __init__(self, *, after_s: int = 1, **members: object) -> None:
        super().__init__(headers={"Retry-After": str(after_s)}, **members)


class InternalError(Problem):
    status, code, title = 500, "internal_error", "Something failed here"
    indonesian = "Terjadi kesalahan di pihak kami. Tidak ada yang berubah; coba lagi, atau sebutkan nomor ini."
    english = "Something failed on our side. Nothing was changed; try again, and quote this request id if it recurs."


BUSY_ERRORS = (
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.QueryCanceledError,
    asyncpg.TooManyConnectionsError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    TimeoutError,
    ConnectionError,
)


def from_exception(error: BaseException) -> Problem:
    """The problem that an exception is shown as. What nobody foresaw is `internal_error`, logged with its trace."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException) and error.status_code < 500:
        return _from_litestar(error)
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        for kind in every_problem():
            if kind.constraint is not None and kind.constraint == error.constraint_name:
                return kind()
    if isinstance(error, BUSY_ERRORS):
        # asyncpg says InterfaceError of a lost connection, and of our own misuse of one: that needs its trace
        log.warning("busy", error=type(error).__name__, exc_info=isinstance(error, asyncpg.InterfaceError))
        return Busy()
    log.error("internal_error", exc_info=error)
    return InternalError()


def _from_litestar(error: HTTPException) -> Problem:
    if error.status_code == 404:
        return NotFound()
    if error.status_code == 405:
        return MethodNotAllowed(headers=dict(error.headers or {}))
    if isinstance(error, ValidationException):
        found = [item for item in error.extra or [] if isinstance(item, dict)]
        return RequestInvalid(
            errors=[{"field": str(item.get("key", "")), "reason": str(item.get("message", ""))} for item in found]
        )
    return RequestInvalid(errors=[{"field": "", "reason": str(error.detail)}])


def speaks_english(accept_language: str) -> bool:
    """Indonesian unless English is asked for first."""
    return accept_language.strip().lower().startswith("en")


def body(problem: Problem, *, english: bool, instance: str) -> bytes:
    """The problem as JSON (UTF-8)."""
    detail = problem.english if english else problem.indonesian
    return msgspec.json.encode(
        {
            "type": f"urn:sepakat:problem:{problem.code}",
            "title": problem.title,
            "status": problem.status,
            "code": problem.code,
            "detail": detail.format_map({name: _say(value, english) for name, value in problem.members.items()}),
            "instance": instance,
            **problem.members,
        }
    )


def _say(value: object, english: bool) -> object:
    """A member as a person reads it: an instant in Jakarta's time."""
    if not isinstance(value, datetime):
        return value
    local = value.astimezone(ZoneInfo("Asia/Jakarta"))
    return format_datetime(local, "d MMMM y, HH.mm", locale="en" if english else "id") + " WIB"


def render(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's exception handler for everything; tells the transaction around it whether to keep what was written."""
    problem = from_exception(error)
    request.scope["state"]["keep_trace"] = problem.leaves_trace
    request.scope["state"]["refused"] = True
    return Response(
        body(
            problem,
            english=speaks_english(request.headers.get("accept-language", "")),
            instance=f"urn:uuid:{request.scope['state'].get('request_id') or uuid4()}",
        ),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=problem.headers,
    )
