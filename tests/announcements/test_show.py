"""What a participant reads of announcements: the very words, what they explain, and what replaced them."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
import rfc8785

from app.verify.history import check_export
from app.verify.strict import BrokenError
from tests.announcements.conftest import BODY, TITLE, Connection, Tell, announcement
from tests.conftest import Apps, Database
from tests.feed.conftest import Core, contribution, event
from tests.people import NewCard, Person, Phone, add_person

CORRECTED = {"id": "Ralat hasil pengembangan", "en": "Growth, corrected"}


@pytest_asyncio.fixture(scope="module")
async def dwi(own_database: Database) -> Person:
    return await add_person(own_database, NewCard(balance=14_265_493), NewCard(status="active", balance=9_910_352))


@pytest_asyncio.fixture(scope="module")
async def phone(own_apps: Apps, dwi: Person) -> Phone:
    return await Phone(own_apps.api).enrol(dwi)


async def read(phone: Phone, path: str, **headers: str) -> dict[str, Any]:
    answer = await phone.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_it_is_shown_beside_what_it_explains_until_another_replaces_it(
    core: Core, phone: Phone, dwi: Person, tell: Tell
) -> None:
    today = (datetime.now(UTC) + timedelta(hours=7)).date()
    late, early = contribution(dwi.kpjs[1]), contribution(dwi.kpjs[1], month="2026-01")
    merge = event(
        "merge.proposed", {"absorb": [dwi.kpjs[0]], "into": dwi.kpjs[1]}, occurred_at=datetime.now(UTC).isoformat()
    )
    growth = event(
        "growth.credited", {"kpj": dwi.kpjs[1], "year": 2025, "amount": 7}, occurred_at="2026-01-01T00:00:00Z"
    )
    explains = {
        "kinds": ["growth_credited", "merge_proposed"],
        "from": "2026-01-01",
        "until": str(today + timedelta(days=1)),
        "event_ids": [late["id"]],
    }
    sent = announcement({"niks": [dwi.nik]}, explains=explains)
    await core.apply(sent, late, early, growth, merge)
    assert {entry["kind"] for entry in (await read(phone, "/v1/inbox"))["entries"] if entry["explained_by"]} == set()
    assert (await read(phone, "/v1/announcements"))["announcements"] == [], "on the list, and not reached yet"
    await tell()
    (shown,) = (await read(phone, "/v1/announcements"))["announcements"]
    assert shown["explains"] == {name: explains[name] for name in ("kinds", "from", "until")}
    entries = (await read(phone, "/v1/inbox"))["entries"]
    told = {(entry["kind"], entry["body"]) for entry in entries if entry["explained_by"] == [shown["id"]]}
    assert sorted(kind for kind, _ in told) == ["contribution_posted", "growth_credited", "merge_proposed"]
    assert any("Februari 2026" in body for _, body in told)
    assert sum(entry["explained_by"] == [] for entry in entries) == len(entries) - 3
    (proposed,) = (await read(phone, "/v1/merges"))["merges"]
    assert proposed["explained_by"] == [shown["id"]]

    await core.apply(announcement({"niks": [dwi.nik]}, title=CORRECTED, replaces=sent["id"]))
    await tell()
    newest, oldest = (await read(phone, "/v1/announcements"))["announcements"]
    assert (newest["replaces"], newest["replaced_by"]) == (oldest["id"], None)
    assert (oldest["replaces"], oldest["replaced_by"]) == (None, newest["id"])
    entries = (await read(phone, "/v1/inbox", **{"accept-language": "en"}))["entries"]
    assert not any(entry["explained_by"] for entry in entries)
    assert f"“{TITLE['en']}”" in entries[0]["body"], "who had the first is told which one it replaces"
    assert (await read(phone, "/v1/merges"))["merges"][0]["explained_by"] == []


async def test_the_words_are_those_of_the_digest(phone: Phone) -> None:
    page = await read(phone, "/v1/announcements?limit=1", **{"accept-language": "en"})
    (newest,) = page["announcements"]
    assert (newest["title"], newest["body"]) == (CORRECTED["en"], BODY["en"])
    assert newest["published"] == {"title": CORRECTED, "body": BODY}
    assert newest["text_sha256"] == hashlib.sha256(rfc8785.dumps(newest["published"])).hexdigest()
    (oldest,) = (await read(phone, f"/v1/announcements?cursor={page['next_cursor']}"))["announcements"]
    assert oldest["title"] == TITLE["id"]
    assert await read(phone, f"/v1/announcements/{oldest['id']}") == oldest
    entry = (await read(phone, f"/v1/inbox?after={oldest['seq'] - 1}&limit=1"))["entries"][0]
    assert (entry["announcement_id"], entry["seq"]) == (oldest["id"], oldest["seq"])


async def test_another_s_is_unknown(own_apps: Apps, own_database: Database, phone: Phone) -> None:
    (newest,) = (await read(phone, "/v1/announcements?limit=1"))["announcements"]
    stranger = await Phone(own_apps.api).enrol(await add_person(own_database))
    answer = await stranger.get(f"/v1/announcements/{newest['id']}")
    assert (answer.status_code, answer.json()["code"]) == (404, "announcement_unknown")
    assert (await read(stranger, "/v1/announcements"))["announcements"] == []


async def test_the_export_proves_the_words(own_apps: Apps, phone: Phone) -> None:
    file = (await phone.get("/v1/me/export")).json()["export"]
    keys = (await own_apps.api.get("/.well-known/jwks.json")).json()
    check_export(file, keys)
    first, second = file["announcements"]
    assert json.loads(second["canonical"]) == {"title": CORRECTED, "body": BODY}
    for spoilt in (
        [first | {"canonical": second["canonical"]}, second],
        [first],
        [first, second, second | {"seq": 1}],
    ):
        with pytest.raises(BrokenError, match="announcement"):
            check_export(file | {"announcements": spoilt}, keys)


async def test_staff_read_the_words_too(connection: Connection, dwi: Person) -> None:
    told = json.loads(await connection.fetchval("SELECT history_for_staff($1, NULL, NULL)", dwi.participant_id))
    data = next(json.loads(entry["data"]) for entry in told if entry["kind"] == "announcement_info")
    assert (data["title_id"], data["replaced_title_en"]) == (CORRECTED["id"], TITLE["en"])


async def test_who_missed_the_second_of_three_gets_the_third_and_the_first_holds_no_more(
    core: Core, own_apps: Apps, own_database: Database, tell: Tell
) -> None:
    """The third ends the second before it came to somebody whom the first had told something wrong."""
    nur, other = await add_person(own_database, NewCard(balance=5)), await add_person(own_database)
    phone = await Phone(own_apps.api).enrol(nur)
    late = contribution(nur.kpjs[0])
    first = announcement({"niks": [nur.nik]}, explains={"event_ids": [late["id"]]})
    await core.apply(first, late)
    await tell()
    second = announcement({"niks": [other.nik]}, title=CORRECTED, replaces=first["id"])
    third = announcement({"niks": [other.nik]}, replaces=second["id"])
    await core.apply(second, third)
    await tell()
    newest, oldest = (await read(phone, "/v1/announcements"))["announcements"]
    assert (newest["replaces"], oldest["replaced_by"]) == (oldest["id"], newest["id"])
    entries = (await read(phone, "/v1/inbox", **{"accept-language": "en"}))["entries"]
    assert not any(entry["explained_by"] for entry in entries)
    assert f"“{TITLE['en']}”" in entries[0]["body"], "which one is replaced is what this person had read"
