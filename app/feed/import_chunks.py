"""One chunk of participants into the database: all of it in one transaction, or none of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, time, timedelta, timezone
from typing import Any

import asyncpg
import msgspec

from app.feed.import_money import Entry, entries_of
from app.feed.import_people import Holding, Person
from app.feed.import_rows import ContributionRow, GrowthRow, Refusal
from app.platform.database import new_id
from app.platform.sealing import Sealer
from app.platform.sql import statement

IMPORT = "feed/import"
JAKARTA = timezone(timedelta(hours=7))
CONTENTION = (
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.SerializationError,
)
TRIES = 5


class Loaded(msgspec.Struct):
    """What became of some participants: counts, the balances now held in whole rupiah, and who was refused why."""

    people: int = 0
    cards: int = 0
    entries: int = 0
    claims: int = 0
    merges: int = 0
    already: int = 0
    balance: int = 0
    refusals: list[Refusal] = []

    def add(self, other: Loaded) -> None:
        """Adds what became of other participants."""
        for field in self.__struct_fields__:
            setattr(self, field, getattr(self, field) + getattr(other, field))


async def load_chunk(connection: asyncpg.Connection[Any], people: Sequence[Person], sealer: Sealer) -> Loaded:
    """Loads those of `people` who are not there yet; the others count as `already` and are not touched.

    What the database itself refuses is tried again one participant at a time, so that nobody stays out for the sake
    of another. A chunk that loses a race for locks is repeated.
    """
    for attempt in range(1, TRIES + 1):
        try:
            return await _load_new(connection, people, sealer)
        except CONTENTION:
            if attempt == TRIES:
                raise
        except asyncpg.IntegrityConstraintViolationError as error:
            if len(people) == 1:
                line = people[0].participant.line
                reason = f"the database refuses the participant: {error.constraint_name or error.sqlstate}"
                return Loaded(refusals=[Refusal("participants", line, "", reason)])
            loaded = Loaded()
            for person in people:
                loaded.add(await load_chunk(connection, [person], sealer))
            return loaded
    raise AssertionError("unreachable: the last try returns or raises")


async def _load_new(connection: asyncpg.Connection[Any], people: Sequence[Person], sealer: Sealer) -> Loaded:
    hashes = {person.participant.nik: sealer.look_up(person.participant.nik, column="nik") for person in people}
    async with connection.transaction():
        known = {
            row["known"]
            for row in await connection.fetch(
                statement(IMPORT, "find_known"),
                list(hashes.values()),
                [holding.card.kpj for person in people for holding in person.holdings],
            )
        }
        unknown = [person for person in people if hashes[person.participant.nik].hex() not in known]
        loaded = Loaded(already=len(people) - len(unknown))
        new = []
        for person in unknown:
            taken = [holding.card for holding in person.holdings if holding.card.kpj in known]
            loaded.refusals += [
                Refusal("cards", card.line, "kpj", "is in the database as the card of another participant")
                for card in taken
            ]
            if not taken:
                new.append(person)
        if new:
            await _write(connection, new, loaded, sealer)
        return loaded


async def _write(connection: asyncpg.Connection[Any], people: Sequence[Person], loaded: Loaded, sealer: Sealer) -> None:
    chunk = _Chunk(people, sealer)

    async def call(name: str, *rows: list[dict[str, Any]]) -> None:
        await connection.fetch(statement(IMPORT, name), *(msgspec.json.encode(part).decode() for part in rows))

    await call("plan_for_size")
    await call("register_participants", chunk.participants)
    if chunk.cards:
        owners = list(dict.fromkeys(card["participant_id"] for card in chunk.cards))
        causes = dict(await connection.fetch(statement(IMPORT, "record_causes"), owners))
        for row in (*chunk.cards, *chunk.entries):
            row["cause_id"] = causes[row["participant_id"]]
        await call("open_cards", chunk.cards, chunk.entries)
        await call("add_claims", chunk.claims)
        await call("report_merges", chunk.merges)
    loaded.people += len(people)
    loaded.cards += len(chunk.cards)
    loaded.entries += len(chunk.entries)
    loaded.claims += len(chunk.claims)
    loaded.merges += len(chunk.merges)
    loaded.balance += sum(entry["amount"] for entry in chunk.entries)


class _Chunk:
    """The rows that the statements take, by the names of the database's own columns."""

    def __init__(self, people: Sequence[Person], sealer: Sealer) -> None:
        self._sealer = sealer
        self.participants: list[dict[str, Any]] = []
        self.cards: list[dict[str, Any]] = []
        self.entries: list[dict[str, Any]] = []
        self.claims: list[dict[str, Any]] = []
        self.merges: list[dict[str, Any]] = []
        for person in people:
            self._add_person(person)

    def _add_person(self, person: Person) -> None:
        participant = msgspec.structs.asdict(person.participant)
        participant["participant_id"] = owner = new_id()
        participant["nik_hash"] = _bytea(self._sealer.look_up(person.participant.nik, column="nik"))
        for column in ("nik", "phone", "email"):
            value = participant.pop(column)
            sealed = None if value is None else self._sealer.seal(value, column=column, row=owner)
            participant[f"{column}_sealed"] = sealed and _bytea(sealed)
        participant["deceased_on"] = person.death.on if person.death else None
        self.participants.append(participant)
        card_ids = {holding.card.kpj: new_id() for holding in person.holdings}
        for holding in person.holdings:
            self._add_holding(owner, card_ids[holding.card.kpj], holding)
        for merge in person.merges:
            self.merges.append(
                {
                    "participant_id": owner,
                    "merge_id": new_id(),
                    "absorbed": card_ids[merge.absorbed],
                    "into_card": card_ids[merge.into],
                    "merged_at": datetime.combine(merge.merged_on, time(), JAKARTA),
                    "reported": {
                        "absorbed": merge.absorbed,
                        "into": merge.into,
                        "merged_on": merge.merged_on,
                        "balances": {merge.absorbed: merge.balance_absorbed, merge.into: merge.balance_into},
                    },
                }
            )

    def _add_holding(self, owner: uuid.UUID, card_id: uuid.UUID, holding: Holding) -> None:
        ids = {"participant_id": owner, "card_id": card_id}
        card = msgspec.structs.asdict(holding.card)
        open_claims = [claim.claim_id for claim in holding.claims if claim.state == "open"]
        self.cards.append(
            card | ids | {"lifecycle": card["status"], "claim_id": open_claims[0] if open_claims else None}
        )
        self.claims += [msgspec.structs.asdict(claim) | ids for claim in holding.claims]
        self.entries += [ids | _ledger_columns(entry) for entry in entries_of(holding)]


def _bytea(value: bytes) -> str:
    """Bytes in JSON, as PostgreSQL reads them."""
    return f"\\x{value.hex()}"


def _ledger_columns(entry: Entry) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "ledger_kind": entry.kind,
        "amount": entry.amount,
        "effective_on": entry.effective_on,
    }
    match entry.row:
        case ContributionRow(event_id=event_id, employer_id=employer_id, month=month):
            columns |= {"employer_id": employer_id, "month": f"{month}-01", "source_event": event_id}
        case GrowthRow(event_id=event_id, year=year):
            columns |= {"year": year, "source_event": event_id}
    return columns
