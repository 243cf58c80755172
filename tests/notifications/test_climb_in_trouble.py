"""What a climb makes of refusals, lost answers, other workers and those who would silence it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from app.notifications.climb import Climber
from app.platform.database import Pool
from tests.conftest import Apps
from tests.local.running_simulator import RunningSimulator
from tests.notifications.conftest import MakeClimber
from tests.notifications.told import HOUR, MINUTE, someone


async def test_a_server_in_trouble_holds_up_neither_the_other_channel_nor_its_own_mail_for_ever(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber, pool: Pool
) -> None:
    dwi = await someone(fresh_apps, simulator)
    simulator.script(dwi.email, {"status": 451}, {"status": 451})
    await dwi.propose()
    await dwi.wait(5 * HOUR)
    assert await climber.climb() == 1
    assert dwi.count() == (0, 1)
    waits = await pool.fetchval(
        "SELECT not_before - clock_timestamp() FROM climbs WHERE channel = 'mail' AND state = 'waiting'"
    )
    assert timedelta(seconds=55) < waits <= timedelta(seconds=75), "no sooner than the greylist says"
    assert await climber.climb() == 0
    for taken in (0, 1):
        await dwi.ask("UPDATE climbs SET not_before = NULL WHERE state = 'waiting'")
        assert await climber.climb() == taken
    assert dwi.count() == (1, 1)
    assert (
        await pool.fetchval("SELECT attempts FROM climbs WHERE channel = 'mail' AND state = 'sent' AND due_at > now()")
        == 3
    )


async def test_an_address_that_is_refused_makes_the_next_step_due(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber
) -> None:
    dwi = await someone(fresh_apps, simulator)
    simulator.script(dwi.email, {"status": 550})
    assert dwi.person.phone
    simulator.script(dwi.person.phone, {"status": 422})
    await dwi.propose()
    await dwi.wait(16 * MINUTE)
    assert await climber.climb() == 0
    assert await dwi.climbs() == {"mail": "rejected", "sms": "rejected", "people": "waiting"}, "her phone was pushed to"
    codes = await dwi.ask("SELECT code FROM climbs WHERE state = 'rejected' ORDER BY step")
    assert [row["code"] for row in codes] == ["SMTP_550", "HTTP_422"]


async def test_a_lost_answer_of_the_gateway_makes_no_second_text(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber
) -> None:
    dwi = await someone(fresh_apps, simulator, mail=False, pushed=False)
    assert dwi.person.phone
    simulator.script(dwi.person.phone, {"drop": True})
    await dwi.propose()
    assert await climber.climb() == 0
    await dwi.ask("UPDATE climbs SET not_before = NULL WHERE state = 'waiting'")
    assert await climber.climb() == 1
    assert dwi.count() == (0, 1)


async def test_four_workers_send_each_message_once(
    fresh_apps: Apps, simulator: RunningSimulator, new_climber: MakeClimber
) -> None:
    people = [await someone(fresh_apps, simulator, pushed=False) for _ in range(6)]
    for told in people:
        await told.propose()
    await people[0].wait(5 * HOUR)
    assert sum(await asyncio.gather(*(new_climber().climb() for _ in range(4)))) == 12
    assert [told.count() for told in people] == [(1, 1)] * 6


async def test_a_worker_that_wakes_after_its_lease_writes_nothing(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber
) -> None:
    dwi = await someone(fresh_apps, simulator, mail=False, pushed=False)
    assert dwi.person.phone
    simulator.script(dwi.person.phone, {"delay_s": 0.5})
    await dwi.propose()
    asleep = asyncio.create_task(climber.climb())
    await asyncio.sleep(0.25)
    await dwi.ask(
        "UPDATE climbs SET attempts = attempts + 1, not_before = NULL WHERE state = 'waiting' AND channel = 'sms'"
    )
    await asleep
    assert (await dwi.climbs())["sms"] == "sent", "by the attempt that came after"
    rows = await dwi.ask("SELECT attempts FROM climbs WHERE channel = 'sms' AND state = 'sent'")
    assert [row["attempts"] for row in rows] == [3]
    assert dwi.count() == (0, 1)


FORBIDDEN = {
    "begin one": (
        "INSERT INTO climbs SELECT participant_id, cause_id, 'sms', 9, seqs, due_at FROM climbs LIMIT 1",
        None,
    ),
    "silence it": (
        "UPDATE climbs SET state = 'acknowledged', ended_at = now() WHERE state = 'waiting'",
        "climbs_end_once",
    ),
    "push it away": ("UPDATE climbs SET due_at = due_at + interval '1 day' WHERE state = 'waiting'", "climbs_end_once"),
    "take it back": (
        "UPDATE climbs SET state = 'waiting', ended_at = NULL WHERE state = 'acknowledged'",
        "climbs_end_once",
    ),
    "forget it": ("DELETE FROM climbs", "climbs_are_kept"),
    "forget all": ("TRUNCATE climbs", "climbs_are_kept"),
    "slow it down": ("UPDATE ladder_steps SET after = '1 year'", None),
}


@pytest.mark.parametrize("name", FORBIDDEN)
async def test_nobody_is_silenced_by_sql(fresh_apps: Apps, simulator: RunningSimulator, name: str) -> None:
    dwi = await someone(fresh_apps, simulator)
    await dwi.propose()
    sql, constraint = FORBIDDEN[name]
    for role in ("sepakat_api", "sepakat_worker", "sepakat_feed", "sepakat_operator"):
        connection = await fresh_apps.database.connect(role)
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute(sql)
        await connection.close()
    if constraint is not None:
        connection = await fresh_apps.database.connect()
        with pytest.raises(asyncpg.PostgresError) as refused:
            await connection.execute(sql)
        assert refused.value.constraint_name == constraint
        await connection.close()


async def test_no_log_tells_an_address_a_text_or_a_link(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber, capfd: pytest.CaptureFixture[str]
) -> None:
    dwi = await someone(fresh_apps, simulator)
    simulator.script(dwi.email, {"status": 451}, {"status": 550})
    assert dwi.person.phone
    simulator.script(dwi.person.phone, {"status": 503, "retry_after": 1}, {"status": 422})
    await dwi.propose()
    await dwi.wait(5 * HOUR)
    await climber.climb()
    await dwi.ask("UPDATE climbs SET not_before = NULL WHERE state = 'waiting'")
    await asyncio.sleep(1.1)
    await climber.climb()
    said = capfd.readouterr().err
    assert said.count("climb_waits") == said.count("climb_rejected") == 2
    for secret in (
        dwi.email,
        dwi.person.phone,
        "/stop/",
        "STOP",
        dwi.person.name,
        *dwi.person.kpjs,
        str(dwi.person.participant_id),
    ):
        assert secret not in said
