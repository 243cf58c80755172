"""The story that Sepakat exists for, over real HTTP against the real processes, and what is left of it in the database."""

from __future__ import annotations

from collections import Counter

import asyncpg
import pytest
from redis.asyncio import Redis

from app.local.core import post_contribution, propose_merge, report_merge
from app.local.demo_people import find_person
from app.local.phone import Phone, expect
from app.local.story import Stage, play_dwi, push_target
from tests.story.conftest import Scene


async def undelivered(on: Stage, database: asyncpg.Connection[asyncpg.Record]) -> list[str]:
    """Causes with something to push, of people with a phone, that did not reach the simulator exactly as one message."""
    expected = await database.fetch(
        """SELECT d.delivery_id::text AS id FROM deliveries AS d WHERE d.state = 'accepted'
        UNION SELECT 'missing ' || o.cause_id::text FROM outbox AS o JOIN push_targets AS t USING (participant_id)"""
    )
    accepted = Counter(
        message["message"]["data"]["id"]
        for message in await on.messages.all()
        if message["channel"] == "push" and message["outcome"] == "accepted"
    )
    return [row["id"] for row in expected if accepted[row["id"]] < 1]


async def test_the_story_of_dwi(scene: Scene) -> None:
    on, _, database = scene
    await play_dwi(on)

    dwi = await database.fetchval("SELECT participant_id FROM participants WHERE name = $1", find_person("Dwi").name)
    silent = await database.fetchval(
        """SELECT count(*) FROM history AS h JOIN entry_kinds AS k USING (kind) LEFT JOIN deliveries AS d
        ON d.participant_id = h.participant_id AND d.cause_id = h.cause_id AND d.state = 'accepted' AND d.up_to_seq >= h.seq
        WHERE h.participant_id = $1 AND k.reach IN ('push', 'ladder') AND d.cause_id IS NULL AND h.kind <> 'key_added'""",
        dwi,
    )
    assert silent == 0, "every change reached her phone"
    changes = await database.fetch(
        """SELECT h.cause_id, h.card_id, count(*) AS entries FROM history AS h
        WHERE h.participant_id = $1 AND h.card_id IS NOT NULL GROUP BY 1, 2""",
        dwi,
    )
    assert {row["entries"] for row in changes} == {1}, "each change of a card is exactly one entry"
    sums = await database.fetchrow(
        """SELECT (SELECT sum(amount) FROM ledger_entries WHERE participant_id = $1),
        (SELECT sum(balance) FROM cards WHERE participant_id = $1)""",
        dwi,
    )
    assert sums is not None
    assert sums[0] == sums[1] == 24_175_845 + 324_373
    assert await undelivered(on, database) == []


async def test_a_merge_that_the_core_did_on_its_own_is_shown_told_and_not_obeyed(scene: Scene) -> None:
    on, _, _ = scene
    yusuf = find_person("Yusuf")
    phone = await on.phone_of(yusuf, "Ponsel Yusuf")
    before = (await phone.get("/v1/cards")).json()
    gone, kept = yusuf.kpjs
    (result,) = await on.core.send(report_merge(gone, kept, "2026-11-20", {gone: 15_903_328, kept: 22_518_690}))
    assert result["outcome"] == "applied", result
    after = (await phone.get("/v1/cards")).json()
    assert after["total_balance"] == before["total_balance"]
    status = {card["kpj"]: (card["status"], card["balance"]) for card in after["cards"]}
    balance = {card["kpj"]: card["balance"] for card in before["cards"]}
    assert status[gone] == ("merged_without_consent", balance[gone])
    assert status[kept][1] == balance[kept]
    shown = (await phone.post("/v1/cards/resolve", {"kpj": gone}, key="")).json()
    assert shown["explanation"]["consent"] == "none_on_file"
    merges = (await phone.get("/v1/merges")).json()["merges"]
    assert [(merge["state"], merge["proposed_by"]) for merge in merges] == [("reported", "core")]
    inbox = (await phone.get("/v1/inbox")).json()["entries"]
    assert {"merge_reported", "card_merged_without_consent"} <= {entry["kind"] for entry in inbox}
    await on.messages.pushes_to(push_target(phone), 1)


@pytest.mark.long
async def test_a_killed_worker_and_a_flushed_valkey_lose_nothing(scene: Scene) -> None:
    on, running, database = scene
    wati = find_person("Wati")
    phone = await on.phone_of(wati, "Ponsel Wati")
    fid = push_target(phone)
    assert running.valkey is not None
    valkey = Redis.from_url(running.valkey.url)
    expect(
        await on.messages.simulator.post("/script", json={"target": fid, "outcomes": [{"status": 200, "delay_s": 3}]}),
        204,
    )
    sent = [
        post_contribution(wati.kpjs[-1], "E003", f"2025-{month:02d}", 1_000 + month, "2025-12-15")
        for month in range(1, 9)
    ]
    for contribution in sent:
        (result,) = await on.core.send(contribution)
        assert result["outcome"] == "applied", result
    running.processes["worker"].kill()
    await valkey.flushall()
    await valkey.aclose()
    entries = (await phone.get(f"/v1/inbox?limit={len(sent)}")).json()["entries"]
    assert {entry["kind"] for entry in entries} == {"contribution_posted"}
    last = str(entries[0]["seq"])
    await on.messages.wait_for(
        lambda message: (
            message["channel"] == "push"
            and message["target"]["value"] == fid
            and message["message"]["data"]["seq"] == last
        )
    )
    pushes = [message["message"]["data"] for message in await on.messages.pushes_to(fid)]
    seqs = [int(data["seq"]) for data in pushes]
    assert {entry["seq"] for entry in entries} <= set(seqs), "each one reached the phone"
    assert list(dict.fromkeys(seqs)) == sorted(set(seqs)), "in order"
    assert len({data["id"] for data in pushes}) == len(set(seqs)), "a double carries the id of what it doubles"
    assert await undelivered(on, database) == []


async def test_a_phone_that_signs_out_is_out(scene: Scene) -> None:
    on, _, _ = scene
    phone: Phone = await on.phone_of(find_person("Tono"), "Ponsel Tono")
    expect(await phone.delete("/v1/sessions/current"), 204)
    expect(await phone.get("/v1/cards"), 401)
    await phone.sign_in()
    expect(await phone.get("/v1/cards"), 200)


async def test_the_agency_may_propose_for_a_pair_once_at_a_time(scene: Scene) -> None:
    on, _, _ = scene
    tono = find_person("Tono")
    first, second = tono.kpjs[:2]
    results = [
        (await on.core.send(propose_merge([a], b, "Kartu ganda")))[0] for a, b in ((first, second), (second, first))
    ]
    assert [result["outcome"] for result in results] == ["applied", "rejected"], results
    assert results[1]["code"] == "merge_already_open"
