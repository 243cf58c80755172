"""What history says that each phone must show, and what a phone shows that replaces notifications by their tag."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid5

import asyncpg
import msgspec

HEADS = "SELECT participant_id, seq FROM participant_heads"
DUE = """
SELECT t.value, t.device_id, h.cause_id, max(h.seq) AS up_to_seq
FROM history AS h
INNER JOIN entry_kinds AS k USING (kind)
INNER JOIN push_targets AS t USING (participant_id)
INNER JOIN unnest($1::uuid[], $2::bigint[]) AS since (participant_id, seq) USING (participant_id)
WHERE k.reach IN ('push', 'ladder') AND h.seq > since.seq
GROUP BY t.value, t.device_id, h.cause_id
"""


class Sent(msgspec.Struct, frozen=True):
    """One push that the provider was asked to take."""

    at: datetime
    value: str
    tag: str
    seq: int
    urgent: bool
    outcome: str


class Due(msgspec.Struct, frozen=True):
    """What one phone must show: the same id for every try of this cause on this phone."""

    value: str
    delivery_id: str
    cause_id: UUID
    up_to_seq: int


class Promised:
    """Everything that was written since `begin`, by phone."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._connection = connection
        self._since: dict[UUID, int] = {}

    async def begin(self) -> None:
        self._since = {row["participant_id"]: row["seq"] for row in await self._connection.fetch(HEADS)}

    async def due(self) -> list[Due]:
        rows = await self._connection.fetch(DUE, list(self._since), list(self._since.values()))
        return [
            Due(
                row["value"],
                str(uuid5(row["cause_id"], str(row["device_id"]))),
                row["cause_id"],
                row["up_to_seq"],
            )
            for row in rows
        ]


def read_sent(journal: Path) -> list[Sent]:
    """The pushes of a simulator's journal, in the order in which it took them."""
    records = [msgspec.json.decode(line) for line in journal.read_bytes().splitlines()]
    return [
        Sent(
            at=datetime.fromisoformat(record["at"]),
            value=record["target"]["value"],
            tag=record["message"]["android"]["notification"]["tag"],
            seq=int(record["message"]["data"]["seq"]),
            urgent=record["message"]["android"]["priority"].lower() == "high",
            outcome=record["outcome"],
        )
        for record in records
        if record["channel"] == "push"
    ]


def hold_to(promised: list[Due], sent: list[Sent]) -> int:
    """Nothing lost, nothing shown twice, in order the first time; how many were taken more often than once."""
    must_show: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for due in promised:
        must_show[due.value][due.delivery_id] = due.up_to_seq
    shows: defaultdict[str, dict[str, Sent]] = defaultdict(dict)
    taken = [push for push in sent if push.outcome == "accepted"]
    for push in taken:
        first = shows[push.value].setdefault(push.tag, push)
        assert push.seq == first.seq, f"{push.tag} was sent of entry {first.seq} and of entry {push.seq}"
    lost = [
        (value, tag)
        for value, tags in must_show.items()
        for tag, up_to_seq in tags.items()
        if tag not in shows[value] or shows[value][tag].seq < up_to_seq
    ]
    assert not lost, f"{len(lost)} of {len(promised)} never reached their phone: {lost[:3]}"
    unasked = [(value, tag) for value, tags in shows.items() for tag in tags if tag not in must_show[value]]
    assert not unasked, f"{len(unasked)} notifications stand beside those of their causes: {unasked[:3]}"
    for value, tags in shows.items():
        for urgent in (True, False):
            seqs = [push.seq for push in tags.values() if push.urgent is urgent]
            assert seqs == sorted(seqs), f"out of order on {value}: {seqs}"
    return len(taken) - len(promised)
