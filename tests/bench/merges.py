"""Options, confirmations, executions and undos: by prepared, signed requests of people who each do it once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from itertools import permutations
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
from rich.progress import track

from app.local.phone import Phone, expect
from app.local.run import Running
from app.merges.merge import Card, recommended
from app.merges.options import judge_as_option
from tests.bench.bare import TABLE
from tests.bench.crowd import AT_ONCE, Crowd
from tests.bench.measure import CLIENTS, ROUNDS, bare_app, console, rate_for, rate_of, repeat, tell, tell_ratio

PEOPLE = 80
"""Of each round."""
ROUND_S = 2.0
EXECUTED = "SELECT count(*) FROM merges WHERE state = 'executed'"

Request = tuple[Phone, str, dict[str, Any]]
"""Who asks, the path, and the signed body."""


class Rates(msgspec.Struct):
    confirmed: list[float] = msgspec.field(default_factory=list)
    bare: list[float] = msgspec.field(default_factory=list)
    executed: list[float] = msgspec.field(default_factory=list)
    undone: list[float] = msgspec.field(default_factory=list)


async def bench_merges(running: Running, crowd: Crowd) -> list[tuple[Phone, str]]:
    """Prints all rates. Returns phones with their merge, which was carried out and undone, for what comes next."""
    await bench_options(crowd)
    database = await asyncpg.connect(running.admin_url)
    await database.execute(TABLE)
    rates = Rates()
    limits = httpx.Limits(max_connections=CLIENTS)
    async with bare_app(running, "0" * 32) as bare, httpx.AsyncClient(base_url=bare, limits=limits) as plain:
        for _ in track(range(ROUNDS), "merges", console=console):
            people = await crowd.gather(PEOPLE)
            confirmations = await _each([partial(_confirmation, phone, member.kpjs) for member, phone in people])
            rates.confirmed.append(await rate_of([partial(_send, request) for request in confirmations]))
            bodies = [body for _, _, body in confirmations]
            rates.bare.append(await rate_of([partial(_insert, plain, body) for body in bodies]))
            rates.executed.append(await _execute(database, crowd))
            undos = await _each([partial(_undo, phone, path.split("/")[3]) for phone, path, _ in confirmations])
            rates.undone.append(await rate_of([partial(_send, request) for request in undos]))
    await database.close()
    tell("POST confirmation: signature, plan, seal, history", rates.confirmed)
    tell("  bare: one INSERT and its commit", rates.bare)
    tell_ratio(rates.confirmed, rates.bare)
    tell("merges carried out by the worker", rates.executed)
    tell("POST undo: signature, lineage, at once", rates.undone)
    return [(phone, path.split("/")[3]) for phone, path, _ in confirmations]


async def bench_options(crowd: Crowd) -> None:
    """All 90 pairs of ten cards, judged with their texts: in this process, and asked over HTTP."""
    cards = [_card(number) for number in range(10)]
    day = date(2026, 11, 25)

    def judge_all() -> None:
        suggested = recommended(cards, day=day)
        for first, second in permutations(cards, 2):
            judge_as_option([first], second, "id", day, suggested, frozenset())

    pairs = len(cards) * (len(cards) - 1)
    tell("options judged, ten cards, in process", [pairs * repeat(1.0, judge_all) for _ in range(ROUNDS)], " pairs/s")
    ((_, phone),) = await crowd.gather(1, cards=10)

    async def ask() -> None:
        expect(await phone.get("/v1/merges/options"), 200)

    tell("GET options, ten cards, 91 options each", [await rate_for(ROUND_S, ask) for _ in range(ROUNDS)])


async def _each(makers: list[Callable[[], Awaitable[Request]]]) -> list[Request]:
    turn = asyncio.Semaphore(AT_ONCE)

    async def make(maker: Callable[[], Awaitable[Request]]) -> Request:
        async with turn:
            return await maker()

    return list(await asyncio.gather(*(make(maker) for maker in makers)))


async def _confirmation(phone: Phone, kpjs: list[str]) -> Request:
    proposed = await phone.post("/v1/merges", {"absorb": [kpjs[0]], "into": kpjs[1]})
    expect(proposed, 201)
    merge = proposed.json()
    return await _signed(phone, "merge", merge["id"], merge, "confirmation")


async def _undo(phone: Phone, merge_id: str) -> Request:
    shown = await phone.post(f"/v1/merges/{merge_id}/undo/plan")
    expect(shown, 200)
    return await _signed(phone, "undo", merge_id, shown.json(), "undo")


async def _signed(phone: Phone, purpose: str, merge_id: str, shown: dict[str, Any], path: str) -> Request:
    statement = {
        "version": 1,
        "purpose": purpose,
        "device_id": phone.device_id,
        "merge_id": merge_id,
        "plan_digest": shown["plan_digest"],
        "acknowledged": sorted(shown["plan"]["to_acknowledge"]),
        "nonce": await phone.challenge(purpose, merge_id),
    }
    body = {name: statement[name] for name in ("plan_digest", "acknowledged", "nonce")}
    return phone, f"/v1/merges/{merge_id}/{path}", body | {"proof": phone.proof(statement)}


async def _send(request: Request) -> None:
    phone, path, body = request
    expect(await phone.post(path, body), 200)


async def _insert(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    expect(await client.post("/rows", json=body), 200)


async def _execute(database: asyncpg.Connection[asyncpg.Record], crowd: Crowd) -> float:
    """From the moment at which all are due until the last is executed, by the worker that runs anyway."""
    before = await database.fetchval(EXECUTED)
    await crowd.let_cool_off()
    began = time.monotonic()
    while await database.fetchval(EXECUTED) < before + PEOPLE:  # noqa: ASYNC110 - another process does it
        await asyncio.sleep(0.01)
    return PEOPLE / (time.monotonic() - began)


def _card(number: int) -> Card:
    status = "active" if number == 1 else "inactive"
    return Card(
        card_id=UUID(int=number + 1),
        kpj=f"98000000{number:03d}",
        status=status,
        lifecycle=status,
        balance=9_000_000,
        opened_on=date(2010 + number, 3, 1),
        locked=False,
        frozen=False,
        claim_id=None,
        open_merge_id=None,
        partial_claims=0,
        deceased=False,
        programmes=("JHT", "JP"),
        employer="PT Cakrawala Ritel Nusantara",
    )
