"""The core corrects what is on file about somebody, or what an employer is called: told, and no card touched."""

from __future__ import annotations

from typing import Any

import pytest

from tests.feed.conftest import Core, Worker, event
from tests.identity.contact_codes import NEW_PHONE
from tests.people import nik_hash


def updated(worker: Worker, **data: Any) -> dict[str, Any]:
    return event("participant.updated", {"nik": worker.nik} | data)


async def kinds(core: Core, worker: Worker) -> list[str]:
    return [entry["kind"] for entry in await core.history(worker.nik)]


async def row_of(core: Core, worker: Worker) -> dict[str, Any]:
    (row,) = await core.ask(
        "SELECT p.* FROM participants AS p JOIN participant_numbers USING (participant_id) WHERE nik_hash = $1",
        nik_hash(worker.nik),
    )
    return row


async def test_name_and_birth_date_are_corrected_and_matched_anew(core: Core, dwi: Worker, card: str) -> None:
    before = await core.card(card)
    await core.ask("DELETE FROM match_queue")
    await core.apply(updated(dwi, name="Dwi Lestari Putri", birth_date="1990-05-18", time_zone="Asia/Makassar"))
    row = await row_of(core, dwi)
    assert (row["name"], row["birth_date"].isoformat(), row["time_zone"]) == (
        "Dwi Lestari Putri", "1990-05-18", "Asia/Makassar",
    )  # fmt: skip
    entry = (await core.history(dwi.nik))[-1]
    assert (entry["kind"], entry["origin"]) == ("participant_updated", "core")
    assert entry["data"]["fields"] == ["name", "birth_date", "time_zone"]
    queued = await core.ask("SELECT FROM match_queue WHERE participant_id = $1", row["participant_id"])
    assert len(queued) == 1
    assert await core.card(card) == before


async def test_another_contact_is_told_on_every_channel_and_to_the_old_one(core: Core, dwi: Worker) -> None:
    await core.apply(updated(dwi, phone=NEW_PHONE, email="dwi@example.id"))
    *_, phone, email = await core.history(dwi.nik)
    assert (phone["kind"], phone["data"]) == (
        "contact_changed",
        {"contact": "phone", "before": "•••001", "after": "•••021"},
    )
    assert email["data"] == {"contact": "email", "after": "d•••@example.id"}
    row = await row_of(core, dwi)
    assert row["phone_since"].isoformat() == "2026-03-02", "new since the day of the event"
    notices = await core.ask(
        "SELECT what, channel, cause_id FROM contact_messages WHERE participant_id = $1", row["participant_id"]
    )
    assert [tuple(notice.values()) for notice in notices] == [("notice", "phone", phone["cause_id"])]
    climbs = await core.ask("SELECT channel FROM climbs WHERE cause_id = $1", phone["cause_id"])
    assert {climb["channel"] for climb in climbs} == {"mail", "sms", "people"}


async def test_what_is_on_file_already_changes_nothing(core: Core, dwi: Worker) -> None:
    before = await kinds(core, dwi)
    (result,) = await core.send(updated(dwi, name="Dwi Lestari", phone="0812 0000 0001", locale="id", email=None))
    assert (result["outcome"], result["code"]) == ("applied", "nothing_changed")
    assert await kinds(core, dwi) == before


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"nik": "3201010101900000"}, "participant_unknown"),
        ({"phone": "banyak"}, "data_invalid"),
        ({"name": ""}, "data_invalid"),
        ({"birth_date": "2931-01-01"}, "date_in_future"),
        ({"deceased_on": "2026-01-01"}, "data_invalid"),
    ],
)
async def test_what_does_not_fit_is_rejected(core: Core, dwi: Worker, data: dict[str, Any], code: str) -> None:
    (result,) = await core.send(updated(dwi, **data))
    assert (result["outcome"], result["code"]) == ("rejected", code)


async def test_an_employer_gets_another_name_wherever_it_stands(core: Core, dwi: Worker, card: str) -> None:
    before = await core.card(card)
    length = len(await core.history(dwi.nik))
    await core.apply(event("employer.updated", {"employer_id": "E-1", "name": "PT Sinar Garmen Baru"}))
    (row,) = await core.ask("SELECT name FROM employers WHERE employer_id = 'E-1'")
    assert row["name"] == "PT Sinar Garmen Baru"
    assert await core.card(card) == before
    assert len(await core.history(dwi.nik)) == length
    (unknown,) = await core.send(event("employer.updated", {"employer_id": "E-NONE", "name": "PT"}))
    assert unknown["code"] == "employer_unknown"
    numbered = event("employer.updated", {"employer_id": "E-1", "name": "PT"}, streams={f"participant:{dwi.nik}": 1})
    (foreign,) = await core.send(numbered)
    assert foreign["code"] == "stream_foreign"
    await core.apply(event("employer.updated", {"employer_id": "E-1", "name": "PT Sinar Garmen Majalaya"}))
