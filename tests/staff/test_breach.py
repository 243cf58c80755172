"""After a breach at a desk of staff: everybody whom they looked at is on the list, also who was only looked at."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

from app.history.breach import list_touched
from tests.cases.reports import Reported
from tests.conftest import Database
from tests.staff.conftest import Staff


async def test_whom_staff_looked_at_is_on_the_list(staff: Staff, reported: Reported, database: Database) -> None:
    case = await reported.dispute()
    await staff.read(case["id"])
    connection = await database.connect()
    now = await connection.fetchval("SELECT current_instant()")
    await connection.close()
    out, hour = io.StringIO(), timedelta(hours=1)
    await list_touched(database.url("sepakat_operator"), now - hour, now + hour, "sepakat_staff", out)
    rows = {row["participant_id"]: row for row in csv.DictReader(io.StringIO(out.getvalue()))}
    mine = rows[str(reported.person.participant_id)]
    assert (mine["looks"], mine["kinds"], mine["database_roles"]) == ("1", "looked_at", "sepakat_staff")
