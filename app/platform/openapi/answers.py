"""Every refusal of every route, read off the routes: for the OpenAPI document and docs/errors.md.

A route declares its own with `opt={"problems": (…)}`; what follows from its form (a body, a sign-in, an
Idempotency-Key) is added here. What a route sends that its return type does not tell it declares with
`opt={"answers": {status: {media type: schema}}}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from app.platform.limits import TooManyRequests, limits_of
from app.platform.problems import (
    MEDIA_TYPE,
    BodyMalformed,
    BodyTooLarge,
    Busy,
    InternalError,
    NotFound,
    Problem,
    RequestInvalid,
    WrongContentType,
)
from app.platform.transaction import IdempotencyInProgress, IdempotencyKeyMissing, IdempotencyKeyReused

LISTED = 8
PROBLEM_SCHEMA = {
    "type": "object",
    "description": "RFC 9457. `code` is stable; `detail` is for a person, in the language asked for; more members by code.",
    "required": ["type", "title", "status", "code", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri", "description": "The request's id"},
    },
}
BEARER = {"type": "http", "scheme": "bearer", "description": "The access token of a session"}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "New for every act; the same again gives the same answer again, for 24 hours",
    "schema": {"type": "string", "minLength": 1, "maxLength": 100},
}


def routes(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """Every described route: (method, path as in OpenAPI, handler)."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                if handler.resolve_include_in_schema() and not route.path.startswith("/docs"):
                    for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                        yield method, route.path_format, handler


def needs_key(method: str, handler: HTTPRouteHandler) -> bool:
    """Whether the route takes an Idempotency-Key."""
    return method == "POST" and not (handler.opt.get("public") or handler.opt.get("repeatable"))


def problems_of(app: Litestar, method: str, path: str, handler: HTTPRouteHandler) -> list[type[Problem]]:
    """All refusals of one route, by status and code.

    `app.state.of_sign_in` are those of a missing or expired session, `app.state.limits` the table of limits.
    """
    signed_in = not handler.opt.get("public")
    limited = bool(limits_of(app.state.get("limits", ()), method, path, handler))
    groups: list[tuple[bool, tuple[type[Problem], ...]]] = [
        (True, (InternalError, *handler.opt.get("problems", ()))),
        (signed_in, app.state.get("of_sign_in", ())),
        (limited, (TooManyRequests, Busy)),
        (handler.opt.get("transaction") is not False or "problems" in handler.opt, (Busy,)),
        (method not in ("GET", "HEAD"), (BodyMalformed, BodyTooLarge, WrongContentType)),
        (True, (RequestInvalid,)),
        ("{" in path, (NotFound,)),
        (needs_key(method, handler), (IdempotencyKeyMissing, IdempotencyKeyReused, IdempotencyInProgress)),
    ]
    found = {problem for holds, problems in groups if holds for problem in problems}
    return sorted(found, key=lambda problem: (problem.status, problem.code))


def describe(app: Litestar, document: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with every refusal, the security scheme and Idempotency-Key in it."""
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    components["securitySchemes"] = {"session": BEARER}
    for method, path, handler in routes(app):
        operation = document["paths"][path][method.lower()]
        answers = operation["responses"]
        answers.pop("400", None)  # Litestar's own form of it, which is not what is sent
        codes: dict[int, list[str]] = {}
        for problem in problems_of(app, method, path, handler):
            codes.setdefault(problem.status, []).append(problem.code)
        for status, names in codes.items():
            schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, {"properties": {"code": {"enum": names}}}]}
            answers[str(status)] = {
                "description": f"{HTTPStatus(status).phrase}: {', '.join(names)}",
                "content": {MEDIA_TYPE: {"schema": schema}},
            }
        for status, content in handler.opt.get("answers", {}).items():
            _say_what_is_sent(answers, status, {kind: {"schema": schema} for kind, schema in content.items()})
        if needs_key(method, handler):
            operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
        if handler.opt.get("signed_in") or not handler.opt.get("public"):
            operation["security"] = [{"session": []}]
        if "body_types" in handler.opt:
            content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in handler.opt["body_types"]}
            operation["requestBody"] = {"required": True, "content": content}
    return document


def _say_what_is_sent(answers: dict[str, Any], status: int, content: dict[str, Any]) -> None:
    """What a handler sends by itself replaces what Litestar made of its return type; beside a refusal it is one more form."""
    answer = answers.setdefault(str(status), {"description": HTTPStatus(status).phrase})
    if status < 400:
        answer.pop("content", None)
    if content:
        answer.setdefault("content", {}).update(content)


def errors_page(apps: dict[str, Litestar]) -> str:
    """docs/errors.md: every code, what it says, and where it comes from."""
    where: dict[type[Problem], list[str]] = {}
    for app in apps.values():
        for method, path, handler in routes(app):
            for problem in problems_of(app, method, path, handler):
                where.setdefault(problem, []).append(f"`{method} {path}`")
    total = len({place for places in where.values() for place in places})
    lines = [
        "# Errors",
        "",
        "Every refusal is `application/problem+json` (RFC 9457) with a stable `code`; `detail` is for a person, Indonesian by",
        "default, English with `Accept-Language: en`. Generated from the code by `make docs`, and tested against every answer",
        "that the tests see.",
        "",
        "| status | code | what it says | from |",
        "|---|---|---|---|",
    ]
    for problem in sorted(where, key=lambda problem: (problem.status, problem.code)):
        places = sorted(set(where[problem]))
        shown = ", ".join(places) if len(places) <= LISTED else f"{len(places)} of {total} routes"
        lines.append(f"| {problem.status} | `{problem.code}` | {problem.english} | {shown} |")
    return "\n".join(lines) + "\n"
