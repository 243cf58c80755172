"""The companion: a mobile web client, served under `/` as static files. It talks to the public API only.

Everything is read once, at start, and kept packed; a file is known by its ETag and asked for again cheaply.
"""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from app.settings import Settings

STATIC = Path(__file__).parent / "static"
MEDIA_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
}
PACKED = {".html", ".css", ".js", ".svg", ".txt", ".webmanifest"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'{more}; "
    "manifest-src 'self'; worker-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
OPT = {"public": True, "transaction": False, "unlimited": True}


class _File:
    def __init__(self, path: Path) -> None:
        content = path.read_bytes()
        self.media_type = MEDIA_TYPES[path.suffix]
        self.etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        self.plain = content
        self.packed = gzip.compress(content, mtime=0) if path.suffix in PACKED else None


FILES = {path.relative_to(STATIC).as_posix(): _File(path) for path in sorted(STATIC.rglob("*")) if path.is_file()}


def _answer(request: Request[Any, Any, Any], name: str, settings: Settings) -> Response[bytes]:
    file = FILES.get(name)
    if file is None:
        raise NotFoundException
    more = f" {settings.simulator_url}" if settings.simulator_url else ""
    headers = {
        "ETag": file.etag,
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
        "Content-Security-Policy": POLICY.format(more=more),
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    }
    if request.headers.get("if-none-match") == file.etag:
        return Response(b"", status_code=304, headers=headers)
    content = file.plain
    if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"], content = "gzip", file.packed
    return Response(content, media_type=file.media_type, headers=headers)


@get("/", include_in_schema=False, sync_to_thread=False, opt=OPT)
def show_companion(request: Request[Any, Any, Any], settings: NamedDependency[Settings]) -> Response[bytes]:
    """The one page; what it shows stands behind the `#` of its address."""
    return _answer(request, "index.html", settings)


@get(["/sw.js", "/manifest.webmanifest"], include_in_schema=False, sync_to_thread=False, opt=OPT)
def show_root_file(request: Request[Any, Any, Any], settings: NamedDependency[Settings]) -> Response[bytes]:
    """What must lie at the root: a service worker's reach is its own folder."""
    return _answer(request, request.url.path.lstrip("/"), settings)


@get("/companion/{name:path}", include_in_schema=False, sync_to_thread=False, opt=OPT)
def show_file(
    name: FromPath[str], request: Request[Any, Any, Any], settings: NamedDependency[Settings]
) -> Response[bytes]:
    """A script, style or picture."""
    return _answer(request, str(name).lstrip("/"), settings)
