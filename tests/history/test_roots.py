"""Signed roots over everybody's heads: chained, public, provable for each, and blind to nothing."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.history.merkle import EMPTY, find_path, find_root
from app.history.roots import make_root
from app.platform.signing import SigningKeys
from app.verify.__main__ import MALFORMED, verify
from app.verify.strict import BrokenError
from tests.conftest import RECEIPT_KEYS, Apps, Database
from tests.history.conftest import worker_of
from tests.history.mutations import alter
from tests.notifications.changes import post_contribution
from tests.people import Phone, add_person


async def make(database: Database, not_before_s: int = 0) -> int | None:
    async with worker_of(database) as connection:
        return await make_root(connection, SigningKeys(Path(RECEIPT_KEYS).read_bytes()), not_before_s=not_before_s)


async def published(api: httpx.AsyncClient) -> tuple[bytes, dict[str, Any]]:
    return (await api.get("/v1/roots")).content, (await api.get("/.well-known/jwks.json")).json()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 8, 100, 513])
def test_every_leaf_leads_to_the_root_and_to_no_other(count: int) -> None:
    leaves = [hashlib.sha256(str(number).encode()).digest() for number in range(count)]
    root = find_root(leaves)
    for place, leaf in enumerate(leaves):
        node = leaf
        for step in find_path(leaves, place):
            sibling = bytes.fromhex(step.hash)
            pair = sibling + node if step.side == "left" else node + sibling
            node = hashlib.sha256(b"\x01" + pair).digest()
        assert node == root
    altered = [*leaves[:-1], hashlib.sha256(b"other").digest()]
    assert find_root(altered) != root
    assert find_root([]) == EMPTY


async def test_roots_are_made_chained_published_and_checked(fresh_apps: Apps) -> None:
    assert await make(fresh_apps.database) is None, "there is no history yet"
    people = [await add_person(fresh_apps.database) for _ in range(5)]
    assert await make(fresh_apps.database) == 1
    await post_contribution(fresh_apps.database, people[0])
    assert await make(fresh_apps.database) == 2
    assert await make(fresh_apps.database, 3600) is None, "the newest is younger than an hour"

    content, keys = await published(fresh_apps.api)
    assert verify("roots", content, keys) == ["2 roots, 1 to 2, signed by the agency, each naming the one before"]
    second, first = json.loads(content)["roots"]
    assert (first["heads"], second["heads"], first["previous"]) == (5, 5, None)
    assert first["root"] != second["root"]
    page = (await fresh_apps.api.get("/v1/roots?limit=1")).json()
    assert ([root["number"] for root in page["roots"]], page["next_cursor"]) == ([2], "2")
    page = (await fresh_apps.api.get("/v1/roots?limit=1&cursor=2")).json()
    assert ([root["number"] for root in page["roots"]], page["next_cursor"]) == ([1], None)
    refused = await fresh_apps.api.get("/v1/roots?cursor=x")
    assert (refused.status_code, refused.json()["code"]) == (400, "request_invalid")


async def test_a_root_is_the_tree_over_all_heads(fresh_apps: Apps) -> None:
    """Computed once more from the heads themselves, in Python alone."""
    for _ in range(12):
        await add_person(fresh_apps.database)
    await make(fresh_apps.database)
    connection = await fresh_apps.database.connect()
    heads = await connection.fetch(
        "SELECT bucket_of(participant_id) AS bucket, participant_id, seq, hash FROM participant_heads ORDER BY 1, 2"
    )
    await connection.close()
    buckets: list[list[bytes]] = [[] for _ in range(4096)]
    for head in heads:
        fields = (head["participant_id"].bytes, head["seq"].to_bytes(8), head["hash"])
        body = b"".join(len(field).to_bytes(4) + field for field in fields)
        buckets[head["bucket"]].append(hashlib.sha256(b"\x00" + body).digest())
    (root,) = (await fresh_apps.api.get("/v1/roots")).json()["roots"]
    assert root["root"] == find_root([find_root(bucket) for bucket in buckets]).hex()
    assert root["heads"] == 12


async def test_an_export_proves_that_its_history_is_in_the_newest_root(fresh_apps: Apps) -> None:
    person = await add_person(fresh_apps.database)
    phone = await Phone(fresh_apps.api).enrol(person)
    for _ in range(40):
        await add_person(fresh_apps.database)
    keys = (await fresh_apps.api.get("/.well-known/jwks.json")).json()
    early = (await phone.get("/v1/me/export")).content
    assert "not in a signed root yet" in verify("history", early, keys)[-1]
    await make(fresh_apps.database)
    assert verify("history", (await phone.get("/v1/me/export")).content, keys)[-1].endswith("is in the signed root 1")
    await post_contribution(fresh_apps.database, person)
    later = (await phone.get("/v1/me/export")).content
    told = json.loads(later)["export"]
    assert told["root"]["seq"] < told["head"]["seq"], "the root holds what was there when it was made"
    assert verify("history", later, keys)[-1].endswith("is in the signed root 1")


async def test_a_history_rewritten_behind_a_root_is_found(fresh_apps: Apps) -> None:
    """By somebody who owns the database, computes every hash anew and signs with the agency's key."""
    person = await add_person(fresh_apps.database)
    phone = await Phone(fresh_apps.api).enrol(person)
    await make(fresh_apps.database)
    owner = await fresh_apps.database.connect()
    await owner.execute("ALTER TABLE history DISABLE TRIGGER USER")
    await owner.execute("ALTER TABLE participant_heads DISABLE TRIGGER USER")
    await owner.execute(
        "UPDATE history SET wording = '2027-01' WHERE participant_id = $1 AND seq = 2", person.participant_id
    )
    await owner.execute(REHASH, person.participant_id)
    await make(fresh_apps.database)
    keys = (await fresh_apps.api.get("/.well-known/jwks.json")).json()
    with pytest.raises(BrokenError, match="rewritten since"):
        verify("history", (await phone.get("/v1/me/export")).content, keys)
    await owner.close()


REHASH = """
WITH RECURSIVE anew AS (
    SELECT 0::bigint AS seq, decode(repeat('00', 32), 'hex') AS hash
    UNION ALL
    SELECT h.seq, chain_step(NULL, a.hash, entry_body(h.participant_id, h.seq, h.kind, h.card_id, h.merge_id, h.cause_id,
        h.occurred_at, h.recorded_at, h.wording, h.commitment))
    FROM anew AS a JOIN history AS h ON h.participant_id = $1 AND h.seq = a.seq + 1
), rehashed AS (
    UPDATE history AS h SET hash = a.hash FROM anew AS a WHERE h.participant_id = $1 AND h.seq = a.seq
)
UPDATE participant_heads SET hash = (SELECT hash FROM anew ORDER BY seq DESC LIMIT 1) WHERE participant_id = $1
"""


async def test_every_alteration_of_published_roots_is_detected(fresh_apps: Apps) -> None:
    await add_person(fresh_apps.database)
    for _ in range(3):
        await make(fresh_apps.database)
    content, keys = await published(fresh_apps.api)
    told, rng = json.loads(content), random.Random(3)
    assert verify("roots", content, keys)
    for _ in range(1000):
        where, other = alter(told["roots"], rng)
        if where in ((0,), (2,)) and len(other) == 2:
            continue  # the newest or the oldest left out: what remains is a chain, as any page of it is
        if where[-1] == "added" or where[1:] == ("made_at",):
            continue  # not read: what counts stands in `signed`
        with pytest.raises((BrokenError, *MALFORMED)):
            verify("roots", json.dumps({"roots": other}).encode(), keys)


async def test_roots_are_kept(fresh_database: Database) -> None:
    await add_person(fresh_database)
    await make(fresh_database)
    superuser = await fresh_database.connect()
    for statement in ("UPDATE history_roots SET heads = 2", "DELETE FROM history_roots", "TRUNCATE history_roots"):
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await superuser.execute(statement)
        assert refused.value.constraint_name == "roots_are_append_only"
    await superuser.close()
    for role in ("sepakat_api", "sepakat_feed"):
        connection = await fresh_database.connect(role)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("INSERT INTO history_roots SELECT * FROM history_roots")
        await connection.close()


async def test_two_workers_make_one_root(fresh_database: Database) -> None:
    await add_person(fresh_database)
    keys = SigningKeys(Path(RECEIPT_KEYS).read_bytes())
    async with worker_of(fresh_database) as first, worker_of(fresh_database) as second:
        assert await make_root(first, keys) == 1
        assert await make_root(second, keys) is None
    assert await make(fresh_database, 3600) is None
