"""GET and POST /stop/{token}: the one act that works without signing in, for whoever reads the participant's messages.

It can do nothing else. Mail scanners follow links, so only the POST of the page's button acts; the token stands in no log,
no referrer and no cache.
"""

from __future__ import annotations

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.identity.stop_link import hash_stop_token
from app.merges.stop_page import ASK, DONE, HEADERS, MEDIA_TYPE, UNKNOWN
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import load

SQL = load("merges/stop")
BODY_LIMIT_BYTES = 1024
PAGE = {MEDIA_TYPE: {"type": "string"}}


@get("/stop/{token:str}", opt={"public": True, "answers": {404: PAGE}}, media_type="text/html", tags=["inbox"])
async def show_stop(token: FromPath[str], connection: NamedDependency[Connection]) -> Response[str]:
    """The page that says what STOP does; looking at it does nothing. 404, as a page, for a link that is not good."""
    token_hash = hash_stop_token(token)
    good = token_hash is not None and await connection.fetchval(SQL["find"], token_hash)
    return _page(ASK, 200) if good else _page(UNKNOWN, 404)


@post(
    "/stop/{token:str}",
    status_code=200,
    opt={"public": True, "form": True, "body_limit": BODY_LIMIT_BYTES, "answers": {404: PAGE}},
    media_type="text/html",
    tags=["inbox"],
)
async def stop(
    token: FromPath[str], connection: NamedDependency[Connection], doorbell: NamedDependency[Doorbell]
) -> Response[str]:
    """Cancels every open merge and freezes every card of the participant. Again gives the same page.

    A merge that the core reported stays, to be disputed. What a form sends along is not looked at.
    """
    token_hash = hash_stop_token(token)
    if token_hash is None or not await connection.fetchval(SQL["find"], token_hash):
        return _page(UNKNOWN, 404)
    stopped = await connection.fetchrow(SQL["stop"], token_hash)
    if stopped is None or stopped["participant_id"] is None:
        return _page(UNKNOWN, 404)
    doorbell.ring(stopped["participant_id"], stopped["lane"])
    return _page(DONE, 200)


def _page(content: str, status_code: int) -> Response[str]:
    return Response(content, status_code=status_code, media_type=MEDIA_TYPE, headers=HEADERS)
