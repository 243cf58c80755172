"""STOP: one tap on a link stops everything, for whoever reads the messages; an old key, and nothing else, lifts it."""

from __future__ import annotations

import asyncio
import io
import re
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.identity.stop_link import hash_stop_token, issue_stop_link, stop_token
from app.merges.execute import settle
from app.platform import database as pools
from tests.answers import code, kinds
from tests.cases.reports import reported_merge
from tests.conftest import SECRET, Apps, Database, settings_for
from tests.feed.conftest import Core, event
from tests.merges.conftest import Settle
from tests.merges.merged import NEW, OLD
from tests.people import Person, Phone, add_person, new_kpj

ORIGIN = "https://sepakat.example"
FORM = {"content-type": "application/x-www-form-urlencoded"}
DAY_S = 86_400


@pytest_asyncio.fixture
async def dwi(database: Database) -> Person:
    return await add_person(database, OLD, NEW)


@pytest_asyncio.fixture
async def phone(api: httpx.AsyncClient, dwi: Person) -> Phone:
    return await Phone(api).enrol(dwi)


async def issue(database: Database, person: Person, message_id: str = "") -> str:
    """The path of a STOP link, issued in the worker's role."""
    worker: Any = await database.connect("sepakat_worker")
    link = await issue_stop_link(
        worker,
        secret=SECRET,
        public_origin=ORIGIN,
        participant_id=person.participant_id,
        message_id=message_id or f"mail {new_kpj()}",
    )
    await worker.close()
    return link.removeprefix(ORIGIN)


async def confirmed_merge(phone: Phone, person: Person) -> str:
    merge = (await phone.post("/v1/merges", {"absorb": [person.kpjs[0]], "into": person.kpjs[1]})).json()
    assert (await phone.confirm(merge)).status_code == 200
    merge_id: str = merge["id"]
    return merge_id


async def statuses(phone: Phone) -> dict[str, str]:
    return {card["kpj"]: card["status"] for card in (await phone.get("/v1/cards")).json()["cards"]}


def assert_quiet_page(answer: httpx.Response, status: int) -> None:
    """A page that leaks nothing, runs nothing, and is kept by nobody."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in answer.headers["x-robots-tag"]
    assert 'lang="id"' in answer.text
    assert 'lang="en"' in answer.text
    assert not re.search(r"<script|<img|href|src=|http:|https:", answer.text)


async def test_looking_at_the_page_does_nothing_and_pressing_stops_everything(
    api: httpx.AsyncClient, phone: Phone, dwi: Person, database: Database, cool_off: Settle
) -> None:
    merge_id = await confirmed_merge(phone, dwi)
    link = await issue(database, dwi)
    before = await kinds(phone)
    for _ in range(3):
        page = await api.get(link)
        assert_quiet_page(page, 200)
        assert page.text.count('<form method="post" action="">') == 2
    assert (await kinds(phone), set((await statuses(phone)).values())) == (before, {"inactive", "active"})

    pressed = await api.post(link, content=b"", headers=FORM)
    assert_quiet_page(pressed, 200)
    assert "<form" not in pressed.text
    assert set((await statuses(phone)).values()) == {"frozen"}
    shown = (await phone.get(f"/v1/cards/{dwi.cards[dwi.kpjs[0]].card_id}")).json()["explanation"]
    assert [act["code"] for act in shown["what_you_can_do"]] == ["lift_the_freeze", "call_the_agency"]
    assert (await kinds(phone))[:4] == ["merge_cancelled", "card_frozen", "card_frozen", "stopped"]
    entries = (await phone.get("/v1/inbox", headers={"accept-language": "en"})).json()["entries"][:4]
    assert len({entry["cause_id"] for entry in entries}) == 1
    assert [entry["reach"] for entry in entries] == ["push", "push", "push", "ladder"]
    assert "STOP was pressed" in entries[0]["body"]
    assert "Merges cancelled: 1. Cards frozen: 2." in entries[3]["body"]
    assert (await phone.get(f"/v1/merges/{merge_id}")).json()["closed_because"] == "stopped"
    assert code(await phone.post("/v1/merges", {"absorb": [dwi.kpjs[0]], "into": dwi.kpjs[1]})) == (422, "card_frozen")

    await cool_off()
    assert (await phone.get(f"/v1/merges/{merge_id}")).json()["state"] == "cancelled"
    assert set((await statuses(phone)).values()) == {"frozen"}


async def test_pressing_again_gives_the_same_page_and_writes_nothing(
    api: httpx.AsyncClient, phone: Phone, dwi: Person, database: Database
) -> None:
    link, second = await issue(database, dwi), await issue(database, dwi)
    answers = await asyncio.gather(*(api.post(link) for _ in range(8)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
    assert (await kinds(phone)).count("stopped") == 1
    assert (await api.post(link)).text == answers[0].text
    assert (await kinds(phone)).count("stopped") == 1
    assert (await api.post(second)).text == answers[0].text
    assert (await kinds(phone))[0] == "stopped", "another message, another press, told once"
    assert (await kinds(phone)).count("stopped") == 2
    assert (await kinds(phone)).count("card_frozen") == 2


@pytest.mark.parametrize("token", ["x", "a" * 28, "A" * 28, "1" * 28, "a" * 29, "a" * 3000, "..%2f..%2fv1", "ａ" * 28])
async def test_unknown_links_get_one_answer(api: httpx.AsyncClient, token: str) -> None:
    looked, pressed = await api.get(f"/stop/{token}"), await api.post(f"/stop/{token}")
    if "%2f" in token:
        assert looked.status_code == pressed.status_code == 404
        return
    assert_quiet_page(looked, 404)
    assert (pressed.status_code, pressed.content) == (404, looked.content)


async def test_an_expired_link_is_like_an_unknown_one(fresh_apps: Apps) -> None:
    person = await add_person(fresh_apps.database, OLD, NEW)
    phone = await Phone(fresh_apps.api).enrol(person)
    link = await issue(fresh_apps.database, person, "mail 1")
    await fresh_apps.api.post("/local/clock", json={"advance_s": 30 * DAY_S - 60})
    assert await issue(fresh_apps.database, person, "mail 1") == link, "sent again, it keeps its time"
    assert (await fresh_apps.api.get(link)).status_code == 200
    await fresh_apps.api.post("/local/clock", json={"advance_s": 61})
    unknown = await fresh_apps.api.get(f"/stop/{'a' * 28}")
    assert (await fresh_apps.api.get(link)).content == unknown.content
    pressed = await fresh_apps.api.post(link)
    assert (pressed.status_code, pressed.content) == (404, unknown.content)
    await phone.sign_in()
    assert "stopped" not in await kinds(phone)


async def test_the_form_is_let_through_here_and_nowhere_else(
    api: httpx.AsyncClient, phone: Phone, dwi: Person, database: Database
) -> None:
    link = await issue(database, dwi)
    assert code(await api.post(link, content=b'{"a": 1}', headers={"content-type": "application/json"})) == (
        415,
        "content_type_unsupported",
    )
    assert code(await api.post(link, content=b"a=" + b"x" * 2000, headers=FORM)) == (413, "body_too_large")
    assert "stopped" not in await kinds(phone)
    assert (await api.post(link, content=b"stop=1&x=%00%ff", headers=FORM)).status_code == 200
    refused = await phone.request("POST", "/v1/cards/resolve", content=b"kpj=1", headers=FORM)
    assert code(refused) == (415, "content_type_unsupported")


async def test_a_reported_merge_stays_to_be_disputed(
    api: httpx.AsyncClient, phone: Phone, dwi: Person, database: Database, feed: httpx.AsyncClient
) -> None:
    old, new = dwi.kpjs
    data = {"absorbed": old, "into": new, "merged_on": "2026-03-01", "balances": {}}
    await Core(feed, database).apply(event("card.merged", data))
    await api.post(await issue(database, dwi))
    assert await statuses(phone) == {old: "merged_without_consent", new: "frozen"}
    (merge,) = (await phone.get("/v1/merges")).json()["merges"]
    assert merge["state"] == "reported"


async def test_an_agreement_to_what_the_core_did_ends_if_it_was_not_carried_out_yet(
    api: httpx.AsyncClient, database: Database, feed: httpx.AsyncClient, settle_due: Settle
) -> None:
    reported = await reported_merge(api, database, Core(feed, database))
    assert (await reported.accept(await reported.plan())).status_code == 200
    await api.post(await issue(database, reported.person))
    await settle_due()
    merge = await reported.merge()
    assert (merge["state"], merge["confirmed_at"], merge["last_refusal"]["code"]) == ("reported", None, "stopped")
    assert {status for status, _ in (await reported.cards()).values()} == {"merged_without_consent", "frozen"}


async def test_the_token_stands_nowhere(api: httpx.AsyncClient, dwi: Person, database: Database) -> None:
    token = (await issue(database, dwi)).removeprefix("/stop/")
    out = io.StringIO()
    with redirect_stderr(out), redirect_stdout(out):
        await api.get(f"/stop/{token}")
        await api.post(f"/stop/{token}", content=b"{", headers={"content-type": "application/json"})
        await api.post(f"/stop/{token}")
    assert token not in out.getvalue()
    connection = await database.connect()
    tables = await connection.fetch(
        "SELECT format('%I', relname) AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    for table in tables:
        found = await connection.fetchval(
            f"SELECT count(*) FROM {table['name']} AS t WHERE t::text LIKE '%' || $1 || '%'", token
        )
        assert found == 0, table["name"]
    assert await connection.fetchval("SELECT count(*) FROM stop_tokens WHERE token_hash = $1", hash_stop_token(token))
    await connection.close()


def test_a_token_has_131_bits_and_no_digit() -> None:
    tokens = {stop_token(SECRET, f"code {number}") for number in range(500)}
    assert len(tokens) == 500
    assert all(re.fullmatch("[a-z]{28}", token) for token in tokens)
    assert stop_token(SECRET + ".", "code 1") not in tokens


@pytest.mark.parametrize("role", ["sepakat_api", "sepakat_feed", "sepakat_operator"])
async def test_only_the_worker_issues_links(database: Database, dwi: Person, role: str) -> None:
    connection: Any = await database.connect(role)
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
        await issue_stop_link(
            connection, secret=SECRET, public_origin=ORIGIN, participant_id=dwi.participant_id, message_id="mine"
        )
    await connection.close()


async def test_stop_and_execution_at_once_end_in_one_of_two_ways(
    apps: Apps, phone: Phone, dwi: Person, servers: Any, wait: Any
) -> None:
    """Cancelling succeeds until the execution commits, and never half."""
    link = await issue(apps.database, dwi)
    merge_id = await confirmed_merge(phone, dwi)
    await wait(21)
    settings = settings_for(apps.database, servers[1], "sepakat_worker")
    pool = await pools.connect(settings.database_url, size=2, application="test worker")
    await asyncio.gather(settle(pool, settings), apps.api.post(link))
    await pool.close()
    state, cards = (await phone.get(f"/v1/merges/{merge_id}")).json()["state"], await statuses(phone)
    assert (state, cards[dwi.kpjs[0]]) in {("cancelled", "frozen"), ("executed", "merged")}
    assert cards[dwi.kpjs[1]] == "frozen"


async def lift(phone: Phone, person: Person, **options: Any) -> httpx.Response:
    body = await phone.prove("unlock", person.participant_id, **options)
    return await phone.post("/v1/cards/unfreeze", body)


async def test_only_a_key_older_than_72_hours_lifts_the_freeze(fresh_apps: Apps) -> None:
    person = await add_person(fresh_apps.database, OLD, NEW)
    phone = await Phone(fresh_apps.api).enrol(person)
    me = (await phone.get("/v1/me")).json()
    assert (me["participant_id"], me["hold"]) == (str(person.participant_id), None), "the first key, on no hold"
    await fresh_apps.api.post(await issue(fresh_apps.database, person))

    young = await lift(phone, person)
    assert code(young) == (403, "hold_in_force")
    await fresh_apps.api.post("/local/clock", json={"advance_s": 3 * DAY_S - 60})
    thief = await Phone(fresh_apps.api, "Ponsel Lain").enrol(person)
    await phone.sign_in()
    assert code(await lift(phone, person)) == (403, "hold_in_force"), "a minute too early"
    await fresh_apps.api.post("/local/clock", json={"advance_s": 61})
    assert code(await lift(thief, person)) == (403, "hold_in_force")
    assert set((await statuses(phone)).values()) == {"frozen"}

    lifted = await lift(phone, person)
    assert lifted.status_code == 200, lifted.text
    assert {card["status"] for card in lifted.json()["cards"]} == {"inactive", "active"}
    assert (await kinds(phone))[:2] == ["card_unfrozen", "card_unfrozen"]
    told = await kinds(phone)
    assert (await lift(phone, person)).status_code == 200, "nothing is frozen: nothing happens"
    assert await kinds(phone) == told
    merge = await phone.post("/v1/merges", {"absorb": [person.kpjs[0]], "into": person.kpjs[1]})
    assert merge.status_code == 201


async def test_a_proof_that_unlocks_a_card_lifts_no_freeze(phone: Phone, dwi: Person, database: Database) -> None:
    await phone.api.post(await issue(database, dwi))
    card = dwi.cards[dwi.kpjs[0]].card_id
    of_card = await phone.prove("unlock", card)
    assert code(await phone.post("/v1/cards/unfreeze", of_card)) == (403, "proof_invalid")
    for wrong in ({"subject_id": str(card)}, {"purpose": "merge"}):
        assert code(await lift(phone, dwi, signed=wrong)) == (403, "proof_invalid")
    stranger = await Phone(phone.api).enrol(await add_person(database))
    body = await phone.prove("unlock", dwi.participant_id)
    assert code(await stranger.post("/v1/cards/unfreeze", body)) == (403, "proof_invalid")
    assert set((await statuses(phone)).values()) == {"frozen"}


async def test_stop_works_again_after_it_was_lifted(fresh_apps: Apps) -> None:
    person = await add_person(fresh_apps.database, OLD, NEW)
    phone = await Phone(fresh_apps.api).enrol(person)
    link = await issue(fresh_apps.database, person)
    await fresh_apps.api.post(link)
    await fresh_apps.api.post("/local/clock", json={"advance_s": 3 * DAY_S + 1})
    await phone.sign_in()
    assert (await lift(phone, person)).status_code == 200
    await fresh_apps.api.post(link)
    assert set((await statuses(phone)).values()) == {"frozen"}


async def test_stop_and_dispute_hold_a_card_apart(fresh_apps: Apps) -> None:
    """Whichever ends first, the other goes on holding the card."""
    person = await add_person(fresh_apps.database, OLD, NEW)
    old, new = person.kpjs
    phone = await Phone(fresh_apps.api).enrol(person)
    core = Core(fresh_apps.feed, fresh_apps.database)
    await core.apply(event("card.merged", {"absorbed": old, "into": new, "merged_on": "2026-03-01", "balances": {}}))
    await fresh_apps.api.post(await issue(fresh_apps.database, person))
    (merge,) = (await phone.get("/v1/merges")).json()["merges"]
    assert (await phone.post(f"/v1/merges/{merge['id']}/dispute", {})).status_code == 200
    await fresh_apps.api.post("/local/clock", json={"advance_s": 3 * DAY_S + 1})
    await phone.sign_in()
    assert (await lift(phone, person)).status_code == 200
    assert await statuses(phone) == {old: "merged_without_consent", new: "frozen"}, "the dispute still holds it"

    await fresh_apps.api.post(await issue(fresh_apps.database, person))
    connection = await fresh_apps.database.connect()
    case_id = await connection.fetchval("SELECT case_id FROM cases WHERE participant_id = $1", person.participant_id)
    await connection.close()
    decision = {"case_id": str(case_id), "decision": "restored", "reason": "x", "staff": "S-1", "second_staff": "S-2"}
    await core.apply(event("case.decided", decision))
    assert set((await statuses(phone)).values()) == {"frozen"}, "STOP still holds them"
    assert (await lift(phone, person)).status_code == 200
    assert await statuses(phone) == {old: "inactive", new: "active"}
