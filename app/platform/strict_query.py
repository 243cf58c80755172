"""Query names that a route does not declare are refused: an answer that ignored one would be silently wrong."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Receive, Send

from app.platform.problems import RequestInvalid


class StrictQuery:
    """ASGI middleware, for every route."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["query_string"]:
            names = {name for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)}
            unknown = names - declared_names(scope["litestar_app"]).get(str(scope["route_handler"]), set())
            if unknown:
                errors = [{"field": name, "reason": "no such query parameter"} for name in sorted(unknown)]
                raise RequestInvalid(errors=errors)
        await self.app(scope, receive, send)


def declared_names(app: Litestar) -> dict[str, set[str]]:
    """The query names of every handler, read off the routes once."""
    names: dict[str, set[str]] | None = app.state.get("declared_query_names")
    if names is None:
        names = {
            str(handler): {parameter.field_alias for parameter in model.expected_query_params}
            for route in app.routes
            if isinstance(route, HTTPRoute)
            for handler, model in route.route_handler_map.values()
        }
        app.state.declared_query_names = names
    return names
