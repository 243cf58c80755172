"""Claiming and disowning a possible match: with papers, once, and by nobody else."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from tests.conftest import Database
from tests.matches.conftest import Agus, Find
from tests.people import Phone, add_person


async def test_a_claim_opens_a_case_of_three_days(agus: Agus) -> None:
    claimed = await agus.claim()
    assert claimed["state"] == "claimed"
    (case,) = (await agus.phone.get("/v1/cases")).json()["cases"]
    assert (case["id"], case["kind"], case["state"]) == (claimed["case"]["case_id"], "match", "open")
    opened, due = (datetime.fromisoformat(case[name]) for name in ("opened_at", "due_at"))
    assert due - opened == timedelta(hours=72)
    (entry, *_) = (await agus.phone.get("/v1/inbox")).json()["entries"]
    assert entry["kind"] == "possible_match_claimed"
    assert "WIB" in entry["body"]


async def test_a_claim_needs_papers_about_this_very_match(agus: Agus) -> None:
    match = await agus.match()
    path = f"/v1/possible-matches/{match['id']}/claim"
    assert (await agus.phone.post(path, {"document_ids": []})).status_code == 400
    document = await agus.upload(match["id"])
    for ids in ([str(uuid4())], [document, str(uuid4())]):
        refused = await agus.phone.post(path, {"document_ids": ids})
        assert (refused.status_code, refused.json()["code"]) == (422, "document_missing")
    assert (await agus.match())["state"] == "suggested"
    assert (await agus.phone.post(path, {"document_ids": [document, document]})).status_code == 200


async def test_it_is_answered_once(agus: Agus) -> None:
    match = await agus.claim()
    for path, body in (("claim", {"document_ids": [str(uuid4())]}), ("not-mine", {})):
        answer = await agus.phone.post(f"/v1/possible-matches/{match['id']}/{path}", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "match_answered")
        assert "claimed" in answer.json()["detail"]


async def test_not_mine_is_remembered_for_ever(agus: Agus, find: Find, database: Database) -> None:
    match = await agus.match()
    answer = await agus.phone.post(f"/v1/possible-matches/{match['id']}/not-mine", {})
    assert answer.json() == match | {"state": "not_mine"}
    connection = await database.connect()
    await connection.execute(
        "UPDATE participants SET name = name WHERE participant_id = ANY ($1)",
        [agus.person.participant_id, agus.mistyped.participant_id],
    )
    assert await connection.fetchval("SELECT count(*) FROM match_queue") == 2, "looked at again"
    await connection.close()
    assert await find() == 0
    assert [m["state"] for m in (await agus.phone.get("/v1/possible-matches")).json()["matches"]] == ["not_mine"]


async def test_a_double_tap_is_one_claim(agus: Agus) -> None:
    match = await agus.match()
    body = {"document_ids": [await agus.upload(match["id"])]}
    answers = [
        await agus.phone.post(f"/v1/possible-matches/{match['id']}/claim", body, key="one-and-the-same")
        for _ in range(2)
    ]
    assert answers[0].content == answers[1].content
    assert len((await agus.phone.get("/v1/cases")).json()["cases"]) == 1


@pytest.mark.parametrize("verb", ["claim", "not-mine", "documents"])
async def test_a_stranger_learns_nothing(api: httpx.AsyncClient, database: Database, agus: Agus, verb: str) -> None:
    match = await agus.match()
    stranger = await Phone(api).enrol(await add_person(database))
    bodies = {"claim": {"document_ids": [str(uuid4())]}}
    answers = []
    for match_id in (match["id"], str(uuid4())):
        if verb == "documents":
            answer = await stranger.get(f"/v1/possible-matches/{match_id}/documents")
        else:
            answer = await stranger.post(f"/v1/possible-matches/{match_id}/{verb}", bodies.get(verb, {}))
        answers.append(answer.json() | {"instance": ""})
    assert answers[0] == answers[1]
    assert (answers[0]["status"], answers[0]["code"]) == (404, "match_unknown")
    assert (await stranger.get("/v1/possible-matches")).json()["matches"] == []
