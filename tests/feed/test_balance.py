"""Two books beside each other: what agrees is silent, what differs is told, held and explained, and no rupiah is invented."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.feed.compared import Standing, Suspicion, compare, suspect_merge
from app.local.servers import Postgres, Valkey
from app.merges.execute import settle
from app.platform import database as pools
from tests.cases.reports import decided, merged
from tests.conftest import Database, settings_for
from tests.feed.conftest import Core, claim, contribution, event, sign
from tests.people import NewCard, Person, Phone, add_person, days_ago

OLD, NEW = 14_265_493, 9_910_352


class Holder:
    """Somebody with an old and a new card, and what the core tells of them."""

    def __init__(self, core: Core, person: Person, phone: Phone) -> None:
        self.core, self.person, self.phone = core, person, phone
        self.old, self.new = person.kpjs[:2]

    async def report(self, kpj: str, balance: int, *, as_of: date | None = None, **more: Any) -> tuple[str, str | None]:
        day = (as_of or await self.today()).isoformat()
        data = {"kpj": kpj, "as_of": day, "balance": balance, "status": "active"} | more
        (result,) = await self.core.send(event("balance.reported", data))
        return result["outcome"], result["code"]

    async def today(self) -> date:
        """On the one clock, which other tests move ahead."""
        (row,) = await self.core.ask("SELECT jakarta_day(current_instant()) AS day")
        day: date = row["day"]
        return day

    async def cases(self, state: str = "open") -> list[dict[str, Any]]:
        found = (await self.phone.get("/v1/cases")).json()["cases"]
        return [case for case in found if case["kind"] == "balance" and case["state"] == state]

    async def kinds(self) -> list[str]:
        return [entry["kind"] for entry in await self.core.history(self.person.nik)]

    async def balances(self) -> list[int]:
        return [(await self.core.card(kpj))["balance"] for kpj in self.person.kpjs]

    async def merge(self) -> dict[str, Any]:
        """Proposed and confirmed."""
        answer = await self.phone.post("/v1/merges", {"absorb": [self.old], "into": self.new})
        proposed: dict[str, Any] = answer.json()
        assert (await self.phone.confirm(proposed)).status_code == 200
        return proposed

    async def settle(self, servers: tuple[Postgres, Valkey]) -> None:
        """The cooling-off goes by, and the worker looks."""
        assert (await self.phone.api.post("/local/clock", json={"advance_s": 21})).status_code == 200
        settings = settings_for(self.core.database, servers[1], "sepakat_worker")
        pool = await pools.connect(settings.database_url, size=1, application="test worker")
        await settle(pool, settings)
        await pool.close()

    async def state(self, merge: dict[str, Any]) -> tuple[str, str | None]:
        shown = (await self.phone.get(f"/v1/merges/{merge['id']}")).json()
        return shown["state"], shown["last_refusal"] and shown["last_refusal"]["code"]


@pytest_asyncio.fixture
async def holder(core: Core, api: httpx.AsyncClient, database: Database) -> Holder:
    person = await add_person(
        database,
        NewCard(balance=OLD, opened_on=date(2013, 3, 1)),
        NewCard(balance=NEW, status="active", opened_on=date(2019, 2, 1)),
    )
    return Holder(core, person, await Phone(api).enrol(person))


async def test_an_equal_balance_is_remembered_and_tells_nobody(holder: Holder) -> None:
    before = await holder.kinds()
    assert await holder.report(holder.new, NEW) == ("applied", "balance_agrees")
    assert await holder.kinds() == before
    (told,) = await holder.core.ask(
        "SELECT theirs, ours, outcome FROM balance_comparisons WHERE participant_id = $1", holder.person.participant_id
    )
    assert told == {"theirs": NEW, "ours": NEW, "outcome": "agrees"}
    causes = await holder.core.ask("SELECT 1 FROM causes WHERE reason = $1", "balance")
    assert causes == []


async def test_what_came_after_the_day_is_no_difference(holder: Holder) -> None:
    day = days_ago(10)
    late = contribution(holder.new, 500)
    late["data"]["paid_on"] = days_ago(3).isoformat()
    await holder.core.apply(late)
    for balance in (NEW, NEW + 500):
        assert await holder.report(holder.new, balance, as_of=day) == ("applied", "balance_agrees")
    # what came late, and counts from before, is one of the core's own
    early = contribution(holder.new, 7, "2025-01")
    early["data"]["paid_on"] = days_ago(20).isoformat()
    await holder.core.apply(early)
    assert await holder.report(holder.new, NEW, as_of=day) == ("applied", "case_opened")


async def test_a_difference_is_told_with_both_figures_and_holds_merges_until_it_is_explained(holder: Holder) -> None:
    assert await holder.report(holder.new, NEW + 5_000) == ("applied", "case_opened")
    assert await holder.balances() == [OLD, NEW]
    (case,) = await holder.cases()
    assert case["kpj"] == holder.new
    assert {name: case["figures"][name] for name in ("theirs", "ours", "difference")} == {
        "theirs": NEW + 5_000,
        "ours": NEW,
        "difference": 5_000,
    }
    entry = (await holder.phone.get("/v1/inbox")).json()["entries"][0]
    assert (entry["kind"], entry["reach"], entry["kpj"]) == ("balance_differs", "ladder", holder.new)
    assert "Rp9.915.352" in entry["body"]
    assert "Rp9.910.352" in entry["body"]

    body = {"absorb": [holder.old], "into": holder.new}
    option = (await holder.phone.post("/v1/merges/options", body)).json()
    assert not option["allowed"]
    assert [reason["code"] for reason in option["reasons"]] == ["balance_disputed"]
    assert not any(each["recommended"] for each in (await holder.phone.get("/v1/merges/options")).json()["options"])
    refused = await holder.phone.post("/v1/merges", body)
    assert (refused.status_code, refused.json()["reasons"]) == (422, ["balance_disputed"])
    (by_agency,) = await holder.core.send(event("merge.proposed", body))
    assert (by_agency["outcome"], by_agency["code"]) == ("rejected", "merge_not_allowed")

    # the same difference again, and an older report, tell nobody
    entries = await holder.kinds()
    assert await holder.report(holder.new, NEW + 5_000) == ("applied", "balance_differs")
    assert await holder.report(holder.new, NEW, as_of=days_ago(2)) == ("applied", "report_outdated")
    assert await holder.kinds() == entries
    assert len(await holder.cases()) == 1
    # another one does
    assert await holder.report(holder.new, NEW + 6_000) == ("applied", "balance_differs")
    assert (await holder.kinds())[-1] == "balance_differs"
    assert len(await holder.cases()) == 1

    # the missing contribution comes, and the next report agrees: the case ends by itself
    await holder.core.apply(contribution(holder.new, 6_000))
    assert await holder.report(holder.new, NEW + 6_000) == ("applied", "balance_agrees")
    assert (await holder.kinds())[-1] == "balance_agrees_again"
    assert [case["decision"] for case in await holder.cases("decided")] == ["agreed"]
    assert (await holder.phone.post("/v1/merges", body)).status_code == 201


async def test_a_confirmed_merge_waits_and_goes_back(holder: Holder, servers: tuple[Postgres, Valkey]) -> None:
    merge = await holder.merge()
    assert await holder.report(holder.old, OLD - 1) == ("applied", "case_opened")
    await holder.settle(servers)
    assert await holder.state(merge) == ("proposed", "balance_disputed")
    assert await holder.balances() == [OLD, NEW]
    plan = await holder.phone.post(f"/v1/merges/{merge['id']}/plan")
    assert (plan.status_code, plan.json()["reasons"]) == (422, ["balance_disputed"])
    assert (await holder.phone.confirm(merge)).json()["code"] == "merge_not_allowed"
    assert await holder.report(holder.old, OLD) == ("applied", "balance_agrees")
    renewed = (await holder.phone.post(f"/v1/merges/{merge['id']}/plan")).json()
    assert (await holder.phone.confirm(renewed)).status_code == 200
    await holder.settle(servers)
    assert await holder.state(merge) == ("executed", None)


async def test_a_difference_that_ends_in_time_leaves_a_confirmed_merge_alone(
    holder: Holder, servers: tuple[Postgres, Valkey]
) -> None:
    merge = await holder.merge()
    await holder.report(holder.old, OLD - 1)
    await holder.report(holder.old, OLD)
    await holder.settle(servers)
    assert await holder.state(merge) == ("executed", None)


async def test_the_database_holds_merges_too(holder: Holder, servers: tuple[Postgres, Valkey]) -> None:
    merge = await holder.merge()
    await holder.report(holder.old, OLD - 1)
    await holder.phone.api.post("/local/clock", json={"advance_s": 21})
    worker = await holder.core.database.connect("sepakat_worker")
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await worker.execute(
            "SELECT execute_merge($1, $2, interval '30 days')", holder.person.participant_id, merge["id"]
        )
    await worker.close()
    assert refusal.value.constraint_name == "held_participant_merges_nothing"
    await holder.settle(servers)
    # a proposal cannot begin, nor be confirmed by hand
    insider = await holder.core.database.connect("sepakat_api", entering=holder.person.participant_id)
    (case,) = await holder.cases()
    for sql in (
        """INSERT INTO merges (participant_id, merge_id, state, proposed_by, absorb, into_card, proposed_at, cause_id)
        SELECT participant_id, gen_random_uuid(), 'proposed', 'participant', absorb, into_card, now(),
        record_cause(participant_id, 'participant', 'x') FROM merges WHERE participant_id = $1""",
        "UPDATE cases SET state = 'decided', decision = 'agreed', decided_at = now() WHERE participant_id = $1",
        "UPDATE balance_comparisons SET outcome = 'agrees' WHERE participant_id = $1",
    ):
        with pytest.raises(asyncpg.PostgresError) as denied:
            await insider.execute(sql, holder.person.participant_id)
        name = getattr(denied.value, "constraint_name", None)
        assert (
            name in ("held_participant_merges_nothing", "one_open_merge_per_card") or denied.value.sqlstate == "42501"
        )
    await insider.close()
    assert (await holder.cases())[0]["id"] == case["id"]


async def test_staff_decide_that_ours_is_right(holder: Holder) -> None:
    await holder.report(holder.new, 1)
    (case,) = await holder.cases()
    (result,) = await holder.core.send(decided(case["id"], "restored"))
    assert result["code"] == "decision_unfit"
    streams = {f"card:{holder.new}": 1}
    await holder.core.apply(decided(case["id"], "ours", second_staff=None, reason="Salah baca", streams=streams))
    assert await holder.balances() == [OLD, NEW]
    entry = (await holder.phone.get("/v1/inbox")).json()["entries"][0]
    assert (entry["kind"], entry["reach"]) == ("balance_case_decided", "ladder")
    assert "Salah baca" in entry["body"]
    (again,) = await holder.core.send(decided(case["id"], "ours"))
    assert again["code"] == "case_decided_already"
    # and if the core still says so afterwards, it is a case anew
    assert await holder.report(holder.new, 1) == ("applied", "case_opened")


async def test_staff_decide_that_theirs_is_right_only_once_the_missing_events_came(holder: Holder) -> None:
    await holder.report(holder.new, NEW + 319_177)
    (case,) = await holder.cases()
    for second, code in (("s-budi", "balance_still_differs"), (None, "balance_still_differs")):
        (result,) = await holder.core.send(decided(case["id"], "theirs_corrected", second_staff=second))
        assert (result["outcome"], result["code"]) == ("rejected", code)
    await holder.core.apply(contribution(holder.new))
    (alone,) = await holder.core.send(decided(case["id"], "theirs_corrected", second_staff=None))
    assert alone["code"] == "four_eyes_needed"
    await holder.core.apply(decided(case["id"], "theirs_corrected"))
    assert await holder.cases() == []
    assert (await holder.phone.post("/v1/merges", {"absorb": [holder.old], "into": holder.new})).status_code == 201


@pytest.mark.parametrize("survivor_first", [True, False])
async def test_a_core_that_merged_silently_is_suspected_by_name(holder: Holder, survivor_first: bool) -> None:
    reports = [(holder.old, OLD + NEW), (holder.new, 0)]
    for kpj, balance in reports if survivor_first else reversed(reports):
        assert await holder.report(kpj, balance) == ("applied", "case_opened")
    newest = (await holder.cases())[0]
    assert newest["figures"]["suspected_merge"] == {"absorbed": holder.new, "into": holder.old}
    entry = (await holder.phone.get("/v1/inbox")).json()["entries"][0]
    assert f"{holder.new} ke kartu {holder.old}" in entry["body"]
    assert await holder.balances() == [OLD, NEW]
    # once it says so itself, the figures are explained, and the cases end with the next reports
    await holder.core.apply(merged(holder.new, holder.old, {}))
    assert await holder.report(holder.old, OLD + NEW) == ("applied", "balance_explained")
    assert await holder.report(holder.new, 0) == ("applied", "balance_explained")
    assert await holder.cases() == []


async def test_a_merge_that_the_core_has_not_acknowledged_explains_its_figures(
    holder: Holder, servers: tuple[Postgres, Valkey]
) -> None:
    merge = await holder.merge()
    await holder.settle(servers)
    assert await holder.state(merge) == ("executed", None)
    await holder.core.apply(contribution(holder.old, 1_000))
    for kpj, balance in ((holder.old, OLD + 1_000), (holder.new, NEW)):
        assert await holder.report(kpj, balance) == ("applied", "balance_explained")
    for kpj, balance in ((holder.old, 0), (holder.new, OLD + NEW + 1_000)):
        assert await holder.report(kpj, balance) == ("applied", "balance_agrees")
    # acknowledged, only the joined figures are right
    await holder.core.apply(event("merge.acknowledged", {"merge_id": merge["id"], "reason": "Tercatat"}))
    assert await holder.report(holder.new, NEW) == ("applied", "case_opened")


async def test_after_a_refusal_the_figures_of_before_are_right(
    holder: Holder, servers: tuple[Postgres, Valkey]
) -> None:
    merge = await holder.merge()
    await holder.settle(servers)
    await holder.core.apply(event("merge.refused", {"merge_id": merge["id"], "reason": "Ditolak"}))
    for kpj, balance in ((holder.old, OLD), (holder.new, NEW)):
        assert await holder.report(kpj, balance) == ("applied", "balance_agrees")


async def test_a_report_that_cannot_be_compared_is_rejected(holder: Holder, database: Database) -> None:
    other = await add_person(database, NewCard(programmes=("JKK", "JKM"), segment="JAKON"))
    assert await holder.report(other.kpjs[0], 0) == ("rejected", "card_without_jht")
    assert await holder.report(holder.old, 0, as_of=date(2013, 2, 28)) == ("rejected", "day_unknown")
    assert await holder.report(holder.old, -1) == ("rejected", "data_invalid")
    assert await holder.report(holder.old, OLD, status="frozen") == ("rejected", "data_invalid")
    assert await holder.report(holder.old, OLD, as_of=date(2931, 1, 1)) == ("rejected", "date_in_future")
    assert await holder.cases() == []


async def test_the_search_of_staff_names_card_and_figures(holder: Holder) -> None:
    await holder.report(holder.new, NEW - 1)
    raw = b'{"case_search": {"state": "open", "limit": 1000}}'
    answer = await holder.core.feed.post("/feed/v1/cases/search", content=raw, headers=sign(raw))
    (found,) = [case for case in answer.json()["cases"] if case["nik"] == holder.person.nik]
    assert (found["kind"], found["kpj"], found["figures"]["difference"]) == ("balance", holder.new, -1)


async def test_a_claim_paid_there_and_not_here_shows(holder: Holder) -> None:
    await holder.core.apply(claim("paid", holder.new, 10, claim_id=f"C-{holder.new}", kind="ten_percent"))
    assert await holder.report(holder.new, NEW) == ("applied", "case_opened")


def standing(kpj: str, ours: int, told: int | None = None) -> Standing:
    return Standing(
        card_id=uuid4(),
        kpj=kpj,
        ours=ours,
        now=ours,
        apart=ours,
        joined=None,
        since=None,
        told=told,
        told_ours=ours if told is not None else None,
        told_as_of=None,
        outcome="differs" if told is not None else None,
        case_open=told is not None,
    )


def test_only_one_pair_that_fits_to_the_rupiah_is_suspected() -> None:
    a, b, c = standing("1", 100), standing("2", 20), standing("3", 3)
    assert suspect_merge([a, b, c], b.card_id, 120) == Suspicion("1", "2")
    assert suspect_merge([a, b, c], b.card_id, 119) is None
    assert suspect_merge([a, b, c], a.card_id, 0) is None, "one empty card alone hints at nobody"
    told = standing("2", 20, told=120)
    assert suspect_merge([a, told, c], a.card_id, 0) == Suspicion("1", "2")
    # of two that would fit, the one that the core holds for empty
    twin = standing("4", 100, told=0)
    assert suspect_merge([a, b, twin], b.card_id, 120) == Suspicion("4", "2")


def test_what_explains_a_figure() -> None:
    card = standing("1", 100)
    assert compare(card, 100) == "agrees"
    assert compare(card, 101) == "differs"
