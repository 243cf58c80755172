"""People with a phone: they enrol, and answer to what is proposed to them or was done without asking."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from hashlib import sha256
from random import Random
from typing import Any

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from app.local.agency.send import Line
from app.local.agency.world import Person, World, chance
from app.local.phone import Phone, ReadCode

CONFIRMS, DECLINES, UNDOES, DISPUTES = 0.6, 0.2, 0.15, 0.6
AT_ONCE = 8
EXECUTES_WITHIN_S = 60.0

Execute = Callable[[datetime], Awaitable[None]]
"""Lets the time come at which confirmed merges are executed, and waits until they are."""


class Owner(msgspec.Struct, frozen=True):
    """As a phone enrols."""

    nik: str
    kpjs: list[str]
    born: str


class Crowd:
    """`api` is a client of the API; `read_codes` gives a reader of the SMS with codes, for one number."""

    def __init__(
        self, world: World, api: httpx.AsyncClient, read_codes: Callable[[str], ReadCode], execute: Execute
    ) -> None:
        self.world, self.api, self.read_codes, self.execute = world, api, read_codes, execute
        self.phones: dict[int, Phone] = {}

    async def enrol(self) -> None:
        """Everybody who has a phone and none that works yet. One that is refused is asked again after a pause."""
        for person in self.world.here():
            if person.has_phone and person.device is None:
                phone = self._phone_of(person)
                owner = Owner(person.nik, [card.kpj for card in person.cards], person.born)
                while True:
                    try:
                        await phone.enrol(owner)
                        break
                    except AssertionError as refused:
                        if " 429 " not in f" {refused} ":
                            raise
                        await asyncio.sleep(5)
                person.device = {"device_id": phone.device_id, "session": phone.session}

    async def react(self, index: int) -> None:
        """Who is asked answers; what was agreed to is executed, and of that some is undone."""
        confirmed: dict[str, Person] = {}
        due: list[datetime] = []
        for person in [person for person in self.world.people if person.asks and person.device]:
            person.asks = False
            for merge in await self._merges_of(person):
                rng = chance(self.world.seed, merge["absorb"], merge["into"], index)
                answer = await self._answer(person, merge, rng)
                if answer is not None:
                    confirmed[answer["id"]] = person
                    due.append(datetime.fromisoformat(answer["executes_at"]))
        if not confirmed:
            return
        await self.execute(max(due))
        for merge_id, person in confirmed.items():
            merge = (await self._ask(person, "GET", f"/v1/merges/{merge_id}")).json()
            rng = chance(self.world.seed, "undo", merge["absorb"], index)
            if merge["state"] == "executed" and rng.random() < UNDOES:
                await (await self._signed_in(person)).undo(merge_id)

    async def _answer(self, person: Person, merge: dict[str, Any], rng: Random) -> dict[str, Any] | None:
        """The merge, if it is confirmed now."""
        path = f"/v1/merges/{merge['id']}"
        chance = rng.random()
        if merge["state"] == "reported" and chance < DISPUTES:
            await self._ask(person, "POST", f"{path}/dispute", {"statement": "Saya tidak pernah setuju"})
        elif merge["state"] == "proposed" and chance < CONFIRMS:
            shown = await self._ask(person, "POST", f"{path}/plan", {})
            if not shown.is_success:
                return None
            answer = await (await self._signed_in(person)).confirm(shown.json())
            found: dict[str, Any] = answer.json()
            return found if answer.is_success else None
        elif merge["state"] == "proposed" and chance < CONFIRMS + DECLINES:
            await self._ask(person, "POST", f"{path}/decline", {})
        elif merge["state"] == "proposed":
            person.asks = True
        return None

    async def _merges_of(self, person: Person) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self._ask(person, "GET", "/v1/merges")).json()["merges"]
        return found

    async def _ask(self, person: Person, method: str, path: str, json: Any = None) -> httpx.Response:
        phone = await self._signed_in(person)
        return await (phone.get(path) if method == "GET" else phone.post(path, json))

    async def _signed_in(self, person: Person) -> Phone:
        """The phone with a session that the API takes."""
        phone = self._phone_of(person)
        if (await phone.get("/v1/me")).status_code == 401:
            await phone.sign_in()
            person.device = {"device_id": phone.device_id, "session": phone.session}
        return phone

    def _phone_of(self, person: Person) -> Phone:
        """Its key follows from the seed: after an interruption it is the same phone."""
        if person.serial not in self.phones:
            phone = Phone(self.api, self.read_codes(person.phone), f"Ponsel {person.name.split()[0]}")
            scalar = int.from_bytes(sha256(f"sepakat simulate {self.world.seed} {person.nik}".encode()).digest()[:31])
            phone.key = ec.derive_private_key(scalar + 1, ec.SECP256R1())
            if person.device:
                phone.device_id, phone.session = person.device["device_id"], person.device["session"]
            self.phones[person.serial] = phone
        return self.phones[person.serial]


async def wait_for_execution(api: httpx.AsyncClient, line: Line, until: datetime) -> None:
    """Moves the one clock to that instant where it can be moved (local mode); elsewhere what is confirmed waits its time."""
    answer = await api.post("/local/clock", json={"advance_s": 0})
    if answer.status_code != 200:
        return
    missing = (until - datetime.fromisoformat(answer.json()["now"])).total_seconds()
    await api.post("/local/clock", json={"advance_s": max(0, int(missing) + 1)})
    deadline = asyncio.get_running_loop().time() + EXECUTES_WITHIN_S
    while asyncio.get_running_loop().time() < deadline:
        found = await line.ask("/feed/v1/merges/search", {"merge_search": {"state": "confirmed", "limit": 1000}})
        if not any(
            merge["executes_at"] and datetime.fromisoformat(merge["executes_at"]) <= until for merge in found["merges"]
        ):
            return
        await asyncio.sleep(0.1)
