"""`/openapi.json` and `/docs`, with every script and style served from here: no other host is asked.

The page is Swagger UI (Apache-2.0, its licence lies beside it); `assets/` is all that the web can reach.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import Request, get
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.params import FromPath
from litestar.response import Response
from litestar.router import Router

from app.platform.openapi.answers import describe

_FOLDER = Path(__file__).parent / "assets"
ASSETS = {
    "swagger-ui-bundle.js": (_FOLDER / "swagger-ui-bundle.js.gz", "text/javascript"),
    "swagger-ui.css": (_FOLDER / "swagger-ui.css.gz", "text/css"),
    "start.js": (_FOLDER / "start.js", "text/javascript"),
}
_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; "
    "style-src 'self' 'unsafe-inline'; img-src data:; form-action 'none'"
)
DOCS_POLICY = f"{_POLICY}; base-uri 'none'; frame-ancestors 'none'"  # the last one is understood in a header only
_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sepakat</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/start.js"></script>
</body>
</html>
""".encode()


class _LocalSwagger(OpenAPIRenderPlugin):
    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        return _PAGE


NO_TRANSACTION = {"public": True, "transaction": False, "unlimited": True}


def openapi_config(version: str = "0.1.0") -> OpenAPIConfig:
    """For `Litestar(openapi_config=…)`; `openapi_routes` must be among its route handlers."""
    return OpenAPIConfig(
        title="Sepakat",
        version=version,
        openapi_router=Router("/docs", route_handlers=[], opt=NO_TRANSACTION, include_in_schema=False),
        render_plugins=[_LocalSwagger(path="/")],
        use_handler_docstrings=True,
    )


@get("/openapi.json", include_in_schema=False, sync_to_thread=False, opt=NO_TRANSACTION)
def show_schema(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    """The OpenAPI 3.1 description of this API."""
    document = describe(request.app, request.app.openapi_schema.to_schema())
    return Response(document, media_type="application/vnd.oai.openapi+json")


@get("/docs/assets/{name:str}", include_in_schema=False, sync_to_thread=True, opt=NO_TRANSACTION)
def show_asset(name: FromPath[str]) -> Response[bytes]:
    """A script or style of the page; the large ones are kept, and sent, compressed."""
    if name not in ASSETS:
        raise NotFoundException
    file, media_type = ASSETS[name]
    headers = {"Content-Encoding": "gzip"} if file.suffix == ".gz" else {}
    return Response(file.read_bytes(), media_type=media_type, headers=headers)


openapi_routes: list[BaseRouteHandler | Router] = [show_schema, show_asset]
