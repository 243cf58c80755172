"""The export holds everything that is kept of a participant, and nothing of anybody else."""

from __future__ import annotations

import json
import re

import httpx
import pytest
import rfc8785

from app.history import export as exporting
from app.platform.sql import load
from app.verify.__main__ import verify
from app.verify.strict import BrokenError
from tests.conftest import Database
from tests.history.conftest import Keys, Life
from tests.people import Phone, add_person

NOT_EXPORTED = {
    "card_numbers": "a look-up: every number stands on its card",
    "participant_numbers": "a look-up: the identity number stands with the participant",
    "device_owners": "a look-up",
    "passkey_owners": "a look-up",
    "keys": "a view: devices and passkeys together",
    "case_owners": "a look-up",
    "merge_owners": "a look-up",
    "match_queue": "who is looked at next",
    "match_keys": "a look-up of keyed hashes",
    "outbox": "what is being sent now; what was sent is in deliveries",
    "bulk_rows": "money that is staged; what was posted is in the ledger",
    "core_events": "which of the entries in history the core was told of",
    "challenges": "secrets for five minutes",
    "support_code_owners": "a look-up of keyed hashes",
    "stop_tokens": "secrets, kept as hashes",
    "idempotency_keys": "answers kept for a day, made of what the parts hold",
    "rooted_heads": "the proof in `root` is made of it",
    "history_data": "in history, with its entry",
    "heir_claims": "of somebody who died: their heirs ask at a branch",
    "shown_entries": "a view of history, as it is shown",
}


async def test_every_table_with_something_of_a_participant_is_in_it(database: Database) -> None:
    """A table that comes later must be given a part in export.sql, or a reason here."""
    connection = await database.connect()
    tables = {
        row["table_name"]
        for row in await connection.fetch(
            "SELECT table_name FROM information_schema.columns WHERE column_name ~ 'participant_id$' AND table_schema = 'public'"
        )
    }
    await connection.close()
    text = "\n".join(load("history/export").values())
    read = set(re.findall(r"\b(?:FROM|JOIN) (\w+)", text))
    assert tables - read - NOT_EXPORTED.keys() == set()


async def test_it_is_complete_and_verifies(life: Life, keys: Keys) -> None:
    file = await life.export()
    assert verify("history", file, keys)
    assert file == rfc8785.dumps(json.loads(file)), "the file is in its canonical form"
    told = json.loads(file)["export"]
    assert told["participant"]["nik"] == life.person.nik
    assert {card["kpj"] for card in told["cards"]} == set(life.person.kpjs)
    assert [merge["state"] for merge in told["merges"]] == ["declined", "executed"]
    assert len(told["plans"]) >= 2
    assert len(told["confirmations"]) == len(told["executions"]) == 1
    assert {device["device_id"] for device in told["devices"]} == {life.phone.device_id}
    assert told["acknowledgements"][0]["seq"] == 1
    assert told["head"] == (await life.phone.get("/v1/cards")).json()["head"]
    assert told["history"][-1]["seq"] == told["head"]["seq"]
    assert {entry["kind"] for entry in told["ledger"]} == {"opening", "contribution", "merge_out", "merge_in"}


async def test_it_holds_no_secret_and_nothing_of_others(life: Life, api: httpx.AsyncClient, database: Database) -> None:
    other = await add_person(database, name="Orang Lain")
    await Phone(api, "Ponsel lain").enrol(other)
    file = (await life.export()).decode()
    for foreign in (other.nik, other.kpjs[0], str(other.participant_id), "Orang Lain", "Ponsel lain"):
        assert foreign not in file
    session = life.phone.session
    for secret in (session["access_token"], session["refresh_token"], '"seal"'):
        assert secret not in file


async def test_it_comes_as_a_file_and_only_to_somebody_signed_in(life: Life, api: httpx.AsyncClient) -> None:
    answer = await life.phone.get("/v1/me/export")
    assert answer.headers["content-type"] == "application/json"
    assert re.fullmatch(r'attachment; filename="sepakat-[0-9-]+\.json"', answer.headers["content-disposition"])
    assert answer.headers["cache-control"] == "private, no-store"
    assert (await api.get("/v1/me/export")).status_code == 401
    life_after = await life.phone.delete("/v1/sessions/current")
    assert life_after.status_code < 300
    assert (await life.phone.get("/v1/me/export")).status_code == 401


async def test_too_much_for_one_file_is_refused_and_not_cut_short(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "MAX_ROWS", 5)
    answer = await life.phone.get("/v1/me/export")
    assert (answer.status_code, answer.json()["code"]) == (422, "export_too_large")
    assert answer.json()["limit"] == 5


async def test_erased_data_still_verify(life: Life, keys: Keys, database: Database) -> None:
    owner = await database.connect()
    async with owner.transaction():
        await owner.execute("ALTER TABLE history_data DISABLE TRIGGER history_data_is_append_only")
        await owner.execute(
            "DELETE FROM history_data WHERE participant_id = $1 AND seq = 2", life.person.participant_id
        )
        await owner.execute("ALTER TABLE history_data ENABLE ALWAYS TRIGGER history_data_is_append_only")
    await owner.close()
    assert any("the data of 1 are erased" in line for line in verify("history", await life.export(), keys))


async def test_what_the_owner_of_the_database_changes_by_hand_is_found(
    life: Life, keys: Keys, database: Database
) -> None:
    """The agency signs what its database says; the evidence inside contradicts it."""
    owner = await database.connect()
    async with owner.transaction():
        await owner.execute("ALTER TABLE ledger_entries DISABLE TRIGGER ledger_is_append_only")
        await owner.execute("ALTER TABLE cards DISABLE TRIGGER balance_is_the_sum_of_its_entries")
        await owner.execute(
            "UPDATE ledger_entries SET amount = 1007, balance_after = balance_after + 1000"
            " WHERE participant_id = $1 AND kind = 'contribution' AND amount = 7",
            life.person.participant_id,
        )
        await owner.execute(
            "UPDATE cards SET balance = balance + 1000 WHERE participant_id = $1 AND balance > 0",
            life.person.participant_id,
        )
        await owner.execute("ALTER TABLE ledger_entries ENABLE ALWAYS TRIGGER ledger_is_append_only")
        await owner.execute("ALTER TABLE cards ENABLE ALWAYS TRIGGER balance_is_the_sum_of_its_entries")
    await owner.close()
    with pytest.raises(BrokenError, match="tells of another amount than the ledger"):
        verify("history", await life.export(), keys)
