"""The machine: what a participant, the core and the worker may do, in any order, with every invariant after every step."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.cases.reports import Reported, decided
from tests.feed.conftest import claim, contribution, event
from tests.merges.machine.world import Stage, World

CARD = st.integers(0, 3)
ANY = st.integers(0, 50)
AMOUNT = st.sampled_from([1, 2, 3, 999, 319_177, 10_000_001])
WAITS = st.sampled_from([1, 21, 21, 60, 901, 86_400, 8 * 86_400, 31 * 86_400])
OPEN = ("proposed", "confirmed", "reported", "disputed")


class Machine(RuleBasedStateMachine):
    """Runs on the stage that is set on the class; each run of it is another participant."""

    stage: ClassVar[Stage]
    runner: ClassVar[asyncio.Runner]

    def do(self, what: str, step: Coroutine[Any, Any, Any]) -> None:
        self.stage.steps += 1
        self.stage.ran[what] += 1
        self.world.trace.append(what)
        self.world.last = what
        self.run(step)

    def run(self, step: Coroutine[Any, Any, Any]) -> None:
        try:
            self.runner.run(step)
        except Exception as error:
            # Hypothesis tells of it only if it happens again in a replay, which runs at another time of day.
            self.stage.broken.append(error)
            self.stage.say(f"BROKEN: {error}\n  after " + "\n  ".join(self.world.trace[-40:]))
            raise

    @initialize()
    def begin(self) -> None:
        self.world = World(self.stage)
        self.runner.run(self.world.begin())

    @invariant()
    def everything_holds(self) -> None:
        if hasattr(self, "world"):
            self.run(self.world.look())

    @rule(absorb=st.sets(CARD, min_size=1, max_size=2), into=CARD, by_agency=st.booleans())
    def propose(self, absorb: set[int], into: int, by_agency: bool) -> None:
        world = self.world
        numbers, survivor = [world.kpjs[place] for place in sorted(absorb - {into})], world.kpjs[into]
        if not numbers:
            numbers = [world.kpjs[(into + 1) % 4]]

        async def step() -> None:
            if by_agency:
                await world.tell(event("merge.proposed", {"absorb": numbers, "into": survivor}))
                return
            answer = await world.ask("propose", "/v1/merges", {"absorb": numbers, "into": survivor})
            if answer.status_code == 201:
                world.shown[answer.json()["id"]] = answer.json()

        self.do("propose", step())

    @rule(absorb=CARD, into=CARD, undo=st.booleans())
    def merge(self, absorb: int, into: int, undo: bool) -> None:
        """The whole way in one step, so that many runs come far."""
        world = self.world
        numbers = [world.kpjs[absorb if absorb != into else (into + 1) % 4]]

        async def step() -> None:
            proposed = await world.ask("propose", "/v1/merges", {"absorb": numbers, "into": world.kpjs[into]})
            if proposed.status_code == 201:
                confirmed = world.count("confirm", await world.phone.confirm(proposed.json()))
                assert confirmed.status_code == 200, f"what was just shown can be agreed to: {confirmed.text}"
                await world.wait(21)
                await world.settle()
                merge = await world.phone.get(f"/v1/merges/{proposed.json()['id']}")
                assert merge.json()["state"] == "executed", merge.text
                if undo:
                    world.count("undo", await world.phone.undo(merge.json()["id"]))

        self.do("merge", step())

    @precondition(lambda self: self.world.merges_in("proposed"))
    @rule(which=ANY, card=CARD, choose=st.booleans())
    def renew_or_choose(self, which: int, card: int, choose: bool) -> None:
        world, merge_id = self.world, self.pick(which, "proposed")

        async def step() -> None:
            body = {"into": world.kpjs[card]} if choose else {}
            path = f"/v1/merges/{merge_id}/{'survivor' if choose else 'plan'}"
            answer = await world.ask("choose" if choose else "renew", path, body)
            if answer.status_code == 200:
                world.shown[merge_id] = answer.json()

        self.do("renew_or_choose", step())

    @precondition(lambda self: self.world.merges_in("proposed"))
    @rule(which=ANY, fresh=st.sampled_from([True, True, False]))
    def confirm(self, which: int, fresh: bool) -> None:
        world, merge_id = self.world, self.pick(which, "proposed")

        async def step() -> None:
            if fresh or merge_id not in world.shown:
                renewed = await world.ask("renew", f"/v1/merges/{merge_id}/plan")
                if renewed.status_code != 200:
                    return
                world.shown[merge_id] = renewed.json()
            world.count("confirm", await world.phone.confirm(world.shown[merge_id]))

        self.do("confirm", step())

    @precondition(lambda self: self.world.merges)
    @rule(which=ANY, how=st.sampled_from(["cancel", "cancel", "decline"]))
    def end(self, which: int, how: str) -> None:
        merge_id = self.pick(which, *set(self.world.merges.values()))
        self.do("end", self.world.ask(how, f"/v1/merges/{merge_id}/{how}"))

    @precondition(lambda self: self.world.last != "wait")
    @rule(seconds=WAITS, settle=st.booleans())
    def wait(self, seconds: int, settle: bool) -> None:
        async def step() -> None:
            await self.world.wait(seconds)
            if settle:
                await self.world.settle()

        self.do("wait", step())

    @precondition(lambda self: self.world.merges_in("confirmed"))
    @rule()
    def cool_off(self) -> None:
        async def step() -> None:
            await self.world.wait(21)
            await self.world.settle()

        self.do("cool_off", step())

    @precondition(lambda self: self.world.last != "contribute")
    @rule(card=CARD, amount=AMOUNT, employer=st.sampled_from(["E-1", "E-2", "E-3"]), month=st.integers(1, 12))
    def contribute(self, card: int, amount: int, employer: str, month: int) -> None:
        data = {"kpj": self.world.kpjs[card], "employer_id": employer, "month": f"2026-{month:02d}"}
        told = contribution(data["kpj"], amount, data["month"])
        told["data"] |= data

        async def step() -> None:
            assert await self.world.tell(told), "a contribution is never refused, whatever became of its number"
            self.world.money += amount
            self.world.posted.append((told["id"], data["kpj"], amount))

        self.do("contribute", step())

    @precondition(lambda self: self.world.posted)
    @rule(which=ANY, again=st.sampled_from([False, False, True]))
    def take_back(self, which: int, again: bool) -> None:
        world = self.world
        event_id, kpj, amount = world.posted[which % len(world.posted)]
        told = event("contribution.reversed", {"kpj": kpj, "event_id": event_id, "reason": "Dibayar dua kali"})

        async def step() -> None:
            if await world.tell(told):
                world.money -= amount
                if not again:
                    world.posted.remove((event_id, kpj, amount))

        self.do("take_back", step())

    @precondition(lambda self: self.world.last != "grow")
    @rule(card=CARD, amount=AMOUNT, year=st.integers(2015, 2025))
    def grow(self, card: int, amount: int, year: int) -> None:
        told = event("growth.credited", {"kpj": self.world.kpjs[card], "year": year, "amount": amount})

        async def step() -> None:
            assert await self.world.tell(told) == ((card, year) not in self.world.grown), "once for a card and year"
            if (card, year) not in self.world.grown:
                self.world.money += amount
                self.world.grown.add((card, year))

        self.do("grow", step())

    @precondition(lambda self: not self.world.claims)
    @rule(card=CARD, amount=AMOUNT, kind=st.sampled_from(["full", "ten_percent"]))
    def open_claim(self, card: int, amount: int, kind: str) -> None:
        world = self.world
        claim_id = f"C-{world.person.nik}-{len(world.trace)}"

        async def step() -> None:
            if await world.tell(claim("opened", world.kpjs[card], amount, claim_id=claim_id, kind=kind)):
                world.claims.append((claim_id, world.kpjs[card], amount))

        self.do("open_claim", step())

    @precondition(lambda self: self.world.claims)
    @rule(which=ANY)
    def pay_claim(self, which: int) -> None:
        world = self.world
        claim_id, kpj, amount = world.claims[which % len(world.claims)]

        async def step() -> None:
            if await world.tell(claim("paid", kpj, amount, claim_id=claim_id, kind="ten_percent")):
                world.money -= amount
            world.claims.clear()  # one at a time, or claims keep everything else waiting

        self.do("pay_claim", step())

    @precondition(lambda self: self.world.claims)
    @rule(which=ANY)
    def withdraw_claim(self, which: int) -> None:
        world = self.world
        claim_id, kpj, amount = world.claims[which % len(world.claims)]

        async def step() -> None:
            assert await world.tell(claim("withdrawn", kpj, amount, claim_id=claim_id, kind="ten_percent"))
            world.claims.clear()

        self.do("withdraw_claim", step())

    @precondition(lambda self: self.world.last != "change_status")
    @rule(card=CARD, status=st.sampled_from(["active", "inactive", "arrears", "claimed"]))
    def change_status(self, card: int, status: str) -> None:
        data = {"kpj": self.world.kpjs[card], "status": status, "effective_on": "2026-03-01"}
        self.do("change_status", self.world.tell(event("card.status_changed", data)))

    @precondition(lambda self: self.world.last != "report")
    @rule(absorbed=CARD, into=CARD)
    def report(self, absorbed: int, into: int) -> None:
        into = into if into != absorbed else (into + 1) % 4
        data = {"absorbed": self.world.kpjs[absorbed], "into": self.world.kpjs[into], "merged_on": "2026-03-01"}
        self.do("report", self.world.tell(event("card.merged", data | {"balances": {}})))

    @precondition(lambda self: self.world.merges_in("reported", "disputed"))
    @rule(which=ANY)
    def dispute(self, which: int) -> None:
        merge_id = self.pick(which, "reported", "disputed")
        self.do("dispute", self.world.ask("dispute", f"/v1/merges/{merge_id}/dispute"))

    @precondition(lambda self: self.world.merges)
    @rule(which=ANY, refuse=st.booleans(), agreed=st.sampled_from([True, True, False]))
    def answer(self, which: int, refuse: bool, agreed: bool) -> None:
        """The core acknowledges or refuses any merge; what it refuses is taken back whole, or stays as it is."""
        world = self.world
        states = (
            ("executed", "confirmed") if agreed and world.merges_in("executed", "confirmed") else world.merges.values()
        )
        merge_id = self.pick(which, *states)
        told = event("merge.refused" if refuse else "merge.acknowledged", {"merge_id": merge_id, "reason": "Data"})

        async def step() -> None:
            before, was = await world.balances(), world.merges[merge_id]
            if not await world.tell(told):
                assert await world.balances() == before
            elif was == "executed" and refuse:
                state, core = await world.answered(merge_id)
                assert core == "refused"
                if state == "executed":
                    assert await world.balances() == before, "what cannot be taken back whole is not touched"
                else:
                    await world.stands_as(await world.reversal(merge_id))

        self.do("answer", step())

    @precondition(lambda self: self.world.last != "report_balance")
    @rule(card=CARD, off_by=st.sampled_from([0, 0, 0, 5]))
    def report_balance(self, card: int, off_by: int) -> None:
        world, kpj = self.world, self.world.kpjs[card]

        async def step() -> None:
            before = await world.balances()
            balance = before[kpj][1] + off_by
            data = {"kpj": kpj, "as_of": await world.today(), "balance": balance, "status": "active"}
            (result,) = await world.core.send(event("balance.reported", data))
            world.stage.answered[f"balance.reported: {result['code']}"] += 1
            assert off_by or result["code"] == "balance_agrees", result
            assert await world.balances() == before, "no figure of the core's moves money"

        self.do("report_balance", step())

    @precondition(lambda self: self.world.cases)
    @rule(
        which=ANY,
        decision=st.sampled_from(
            ["restored", "accepted", "acknowledged", "reversed", "settled", "ours", "theirs_corrected"]
        ),
    )
    def decide(self, which: int, decision: str) -> None:
        case_id = self.world.cases[which % len(self.world.cases)]
        self.do("decide", self.world.tell(decided(case_id, decision)))

    @precondition(lambda self: self.world.merges_in("reported", "disputed"))
    @rule(which=ANY, fresh=st.sampled_from([True, True, False]), settle=st.booleans())
    def accept(self, which: int, fresh: bool, settle: bool) -> None:
        world, merge_id = self.world, self.pick(which, "reported", "disputed")

        async def step() -> None:
            if fresh or merge_id not in world.shown_accept:
                planned = await world.ask("accept/plan", f"/v1/merges/{merge_id}/accept/plan")
                if planned.status_code != 200:
                    return
                world.shown_accept[merge_id] = planned.json()
            reported = Reported(world.person, world.phone, merge_id, "", "")
            answer = world.count("accept", await reported.accept(world.shown_accept[merge_id]))
            assert answer.status_code == 200 or not fresh, f"what was just shown can be agreed to: {answer.text}"
            if settle:
                await world.settle()

        self.do("accept", step())

    @precondition(lambda self: self.world.merges_in("executed", "undone"))
    @rule(which=ANY, how=st.sampled_from(["plan", "undo", "undo", "stale"]))
    def undo(self, which: int, how: str) -> None:
        world, merge_id = self.world, self.pick(which, "executed", "undone")

        async def step() -> None:
            if how != "stale" or merge_id not in world.shown_undo:
                planned = await world.ask("undo/plan", f"/v1/merges/{merge_id}/undo/plan")
                if planned.status_code != 200:
                    return
                world.shown_undo[merge_id] = planned.json()
            if how == "plan":
                return
            shown, was = world.shown_undo[merge_id], world.merges[merge_id]
            answer = world.count("undo", await world.phone.undo(merge_id, shown))
            assert answer.status_code == 200 or how == "stale", f"what was just shown can be undone: {answer.text}"
            if answer.status_code == 200 and was == "executed":
                await world.stands_as(shown["plan"]["cards"])

        self.do("undo", step())

    @precondition(lambda self: self.world.last != "lock_or_unlock")
    @rule(card=CARD, lock=st.booleans())
    def lock_or_unlock(self, card: int, lock: bool) -> None:
        world = self.world
        card_id = world.card_id(world.kpjs[card])
        path = f"/v1/cards/{card_id}/lock"

        async def step() -> None:
            if lock:
                world.count("lock", await world.phone.put(path, {}))
            else:
                world.count("unlock", await world.phone.delete(path, await world.phone.prove("unlock", card_id)))

        self.do("lock_or_unlock", step())

    def pick(self, which: int, *states: str) -> str:
        merges = self.world.merges_in(*states)
        return merges[which % len(merges)]
