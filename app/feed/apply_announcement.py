"""The agency explains something to many. Here it is taken; workers tell everybody."""

from __future__ import annotations

from app.feed.announcement import AnnouncementPublished, check
from app.feed.rejection import Rejected
from app.feed.turn import SQL as FEED
from app.feed.turn import Applied, Turn, check_no_streams
from app.platform.database import new_id
from app.platform.sql import load

SQL = load("feed/apply_announcement")


async def publish(turn: Turn, data: AnnouncementPublished) -> Applied:
    """Takes the text and its audience. `participants_unknown` when some of the numbers listed are nobody's.

    Raises Rejected: `data_invalid`, `announcement_tappable`, `announcement_unknown`, `employer_unknown`, `participant_unknown`,
    `stream_foreign`, and by the constraint's name `announcement_replaced_already`, `announcements_of_the_day`,
    `four_eyes_needed`.
    """
    check_no_streams(turn.event)
    check(data)
    unknown_kinds = await turn.connection.fetchval(SQL["unknown_kinds"], data.explains.kinds)
    if unknown_kinds:
        raise Rejected("data_invalid", reason=f"explains: there are no entries of kind {', '.join(unknown_kinds)}")
    employer_id = data.audience.employer_id
    if employer_id is not None and await turn.connection.fetchval(FEED["employer_name"], employer_id) is None:
        raise Rejected("employer_unknown")
    replaces = None
    if data.replaces is not None:
        replaces = await turn.connection.fetchval(SQL["find"], data.replaces)
        if replaces is None:
            raise Rejected("announcement_unknown")
    niks = data.niks
    unknown = await turn.connection.fetchval(
        SQL["publish"],
        new_id(),
        turn.event.id,
        data.severity,
        data.told_audience,
        None if niks is None else [turn.nik_hash(nik) for nik in niks],
        data.canonical,
        data.explains.kinds,
        data.explains.from_,
        data.explains.until,
        data.explains.event_ids,
        data.explains.merge_ids,
        replaces,
        data.staff,
        data.second_staff,
    )
    if niks is not None and unknown == len(niks):
        raise Rejected("participant_unknown")
    return Applied(None, None, "participants_unknown" if unknown else None)
