"""Many people with phones at once: registered by the feed, enrolled over HTTP; the codes are derived as the worker would."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import httpx
import msgspec

from app.identity.codes import one_time_code
from app.local.core import event
from app.local.phone import Phone
from app.local.run import Running
from app.local.story import COOLING_OFF_S, Stage

AT_ONCE = 8
BATCH = 100
BORN = "1990-05-17"


class Member(msgspec.Struct, frozen=True):
    """`kpjs`: an idle card, then one that is active, then more idle ones."""

    nik: str
    kpjs: list[str]
    born: str = BORN


class Crowd:
    """People by number: nobody is given out twice."""

    def __init__(self, on: Stage, running: Running, api: httpx.AsyncClient) -> None:
        self.on, self.api = on, api
        self._secret = running.environment["SEPAKAT_SECRET"]
        self._people = 0

    async def gather(self, people: int, *, cards: int = 2) -> list[tuple[Member, Phone]]:
        """New people with so many cards each, signed in."""
        members = [self._next(cards) for _ in range(people)]
        await self._register(members)
        turn = asyncio.Semaphore(AT_ONCE)

        async def enrol(member: Member) -> tuple[Member, Phone]:
            async with turn:
                return member, await Phone(self.api, self._read_code).enrol(member)

        return list(await asyncio.gather(*(enrol(member) for member in members)))

    async def let_cool_off(self) -> None:
        """The clock is past the cooling-off of everything that was confirmed."""
        await self.on.let_time_pass(COOLING_OFF_S + 1)

    def _next(self, cards: int) -> Member:
        self._people += 1
        return Member(f"99{self._people:04d}1705900000", [f"98{self._people:07d}{card:02d}" for card in range(cards)])

    async def _register(self, members: list[Member]) -> None:
        await send_all(self.on, [told for member in members for told in _tell(member)])

    async def _read_code(self, enrolment_id: str) -> str:
        return one_time_code(self._secret, UUID(enrolment_id))


async def send_all(on: Stage, events: list[dict[str, Any]]) -> None:
    """By the feed, in batches that a busy machine answers in time. Raises RuntimeError when one is not applied."""
    for start in range(0, len(events), BATCH):
        for result in await on.core.send(*events[start : start + BATCH]):
            if result["outcome"] != "applied":
                raise RuntimeError(str(result))


def _tell(member: Member) -> list[dict[str, Any]]:
    person = {
        "nik": member.nik,
        "name": "Bayu Saputra",
        "birth_date": BORN,
        "phone": f"+62813{member.nik[2:6]}0000",
        "phone_since": "2020-01-01",
        "email": None,
        "locale": "id",
        "time_zone": "Asia/Jakarta",
    }
    return [
        event("participant.registered", person),
        *(
            event(
                "card.opened",
                {
                    "kpj": kpj,
                    "nik": member.nik,
                    "employer": {"id": "E003", "name": "PT Cakrawala Ritel Nusantara"},
                    "segment": "PU",
                    "programmes": ["JHT", "JP", "JKK", "JKM"],
                    "opened_on": f"{2010 + number}-03-01",
                    "status": "active" if number == 1 else "inactive",
                    "opening_balance": 9_000_000,
                },
            )
            for number, kpj in enumerate(member.kpjs)
        ),
    ]
