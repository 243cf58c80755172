"""Posting beside everything else that goes on, and what no rule foresaw."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from app.bulk.post import post
from app.bulk.run import resume, show_run
from tests.bulk.conftest import Bulk, as_lines, contribution, growth
from tests.bulk.test_post import balances, data_of, told
from tests.conftest import Database
from tests.feed.conftest import Core, event
from tests.people import NewCard, Person, add_person


async def people(database: Database, number: int) -> list[Person]:
    return [await add_person(database, NewCard(balance=1)) for _ in range(number)]


async def test_two_posters_and_the_feed_at_once_lose_nothing(database: Database, core: Core, bulk: Bulk) -> None:
    crowd = await people(database, 12)
    rows = [growth(person.kpjs[0], 10, year=year) for person in crowd for year in (2023, 2024)]
    run = await resume(bulk.feed, (await bulk.load(as_lines(rows))).name, 40)
    other = await database.connect("sepakat_worker")

    async def post_all(connection: asyncpg.Connection[Any]) -> None:
        await post(connection, run.run_id)

    async def pay() -> None:
        for person in crowd:
            await core.apply(event("contribution.posted", data_of(contribution(person.kpjs[0], 100))))

    await asyncio.gather(post_all(bulk.feed), post_all(other), pay())
    await other.close()
    done = await show_run(bulk.feed, run.name)
    assert (done.posted, done.posted_amount, done.refused) == (24, "240", 0)
    for person in crowd:
        assert await balances(bulk, person.participant_id) == {person.kpjs[0]: 121}
        await told(bulk, person.participant_id)


async def test_an_event_that_is_under_way_while_its_row_is_staged_is_waited_for(
    database: Database, core: Core, bulk: Bulk
) -> None:
    person = (await people(database, 1))[0]
    row = contribution(person.kpjs[0], 100)
    holder = await database.connect("sepakat_feed")
    held = holder.transaction()
    await held.start()
    await holder.execute("SELECT lock_participant($1)", person.participant_id)
    sending = asyncio.create_task(core.send(event("contribution.posted", data_of(row)) | {"id": row["event_id"]}))
    await until_locked_out(bulk, 1)  # the event has its id, found no row with it, and waits for the participant
    loading = asyncio.create_task(bulk.load(as_lines([row]), "contributions"))
    both_wait = asyncio.create_task(until_locked_out(bulk, 2))
    await asyncio.wait([loading, both_wait], return_when=asyncio.FIRST_COMPLETED)
    assert not loading.done(), "what it would check is not there yet"
    await held.rollback()
    await holder.close()
    ((result,), run) = await asyncio.gather(sending, loading)
    assert result["outcome"] == "applied"
    assert await bulk.refusals(run) == {1: "already_posted"}
    assert await balances(bulk, person.participant_id) == {person.kpjs[0]: 101}


async def until_locked_out(bulk: Bulk, number: int) -> None:
    """Until so many sessions wait for what another one holds."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(5):
        while True:
            if await bulk.admin.fetchval(sql) >= number:
                return
            await asyncio.sleep(0.01)


async def test_a_chunk_that_waits_too_long_for_a_head_is_repeated(database: Database, bulk: Bulk) -> None:
    crowd = await people(database, 2)
    run = await resume(bulk.feed, (await bulk.load(as_lines([growth(person.kpjs[0], 3) for person in crowd]))).name)
    holder = await database.connect("sepakat_feed")
    held = holder.transaction()
    await held.start()
    await holder.execute("SELECT lock_participant($1)", crowd[1].participant_id)
    posting = asyncio.create_task(post(bulk.feed, run.run_id))
    await asyncio.sleep(2.3)  # its lock_timeout, and a little
    assert not posting.done()
    await held.rollback()
    await holder.close()
    assert await posting == "done"
    assert (await show_run(bulk.feed, run.name)).posted == 2


async def test_one_row_that_no_rule_foresaw_stops_no_other(database: Database, bulk: Bulk) -> None:
    crowd = await people(database, 9)
    rows = [growth(person.kpjs[0], 3) for person in crowd]
    rows[4]["amount"] = odd = 6_660_666
    run = await bulk.load(as_lines(rows))
    await bulk.admin.execute(
        f"ALTER TABLE ledger_entries ADD CONSTRAINT amount_is_not_odd CHECK (amount <> {odd}) NOT VALID"
    )
    try:
        done = await bulk.post(run)
    finally:
        await bulk.admin.execute("ALTER TABLE ledger_entries DROP CONSTRAINT amount_is_not_odd")
    assert (done.state, done.posted, done.posted_amount, done.refused_amount) == ("done", 8, "24", str(odd))
    (refused,) = await bulk.admin.fetch("SELECT * FROM bulk_refusals WHERE run_id = $1", run.run_id)
    assert (refused["line"], refused["code"], refused["detail"]) == (5, "invariant_violated", "amount_is_not_odd")


@pytest.mark.parametrize(
    ("guard", "named"), [("amount <> {}", "amount_is_not_odd"), ("1 / (amount - {}) < 2", "22012")]
)
async def test_a_row_that_stands_alone_and_that_no_rule_foresaw_stops_no_run(
    database: Database, bulk: Bulk, guard: str, named: str
) -> None:
    """Half of one row is none, and none would be the end of the run."""
    (person,) = await people(database, 1)
    run = await bulk.load(as_lines([growth(person.kpjs[0], odd := 6_660_667)]))
    check = guard.format(odd)
    await bulk.admin.execute(f"ALTER TABLE ledger_entries ADD CONSTRAINT amount_is_not_odd CHECK ({check}) NOT VALID")
    try:
        done = await bulk.post(run)
    finally:
        await bulk.admin.execute("ALTER TABLE ledger_entries DROP CONSTRAINT amount_is_not_odd")
    assert (done.state, done.posted, done.refused_amount) == ("done", 0, str(odd))
    (refused,) = await bulk.admin.fetch("SELECT code, detail FROM bulk_refusals WHERE run_id = $1", run.run_id)
    assert tuple(refused) == ("invariant_violated", named)


async def test_who_writes_rows_past_the_loading_moves_nobodys_money(database: Database, bulk: Bulk) -> None:
    """An insider with the feed's role names a card with another participant, and begins a run of his own half posted."""
    mine, other = await people(database, 2)
    run = await bulk.load(as_lines([growth(mine.kpjs[0], 3)]))
    await bulk.feed.execute(
        """INSERT INTO bulk_rows (participant_id, run_id, line, card_id, event_id, amount, effective_on, year)
        SELECT $1, run_id, 9, $2, event_id || '-forged', 3, effective_on, year FROM bulk_rows WHERE run_id = $3""",
        other.participant_id,
        await bulk.admin.fetchval("SELECT card_id FROM cards WHERE kpj = $1", mine.kpjs[0]),
        run.run_id,
    )
    await bulk.feed.execute("UPDATE bulk_runs SET rows = 2, amount = 6 WHERE run_id = $1", run.run_id)
    done = await asyncio.wait_for(bulk.post(run), 5)
    assert (done.state, done.posted, await bulk.refusals(run)) == ("done", 1, {9: "card_unknown"})
    assert await balances(bulk, mine.participant_id) | await balances(bulk, other.participant_id) == {
        mine.kpjs[0]: 4,
        other.kpjs[0]: 1,
    }
    for column in ("posted", "posted_amount", "reached", "state"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await bulk.feed.execute(f"INSERT INTO bulk_runs (name, kind, {column}) VALUES ('half', 'growth', NULL)")


async def test_a_pace_is_kept_by_all_who_post_together(database: Database, bulk: Bulk) -> None:
    crowd = await people(database, 6)
    run = await bulk.load(as_lines([growth(person.kpjs[0], 3) for person in crowd]))
    await resume(bulk.feed, run.name, 5)
    other = await database.connect("sepakat_worker")
    began = asyncio.get_running_loop().time()
    assert set(await asyncio.gather(post(bulk.feed, run.run_id), post(other, run.run_id))) == {"done"}
    await other.close()
    assert asyncio.get_running_loop().time() - began > 1.0, "two rows, and two more after 0.4 s, and again, and the end"
