"""A merge is taken back: each rupiah to the card whose it is, at once, and only once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date

import httpx

from tests.answers import code
from tests.conftest import Database
from tests.feed.conftest import Core, contribution
from tests.merges.conftest import Settle
from tests.merges.merged import NEW, TOTAL, Merged, jakarta, merge_cards
from tests.people import NewCard, Phone, add_person

Wait = Callable[[int], Awaitable[None]]


async def test_a_merge_is_shown_back_and_undone_at_once(maya: Merged) -> None:
    old, new = maya.person.kpjs
    shown = await maya.plan()
    assert shown["plan"]["action"] == "undo"
    assert (shown["plan"]["cooling_off_s"], shown["plan"]["total_before"]) == (0, TOTAL)
    assert shown["plan"]["cards"] == [
        {
            "kpj": old,
            "role": "absorbed",
            "status_before": "merged",
            "status_after": "inactive",
            "balance_before": 0,
            "balance_after": 14_265_493,
        },
        {
            "kpj": new,
            "role": "survivor",
            "status_before": "active",
            "status_after": "active",
            "balance_before": TOTAL,
            "balance_after": 9_910_352,
        },
    ]
    assert [text["code"] for text in shown["plan"]["texts"]] == ["cards_come_back", "contributions_go_apart"]
    assert [(part["to_kpj"], part["amount"], part["rule"]) for part in shown["splits"]] == [
        (old, 14_265_493, "brought")
    ]
    assert await maya.cards() == {old: ("merged", 0), new: ("active", TOTAL)}, "a plan changes nothing"

    undone = await maya.phone.undo(maya.id, shown)
    assert (undone.status_code, undone.json()["state"]) == (200, "undone"), undone.text
    assert await maya.cards() == {old: ("inactive", 14_265_493), new: ("active", 9_910_352)}
    resolved = (await maya.phone.post("/v1/cards/resolve", {"kpj": old}, key="")).json()
    assert resolved["merged_into"] is None
    again = await maya.phone.post("/v1/merges", {"absorb": [old], "into": new})
    assert again.status_code == 201, "the cards may be merged anew"


async def test_an_undo_is_told_once_for_each_card_and_once_for_the_step(maya: Merged) -> None:
    old, new = maya.person.kpjs
    assert (await maya.phone.undo(maya.id)).status_code == 200
    connection = await maya.database.connect()
    told = await connection.fetch(
        """SELECT h.kind, k.kpj, o.seq IS NOT NULL AS queued, x.reach FROM history AS h
        JOIN entry_kinds AS x USING (kind) LEFT JOIN cards AS k USING (participant_id, card_id)
        LEFT JOIN outbox AS o USING (participant_id, seq) WHERE h.participant_id = $1
        AND h.cause_id = (SELECT cause_id FROM history WHERE participant_id = $1 AND kind = 'merge_undone') ORDER BY h.seq""",
        maya.person.participant_id,
    )
    assert [tuple(row) for row in told] == [
        ("card_undone", old, True, "push"),
        ("card_gave_back", new, True, "push"),
        ("merge_undone", None, True, "ladder"),
    ]
    legs = await connection.fetch(
        """SELECT l.kind, l.amount, l.balance_after, l.received_for_kpj FROM ledger_entries AS l
        JOIN merge_executions AS e ON e.participant_id = l.participant_id AND e.confirmation_id = l.transfer_id
        WHERE l.participant_id = $1 AND e.action = 'undo' ORDER BY l.amount""",
        maya.person.participant_id,
    )
    assert [tuple(row) for row in legs] == [
        ("undo_out", -14_265_493, 9_910_352, old),
        ("undo_in", 14_265_493, 14_265_493, None),
    ]
    await connection.close()
    entries = (await maya.phone.get("/v1/inbox")).json()["entries"][:3]
    assert [entry["kind"] for entry in entries] == ["merge_undone", "card_gave_back", "card_undone"]
    assert old in entries[0]["body"]
    assert "Rp24.175.845" in entries[0]["body"]
    assert "Rp14.265.493" in entries[2]["body"]


async def test_after_four_contributions_of_two_employers_and_growth_each_rupiah_goes_where_it_belongs(
    maya: Merged,
) -> None:
    old, new = maya.person.kpjs
    await maya.post(new, 319_177, day=1, employer_id="E-GARMEN", received_for_kpj=old)
    await maya.post(new, 324_373, day=1, employer_id="E-OTOMOTIF")
    await maya.post(new, 319_177, day=4, employer_id="E-GARMEN")
    await maya.post(new, 324_373, day=4, employer_id="E-OTOMOTIF")
    await maya.post(new, 100_000, day=10, kind="growth", year=2026)
    # day-balances over the ten days from the execution on:
    #   old 14,265,493 × 10 + 319,177 × 9 + 319,177 × 6 = 147,442,585
    #   new  9,910,352 × 10 + 324,373 × 9 + 324,373 × 6 = 103,969,115, together 251,411,700
    #   100,000 × 147,442,585 / 251,411,700 = 58,645.87; 100,000 × 103,969,115 / 251,411,700 = 41,354.13
    back = 14_265_493 + 2 * 319_177 + 58_646
    kept = 9_910_352 + 2 * 324_373 + 41_354

    shown = await maya.plan()
    assert [(part["to_kpj"], part["amount"], part["rule"]) for part in shown["splits"]] == [
        (old, 14_265_493, "brought"),
        (old, 319_177, "received_for"),
        (new, 324_373, "stays"),
        (old, 319_177, "employer"),
        (new, 324_373, "stays"),
        (old, 58_646, "day_balance"),
        (new, 41_354, "day_balance"),
    ]
    assert {card["kpj"]: card["balance_after"] for card in shown["plan"]["cards"]} == {old: back, new: kept}
    assert "growth_is_shared" in shown["plan"]["consequences"]
    statement = (await maya.phone.get(f"/v1/cards/{maya.person.cards[new].card_id}/statement")).json()["entries"]
    assert {part["entry_id"] for part in shown["splits"]} == {entry["id"] for entry in statement[:6]}
    assert (await maya.phone.undo(maya.id, shown)).status_code == 200
    assert await maya.cards() == {old: ("inactive", back), new: ("active", kept)}
    assert back + kept == TOTAL + 2 * 319_177 + 2 * 324_373 + 100_000


async def test_late_money_after_the_undo_goes_to_the_card_itself(maya: Merged, feed: httpx.AsyncClient) -> None:
    old, new = maya.person.kpjs
    core = Core(feed, maya.database)
    await core.apply(contribution(old, 1_000))
    assert await maya.cards() == {old: ("merged", 0), new: ("active", TOTAL + 1_000)}
    assert (await maya.phone.undo(maya.id)).status_code == 200
    await core.apply(contribution(old, 20))
    assert await maya.cards() == {old: ("inactive", 14_266_513), new: ("active", 9_910_352)}


async def test_a_reversed_contribution_is_no_money_left(maya: Merged) -> None:
    old, new = maya.person.kpjs
    await maya.post(new, 500, day=1, employer_id="E-GARMEN")
    await maya.post(new, -500, day=2, kind="contribution_reversal", employer_id="E-GARMEN")
    shown = await maya.plan()
    assert [(part["to_kpj"], part["amount"]) for part in shown["splits"]] == [
        (old, 14_265_493),
        (old, 500),
        (old, -500),
    ]
    assert (await maya.phone.undo(maya.id, shown)).status_code == 200
    assert (await maya.cards())[old] == ("inactive", 14_265_493)


async def test_undone_twice_is_undone_once(maya: Merged) -> None:
    shown = await maya.plan()
    first = await maya.phone.undo(maya.id, shown, key="once")
    assert first.status_code == 200
    before = await maya.cards()
    second = await maya.phone.undo(maya.id, shown, key="another")
    assert second.status_code == 200
    assert second.json() == first.json()
    assert await maya.cards() == before
    assert code(await maya.phone.post(f"/v1/merges/{maya.id}/undo/plan")) == (409, "merge_closed")


async def test_the_same_request_gets_the_same_bytes(maya: Merged) -> None:
    shown = await maya.plan()
    statement = {
        "version": 1,
        "purpose": "undo",
        "device_id": maya.phone.device_id,
        "merge_id": maya.id,
        "plan_digest": shown["plan_digest"],
        "acknowledged": [],
        "nonce": await maya.phone.challenge("undo", maya.id),
    }
    body = {name: statement[name] for name in ("plan_digest", "acknowledged", "nonce")}
    body["proof"] = maya.phone.proof(statement)
    path = f"/v1/merges/{maya.id}/undo"
    answers = await asyncio.gather(*(maya.phone.post(path, body, key="twice") for _ in range(5)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}


async def test_eight_at_once_take_effect_once(maya: Merged) -> None:
    shown = await maya.plan()
    answers = await asyncio.gather(*(maya.phone.undo(maya.id, shown) for _ in range(8)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    connection = await maya.database.connect()
    counts = await connection.fetchrow(
        """SELECT (SELECT count(*) FROM merge_executions WHERE merge_id = $2 AND action = 'undo'),
        (SELECT count(*) FROM confirmations WHERE merge_id = $2 AND action = 'undo'),
        (SELECT count(*) FROM ledger_entries WHERE participant_id = $1 AND kind LIKE 'undo%')""",
        maya.person.participant_id,
        maya.id,
    )
    await connection.close()
    assert counts is not None
    assert tuple(counts) == (1, 1, 2)


async def test_a_later_merge_is_named_and_undone_first(bayu: tuple[Merged, Merged]) -> None:
    first, second = bayu
    a, b, c = first.person.kpjs
    refused = await first.phone.post(f"/v1/merges/{first.id}/undo/plan")
    assert (code(refused), refused.json()["merge_id"]) == ((409, "merge_superseded"), second.id)

    # Money for A and B that came in over C: it goes back along the whole path, one merge after the other.
    await second.post(c, 1_000, day=1, employer_id="E-A", received_for_kpj=a)
    await second.post(c, 200, day=1, employer_id="E-B")
    await second.post(c, 40, day=1, employer_id="E-C")
    await second.post(c, 1_000, day=2, kind="growth")
    # By the first of the two days B's lineage held 120, C's 3; by the second 1,320 and 43: 1,440 and 46 of 1,486.
    # 1,000 × 1,440 / 1,486 = 969.04 and 30.96.
    assert (await second.phone.undo(second.id)).status_code == 200
    assert await first.cards() == {a: ("merged", 0), b: ("inactive", 2_289), c: ("active", 74)}
    resolved = (await first.phone.post("/v1/cards/resolve", {"kpj": a}, key="")).json()["merged_into"]
    assert (resolved["kpj"], resolved["via"]) == (b, [first.id])
    kinds = [entry["kind"] for entry in (await first.phone.get("/v1/inbox")).json()["entries"]]
    assert "card_forwarded_back" in kinds[:5]

    # Of the 969 that came back to B by growth, A's share: it held 100, then 1,100 with the 1,000 paid for its number;
    # B 20, then 220. 1,200 and 240 of 1,440: 807.5 and 161.5, and of equal remainders the lower number gets the rupiah.
    shown = await first.plan()
    assert [(part["to_kpj"], part["amount"], part["rule"]) for part in shown["splits"]] == [
        (a, 100, "brought"),
        (a, 1_000, "received_for"),
        (b, 200, "stays"),
        (a, 808, "day_balance"),
        (b, 161, "day_balance"),
    ]
    assert (await first.phone.undo(first.id, shown)).status_code == 200
    assert await first.cards() == {a: ("inactive", 1_908), b: ("inactive", 381), c: ("active", 74)}


async def test_a_merge_under_an_undone_later_one_gives_back_nothing_of_it(
    api: httpx.AsyncClient, database: Database, cool_off: Settle
) -> None:
    """A → C, then B → C, undone in the other order: what B brought, received and earned is no longer there to be split."""
    person = await add_person(
        database,
        NewCard(balance=100, opened_on=date(2010, 1, 1), employer_id="E-A", employer="A"),
        NewCard(balance=300, opened_on=date(2014, 1, 1), employer_id="E-B", employer="B"),
        NewCard(balance=100, status="active", opened_on=date(2020, 1, 1), employer_id="E-C", employer="C"),
    )
    phone = await Phone(api).enrol(person)
    a, b, c = person.kpjs
    first = await merge_cards(phone, [a], c, cool_off)
    second = await merge_cards(phone, [b], c, cool_off)
    under = Merged(database, person, phone, first, jakarta(first["executed_at"]))
    await under.post(c, 50, employer_id="E-B", received_for_kpj=b)
    await under.post(c, 100, day=10, kind="growth")
    refused = await phone.post(f"/v1/merges/{first['id']}/undo/plan")
    assert refused.json()["merge_id"] == second["id"]
    # B held 350 of 550 from the first day on: 63.64 of the growth, C and A together 36.36.
    assert (await phone.undo(second["id"])).status_code == 200
    assert await under.cards() == {a: ("merged", 0), b: ("inactive", 414), c: ("active", 236)}
    # Of the 36 that stayed, A and C earned half each.
    assert (await phone.undo(first["id"])).status_code == 200
    assert await under.cards() == {a: ("inactive", 118), b: ("inactive", 414), c: ("active", 118)}


async def test_several_cards_come_back_an_empty_one_too(
    api: httpx.AsyncClient, database: Database, cool_off: Settle
) -> None:
    person = await add_person(database, NewCard(balance=100), NewCard(), NewCard(balance=100), NEW)
    phone = await Phone(api).enrol(person)
    a, empty, b, c = person.kpjs
    merge = await merge_cards(phone, [a, empty, b], c, cool_off)
    merged = Merged(database, person, phone, merge, jakarta(merge["executed_at"]))
    await merged.post(c, 30, day=3, received_for_kpj=empty)
    await merged.post(c, 991_065, day=3, kind="growth")
    # 9,910,352 were there, 100 and 100 were brought: 991,044.9998, 10.0001 and 10.0001; the 30 came on the day of the growth.
    assert (await phone.undo(merged.id)).status_code == 200
    assert await merged.cards() == {
        a: ("inactive", 110),
        empty: ("inactive", 30),
        b: ("inactive", 110),
        c: ("active", 9_910_352 + 991_045),
    }


async def test_capabilities_say_that_it_works(api: httpx.AsyncClient, maya: Merged) -> None:
    told = (await api.get("/v1/capabilities")).json()
    assert told["merge_undo"] is True
    assert {"POST /v1/merges/{merge_id}/undo", "POST /v1/merges/{merge_id}/undo/plan"} <= set(told["routes"])
    assert maya.merge["undo_until"] > maya.merge["executed_at"]
