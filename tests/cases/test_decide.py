"""The agency answers a dispute: by four eyes it restores, and against the participant it can agree to nothing."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.cases.reports import NEW, OLD, Reported, decided, merged, reported_merge
from tests.conftest import FEED_SECRET, Database
from tests.feed.conftest import Core, contribution, event, sign
from tests.history.chain import breaks
from tests.history.test_chain import READ


async def code_of(core: Core, **members: object) -> str:
    data = {"case_id": str(uuid4()), "decision": "restored", "reason": "x", "staff": "s-ani", "second_staff": "s-budi"}
    (result,) = await core.send(event("case.decided", data | members))
    assert result["outcome"] == "rejected", result
    code: str = result["code"]
    return code


async def test_a_restoration_gives_both_cards_back_as_they_were(reported: Reported, core: Core) -> None:
    kept_before = (await reported.card(reported.kept))["status"]
    case = await reported.dispute()
    await core.apply(contribution(reported.gone, 500), contribution(reported.kept, 1000))
    await core.apply(decided(case["id"], streams={f"participant:{reported.person.nik}": 1}))

    assert await reported.cards() == {reported.kept: (kept_before, OLD + 1000), reported.gone: ("active", NEW + 500)}
    assert (await reported.card(reported.gone))["merged_into"] is None
    assert (await reported.merge())["state"] == "restored"
    (answered,) = await reported.cases()
    assert (answered["state"], answered["decision"], answered["reason"]) == (
        "decided",
        "restored",
        "Tidak ada persetujuan",
    )
    assert answered["decided_at"] is not None
    entries = (await reported.phone.get("/v1/inbox?limit=3")).json()["entries"]
    assert [entry["kind"] for entry in entries] == ["merge_restored", "card_restored", "card_restored"]
    assert (entries[0]["reach"], "Tidak ada persetujuan" in entries[0]["body"]) == ("ladder", True)


async def test_restored_cards_can_be_merged_by_their_owner(reported: Reported, core: Core) -> None:
    case = await reported.dispute()
    await core.apply(decided(case["id"]))
    answer = await reported.phone.post("/v1/merges", {"absorb": [reported.kept], "into": reported.gone})
    assert answer.status_code == 201, answer.text
    assert (await reported.phone.confirm(answer.json())).status_code == 200


async def test_the_agency_standing_by_the_merge_agrees_to_nothing_for_anybody(reported: Reported, core: Core) -> None:
    """The case ends, and the freeze; the card stays merged without consent, and can be disputed again or accepted."""
    before = await reported.cards()
    case = await reported.dispute()
    await core.apply(decided(case["id"], "accepted", second_staff=None))
    assert await reported.cards() == before
    merge = await reported.merge()
    assert (merge["state"], merge["executed_at"]) == ("reported", None)
    assert (await reported.card(reported.gone))["explanation"]["consent"] == "none_on_file"
    (answered,) = await reported.cases()
    assert (answered["state"], answered["decision"]) == ("decided", "accepted")
    assert (await reported.kinds())[-3:] == ["card_released_from_dispute", "card_released_from_dispute", "merge_upheld"]
    again = await reported.dispute("Slip gaji saya membuktikannya")
    assert (again["state"], again["id"] != case["id"]) == ("open", True)
    assert len(await reported.cases()) == 2


@pytest.mark.parametrize(
    "staff", [{"second_staff": None}, {"second_staff": "s-ani"}, {"staff": "S-Ani", "second_staff": "s-ani"}]
)
async def test_one_pair_of_eyes_restores_nothing(reported: Reported, core: Core, staff: dict[str, str | None]) -> None:
    case = await reported.dispute()
    before = (await reported.merge(), await reported.cards())
    assert await code_of(core, case_id=case["id"], **staff) == "four_eyes_needed"
    assert (await reported.merge(), await reported.cards()) == before
    assert (await reported.cases())[0]["state"] == "open"


async def test_what_the_database_asks_for_is_asked_of_the_function_too(reported: Reported, database: Database) -> None:
    case = await reported.dispute()
    feed = await database.connect("sepakat_feed")
    for staff, second, constraint in (
        ("a", None, "case_is_restored_by_four_eyes"),
        ("a", "A", "four_eyes_are_two_people"),
        (None, "b", "case_is_decided_by_staff"),
    ):
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await feed.execute(
                "SELECT decide_case($1, $2, record_cause($1, 'agency', 'x'), 'restored', 'y', $3, $4)",
                reported.person.participant_id,
                case["id"],
                staff,
                second,
            )
        assert refused.value.constraint_name == constraint
    await feed.close()
    for role in ("sepakat_api", "sepakat_worker", "sepakat_operator"):
        connection = await database.connect(role)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SELECT decide_case(NULL, NULL, NULL, NULL, NULL, NULL, NULL)")
        await connection.close()


async def test_a_case_is_decided_once(reported: Reported, core: Core) -> None:
    case = await reported.dispute()
    first = decided(case["id"])
    await core.apply(first)
    (again,) = await core.send(first)
    assert again["outcome"] == "duplicate"
    for decision in ("restored", "accepted"):
        assert await code_of(core, case_id=case["id"], decision=decision) == "case_decided_already"
    assert (await reported.merge())["state"] == "restored"


async def test_two_decisions_at_once_count_once(reported: Reported, core: Core) -> None:
    case = await reported.dispute()
    results = await asyncio.gather(*(core.send(decided(case["id"], d)) for d in ("restored", "accepted") * 3))
    assert sorted(result["outcome"] for (result,) in results) == ["applied"] + ["rejected"] * 5
    assert (await reported.kinds()).count("merge_disputed") == 1
    assert len([kind for kind in await reported.kinds() if kind in ("merge_restored", "merge_upheld")]) == 1


async def test_a_decision_for_an_unknown_case_or_in_a_foreign_stream_is_rejected(
    reported: Reported, core: Core
) -> None:
    assert await code_of(core) == "case_unknown"
    assert await code_of(core, case_id="C-1") == "data_invalid"
    assert await code_of(core, decision="merged") == "data_invalid"
    case = await reported.dispute()
    (result,) = await core.send(decided(case["id"], streams={"card:99999999999": 1}))
    assert (result["outcome"], result["code"]) == ("rejected", "stream_foreign")
    assert (await reported.merge())["state"] == "disputed"


async def test_the_core_may_report_again_what_was_restored(reported: Reported, core: Core) -> None:
    case = await reported.dispute()
    await core.apply(decided(case["id"]))
    await core.apply(merged(reported.gone, reported.kept, {}))
    states = [merge["state"] for merge in (await reported.phone.get("/v1/merges")).json()["merges"]]
    assert sorted(states) == ["reported", "restored"]
    assert (await reported.cards())[reported.gone] == ("merged_without_consent", NEW)


async def test_staff_find_the_case_by_when_it_is_due(
    reported: Reported, feed: httpx.AsyncClient, api: httpx.AsyncClient, database: Database, core: Core
) -> None:
    case = await reported.dispute("Bukan saya")
    later = await (await reported_merge(api, database, core)).dispute()
    raw = b'{"case_search": {"state": "open", "limit": 1000}}'
    answer = await feed.post("/feed/v1/cases/search", content=raw, headers=sign(raw, secret=FEED_SECRET))
    assert answer.status_code == 200, answer.text
    found = {item["id"]: item for item in answer.json()["cases"]}
    assert (found[case["id"]]["nik"], found[case["id"]]["statement"]) == (reported.person.nik, "Bukan saya")
    assert list(found).index(case["id"]) < list(found).index(later["id"])
    assert (await feed.post("/feed/v1/cases/search", json={"case_search": {}})).status_code == 401


async def test_cases_come_in_pages_newest_first(reported: Reported, core: Core) -> None:
    for _ in range(3):
        case = await reported.dispute()
        await core.apply(decided(case["id"], "accepted"))
    first = (await reported.phone.get("/v1/cases?limit=2")).json()
    rest = (await reported.phone.get(f"/v1/cases?limit=2&cursor={first['next_cursor']}")).json()
    assert (len(first["cases"]), len(rest["cases"]), rest["next_cursor"]) == (2, 1, None)
    opened = [case["opened_at"] for case in first["cases"] + rest["cases"]]
    assert opened == sorted(opened, reverse=True)
    assert (await reported.phone.get("/v1/cases?cursor=x")).json()["code"] == "request_invalid"


async def test_the_chain_holds_and_every_change_is_one_entry(
    reported: Reported, core: Core, database: Database
) -> None:
    await core.apply(decided((await reported.dispute())["id"], "accepted"))
    await core.apply(decided((await reported.dispute())["id"]))
    connection = await database.connect()
    participant = reported.person.participant_id
    entries = [dict(row) for row in await connection.fetch(READ, participant)]
    head = await connection.fetchrow("SELECT seq, hash FROM participant_heads WHERE participant_id = $1", participant)
    await connection.close()
    assert head is not None
    assert breaks(entries, (head["seq"], head["hash"])) == []
    assert "unexplained_change" not in {entry["kind"] for entry in entries}
