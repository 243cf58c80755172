"""Invented people with cards, and their phones: what tests of every noun begin with.

`add_person` writes as the agency's feed would; `Phone` enrols, signs in and asks over HTTP like any client, with a
signature of its own making: it shares no code with the product but the one-time code's derivation.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from base64 import urlsafe_b64encode
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from app.identity.codes import one_time_code
from tests.conftest import SECRET, Database

EMPLOYER_ID = "E-TEST-1"
EMPLOYER = "PT Sinar Garmen Majalaya"
_numbers = itertools.count(int.from_bytes(os.urandom(3)) * 10)


def new_kpj() -> str:
    """A card number that no other test has: 11 digits starting 99."""
    return f"99{next(_numbers) % 10**9:09d}"


def new_nik(birth_date: date) -> str:
    """An identity number that no other test has. Serials other than 0000 and invented regions make room for many."""
    number = next(_numbers) % 10**10
    return f"{number // 10**4:06d}{birth_date:%d%m%y}{number % 10**4:04d}"


class NewCard(msgspec.Struct, frozen=True, kw_only=True):
    """What a card is to be. `balance` (whole rupiah) comes as an `opening` entry, for cards with JHT only."""

    kpj: str | None = None
    status: str = "inactive"
    balance: int = 0
    programmes: tuple[str, ...] = ("JHT", "JKK", "JKM")
    segment: str = "PU"
    employer_id: str | None = EMPLOYER_ID
    employer: str = EMPLOYER
    opened_on: date = date(2013, 3, 1)
    closed_on: date | None = None


class HeldCard(msgspec.Struct, frozen=True):
    card_id: UUID
    kpj: str
    balance: int | None


class Person(msgspec.Struct, frozen=True):
    """`cards` by number, in the order given to `add_person`."""

    participant_id: UUID
    nik: str
    name: str
    birth_date: date
    phone: str | None
    cards: dict[str, HeldCard]

    @property
    def kpjs(self) -> list[str]:
        return list(self.cards)


async def add_person(
    database: Database,
    *cards: NewCard,
    name: str = "Dwi Lestari",
    birth_date: date = date(1990, 5, 17),
    phone: str | None = "",
    phone_since: date | None = date(2020, 1, 1),
    locale: str = "id",
    deceased_on: date | None = None,
) -> Person:
    """A new participant with these cards (one inactive card by default), written in the feed's role.

    `phone` "" makes one up, None leaves it out. A `phone_since` less than 30 days ago puts the first key on hold.
    """
    given_phone = f"+6281200{next(_numbers) % 10**6:06d}" if phone == "" else phone
    person = Person(uuid4(), new_nik(birth_date), name, birth_date, given_phone, {})
    connection = await database.connect("sepakat_feed")
    try:
        async with connection.transaction():
            await connection.execute(
                "SELECT register_participant($1, $2, $3, $4, $5, $6, NULL, $7, 'Asia/Jakarta', $8, 'core', 'tests', NULL, NULL)",
                person.participant_id,
                person.nik,
                name,
                birth_date,
                given_phone,
                phone_since,
                locale,
                deceased_on,
            )
            for card in cards or (NewCard(),):
                held = await open_card(connection, person.participant_id, card)
                person.cards[held.kpj] = held
    finally:
        await connection.close()
    return person


async def open_card(connection: asyncpg.Connection[asyncpg.Record], participant_id: UUID, card: NewCard) -> HeldCard:
    """Opens one more card in the transaction of `connection`, whose role is the feed's."""
    held = HeldCard(uuid4(), card.kpj or new_kpj(), card.balance if "JHT" in card.programmes else None)
    if card.employer_id is not None:
        await connection.execute(
            "INSERT INTO employers VALUES ($1, $2) ON CONFLICT DO NOTHING", card.employer_id, card.employer
        )
    cause_id = await connection.fetchval("SELECT record_cause($1, 'core', 'tests')", participant_id)
    shared = {"participant_id": str(participant_id), "card_id": str(held.card_id), "cause_id": str(cause_id)}
    opening = {
        **shared,
        "kpj": held.kpj,
        "segment": card.segment,
        "employer_id": card.employer_id,
        "programmes": list(card.programmes),
        "opened_on": card.opened_on.isoformat(),
        "closed_on": card.closed_on and card.closed_on.isoformat(),
        "lifecycle": card.status,
    }
    entry = {**shared, "ledger_kind": "opening", "amount": card.balance, "effective_on": card.opened_on.isoformat()}
    await connection.execute(
        """SELECT open_cards(array(SELECT c FROM jsonb_populate_recordset(NULL::card_opening, $1) AS c),
            array(SELECT e FROM jsonb_populate_recordset(NULL::card_change, $2) AS e))""",
        json.dumps([opening]),
        json.dumps([entry] if held.balance else []),
    )
    return held


def base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


class Phone:
    """A phone: its key, its tokens, and a client of the API (`tests.conftest.Apps.api`, or any over real HTTP)."""

    def __init__(self, api: httpx.AsyncClient, name: str = "Ponsel Dwi", secret: str = SECRET) -> None:
        self.api, self.name, self.secret = api, name, secret
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.device_id = ""
        self.session: dict[str, Any] = {}

    @property
    def public_key(self) -> dict[str, str]:
        numbers = self.key.public_key().public_numbers()
        x, y = (base64url(number.to_bytes(32)) for number in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    async def enrol(self, person: Person, otp: str | None = None, **overrides: Any) -> Phone:
        """Enrols and verifies, which signs in. The code is derived as the worker would, unless `otp` is given."""
        asked = await self.ask_enrolment(person, **overrides)
        assert asked.status_code == 202, asked.text
        enrolment_id = asked.json()["enrolment_id"]
        code = otp or one_time_code(self.secret, UUID(enrolment_id))
        verified = await self.verify(enrolment_id, code)
        assert verified.status_code == 201, verified.text
        self.device_id, self.session = verified.json()["device_id"], verified.json()["session"]
        return self

    async def ask_enrolment(self, person: Person, **overrides: Any) -> httpx.Response:
        device = {"name": self.name, "platform": "android", "public_key": self.public_key}
        body = {"nik": person.nik, "kpj": person.kpjs[0], "birth_date": person.birth_date.isoformat(), "device": device}
        return await self.api.post("/v1/enrolments", json=body | overrides)

    async def verify(self, enrolment_id: str, otp: str) -> httpx.Response:
        return await self.api.post(f"/v1/enrolments/{enrolment_id}/verification", json={"otp": otp})

    def sign(self, statement: dict[str, Any]) -> str:
        """The ES256 signature over the statement. Sorted keys without spaces are RFC 8785 for ASCII and integers."""
        message = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(SHA256())))
        return base64url(r.to_bytes(32) + s.to_bytes(32))

    def proof(self, statement: dict[str, Any]) -> dict[str, str]:
        return {"type": "device_key", "device_id": self.device_id, "signature": self.sign(statement)}

    async def challenge(self, purpose: str, subject_id: str | UUID | None = None) -> str:
        """A nonce for this purpose."""
        body = {"purpose": purpose} | ({"subject_id": str(subject_id)} if subject_id else {})
        if purpose == "sign_in":
            body["device_id"] = self.device_id
        answer = await self.request("POST", "/v1/challenges", json=body)
        assert answer.status_code == 200, answer.text
        nonce: str = answer.json()["nonce"]
        return nonce

    async def sign_in(self) -> Phone:
        """A new session, which this phone goes on with."""
        answer = await self.ask_sign_in(await self.challenge("sign_in"))
        assert answer.status_code == 201, answer.text
        self.session = answer.json()["session"]
        return self

    async def ask_sign_in(self, nonce: str, **overrides: Any) -> httpx.Response:
        statement = {"version": 1, "purpose": "sign_in", "device_id": self.device_id, "nonce": nonce}
        return await self.api.post("/v1/sessions", json={"nonce": nonce, "proof": self.proof(statement | overrides)})

    async def ask_refresh(self, refresh_token: str | None = None) -> httpx.Response:
        """Refreshes with the newest token, or the one given; keeps nothing."""
        token = refresh_token or self.session["refresh_token"]
        digest = hashlib.sha256(token.encode()).hexdigest()
        statement = {"version": 1, "purpose": "refresh", "device_id": self.device_id, "refresh_token_sha256": digest}
        return await self.api.post(
            "/v1/sessions/refresh", json={"refresh_token": token, "proof": self.proof(statement)}
        )

    async def refresh(self) -> Phone:
        answer = await self.ask_refresh()
        assert answer.status_code == 200, answer.text
        self.session = answer.json()["session"]
        return self

    async def request(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """With this phone's access token, once it has one."""
        token = self.session.get("access_token")
        mine = {"authorization": f"Bearer {token}"} if token else {}
        return await self.api.request(method, path, headers=mine | (headers or {}), **options)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.request("GET", path, **options)

    async def post(self, path: str, json: Any = None, *, key: str | None = None, **options: Any) -> httpx.Response:
        """With a fresh Idempotency-Key, unless `key` is given (an empty one leaves the header out)."""
        headers = dict(options.pop("headers", {}))
        if key != "":
            headers["idempotency-key"] = key or uuid4().hex
        return await self.request("POST", path, json={} if json is None else json, headers=headers, **options)

    async def put(self, path: str, json: Any) -> httpx.Response:
        return await self.request("PUT", path, json=json)

    async def patch(self, path: str, json: Any) -> httpx.Response:
        return await self.request("PATCH", path, json=json)

    async def delete(self, path: str, json: Any = None) -> httpx.Response:
        return await self.request("DELETE", path, **({} if json is None else {"json": json}))

    async def confirm(
        self, merge: dict[str, Any], acknowledged: list[str] | None = None, **overrides: Any
    ) -> httpx.Response:
        """Confirms the plan that `merge` shows; acknowledges what the plan asks for, unless told otherwise.

        Overrides replace members of the statement that is signed and, where the body has them too, of the body.
        """
        codes = merge["plan"]["to_acknowledge"] if acknowledged is None else acknowledged
        statement = {
            "version": 1,
            "purpose": "merge",
            "device_id": self.device_id,
            "merge_id": merge["id"],
            "plan_digest": merge["plan_digest"],
            "acknowledged": sorted(codes),
        } | overrides
        if "nonce" not in statement:
            statement["nonce"] = await self.challenge("merge", merge["id"])
        body = {name: statement[name] for name in ("plan_digest", "acknowledged", "nonce")}
        return await self.post(f"/v1/merges/{merge['id']}/confirmation", body | {"proof": self.proof(statement)})


def days_ago(days: int) -> date:
    """A day in Jakarta, by the real clock."""
    return (datetime.now(UTC) + timedelta(hours=7) - timedelta(days=days)).date()
