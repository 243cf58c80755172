"""A case is decided by two people; by one supervisor only where nothing is given away."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio

from tests.cases.reports import Reported, decided
from tests.feed.conftest import Core
from tests.staff.conftest import Staff, looks


@pytest_asyncio.fixture
async def case_id(reported: Reported) -> str:
    found: str = (await reported.dispute())["id"]
    return found


async def test_the_first_decision_is_a_proposal_and_the_second_person_confirms_it(
    reported: Reported, case_id: str, staff: Staff
) -> None:
    first = await staff.decide(case_id)
    assert (first.json()["state"], first.json()["staff"]) == ("proposed", "siti")
    assert (await reported.merge())["state"] == "disputed"
    assert (await staff.read(case_id, by="budi"))["proposal"]["reason"] == "Tidak ada persetujuan"
    second = await staff.decide(case_id, by="budi", reason="Setuju")
    assert second.json() == {
        "case_id": case_id,
        "state": "decided",
        "decision": "restored",
        "staff": "siti",
        "second_staff": "budi",
    }
    assert (await reported.merge())["state"] == "restored"
    (answered,) = await reported.cases()
    assert (answered["decision"], answered["reason"]) == ("restored", "Tidak ada persetujuan")
    export = (await reported.phone.get("/v1/me/export")).json()["export"]
    (kept,) = export["cases"]
    assert (kept["staff"], kept["second_staff"]) == ("siti", "budi")
    (proposal,) = export["case_proposals"]
    assert (proposal["state"], proposal["second_role"]) == ("confirmed", "caseworker")


async def test_deciding_is_in_the_access_log_too(reported: Reported, case_id: str, staff: Staff) -> None:
    await staff.decide(case_id)
    await staff.decide(case_id, by="budi")
    assert [(look["what"], look["purpose"]) for look in await looks(reported.phone)] == [("decision", "dispute")] * 2
    assert (await reported.kinds()).count("looked_at") == 2
    assert "merge_restored" in await reported.kinds()


async def test_one_pair_of_eyes_restores_nothing(reported: Reported, case_id: str, staff: Staff) -> None:
    tokens = [None, staff.provider.sign(sub="SITI"), staff.provider.sign(roles=["supervisor"])]
    body = {"case_decision": {"case_id": case_id, "decision": "restored", "reason": "Saya sendiri"}}
    for token in tokens:
        answer = await staff.ask("cases/decide", body, token=token)
        assert (answer.status_code, answer.json()["state"], answer.json()["second_staff"]) == (200, "proposed", None)
    assert (await staff.decide(case_id, by="ratna")).json()["second_staff"] == "ratna"
    assert (await reported.merge())["state"] == "restored"


async def test_a_supervisor_alone_restores_nothing_but_may_stand_by_a_merge(
    reported: Reported, case_id: str, staff: Staff
) -> None:
    assert (await staff.decide(case_id, by="ratna")).json()["state"] == "proposed"
    assert (await reported.merge())["state"] == "disputed"
    alone = await staff.decide(case_id, "accepted", by="ratna", reason="Slip gaji cocok")
    assert (alone.json()["state"], alone.json()["second_staff"]) == ("decided", None)
    assert (await reported.merge())["state"] == "reported"
    (answered,) = await reported.cases()
    assert (answered["decision"], answered["reason"]) == ("accepted", "Slip gaji cocok")


async def test_two_caseworkers_stand_by_a_merge_together(reported: Reported, case_id: str, staff: Staff) -> None:
    assert (await staff.decide(case_id, "accepted")).json()["state"] == "proposed"
    assert (await staff.decide(case_id, "accepted", by="budi")).json()["state"] == "decided"
    assert (await reported.merge())["state"] == "reported"


async def test_another_decision_confirms_nothing(reported: Reported, case_id: str, staff: Staff) -> None:
    await staff.decide(case_id)
    differs = await staff.decide(case_id, "accepted", by="budi")
    assert (differs.status_code, differs.json()["code"], differs.json()["decision"]) == (
        409,
        "decision_differs",
        "restored",
    )
    # one's own may be taken back, and a colleague's be overruled by a supervisor: each waits for a second person anew
    assert (await staff.decide(case_id, "accepted")).json()["state"] == "proposed"
    assert (await staff.decide(case_id, by="ratna")).json()["state"] == "proposed"
    assert (await staff.decide(case_id)).json()["state"] == "decided"
    assert (await reported.merge())["state"] == "restored"


async def test_an_answer_that_was_lost_is_given_again_and_nothing_else(case_id: str, staff: Staff) -> None:
    await staff.decide(case_id)
    assert (await staff.decide(case_id)).json()["state"] == "proposed"
    done = (await staff.decide(case_id, by="budi")).json()
    assert (await staff.decide(case_id, by="budi")).json() == done
    assert (await staff.decide(case_id)).json() == done
    for by, decision in (("ratna", "restored"), ("budi", "accepted")):
        answer = await staff.decide(case_id, decision, by=by)
        assert (answer.status_code, answer.json()["code"]) == (409, "case_decided_already")


@pytest.mark.parametrize("_", range(3))
async def test_of_many_at_once_one_proposes_and_one_confirms(
    reported: Reported, case_id: str, staff: Staff, _: int
) -> None:
    answers = await asyncio.gather(*(staff.decide(case_id, by=by) for by in ("siti", "budi", "ratna") * 3))
    assert {answer.status_code for answer in answers} <= {200, 409}
    states = [answer.json()["state"] for answer in answers if answer.status_code == 200]
    assert "decided" in states
    assert (await reported.kinds()).count("merge_restored") == 1
    assert [look["what"] for look in await looks(reported.phone)] == ["decision"] * 2


async def test_a_viewer_decides_nothing(case_id: str, staff: Staff) -> None:
    answer = await staff.decide(case_id, by="dewi")
    assert (answer.status_code, answer.json()["code"], answer.json()["needed"]) == (
        403,
        "staff_role_insufficient",
        "caseworker",
    )


async def test_what_does_not_fit_is_refused(case_id: str, staff: Staff, reported: Reported) -> None:
    unfit = await staff.decide(case_id, "linked")
    assert (unfit.status_code, unfit.json()["code"]) == (422, "decision_unfit")
    unknown = await staff.decide("01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "case_unknown")
    assert (await staff.decide(case_id, reason="")).status_code == 400
    assert await looks(reported.phone) == []


async def test_the_core_may_decide_what_staff_proposed_and_the_participant_may_end_it(
    reported: Reported, case_id: str, staff: Staff, core: Core
) -> None:
    await staff.decide(case_id)
    await core.apply(decided(case_id, "accepted"))
    answer = await staff.decide(case_id, by="budi")
    assert answer.json()["code"] == "case_decided_already"
    assert (await reported.merge())["state"] == "reported"
