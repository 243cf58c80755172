"""Possible matches are found by look-ups, once, and show employer and years only."""

from __future__ import annotations

import json
from datetime import date

import httpx

from app.local.servers import Postgres, Valkey
from app.matches.find import find_now
from tests.conftest import Database, settings_for
from tests.feed.conftest import Core
from tests.matches.conftest import BORN, Agus, Find, exchange, register_agus
from tests.people import EMPLOYER, NewCard, Phone, add_person, new_nik, open_card

Servers = tuple[Postgres, Valkey]


async def test_agus_is_shown_employer_and_years_and_nothing_else(agus: Agus) -> None:
    answer = await agus.phone.get("/v1/possible-matches")
    (match,) = answer.json()["matches"]
    assert match | {"id": ""} == {
        "id": "",
        "employer": {"id": "E-TEST-1", "name": EMPLOYER},
        "from_year": 2009,
        "to_year": 2015,
        "state": "suggested",
        "case": None,
    }
    inbox = (await agus.phone.get("/v1/inbox")).json()["entries"]
    told = [entry for entry in inbox if entry["kind"] == "possible_match_found"]
    assert len(told) == 1
    shown = json.dumps([answer.json(), inbox, (await agus.phone.get("/v1/cards")).json()])
    for secret in (agus.lost, agus.mistyped.nik, str(agus.mistyped.participant_id), "4218777", "4.218.777"):
        assert secret not in shown
    for card in agus.mistyped.cards.values():
        assert str(card.card_id) not in shown


async def test_it_is_suggested_once(agus: Agus, find: Find, database: Database) -> None:
    connection = await database.connect()
    await connection.execute(
        "INSERT INTO match_queue VALUES ($1, now()), ($2, now()) ON CONFLICT DO NOTHING",
        agus.person.participant_id,
        agus.mistyped.participant_id,
    )
    await connection.close()
    assert await find() == 0
    assert len((await agus.phone.get("/v1/possible-matches")).json()["matches"]) == 1


async def test_a_card_that_is_opened_later_is_found_later(agus: Agus, find: Find, database: Database) -> None:

    connection = await database.connect("sepakat_feed")
    async with connection.transaction():
        await open_card(connection, agus.mistyped.participant_id, NewCard(opened_on=date(2016, 1, 1), status="active"))
    await connection.close()
    assert await find() == 1
    newest = await agus.match()
    assert (newest["from_year"], newest["to_year"]) == (2016, None)


async def test_whoever_comes_second_is_found(
    database: Database, api: httpx.AsyncClient, core: Core, find: Find
) -> None:
    nik = new_nik(BORN)
    await add_person(database, name="Agus Setiawan", birth_date=BORN, nik=exchange(nik, 8), phone=None)
    assert await find() == 0
    person = await add_person(database, name="Agus Setiawan", birth_date=BORN, nik=nik)
    assert await find() == 1
    phone = await Phone(api).enrol(person)
    assert len((await phone.get("/v1/possible-matches")).json()["matches"]) == 1


async def test_rina_and_rina_are_not_suggested_to_each_other(
    database: Database, api: httpx.AsyncClient, find: Find
) -> None:
    born = date(1990, 1, 8)
    people = [await add_person(database, name="Rina Marlina", birth_date=born) for _ in range(2)]
    assert await find() == 0
    for person in people:
        phone = await Phone(api).enrol(person)
        assert (await phone.get("/v1/possible-matches")).json() == {"matches": [], "next_cursor": None}


async def test_nothing_is_looked_for_twice_and_the_dead_are_left_alone(
    database: Database, api: httpx.AsyncClient, core: Core, find: Find
) -> None:
    nik = new_nik(BORN)
    shared = {"name": "Agus Setiawan", "birth_date": BORN}
    await add_person(database, nik=nik, deceased_on=date(2020, 1, 1), **shared)  # type: ignore[arg-type]
    await add_person(database, nik=exchange(nik, 8), phone=None, **shared)  # type: ignore[arg-type]
    assert await find() == 0
    connection = await database.connect()
    assert await connection.fetchval("SELECT count(*) FROM match_queue") == 0
    await connection.close()


async def test_the_list_is_read_page_by_page(
    database: Database, api: httpx.AsyncClient, core: Core, find: Find
) -> None:
    agus = await register_agus(database, api, core)

    connection = await database.connect("sepakat_feed")
    async with connection.transaction():
        for year in (2016, 2017):
            await open_card(connection, agus.mistyped.participant_id, NewCard(opened_on=date(year, 1, 1)))
    await connection.close()
    assert await find() == 3
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await agus.phone.get(f"/v1/possible-matches?limit=2{cursor}")).json()
        seen += [match["id"] for match in page["matches"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen)) == 3
    bad = await agus.phone.get("/v1/possible-matches?cursor=x")
    assert bad.status_code == 400


async def test_it_can_be_done_by_hand(database: Database, api: httpx.AsyncClient, core: Core, servers: Servers) -> None:
    agus = await register_agus(database, api, core)
    assert await find_now(settings_for(database, servers[1], "sepakat_worker")) == 1
    assert (await agus.match())["state"] == "suggested"
