"""What the core finds when it asks for merges instead of being told."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, get_args, get_type_hints

import httpx

from app.feed.search_merges import MergeSearch
from tests.conftest import Database
from tests.feed.conftest import Core, event, sign
from tests.people import NewCard, Person, add_person

ROUTE = "/feed/v1/merges/search"


async def ask(feed: httpx.AsyncClient, **search: Any) -> httpx.Response:
    raw = json.dumps({"merge_search": search}).encode()
    return await feed.post(ROUTE, content=raw, headers=sign(raw))


async def find(feed: httpx.AsyncClient, **search: Any) -> dict[str, Any]:
    answer = await ask(feed, **search)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def proposed(core: Core) -> Person:
    person = await add_person(
        core.database,
        NewCard(balance=14_265_493, opened_on=date(2013, 3, 1)),
        NewCard(balance=9_910_352, status="active", opened_on=date(2019, 2, 1)),
    )
    old, new = person.kpjs
    await core.apply(event("merge.proposed", {"absorb": [old], "into": new, "reason": "Dua kartu atas satu NIK"}))
    return person


async def test_merges_of_one_state_come_in_pages(core: Core) -> None:
    people = [await proposed(core) for _ in range(3)]
    found, after = [], None
    while True:
        page = await find(core.feed, state="proposed", limit=2, **({"after": after} if after else {}))
        assert len(page["merges"]) <= 2
        found += page["merges"]
        after = page["next"]
        if after is None:
            break
    ids = [merge["id"] for merge in found]
    assert ids == sorted(set(ids))
    mine = [merge for merge in found if merge["nik"] in {person.nik for person in people}]
    assert sorted((merge["nik"], merge["absorb"], merge["into"]) for merge in mine) == sorted(
        (person.nik, [person.kpjs[0]], person.kpjs[1]) for person in people
    )
    assert {(merge["state"], merge["core"], merge["confirmed_at"]) for merge in mine} == {("proposed", None, None)}
    assert not set(ids) & {merge["id"] for merge in (await find(core.feed, state="executed"))["merges"]}
    assert (await find(core.feed, state="proposed", core="pending", limit=1000))["merges"] == []


async def test_every_state_of_a_merge_can_be_asked_for_and_no_other(core: Core, database: Database) -> None:
    known = {row["to_state"] for row in await core.ask("SELECT DISTINCT to_state FROM merge_transitions")}
    assert set(get_args(get_type_hints(MergeSearch)["state"])) == known
    answer = await ask(core.feed, state="merged")
    assert (answer.status_code, answer.json()["code"]) == (400, "request_invalid")


async def test_a_body_of_another_route_is_not_taken(core: Core) -> None:
    raw = b'{"case_search": {}}'
    answer = await core.feed.post(ROUTE, content=raw, headers=sign(raw))
    assert answer.status_code == 400
    answer = await core.feed.post(ROUTE, content=raw, headers=sign(b"{}"))
    assert answer.status_code == 401
