"""A small agency plays against the feed: what it holds in its own book is what Sepakat holds, and silent merges are found."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from app.local.agency.book import book
from app.local.agency.people import found
from app.local.agency.play import Play
from app.local.agency.reactions import Crowd
from app.local.agency.send import Line, LineDown, Result
from app.local.agency.summary import judge
from app.local.agency.world import Card, Person, Sent, World, read
from app.local.agency.year import events_of
from app.local.core import Core
from app.merges.execute import settle
from app.platform import database as pools
from tests.conftest import FEED_SECRET, Apps, settings_for
from tests.people import Phone

FIRST_DAY = date(2026, 3, 1)
DAYS = 24
SEED = 3


class BrokenLine(Line):
    """Takes what it is sent once more, and then is cut before the answer is there."""

    left = 6

    async def send(self, events: list[dict[str, Any]], stream_of: Any) -> dict[str, Result]:
        results = await super().send(events, stream_of)
        self.left -= 1
        if self.left == 0:
            raise LineDown("cut")
        return results


async def test_interrupted_and_gone_on_from_its_file_the_books_agree_to_the_rupiah(
    own_apps: Apps, servers: Any, tmp_path: Path
) -> None:
    database = own_apps.database
    pool = await pools.connect(database.url("sepakat_worker"), size=1, application="simulate")

    async def execute(until: datetime) -> None:
        assert (await own_apps.api.post("/local/clock", json={"advance_s": 21})).status_code == 200
        await settle(pool, settings_for(database, servers[1], "sepakat_worker"))

    def play(world: World, line: Line) -> Play:
        crowd = Crowd(world, own_apps.api, lambda _: Phone(own_apps.api).read_code, execute)
        return Play(world, tmp_path / "state", line, crowd)

    core = Core(own_apps.feed, FEED_SECRET)
    begun = found(SEED, 16, DAYS, FIRST_DAY, phones=8)
    with pytest.raises(LineDown):
        await play(begun, BrokenLine(core)).run()
    world = read(tmp_path / "state")
    assert world.pending, "the last step was saved before it was sent"
    await play(world, Line(core)).run()
    await pool.close()

    judged = judge(world)
    assert judged.holds, judged
    assert len(judged.found) == 2
    assert judged.explained
    connection = await database.connect()
    rows = await connection.fetch("SELECT kpj, balance FROM cards")
    twice = await connection.fetchval("SELECT count(*) FROM feed_quarantine")
    await connection.close()
    assert {row["kpj"]: row["balance"] for row in rows} == {
        card.kpj: person.here_balance(card.kpj) for person, card in world.cards()
    }
    assert twice == 0
    told = {key.split(" ")[0] for key in world.tally}
    assert told >= {"contribution.posted", "growth.credited", "card.merged", "merge.proposed", "merge.acknowledged"}
    world.reports[next(kpj for kpj, code in world.reports.items() if code == "balance_agrees")] = "case_opened"
    assert not judge(world).holds, "a difference that nothing explains is told"


def test_the_same_seed_is_the_same_agency_and_another_shares_no_number_with_it() -> None:
    first, again, other = (found(seed, 40, DAYS, FIRST_DAY, phones=2) for seed in (1, 1, 2))
    assert events_of(first, 0) == events_of(again, 0)
    for number in ("nik", "phone"):
        ours, theirs = ({getattr(person, number) for person in world.people} for world in (first, other))
        assert len(ours) == 40
        assert not ours & theirs
    assert all(person.nik.endswith("0000") for person in first.people), "a real serial begins with 0001"


def test_the_core_and_sepakat_hold_the_same_money_along_their_own_merges() -> None:
    """Absorbed by the core without consent: there one card has it all, here each keeps its own, and growth is split."""
    gone, kept = (
        Card(kpj, None, "2020-01-01", "active", opened=True, money=money) for kpj, money in (("1", 100), ("2", 201))
    )
    person = Person(0, "n", "n", "b", "p", 1, 0, cards=[gone, kept])
    world = World(1, 1, FIRST_DAY, [person], [])

    def tell(event_type: str, outcome: str = "applied", code: str | None = None, **data: Any) -> None:
        book(
            world,
            Sent({"type": event_type, "data": data}, {"serial": 0, "absorb": ["1"], "into": "2", "undone": False}),
            outcome,
            code,
        )

    def held() -> tuple[list[int], list[int]]:
        return [person.core_balance(kpj) for kpj in ("1", "2")], [person.here_balance(kpj) for kpj in ("1", "2")]

    gone.core = "2"
    tell("card.merged", absorbed="1", into="2")
    assert held() == ([0, 301], [100, 201])
    tell("growth.credited", kpj="2", amount=10)
    assert held() == ([0, 311], [103, 208])  # 3.3 and 6.7: the rupiah left over goes to the larger remainder
    tell("claim.paid", kpj="2", amount=210, kind="ten_percent", claim_id="k")
    assert held() == ([0, 101], [101, 0])
    tell("case.decided", decision="restored")
    assert held() == ([101, 0], [101, 0])
    gone.here = "2"
    tell("merge.refused", "applied", "merge_reversed")
    tell("contribution.posted", "rejected", kpj="1", amount=5)
    tell("contribution.posted", "duplicate", kpj="2", amount=7)
    tell("contribution.posted", "duplicate", "card_unknown", kpj="2", amount=7)
    assert held() == ([101, 7], [101, 7])
    gone.here = "2"
    assert held() == ([101, 7], [0, 108])
    tell("merge.acknowledged")
    assert held() == ([0, 108], [0, 108])
