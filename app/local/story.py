"""`make story`: the story that Sepakat exists for, lived through to a good end against a fresh instance.

Every step says what the participant sees, and stops with an error when that is not so.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from importlib import import_module
from operator import itemgetter
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from app.local.core import Core, post_contribution, propose_merge
from app.local.demo_people import DemoPerson, find_person
from app.local.messages import Messages
from app.local.phone import Phone, expect
from app.local.ports import find_free_ports
from app.local.run import Running, instance
from app.platform.clock import JAKARTA

STORIES = Path(__file__).parent / "stories"
COOLING_OFF_S = 20


def push_target(phone: Phone) -> str:
    """What a phone of a story registers with FCM, or with Huawei's Push Kit, as."""
    return f"fid-{phone.device_id}"


async def ask_for_pushes(phone: Phone, kind: str = "fid") -> httpx.Response:
    """Asks for pushes to this phone, through FCM (`fid`) or Huawei's Push Kit (`hms`); encrypted if it has a key for that."""
    target = {"kind": kind, "value": push_target(phone), "platform": "android", "locale": "id"}
    key = {"encryption_key": phone.push_key.public} if phone.push_key else {}
    return await phone.put("/v1/push-target", target | key)


class Stage:
    """What a story is played on: the API, the agency's core, what reached phones, and where it is told."""

    def __init__(self, api: httpx.AsyncClient, core: Core, messages: Messages, console: Console) -> None:
        self.api, self.core, self.messages, self.console = api, core, messages, console

    def tell(self, line: str) -> None:
        """What happens."""
        self.console.print(f"\n[bold]{line}[/bold]")

    def see(self, line: str) -> None:
        """What the participant sees."""
        self.console.print(f"  [cyan]│[/cyan] {line}", highlight=False)

    async def phone_of(self, person: DemoPerson, name: str) -> Phone:
        """A new phone that enrols with the code from the SMS and asks to be pushed to."""
        seen = len(await self.messages.code_texts_to(person.phone))

        async def read_code(_enrolment_id: str) -> str:
            return await self.messages.read_code(person.phone, seen=seen)

        phone = await Phone(self.api, read_code, name).enrol(person)
        expect(await ask_for_pushes(phone), 204)
        return phone

    async def let_time_pass(self, seconds: int) -> None:
        """On the one clock that all processes read."""
        expect(await self.api.post("/local/clock", json={"advance_s": seconds}), 200)


@asynccontextmanager
async def stage(
    folder: Path, console: Console, *, durable: bool = False, settings: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[Stage, Running]]:
    """A fresh instance in `folder` with the demo people in it, and what is played on it."""
    api_port, feed_port, staff_port, simulator_port = find_free_ports()
    environment = {"SEPAKAT_ENV": "local", "SEPAKAT_MERGE_COOLING_OFF_S": str(COOLING_OFF_S), **(settings or {})}
    async with (
        instance(
            folder,
            api_port=api_port,
            feed_port=feed_port,
            staff_port=staff_port,
            simulator_port=simulator_port,
            environment=environment,
            durable=durable,
        ) as running,
        httpx.AsyncClient(base_url=running.api) as api,
        httpx.AsyncClient(base_url=running.feed) as feed,
        httpx.AsyncClient(base_url=running.simulator) as simulator,
    ):
        core = Core(feed, running.environment["SEPAKAT_FEED_SECRETS"])
        yield Stage(api, core, Messages(simulator), console), running


async def play(person: str | None = None) -> int:
    """Plays the story of one of the demo people (Dwi's by default) on a fresh instance; 0 when it ended well."""
    console = Console()
    name = (person or "dwi").lower()
    if name not in list_told():
        told = ", ".join(other.capitalize() for other in list_told())
        console.print(f"The story of {person} is not told yet. Those that are: {told}.")
        return 1
    play_story = play_dwi if name == "dwi" else import_module(f"app.local.stories.{name}").play
    with tempfile.TemporaryDirectory(prefix="sepakat-story-") as path:
        folder = Path(path)
        folder.chmod(0o755)
        console.print("Starting a fresh instance …")
        async with stage(folder, console) as (on, _):
            await play_story(on)
    console.print("\n[bold green]The story ended well.[/bold green]")
    return 0


def list_told() -> list[str]:
    """Whose stories can be played: first names in lower case."""
    return sorted({"dwi"} | {file.stem for file in STORIES.glob("[a-z]*.py")})


async def show_cards(on: Stage, phone: Phone) -> dict[str, Any]:
    """Shows all cards; returns the overview."""
    answer = await phone.get("/v1/cards")
    expect(answer, 200)
    overview: dict[str, Any] = answer.json()
    for card in overview["cards"]:
        employer = card["employer"]["name"] if card["employer"] else ""
        on.see(f"card {card['kpj']}  {card['status']:<12} {rupiah(card['balance']):>14}  {employer}")
    on.see(f"together {rupiah(overview['total_balance'])}")
    return overview


async def show_inbox(on: Stage, phone: Phone, *, after: int | None = None) -> list[dict[str, Any]]:
    """Shows what is new in the inbox, or the newest fifty; returns the entries, oldest first."""
    answer = await phone.get("/v1/inbox" if after is None else f"/v1/inbox?after={after}")
    expect(answer, 200)
    entries: list[dict[str, Any]] = sorted(answer.json()["entries"], key=itemgetter("seq"))
    for entry in entries:
        on.see(f"[bold]{entry['title']}.[/bold] {entry['body']}")
    return entries


async def play_dwi(on: Stage) -> None:
    """Dwi's story: the agency proposes the wrong way round, and what happens is what she agrees to."""
    dwi = find_person("Dwi")
    old, new = dwi.kpjs

    on.tell("Dwi enrols: identity number, one card number, birth date, and a code by SMS. No password.")
    phone = await on.phone_of(dwi, "Ponsel Dwi")
    on.see((await on.messages.code_texts_to(dwi.phone))[-1])
    on.tell("She sees every card that she ever held.")
    before = await show_cards(on, phone)

    on.tell("The agency proposes to merge her living card into the old dead one.")
    (result,) = await on.core.send(propose_merge([new], old, "Penggabungan kartu ganda"))
    assert result["outcome"] == "applied", result
    proposed = await show_inbox(on, phone, after=before["head"]["seq"])
    assert [entry["kind"] for entry in proposed] == ["merge_proposed"]
    on.tell("Nothing has changed, and nothing will unless she agrees.")
    assert (await show_cards(on, phone))["cards"] == before["cards"]

    merge = (await phone.get("/v1/merges")).json()["merges"][0]
    on.tell("What it would mean:")
    for consequence in merge["plan"]["texts"]:
        on.see(f"{consequence['severity']}: {consequence['text']}")

    on.tell("She turns it round: the card of her present job stays.")
    turned = await phone.post(f"/v1/merges/{merge['id']}/survivor", {"into": new})
    expect(turned, 200)
    merge = turned.json()
    on.see(f"{merge['absorb'][0]} → {merge['into']}, {rupiah(merge['plan']['total_after'])} after it")

    on.tell("While she reads, a contribution lands. She confirms what she was shown, and that no longer holds.")
    (result,) = await on.core.send(post_contribution(new, "E003", "2026-11", 324_373, "2026-11-23"))
    assert result["outcome"] == "applied", result
    stale = await phone.confirm(merge)
    expect(stale, 409)
    on.see(f"{stale.json()['code']}: {stale.json()['detail']}")
    for item in stale.json()["diff"]:
        on.see(f"{item['field']}: {item['before']} → {item['after']}")
    merge |= {name: stale.json()[name] for name in ("plan", "plan_digest")}

    on.tell("She confirms the fresh plan with the key of her phone, thinks again, and cancels with one tap.")
    confirmed = await phone.confirm(merge)
    expect(confirmed, 200)
    on.see(f"confirmed; executes at {confirmed.json()['executes_at']}")
    expect(await phone.post(f"/v1/merges/{merge['id']}/cancel", {"reason": "Saya mau pikir dulu"}), 200)
    await on.let_time_pass(COOLING_OFF_S + 1)
    assert (await show_cards(on, phone))["total_balance"] == before["total_balance"] + 324_373

    on.tell("Later she proposes it herself, confirms, and lets the cooling-off pass.")
    answer = await phone.post("/v1/merges", {"absorb": [old], "into": new})
    expect(answer, 201)
    merge = answer.json()
    expect(await phone.confirm(merge), 200)
    await on.let_time_pass(COOLING_OFF_S + 1)
    fid = push_target(phone)
    await wait_until_executed(phone, merge["id"])
    after = await show_cards(on, phone)
    assert after["total_balance"] == before["total_balance"] + 324_373, "to the rupiah"

    on.tell("Both numbers resolve, and the old one says where it went and that she agreed.")
    for kpj in (old, new):
        card = (await phone.post("/v1/cards/resolve", {"kpj": kpj}, key="")).json()
        on.see(f"{kpj}: {card['explanation']['text']}")

    on.tell("Everything is in her inbox, and reached her phone.")
    entries = await show_inbox(on, phone, after=before["head"]["seq"])
    causes = {entry["cause_id"] for entry in entries if entry["reach"] in ("push", "ladder")}
    pushes = await on.messages.pushes_to(fid, len(causes))
    on.see(f"{len(entries)} entries of {len(causes)} causes; entries of one cause share one push, which says only:")
    said = pushes[-1]["message"]["notification"]
    on.see(f"{said['title']}. {said['body']}")


async def wait_until_executed(phone: Phone, merge_id: str) -> None:
    """Until the worker has carried the merge out. Raises TimeoutError after 15 s."""
    async with asyncio.timeout(15):
        while (await phone.get(f"/v1/merges/{merge_id}")).json()["state"] != "executed":
            await asyncio.sleep(0.1)


def wall_time(instant: str) -> datetime:
    """An instant of an answer as a clock in Jakarta shows it."""
    return datetime.fromisoformat(instant).astimezone(JAKARTA)


def rupiah(amount: int | None) -> str:
    """As Indonesians write it."""
    return "–" if amount is None else f"Rp{amount:,}".replace(",", ".")
