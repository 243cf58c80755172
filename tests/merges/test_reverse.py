"""The core answers to a merge: acknowledged it stays, refused it is taken back whole, or staff get it. Never anything between."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pytest

from app.merges.plan import Plan, canonical, digest
from app.platform.signing import read_signing_keys
from app.verify.history import verify_history
from app.verify.receipt import verify_receipt
from tests.answers import code
from tests.cases.reports import decided, merged
from tests.conftest import RECEIPT_KEYS, Apps, Database
from tests.feed.conftest import Core, claim, contribution, event
from tests.merges.conftest import Settle
from tests.merges.merged import TOTAL, Merged, merge_cards
from tests.passkeys.authenticator import from_base64url
from tests.people import NewCard, Phone, add_person, open_card

OLD, NEW = 14_265_493, 9_910_352
REASON = "Data kepesertaan belum lengkap"


@pytest.fixture(scope="module")
def database(own_database: Database) -> Database:
    """These tests move the clock by days."""
    return own_database


@pytest.fixture(scope="module")
def apps(own_apps: Apps) -> Apps:
    return own_apps


def acknowledged(merge_id: str, **around: Any) -> dict[str, Any]:
    return event("merge.acknowledged", {"merge_id": merge_id, "reason": "Tercatat"}, **around)


def refused(merge_id: str, **around: Any) -> dict[str, Any]:
    return event("merge.refused", {"merge_id": merge_id, "reason": REASON}, **around)


async def answer(core: Core, told: dict[str, Any]) -> tuple[str, str | None]:
    (result,) = await core.send(told)
    return result["outcome"], result["code"]


async def show(phone: Phone, merge_id: str) -> dict[str, Any]:
    merge: dict[str, Any] = (await phone.get(f"/v1/merges/{merge_id}")).json()
    return merge


async def newest(phone: Phone, kind: str) -> dict[str, Any]:
    entries = (await phone.get("/v1/inbox")).json()["entries"]
    found: dict[str, Any] = next(entry for entry in entries if entry["kind"] == kind)
    return found


async def cases(phone: Phone) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await phone.get("/v1/cases")).json()["cases"]
    return found


def trusted() -> dict[str, Any]:
    keys = read_signing_keys(RECEIPT_KEYS).published
    return {"keys": [{"kty": key.kty, "crv": key.crv, "x": key.x} for key in keys.keys]}


async def test_an_acknowledged_merge_says_so_and_can_no_longer_be_refused(core: Core, maya: Merged) -> None:
    before = await maya.cards()
    assert maya.merge["core"] == "pending"
    streams = {f"card:{maya.person.kpjs[0]}": 1, f"participant:{maya.person.nik}": 1}
    assert await answer(core, acknowledged(maya.id, streams=streams)) == ("applied", None)
    assert (await show(maya.phone, maya.id))["core"] == "acknowledged"
    told = await newest(maya.phone, "merge_acknowledged")
    assert (told["reach"], told["merge_id"]) == ("inbox", maya.id)

    entries = len(await core.history(maya.person.nik))
    assert await answer(core, acknowledged(maya.id)) == ("applied", "nothing_changed")
    assert await answer(core, refused(maya.id)) == ("rejected", "merge_answered_already")
    assert len(await core.history(maya.person.nik)) == entries
    assert await maya.cards() == before


async def test_the_undo_of_an_acknowledged_merge_waits_for_its_own_answer(core: Core, maya: Merged) -> None:
    await core.apply(acknowledged(maya.id))
    assert (await maya.phone.undo(maya.id)).status_code == 200
    assert (await show(maya.phone, maya.id))["core"] == "pending"
    assert await answer(core, acknowledged(maya.id)) == ("applied", None)
    assert (await show(maya.phone, maya.id))["core"] == "acknowledged"


async def test_what_nobody_agreed_to_has_no_answer(core: Core, api: httpx.AsyncClient, database: Database) -> None:
    person = await add_person(database, NewCard(balance=5), NewCard(balance=6, status="active"))
    stranger = await add_person(database)
    phone = await Phone(api).enrol(person)
    a, b = person.kpjs
    merge_id = (await phone.post("/v1/merges", {"absorb": [a], "into": b})).json()["id"]
    for told in (acknowledged, refused):
        assert await answer(core, told(merge_id)) == ("rejected", "merge_not_agreed")
        assert await answer(core, told(str(uuid4()))) == ("rejected", "merge_unknown")
        foreign = {f"participant:{stranger.nik}": 1}
        assert await answer(core, told(merge_id, streams=foreign)) == ("rejected", "stream_foreign")
    await core.apply(merged(a, b, {}))
    merges = (await phone.get("/v1/merges")).json()["merges"]
    (reported,) = [merge["id"] for merge in merges if merge["state"] == "reported"]
    assert await answer(core, acknowledged(reported)) == ("rejected", "merge_not_agreed")


async def test_the_core_refuses_what_was_confirmed_and_it_is_a_proposal_again(
    core: Core, api: httpx.AsyncClient, database: Database, cool_off: Settle
) -> None:
    person = await add_person(database, NewCard(balance=OLD), NewCard(balance=NEW, status="active"))
    phone = await Phone(api).enrol(person)
    a, b = person.kpjs
    proposed = (await phone.post("/v1/merges", {"absorb": [a], "into": b})).json()
    assert (await phone.confirm(proposed)).status_code == 200
    assert await answer(core, acknowledged(proposed["id"])) == ("rejected", "merge_not_agreed")
    assert await answer(core, refused(proposed["id"])) == ("applied", None)
    merge = await show(phone, proposed["id"])
    assert (merge["state"], merge["last_refusal"]["code"]) == ("proposed", "core_refused")
    assert (merge["confirmed_at"], merge["executes_at"], merge["core"]) == (None, None, None)
    told = await newest(phone, "merge_refused_by_core")
    assert told["reach"] == "ladder"
    assert REASON in told["body"]
    assert await answer(core, refused(proposed["id"])) == ("applied", "nothing_changed")
    await cool_off()
    assert {status for status, _ in (await _cards(phone)).values()} == {"inactive", "active"}
    # the refused confirmation is not taken up again; a new one over the fresh plan is
    renewed = (await phone.post(f"/v1/merges/{proposed['id']}/plan")).json()
    assert (await phone.confirm(renewed)).status_code == 200
    await cool_off()
    assert (await show(phone, proposed["id"]))["state"] == "executed"


async def _cards(phone: Phone) -> dict[str, tuple[str, int]]:
    found = (await phone.get("/v1/cards")).json()["cards"]
    return {card["kpj"]: (card["status"], card["balance"]) for card in found}


async def test_the_core_refuses_what_was_executed_and_every_rupiah_goes_back(core: Core, maya: Merged) -> None:
    old, new = maya.person.kpjs
    await core.apply(contribution(old, 1_000), contribution(new, 300))
    shown = await maya.plan()
    assert await answer(core, refused(maya.id)) == ("applied", "merge_reversed")
    assert await maya.cards() == {old: ("inactive", OLD + 1_000), new: ("active", NEW + 300)}
    assert {card["kpj"]: card["balance_after"] for card in shown["plan"]["cards"]} == {
        old: OLD + 1_000,
        new: NEW + 300,
    }, "as an undo would have given it back"
    merge = await show(maya.phone, maya.id)
    assert (merge["state"], merge["core"], merge["closed_because"]) == ("undone", "refused", "core_refused")
    told = await newest(maya.phone, "merge_reversed")
    assert told["reach"] == "ladder"
    assert REASON in told["body"]
    kinds = [entry["kind"] for entry in await core.history(maya.person.nik)]
    assert kinds[-3:] == ["card_reversed", "card_gave_back_reversed", "merge_reversed"]
    assert "merge_undone" not in kinds
    # it is over: asked again nothing changes, and an undo answers with what is
    assert await answer(core, refused(maya.id)) == ("applied", "nothing_changed")
    assert await answer(core, acknowledged(maya.id)) == ("rejected", "merge_answered_already")
    # later money goes to the number that it is paid for, and the pair can be merged again
    await core.apply(contribution(old, 7))
    assert (await maya.cards())[old] == ("inactive", OLD + 1_007)
    again = await maya.phone.post("/v1/merges", {"absorb": [old], "into": new})
    assert again.status_code == 201


async def test_a_reversed_merge_has_a_receipt_and_an_export_that_verify(core: Core, maya: Merged) -> None:
    await core.apply(contribution(maya.person.kpjs[0], 1_000))
    await core.apply(refused(maya.id))
    receipt = await maya.phone.get(f"/v1/merges/{maya.id}/receipt")
    assert receipt.status_code == 200
    lines = verify_receipt(receipt.content, trusted())
    assert any("the core refused the merge" in line for line in lines)
    acts = json.loads(from_base64url(receipt.json()["payload"]))["acts"]
    assert [act["action"] for act in acts] == ["merge", "reverse"]
    assert (acts[1]["statement"], acts[1]["device"], acts[1]["confirmation_id"]) == (None, None, None)
    pdf = await maya.phone.get(f"/v1/merges/{maya.id}/receipt", headers={"Accept": "application/pdf"})
    assert pdf.content.startswith(b"%PDF")
    export = await maya.phone.get("/v1/me/export")
    assert verify_history(export.content, trusted())


async def test_a_chain_is_reversed_from_its_end(core: Core, bayu: tuple[Merged, Merged]) -> None:
    first, second = bayu
    a, b, c = first.person.kpjs
    assert await answer(core, refused(second.id)) == ("applied", "merge_reversed")
    assert await first.cards() == {a: ("merged", 0), b: ("inactive", 120), c: ("active", 3)}
    assert (await core.card(a))["merged_into"] == first.person.cards[b].card_id
    assert await answer(core, refused(first.id)) == ("applied", "merge_reversed")
    assert await first.cards() == {a: ("inactive", 100), b: ("inactive", 20), c: ("active", 3)}


async def test_a_later_merge_on_it_is_not_half_reversed_but_a_case(core: Core, bayu: tuple[Merged, Merged]) -> None:
    first, second = bayu
    before = await first.cards()
    assert await answer(core, refused(first.id)) == ("applied", "case_opened")
    assert await first.cards() == before
    (case,) = await cases(first.phone)
    assert (case["kind"], case["merge_id"], case["state"]) == ("core_refusal", first.id, "open")
    assert case["figures"] == {"obstacle": "merge_superseded", "merge_id": second.id}
    merge = await show(first.phone, first.id)
    assert (merge["state"], merge["core"]) == ("executed", "refused")
    assert (await newest(first.phone, "merge_refusal_disputed"))["reach"] == "ladder"
    assert await answer(core, refused(first.id)) == ("applied", "nothing_changed")

    # with the later one gone, two people may decide that it is reversed; one may not, and not before
    reversal = (case["id"], "reversed")
    assert await answer(core, decided(*reversal)) == ("rejected", "merge_not_reversible")
    await core.apply(refused(second.id))
    assert await answer(core, decided(*reversal, second_staff=None)) == ("rejected", "four_eyes_needed")
    assert await answer(core, decided(*reversal)) == ("applied", None)
    a, b, c = first.person.kpjs
    assert await first.cards() == {a: ("inactive", 100), b: ("inactive", 20), c: ("active", 3)}
    (case,) = await cases(first.phone)
    assert (case["state"], case["decision"]) == ("decided", "reversed")
    assert verify_history((await first.phone.get("/v1/me/export")).content, trusted())


@pytest.mark.parametrize("obstacle", ["money_left", "claim_pending", "card_in_reported_merge"])
async def test_what_cannot_be_reversed_whole_is_a_case_and_holds_merges(
    core: Core, maya: Merged, api: httpx.AsyncClient, database: Database, obstacle: str
) -> None:
    new = maya.person.kpjs[1]
    connection = await database.connect("sepakat_feed")
    async with connection.transaction():
        third = await open_card(connection, maya.person.participant_id, NewCard(balance=1))
    await connection.close()
    match obstacle:
        case "money_left":
            await core.apply(claim("paid", new, 10, claim_id=f"C-{new}", kind="ten_percent"))
        case "claim_pending":
            await core.apply(claim("opened", new, 10, claim_id=f"C-{new}"))
        case _:
            await core.apply(merged(third.kpj, new, {}))
    before = await maya.cards()
    assert await answer(core, refused(maya.id)) == ("applied", "case_opened")
    assert await maya.cards() == before
    (case,) = await cases(maya.phone)
    assert case["figures"]["obstacle"] == obstacle
    if obstacle == "money_left":
        assert case["figures"]["figures"]["left"] == 10

    asked = await maya.phone.post("/v1/merges/options", {"absorb": [third.kpj], "into": new})
    assert "core_refusal_open" in [reason["code"] for reason in asked.json()["reasons"]]
    refusal = await maya.phone.post("/v1/merges", {"absorb": [third.kpj], "into": new})
    assert refusal.status_code in (409, 422)
    undo = await maya.phone.post(f"/v1/merges/{maya.id}/undo/plan")
    assert undo.status_code in (409, 422)

    assert await answer(core, decided(case["id"], "restored")) == ("rejected", "decision_unfit")
    assert await answer(core, decided(case["id"], "settled", second_staff=None)) == ("rejected", "four_eyes_needed")
    assert await answer(core, decided(case["id"], "acknowledged", second_staff=None)) == ("applied", None)
    assert (await show(maya.phone, maya.id))["core"] == "acknowledged"
    assert "ternyata" in (await newest(maya.phone, "merge_refusal_decided"))["body"]
    asked = await maya.phone.post("/v1/merges/options", {"absorb": [third.kpj], "into": new})
    assert "core_refusal_open" not in [reason["code"] for reason in asked.json()["reasons"]]


async def test_an_undo_that_the_core_refuses_is_a_case_and_joins_nothing(core: Core, maya: Merged) -> None:
    await core.apply(acknowledged(maya.id))
    assert (await maya.phone.undo(maya.id)).status_code == 200
    before = await maya.cards()
    assert await answer(core, refused(maya.id)) == ("applied", "case_opened")
    assert await maya.cards() == before
    (case,) = await cases(maya.phone)
    assert case["figures"] == {"obstacle": "merge_undone"}
    assert (await newest(maya.phone, "undo_refused_by_core"))["reach"] == "ladder"
    assert await answer(core, decided(case["id"], "reversed")) == ("rejected", "merge_not_reversible")
    assert await answer(core, decided(case["id"], "settled")) == ("applied", None)
    assert (await show(maya.phone, maya.id))["core"] == "refused"
    assert await maya.cards() == before


async def test_the_pause_holds_a_reversal_too(core: Core, maya: Merged, database: Database) -> None:
    before = await maya.cards()
    administrator = await database.connect()
    await administrator.execute("INSERT INTO merge_pause (since, reason) VALUES (now(), 'test')")
    try:
        assert await answer(core, refused(maya.id)) == ("rejected", "merges_paused")
    finally:
        await administrator.execute("DELETE FROM merge_pause")
        await administrator.close()
    assert await maya.cards() == before
    assert await answer(core, refused(maya.id)) == ("applied", "merge_reversed")


class Feed:
    """Somebody with the feed's database role who calls what the feed may call, in another way than the feed does."""

    def __init__(self, maya: Merged, shown: dict[str, Any]) -> None:
        self.maya = maya
        plan = {name: shown["plan"][name] for name in Plan.__struct_fields__}
        self.plan = msgspec.convert(plan | {"action": "reverse"}, Plan)
        ids = {card.kpj: str(card.card_id) for card in maya.person.cards.values()}
        self.splits = [
            {name: part[name] for name in ("entry_id", "amount", "rule")} | {"to_card": ids[part["to_kpj"]]}
            for part in shown["splits"]
            if part["to_kpj"] in maya.merge["absorb"]
        ]

    async def reverse(
        self, connection: asyncpg.Connection[asyncpg.Record], *, plan: Plan | None = None, splits: Any = None
    ) -> None:
        """In the transaction of the caller."""
        shown, participant_id = canonical(plan or self.plan), self.maya.person.participant_id
        await connection.execute(
            """INSERT INTO merge_plans VALUES ($1, $2, $3, convert_from($4, 'UTF8')::jsonb ->> 'action', $4, now())
            ON CONFLICT DO NOTHING""",
            participant_id,
            UUID(self.maya.id),
            digest(shown),
            shown,
        )
        await connection.execute(
            "SELECT reverse_merge($1, $2, $3, $4, record_cause($1, 'core', 'insider', NULL, $2))",
            participant_id,
            UUID(self.maya.id),
            digest(shown),
            msgspec.json.encode(self.splits if splits is None else splits).decode(),
        )

    async def refused(self, **change: Any) -> str | None:
        """The constraint by which a reversal so changed is refused, at the latest at commit."""
        connection = await self.maya.database.connect("sepakat_feed")
        try:
            with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refusal:
                async with connection.transaction():
                    await self.reverse(connection, **change)
        finally:
            await connection.close()
        return refusal.value.constraint_name


async def test_the_feeds_role_reverses_whole_along_the_lineage_or_not_at_all(core: Core, maya: Merged) -> None:
    old, new = maya.person.kpjs
    await core.apply(contribution(old, 1_000), contribution(new, 300))
    insider, before = Feed(maya, await maya.plan()), await maya.cards()
    brought, late = sorted(insider.splits, key=lambda part: part["rule"])
    (kept,) = [
        entry["entry_id"]
        for entry in await core.ask(
            "SELECT entry_id FROM ledger_entries WHERE card_id = $1 AND amount = 300", maya.person.cards[new].card_id
        )
    ]

    def shifted(amount: int) -> Plan:
        cards = [
            msgspec.structs.replace(
                card, balance_after=card.balance_after + (amount if card.role == "absorbed" else -amount)
            )
            for card in insider.plan.cards
        ]
        return msgspec.structs.replace(insider.plan, cards=cards)

    own = {"entry_id": str(kept), "to_card": late["to_card"], "amount": 301, "rule": "employer"}
    assert await insider.refused(plan=shifted(1)) == "plan_equals_the_cards"
    assert await insider.refused(splits=[brought]) == "plan_equals_the_cards"
    assert await insider.refused(plan=shifted(-1_000), splits=[brought]) == "undo_follows_the_lineage"
    assert await insider.refused(plan=shifted(-OLD), splits=[late]) == "undo_follows_the_lineage"
    assert await insider.refused(plan=shifted(301), splits=[brought, late, own]) == "undo_follows_the_lineage"
    elsewhere = [brought, late | {"to_card": str(maya.person.cards[new].card_id)}]
    assert await insider.refused(plan=shifted(-1_000), splits=elsewhere) == "plan_equals_the_cards"
    assert await insider.refused(plan=msgspec.structs.replace(insider.plan, action="undo")) == "plan_equals_the_cards"
    assert await maya.cards() == before


async def test_the_feeds_role_reverses_no_acknowledged_merge_and_takes_no_answer_back(core: Core, maya: Merged) -> None:
    insider = Feed(maya, await maya.plan())
    await core.apply(acknowledged(maya.id))
    assert await insider.refused() == "merge_can_be_reversed"
    for role in ("sepakat_feed", "sepakat_api", "sepakat_worker", "postgres"):
        connection = await maya.database.connect(role, entering=maya.person.participant_id)
        with pytest.raises(asyncpg.PostgresError) as refusal:
            await connection.execute("UPDATE merges SET core = 'pending' WHERE merge_id = $1", UUID(maya.id))
        await connection.close()
        name = getattr(refusal.value, "constraint_name", None)
        assert (refusal.value.sqlstate, name) in (("42501", None), ("23514", "core_answers_by_function_only"))
    # nor is it refused by the function that opens a case, and so made reversible
    connection = await maya.database.connect("sepakat_feed")
    for call in (
        "open_refusal_case($1, $2, gen_random_uuid(), '{}', record_cause($1, 'core', 'x'))",
        "acknowledge_merge($1, $2, record_cause($1, 'core', 'x'))",
    ):
        with pytest.raises(asyncpg.CheckViolationError) as answered:
            await connection.execute(f"SELECT {call}", maya.person.participant_id, UUID(maya.id))
        assert answered.value.constraint_name == "core_answers_once"
    await connection.close()


async def test_inside_a_reversal_nothing_becomes_merged_again(core: Core, maya: Merged) -> None:
    """Not even by the owner of the tables, in the transaction of a reversal that names the card."""
    insider = Feed(maya, await maya.plan())
    old, new = (maya.person.cards[kpj].card_id for kpj in maya.person.kpjs)
    marked = """UPDATE cards SET merge_mark = 'merged', merge_id = $3, merged_into = $2, merged_at = now(),
        merged_via = ARRAY[$3::uuid]"""
    for card_id, into in ((old, new), (new, old)):
        superuser = await maya.database.connect()
        transaction = superuser.transaction()
        await transaction.start()
        await insider.reverse(superuser)
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refusal:
            await superuser.execute(f"{marked} WHERE card_id = $1", card_id, into, UUID(maya.id))
        assert refusal.value.constraint_name in (
            "card_merges_only_by_its_confirmed_plan",
            "balance_is_the_sum_of_its_entries",
            "merged_card_is_empty",
        )
        await transaction.rollback()
        await superuser.close()
    await core.apply(refused(maya.id))


HALF = {
    "mark alone": "UPDATE cards SET merge_mark = NULL, merge_id = NULL, merged_into = NULL, merged_at = NULL, merged_via = NULL"
    " WHERE participant_id = $1",
    "state alone": "UPDATE merges SET state = 'undone', closed_at = now(), cause_id = cause_id WHERE participant_id = $1",
    "execution": """INSERT INTO merge_executions SELECT participant_id, merge_id, 'reverse', plan_digest, NULL, now(),
        pg_current_xact_id() FROM merge_executions WHERE participant_id = $1""",
    "taken back": """INSERT INTO reversed_contributions SELECT participant_id, entry_id, entry_id, card_id, effective_on, now(),
        cause_id FROM ledger_entries WHERE participant_id = $1""",
    "refusal": "SELECT take_merge_back(m, 'reverse', m.cause_id, m.cause_id, '[]') FROM merges AS m WHERE participant_id = $1",
    "decision": """SELECT decide_refusal($1, case_id, record_cause($1, 'agency', 'x'), 'reversed', 'x', 'a', 'b') FROM cases
        WHERE participant_id = $1""",
}


@pytest.mark.parametrize("role", ["sepakat_api", "sepakat_worker", "sepakat_feed", "sepakat_operator"])
async def test_no_role_takes_a_part_of_a_reversal(core: Core, maya: Merged, role: str) -> None:
    await core.apply(claim("paid", maya.person.kpjs[1], 10, claim_id=f"C-{maya.id}", kind="ten_percent"))
    await core.apply(refused(maya.id))
    before = await maya.cards()
    for name, sql in HALF.items():
        connection = await maya.database.connect(role, entering=maya.person.participant_id)
        with pytest.raises(asyncpg.PostgresError) as refusal:
            async with connection.transaction():
                await connection.execute(sql, maya.person.participant_id)
        await connection.close()
        assert refusal.value.sqlstate in ("42501", "25006", "23514"), (name, refusal.value)
    assert await maya.cards() == before


async def test_what_the_core_refuses_after_the_time_for_an_undo_is_taken_back_all_the_same(
    core: Core, maya: Merged, wait: Callable[[int], Any]
) -> None:
    await wait(int(timedelta(days=31).total_seconds()))
    assert code(await _planned_again(maya)) == (410, "undo_window_over")
    assert await answer(core, refused(maya.id)) == ("applied", "merge_reversed")
    assert sum(balance for _, balance in (await maya.cards()).values()) == TOTAL


async def _planned_again(maya: Merged) -> httpx.Response:
    await maya.phone.sign_in()
    return await maya.phone.post(f"/v1/merges/{maya.id}/undo/plan")


async def test_two_merges_of_one_person_are_answered_apart(
    core: Core, api: httpx.AsyncClient, database: Database, cool_off: Settle
) -> None:
    person = await add_person(database, *(NewCard(balance=number) for number in (1, 2, 3, 4)))
    a, b, c, d = person.kpjs
    phone = await Phone(api).enrol(person)
    first = await merge_cards(phone, [a], b, cool_off)
    second = await merge_cards(phone, [c], d, cool_off)
    await core.apply(acknowledged(first["id"]), refused(second["id"]))
    assert await _cards(phone) == {
        a: ("merged", 0),
        b: ("inactive", 3),
        c: ("inactive", 3),
        d: ("inactive", 4),
    }
    assert (await show(phone, first["id"]))["core"] == "acknowledged"
