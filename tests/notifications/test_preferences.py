"""What people chose, on the ladder; and which kinds nobody can silence."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from app.notifications.climb import Climber
from app.notifications.wording_page import SWITCHABLE
from tests.conftest import Apps, Database
from tests.local.running_simulator import RunningSimulator
from tests.notifications.told import HOUR, MINUTE, Told, happen_together, someone

NIGHT = {"from": "22:00", "to": "06:00"}
WIT = ZoneInfo("Asia/Jayapura")


async def choose(dwi: Told, **preferences: object) -> None:
    assert (await dwi.phone.patch("/v1/me/preferences", preferences)).status_code == 200


async def until(dwi: Told, hour: int) -> None:
    """The next time that it is so late in Jayapura."""
    [row] = await dwi.ask("SELECT current_instant() AS now")
    now = row["now"].astimezone(WIT)
    seconds = (hour - now.hour) * HOUR - now.minute * MINUTE - now.second
    await dwi.wait(seconds % (24 * HOUR))


async def test_what_is_mandatory_is_decided_by_a_row_and_told_in_the_docs(database: Database) -> None:
    connection = await database.connect()
    kinds = await connection.fetch("SELECT kind, reach, class, mandatory FROM entry_kinds")
    steps = {row["kind"] for row in await connection.fetch("SELECT kind FROM merge_transitions")}
    await connection.close()
    free = {row["kind"] for row in kinds if not row["mandatory"]}
    assert {row["kind"] for row in kinds if row["reach"] in ("push", "ladder")} & free == set(SWITCHABLE)
    assert len(SWITCHABLE) < 20
    assert not free & steps
    assert not [kind for kind in free if kind.startswith(("merge", "undo", "key", "balance_differs"))]
    # What a step of a merge does to each of its cards, whose entries share the cause of the step.
    of_cards = (
        "merged",
        "forwarded",
        "received_merge",
        "undone",
        "gave_back",
        "restored",
        "reversed",
        "released",
        "frozen",
    )
    assert not [kind for kind in free if kind.startswith(tuple(f"card_{what}" for what in of_cards))]
    assert not [row["kind"] for row in kinds if row["class"] == "security" and row["kind"] in free]


async def test_mail_waits_for_the_morning_and_a_merge_does_not(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber
) -> None:
    dwi = await someone(fresh_apps, simulator)
    await choose(dwi, time_zone="Asia/Jayapura", quiet_hours=NIGHT)
    await until(dwi, 22)
    await happen_together(dwi, "case_overdue")
    await happen_together(dwi, "case_overdue", "merge_proposed")
    await dwi.wait(16 * MINUTE)
    assert await climber.climb() == 1
    [mail] = dwi.mails()
    assert "Usulan menggabungkan kartu" in mail["text"]
    await dwi.wait(4 * HOUR)
    assert await climber.climb() == 1
    assert dwi.count() == (1, 1)
    await until(dwi, 6)
    assert await climber.climb() == 2
    assert dwi.count() == (2, 2), "both are overdue by now"


async def test_hours_that_are_ended_release_the_mail_that_waits(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber
) -> None:
    dwi = await someone(fresh_apps, simulator)
    await choose(dwi, time_zone="Asia/Jayapura", quiet_hours=NIGHT)
    await until(dwi, 22)
    await happen_together(dwi, "case_overdue")
    await dwi.wait(16 * MINUTE)
    assert await climber.climb() == 0
    await choose(dwi, quiet_hours=None)
    assert await climber.climb() == 1


async def test_a_step_that_is_switched_off_is_left_out_and_the_next_keeps_its_time(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber
) -> None:
    dwi = await someone(fresh_apps, simulator)
    await choose(dwi, channels={"card": {"email": False}, "notice": {"sms": False}})
    await happen_together(dwi, "case_overdue")
    await dwi.wait(16 * MINUTE)
    assert await climber.climb() == 0
    assert await dwi.climbs() == {"mail": "switched_off", "sms": "waiting", "people": "waiting"}
    assert await climber.climb() == 0, "SMS is not hurried by it"
    await dwi.wait(4 * HOUR)
    assert await climber.climb() == 1
    await dwi.propose()
    await dwi.wait(16 * MINUTE)
    assert await climber.climb() == 1
    assert dwi.count() == (1, 1), "of a merge she is told by mail all the same"


async def test_an_acknowledgement_on_one_phone_cancels_the_steps_of_its_own_entry_and_no_others(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber
) -> None:
    dwi = await someone(fresh_apps, simulator)
    [done] = await happen_together(dwi, "case_overdue")
    [open_] = await happen_together(dwi, "case_overdue")
    first, second = await happen_together(dwi, "case_overdue", "card_transferred_here")
    for seq in (done, first):
        assert (await dwi.phone.post(f"/v1/inbox/{seq}/acknowledge")).status_code == 200
    rows = await dwi.ask(
        "SELECT seqs, array_agg(DISTINCT state) AS states FROM climbs WHERE participant_id = $1 AND seqs && $2 GROUP BY seqs",
        dwi.person.participant_id,
        [done, open_, first, second],
    )
    assert {tuple(row["seqs"]): row["states"] for row in rows} == {
        (done,): ["acknowledged"],
        (open_,): ["waiting"],
        (first, second): ["waiting"],
    }
    await dwi.wait(16 * MINUTE)
    assert await climber.climb() == 2
    assert dwi.count() == (2, 0)
