"""Events from the agency's core system: one result for each, and one bad event never stops the others."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.feed.event import read_event
from app.feed.rejection import Rejected
from app.feed.settle import Desk, Received, Result, release, settle
from app.feed.signature import SignatureInvalid, require_signature
from app.platform.jobs import Doorbell
from app.platform.strict_text import bad_text
from app.settings import Settings

BODY_LIMIT_BYTES = 1024 * 1024


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The events are read one by one: one that cannot be read must not refuse the others."""

    events: Annotated[list[Any], msgspec.Meta(min_length=1, max_length=1000)]


class Results(msgspec.Struct, frozen=True):
    """One result for each event, in their order."""

    results: list[Result]


@post(
    "/feed/v1/events",
    status_code=200,
    guards=[require_signature],
    opt={
        "problems": (SignatureInvalid,),
        "public": True,
        "transaction": False,
        "body_limit": BODY_LIMIT_BYTES,
        "unpacked_limit": BODY_LIMIT_BYTES,
        "each": "events",
    },
    tags=["feed"],
)
async def receive_events(
    request: Request[Any, Any, Any], data: JSONBody[Batch], settings: NamedDependency[Settings]
) -> Results:
    """Applies, holds or rejects each event. Sent again, a batch changes nothing.

    503 `busy` leaves the events before it settled and the rest untouched: send the same batch again.
    """
    desk = Desk(request.app.state.pool, settings, Doorbell())
    results: list[Result] = []
    try:
        for content in data.events:
            results.append(await receive_event(desk, content, results))
    finally:
        request.app.state.jobs.ring_soon(desk.doorbell)
    return Results(results)


async def receive_event(desk: Desk, content: Any, results: list[Result]) -> Result:
    """The result of one event; those of the same batch that it releases get theirs anew."""
    try:
        event, content_hash = read_event(content)
    except Rejected as rejected:
        return Result(_id_of(content), "rejected", rejected.code, rejected.detail)
    result, frees = await settle(desk, Received(event, content, content_hash))
    for released in await release(desk, set(event.streams) if frees else set()):
        for place, earlier in enumerate(results):
            if earlier.id == released.id and earlier.outcome == "held":
                results[place] = released
    return result


def _id_of(content: Any) -> str | None:
    """The id of an event that could not be read otherwise, if it looks like one."""
    found = content.get("id") if isinstance(content, dict) else None
    return found if isinstance(found, str) and len(found) <= 64 and bad_text(found) is None else None
