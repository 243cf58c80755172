"""No route that updates data can change a card: each is called, with what it takes, beside cards that stand in everything.

The routes are read off the app. Whoever adds one that changes something either puts it among those that are about cards, or
says here how it is called.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from app.main import create_api
from app.platform.openapi.answers import routes
from app.settings import Settings
from tests.conftest import DATA_KEYS, SECRET, Apps, Database
from tests.feed.conftest import Core, event
from tests.identity.contact_codes import NEW_EMAIL, NEW_PHONE, ask_change, code_for, type_code
from tests.passkeys.authenticator import Authenticator, ask_options, ask_to_add
from tests.people import NewCard, Person, Phone, add_person

ABOUT_CARDS = ("/v1/cards", "/v1/possible-matches", "/v1/merges", "/v1/heirs", "/stop", "/local")
OF_CARDS = (
    "cards",
    "card_numbers",
    "claims",
    "ledger_entries",
    "merges",
    "open_merge_cards",
    "confirmations",
    "merge_executions",
    "stopped_cards",
    "never_suggested_pairs",
    "card_transfers",
)


async def cards_of(database: Database, person: Person) -> dict[str, list[str]]:
    """Every row that says what a card is, has, and stands in; and what was written about cards."""
    connection = await database.connect()
    rows = {
        table: [
            row[0]
            for row in await connection.fetch(
                f"SELECT t::text FROM {table} AS t WHERE participant_id = $1 ORDER BY 1", person.participant_id
            )
        ]
        for table in OF_CARDS
    }
    rows["history"] = [
        row[0]
        for row in await connection.fetch(
            "SELECT h::text FROM history AS h WHERE participant_id = $1 AND num_nonnulls(card_id, merge_id) > 0 ORDER BY 1",
            person.participant_id,
        )
    ]
    await connection.close()
    return rows


class Owner:
    """Somebody whose cards are savings, locked and in an open merge; and a call to every route that updates data."""

    def __init__(self, apps: Apps, person: Person, phone: Phone) -> None:
        self.apps, self.person, self.phone = apps, person, phone
        self.second, self.passkey = Phone(apps.api, "Ponsel kedua"), Authenticator()
        self.answers: list[httpx.Response] = []
        self.calls: dict[str, Callable[[], Awaitable[httpx.Response]]] = {
            "POST /v1/enrolments": self.enrol,
            "POST /v1/enrolments/{enrolment_id}/verification": self.verify,
            "POST /v1/enrolments/{enrolment_id}/approval": self.approve,
            "POST /v1/enrolments/{enrolment_id}/refusal": self.refuse,
            "POST /v1/challenges": lambda: phone.request("POST", "/v1/challenges", json={"purpose": "add_key"}),
            "POST /v1/sessions": self.sign_in,
            "POST /v1/sessions/refresh": self.refresh,
            "PATCH /v1/me/preferences": lambda: phone.patch("/v1/me/preferences", {"locale": "en"}),
            "POST /v1/me/corrections": self.correct,
            "POST /v1/me/consents/{purpose}/withdrawal": lambda: self.post(
                "/v1/me/consents/possible_matches/withdrawal"
            ),
            "POST /v1/me/consents/{purpose}": lambda: self.post("/v1/me/consents/possible_matches"),
            "POST /v1/support-codes": lambda: self.post("/v1/support-codes"),
            "PATCH /v1/devices/{device_id}": lambda: phone.patch(f"/v1/devices/{phone.device_id}", {"name": "HP"}),
            "PUT /v1/push-target": self.set_push_target,
            "DELETE /v1/push-target": lambda: phone.delete("/v1/push-target"),
            "POST /v1/passkeys/options": lambda: phone.request("POST", "/v1/passkeys/options", json={}),
            "POST /v1/passkeys": self.add_passkey,
            "PATCH /v1/passkeys/{passkey_id}": self.rename_passkey,
            "DELETE /v1/passkeys/{passkey_id}": lambda: self.remove("passkeys", self.passkey.id),
            "POST /v1/inbox/read": lambda: self.post("/v1/inbox/read", {"up_to": 2}),
            "POST /v1/inbox/receipts": lambda: self.post("/v1/inbox/receipts", {"seqs": [1, 2]}),
            "POST /v1/inbox/{seq}/acknowledge": lambda: self.post("/v1/inbox/1/acknowledge"),
            "DELETE /v1/sessions/{session_id}": lambda: phone.delete(
                f"/v1/sessions/{self.second.session['session_id']}"
            ),
            "DELETE /v1/sessions/current": self.sign_out,
            "DELETE /v1/sessions": lambda: phone.delete("/v1/sessions"),
            "DELETE /v1/devices/{device_id}": lambda: self.remove("devices", self.second.device_id),
            "PUT /v1/me/contact": lambda: ask_change(phone, self.person, phone=NEW_PHONE, email=NEW_EMAIL),
            "POST /v1/me/contact/verification": self.verify_contacts,
        }

    async def post(self, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return await self.phone.post(path, body)

    async def enrol(self) -> httpx.Response:
        answer = await self.second.ask_enrolment(self.person)
        self.second.device_id = answer.json()["enrolment_id"]
        return answer

    async def verify(self) -> httpx.Response:
        enrolment_id = self.second.device_id
        return await self.second.verify(enrolment_id, await self.second.read_code(enrolment_id))

    async def _ask(self) -> str:
        enrolment_id: str = (await Phone(self.apps.api, "Lain").ask_enrolment(self.person)).json()["enrolment_id"]
        return enrolment_id

    async def approve(self) -> httpx.Response:
        return await self.phone.approve(await self._ask())

    async def refuse(self) -> httpx.Response:
        return await self.phone.refuse(await self._ask())

    async def sign_in(self) -> httpx.Response:
        answer = await self.second.ask_sign_in(await self.second.challenge("sign_in"))
        self.second.session = answer.json()["session"]
        return answer

    async def refresh(self) -> httpx.Response:
        answer = await self.phone.ask_refresh()
        self.phone.session = answer.json()["session"]
        return answer

    async def correct(self) -> httpx.Response:
        return await self.post("/v1/me/corrections", {"field": "name", "wanted": "Dwi L.", "statement": "Salah tulis"})

    async def set_push_target(self) -> httpx.Response:
        target = {"kind": "fid", "value": f"fid-{self.phone.device_id}", "platform": "android", "locale": "id"}
        return await self.phone.put("/v1/push-target", target)

    async def add_passkey(self) -> httpx.Response:
        return await ask_to_add(self.phone, self.passkey, asked=await ask_options(self.phone))

    async def rename_passkey(self) -> httpx.Response:
        return await self.phone.patch(f"/v1/passkeys/{self.passkey.id}", {"name": "Kunci lain"})

    async def remove(self, keys: str, key_id: str) -> httpx.Response:
        return await self.phone.delete(f"/v1/{keys}/{key_id}", await self.phone.prove("remove_key", key_id))

    async def sign_out(self) -> httpx.Response:
        await self.second.sign_in()
        return await self.second.delete("/v1/sessions/current")

    async def verify_contacts(self) -> httpx.Response:
        for channel in ("phone", "email"):
            answer = await type_code(self.phone, await code_for(self.apps.database, self.person, channel))
            assert answer.status_code == 200, answer.text
        return answer


@pytest.fixture
async def owner(apps: Apps) -> Owner:
    cards = [NewCard(balance=14_265_493), NewCard(balance=9_910_352, status="active"), NewCard(balance=700)]
    person = await add_person(apps.database, *cards)
    phone = await Phone(apps.api).enrol(person)
    absorb, into, locked = person.kpjs
    assert (await phone.post("/v1/merges", {"absorb": [absorb], "into": into})).status_code == 201
    assert (await phone.put(f"/v1/cards/{person.cards[locked].card_id}/lock", {})).status_code < 300
    return Owner(apps, person, phone)


def changing_routes() -> set[str]:
    settings = Settings(
        database_url="postgresql://nowhere",
        redis_url="redis://nowhere",
        secret=SECRET,
        data_keys=DATA_KEYS,
        env="local",
    )
    return {f"{method} {path}" for method, path, _ in routes(create_api(settings)) if method != "GET"}


async def test_every_route_that_updates_data_leaves_every_card_as_it_is(owner: Owner) -> None:
    data_routes = {name for name in changing_routes() if not name.split(" ")[1].startswith(ABOUT_CARDS)}
    assert owner.calls.keys() == data_routes, "say how a new route is called, or that it is about cards"
    before = await cards_of(owner.apps.database, owner.person)
    assert all(before[table] for table in ("cards", "ledger_entries", "merges", "open_merge_cards", "history"))
    for name, call in owner.calls.items():
        answer = await call()
        assert answer.status_code < 300, f"{name}: {answer.status_code} {answer.text}"
        assert await cards_of(owner.apps.database, owner.person) == before, name


async def test_neither_does_what_the_core_tells_about_a_person_or_an_employer(
    owner: Owner, feed: httpx.AsyncClient, database: Database
) -> None:
    core = Core(feed, database)
    before = await cards_of(database, owner.person)
    everything = {"name": "Dwi L.", "birth_date": "1990-05-18", "phone": NEW_PHONE, "phone_since": "2026-01-01"}
    everything |= {"email": NEW_EMAIL, "locale": "en", "time_zone": "Asia/Jayapura"}
    for told in (
        event("participant.updated", {"nik": owner.person.nik} | everything),
        event("participant.phone_ported", {"nik": owner.person.nik, "on": "2026-02-01"}),
        event("employer.updated", {"employer_id": "E-TEST-1", "name": "PT Sinar Garmen Majalaya"}),
    ):
        await core.apply(told)
        assert await cards_of(database, owner.person) == before, told["type"]


async def test_a_decided_correction_changes_no_card_either(
    owner: Owner, feed: httpx.AsyncClient, database: Database
) -> None:
    case_id = (await owner.correct()).json()["id"]
    before = await cards_of(database, owner.person)
    decision = {"case_id": case_id, "decision": "corrected", "reason": "KTP", "staff": "ani", "second_staff": "budi"}
    await Core(feed, database).apply(event("case.decided", decision))
    assert await cards_of(database, owner.person) == before
