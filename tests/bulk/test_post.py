"""Money for many cards at once keeps every promise that a single event keeps."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.bulk.post import post
from app.bulk.run import pause, resume, show_run
from tests.bulk.conftest import Bulk, as_lines, contribution, growth
from tests.bulk.references import dangling
from tests.cases.reports import Reported
from tests.conftest import Database
from tests.feed.conftest import Core, event
from tests.history.chain import breaks
from tests.merges.merged import Merged
from tests.people import NewCard, add_person

LEDGER = """SELECT k.kpj, l.number, l.kind, l.amount, l.balance_after, l.effective_on, l.employer_id, l.month, l.year,
    l.received_for_kpj, l.source_event FROM ledger_entries AS l JOIN cards AS k USING (participant_id, card_id)
    WHERE l.participant_id = $1 AND l.kind <> 'opening' ORDER BY l.entry_id"""
HISTORY = """SELECT h.*, d.salt, d.data, c.origin, c.actor, c.bulk, c.event_id, o.class, o.cause_id = h.cause_id AS of_cause
    FROM history AS h JOIN history_data AS d USING (participant_id, seq) JOIN causes AS c USING (participant_id, cause_id)
    LEFT JOIN outbox AS o USING (participant_id, seq) WHERE participant_id = $1 ORDER BY seq"""


def data_of(row: dict[str, Any]) -> dict[str, Any]:
    """The data of the event that a row of a file is instead of."""
    return {name: value for name, value in row.items() if name != "event_id"}


async def told(bulk: Bulk, participant_id: UUID) -> list[dict[str, Any]]:
    """The history of a participant, whose chain holds."""
    entries = [dict(row) for row in await bulk.admin.fetch(HISTORY, participant_id)]
    (head,) = await bulk.admin.fetch(
        "SELECT seq, hash FROM participant_heads WHERE participant_id = $1", participant_id
    )
    assert breaks(entries, (head["seq"], head["hash"])) == []
    return entries


async def balances(bulk: Bulk, participant_id: UUID) -> dict[str, int]:
    """By card; each is the running sum of its ledger."""
    rows = await bulk.admin.fetch(
        """SELECT k.kpj, k.balance, k.entries, coalesce(sum(l.amount), 0) AS sum, count(l.amount) AS entries_there,
            bool_and(l.balance_after = l.so_far) AS running
        FROM cards AS k LEFT JOIN (SELECT *, sum(amount) OVER (PARTITION BY card_id ORDER BY number) AS so_far
            FROM ledger_entries WHERE participant_id = $1) AS l USING (participant_id, card_id)
        WHERE k.participant_id = $1 GROUP BY k.participant_id, k.card_id""",
        participant_id,
    )
    for row in rows:
        assert (row["balance"] or 0, row["entries"]) == (row["sum"], row["entries_there"])
        assert row["running"] is not False
    return {row["kpj"]: row["balance"] for row in rows}


async def test_a_bulk_row_is_what_its_event_would_have_been(database: Database, core: Core, bulk: Bulk) -> None:
    one, other = await add_person(database, NewCard(balance=1_000)), await add_person(database, NewCard(balance=1_000))
    rows = [growth(other.kpjs[0], 77), growth(other.kpjs[0], 0, year=2024)]
    for row in rows:
        data = {"year": row["year"], "amount": row["amount"], "kpj": one.kpjs[0]}
        await core.apply(event("growth.credited", data))
    paid = contribution(other.kpjs[0], 500)
    await core.apply(event("contribution.posted", data_of(paid) | {"kpj": one.kpjs[0]}))
    run = await bulk.book(rows)
    assert (run.state, run.posted, run.posted_amount, run.refused) == ("done", 2, "77", 0)
    await bulk.book([paid], "contributions")

    def alike(row: dict[str, Any], *own: str) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name not in own}

    ledgers = [await bulk.admin.fetch(LEDGER, person.participant_id) for person in (one, other)]
    assert [alike(dict(row), "kpj", "source_event") for row in ledgers[0]] == [
        alike(dict(row), "kpj", "source_event") for row in ledgers[1]
    ]
    assert [row["source_event"] for row in ledgers[1]] == [row["event_id"] for row in [*rows, paid]]
    single, in_bulk = await told(bulk, one.participant_id), await told(bulk, other.participant_id)
    for entry, like in zip(in_bulk[-3:], single[-3:], strict=True):
        assert json.loads(entry["data"]) | {"kpj": ""} == json.loads(like["data"]) | {"kpj": ""}
        for name in ("kind", "wording", "origin", "actor", "merge_id", "seq"):
            assert entry[name] == like[name]
        assert (entry["bulk"], entry["class"], entry["of_cause"]) == (True, 1, True)
    cards = [await core.card(person.kpjs[0]) for person in (one, other)]
    for name in ("balance", "entries", "last_contribution_month", "last_contribution_amount"):
        assert cards[0][name] == cards[1][name]


async def test_many_rows_of_one_participant_are_chained_one_by_one(database: Database, bulk: Bulk) -> None:
    person = await add_person(database, NewCard(balance=10), NewCard(balance=0), NewCard(balance=5))
    a, b, c = person.kpjs
    rows = [contribution(kpj, 100, month=f"2025-{month:02}") for month in range(1, 5) for kpj in (a, b, c)]
    run = await bulk.book(rows, "contributions")
    assert (run.posted, run.posted_amount) == (12, "1200")
    assert await balances(bulk, person.participant_id) == {a: 410, b: 400, c: 405}
    entries = (await told(bulk, person.participant_id))[-12:]
    assert [entry["event_id"] for entry in entries] == [row["event_id"] for row in rows], "in the order of the file"


async def test_money_for_a_merged_card_goes_to_the_survivor_and_says_so(maya: Merged, core: Core, bulk: Bulk) -> None:
    old, new = maya.person.kpjs
    before = await balances(bulk, maya.person.participant_id)
    run = await bulk.book([growth(old, 70), growth(new, 30)])
    assert run.posted == 2
    await bulk.book([contribution(old, 500)], "contributions")
    after = await balances(bulk, maya.person.participant_id)
    survivor = next(kpj for kpj in after if after[kpj] != before[kpj])
    absorbed = old if survivor == new else new
    assert after[survivor] == before[survivor] + 100 + 500
    ledger = (await bulk.admin.fetch(LEDGER, maya.person.participant_id))[-3:]
    paid_for_absorbed = [absorbed if kpj == absorbed else None for kpj in (old, new, old)]
    assert [row["received_for_kpj"] for row in ledger] == paid_for_absorbed
    last = (await told(bulk, maya.person.participant_id))[-1]
    late = "late_contribution_posted" if absorbed == old else "contribution_posted"
    assert (last["kind"], json.loads(last["data"])["received_for_kpj"]) == (late, paid_for_absorbed[-1])
    apart = await bulk.admin.fetchval("SELECT bulk_apart($1, $2)", UUID(int=0), maya.person.participant_id)
    assert maya.person.participant_id in apart, "whatever becomes of the merge, its growth is looked at one by one"
    again = await bulk.book([growth(old, 70)])
    assert await bulk.refusals(again) == {1: "growth_credited_already"}, "a merge in between or not"


async def test_growth_on_money_joined_without_consent_is_split_as_single_events_are(
    reported: Reported, core: Core, bulk: Bulk
) -> None:
    person = reported.person
    cards = await reported.cards()
    into = next(kpj for kpj in cards if cards[kpj][0] != "merged_without_consent")
    run = await bulk.book([growth(into, 101, year=2024)])
    await core.apply(event("growth.credited", {"kpj": into, "year": 2023, "amount": 101}))
    single = await bulk.admin.fetch(LEDGER, person.participant_id)
    shares = [
        {(e["kpj"], e["amount"], e["received_for_kpj"]) for e in single if e["year"] == year} for year in (2024, 2023)
    ]
    assert run.posted == 1
    assert len(shares[0]) == 2
    assert sum(amount for _, amount, _ in shares[0]) == 101
    # the balances grew by one credit in between, which moves no rupiah of these
    assert shares[0] == shares[1]
    await told(bulk, person.participant_id)


async def test_no_row_is_posted_twice_however_it_comes(database: Database, core: Core, bulk: Bulk) -> None:
    person = await add_person(database, NewCard(balance=1), NewCard(balance=2), NewCard(programmes=("JKK",)))
    a, b, c = person.kpjs
    by_event = event("growth.credited", {"kpj": a, "year": 2025, "amount": 9})
    await core.apply(by_event)
    twice = growth(b, 4)
    run = await bulk.book(
        [
            growth(a, 9),  # 1: the year was credited by an event
            growth(b, 9, year=2024, event_id=by_event["id"]),  # 2: the id was an event's
            twice,
            twice,  # 4: the id stands in the row before
            growth(b, 4),  # 5: the card and year stand in row 3
            growth(c, 1),  # 6: no JHT
            growth("99999999999", 1),  # 7: nobody's
        ]
    )
    assert await bulk.refusals(run) == {
        1: "growth_credited_already",
        2: "event_known",
        4: "event_known",
        5: "growth_credited_already",
        6: "card_without_jht",
        7: "card_unknown",
    }
    assert (run.rows, run.posted, run.posted_amount, run.refused, run.amount) == (7, 1, "4", 6, "32")
    assert run.refused_amount == "28"
    again = await bulk.book([twice])
    assert await bulk.refusals(again) == {1: "event_known"}
    (late,) = await core.send(event("contribution.posted", data_of(contribution(a, 3)), id=twice["event_id"]))
    assert (late["outcome"], late["code"]) == ("rejected", "already_posted"), "whatever it says now"
    (late,) = await core.send(event("growth.credited", {"kpj": b, "year": 2025, "amount": 4}))
    assert (late["outcome"], late["code"]) == ("rejected", "growth_credited_already")
    assert await balances(bulk, person.participant_id) == {a: 10, b: 6, c: None}


async def test_what_happens_between_loading_and_posting_is_found_by_the_chunk(
    database: Database, core: Core, bulk: Bulk
) -> None:
    people = [await add_person(database, NewCard(balance=1)) for _ in range(3)]
    first, second, third = (person.kpjs[0] for person in people)
    run = await bulk.load(as_lines([growth(first, 5), growth(second, 6), growth(third, 10**12)]))
    assert run.refused == 0
    held = await bulk.feed.fetchval("SELECT event_id FROM bulk_rows WHERE run_id = $1 AND line = 1", run.run_id)
    (early,) = await core.send(event("growth.credited", {"kpj": first, "year": 2025, "amount": 5}, id=held))
    assert (early["outcome"], early["code"], run.name in early["detail"]) == ("rejected", "waits_in_bulk", True), (
        "not posted, and so not said to be: a run may rest for ever"
    )
    await core.apply(event("growth.credited", {"kpj": second, "year": 2025, "amount": 6}))
    done = await bulk.post(run)
    assert (done.state, done.posted, done.refused) == ("done", 2, 1)
    assert await bulk.refusals(run) == {2: "growth_credited_already"}
    assert [sum((await balances(bulk, person.participant_id)).values()) for person in people][:2] == [6, 7]


async def test_a_paused_run_goes_on_where_it_stood(database: Database, bulk: Bulk) -> None:
    people = [await add_person(database, NewCard(balance=1)) for _ in range(4)]
    run = await bulk.load(as_lines([growth(person.kpjs[0], 3) for person in people]))
    await resume(bulk.feed, run.name)
    chunk = await bulk.feed.fetch("SELECT * FROM settle_bulk_chunk($1, 1)", run.run_id)
    assert [tuple(row) for row in chunk] == [(1, 0.0, "running")]
    await pause(bulk.feed, run.name)
    assert await post(bulk.feed, run.run_id) == "paused"
    half = await show_run(bulk.feed, run.name)
    assert (half.posted, half.percent, half.rate) == (1, 25.0, None)
    done = await bulk.post(half)
    assert (done.state, done.posted, done.posted_amount, done.percent) == ("done", 4, "12", 100.0)


async def test_the_round_alone_rests_the_look_ups_and_every_reference_holds(database: Database, bulk: Bulk) -> None:
    resting = await bulk.admin.fetch(
        "SELECT proname FROM pg_proc WHERE array_to_string(proconfig, ' ') ~ 'session_replication_role'"
    )
    assert [row["proname"] for row in resting] == ["write_bulk_round"]
    for role in ("sepakat_api", "sepakat_feed", "sepakat_worker", "sepakat_staff", "sepakat_operator"):
        connection = await database.connect(role)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SET session_replication_role = replica")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(
                "SELECT write_bulk_round(gen_random_uuid(), 'growth', gen_random_uuid(), gen_random_uuid(), 1, now(), '{}')"
            )
        await connection.close()
    granted = await bulk.admin.fetchval(
        """SELECT array_agg(DISTINCT g.grantee::regrole::text) FROM pg_parameter_acl AS p, aclexplode(p.paracl) AS g
        WHERE p.parname = 'session_replication_role' AND g.grantee::regrole::text ~ 'sepakat'"""
    )
    assert granted == ["sepakat_writer"]
    person = await add_person(database, NewCard(balance=1), NewCard(balance=1))
    await bulk.book([growth(kpj, 3) for kpj in person.kpjs])
    assert await bulk.feed.fetchval("SHOW session_replication_role") == "origin"
    assert await dangling(bulk.admin) == {}
