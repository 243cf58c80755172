"""For those who write async API tests against Sepakat: `pytest_plugins = ["app.local.testkit"]`, and a fixture `sepakat`.

One embedded instance for the whole run of pytest (PostgreSQL, Valkey, API, feed, worker, and a simulator that takes what
would reach phones), up in some ten seconds; people made to order; an async `Phone` that enrols, signs and confirms.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from anyio.from_thread import start_blocking_portal
from rich.console import Console

from app.local.core import Core, event, propose_merge
from app.local.demo_people import DemoPerson
from app.local.messages import Messages
from app.local.phone import Phone
from app.local.ports import find_free_ports
from app.local.run import Running, instance
from app.local.story import COOLING_OFF_S, Stage, push_target

_numbers = itertools.count(1)


class Sepakat(Stage):
    """An instance under test. `api` and `core` are its two sides, `messages` what reached phones, `let_time_pass` its clock."""

    async def person(
        self, *, cards: Sequence[int] = (9_910_352, 14_265_493), name: str = "Dwi Lestari", born: str = "1991-04-17"
    ) -> DemoPerson:
        """Registers a new participant with one card for each opening balance (whole rupiah), the first active, the rest
        inactive. Her phone has been on file for years, so that her first key may confirm at once."""
        number = next(_numbers)
        nik = f"990101{date.fromisoformat(born):%d%m%y}{number:04d}"
        kpjs = [f"98{number:06d}{card:03d}" for card in range(1, len(cards) + 1)]
        phone = f"+6281209{number:06d}"
        person = {"nik": nik, "name": name, "birth_date": born, "phone": phone, "phone_since": "2019-05-06"}
        events = [event("participant.registered", person)]
        for kpj, balance in zip(kpjs, cards, strict=True):
            status = "active" if kpj == kpjs[0] else "inactive"
            opened = "2019-02-01" if kpj == kpjs[0] else "2013-03-04"
            card: dict[str, Any] = {"kpj": kpj, "nik": nik, "segment": "PU", "programmes": ["JHT"], "status": status}
            card |= {
                "employer": {"id": f"E-{kpj}", "name": f"PT {kpj}"},
                "opened_on": opened,
                "opening_balance": balance,
            }
            events.append(event("card.opened", card))
        results = await self.core.send(*events)
        if any(result["outcome"] != "applied" for result in results):
            raise AssertionError(f"the feed refused the person: {results}")
        return DemoPerson(nik, name, born, phone, kpjs)

    async def phone(self, person: DemoPerson, name: str = "Ponsel") -> Phone:
        """A phone of hers: enrolled by the code from the SMS, signed in, and asking for pushes."""
        return await self.phone_of(person, name)

    async def propose(self, person: DemoPerson) -> None:
        """The agency proposes to merge her other cards into her first one."""
        await self.core.send(propose_merge(person.kpjs[1:], person.kpjs[0], "Data ganda"))

    async def pushes(self, phone: Phone, count: int) -> list[dict[str, Any]]:
        """The accepted pushes to this phone, once there are `count`. Raises TimeoutError after 40 s."""
        return await self.messages.pushes_to(push_target(phone), count)


@pytest.fixture(scope="session")
def sepakat_instance() -> Iterator[Running]:
    """The processes, kept by a thread of their own: tests may have whatever event loops they like."""
    with tempfile.TemporaryDirectory(prefix="sepakat-kit-") as name, start_blocking_portal() as portal:
        folder = Path(name)
        folder.chmod(0o755)
        api, feed, staff, simulator = find_free_ports()
        up = instance(
            folder,
            api_port=api,
            feed_port=feed,
            staff_port=staff,
            simulator_port=simulator,
            environment={"SEPAKAT_ENV": "local", "SEPAKAT_MERGE_COOLING_OFF_S": str(COOLING_OFF_S)},
            durable=False,
        )
        with portal.wrap_async_context_manager(up) as running:
            yield running


@pytest_asyncio.fixture
async def sepakat(sepakat_instance: Running) -> AsyncIterator[Sepakat]:
    """The instance, seen from one test."""
    async with (
        httpx.AsyncClient(base_url=sepakat_instance.api) as api,
        httpx.AsyncClient(base_url=sepakat_instance.feed) as feed,
        httpx.AsyncClient(base_url=sepakat_instance.simulator) as simulator,
    ):
        core = Core(feed, sepakat_instance.environment["SEPAKAT_FEED_SECRETS"])
        yield Sepakat(api, core, Messages(simulator), Console(file=StringIO()))
