"""The cards as they were: on any past day as known now, and at any instant as they were shown then."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.cards.as_of import AS_OF
from app.feed.import_files import import_folder
from app.local.demo_people import PEOPLE
from app.platform.clock import jakarta_day
from tests.cases.reports import NEW, OLD, decided, reported_merge
from tests.conftest import DATA_KEYS, Apps, Database
from tests.feed.conftest import Core
from tests.matches.conftest import Find, core, find, register_agus
from tests.merges.conftest import Settle, cool_off, settle_due, wait
from tests.people import HeldCard, NewCard, Person, Phone, add_person

__all__ = ["cool_off", "core", "find", "settle_due", "wait"]
MERGED_ON = date(2026, 3, 1)
DAY_S = 86_400
Wait = Callable[[int], Awaitable[None]]
Shown = dict[str, tuple[str, int | None]]


async def cards(phone: Phone, **query: Any) -> Shown:
    """Status and balance by number."""
    return {card["kpj"]: (card["status"], card["balance"]) for card in (await overview(phone, **query))["cards"]}


async def overview(phone: Phone, **query: Any) -> dict[str, Any]:
    answer = await phone.get("/v1/cards", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def change(database: Database, person: Person, card: HeldCard, occurred_at: datetime, **told: Any) -> None:
    """A change that the core tells of now, about something that happened at `occurred_at`."""
    connection = await database.connect("sepakat_feed")
    async with connection.transaction():
        cause_id: UUID = await connection.fetchval(
            "SELECT record_cause($1, 'core', 'tests', p_occurred_at => $2)", person.participant_id, occurred_at
        )
        row = {
            "participant_id": str(person.participant_id),
            "card_id": str(card.card_id),
            "cause_id": str(cause_id),
        } | told
        await connection.execute(
            "SELECT apply_changes(array(SELECT c FROM jsonb_populate_recordset(NULL::card_change, $1) AS c))",
            json.dumps([row], default=str),
        )
    await connection.close()


@pytest.fixture(scope="module")
def database(own_database: Database) -> Database:
    """These tests move the clock by days."""
    return own_database


@pytest.fixture(scope="module")
def apps(own_apps: Apps) -> Apps:
    return own_apps


def contribution(amount: int, paid_on: date, **more: Any) -> dict[str, Any]:
    return {
        "kind": "contribution_posted",
        "ledger_kind": "contribution",
        "amount": amount,
        "effective_on": paid_on,
        "month": paid_on.replace(day=1),
    } | more


def status_change(lifecycle: str, on: date) -> dict[str, Any]:
    return {"kind": "card_status_changed", "patch": {"lifecycle": lifecycle}, "data": {"effective_on": on}}


async def now_of(database: Database) -> datetime:
    connection = await database.connect()
    found: datetime = await connection.fetchval("SELECT current_instant()")
    await connection.close()
    return found


async def test_the_days_before_and_after_a_merge(
    api: httpx.AsyncClient, database: Database, wait: Wait, settle_due: Settle
) -> None:
    person = await add_person(
        database,
        NewCard(balance=14_265_493, opened_on=date(2013, 3, 1), closed_on=date(2018, 8, 31)),
        NewCard(balance=9_910_352, status="active", opened_on=date(2019, 2, 1)),
    )
    old, new = person.kpjs
    phone = await Phone(api).enrol(person)
    merge = (await phone.post("/v1/merges", {"absorb": [old], "into": new})).json()
    await phone.confirm(merge)
    before = await now_of(database)
    await wait(DAY_S)
    await settle_due()
    await phone.refresh()
    merged_at = datetime.fromisoformat((await phone.get(f"/v1/merges/{merge['id']}")).json()["executed_at"])
    day = jakarta_day(merged_at)
    after_merge = {old: ("merged", 0), new: ("active", 24_175_845)}
    apart = {old: ("inactive", 14_265_493), new: ("active", 9_910_352)}

    assert await cards(phone, as_of=day - timedelta(days=1)) == apart
    assert await cards(phone, as_of=day) == after_merge
    assert await cards(phone, as_of=day + timedelta(days=1)) == after_merge
    assert await cards(phone) == after_merge
    assert await cards(phone, known_at=before.isoformat()) == apart
    assert await cards(phone, known_at=(merged_at - timedelta(microseconds=1)).isoformat()) == apart
    assert await cards(phone, known_at=merged_at.isoformat()) == after_merge

    merged = next(card for card in (await overview(phone, as_of=day))["cards"] if card["kpj"] == old)
    plain = next(card for card in (await overview(phone))["cards"] if card["kpj"] == old)
    assert merged == plain
    earlier = next(
        card for card in (await overview(phone, as_of=day - timedelta(days=1)))["cards"] if card["kpj"] == old
    )
    assert earlier["merged_into"] is None


async def test_undone_it_is_merged_only_in_between(
    api: httpx.AsyncClient, database: Database, wait: Wait, settle_due: Settle
) -> None:
    person = await add_person(
        database, NewCard(balance=100, opened_on=date(2013, 3, 1)), NewCard(balance=50, status="active")
    )
    old, new = person.kpjs
    phone = await Phone(api).enrol(person)
    merge = (await phone.post("/v1/merges", {"absorb": [old], "into": new})).json()
    await phone.confirm(merge)
    await wait(DAY_S)
    await settle_due()
    await phone.refresh()
    day = jakarta_day(await now_of(database))
    await wait(2 * DAY_S)
    await phone.refresh()
    assert (await phone.undo(merge["id"])).status_code == 200
    apart = {old: ("inactive", 100), new: ("active", 50)}
    merged = {old: ("merged", 0), new: ("active", 150)}
    assert await cards(phone) == apart
    seen = [await cards(phone, as_of=day + timedelta(days=offset)) for offset in (-1, 0, 1, 2, 3)]
    assert seen == [apart, merged, merged, apart, apart]
    card = next(card for card in (await overview(phone, as_of=day + timedelta(days=1)))["cards"] if card["kpj"] == old)
    assert (card["merged_into"]["kpj"], card["merged_into"]["via"]) == (new, [merge["id"]])


async def test_what_came_late_counts_on_its_day_and_was_not_shown_before(
    api: httpx.AsyncClient, database: Database
) -> None:
    person = await add_person(database, NewCard(balance=1000, status="active", opened_on=date(2020, 1, 1)))
    (kpj,) = person.kpjs
    phone = await Phone(api).enrol(person)
    before = await now_of(database)
    await change(database, person, person.cards[kpj], before, **contribution(300, date(2024, 5, 10)))
    assert await cards(phone, as_of="2024-05-09") == {kpj: ("active", 1000)}
    assert await cards(phone, as_of="2024-05-10") == {kpj: ("active", 1300)}
    assert await cards(phone, known_at=before.isoformat()) == {kpj: ("active", 1000)}
    assert await cards(phone, known_at=before.isoformat(), as_of="2024-05-10") == {kpj: ("active", 1000)}
    assert await cards(phone, known_at=(await now_of(database)).isoformat()) == {kpj: ("active", 1300)}
    (card,) = (await overview(phone, as_of="2024-05-09"))["cards"]
    assert card["last_contribution"] is None
    (card,) = (await overview(phone, as_of="2024-05-10"))["cards"]
    assert card["last_contribution"] == {"month": "2024-05", "amount": 300}


async def test_a_status_told_late_counts_from_its_day(api: httpx.AsyncClient, database: Database) -> None:
    person = await add_person(database, NewCard(balance=1, status="active", opened_on=date(2020, 1, 1)))
    (kpj,) = person.kpjs
    card, phone = person.cards[kpj], await Phone(api).enrol(person)
    told_at = await now_of(database)
    await change(database, person, card, told_at, **contribution(2, date(2025, 3, 1)))
    await change(database, person, card, told_at, **status_change("inactive", date(2025, 2, 1)))
    await change(database, person, card, told_at, **status_change("active", date(2025, 6, 1)))
    await change(database, person, card, told_at, **status_change("arrears", date(2025, 4, 1)))
    shown = {
        day: (await cards(phone, as_of=day))[kpj][0] for day in ("2025-01-31", "2025-02-01", "2025-05-31", "2025-06-01")
    }
    assert shown == {
        "2025-01-31": "active",
        "2025-02-01": "inactive",
        "2025-05-31": "inactive",
        "2025-06-01": "arrears",  # told last: it cannot have been replaced by what was told before it
    }
    assert await cards(phone) == {kpj: ("arrears", 3)}


async def test_a_card_is_not_there_before_it_was_opened_or_known(api: httpx.AsyncClient, database: Database) -> None:
    person = await add_person(
        database,
        NewCard(balance=10, opened_on=date(2013, 3, 1), closed_on=date(2018, 8, 31)),
        NewCard(status="active", opened_on=date(2019, 2, 1), programmes=("JKK", "JKM"), segment="JAKON"),
    )
    old, new = person.kpjs
    phone = await Phone(api).enrol(person)
    assert await cards(phone, as_of="2013-02-28") == {}
    assert await cards(phone, as_of="2013-03-01") == {old: ("active", 10)}
    assert await cards(phone, as_of="2018-08-30") == {old: ("active", 10)}
    assert await cards(phone, as_of="2018-08-31") == {old: ("inactive", 10)}
    assert await cards(phone, as_of="2019-02-01") == {old: ("inactive", 10), new: ("active", None)}
    assert await cards(phone, known_at="2020-01-01T00:00:00Z") == {}
    total = await overview(phone, as_of="2013-02-28")
    assert (total["total_balance"], total["head"]) == (0, (await overview(phone))["head"])
    (card,) = (await overview(phone, as_of="2018-08-30"))["cards"]
    assert card["closed_on"] is None


async def test_a_balance_from_before_the_opening_balance_is_not_known(
    api: httpx.AsyncClient, database: Database
) -> None:
    person = await add_person(database)
    connection = await database.connect("sepakat_feed")
    async with connection.transaction():
        cause_id = await connection.fetchval("SELECT record_cause($1, 'core', 'tests')", person.participant_id)
        card_id, kpj = UUID(int=7), "99000000777"
        shared = {"participant_id": person.participant_id, "card_id": card_id, "cause_id": cause_id}
        opening = shared | {
            "kpj": kpj,
            "segment": "PU",
            "programmes": ["JHT"],
            "opened_on": "2013-03-01",
            "lifecycle": "active",
        }
        entry = shared | {"ledger_kind": "opening", "amount": 500, "effective_on": "2017-01-01"}
        await connection.execute(
            """SELECT open_cards(array(SELECT c FROM jsonb_populate_recordset(NULL::card_opening, $1) AS c),
                array(SELECT e FROM jsonb_populate_recordset(NULL::card_change, $2) AS e))""",
            json.dumps([opening], default=str),
            json.dumps([entry], default=str),
        )
    await connection.close()
    phone = await Phone(api).enrol(person)
    assert (await cards(phone, as_of="2016-12-31"))[kpj] == ("active", None)
    assert (await cards(phone, as_of="2017-01-01"))[kpj] == ("active", 500)


async def days_around(phone: Phone, day: date) -> list[Shown]:
    """The day before, the day of, the day after."""
    return [await cards(phone, as_of=day + timedelta(days=offset)) for offset in (-1, 0, 1)]


async def test_a_merge_that_the_core_did_shows_from_its_day_and_its_acceptance_from_that_one(
    api: httpx.AsyncClient, feed: httpx.AsyncClient, database: Database, wait: Wait, settle_due: Settle
) -> None:
    reported = await reported_merge(api, database, Core(feed, database))
    phone, gone, kept = reported.phone, reported.gone, reported.kept
    apart = {gone: ("active", NEW), kept: ("inactive", OLD)}
    without_consent = apart | {gone: ("merged_without_consent", NEW)}
    assert await days_around(phone, MERGED_ON) == [apart, without_consent, without_consent]
    assert await cards(phone) == without_consent
    await wait(2 * DAY_S)
    await phone.sign_in()
    assert (await reported.accept(await reported.plan())).status_code == 200
    await settle_due()
    agreed = {gone: ("merged", 0), kept: ("inactive", OLD + NEW)}
    assert await cards(phone) == agreed
    accepted_on = jakarta_day(await now_of(database))
    assert await days_around(phone, accepted_on) == [without_consent, agreed, agreed]
    assert await days_around(phone, MERGED_ON) == [apart, without_consent, without_consent]


async def test_disputed_and_restored_it_was_merged_in_between(
    api: httpx.AsyncClient, feed: httpx.AsyncClient, database: Database, wait: Wait
) -> None:
    core = Core(feed, database)
    reported = await reported_merge(api, database, core)
    phone, gone, kept = reported.phone, reported.gone, reported.kept
    apart = {gone: ("active", NEW), kept: ("inactive", OLD)}
    without_consent = apart | {gone: ("merged_without_consent", NEW)}
    frozen = without_consent | {kept: ("frozen", OLD)}
    await wait(2 * DAY_S)
    await phone.sign_in()
    case = await reported.dispute()
    disputed_on = jakarta_day(await now_of(database))
    await wait(2 * DAY_S)
    await phone.sign_in()
    now = await now_of(database)
    await core.apply(decided(case["id"]) | {"occurred_at": now.isoformat()})
    assert await days_around(phone, MERGED_ON) == [apart, without_consent, without_consent]
    assert await days_around(phone, disputed_on) == [without_consent, frozen, frozen]
    assert await days_around(phone, jakarta_day(now)) == [frozen, apart, apart]
    assert await cards(phone) == apart


@pytest.mark.parametrize("balance", [4_218_777, 0])
async def test_a_transferred_card_leaves_one_and_comes_to_the_other_on_its_day(
    api: httpx.AsyncClient, database: Database, core: Core, find: Find, wait: Wait, settle_due: Settle, balance: int
) -> None:
    agus = await register_agus(database, api, core, balance=balance)
    await find()
    case_id = (await agus.claim())["case"]["case_id"]
    await wait(DAY_S)
    await agus.phone.sign_in()
    assert (await agus.decide(case_id))["outcome"] == "applied"
    day = jakarta_day(await now_of(database))
    (own,) = agus.person.kpjs
    held = {own: ("active", 30_000_000)}
    assert await days_around(agus.phone, day) == [
        held | {agus.lost: ("inactive", None)},  # it was not theirs yet, so that nothing of its money is known
        held | {agus.lost: ("inactive", balance)},
        held | {agus.lost: ("inactive", balance)},
    ]
    connection = await database.connect("sepakat_api", entering=agus.mistyped.participant_id)
    for offset, expected in ((-1, ("inactive", balance)), (0, ("transferred_away", 0)), (1, ("transferred_away", 0))):
        rows = await connection.fetch(AS_OF, agus.mistyped.participant_id, day + timedelta(days=offset), None)
        assert [(row["status"], row["balance"]) for row in rows] == [expected]
    await connection.close()

    # What becomes of it later is nothing of the days before it came.
    await agus.phone.confirm((await agus.phone.post("/v1/merges", {"absorb": [agus.lost], "into": own})).json())
    await wait(DAY_S)
    await settle_due()
    await agus.phone.sign_in()
    assert (await cards(agus.phone))[agus.lost] == ("merged", 0)
    assert await cards(agus.phone, as_of=day - timedelta(days=1)) == held | {agus.lost: ("inactive", None)}
    assert await cards(agus.phone, as_of="2010-01-01") == {agus.lost: ("active", None)}


async def test_money_of_a_later_day_goes_along_with_the_merge(
    api: httpx.AsyncClient, database: Database, wait: Wait, settle_due: Settle
) -> None:
    """Growth of a year that is not over counts from its end; but no card held less than nothing when it was merged before."""
    person = await add_person(
        database, NewCard(balance=100, opened_on=date(2013, 3, 1)), NewCard(balance=50, status="active")
    )
    old, new = person.kpjs
    phone = await Phone(api).enrol(person)
    now = await now_of(database)
    ahead = {
        "kind": "growth_credited",
        "ledger_kind": "growth",
        "amount": 7,
        "effective_on": date(now.year + 1, 12, 31),
    }
    await change(database, person, person.cards[old], now, **ahead)
    assert await cards(phone, as_of=jakarta_day(now)) == {old: ("inactive", 100), new: ("active", 50)}
    assert await cards(phone, as_of=f"{now.year + 1}-12-31") == {old: ("inactive", 107), new: ("active", 50)}
    merge = (await phone.post("/v1/merges", {"absorb": [old], "into": new})).json()
    await phone.confirm(merge)
    await wait(DAY_S)
    await settle_due()
    await phone.sign_in()
    day = jakarta_day(await now_of(database))
    apart, merged = {old: ("inactive", 100), new: ("active", 50)}, {old: ("merged", 0), new: ("active", 157)}
    assert await days_around(phone, day) == [apart, merged, merged]
    assert await cards(phone) == merged


async def test_a_lock_is_known_for_the_days_on_which_it_held(
    api: httpx.AsyncClient, database: Database, wait: Wait
) -> None:
    person = await add_person(database)
    (card,) = person.cards.values()
    phone = await Phone(api).enrol(person)
    await wait(DAY_S)
    await phone.sign_in()
    assert (await phone.put(f"/v1/cards/{card.card_id}/lock", None)).status_code == 200
    day = jakarta_day(await now_of(database))
    await wait(2 * DAY_S)
    await phone.sign_in()
    assert (await phone.delete(f"/v1/cards/{card.card_id}/lock", await phone.prove("unlock", card.card_id))).is_success
    days = [day + timedelta(days=offset) for offset in (-1, 0, 1, 2)]
    shown = [(await overview(phone, as_of=one))["cards"][0]["locked"] for one in days]
    assert shown == [False, True, True, False]


async def test_the_day_that_a_change_tells_counts_before_the_day_on_which_it_was_said(
    api: httpx.AsyncClient, database: Database
) -> None:
    person = await add_person(database, NewCard(balance=1, status="active", opened_on=date(2020, 1, 1)))
    (kpj,) = person.kpjs
    phone = await Phone(api).enrol(person)
    said_at = datetime(2026, 3, 2, tzinfo=UTC)
    await change(database, person, person.cards[kpj], said_at, **status_change("inactive", date(2026, 3, 10)))
    assert [(await cards(phone, as_of=f"2026-03-{day}"))[kpj][0] for day in ("02", "09", "10")] == [
        "active",
        "active",
        "inactive",
    ]


@pytest.mark.parametrize(
    "query",
    [
        "as_of=yesterday",
        "as_of=2026-02-30",
        "as_of=",
        "as_of=2026-01-01T00:00:00Z",
        "as_of=99999-01-01",
        "known_at=2026-01-01",
        "known_at=2026-01-01T00:00:00",
        "known_at=now",
        "known_at=-1",
        "known_at=2026-13-01T00:00:00Z",
        "known_at=2026-01-01T00:00:00Z%0A",
        "known_at=٢٠٢٦-01-01T00:00:00Z",
        "as_of=-1",
        "as_of=1",
        "known_at=0001-01-01T00:00:00%2B14:00",
        "known_at=9999-12-31T23:59:59-12:00",
    ],
)
async def test_a_bad_day_or_instant_is_refused(api: httpx.AsyncClient, database: Database, query: str) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    answer = await phone.get(f"/v1/cards?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "request_invalid"), answer.text


@pytest.mark.parametrize(
    "query",
    [
        "as_of=0001-01-01",
        "as_of=9999-12-31",
        "known_at=0001-01-01T00:00:00Z",
        "known_at=9999-12-31T23:59:59Z",
    ],
)
async def test_the_ends_of_time_are_answered(api: httpx.AsyncClient, database: Database, query: str) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    assert (await phone.get(f"/v1/cards?{query}")).status_code == 200


async def test_what_was_loaded_at_installation_counts_from_its_own_days(fresh_database: Database) -> None:
    """Nur, whose cards the core merged in 2022, and Putri, who claimed in November 2026, as the demo folder tells of them."""
    await import_folder(fresh_database.url("sepakat_feed"), DATA_KEYS, PEOPLE, None)
    connection = await fresh_database.connect()

    async def shown(kpj: str, day: date) -> Shown:
        owner = await connection.fetchval("SELECT participant_id FROM card_numbers WHERE kpj = $1", kpj)
        rows = await connection.fetch(AS_OF, owner, day, None)
        return {row["kpj"]: (row["status"], row["balance"]) for row in rows if row["card_id"]}

    assert await shown("99000000161", date(2010, 2, 28)) == {}
    assert await shown("99000000162", date(2022, 4, 10)) == {
        "99000000161": ("active", None),  # its opening balance is of the day after
        "99000000162": ("active", 9_902_475),
    }
    assert await shown("99000000162", date(2022, 4, 11)) == {
        "99000000161": ("active", 6_859_460),
        "99000000162": ("merged_without_consent", 9_902_475),
    }
    assert (await shown("99000000061", date(2021, 3, 30)))["99000000061"][0] == "active"
    assert (await shown("99000000061", date(2026, 11, 8)))["99000000061"][0] == "inactive"
    assert (await shown("99000000061", date(2026, 11, 9)))["99000000061"][0] == "claim_in_progress"
    await connection.close()


async def test_only_the_plain_call_has_an_etag_and_nobody_sees_anothers(apps: Apps) -> None:
    person = await add_person(apps.database)
    phone = await Phone(apps.api).enrol(person)
    plain = await phone.get("/v1/cards")
    past = await phone.get("/v1/cards?as_of=2026-01-01", headers={"if-none-match": plain.headers["etag"]})
    assert past.status_code == 200
    assert "etag" not in past.headers
    assert {card["kpj"] for card in past.json()["cards"]} == set(person.kpjs)
