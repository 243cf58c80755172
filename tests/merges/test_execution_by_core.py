"""The core carries out what was confirmed, and tells: executed here if it is that to the rupiah, and else without consent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio
from rich.console import Console

from app.local.carry_out import carry_out
from app.local.core import Core as PlayedCore
from app.local.servers import Postgres, Valkey
from app.merges.execute import look_at_waiting, settle
from app.merges.unanswered import LONG, count_waiting, tell_unanswered
from app.platform import database as pools
from app.platform.database import Pool
from app.settings import Settings
from app.verify.history import verify_history
from tests.conftest import FEED_SECRET, Apps, Database, settings_for
from tests.feed.conftest import Core, contribution, event
from tests.merges.conftest import COOLING_OFF_S
from tests.merges.handed import Due, cards, confirmed, states, told_to_core
from tests.merges.merged import NEW, OLD, TOTAL, jakarta
from tests.merges.test_reverse import answer, newest, refused, show, trusted
from tests.people import NewCard

DAY_S = 86_400
Wait = Callable[[int], Awaitable[None]]


@pytest.fixture(scope="module")
def database(own_database: Database) -> Database:
    """These tests move the clock by days."""
    return own_database


@pytest.fixture(scope="module")
def apps(own_apps: Apps) -> Apps:
    return own_apps


@pytest_asyncio.fixture
async def worker(database: Database, servers: tuple[Postgres, Valkey]) -> Any:
    """The worker of an agency whose core executes: its pool and its settings."""
    settings = msgspec.structs.replace(settings_for(database, servers[1], "sepakat_worker"), merge_execution="core")
    pool = await pools.connect(settings.database_url, size=2, application="test worker")
    yield pool, settings
    await pool.close()


@pytest_asyncio.fixture
async def due(api: httpx.AsyncClient, database: Database, wait: Wait, worker: tuple[Pool, Settings]) -> Due:
    person, phone, merge_id = await confirmed(api, database, OLD, NEW)
    await wait(COOLING_OFF_S + 1)
    await settle(*worker)
    merge = await show(phone, merge_id)
    return Due(person, phone, merge_id, merge["executes_at"])


async def test_a_walk_carries_it_out(feed: httpx.AsyncClient, due: Due, capsys: pytest.CaptureFixture[str]) -> None:
    played = PlayedCore(feed, FEED_SECRET)
    await carry_out(played, [], Console())
    assert await states(due.phone) == [("executed", "acknowledged")]
    assert await carry_out(played, [due.id], Console()) == 1
    assert f"{due.id} does not wait for the core" in capsys.readouterr().out


async def test_what_the_core_reports_as_confirmed_is_executed_by_the_report(
    core: Core, due: Due, worker: tuple[Pool, Settings]
) -> None:
    before = await cards(due.phone)
    merge = await show(due.phone, due.id)
    assert (merge["state"], merge["core"], merge["waits_for_core_since"]) == ("confirmed", "pending", due.executes_at)
    assert "menunggu lembaga pengelola" in (await newest(due.phone, "merge_due"))["title"]
    await settle(*worker)
    await look_at_waiting(*worker)
    assert await cards(due.phone) == before
    assert await told_to_core(core, due.person) == ["merge.confirmed", "merge.due"]

    assert await answer(core, event("merge.acknowledged", {"merge_id": due.id})) == ("rejected", "report_needed")
    assert await answer(core, due.report()) == ("applied", "merge_executed")
    assert await cards(due.phone) == [("merged", 0), ("active", TOTAL)]
    merge = await show(due.phone, due.id)
    assert (merge["state"], merge["core"], merge["waits_for_core_since"]) == ("executed", "acknowledged", None)
    assert "persis seperti yang Anda setujui" in (await newest(due.phone, "merge_executed"))["body"]
    assert (await core.history(due.person.nik))[-1]["origin"] == "core"
    assert await answer(core, due.report()) == ("applied", "merge_acknowledged")
    assert (await told_to_core(core, due.person))[2:] == ["merge.executed"]
    assert verify_history((await due.phone.get("/v1/me/export")).content, trusted())


async def test_several_cards_are_reported_in_one_event(
    api: httpx.AsyncClient, database: Database, core: Core, wait: Wait, worker: tuple[Pool, Settings]
) -> None:
    third = NewCard(balance=3, status="active", opened_on=date(2020, 1, 1))
    for complete, outcome in ((True, "merge_executed"), (False, None)):
        person, phone, merge_id = await confirmed(api, database, OLD, NEW, third)
        await wait(COOLING_OFF_S + 1)
        await settle(*worker)
        merge = await show(phone, merge_id)
        *absorbed, into = person.kpjs
        balances = {kpj: card.balance or 0 for kpj, card in person.cards.items()}
        day = jakarta(merge["executes_at"]).isoformat()
        told: dict[str, Any] = {"absorbed": absorbed, "into": into, "merged_on": day, "balances": balances}
        if not complete:
            told |= {"absorbed": absorbed[:1], "balances": {kpj: balances[kpj] for kpj in (absorbed[0], into)}}
        report = event("card.merged", told, occurred_at=merge["executes_at"])
        assert await answer(core, report) == ("applied", outcome)
        marks = [status for status, _ in await cards(phone)]
        assert marks == (["merged", "merged", "active"] if complete else ["merged_without_consent", "active", "active"])


@pytest.mark.parametrize(
    "otherwise", [{"into": 0}, {"less": 1}, {"days": -1}, {"without": 1}], ids=["survivor", "rupiah", "day", "figure"]
)
async def test_anything_else_is_a_merge_without_consent(core: Core, due: Due, otherwise: dict[str, int]) -> None:
    balances = {balance for _, balance in await cards(due.phone)}
    assert await answer(core, due.report(**otherwise)) == ("applied", None)
    shown = await cards(due.phone)
    assert {balance for _, balance in shown} == balances
    assert [status for status, _ in shown].count("merged_without_consent") == 1
    assert sorted(await states(due.phone)) == [("cancelled", None), ("reported", None)]
    assert (await newest(due.phone, "merge_reported"))["reach"] == "ladder"


async def test_money_in_between_takes_it_from_the_core(core: Core, due: Due, worker: tuple[Pool, Settings]) -> None:
    report = due.report()
    await core.apply(contribution(due.person.kpjs[1], 1000, occurred_at=due.executes_at))
    await look_at_waiting(*worker)
    merge = await show(due.phone, due.id)
    assert (merge["state"], merge["core"], merge["last_refusal"]["code"]) == ("proposed", None, "merge_plan_stale")
    assert (await told_to_core(core, due.person))[-1] == "merge.unconfirmed"
    assert "diberi tahu untuk tidak melakukannya" in (await newest(due.phone, "merge_refused"))["body"]
    assert await answer(core, report) == ("applied", None)
    assert [status for status, _ in await cards(due.phone)] == ["merged_without_consent", "active"]


async def test_who_cancels_in_time_is_told_honestly_if_the_core_was_quicker(core: Core, due: Due) -> None:
    assert (await due.phone.post(f"/v1/merges/{due.id}/cancel", {})).status_code == 200
    entry = await newest(due.phone, "merge_cancelled")
    assert "diberi tahu untuk tidak melakukannya" in entry["body"]
    assert (await told_to_core(core, due.person))[-1] == "merge.cancelled"
    assert await states(due.phone) == [("cancelled", None)]
    assert await answer(core, due.report()) == ("applied", None)
    assert sorted(await states(due.phone)) == [("cancelled", None), ("reported", None)]


async def test_a_cancel_and_a_report_at_once_end_in_one_of_two_honest_ways(core: Core, due: Due) -> None:
    cancelled, (told,) = await asyncio.gather(
        due.phone.post(f"/v1/merges/{due.id}/cancel", {}), core.send(due.report())
    )
    ended = sorted(await states(due.phone))
    if cancelled.status_code == 200:
        assert (told["code"], ended) == (None, [("cancelled", None), ("reported", None)])
    else:
        assert (cancelled.status_code, cancelled.json()["code"]) == (409, "merge_already_executed")
        assert (told["code"], ended) == ("merge_executed", [("executed", "acknowledged")])


async def test_what_the_core_will_not_do_is_a_proposal_again(core: Core, due: Due) -> None:
    assert await answer(core, refused(due.id)) == ("applied", None)
    assert await states(due.phone) == [("proposed", None)]


async def test_a_hold_takes_it_from_the_core_until_it_is_over(
    core: Core, due: Due, wait: Wait, worker: tuple[Pool, Settings]
) -> None:
    told = {"nik": due.person.nik, "on": jakarta(due.executes_at).isoformat()}
    ported = event("participant.phone_ported", told, occurred_at=due.executes_at)
    await core.apply(ported)
    merge = await show(due.phone, due.id)
    assert (merge["state"], merge["core"]) == ("confirmed", None)
    assert (await told_to_core(core, due.person))[-1] == "merge.delayed"
    await wait(3 * DAY_S + 1)
    await settle(*worker)
    assert (await told_to_core(core, due.person))[-1] == "merge.due"


async def test_a_core_that_says_nothing_is_told_once_and_then_it_is_a_proposal_again(
    core: Core, due: Due, wait: Wait, worker: tuple[Pool, Settings]
) -> None:
    pool, settings = worker
    await tell_unanswered(pool, settings)
    before = await core.history(due.person.nik)
    assert before[-1]["kind"] == "merge_due"
    await wait(3 * DAY_S + 1)
    for _ in range(2):
        await tell_unanswered(pool, settings)
    assert [entry["kind"] for entry in (await core.history(due.person.nik))[len(before) :]] == ["merge_unanswered"]
    (waiting,) = [found for found in await count_waiting(pool, LONG) if found.state == "confirmed"]
    assert waiting.unanswered >= 1
    await look_at_waiting(pool, settings)
    await due.phone.sign_in()
    assert await states(due.phone) == [("confirmed", "pending")]

    await wait(27 * DAY_S)
    await look_at_waiting(pool, settings)
    await due.phone.sign_in()
    merge = await show(due.phone, due.id)
    assert (merge["state"], merge["core"], merge["last_refusal"]["code"]) == ("proposed", None, "core_silent")
    assert (await newest(due.phone, "merge_not_reported"))["severity"] == "warning"
    assert (await told_to_core(core, due.person))[-1] == "merge.unconfirmed"


async def test_while_executions_are_paused_nothing_is_handed_over_or_executed(
    api: httpx.AsyncClient, database: Database, core: Core, due: Due, wait: Wait, worker: tuple[Pool, Settings]
) -> None:
    _, phone, _ = await confirmed(api, database, OLD, NEW)
    await wait(COOLING_OFF_S + 1)
    owner = await database.connect()
    await owner.execute("INSERT INTO merge_pause (reason, since) VALUES ('a test', current_instant())")
    try:
        await settle(*worker)
        assert await states(phone) == [("confirmed", None)]
        assert await answer(core, due.report()) == ("rejected", "merges_paused")
    finally:
        await owner.execute("DELETE FROM merge_pause")
        await owner.close()
    assert await answer(core, due.report()) == ("applied", "merge_executed")


async def test_the_database_lets_nobody_else_execute_it(database: Database, core: Core, due: Due) -> None:
    person = due.person
    reported = due.report()["data"] | {"absorbed": person.kpjs[:1]}
    cause = "(SELECT record_cause($1, 'core', 'tests', NULL, $2))"
    execute = f"SELECT execute_reported_merge($1, $2, $3::jsonb, {cause})"
    for role, sql, values, constraint in (
        ("sepakat_worker", "SELECT execute_merge($1, $2, '30 days')", (), "core_executes_what_it_was_handed"),
        ("sepakat_worker", "SELECT hand_merge_to_core($1, $2)", (), "merge_is_due"),
        ("sepakat_feed", execute, (reported | {"into": person.kpjs[0]},), "report_equals_the_confirmed_plan"),
        ("sepakat_feed", execute, (reported | {"balances": {}},), "report_equals_the_confirmed_plan"),
        ("sepakat_feed", "UPDATE merges SET state = 'executed' WHERE participant_id = $1 AND merge_id = $2", (), None),
        ("sepakat_api", "SELECT hand_merge_to_core($1, $2)", (), None),
        ("sepakat_worker", "SELECT execute_reported_merge($1, $2, '{}', $2)", (), None),
        ("sepakat_feed", "SELECT carry_out_merge($1, $2, '30 days', $2)", (), None),
        ("sepakat_worker", "UPDATE merges SET core = NULL WHERE participant_id = $1 AND merge_id = $2", (), None),
    ):
        connection = await database.connect(role, entering=person.participant_id if role == "sepakat_api" else None)
        given = [msgspec.json.encode(value).decode() for value in values]
        try:
            with pytest.raises(asyncpg.PostgresError) as refusal:
                await connection.execute(sql, person.participant_id, due.id, *given)
        finally:
            await connection.close()
        if constraint is not None:
            assert getattr(refusal.value, "constraint_name", None) == constraint, (role, sql)
    assert await states(due.phone) == [("confirmed", "pending")]


async def test_what_was_never_handed_over_is_not_executed_by_a_report(
    api: httpx.AsyncClient, database: Database, core: Core
) -> None:
    person, phone, merge_id = await confirmed(api, database, OLD, NEW)
    merge = await show(phone, merge_id)
    report = Due(person, phone, merge_id, merge["executes_at"]).report()
    assert await answer(core, report) == ("applied", None)
    assert [status for status, _ in await cards(phone)] == ["merged_without_consent", "active"]


async def test_a_removed_key_no_longer_agrees(database: Database, core: Core, due: Due) -> None:
    owner = await database.connect()
    await owner.execute("SET session_replication_role = replica")
    await owner.execute("UPDATE devices SET removed_at = now() WHERE participant_id = $1", due.person.participant_id)
    await owner.close()
    assert await answer(core, due.report()) == ("applied", None)
    (merge, *_) = await core.ask("SELECT state FROM merges WHERE merge_id = $1", due.id)
    assert merge["state"] == "cancelled"


async def test_done_here_the_texts_say_that_the_core_has_not_confirmed_it(
    api: httpx.AsyncClient, database: Database, core: Core, wait: Wait, worker: tuple[Pool, Settings]
) -> None:
    pool, settings = worker
    person, phone, merge_id = await confirmed(api, database, OLD, NEW)
    await wait(COOLING_OFF_S + 1)
    await settle(pool, msgspec.structs.replace(settings, merge_execution="here"))
    merge = await show(phone, merge_id)
    assert (merge["state"], merge["waits_for_core_since"]) == ("executed", merge["executed_at"])
    assert "belum mengonfirmasinya" in (await newest(phone, "merge_executed"))["body"]

    async def explained() -> str:
        found = await phone.post("/v1/cards/resolve", {"kpj": person.kpjs[0]})
        return str(found.json()["explanation"]["text"])

    assert "belum mengonfirmasinya" in await explained()
    await wait(3 * DAY_S + 1)
    await tell_unanswered(pool, settings)
    await phone.sign_in()
    assert "Di sini penggabungannya sudah selesai" in (await newest(phone, "merge_unanswered"))["body"]
    await core.apply(event("merge.acknowledged", {"merge_id": merge_id}))
    assert "belum mengonfirmasinya" not in await explained()
    assert (await show(phone, merge_id))["waits_for_core_since"] is None
