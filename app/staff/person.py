"""What staff see of a person: as little as the work needs. Pure.

The database gives one shape (`person_for_staff`); what of it leaves the house is decided here.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

import msgspec

from app.identity.contacts import mask_email
from app.platform.sealing import Sealer

WHOLE_NUMBER_FOR = frozenset({"match", "correction", "heir", "unreached"})
"""Cases in which papers are held against the identity number, or the person is looked for by it in the core; for all others its
last four digits do."""


class KnownPerson(msgspec.Struct, frozen=True):
    """As the database has it; what is sealed, in hexadecimal digits."""

    participant_id: UUID
    name: str
    birth_date: date
    nik_sealed: str
    phone_sealed: str | None
    email_sealed: str | None
    locale: str
    deceased_on: date | None


class Person(msgspec.Struct, frozen=True):
    """`nik`, `phone` and `email` are masked: what is not shown stands as `•`. In some cases `nik` is whole."""

    name: str
    birth_date: date
    nik: str
    phone: str | None
    email: str | None
    locale: str
    deceased_on: date | None


def show_person(known: KnownPerson, kind: str, sealer: Sealer) -> Person:
    """A person in a case of this kind; contacts are never whole."""

    def unseal(column: str, sealed: str) -> str:
        return sealer.open(bytes.fromhex(sealed), column=column, row=known.participant_id)

    nik = unseal("nik", known.nik_sealed)
    return Person(
        name=known.name,
        birth_date=known.birth_date,
        nik=nik if kind in WHOLE_NUMBER_FOR else mask_end(nik),
        phone=known.phone_sealed and mask_end(unseal("phone", known.phone_sealed)),
        email=known.email_sealed and mask_email(unseal("email", known.email_sealed)),
        locale=known.locale,
        deceased_on=known.deceased_on,
    )


def mask_end(number: str) -> str:
    """All but the last four characters hidden: the first digits of an identity number tell region, birthday and sex."""
    return "•" * max(len(number) - 4, 4) + number[-4:] if len(number) > 4 else "••••"
