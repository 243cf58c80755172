"""A merge that the core did on its own is shown as what it is, and one tap disputes it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.cases.reports import NEW, OLD, Reported, decided, merged
from tests.conftest import Database
from tests.feed.conftest import Core, contribution
from tests.people import NewCard, Phone, add_person


async def test_a_reported_merge_shows_day_balances_and_actor_and_that_no_consent_is_on_file(reported: Reported) -> None:
    merge = await reported.merge()
    assert (merge["state"], merge["proposed_by"], merge["plan"]) == ("reported", "core", None)
    assert merge["reported"] == {"merged_on": "2026-03-01", "balances": {reported.gone: NEW, reported.kept: OLD}}
    explanation = (await reported.card(reported.gone))["explanation"]
    assert explanation["code"] == "card_merged_without_consent"
    assert (explanation["actor"], explanation["consent"]) == ("core", "none_on_file")
    assert (explanation["occurred_at"][:10], explanation["merge_id"]) == ("2026-02-28", reported.merge_id)  # 00:00 WIB
    assert [act["code"] for act in explanation["what_you_can_do"]] == ["see_merge", "dispute_merge", "accept_merge"]


async def test_a_merge_of_ones_own_was_not_reported(api: httpx.AsyncClient, database: Database) -> None:
    person = await add_person(database, NewCard(balance=1), NewCard(balance=2, status="active"))
    phone = await Phone(api).enrol(person)
    merge = (await phone.post("/v1/merges", {"absorb": person.kpjs[:1], "into": person.kpjs[1]})).json()
    assert merge["reported"] is None
    for path in ("dispute", "accept/plan"):
        refused = await phone.post(f"/v1/merges/{merge['id']}/{path}", {})
        assert (refused.status_code, refused.json()["code"]) == (409, "merge_not_reported")
        assert refused.json()["state"] == "proposed"


async def test_one_tap_freezes_the_pair_and_opens_a_case_with_a_visible_clock(reported: Reported) -> None:
    before = await reported.cards()
    assert await reported.cases() == []
    answer = await reported.phone.post(
        f"/v1/merges/{reported.merge_id}/dispute", {"statement": "Saya tidak pernah setuju"}
    )
    assert (answer.status_code, answer.json()["state"]) == (200, "disputed")

    assert await reported.cards() == {reported.gone: before[reported.gone], reported.kept: ("frozen", OLD)}
    (case,) = await reported.cases()
    assert (case["kind"], case["state"], case["merge_id"]) == ("dispute", "open", reported.merge_id)
    assert case["statement"] == "Saya tidak pernah setuju"
    assert datetime.fromisoformat(case["due_at"]) - datetime.fromisoformat(case["opened_at"]) == timedelta(hours=72)
    assert (case["decision"], case["reason"], case["decided_at"]) == (None, None, None)

    kinds = await reported.kinds()
    assert kinds[-3:] == ["card_frozen_in_dispute", "card_frozen_in_dispute", "merge_disputed"]
    newest = (await reported.phone.get("/v1/inbox?limit=3")).json()["entries"]
    assert len({entry["cause_id"] for entry in newest}) == 1, "one push for the three"
    assert (newest[0]["reach"], "paling lambat" in newest[0]["body"]) == ("push", True)

    frozen = (await reported.card(reported.kept))["explanation"]
    assert (frozen["code"], frozen["merge_id"]) == ("card_frozen", reported.merge_id)
    assert [act["code"] for act in frozen["what_you_can_do"]] == ["see_cases", "see_merge"]
    gone = (await reported.card(reported.gone))["explanation"]
    assert [act["code"] for act in gone["what_you_can_do"]] == ["see_merge", "see_cases", "accept_merge"]
    assert (gone["actor"], gone["consent"]) == ("core", "none_on_file")


async def test_frozen_cards_are_in_no_other_merge_and_still_receive_money(reported: Reported, core: Core) -> None:
    await reported.dispute()
    refused = await reported.phone.post("/v1/merges", {"absorb": [reported.gone], "into": reported.kept})
    assert refused.status_code in (409, 422), refused.text
    await core.apply(contribution(reported.kept, 1000), contribution(reported.gone, 500))
    assert await reported.cards() == {
        reported.kept: ("frozen", OLD + 1000),
        reported.gone: ("merged_without_consent", NEW + 500),
    }


async def test_a_second_tap_is_told_of_the_case_and_a_repeated_one_gets_the_same_answer(reported: Reported) -> None:
    path, key = f"/v1/merges/{reported.merge_id}/dispute", uuid4().hex
    first = await reported.phone.post(path, {}, key=key)
    again = await reported.phone.post(path, {}, key=key)
    assert (first.status_code, first.content) == (200, again.content)
    refused = await reported.phone.post(path, {})
    assert (refused.status_code, refused.json()["code"]) == (409, "merge_already_disputed")
    assert refused.json()["case_id"] == (await reported.cases())[0]["id"]


async def test_two_taps_at_once_open_one_case(reported: Reported) -> None:
    path = f"/v1/merges/{reported.merge_id}/dispute"
    answers = await asyncio.gather(*(reported.phone.post(path, {}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert len(await reported.cases()) == 1
    assert (await reported.kinds()).count("merge_disputed") == 1


async def test_a_stranger_learns_nothing(reported: Reported, api: httpx.AsyncClient, database: Database) -> None:
    stranger = await Phone(api).enrol(await add_person(database))
    for merge_id in (reported.merge_id, str(uuid4())):
        for path in ("dispute", "accept/plan"):
            refused = await stranger.post(f"/v1/merges/{merge_id}/{path}", {})
            assert (refused.status_code, refused.json()["code"]) == (404, "merge_unknown")
    assert (await stranger.get("/v1/cases")).json() == {"cases": [], "next_cursor": None}
    assert (await reported.merge())["state"] == "reported"


async def test_several_disputes_hold_a_shared_card_until_the_last_is_decided(
    api: httpx.AsyncClient, database: Database, core: Core
) -> None:
    person = await add_person(database, NewCard(balance=1), NewCard(balance=2), NewCard(balance=3, status="active"))
    first, second, kept = person.kpjs
    await core.apply(merged(first, kept, {}), merged(second, kept, {}))
    phone = await Phone(api).enrol(person)
    merges = {merge["absorb"][0]: merge["id"] for merge in (await phone.get("/v1/merges")).json()["merges"]}
    one, two = (Reported(person, phone, merges[kpj], kpj, kept) for kpj in (first, second))
    case, other = await one.dispute(), await two.dispute()
    await core.apply(decided(case["id"]))
    assert await one.cards() == {first: ("inactive", 1), second: ("merged_without_consent", 2), kept: ("frozen", 3)}
    refused = await phone.post("/v1/merges", {"absorb": [first], "into": kept})
    assert refused.status_code in (409, 422), "the other reported merge still holds the card"
    await core.apply(decided(other["id"]))
    assert await one.cards() == {first: ("inactive", 1), second: ("inactive", 2), kept: ("active", 3)}
    assert (await phone.post("/v1/merges", {"absorb": [first], "into": kept})).status_code == 201


FORBIDDEN = {
    "accepted by hand": "UPDATE merges SET state = 'accepted', cause_id = {cause} WHERE merge_id = '{m}'",
    "restored by hand": "UPDATE merges SET state = 'restored', cause_id = {cause} WHERE merge_id = '{m}'",
    "a case": """INSERT INTO cases (participant_id, case_id, kind, merge_id, opened_at, due_at, state, cause_id, xact)
        SELECT participant_id, gen_random_uuid(), 'dispute', merge_id, now(), now() + interval '72 hours', 'open', cause_id,
        pg_current_xact_id() FROM merges WHERE merge_id = '{m}'""",
    "no cases": "TRUNCATE cases CASCADE",
    "mark": "UPDATE cards SET merge_mark = 'merged' WHERE participant_id = '{p}' AND merge_mark IS NOT NULL",
    "unmark": """UPDATE cards SET merge_mark = NULL, merge_id = NULL, merged_into = NULL, merged_at = NULL, merged_via = NULL
        WHERE participant_id = '{p}'""",
    "acceptance": "SELECT accept_merge('{p}', '{m}')",
    "other balances": "UPDATE merges SET reported = '{{}}' WHERE merge_id = '{m}'",
}
OF_A_REPORTED_ONE = {
    "disputed by hand": "UPDATE merges SET state = 'disputed', cause_id = {cause} WHERE merge_id = '{m}'",
}
OF_A_DISPUTED_ONE = {
    "upheld by hand": "UPDATE merges SET state = 'reported', cause_id = {cause} WHERE merge_id = '{m}'",
    "a longer clock": "UPDATE cases SET due_at = due_at + interval '1 day' WHERE merge_id = '{m}'",
    "a decision": """UPDATE cases SET state = 'decided', decision = 'restored', staff = 'a', second_staff = 'b',
        decided_at = now() WHERE merge_id = '{m}'""",
    "no case": "DELETE FROM cases WHERE merge_id = '{m}'",
    "another owner": "UPDATE case_owners SET participant_id = gen_random_uuid() WHERE participant_id = '{p}'",
}
DENIED = {"42501", "25006"}
NAMED = {
    "merge_step_is_known",
    "dispute_goes_with_its_case",
    "merge_is_accepted_by_its_participant",
    "cases_by_function_only",
    "cases_are_decided_once",
    "cases_are_kept",
    "case_is_due_in_three_days",
    "case_owners_are_kept",
    "cause_origin_fits_role",
    "accept_is_confirmed",
    "merged_card_is_empty",
    "merge_keeps_its_cards",
}


@pytest.mark.parametrize("disputed", [False, True])
@pytest.mark.parametrize("role", ["sepakat_api", "sepakat_worker", "sepakat_feed", "sepakat_operator", "postgres"])
async def test_no_role_takes_a_step_by_sql(
    reported: Reported, database: Database, role: str, *, disputed: bool
) -> None:
    if disputed:
        await reported.dispute()
    before = (await reported.merge(), await reported.cards(), await reported.cases())
    origin = "core" if role == "sepakat_feed" else "participant"
    participant = reported.person.participant_id
    names = {
        "m": reported.merge_id,
        "p": participant,
        "cause": f"record_cause('{participant}', '{origin}', 'somebody')",
    }
    tried = FORBIDDEN | (OF_A_DISPUTED_ONE if disputed else OF_A_REPORTED_ONE)
    if role == "postgres":
        del tried["unmark"]  # what an owner types by hand is captured and told, not refused
    for name, sql in tried.items():
        connection = await database.connect(role, entering=participant)
        with pytest.raises(asyncpg.PostgresError) as refused:  # noqa: PT012
            async with connection.transaction():
                await connection.execute(sql.format_map(names))
            pytest.fail(f"{role} did it: {name}")
        await connection.close()
        constraint = getattr(refused.value, "constraint_name", None)
        assert refused.value.sqlstate in DENIED or constraint in NAMED, f"{name}: {refused.value!r} {constraint}"
    assert (await reported.merge(), await reported.cards(), await reported.cases()) == before
