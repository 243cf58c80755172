"""What the agency's core sends: the event around, and the data of each type. Pure."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import msgspec
import rfc8785

from app.feed.rejection import Rejected
from app.platform.clock import jakarta_day
from app.platform.strict_text import find_bad_text

FIRST_YEAR, LAST_YEAR = 1900, 9990
MAX_AMOUNT = 1_000_000_000_000
MAX_REASON_CHARACTERS = 200
MAX_DEPTH = 20

Identifier = Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[0-9A-Za-z][0-9A-Za-z._:-]*$")]
Kpj = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z]{10,15}$")]
Nik = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{16}$")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Amount = Annotated[int, msgspec.Meta(ge=1, le=MAX_AMOUNT)]
Balance = Annotated[int, msgspec.Meta(ge=0, le=MAX_AMOUNT)]
Month = Annotated[str, msgspec.Meta(pattern=r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$")]
Year = Annotated[int, msgspec.Meta(ge=1950, le=2099)]
Stream = Annotated[str, msgspec.Meta(pattern=r"^(card:[0-9A-Za-z]{10,15}|participant:[0-9]{16})$")]
StreamNumber = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
Staff = Annotated[str, msgspec.Meta(max_length=255, pattern=r"^\S+$")]
Lifecycle = Literal["pending", "active", "arrears", "inactive", "claimed"]
ToldStatus = Literal["pending", "active", "arrears", "inactive", "claimed", "merged"]
ClaimKind = Literal["full", "ten_percent", "thirty_percent"]
Segment = Literal["PU", "BPU", "JAKON", "PMI"]
Programme = Literal["JHT", "JP", "JKK", "JKM", "JKP"]
Locale = Literal["id", "en"]
TimeZone = Literal["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"]


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One event as sent; `streams` gives its number in each stream, counted from 1."""

    id: Identifier
    type: Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[a-z_]+\.[a-z_]+$")]
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    data: dict[str, Any]
    streams: Annotated[dict[Stream, StreamNumber], msgspec.Meta(max_length=50)] = {}

    @property
    def day(self) -> date:
        """The day on which it happened, in Jakarta."""
        return jakarta_day(self.occurred_at)


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The data of one type of event. Amounts are whole rupiah, days are Jakarta's."""


class ParticipantRegistered(Data, frozen=True):
    nik: Nik
    name: Text
    birth_date: date
    phone: Annotated[str, msgspec.Meta(max_length=30)] | None = None
    phone_since: date | None = None
    email: Annotated[str, msgspec.Meta(max_length=254)] | None = None
    locale: Locale | None = None
    time_zone: TimeZone | None = None


class ParticipantUpdated(Data, frozen=True):
    """What is left out, or null, stays as it is. The identity number never changes."""

    nik: Nik
    name: Text | None = None
    birth_date: date | None = None
    phone: Annotated[str, msgspec.Meta(max_length=30)] | None = None
    phone_since: date | None = None
    email: Annotated[str, msgspec.Meta(max_length=254)] | None = None
    locale: Locale | None = None
    time_zone: TimeZone | None = None


class ParticipantTold(Data, frozen=True):
    """The data of participant.deceased and of participant.phone_ported: whom, and on which day."""

    nik: Nik
    on: date


class Employer(Data, frozen=True):
    id: Identifier
    name: Text


class EmployerUpdated(Data, frozen=True):
    employer_id: Identifier
    name: Text


class CardOpened(Data, frozen=True, kw_only=True):
    kpj: Kpj
    nik: Nik
    employer: Employer | None = None
    segment: Segment
    programmes: Annotated[list[Programme], msgspec.Meta(min_length=1, max_length=5)]
    opened_on: date
    status: Lifecycle
    opening_balance: Balance | None = None


class CardStatusChanged(Data, frozen=True):
    kpj: Kpj
    status: Lifecycle
    effective_on: date
    reason: Text | None = None


class ContributionPosted(Data, frozen=True, kw_only=True):
    kpj: Kpj
    employer_id: Identifier | None = None
    month: Month
    amount: Amount
    paid_on: date


class ContributionReversed(Data, frozen=True):
    """`event_id` is that of the contribution that is taken back, `kpj` the number that it was paid for."""

    kpj: Kpj
    event_id: Identifier
    reason: Text | None = None


class GrowthCredited(Data, frozen=True):
    kpj: Kpj
    year: Year
    amount: Balance


class Claim(Data, frozen=True):
    """The data of claim.opened, claim.paid and claim.withdrawn."""

    kpj: Kpj
    claim_id: Identifier
    kind: ClaimKind
    amount: Amount


class BalanceReported(Data, frozen=True):
    """The core's own book: the balance of a card at the end of day `as_of`."""

    kpj: Kpj
    as_of: date
    balance: Balance
    status: ToldStatus


class MergeProposed(Data, frozen=True):
    absorb: Annotated[list[Kpj], msgspec.Meta(min_length=1, max_length=20)]
    into: Kpj
    reason: Text | None = None


class CardMerged(Data, frozen=True):
    """`balances` are those of the day before, by card number. A merge of several cards is one event, with all of them."""

    absorbed: Kpj | Annotated[list[Kpj], msgspec.Meta(min_length=1, max_length=20)]
    into: Kpj
    merged_on: date
    balances: Annotated[dict[Kpj, Balance], msgspec.Meta(max_length=21)]


class MergeAnswered(Data, frozen=True):
    """The data of merge.acknowledged and of merge.refused: what became of a merge that was agreed here."""

    merge_id: UUID
    reason: Text | None = None


class Paper(Data, frozen=True):
    """A paper that staff took in at a branch; `reference` is their archive's."""

    kind: Literal["death_certificate", "family_card", "identity_card", "heir_certificate", "marriage_book", "other"]
    reference: Identifier


class CaseDecided(Data, frozen=True):
    """`staff` and `second_staff` are the OIDC subjects of who decided; `accepted` means that the agency stands by it.

    A dispute is restored or accepted, a claimed match linked or refused, a refusal by the core acknowledged, reversed or
    settled, a balance ours or theirs_corrected, an heir recognised, by `papers`, or refused, a correction corrected or refused.
    """

    case_id: UUID
    decision: Literal[
        "restored",
        "accepted",
        "linked",
        "refused",
        "acknowledged",
        "reversed",
        "settled",
        "ours",
        "theirs_corrected",
        "heir_recognised",
        "heir_refused",
        "corrected",
        "reached",
        "not_reached",
    ]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    staff: Staff
    second_staff: Staff | None = None
    papers: Annotated[list[Paper], msgspec.Meta(max_length=20)] = []


class BranchCodeIssued(Data, frozen=True):
    """`code_sha256` is of the normalised code (docs/identity.md); `staff` who handed it out, by their OIDC subject."""

    nik: Nik
    code_sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)]
    branch: Text
    staff: Staff | None = None


Shape = TypeVar("Shape", bound=Data)


def read_event(value: Any) -> tuple[Event, bytes]:
    """The event and its content hash: SHA-256 of its RFC 8785 form. Raises Rejected (`event_malformed`)."""
    if not _is_shallow(value, MAX_DEPTH):
        raise Rejected("event_malformed", reason="nested too deeply")
    for path, reason in find_bad_text(value):
        raise Rejected("event_malformed", reason=f"{path or 'it'}: {reason}")
    try:
        event = msgspec.convert(value, Event)
        content_hash = hashlib.sha256(rfc8785.dumps(value)).digest()
    except (msgspec.ValidationError, rfc8785.CanonicalizationError) as error:
        raise Rejected("event_malformed", reason=_shorten(error)) from None
    if not FIRST_YEAR <= event.occurred_at.year <= LAST_YEAR:
        raise Rejected("event_malformed", reason="occurred_at lies outside of history")
    return event, content_hash


def read_data(event: Event, shape: type[Shape], now: datetime) -> Shape:
    """The data as its type has it, every day of it in the past. Raises Rejected (`data_invalid`, `date_in_future`)."""
    try:
        data = msgspec.convert(event.data, shape)
    except msgspec.ValidationError as error:
        raise Rejected("data_invalid", reason=_shorten(error)) from None
    if event.occurred_at > now + timedelta(days=1):
        raise Rejected("date_in_future", field="occurred_at")
    tomorrow = jakarta_day(now + timedelta(days=1))
    for field in shape.__struct_fields__:
        value = getattr(data, field)
        if isinstance(value, date) and not isinstance(value, datetime):
            if value > tomorrow:
                raise Rejected("date_in_future", field=field)
            if value.year < FIRST_YEAR:
                raise Rejected("data_invalid", reason=f"{field} lies before {FIRST_YEAR}")
    return data


def _shorten(error: Exception) -> str:
    # What was sent may stand in the message; it is answered and stored, so it must not be as long as it likes.
    return str(error)[:MAX_REASON_CHARACTERS]


def _is_shallow(value: object, levels: int) -> bool:
    # Far below what Python's stack allows: whatever is kept must be written and read again by code that recurses.
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_shallow(item, levels - 1) for item in inner)
