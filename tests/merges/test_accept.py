"""A merge that the core did becomes an agreed one by its participant's proof over exactly its plan, and in no other way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from tests.cases.reports import NEW, OLD, Reported, decided, merged
from tests.conftest import Database
from tests.feed.conftest import Core, claim, contribution
from tests.merges.conftest import Settle
from tests.people import NewCard, Phone, add_person

Wait = Callable[[int], Awaitable[None]]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def test_the_plan_says_to_the_rupiah_what_agreeing_would_do_and_changes_nothing(reported: Reported) -> None:
    before = await reported.cards()
    shown = await reported.plan()
    plan = shown["plan"]
    assert (plan["action"], plan["cooling_off_s"], plan["undo_window_s"]) == ("accept", 0, 0)
    assert {card["kpj"]: card for card in plan["cards"]} == {
        reported.gone: {
            "kpj": reported.gone,
            "role": "absorbed",
            "status_before": "merged_without_consent",
            "status_after": "merged",
            "balance_before": NEW,
            "balance_after": 0,
        },
        reported.kept: {
            "kpj": reported.kept,
            "role": "survivor",
            "status_before": "inactive",
            "status_after": "inactive",
            "balance_before": OLD,
            "balance_after": OLD + NEW,
        },
    }
    assert {"accept_is_final", "survivor_inactive", "app_claim_cap_crossed"} <= set(plan["to_acknowledge"])
    assert await reported.cards() == before
    assert (await reported.merge())["state"] == "reported"


@pytest.mark.parametrize("disputed", [False, True])
async def test_a_proof_makes_it_an_agreed_merge(
    reported: Reported, core: Core, database: Database, settle_due: Settle, *, disputed: bool
) -> None:
    if disputed:
        await reported.dispute()
    answer = await reported.accept(await reported.plan())
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == ("disputed" if disputed else "reported"), "who verifies does not execute"
    assert (await reported.card(reported.gone))["explanation"]["consent"] == "none_on_file"
    await settle_due()

    merge = await reported.merge()
    assert (merge["state"], merge["core"], merge["undo_until"]) == ("accepted", "acknowledged", None)
    assert merge["executed_at"] is not None
    assert await reported.cards() == {reported.gone: ("merged", 0), reported.kept: ("inactive", OLD + NEW)}
    card = await reported.card(reported.gone)
    assert (card["merged_into"]["kpj"], card["merged_into"]["via"]) == (reported.kept, [reported.merge_id])
    assert (card["explanation"]["consent"], card["explanation"]["actor"]) == ("confirmed", "participant")
    kinds = await reported.kinds()
    assert (kinds[-4], kinds[-1]) == ("merge_accept_confirmed", "merge_accepted")
    assert set(kinds[-3:-1]) == {"card_merged", "card_received_merge"}
    cases = await reported.cases()
    assert [(case["state"], case["decision"]) for case in cases] == ([("decided", "withdrawn")] if disputed else [])

    legs = await core.ask(
        """SELECT kind, amount, received_for_kpj FROM ledger_entries
        WHERE participant_id = $1 AND transfer_id = $2 ORDER BY amount""",
        reported.person.participant_id,
        UUID(reported.merge_id),
    )
    assert [tuple(leg.values()) for leg in legs] == [("merge_out", -NEW, None), ("merge_in", NEW, reported.gone)]
    # from here on it is a merge like any other
    await core.apply(contribution(reported.gone, 1000))
    assert await reported.cards() == {reported.gone: ("merged", 0), reported.kept: ("inactive", OLD + NEW + 1000)}
    (again,) = await core.send(merged(reported.gone, reported.kept, {}))
    assert (again["outcome"], again["code"]) == ("applied", "merge_acknowledged")
    for path in ("dispute", "accept/plan"):
        assert refusal(await reported.phone.post(f"/v1/merges/{reported.merge_id}/{path}", {})) == (
            409,
            "merge_already_accepted",
        )
    if disputed:
        (result,) = await core.send(decided(cases[0]["id"]))
        assert (result["outcome"], result["code"]) == ("rejected", "case_decided_already")


async def test_two_acceptances_at_once_count_once(reported: Reported, settle_due: Settle) -> None:
    plan = await reported.plan()
    answers = await asyncio.gather(*(reported.accept(plan) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    assert {refusal(answer)[1] for answer in answers if answer.status_code == 409} == {"merge_already_confirmed"}
    await asyncio.gather(settle_due(), settle_due())
    assert await reported.cards() == {reported.gone: ("merged", 0), reported.kept: ("inactive", OLD + NEW)}
    assert (await reported.kinds()).count("merge_accepted") == 1


@pytest.mark.parametrize(
    "overrides",
    [
        {"purpose": "merge"},
        {"purpose": "undo"},
        {"merge_id": str(uuid4())},
        {"device_id": str(uuid4())},
        {"version": 2},
    ],
)
async def test_a_proof_for_anything_else_is_none(
    reported: Reported, settle_due: Settle, overrides: dict[str, Any]
) -> None:
    answer = await reported.accept(await reported.plan(), **overrides)
    assert refusal(answer) == (403, "proof_invalid")
    await settle_due()
    assert (await reported.merge())["state"] == "reported"
    assert (await reported.cards())[reported.gone] == ("merged_without_consent", NEW)


async def test_a_challenge_for_another_purpose_or_merge_is_unknown_and_a_spent_one_is_spent(reported: Reported) -> None:
    plan = await reported.plan()
    for purpose, subject in (("merge", reported.merge_id), ("undo", reported.merge_id), ("accept", str(uuid4()))):
        nonce = await reported.phone.challenge(purpose, subject)
        assert refusal(await reported.accept(plan, nonce=nonce)) == (403, "proof_invalid")
    nonce = await reported.phone.challenge("accept", reported.merge_id)
    assert refusal(await reported.accept(plan, nonce=nonce, purpose="merge")) == (403, "proof_invalid")
    assert refusal(await reported.accept(plan, nonce=nonce)) == (409, "challenge_spent")
    assert (await reported.merge())["state"] == "reported"


async def test_a_confirmation_of_an_acceptance_confirms_no_proposal(reported: Reported) -> None:
    plan = await reported.plan()
    refused = await reported.phone.confirm(plan)
    assert refusal(refused) == (409, "merge_closed")


async def test_what_was_not_shown_is_not_accepted(reported: Reported, core: Core, wait: Wait) -> None:
    plan = await reported.plan()
    missing = await reported.accept(plan, acknowledged=[])
    assert refusal(missing) == (422, "acknowledgement_missing")
    assert "accept_is_final" in missing.json()["codes"]
    await core.apply(contribution(reported.gone, 1000))
    stale = await reported.accept(plan)
    assert refusal(stale) == (409, "merge_plan_stale")
    assert {(item["kpj"], item["before"], item["after"]) for item in stale.json()["diff"]} >= {
        (reported.gone, NEW, NEW + 1000)
    }
    fresh = plan | {name: stale.json()[name] for name in ("plan", "plan_digest")}
    assert (await reported.accept(fresh)).status_code == 200


async def test_what_changes_after_the_confirmation_takes_it_back_and_says_so(
    reported: Reported, core: Core, settle_due: Settle
) -> None:
    assert (await reported.accept(await reported.plan())).status_code == 200
    await core.apply(contribution(reported.gone, 1000))
    await settle_due()
    merge = await reported.merge()
    assert (merge["state"], merge["confirmed_at"], merge["last_refusal"]["code"]) == (
        "reported",
        None,
        "merge_plan_stale",
    )
    assert (await reported.cards())[reported.gone] == ("merged_without_consent", NEW + 1000)
    assert (await reported.kinds())[-1] == "merge_accept_refused"
    assert (await reported.accept(await reported.plan())).status_code == 200
    await settle_due()
    assert (await reported.merge())["state"] == "accepted"


async def test_a_dispute_or_a_decision_falls_a_confirmation_that_was_not_carried_out(
    reported: Reported, core: Core, settle_due: Settle
) -> None:
    assert (await reported.accept(await reported.plan())).status_code == 200
    case = await reported.dispute()
    await settle_due()
    assert (await reported.merge())["state"] == "disputed"
    assert (await reported.accept(await reported.plan())).status_code == 200
    await core.apply(decided(case["id"]))
    await settle_due()
    assert (await reported.merge())["state"] == "restored"
    assert (await reported.cards())[reported.gone] == ("active", NEW)


async def test_a_claim_under_way_blocks(reported: Reported, core: Core) -> None:
    await core.apply(claim("opened", reported.kept, 1000, claim_id=f"C-{reported.kept}"))
    refused = await reported.phone.post(f"/v1/merges/{reported.merge_id}/accept/plan")
    assert refusal(refused) == (422, "claim_pending")


async def test_a_locked_card_is_accepted_into_nothing(reported: Reported, settle_due: Settle) -> None:
    plan = await reported.plan()
    assert (await reported.accept(plan)).status_code == 200
    card_id = (await reported.card(reported.gone))["card_id"]
    assert (await reported.phone.put(f"/v1/cards/{card_id}/lock", {})).status_code in (200, 204)
    await settle_due()
    merge = await reported.merge()
    assert (merge["state"], merge["last_refusal"]["code"]) == ("reported", "card_locked")
    refused = await reported.phone.post(f"/v1/merges/{reported.merge_id}/accept/plan")
    assert refusal(refused) == (422, "card_locked")
    assert (await reported.dispute())["state"] == "open", "saying no is always possible"


FORGE = """INSERT INTO confirmations
    SELECT participant_id, $2, merge_id, 'accept', plan_digest, $3, $4, $5, $6, $7, $8, current_instant()
    FROM merges WHERE participant_id = $1 AND merge_id = $9"""
STEP = """UPDATE merges SET confirmation_id = $3, confirmed_at = current_instant(), executes_at = current_instant(),
    cause_id = record_cause(participant_id, 'participant', 'insider') WHERE participant_id = $1 AND merge_id = $2"""


async def test_a_confirmation_forged_by_sql_accepts_nothing(
    reported: Reported, database: Database, settle_due: Settle
) -> None:
    plan = await reported.plan()
    confirmation_id = uuid4()
    person, phone = reported.person.participant_id, reported.phone.device_id
    insider = await database.connect("sepakat_api", entering=person)
    async with insider.transaction():
        codes = plan["plan"]["to_acknowledge"]
        await insider.execute(
            FORGE, person, confirmation_id, codes, phone, bytes(32), b"{}", "{}", bytes(32), reported.merge_id
        )
        await insider.execute(STEP, person, reported.merge_id, confirmation_id)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await insider.execute("SELECT accept_merge($1, $2)", person, reported.merge_id)
    await insider.close()
    await settle_due()
    merge = await reported.merge()
    assert (merge["state"], merge["last_refusal"]["code"]) == ("reported", "confirmation_not_genuine")
    assert (await reported.cards())[reported.gone] == ("merged_without_consent", NEW)


async def test_an_acceptance_that_was_sent_back_is_not_taken_up_again_by_sql(
    reported: Reported, database: Database, core: Core, settle_due: Settle
) -> None:
    assert (await reported.accept(await reported.plan())).status_code == 200
    pending = claim("opened", reported.kept, 1, claim_id=f"C-{reported.kept}")
    await core.apply(pending)
    await settle_due()
    assert (await reported.merge())["last_refusal"]["code"] == "claim_pending"
    for role in ("sepakat_api", "sepakat_worker"):
        insider = await database.connect(role, entering=reported.person.participant_id)
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await insider.execute(
                """UPDATE merges AS m SET confirmation_id = c.confirmation_id, plan_digest = c.plan_digest,
                confirmed_at = c.confirmed_at, executes_at = now(), cause_id = record_cause(m.participant_id, 'system', 'x')
                FROM confirmations AS c WHERE m.participant_id = $1 AND m.merge_id = $2 AND c.merge_id = m.merge_id""",
                reported.person.participant_id,
                reported.merge_id,
            )
        assert refused.value.constraint_name == "merge_keeps_its_confirmation"
        await insider.close()


async def test_the_database_refuses_other_cards_than_confirmed_even_when_the_worker_asks(
    reported: Reported, database: Database, core: Core
) -> None:
    assert (await reported.accept(await reported.plan())).status_code == 200
    await core.apply(contribution(reported.kept, 1))
    worker = await database.connect("sepakat_worker")
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await worker.execute("SELECT accept_merge($1, $2)", reported.person.participant_id, reported.merge_id)
    assert refused.value.constraint_name == "plan_equals_the_cards"
    await worker.close()


async def test_money_that_moves_after_it_in_its_transaction_undoes_it(reported: Reported, database: Database) -> None:
    assert (await reported.accept(await reported.plan())).status_code == 200
    superuser = await database.connect()
    transaction = superuser.transaction()
    await transaction.start()
    await superuser.execute("SELECT accept_merge($1, $2)", reported.person.participant_id, reported.merge_id)
    await superuser.execute(
        """SELECT apply_changes(ARRAY[ROW($1, $2, record_cause($1, 'core', 'insider'), 'growth_credited', 'growth', 5,
        current_date, NULL, NULL, 2026, NULL, NULL, NULL, NULL, NULL)::card_change])""",
        reported.person.participant_id,
        reported.person.cards[reported.kept].card_id,
    )
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await transaction.commit()
    assert refused.value.constraint_name == "execution_equals_the_confirmed_plan"
    await superuser.close()
    assert (await reported.merge())["state"] == "reported"


async def test_a_restored_link_of_a_chain_leads_its_cards_back(
    api: httpx.AsyncClient, database: Database, core: Core
) -> None:
    """first → second, second → last: when the second lives again, the first leads to it."""
    person = await add_person(database, NewCard(balance=1), NewCard(balance=2), NewCard(balance=4, status="active"))
    first, second, last = person.kpjs
    await core.apply(merged(first, second, {}), merged(second, last, {}))
    phone = await Phone(api).enrol(person)
    merges = {merge["absorb"][0]: merge["id"] for merge in (await phone.get("/v1/merges")).json()["merges"]}
    one, two = (Reported(person, phone, merges[kpj], kpj, into) for kpj, into in ((first, second), (second, last)))
    assert (await one.card(first))["merged_into"]["kpj"] == last
    case = await two.dispute()
    await core.apply(decided(case["id"]))
    assert await one.cards() == {
        first: ("merged_without_consent", 1),
        second: ("inactive", 2),
        last: ("active", 4),
    }
    into = (await one.card(first))["merged_into"]
    assert (into["kpj"], into["via"]) == (second, [one.merge_id])
    other = await one.dispute()
    await core.apply(decided(other["id"]))
    assert (await one.cards())[first] == ("inactive", 1)


async def test_of_several_joined_cards_each_is_accepted_by_itself_and_numbers_resolve_in_one_hop(
    api: httpx.AsyncClient, database: Database, core: Core, settle_due: Settle
) -> None:
    """first → second and then second → last, as the core told it: the first must be settled before the second goes."""
    person = await add_person(database, NewCard(balance=1), NewCard(balance=2), NewCard(balance=4, status="active"))
    first, second, last = person.kpjs
    await core.apply(merged(first, second, {}), merged(second, last, {}))
    phone = await Phone(api).enrol(person)
    merges = {merge["absorb"][0]: merge["id"] for merge in (await phone.get("/v1/merges")).json()["merges"]}
    one, two = (Reported(person, phone, merges[kpj], kpj, into) for kpj, into in ((first, second), (second, last)))
    blocked = await phone.post(f"/v1/merges/{two.merge_id}/accept/plan")
    assert refusal(blocked) == (409, "merge_already_open")
    assert blocked.json()["merge_id"] == one.merge_id
    for reported in (one, two):
        assert (await reported.accept(await reported.plan())).status_code == 200
        await settle_due()
        assert (await reported.merge())["state"] == "accepted"
    assert await one.cards() == {first: ("merged", 0), second: ("merged", 0), last: ("active", 7)}
    into = (await one.card(first))["merged_into"]
    assert (into["kpj"], into["via"]) == (last, [one.merge_id, two.merge_id])
