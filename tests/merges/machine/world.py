"""One participant, her phone, the agency's core and the worker, as the machine moves them; every answer is looked at."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from app.local.servers import Valkey
from app.merges.execute import settle
from app.platform import database as pools
from tests.conftest import Apps, Database, settings_for
from tests.feed.conftest import Core
from tests.merges.machine.invariants import Looked, look
from tests.people import NewCard, Person, Phone, add_person

TOKEN_LASTS_S = 600
CARDS = (
    NewCard(balance=14_265_493, opened_on=date(2010, 3, 1), employer_id="E-1", employer="PT Satu"),
    NewCard(balance=9_910_352, opened_on=date(2014, 3, 1), employer_id="E-2", employer="PT Dua"),
    NewCard(balance=7, status="active", opened_on=date(2019, 2, 1), employer_id="E-3", employer="PT Tiga"),
    NewCard(balance=0, opened_on=date(2021, 2, 1), employer_id="E-4", employer="PT Empat"),
)


class Stage:
    """The apps over one database and the worker's pool; participants come and go on it. Counts what was done."""

    def __init__(self, database: Database, valkey: Valkey, say: Callable[[str], None]) -> None:
        self.database, self.valkey, self.say = database, valkey, say
        self.stack = AsyncExitStack()
        self.steps = 0
        self.broken: list[Exception] = []
        self.ran: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()

    async def open(self, apps: Apps) -> None:
        self.apps = apps
        self.settings = settings_for(self.database, self.valkey, "sepakat_worker")
        self.pool = await pools.connect(self.settings.database_url, size=2, application="machine worker")
        self.looking: asyncpg.Connection[asyncpg.Record] = await self.database.connect()

    async def close(self) -> None:
        await self.looking.close()
        await self.pool.close()
        await self.stack.aclose()


class World:
    """`money`: rupiah that came in from outside, less what was paid out. `merges`: state by id, as of the last look.

    `grown`: the cards and years whose growth was credited.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.core = Core(stage.apps.feed, stage.database)
        self.looked: Looked | None = None
        self.settled = False
        self.shown: dict[str, dict[str, Any]] = {}
        self.shown_undo: dict[str, dict[str, Any]] = {}
        self.shown_accept: dict[str, dict[str, Any]] = {}
        self.merges: dict[str, str] = {}
        self.claims: list[tuple[str, str, int]] = []
        self.cases: list[str] = []
        self.posted: list[tuple[str, str, int]] = []
        self.grown: set[tuple[int, int]] = set()
        self.age_s = 0
        self.trace: list[str] = []
        self.last = ""

    async def begin(self) -> None:
        self.person: Person = await add_person(self.stage.database, *CARDS)
        self.kpjs = list(self.person.kpjs)
        self.money = sum(card.balance for card in CARDS)
        self.phone = await Phone(self.stage.apps.api).enrol(self.person)
        await self.look()

    async def look(self) -> None:
        """Checks everything, and learns which merges and cases there are."""
        participant_id, looking = self.person.participant_id, self.stage.looking
        self.looked = await look(looking, participant_id, before=self.looked, money=self.money, settled=self.settled)
        self.settled = False
        rows = await looking.fetch(
            "SELECT merge_id, state FROM merges WHERE participant_id = $1 ORDER BY merge_id", participant_id
        )
        self.merges = {str(row["merge_id"]): row["state"] for row in rows}
        cases = await looking.fetch(
            "SELECT case_id FROM cases WHERE participant_id = $1 AND state = 'open' ORDER BY opened_at", participant_id
        )
        self.cases = [str(row["case_id"]) for row in cases]

    def merges_in(self, *states: str) -> list[str]:
        return [merge_id for merge_id, state in self.merges.items() if state in states]

    def card_id(self, kpj: str) -> UUID:
        return self.person.cards[kpj].card_id

    async def balances(self) -> dict[str, tuple[str, int]]:
        rows = await self.stage.looking.fetch(
            "SELECT kpj, status, balance FROM cards WHERE participant_id = $1", self.person.participant_id
        )
        return {row["kpj"]: (row["status"], row["balance"]) for row in rows}

    async def today(self) -> str:
        day: str = await self.stage.looking.fetchval("SELECT jakarta_day(current_instant())::text")
        return day

    async def answered(self, merge_id: str) -> tuple[str, str | None]:
        """State of a merge, and what the core has answered to it."""
        row = await self.stage.looking.fetchrow("SELECT state, core FROM merges WHERE merge_id = $1", UUID(merge_id))
        assert row is not None
        return row["state"], row["core"]

    async def reversal(self, merge_id: str) -> Any:
        """The cards of the plan that a merge was reversed by."""
        return await self.stage.looking.fetchval(
            """SELECT convert_from(p.canonical, 'UTF8')::jsonb -> 'cards' FROM merge_executions AS e
            JOIN merge_plans AS p USING (participant_id, merge_id, plan_digest)
            WHERE e.merge_id = $1 AND e.action = 'reverse'""",
            UUID(merge_id),
        )

    def count(self, what: str, answer: httpx.Response) -> httpx.Response:
        """Every answer is one that the product means to give: done, or a refusal with a code."""
        told = answer.json().get("code") or answer.json().get("state") or "done"
        self.trace.append(f"    {what} {answer.request.url.path} {answer.request.content[:120]!r}: {told}")
        assert answer.status_code < 500, (what, answer.status_code, answer.text)
        refused = answer.json()["code"] if answer.status_code >= 400 else "done"
        assert refused not in ("request_invalid", "not_signed_in", "token_expired"), (what, answer.text)
        self.stage.answered[f"{what}: {refused}"] += 1
        return answer

    async def ask(self, what: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return self.count(what, await self.phone.post(path, body))

    async def tell(self, told: dict[str, Any]) -> bool:
        """Sends one event; whether it was applied. The database's own guards must never be what refuses it."""
        (result,) = await self.core.send(told)
        self.trace.append(f"    sent {told['type']} {told['data']} -> {result['outcome']} {result['code']}")
        assert result["outcome"] in ("applied", "rejected"), result
        assert result["code"] != "invariant_violated", (told, result)
        self.stage.answered[f"{told['type']}: {result['code'] or 'done'}"] += 1
        return bool(result["outcome"] == "applied")

    async def wait(self, seconds: int) -> None:
        answer = await self.stage.apps.api.post("/local/clock", json={"advance_s": seconds})
        assert answer.status_code == 200, answer.text
        self.age_s += seconds
        self.trace.append(f"    {seconds} s pass")
        if self.age_s > TOKEN_LASTS_S // 2:
            await self.phone.sign_in()
            self.age_s = 0

    async def settle(self) -> None:
        """The worker looks; what it executed stands as its plan said, to the rupiah."""
        was = dict(self.merges)
        await settle(self.stage.pool, self.stage.settings)
        self.settled = True
        rows = await self.stage.looking.fetch(
            """SELECT m.merge_id, m.state, convert_from(p.canonical, 'UTF8')::jsonb -> 'cards' AS cards FROM merges AS m
            JOIN merge_plans AS p USING (participant_id, merge_id, plan_digest) WHERE m.participant_id = $1
            AND m.state IN ('executed', 'accepted')""",
            self.person.participant_id,
        )
        for row in rows:
            if was.get(str(row["merge_id"])) != row["state"]:
                self.stage.answered[f"settle: {row['state']}"] += 1
                await self.stands_as(row["cards"])

    async def stands_as(self, planned: Any) -> None:
        cards = json.loads(planned) if isinstance(planned, str) else planned
        now = await self.balances()
        for card in cards:
            assert now[card["kpj"]] == (card["status_after"], card["balance_after"]), (card, now)
