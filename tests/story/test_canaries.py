"""Nobody's data leaves by a side door: planted values are looked for in every log, in Valkey, in every push and metric.

The person with these values lives through what people live through, and through everything that goes wrong on the way,
in the instance that plays all stories.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
from redis.asyncio import Redis

from app.local.core import event, post_contribution, propose_merge
from app.local.demo_people import DemoPerson
from app.local.phone import Phone, expect
from app.local.story import COOLING_OFF_S, Stage, push_target, wait_until_executed
from tests.story.conftest import Scene

NIK = "3273019005171234"
KPJS = ["99070700701", "99070700702"]
NUMBER = "+6281277700077"
NAME = "Kanari Zulkarnain"
DEVICE = "Ponsel Kanari"
EMAIL = "kanari@example.id"
BALANCES = [781_236_549_871, 40_414_243]
TOTAL = sum(BALANCES)
CANARIES = {
    "NIK": [NIK],
    "card number": KPJS,
    "telephone": [NUMBER, NUMBER[1:], NUMBER[3:]],
    "name": [NAME, *NAME.split()],
    "device": [DEVICE],
    "mail": [EMAIL],
    "balance": [form for value in (*BALANCES, TOTAL) for form in (str(value), f"{value:,}".replace(",", "."))],
}


class Found(msgspec.Struct):
    """What Valkey was told, line by line as MONITOR gives it."""

    lines: list[str] = []


@asynccontextmanager
async def overheard(url: str) -> AsyncIterator[Found]:
    """Every command that any client sends to Valkey meanwhile, publications included."""
    found = Found()
    async with Redis.from_url(url) as redis, redis.monitor() as monitor:

        async def listen() -> None:
            async for command in monitor.listen():
                found.lines.append(command["command"])

        listening = asyncio.create_task(listen())
        yield found
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


async def everything_in(url: str) -> list[str]:
    """Every key with all that it holds."""
    held = []
    async with Redis.from_url(url) as redis:
        async for key in redis.scan_iter(count=1000):
            held.append(repr((key, await redis.dump(key))))
            kind = await redis.type(key)
            if kind == b"zset":
                held.append(repr(await redis.zrange(key, 0, -1)))
            elif kind == b"string":
                held.append(repr(await redis.get(key)))
        held += [repr(channel) for channel in await redis.pubsub_channels()]
    return held


async def register(on: Stage) -> None:
    told = [
        event(
            "participant.registered",
            {
                "nik": NIK,
                "name": NAME,
                "birth_date": "1990-05-17",
                "phone": NUMBER,
                "phone_since": "2020-01-01",
                "email": EMAIL,
            },
        ),
        *(
            event(
                "card.opened",
                {
                    "kpj": kpj,
                    "nik": NIK,
                    "employer": {"id": "E003", "name": "PT Sinar Garmen Majalaya"},
                    "segment": "PU",
                    "programmes": ["JHT"],
                    "opened_on": "2013-03-01",
                    "status": status,
                    "opening_balance": balance,
                },
            )
            for kpj, status, balance in zip(KPJS, ("inactive", "active"), BALANCES, strict=True)
        ),
    ]
    results = await on.core.send(*told)
    assert {result["outcome"] for result in results} == {"applied"}, results


async def live(on: Stage) -> Phone:
    """Enrols, looks, is told of money and of a proposal, merges, and looks again."""
    phone = await on.phone_of(DemoPerson(NIK, NAME, "1990-05-17", NUMBER, KPJS), DEVICE)
    (paid,) = await on.core.send(post_contribution(KPJS[1], "E003", "2026-10", 1_000, "2026-11-01"))
    assert paid["outcome"] == "applied", paid
    expect(await phone.get("/v1/cards"), 200)
    expect(await phone.get("/v1/me/export"), 200)
    for kpj in (*KPJS, "99070700799"):
        await phone.post("/v1/cards/resolve", {"kpj": kpj}, key="")
    (proposed,) = await on.core.send(propose_merge([KPJS[0]], KPJS[1], f"Kartu ganda {NAME}"))
    assert proposed["outcome"] == "applied", proposed
    merge = (await phone.get("/v1/merges")).json()["merges"][0]
    expect(await phone.confirm(merge), 200)
    await on.let_time_pass(COOLING_OFF_S + 1)
    await wait_until_executed(phone, merge["id"])
    expect(await phone.get(f"/v1/merges/{merge['id']}/receipt"), 200)
    await on.messages.pushes_to(push_target(phone), 2)
    return phone


async def go_wrong(on: Stage, phone: Phone, admin_url: str) -> None:
    """What is refused, fails to parse, or violates a constraint, each time with the values in it."""
    personal: dict[str, Any] = {"nik": NIK, "name": NAME, "phone": NUMBER, "kpj": KPJS[0], "amount": TOTAL}
    wrong = [
        event("participant.registered", {"nik": NIK, "name": NAME, "birth_date": "1990-05-17", "phone": NUMBER}),
        event("participant.registered", personal),
        event("participant.registered", {**personal, "name": f"{NAME}\u202e"}),
        event("card.opened", personal),
        event("contribution.posted", {"kpj": KPJS[0], "month": "2026-10", "amount": TOTAL, "paid_on": "2026-11-01"}),
        event("claim.paid", {"kpj": KPJS[1], "claim_id": NIK, "kind": "full", "amount": BALANCES[0]}),
        event("growth.credited", {"kpj": KPJS[1], "year": 2024, "amount": BALANCES[0] * 10**6}),
        {"id": NIK, "nik": NIK},
    ]
    await on.core.send(*wrong)
    for path in (
        f"/v1/cards?kpj={KPJS[0]}",
        f"/v1/{NIK}",
        f"/v1/cards/{KPJS[0]}",
        f"/stop/{NIK}",
        f"/v1/inbox?after={TOTAL}",
    ):
        await phone.get(path)
    for body in (personal, {"absorb": KPJS, "into": KPJS[0]}, {"absorb": [NAME], "into": NIK}):
        for path in ("/v1/merges", "/v1/cards/resolve", "/v1/enrolments", "/v1/sessions", "/v1/challenges"):
            await phone.post(path, body)
    await phone.request("GET", "/v1/me", headers={"authorization": f"Bearer {NIK}", "last-event-id": KPJS[0]})
    database = await asyncpg.connect(admin_url)
    for statement in (
        "UPDATE cards SET balance = $1 WHERE kpj = $2",
        "INSERT INTO card_numbers SELECT * FROM card_numbers WHERE $1::bigint > 0 AND kpj = $2",
        "UPDATE cards SET balance = -$1 WHERE kpj = $2",
    ):
        with pytest.raises(asyncpg.PostgresError):
            await database.execute(statement, TOTAL, KPJS[1])
    await database.close()


def assert_nowhere(where: str, text: str, person: list[str]) -> None:
    lowered = text.lower()
    for what, forms in (*CANARIES.items(), ("id", person)):
        for form in forms:
            place = lowered.find(form.lower())
            assert place < 0, f"{where} holds the {what}: …{text[max(0, place - 120) : place + 120]}…"


async def test_planted_values_are_found_in_no_log_no_key_no_push_and_no_metric(scene: Scene) -> None:
    on, running, _ = scene
    assert running.valkey is not None
    async with overheard(running.valkey.url) as found:
        await register(on)
        phone = await live(on)
        await go_wrong(on, phone, running.admin_url)
        me = (await phone.get("/v1/me")).json()
        held = await everything_in(running.valkey.url)
    person = [me["participant_id"]]
    assert any("PUBLISH" in line for line in found.lines), "what is overheard is overheard"
    assert any("sepakat:limit:" in line for line in found.lines)
    for line in found.lines:
        assert_nowhere("Valkey was told and", line, person)
    for line in held:
        assert_nowhere("Valkey", line, person)

    logs = sorted((running.folder / "log").iterdir())
    assert {"api.log", "feed.log", "worker.log", "postgres.log", "valkey.log"} <= {log.name for log in logs}
    assert "violates" in (running.folder / "log" / "postgres.log").read_text(), "what went wrong was logged"
    for log in logs:
        assert_nowhere(log.name, log.read_text(errors="replace"), person)

    pushes = [message for message in await on.messages.all() if message["channel"] == "push"]
    assert any(message["target"]["value"] == push_target(phone) for message in pushes)
    for message in pushes:
        assert_nowhere("a push", msgspec.json.encode(message["message"]).decode(), person)
    async with httpx.AsyncClient() as client:
        for base in (running.api, running.feed):
            assert_nowhere("metrics", (await client.get(f"{base}/metrics")).text, person)
