"""What leaves the house signed, and how fast anybody can check it: receipts as JWS and PDF, exports of a long history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle

from rich.progress import track

from app.local.core import post_contribution
from app.local.phone import Phone, expect
from app.local.story import Stage
from app.verify.__main__ import verify
from tests.bench.crowd import Crowd, send_all
from tests.bench.measure import CLIENTS, ROUNDS, console, rate_for, repeat, tell

ROUND_S = 2.0
ENTRIES = 1_000
DRAWING = 4
Turns = Iterator[tuple[Phone, str]]
JOSE, PDF = "application/jose+json", "application/pdf"


async def bench_receipts(executed: Sequence[tuple[Phone, str]]) -> None:
    """Prints receipts per second, of as many people as ask at once, and checks of one per second in this process."""
    rates: dict[str, list[float]] = {JOSE: [], PDF: []}
    for _ in track(range(ROUNDS), "receipts", console=console):
        for media_type, clients in ((JOSE, CLIENTS), (PDF, DRAWING)):
            turns = cycle(executed[:clients])

            async def ask(media_type: str = media_type, turns: Turns = turns) -> None:
                await _receipt(*next(turns), media_type)

            rates[media_type].append(await rate_for(ROUND_S, ask, clients))
    tell("GET receipt, JWS", rates[JOSE])
    tell(f"GET receipt, PDF, {DRAWING} at once", rates[PDF])
    phone, merge_id = executed[0]
    keys = (await phone.api.get("/.well-known/jwks.json")).json()
    receipt = await _receipt(phone, merge_id, JOSE)
    tell("  verified", [repeat(1.0, lambda: verify("receipt", receipt, keys)) for _ in range(ROUNDS)])


async def _receipt(phone: Phone, merge_id: str, media_type: str) -> bytes:
    answer = await phone.get(f"/v1/merges/{merge_id}/receipt", headers={"accept": media_type})
    expect(answer, 200)
    return answer.content


async def bench_exports(on: Stage, crowd: Crowd) -> None:
    """Prints exports of a history of a thousand entries per second, their size, and checks per second."""
    ((member, phone),) = await crowd.gather(1)
    months = [f"{2010 + number // 12}-{number % 12 + 1:02d}" for number in range(12 * 16)]
    paid = [post_contribution(member.kpjs[1], "E003", months[n % len(months)], 1, "2026-01-15") for n in range(ENTRIES)]
    await send_all(on, paid)

    async def export() -> bytes:
        answer = await phone.get("/v1/me/export", timeout=60)
        expect(answer, 200)
        return answer.content

    async def ask() -> None:
        await export()

    rates = [await rate_for(ROUND_S, ask, clients=4) for _ in track(range(ROUNDS), "exports", console=console)]
    content = await export()
    keys = (await phone.api.get("/.well-known/jwks.json")).json()
    tell(f"GET export, {ENTRIES:,} entries, {len(content) / 1e6:.1f} MB", rates)
    tell("  verified", [repeat(1.0, lambda: verify("history", content, keys)) for _ in range(ROUNDS)])
