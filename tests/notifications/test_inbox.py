"""The inbox over HTTP: what is in it, in which order, in which language, and what a phone says back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import Apps, Database
from tests.notifications.changes import post_contribution
from tests.people import NewCard, Person, Phone, add_person


@pytest.fixture
async def dwi(database: Database) -> Person:
    return await add_person(database, NewCard(balance=14_265_493), NewCard(status="active", balance=9_910_352))


@pytest.fixture
async def phone(apps: Apps, dwi: Person) -> Phone:
    return await Phone(apps.api).enrol(dwi)


async def read(phone: Phone, query: str = "", **headers: str) -> dict[str, Any]:
    answer = await phone.get(f"/v1/inbox{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    inbox: dict[str, Any] = answer.json()
    return inbox


async def test_a_change_is_an_entry_that_says_what_and_where(database: Database, dwi: Person, phone: Phone) -> None:
    cause_id = await post_contribution(database, dwi, amount=319_177)
    inbox = await read(phone)
    entry = inbox["entries"][0]
    assert entry["kind"] == "contribution_posted"
    assert entry["kpj"] == dwi.kpjs[0]
    assert entry["cause_id"] == str(cause_id)
    assert entry["merge_id"] is None
    assert (entry["reach"], entry["severity"]) == ("push", "info")
    assert "Rp319.177" in entry["body"]
    assert dwi.kpjs[0] in entry["body"]
    assert (entry["read"], entry["acknowledged"]) == (False, False)
    assert inbox["head"] == {"seq": entry["seq"], "hash": entry["hash"]}
    assert inbox["unread"] == len(inbox["entries"])
    assert inbox["next_cursor"] is None
    connection = await database.connect()
    head = await connection.fetchval("SELECT hash FROM participant_heads WHERE participant_id = $1", dwi.participant_id)
    await connection.close()
    assert inbox["head"]["hash"] == head.hex()


async def test_pages_meet_without_gap_or_overlap_in_both_directions(
    database: Database, dwi: Person, phone: Phone
) -> None:
    for _ in range(3):
        await post_contribution(database, dwi)
    everything = [entry["seq"] for entry in (await read(phone))["entries"]]
    assert everything == sorted(everything, reverse=True)

    for parameter, first, expected in (("before", "", everything), ("after", "after=0&", everything[::-1])):
        seen: list[int] = []
        query = first
        while True:
            page = await read(phone, f"?{query}limit=2")
            assert len(page["entries"]) <= 2
            seen += [entry["seq"] for entry in page["entries"]]
            if page["next_cursor"] is None:
                break
            query = f"{parameter}={page['next_cursor']}&"
        assert seen == expected
    last = everything[0]
    assert (await read(phone, f"?after={last}"))["entries"] == []
    assert (await read(phone, f"?after={last}"))["head"]["seq"] == last


async def test_the_language_is_the_one_asked_for_else_the_persons_own(apps: Apps, database: Database) -> None:
    person = await add_person(database, locale="en")
    phone = await Phone(apps.api).enrol(person)
    assert "Recorded by" in (await read(phone))["entries"][-1]["body"]
    assert "Recorded by" in (await read(phone, **{"accept-language": "fr"}))["entries"][-1]["body"]
    assert "Dicatat oleh" in (await read(phone, **{"accept-language": "id-ID,en;q=0.5"}))["entries"][-1]["body"]


async def test_what_an_import_brought_is_silent(database: Database, apps: Apps) -> None:
    nur = await add_person(database, NewCard(), NewCard(status="active"), origin="import")
    phone = await Phone(apps.api).enrol(nur)
    inbox = await read(phone)
    assert [entry["kind"] for entry in inbox["entries"]] == ["key_added"]
    assert inbox["head"]["seq"] == inbox["unread"] + 3 == 4, "registered and two cards: in history, and not to be told"
    assert (await phone.post("/v1/inbox/1/acknowledge")).json()["code"] == "entry_unknown"


async def test_the_read_mark_only_moves_forward_and_never_past_the_head(phone: Phone) -> None:
    inbox = await read(phone)
    first, head = inbox["entries"][-1]["seq"], inbox["head"]["seq"]

    async def mark(up_to: int) -> dict[str, int]:
        answer = await phone.post("/v1/inbox/read", {"up_to": up_to}, key="")
        assert answer.status_code == 200, answer.text
        marked: dict[str, int] = answer.json()
        return marked

    assert await mark(first) == {"read_up_to": first, "unread": inbox["unread"] - 1}
    assert [entry["read"] for entry in (await read(phone))["entries"]].count(True) == 1
    assert (await mark(0))["read_up_to"] == first
    assert await mark(2**63 - 1) == {"read_up_to": head, "unread": 0}
    assert (await read(phone))["unread"] == 0


async def test_receipts_are_kept_once_for_each_phone_and_unknown_ones_passed_over(
    database: Database, dwi: Person, phone: Phone
) -> None:
    seq = (await read(phone))["head"]["seq"]
    for _ in range(2):
        answer = await phone.post("/v1/inbox/receipts", {"seqs": [seq, seq, 2**62]}, key="")
        assert answer.status_code == 204, answer.text
    connection = await database.connect()
    rows = await connection.fetch(
        "SELECT seq, device_id::text FROM receipts WHERE participant_id = $1", dwi.participant_id
    )
    await connection.close()
    assert [tuple(row) for row in rows] == [(seq, phone.device_id)]
    too_many = await phone.post("/v1/inbox/receipts", {"seqs": list(range(501))}, key="")
    assert too_many.status_code == 400


async def test_a_receipt_is_of_one_phone_and_neither_reads_nor_acknowledges(
    apps: Apps, database: Database, dwi: Person, phone: Phone
) -> None:
    other = await Phone(apps.api, "Tablet").enrol(dwi)
    before = await read(phone)
    seqs = [entry["seq"] for entry in before["entries"]]
    for one in (phone, other):
        assert (await one.post("/v1/inbox/receipts", {"seqs": seqs}, key="")).status_code == 204
    assert await read(phone) == before
    kept = json.loads((await phone.get("/v1/me/export")).content)["export"]["arrivals"]
    assert sorted((row["seq"], row["device_id"]) for row in kept) == sorted(
        (seq, one.device_id) for seq in seqs for one in (phone, other)
    )
    assert all(row["received_at"] for row in kept)


async def test_what_comes_between_two_pages_moves_none_and_is_found_after_the_newest(
    database: Database, dwi: Person, phone: Phone
) -> None:
    for _ in range(3):
        await post_contribution(database, dwi)
    everything = [entry["seq"] for entry in (await read(phone))["entries"]]
    first = await read(phone, "?limit=2")
    await post_contribution(database, dwi)
    await phone.post("/v1/inbox/read", {"up_to": everything[-1]}, key="")
    rest = await read(phone, f"?before={first['next_cursor']}")
    assert [entry["seq"] for entry in first["entries"] + rest["entries"]] == everything
    newer = await read(phone, f"?after={everything[0]}")
    assert [entry["seq"] for entry in newer["entries"]] == [everything[0] + 1]
    assert newer["unread"] == first["unread"]  # one more, and one read


async def test_acknowledging_is_for_one_entry_and_stays(phone: Phone) -> None:
    inbox = await read(phone)
    seq = inbox["entries"][0]["seq"]
    first = await phone.post(f"/v1/inbox/{seq}/acknowledge")
    again = await phone.post(f"/v1/inbox/{seq}/acknowledge")
    assert first.status_code == again.status_code == 200, first.text
    assert first.json() == again.json()
    assert [entry["seq"] for entry in (await read(phone))["entries"] if entry["acknowledged"]] == [seq]


@pytest.mark.parametrize("seq", ["0", "999999", "99999999999999999999", "-1"])
async def test_an_entry_that_is_not_there_cannot_be_acknowledged(phone: Phone, seq: str) -> None:
    answer = await phone.post(f"/v1/inbox/{seq}/acknowledge")
    assert (answer.status_code, answer.json()["code"]) == (404, "entry_unknown")


async def test_a_stranger_sees_and_marks_nothing_of_mine(
    apps: Apps, database: Database, dwi: Person, phone: Phone
) -> None:
    other = await Phone(apps.api).enrol(await add_person(database, NewCard()))
    mine = {entry["hash"] for entry in (await read(phone))["entries"]}
    assert not mine & {entry["hash"] for entry in (await read(other))["entries"]}
    head = (await read(phone))["head"]["seq"]
    await post_contribution(database, dwi)
    assert (await other.post("/v1/inbox/read", {"up_to": head}, key="")).status_code == 200
    assert not any(entry["read"] for entry in (await read(phone))["entries"])


@pytest.mark.parametrize(
    "query",
    ["after=1&before=2", "after=-1", "before=x", "limit=0", "limit=101", f"after={2**63}", "after=1.5", "limit=1e3"],
)
async def test_a_query_that_does_not_fit_is_refused(phone: Phone, query: str) -> None:
    answer = await phone.get(f"/v1/inbox?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "request_invalid")


async def test_without_sign_in_there_is_no_inbox(apps: Apps) -> None:
    answer = await apps.api.get("/v1/inbox")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
