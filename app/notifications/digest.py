"""What came in somebody's quiet hours, gathered into one push per phone for the morning. Pure.

A digest is fixed when it first falls due: what comes later goes out by itself. What was acknowledged, read or switched off
meanwhile no longer counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from msgspec import structs

from app.notifications.notification import SERIOUSNESS, SETTLED, Notification, Target, derive_id, is_loud
from app.notifications.row import Row
from app.notifications.settlement import Settlement
from app.notifications.wording import Text, digest_text

RESTING = 2


class Digest(Notification, frozen=True, kw_only=True):
    """The entries `told` of several causes; `cause_id` is the first cause of all, told or not: it names the digest.

    `causes` are those of the entries that are told, each with its last seq.
    """

    told: tuple[int, ...]
    causes: dict[UUID, int]

    @property
    def up_to_seq(self) -> int:
        return max(self.told)

    @property
    def from_seq(self) -> int:
        return min(self.told)

    def text(self, locale: str) -> Text:
        return digest_text(len(self.told), locale)

    def delivery_id(self, target: Target) -> str:
        """The same for every try, and another than that of a push about the first cause alone."""
        return derive_id(self.cause_id, f"digest {target.device_id}")


def gather_digests(rows: Iterable[Row]) -> dict[UUID, list[Notification]]:
    """The digests of each participant: one, or more where an older one still has to be tried again."""
    digests: dict[tuple[UUID, UUID], list[Row]] = {}
    for row in rows:
        digests.setdefault((row["participant_id"], row["digest"]), []).append(row)
    people: dict[UUID, list[Notification]] = {}
    for (participant_id, digest), own in digests.items():
        people.setdefault(participant_id, []).append(_digest(participant_id, digest, own))
    return people


def note_every_cause(settlement: Settlement, people: Mapping[UUID, list[Notification]]) -> None:
    """What came of a digest is noted with each cause that it told, under the digest's one id."""
    digests = {
        (digest.participant_id, digest.cause_id): digest
        for own in people.values()
        for digest in own
        if isinstance(digest, Digest)
    }
    settlement.deliveries = [
        structs.replace(noted, cause_id=cause_id, up_to_seq=last)
        for noted in settlement.deliveries
        for cause_id, last in digests[noted.participant_id, noted.cause_id].causes.items()
    ]


def _digest(participant_id: UUID, digest: UUID, rows: list[Row]) -> Digest:
    loud = [row for row in rows if is_loud(row)]
    classes = {row["entry_class"] for row in loud}
    phones: dict[UUID, list[Row]] = {}
    for row in loud:
        if row["device_id"] is not None:
            phones.setdefault(row["device_id"], []).append(row)
    return Digest(
        participant_id=participant_id,
        cause_id=digest,
        seqs=tuple(sorted({row["seq"] for row in rows})),
        entry_class=next((known for known in SERIOUSNESS if known in classes), None),
        targets=tuple(_target(own) for own in phones.values()),
        rests=bool(loud) and all(row["rests"] for row in loud),
        told=tuple(sorted({row["seq"] for row in loud})),
        causes={row["cause_id"]: row["seq"] for row in loud},
    )


def _target(rows: list[Row]) -> Target:
    """One phone: done with when each of the causes is, pushed by itself before the quiet hours or with this digest."""
    row = rows[0]
    return Target(
        device_id=row["device_id"],
        kind=row["target_kind"],
        value=row["target_value"],
        platform=row["platform"],
        locale=row["locale"],
        set_at=row["set_at"],
        attempts=max(row["attempts"] or 0 for row in rows),
        settled=all(row["delivered"] in SETTLED and row["delivered_up_to"] >= row["seq"] for row in rows),
    )
