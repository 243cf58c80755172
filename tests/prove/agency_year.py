"""A year of a simulated agency: in the end every invariant holds for everybody, the two books agree to the rupiah, and every
merge that the core did in silence was found, announced, and can be disputed.

AGENCY_PEOPLE people for AGENCY_DAYS days, real PostgreSQL and Valkey, a worker process and the simulator of providers. Each
person is held against the invariants of `tests/merges/machine`, an independent reading of the chain, and the verifier that is
handed out (`app/verify`).
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.history.export import read_parts, sign_export
from app.history.roots import find_inclusion, make_root
from app.history.written import write_instant
from app.local.agency.book import book
from app.local.agency.day import Day
from app.local.agency.merging import own_up
from app.local.agency.people import found
from app.local.agency.play import Play
from app.local.agency.reactions import Crowd, Owner, wait_for_execution
from app.local.agency.send import Line
from app.local.agency.summary import judge
from app.local.agency.world import Card, Person, Sent, World
from app.local.core import Core
from app.local.servers import Valkey
from app.platform import database as pools
from app.platform.database import Connection
from app.platform.sealing import read_sealer
from app.platform.signing import read_signing_keys
from app.verify.__main__ import verify
from tests.conftest import DATA_KEYS, FEED_SECRET, RECEIPT_KEYS, Apps
from tests.local.running_simulator import RunningSimulator
from tests.merges.machine.invariants import look
from tests.people import Phone, nik_hash
from tests.prove.__main__ import say
from tests.workers.conftest import Outbox
from tests.workers.running_worker import eventually, run_worker

PEOPLE = int(os.environ.get("AGENCY_PEOPLE", "100"))
DAYS = int(os.environ.get("AGENCY_DAYS", "60"))
SEED = int(os.environ.get("SEED", "1"))
PHONES = max(5, min(100, PEOPLE // 20))

# Each returns what must not be.
WRONG = {
    "an event that was taken is still open": "SELECT event_id FROM feed_events WHERE outcome = 'held'",
    "an event came with another content": "SELECT event_id FROM feed_quarantine",
    "an event has two causes": """SELECT event_id FROM causes WHERE event_id IS NOT NULL AND event_id LIKE 'sim-%'
        GROUP BY event_id HAVING count(*) > 1""",
    "a rejected event has left something": """SELECT event_id FROM causes JOIN feed_events USING (event_id)
        WHERE outcome <> 'applied'""",
    "money came from an event that was not applied": """SELECT l.source_event FROM ledger_entries AS l
        LEFT JOIN feed_events AS e ON e.event_id = l.source_event
        WHERE l.source_event IS NOT NULL AND e.outcome IS DISTINCT FROM 'applied'""",
    "a change of a card has no entry, or two": """SELECT l.card_id FROM (
            SELECT DISTINCT participant_id, card_id, cause_id FROM ledger_entries) AS l
        LEFT JOIN history AS h USING (participant_id, card_id, cause_id)
        GROUP BY l.participant_id, l.card_id, l.cause_id HAVING count(h.seq) <> 1""",
    "a number leads elsewhere": """SELECT n.kpj FROM card_numbers AS n LEFT JOIN cards AS k
        ON (k.participant_id, k.card_id, k.kpj) = (n.participant_id, n.card_id, n.kpj) WHERE k.card_id IS NULL""",
    "an identity number leads nowhere": """SELECT n.participant_id FROM participant_numbers AS n
        FULL JOIN participants AS p USING (participant_id) WHERE n.nik_hash IS NULL OR p.participant_id IS NULL""",
    "an entry of the ladder does not climb": """SELECT h.participant_id, h.seq, h.kind
        FROM history AS h JOIN entry_kinds USING (kind)
        WHERE reach = 'ladder' AND NOT EXISTS (SELECT FROM climbs AS c
            WHERE (c.participant_id, c.cause_id) = (h.participant_id, h.cause_id))""",
    "a stream stands elsewhere than its events": """SELECT count(*) FROM feed_events WHERE outcome IN ('applied', 'rejected')
        HAVING count(*) <> (SELECT sum(position) FROM feed_streams)""",
}
FOUND = """
SELECT k.kpj, c.state, h.kind, e.reach
FROM cases AS c
JOIN cards AS k USING (participant_id, card_id)
JOIN history AS h ON h.participant_id = c.participant_id AND h.kind = 'balance_differs' AND h.card_id = c.card_id
JOIN entry_kinds AS e ON e.kind = h.kind
WHERE c.kind = 'balance' AND k.kpj = any($1::text[])
"""


class Year:
    """A world that was played, and what is asked of it."""

    def __init__(self, world: World, apps: Apps, line: Line, connection: Connection) -> None:
        self.world, self.apps, self.line, self.connection = world, apps, line, connection
        self.last = Day(world, world.days - 1)

    async def send(self, sent: Sent) -> dict[str, Any]:
        """One more event of the core, booked like all others."""
        (result,) = await self.line.core.send(sent.event)
        book(self.world, sent, result["outcome"], result["code"])
        return result

    def silent(self) -> list[tuple[Person, Card]]:
        return [(person, card) for person, card in self.world.cards() if card.silent]


@pytest.mark.timeout(600 + PEOPLE * DAYS // 100)
async def test_a_year_of_an_agency(
    fresh_apps: Apps, own_valkey: Valkey, simulator: RunningSimulator, outbox: Outbox, tmp_path: Path
) -> None:
    yesterday = (datetime.now(UTC) + timedelta(hours=7) - timedelta(days=1)).date()
    world = found(SEED, PEOPLE, DAYS, yesterday - timedelta(days=DAYS - 1), PHONES)
    line = Line(Core(fresh_apps.feed, FEED_SECRET))
    crowd = Crowd(
        world,
        fresh_apps.api,
        lambda _: Phone(fresh_apps.api).read_code,
        partial(wait_for_execution, fresh_apps.api, line),
    )
    pool = await pools.connect(fresh_apps.database.url(), size=2, application="agency year")
    with run_worker(fresh_apps.database, own_valkey.url, simulator, tmp_path / "worker.log"):
        began = time.monotonic()
        await Play(world, tmp_path / "state", line, crowd).run()
        say(f"{world.sent} events in {time.monotonic() - began:.0f} s, of these {world.seconds:.0f} s at the feed")
        for key, count in sorted(world.tally.items()):
            say(f"   {count:7} {key}")

        async def drained() -> bool:
            return await outbox.waiting() == 0

        say(
            f"   the outbox is empty {await eventually(drained, 120 + world.sent / 100, 'everything is sent'):.0f} s later"
        )
        async with pool.acquire() as connection:
            year = Year(world, fresh_apps, line, connection)
            judged = judge(world)
            assert judged.holds, judged
            assert judged.agree > len(world.people)
            await books_agree(year)
            await nothing_is_wrong(connection)
            await everybody_holds(year)
            await silence_was_found(year)
    await pool.close()


async def books_agree(year: Year) -> None:
    """Card by card, to the rupiah; and all of it once more by what came in and went out."""
    rows = await year.connection.fetch("SELECT kpj, balance, status FROM cards")
    theirs = {row["kpj"]: row["balance"] for row in rows}
    ours = {card.kpj: person.here_balance(card.kpj) for person, card in year.world.cards()}
    assert theirs == ours, {
        kpj: (theirs.get(kpj), ours.get(kpj)) for kpj in theirs | ours if theirs.get(kpj) != ours.get(kpj)
    }
    core = sum(person.core_balance(card.kpj) for person, card in year.world.cards())
    assert sum(theirs.values()) == core
    claimed = {row["kpj"] for row in rows if row["status"] == "claimed"}
    assert claimed == {card.kpj for _, card in year.world.cards() if card.status == "claimed" and card.here is None}
    say(f"   {len(ours)} cards agree; together Rp{core:,}")


async def nothing_is_wrong(connection: Connection) -> None:
    for what, sql in WRONG.items():
        rows = await connection.fetch(sql)
        assert not rows, (what, len(rows), [tuple(row) for row in rows[:5]])


async def everybody_holds(year: Year) -> None:
    """Each person by the invariants after each step of the machine, and by the verifier that anybody can run."""
    connection, sealer, keys = year.connection, read_sealer(DATA_KEYS), read_signing_keys(RECEIPT_KEYS)
    published: dict[str, Any] = (await year.apps.api.get("/.well-known/jwks.json")).json()
    async with connection.transaction():
        await make_root(connection, keys, not_before_s=0)
    entries = 0
    for person in year.world.here():
        row = await connection.fetchrow(
            "SELECT participant_id FROM participant_numbers WHERE nik_hash = $1", nik_hash(person.nik)
        )
        assert row is not None
        money = sum(card.money for card in person.cards if card.opened)
        await look(connection, row["participant_id"], before=None, money=money, settled=True)  # type: ignore[arg-type]
        told = {"version": 1, "issuer": "http://localhost:8000", "issued_at": write_instant(datetime.now(UTC))}
        async with connection.transaction():
            inclusion = await find_inclusion(connection, row["participant_id"])
            parts = await read_parts(connection, row["participant_id"], sealer)
        told["root"] = None if inclusion is None else msgspec.to_builtins(inclusion)
        lines = verify("history", sign_export(told, parts, keys), published)
        assert "signed root" in lines[-1], lines
        entries += len(parts["history"])
    say(f"   {entries} entries of {len(year.world.people)} people hold, each chain verified and in a signed root")


async def silence_was_found(year: Year) -> None:
    """Each silent merge: two cases, entries that climb, and a hold; told of at last, its owner can dispute it."""
    silent = year.silent()
    assert silent, "there is none to be found"
    for person, card in silent:
        pair = [card.kpj, card.core or ""]
        rows = await year.connection.fetch(FOUND, pair)
        assert {row["kpj"] for row in rows} == set(pair), (pair, rows)
        assert {(row["state"], row["reach"]) for row in rows} == {("open", "ladder")}
        proposal = {"absorb": [card.kpj], "into": card.core, "reason": None}
        refused = await year.send(year.last.tell(person, "merge.proposed", proposal))
        assert (refused["outcome"], refused["code"]) == ("rejected", "merge_not_allowed")
        assert "balance_disputed" in refused["detail"]
    for person, card in silent:
        (told,) = own_up(year.last, person, {"kpj": card.kpj})
        assert (await year.send(told))["outcome"] == "applied"
    disputed = 0
    for person, card in year.world.cards():
        if not card.told:
            continue
        row = await year.connection.fetchrow(
            """SELECT m.state, e.reach FROM cards AS k JOIN merges AS m USING (participant_id, merge_id)
            JOIN history AS h ON h.participant_id = k.participant_id AND h.merge_id = m.merge_id AND h.kind = 'merge_reported'
            JOIN entry_kinds AS e ON e.kind = h.kind WHERE k.kpj = $1 AND k.merge_mark = 'merged_without_consent'""",
            card.kpj,
        )
        assert row is not None, card.kpj
        assert row["reach"] == "ladder"
        disputed += await dispute(year, person, card)
    say(
        f"   {len(silent)} silent merges found by their balances, held and owned up to; {disputed} disputed by their owners now"
    )
    await nothing_is_wrong(year.connection)
    await books_agree(year)


async def dispute(year: Year, person: Person, card: Card) -> int:
    """Whoever has no phone yet enrols one, sees the merge, and says no."""
    if person.died or person.device:  # the dead ask nobody any more; who has a phone has answered
        return 0
    phone = await Phone(year.apps.api).enrol(Owner(person.nik, [card.kpj], person.born))
    (merge,) = [
        merge
        for merge in (await phone.get("/v1/merges")).json()["merges"]
        if merge["absorb"] == [card.kpj] and merge["state"] == "reported"
    ]
    answer = await phone.post(f"/v1/merges/{merge['id']}/dispute", {"statement": "Saya tidak setuju"})
    assert (answer.status_code, answer.json()["state"]) == (200, "disputed")
    return 1
