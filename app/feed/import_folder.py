"""The rows of all files held against each other: whose they are, what contradicts what, who is left out. Pure.

A participant any of whose rows is refused is left out whole, with every card and every rupiah.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

from app.feed.import_lines import KEY_COLUMNS, RefusedLine, read_rows
from app.feed.import_money import contradictions
from app.feed.import_people import Folder, Holding, Person
from app.feed.import_rows import (
    FILE_OF,
    FILES,
    CardRow,
    ClaimRow,
    ContributionRow,
    DeathRow,
    EmployerRow,
    GrowthRow,
    MergeRow,
    OpeningRow,
    ParticipantRow,
    Refusal,
    Row,
)
from app.platform.tables import Source

DAY_FIELDS = {
    struct: tuple(field.name for field in msgspec.structs.fields(struct) if field.type in (date, date | None))
    for struct in FILES.values()
}
NIK_LENGTH = 16
ID_FIELDS: dict[type[Row], str] = {
    OpeningRow: "kpj",
    ContributionRow: "event_id",
    GrowthRow: "event_id",
    ClaimRow: "claim_id",
}


def read_folder(sources: Mapping[str, Source], today: date) -> Folder:
    """The folder whose files (by name, only those that exist) are these; `today` in Asia/Jakarta.

    Raises TableRefused when a file cannot be read as a whole.
    """
    reading = _Reading(today)
    for file in FILES:
        for row in read_rows(file, sources[file]) if file in sources else ():
            reading.rows[file] += 1
            reading.take(file, row)
    return reading.finish()


class _Reading:
    """Collects rows while the files are read one after the other: later files refer to earlier ones."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.employers: dict[str, EmployerRow] = {}
        self.people: dict[str, Person] = {}
        self.holdings: dict[str, tuple[Person, Holding]] = {}
        self.refusals: list[Refusal] = []
        self.rows: Counter[str] = Counter()
        self.unowned = 0
        # NIKs and KPJs of refused rows. What refers to one of them is left out without a refusal of its own.
        self.spoilt: set[str] = set()
        self.refused_participants: set[str] = set()
        self.first_rows: defaultdict[str, dict[str, Row]] = defaultdict(dict)

    def take(self, file: str, row: Row | RefusedLine) -> None:
        """Takes one row of `file`, or notes why not."""
        if isinstance(row, RefusedLine):
            self.refusals.extend(row.refusals)
            self._spoil(file, row.keys)
            return
        self._refuse_future(row)
        match row:
            case EmployerRow():
                if not self._repeats(row, "employer_id"):
                    self.employers[row.employer_id] = row
            case ParticipantRow():
                if not self._repeats(row, "nik"):
                    self.people[row.nik] = Person(participant=row)
            case CardRow():
                self._take_card(row)
            case MergeRow():
                self._take_merge(row)
            case DeathRow():
                if not self._repeats(row, "nik") and (person := self._person(row, row.nik)):
                    person.death = row
            case _:
                self._take_of_card(row)

    def finish(self) -> Folder:
        """Checks each participant as a whole, then parts those to load from those left out."""
        for person in self.people.values():
            for row, field, reason in contradictions(person):
                self._refuse(row, field, reason)
                self.spoilt.add(person.participant.nik)
        left_out = {nik for nik, person in self.people.items() if self._is_spoilt(person)}
        return Folder(
            employers=list(self.employers.values()),
            people=[person for nik, person in self.people.items() if nik not in left_out],
            refusals=self.refusals,
            rows=self.rows,
            left_out=len(left_out | self.refused_participants),
            unowned=self.unowned,
            unlike_nik=sum(_is_unlike_nik(person.participant) for person in self.people.values()),
        )

    def _take_card(self, row: CardRow) -> None:
        if row.employer_id is not None:
            self._knows_employer(row, row.employer_id)
        person = self._person(row, row.nik)
        if self._repeats(row, "kpj"):
            return
        if person is None:
            self.spoilt.add(row.kpj)
            return
        holding = Holding(card=row)
        person.holdings.append(holding)
        self.holdings[row.kpj] = (person, holding)

    def _take_of_card(self, row: OpeningRow | ContributionRow | GrowthRow | ClaimRow) -> None:
        if isinstance(row, ContributionRow) and row.employer_id is not None:
            self._knows_employer(row, row.employer_id)
        owner = self._owner(row, "kpj", row.kpj)
        if self._repeats(row, ID_FIELDS[type(row)]) or owner is None:
            return
        holding = owner[1]
        match row:
            case OpeningRow():
                holding.opening = row
            case ContributionRow():
                holding.contributions.append(row)
            case GrowthRow():
                holding.growth.append(row)
            case ClaimRow():
                holding.claims.append(row)

    def _refuse_future(self, row: Row) -> None:
        for field in DAY_FIELDS[type(row)]:
            day = getattr(row, field)
            if day is not None and day > self.today:
                self._refuse(row, field, "lies in the future")
        if isinstance(row, GrowthRow) and row.effective_on > self.today:
            self._refuse(row, "year", "is not over yet")

    def _take_merge(self, row: MergeRow) -> None:
        absorbed, into = self._owner(row, "absorbed", row.absorbed), self._owner(row, "into", row.into)
        if absorbed is None or into is None:
            self.spoilt.update(_keys_of(row))
            return
        if absorbed[0] is not into[0]:
            self._refuse(row, "into", "belongs to another participant than the absorbed card")
            return
        absorbed[0].merges.append(row)

    def _person(self, row: CardRow | DeathRow, nik: str) -> Person | None:
        person = self.people.get(nik)
        if person is None and nik not in self.spoilt:
            self._refuse(row, "nik", "stands in no row of participants")
        return person

    def _owner(self, row: Row, field: str, kpj: str) -> tuple[Person, Holding] | None:
        owner = self.holdings.get(kpj)
        if owner is None and kpj not in self.spoilt:
            self.refusals.append(Refusal(FILE_OF[type(row)], row.line, field, "stands in no row of cards"))
            # A merge names two cards: the one that is known must not be loaded without it.
            self._spoil(FILE_OF[type(row)], [key for key in _keys_of(row) if key != kpj])
        return owner

    def _knows_employer(self, row: Row, employer_id: str) -> None:
        if employer_id not in self.employers:
            self._refuse(row, "employer_id", "stands in no accepted row of employers")

    def _repeats(self, row: Row, field: str) -> bool:
        """Refuses a row whose id stood in an earlier row. Event ids are one namespace over all files."""
        file = FILE_OF[type(row)]
        namespace = field if field == "event_id" else f"{file} {field}"
        first = self.first_rows[namespace].setdefault(getattr(row, field), row)
        if first is row:
            return False
        where = f"line {first.line}" if type(first) is type(row) else f"line {first.line} of {FILE_OF[type(first)]}"
        self._refuse(row, field, f"repeats {where}")
        return True

    def _refuse(self, row: Row, field: str, reason: str) -> None:
        file = FILE_OF[type(row)]
        self.refusals.append(Refusal(file, row.line, field, reason))
        self._spoil(file, _keys_of(row))

    def _spoil(self, file: str, keys: Iterable[str]) -> None:
        keys = tuple(keys)
        self.spoilt.update(keys)
        if file == FILE_OF[ParticipantRow]:
            self.refused_participants.update(key for key in keys if len(key) == NIK_LENGTH)
        if not keys and file != FILE_OF[EmployerRow]:
            self.unowned += 1

    def _is_spoilt(self, person: Person) -> bool:
        return person.participant.nik in self.spoilt or any(
            holding.card.kpj in self.spoilt for holding in person.holdings
        )


def _keys_of(row: Row) -> tuple[str, ...]:
    return tuple(getattr(row, key) for key in KEY_COLUMNS if hasattr(row, key))


def _is_unlike_nik(participant: ParticipantRow) -> bool:
    """Whether the birth date differs from the DDMMYY in the NIK (women: day + 40)."""
    born = participant.birth_date
    written = participant.nik[6:12]
    return written not in (born.strftime("%d%m%y"), f"{born.day + 40:02}{born.strftime('%m%y')}")
