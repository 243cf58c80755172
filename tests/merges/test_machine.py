"""Whatever is done in whatever order: money conserved, one hop, chain intact, no merge without its confirmation."""

from __future__ import annotations

import os
import sys

import httpx
import pytest

from app.local.servers import Postgres, Valkey
from tests.cases.reports import merged
from tests.conftest import Database, OpenDatabase
from tests.feed.conftest import Core
from tests.merges.conftest import Settle
from tests.merges.machine.play import play
from tests.merges.merged import merge_cards
from tests.people import NewCard, Phone, add_person

STEPS = int(os.environ.get("STEPS", "150"))


@pytest.mark.timeout(60 + STEPS)
def test_every_invariant_holds_after_every_step(
    clone: OpenDatabase, servers: tuple[Postgres, Valkey], capfd: pytest.CaptureFixture[str]
) -> None:
    def say(line: str) -> None:
        with capfd.disabled():
            sys.stdout.write(f"\n{line}")
            sys.stdout.flush()

    assert play(clone, servers[1], steps=STEPS, first_seed=int(os.environ.get("SEED", "1")), say=say) >= STEPS


async def test_found_by_it_an_agreed_number_resolves_through_what_the_core_merged_since(
    api: httpx.AsyncClient, feed: httpx.AsyncClient, database: Database, cool_off: Settle
) -> None:
    person = await add_person(database, *(NewCard(balance=number) for number in (1, 2, 3, 4)))
    a, b, c, d = person.kpjs
    phone = await Phone(api).enrol(person)
    core = Core(feed, database)
    await merge_cards(phone, [a], b, cool_off)
    await core.apply(merged(b, c, {}))
    (circle,) = await core.send(merged(c, a, {}))
    assert (circle["outcome"], circle["code"]) == ("rejected", "merge_makes_cycle")
    await core.apply(merged(d, a, {}))
    assert (await core.card(d))["merged_into"] == person.cards[c].card_id, "one hop to the living card"
