"""Invented people with cards, and their phones: what tests of every noun begin with.

`add_person` writes as the agency's feed would; `Phone` enrols, signs in and asks over HTTP like any client.
"""

from __future__ import annotations

import itertools
import json
import os
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec

from app.identity.codes import one_time_code
from app.local.phone import Phone as ClientPhone
from app.platform.sealing import read_sealer
from tests.conftest import DATA_KEYS, SECRET, Database

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


def nik_hash(nik: str) -> bytes:
    """What a participant is found by in the database."""
    return read_sealer(DATA_KEYS).look_up(nik, column="nik")


def seal(value: str, column: str, participant_id: UUID) -> bytes:
    """An identity number or a contact as it lies in the database."""
    return read_sealer(DATA_KEYS).seal(value, column=column, row=participant_id)


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

    @property
    def born(self) -> str:
        return self.birth_date.isoformat()


async def add_person(
    database: Database,
    *cards: NewCard,
    name: str = "Dwi Lestari",
    birth_date: date = date(1990, 5, 17),
    phone: str | None = "",
    phone_since: date | None = date(2020, 1, 1),
    email: str | None = None,
    locale: str = "id",
    deceased_on: date | None = None,
    origin: str = "core",
    nik: str | None = None,
) -> Person:
    """A new participant with these cards (one inactive card by default), written in the feed's role.

    `phone` "" makes one up, None leaves it out. A `phone_since` less than 30 days ago puts the first key on hold.
    """
    given_phone = f"+6281200{next(_numbers) % 10**6:06d}" if phone == "" else phone
    person = Person(uuid4(), nik or new_nik(birth_date), name, birth_date, given_phone, {})
    connection = await database.connect("sepakat_feed")
    try:
        async with connection.transaction():
            await connection.execute(
                "SELECT register_participant($1, $2, $3, $4, $5, $6, $7, $8, $9, 'Asia/Jakarta', $10, $11, 'tests',"
                " NULL, NULL)",
                person.participant_id,
                nik_hash(person.nik),
                seal(person.nik, "nik", person.participant_id),
                name,
                birth_date,
                given_phone and seal(given_phone, "phone", person.participant_id),
                phone_since,
                email and seal(email, "email", person.participant_id),
                locale,
                deceased_on,
                origin,
            )
            for card in cards or (NewCard(),):
                held = await open_card(connection, person.participant_id, card, origin)
                person.cards[held.kpj] = held
    finally:
        await connection.close()
    return person


async def open_card(
    connection: asyncpg.Connection[asyncpg.Record], participant_id: UUID, card: NewCard, origin: str = "core"
) -> HeldCard:
    """Opens one more card in the transaction of `connection`, whose role is the feed's."""
    held = HeldCard(uuid4(), card.kpj or new_kpj(), card.balance if "JHT" in card.programmes else None)
    if card.employer_id is not None:
        await connection.execute(
            "INSERT INTO employers VALUES ($1, $2) ON CONFLICT DO NOTHING", card.employer_id, card.employer
        )
    cause_id = await connection.fetchval("SELECT record_cause($1, $2, 'tests')", participant_id, origin)
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


class Phone(ClientPhone):
    """A phone that needs no SMS: the one-time code is derived as the worker would."""

    def __init__(self, api: httpx.AsyncClient, name: str = "Ponsel Dwi", secret: str = SECRET) -> None:
        async def derive_code(enrolment_id: str) -> str:
            return one_time_code(secret, UUID(enrolment_id))

        super().__init__(api, derive_code, name)


def days_ago(days: int) -> date:
    """A day in Jakarta, by the real clock."""
    return (datetime.now(UTC) + timedelta(hours=7) - timedelta(days=days)).date()
