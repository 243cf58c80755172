"""Query names that a route does not declare are refused: an answer that ignored one would be silently wrong.

So are strings that a body may not hold either; in a path they lead to no route.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Receive, Send

from app.platform.problems import NotFound, RequestInvalid
from app.platform.strict_text import bad_text

MOST_FIELDS = 50


class StrictQuery:
    """ASGI middleware, for every route."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if bad_text(scope["path"]):
                raise NotFound
            if scope["query_string"]:
                _check(_read(scope["query_string"]), declared_names(scope["litestar_app"], scope["route_handler"]))
        await self.app(scope, receive, send)


def _read(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:  # UnicodeDecodeError is one
        raise RequestInvalid(errors=[{"field": "", "reason": "the query is not percent-encoded UTF-8"}]) from None


def _check(pairs: list[tuple[str, str]], declared: set[str]) -> None:
    errors = []
    for name, value in pairs:
        if name not in declared:
            errors.append({"field": "" if bad_text(name) else name, "reason": "no such query parameter"})
        elif (reason := bad_text(value)) is not None:
            errors.append({"field": name, "reason": reason})
    if errors:
        raise RequestInvalid(errors=errors)


def declared_names(app: Litestar, handler: object) -> set[str]:
    """The query names of a handler; those of all are read off the routes once."""
    names: dict[str, set[str]] | None = app.state.get("declared_query_names")
    if names is None:
        names = {
            str(handler): {parameter.field_alias for parameter in model.expected_query_params}
            for route in app.routes
            if isinstance(route, HTTPRoute)
            for handler, model in route.route_handler_map.values()
        }
        app.state.declared_query_names = names
    return names.get(str(handler), set())
