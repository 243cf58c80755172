"""Lives as the core tells them, the same for the same seed; and what a life came to, without names and times.

A life is told in one stream, so that all of it has one order, or in a stream for each card, so that only what is told
of one card, or of the person, has.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import asyncpg
import msgspec

from tests.feed.conftest import Worker, claim, contribution, event
from tests.people import new_kpj, nik_hash

Event = dict[str, Any]
STREAMS = ("person", "person and cards", "cards")
STEPS = 12
CHANGING = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{64}\b|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.:+Z]*"
)
"""Ids, digests and instants."""

HISTORY = """
SELECT n.nik_hash AS owner, h.seq, h.kind, k.kpj, d.data, c.origin, c.reason, c.event_id, o.class
FROM participant_numbers AS n JOIN history AS h USING (participant_id)
JOIN history_data AS d USING (participant_id, seq) JOIN causes AS c USING (participant_id, cause_id)
LEFT JOIN cards AS k USING (participant_id, card_id)
LEFT JOIN outbox AS o ON o.participant_id = h.participant_id AND o.seq = h.seq
WHERE n.nik_hash = ANY ($1) ORDER BY n.nik_hash, h.seq
"""
STATE = (
    """SELECT n.nik_hash AS owner, k.kpj, k.status, k.lifecycle, k.claim_id, k.balance, k.entries, k.closed_on,
        k.frozen_at IS NULL AS free, k.last_contribution_month, k.last_contribution_amount, i.kpj AS into_kpj
    FROM participant_numbers AS n JOIN cards AS k USING (participant_id)
    LEFT JOIN cards AS i ON i.participant_id = k.participant_id AND i.card_id = k.merged_into
    WHERE n.nik_hash = ANY ($1) ORDER BY n.nik_hash, k.kpj""",
    """SELECT n.nik_hash AS owner, k.kpj, l.number, l.kind, l.amount, l.balance_after, l.effective_on, l.employer_id, l.month,
        l.year, l.received_for_kpj, l.source_event
    FROM participant_numbers AS n JOIN ledger_entries AS l USING (participant_id)
    JOIN cards AS k USING (participant_id, card_id)
    WHERE n.nik_hash = ANY ($1) ORDER BY n.nik_hash, k.kpj, l.number""",
    """SELECT n.nik_hash AS owner, p.name, p.birth_date, p.deceased_on, p.phone_since, p.locale, p.time_zone, h.seq
    FROM participant_numbers AS n JOIN participants AS p USING (participant_id)
    JOIN participant_heads AS h USING (participant_id)
    WHERE n.nik_hash = ANY ($1)""",
    """SELECT n.nik_hash AS owner, m.state, m.proposed_by, m.core, m.reported, m.closed_because
    FROM participant_numbers AS n JOIN merges AS m USING (participant_id)
    WHERE n.nik_hash = ANY ($1) ORDER BY n.nik_hash, m.proposed_at, m.state""",
    """SELECT n.nik_hash AS owner, c.kind, c.state, c.decision
    FROM participant_numbers AS n JOIN cases AS c USING (participant_id)
    WHERE n.nik_hash = ANY ($1) ORDER BY n.nik_hash, c.opened_at, c.kind""",
)
SETTLED = "SELECT event_id, type, outcome, code FROM feed_events WHERE event_id = ANY ($1)"
POSITIONS = "SELECT stream, position FROM feed_streams WHERE stream = ANY ($1)"


class Life(msgspec.Struct, frozen=True):
    """One person's events in the order in which the core numbered them."""

    worker: Worker
    kpjs: list[str]
    events: list[Event]
    streams: str


def live(seed: int) -> Life:
    """A life of some dozen events of many types; some are refused, for what had happened before them."""
    dice = Random(seed)
    streams = STREAMS[seed % len(STREAMS)]
    worker, kpjs = Worker(), [new_kpj()]
    events = [worker.registered(), worker.opened(kpjs[0], balance=dice.randrange(10**7))]
    for step in range(dice.randrange(STEPS // 2, STEPS)):
        around = {"occurred_at": f"2026-03-{step + 2:02d}T04:05:06Z"}
        if len(kpjs) < 3 and dice.random() < 0.2:
            kpjs.append(new_kpj())
            events.append(worker.opened(kpjs[-1], balance=dice.randrange(10**7), **around))
        else:
            events.append(_step(dice, worker, kpjs, events, apart=streams == "cards") | around)
    _number(worker, events, streams)
    return Life(worker, kpjs, events, streams)


def _step(dice: Random, worker: Worker, kpjs: list[str], events: list[Event], *, apart: bool) -> Event:
    """The next event. `apart`: one that is of its card alone, whatever becomes of the others."""
    kpj = dice.choice(kpjs)
    paid = [one for one in events if one["type"] == "contribution.posted" and one["data"]["kpj"] == kpj]
    of_card: list[Callable[[], Event]] = [
        lambda: contribution(kpj, dice.randrange(1, 10**6), f"2025-{dice.randrange(1, 13):02d}"),
        lambda: contribution(kpj, dice.randrange(1, 10**6), "2026-01", data_invalid=1),
        lambda: event(
            "growth.credited", {"kpj": kpj, "year": dice.randrange(2023, 2026), "amount": dice.randrange(10**6)}
        ),
        lambda: event(
            "card.status_changed",
            {"kpj": kpj, "status": dice.choice(("active", "inactive", "arrears")), "effective_on": "2026-02-01"},
        ),
        lambda: claim(
            dice.choice(("opened", "paid", "withdrawn")),
            kpj,
            dice.choice((900_000, 10**9)),
            claim_id=f"C-{kpj}-{dice.randrange(2)}",
            kind="ten_percent",
        ),
        lambda: event(
            "contribution.reversed", {"kpj": kpj, "event_id": dice.choice(paid)["id"] if paid else "nothing"}
        ),
    ]
    of_person: list[Callable[[], Event]] = [
        lambda: event("participant.updated", {"nik": worker.nik, "name": dice.choice(("Dwi Lestari", "Dwi L."))}),
        lambda: event("participant.phone_ported", {"nik": worker.nik, "on": "2026-02-01"}),
        lambda: event(
            "balance.reported",
            {"kpj": kpj, "as_of": "2026-03-20", "balance": dice.choice((0, 10**6)), "status": "active"},
        ),
        lambda: event("merge.proposed", {"absorb": [kpj], "into": dice.choice(kpjs)}),
        lambda: event(
            "card.merged",
            {
                "absorbed": kpj,
                "into": dice.choice(kpjs),
                "merged_on": "2026-02-15",
                "balances": dict.fromkeys(kpjs, 10**6),
            },
        ),
        lambda: (
            event("participant.deceased", {"nik": worker.nik, "on": "2026-02-20"})
            if dice.random() < 0.3
            else of_card[0]()
        ),
    ]
    made = dice.choice(of_card if apart else of_card + of_person)()
    if made.pop("data_invalid", None):
        made["data"] = made["data"] | {"amount": -1}
    return made


def _number(worker: Worker, events: list[Event], streams: str) -> None:
    """Gives each event its numbers."""
    person, positions = f"participant:{worker.nik}", defaultdict[str, int](int)
    for one in events:
        kpj = one["data"].get("kpj")
        mine = [f"card:{kpj}"] if kpj and streams != "person" else []
        if streams != "cards" or not kpj or one["type"] == "card.opened":
            mine.append(person)
        for stream in mine:
            positions[stream] += 1
        one["streams"] = {stream: positions[stream] for stream in mine}


async def become(connection: asyncpg.Connection[asyncpg.Record], lives: Sequence[Life]) -> list[str]:
    """What each life came to, as one text: equal for equal lives, whoever lived them and whenever."""
    hashes = {nik_hash(life.worker.nik): life for life in lives}
    found: dict[bytes, list[Any]] = {owner: [] for owner in hashes}
    for statement in STATE:
        for row in await connection.fetch(statement, list(hashes)):
            found[row["owner"]].append(list(row.values())[1:])
    told: dict[bytes, dict[str | None, list[Any]]] = {owner: defaultdict(list) for owner in hashes}
    for row in await connection.fetch(HISTORY, list(hashes)):
        _, seq, *entry = row.values()
        # what is told in streams of cards has an order for each card only
        of = row["kpj"] if hashes[row["owner"]].streams == "cards" else ""
        told[row["owner"]][of].append(entry if of != "" else [seq, *entry])
    events = [one["id"] for life in lives for one in life.events]
    settled = {
        row["event_id"]: [row["type"], row["outcome"], row["code"]] for row in await connection.fetch(SETTLED, events)
    }
    cards = [f"card:{kpj}" for life in lives for kpj in life.kpjs]
    positions = {row["stream"]: row["position"] for row in await connection.fetch(POSITIONS, cards)}
    return [
        _without_names(
            life,
            [
                found[owner],
                [told[owner].get(of, []) for of in ("", None, *life.kpjs)],
                [settled.get(one["id"]) for one in life.events],
                [positions.get(f"card:{kpj}") for kpj in life.kpjs],
            ],
        )
        for owner, life in hashes.items()
    ]


def _without_names(life: Life, found: list[Any]) -> str:
    text = json.dumps(found, default=str)
    names = {life.worker.nik: "nik"}
    names |= {kpj: f"card-{place}" for place, kpj in enumerate(life.kpjs)}
    names |= {one["id"]: f"event-{place}." for place, one in enumerate(life.events)}
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, names[name])
    return CHANGING.sub("#", text)
