"""A passkey proves what a phone's key proves, and nothing that it was not asked to."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pytest

from app.identity.authenticator import Evidence, verify_evidence
from app.identity.proofs import holds
from app.identity.statements import encode_base64url
from app.local.phone import base64url
from app.verify.passkey import check_passkey_proof
from tests.answers import outcome
from tests.cases.reports import reported_merge
from tests.conftest import Apps, Database
from tests.feed.conftest import Core, event
from tests.identity.test_statements import STATEMENT
from tests.merges.conftest import Settle, cool_off, settle_due, wait
from tests.merges.merged import NEW, OLD, TOTAL
from tests.merges.test_mutations import PURPOSES
from tests.merges.test_stop import FORM, issue
from tests.passkeys.authenticator import ORIGIN, RP_ID, Authenticator, Page, add_passkey
from tests.people import Person, Phone, add_person, days_ago

__all__ = ["cool_off", "settle_due", "wait"]

OTHER_ID = "01937f5e-7a40-7000-8000-000000000002"


@pytest.fixture
async def dwi(database: Database) -> Person:
    return await add_person(database, OLD, NEW)


@pytest.fixture
async def phone(api: httpx.AsyncClient, dwi: Person) -> Phone:
    return await Phone(api).enrol(dwi)


@pytest.fixture
async def page(phone: Phone) -> Page:
    """Signed in by the passkey alone."""
    return await (await add_passkey(phone)).sign_in()


async def propose(phone: Phone, dwi: Person) -> dict[str, Any]:
    answer = await phone.post("/v1/merges", {"absorb": dwi.kpjs[:1], "into": dwi.kpjs[1]})
    assert answer.status_code == 201, answer.text
    merge: dict[str, Any] = answer.json()
    return merge


def test_the_challenge_of_the_vector_is_the_digest_of_the_statement() -> None:
    """The statement names a device, as the vector does; that of a passkey names none, and is digested alike."""
    assert (
        encode_base64url(hashlib.sha256(STATEMENT.encode()).digest()) == "QVyNrr0yjj9e9ZGGQFsg3SWAIvcAQ0hSvTcoQyA_-Ac"
    )


def test_the_example_in_docs_holds() -> None:
    page = (Path(__file__).parents[2] / "docs/proofs.md").read_text(encoding="utf-8")
    page = page[page.index("## Passkeys") :]
    statement, proof = re.findall(r"```json\n(.+)\n```", page)
    (key,) = re.findall(r"`(\{\"kty.+?\})`", page)
    challenge = encode_base64url(hashlib.sha256(statement.encode()).digest())
    assert f"its challenge is `{challenge}`" in page
    check_passkey_proof(json.loads(proof), json.loads(key), statement.encode())
    whose = {"device_id": None, "passkey_id": UUID(json.loads(proof)["passkey_id"])}
    assert holds(public_key=json.loads(key), statement=statement.encode(), proof=json.loads(proof), **whose)
    assert not holds(public_key=json.loads(key), statement=STATEMENT.encode(), proof=json.loads(proof), **whose)


def test_why_an_assertion_was_refused_repeats_nothing_of_what_was_sent() -> None:
    """The reason stands in a log: it is ours, and short, whatever an authenticator says of itself."""
    passkey = Authenticator()
    passkey.client = {"type": "3201234567890123" * 100}
    numbers = passkey.key.public_key().public_numbers()
    key = {"kty": "EC", "crv": "P-256", "x": base64url(numbers.x.to_bytes(32)), "y": base64url(numbers.y.to_bytes(32))}
    response = passkey.sign(b"{}")["response"]
    evidence = Evidence(
        passkey_id=UUID(passkey.id),
        rp_id=RP_ID,
        origin=ORIGIN,
        authenticator_data=response["authenticatorData"],
        client_data=response["clientDataJSON"],
        signature=response["signature"],
    )
    with pytest.raises(ValueError, match=r"^InvalidAuthenticationResponse$"):
        verify_evidence(evidence, key, b"{}")


async def test_a_merge_is_confirmed_executed_and_undone_by_passkey(
    page: Page, dwi: Person, cool_off: Settle, database: Database
) -> None:
    merge = await propose(page, dwi)
    confirmed = await page.confirm(merge)
    assert confirmed.status_code == 200, confirmed.text
    await cool_off()
    cards = (await page.get("/v1/cards")).json()
    assert [card["balance"] for card in cards["cards"]] == [TOTAL, 0]
    undone = await page.undo(merge["id"])
    assert (undone.status_code, undone.json()["state"]) == (200, "undone")
    reader = await database.connect()
    rows = await reader.fetch(
        """SELECT DISTINCT e.action, ca.actor, c.device_id, c.passkey_id FROM merge_executions AS e
        JOIN confirmations AS c USING (participant_id, confirmation_id)
        JOIN history AS h ON h.participant_id = e.participant_id AND h.merge_id = e.merge_id
            AND h.kind = CASE e.action WHEN 'undo' THEN 'merge_undone' ELSE 'merge_executed' END
        JOIN causes AS ca ON ca.participant_id = h.participant_id AND ca.cause_id = h.cause_id
        WHERE e.participant_id = $1 ORDER BY e.action""",
        dwi.participant_id,
    )
    await reader.close()
    mine = UUID(page.passkey.id)
    assert [tuple(row) for row in rows] == [("merge", str(mine), None, mine), ("undo", str(mine), None, mine)]


async def test_a_passkey_confirms_in_the_session_of_a_phone(phone: Phone, dwi: Person) -> None:
    """It goes along with its owner; the key of a phone does not."""
    page = await add_passkey(phone)
    merge = await propose(phone, dwi)
    assert page.session == phone.session
    assert (await page.confirm(merge)).status_code == 200


async def test_the_key_of_a_phone_proves_nothing_in_the_session_of_a_passkey(
    phone: Phone, page: Page, dwi: Person
) -> None:
    merge = await propose(page, dwi)
    phone.session = page.session
    assert outcome(await phone.confirm(merge)) == (403, "proof_invalid")


@pytest.mark.parametrize(
    ("lie", "client"),
    [
        ({"verifies": False}, {}),
        ({"origin": "https://sepakat.example"}, {}),
        ({"origin": "android:apk-key-hash:" + "A" * 43}, {}),
        ({"rp_id": "sepakat.example"}, {}),
        ({"rp_id": "localhost."}, {}),
        ({}, {"type": "webauthn.create"}),
        ({}, {"type": "payment.get"}),
        ({}, {"challenge": "QVyNrr0yjj9e9ZGGQFsg3SWAIvcAQ0hSvTcoQyA_-Ac"}),
        ({}, {"challenge": None}),
        ({}, {"origin": None}),
        ({}, {"crossOrigin": True}),
        ({}, {"topOrigin": "https://evil.example"}),
    ],
    ids=str,
)
async def test_an_assertion_that_is_not_as_it_must_be_confirms_nothing(
    page: Page, dwi: Person, lie: dict[str, Any], client: dict[str, Any]
) -> None:
    merge = await propose(page, dwi)
    for name, value in lie.items():
        setattr(page.passkey, name, value)
    page.passkey.client = client
    nonce = await page.challenge("merge", merge["id"])
    assert outcome(await page.confirm(merge, nonce=nonce)) == (403, "proof_invalid")
    honest = Authenticator()
    honest.key, honest.credential_id, honest.handle = (
        page.passkey.key,
        page.passkey.credential_id,
        page.passkey.handle,
    )
    page.passkey = honest
    assert outcome(await page.confirm(merge, nonce=nonce)) == (409, "challenge_spent")
    assert (await page.confirm(merge)).status_code == 200, "untouched, it passes"


@pytest.mark.parametrize("part", ["authenticatorData", "clientDataJSON", "signature", "userHandle"])
@pytest.mark.parametrize("spoil", ["flip", "cut", "longer", "padded"])
async def test_a_spoilt_assertion_confirms_nothing(page: Page, dwi: Person, part: str, spoil: str) -> None:
    merge = await propose(page, dwi)
    sign = page.proof

    def spoilt(statement: dict[str, Any]) -> dict[str, Any]:
        proof = sign(statement)
        response = proof["credential"]["response"]
        text = response[part]
        response[part] = {
            "flip": ("B" if text[0] == "A" else "A") + text[1:],
            "cut": text[:-4],
            "longer": text + "AAAA",
            "padded": text + "==",
        }[spoil]
        return proof

    page.proof = spoilt  # type: ignore[method-assign]
    answer = await page.confirm(merge)
    assert outcome(answer) in ((403, "proof_invalid"), (400, "request_invalid")), answer.text
    page.proof = sign  # type: ignore[method-assign]
    assert (await page.confirm(merge)).status_code == 200


@pytest.mark.parametrize(
    "signed",
    [
        *({"purpose": purpose} for purpose in PURPOSES if purpose != "merge"),
        {"plan_digest": "0" * 64},
        {"acknowledged": ["x"]},
        {"more": 1},
        {"merge_id": OTHER_ID},
        {"device_id": OTHER_ID},
        {"version": 2},
        {"nonce": "A" * 43},
    ],
    ids=str,
)
async def test_what_is_signed_for_one_thing_passes_for_no_other(
    page: Page, dwi: Person, signed: dict[str, Any]
) -> None:
    merge = await propose(page, dwi)
    honest = {
        "version": 1,
        "purpose": "merge",
        "device_id": None,
        "merge_id": merge["id"],
        "plan_digest": merge["plan_digest"],
        "acknowledged": merge["plan"]["to_acknowledge"],
        "nonce": await page.challenge("merge", merge["id"]),
    }
    raw = json.dumps(honest | signed, sort_keys=True, separators=(",", ":")).encode()
    proof = {"type": "passkey", "credential": page.passkey.sign(raw)}
    body = {name: honest[name] for name in ("plan_digest", "acknowledged", "nonce")} | {"proof": proof}
    assert outcome(await page.post(f"/v1/merges/{merge['id']}/confirmation", body)) == (403, "proof_invalid")


async def test_the_same_assertion_is_taken_once(page: Page, dwi: Person) -> None:
    merge = await propose(page, dwi)
    nonce = await page.challenge("merge", merge["id"])
    assert (await page.confirm(merge, nonce=nonce)).status_code == 200
    assert (await page.post(f"/v1/merges/{merge['id']}/cancel")).status_code == 200
    again = await propose(page, dwi)
    assert outcome(await page.confirm(again, nonce=nonce)) == (403, "proof_invalid"), "it was for another merge"
    signing_in = await page.challenge("sign_in")
    answers = [await page.ask_sign_in(signing_in) for _ in range(2)]
    assert [outcome(answer) for answer in answers] == [(201, "done"), (409, "challenge_spent")]


async def test_somebody_elses_passkey_is_none(page: Page, dwi: Person, database: Database) -> None:
    other = await Phone(page.api).enrol(await add_person(database))
    theirs = await add_passkey(other)
    theirs.session = page.session
    assert outcome(await theirs.confirm(await propose(page, dwi))) == (403, "proof_invalid")
    unknown = Page(page.api, Authenticator())
    assert outcome(await unknown.ask_sign_in(await unknown.challenge("sign_in"))) == (403, "proof_invalid")


async def test_a_passkey_that_claims_to_be_another_persons_is_refused(page: Page, dwi: Person) -> None:
    merge = await propose(page, dwi)
    page.passkey.handle = uuid4().bytes
    assert outcome(await page.confirm(merge)) == (403, "proof_invalid")


async def test_a_removed_passkey_confirms_nothing_and_what_it_confirmed_is_not_executed(
    phone: Phone, dwi: Person, cool_off: Settle
) -> None:
    page = await add_passkey(phone)
    merge = await propose(phone, dwi)
    assert (await page.confirm(merge)).status_code == 200
    removal = await phone.prove("remove_key", page.passkey.id)
    assert (await phone.delete(f"/v1/passkeys/{page.passkey.id}", removal)).status_code == 204
    await cool_off()
    back = (await phone.get(f"/v1/merges/{merge['id']}")).json()
    assert (back["state"], back["last_refusal"]["code"]) == ("proposed", "key_removed")
    fresh = (await phone.post(f"/v1/merges/{merge['id']}/plan")).json()
    assert outcome(await page.confirm(fresh)) == (403, "proof_invalid")


async def test_a_passkey_on_hold_confirms_nothing_yet(api: httpx.AsyncClient, database: Database) -> None:
    person = await add_person(database, OLD, NEW, phone_since=days_ago(1))
    page = await (await add_passkey(await Phone(api).enrol(person))).sign_in()
    merge = await propose(page, person)
    assert outcome(await page.confirm(merge)) == (403, "hold_in_force")


async def test_the_hold_is_that_of_the_key_that_signs(
    api: httpx.AsyncClient, database: Database, dwi: Person, phone: Phone
) -> None:
    page = await add_passkey(phone)
    held = await Phone(api, "Ponsel baru").enrol(dwi)
    merge = await propose(held, dwi)
    assert outcome(await held.confirm(merge)) == (403, "hold_in_force")
    page.session = held.session
    assert (await page.confirm(merge)).status_code == 200, "an older key, on a phone that is on hold"


async def test_a_counter_that_goes_back_is_refused_and_one_that_counts_nothing_is_not(page: Page) -> None:
    for sign_count, status in ((5, 201), (4, 403), (5, 201), (0, 201), (3, 403), (6, 201)):
        page.passkey.sign_count = sign_count
        answer = await page.ask_sign_in(await page.challenge("sign_in"))
        assert answer.status_code == status, sign_count


async def test_a_passkey_unlocks_a_card_and_lifts_a_freeze(
    page: Page, dwi: Person, database: Database, wait: Any
) -> None:
    card_id = dwi.cards[dwi.kpjs[0]].card_id
    assert (await page.put(f"/v1/cards/{card_id}/lock", None)).status_code == 200
    unlocked = await page.delete(f"/v1/cards/{card_id}/lock", await page.prove("unlock", card_id))
    assert (unlocked.status_code, unlocked.json()["locked"]) == (200, False)
    early = await page.post("/v1/cards/unfreeze", await page.prove("unlock", dwi.participant_id))
    assert outcome(early) == (403, "hold_in_force"), "younger than 72 hours"
    reader = await database.connect()
    kept = await reader.fetchrow("SELECT device_id, passkey_id FROM unlock_proofs WHERE subject_id = $1", card_id)
    await reader.close()
    assert kept is not None
    assert tuple(kept) == (None, UUID(page.passkey.id))


async def test_a_passkey_session_has_no_push_target_and_reads_its_inbox(page: Page) -> None:
    target = {"kind": "fid", "value": "x", "platform": "web", "locale": "id"}
    assert outcome(await page.put("/v1/push-target", target)) == (409, "push_needs_a_device")
    assert (await page.delete("/v1/push-target")).status_code == 204
    seq = (await page.get("/v1/inbox")).json()["entries"][0]["seq"]
    assert (await page.request("POST", "/v1/inbox/receipts", json={"seqs": [seq]})).status_code in (200, 204)
    assert (await page.post(f"/v1/inbox/{seq}/acknowledge")).status_code in (200, 204)


async def test_a_refresh_token_of_a_passkey_takes_that_passkey(phone: Phone, page: Page) -> None:
    other = await add_passkey(phone)
    other.session = page.session
    assert outcome(await other.ask_refresh()) == (403, "proof_invalid")
    assert outcome(await Page(phone.api, page.passkey).ask_refresh(phone.session["refresh_token"])) == (
        403,
        "proof_invalid",
    )
    old = page.session["refresh_token"]
    lost, again = await page.ask_refresh(old), await page.ask_refresh(old)
    assert lost.json()["session"]["refresh_token"] == again.json()["session"]["refresh_token"] != old


async def test_a_ported_number_holds_the_passkeys_added_since(fresh_apps: Apps) -> None:
    dwi = await add_person(fresh_apps.database, OLD, NEW)
    page = await (await add_passkey(await Phone(fresh_apps.api).enrol(dwi))).sign_in()
    merge = await propose(page, dwi)
    confirmed = (await page.confirm(merge)).json()
    core = Core(fresh_apps.feed, fresh_apps.database)
    tomorrow = days_ago(-1).isoformat()
    await core.send(event("participant.phone_ported", {"nik": dwi.nik, "on": tomorrow}))
    assert (await page.get("/v1/me")).json()["hold"] is None, "added before, by a key from before"
    await core.send(event("participant.phone_ported", {"nik": dwi.nik, "on": days_ago(0).isoformat()}))
    hold = (await page.get("/v1/me")).json()["hold"]["until"]
    delayed = (await page.get(f"/v1/merges/{merge['id']}")).json()
    assert delayed["executes_at"] == hold > confirmed["executes_at"]
    told = (await page.get("/v1/inbox?limit=5")).json()["entries"]
    assert "Kunci di cloud" in next(entry["body"] for entry in told if entry["kind"] == "phone_ported")


async def test_an_old_enough_passkey_lifts_the_freeze_of_stop(fresh_apps: Apps) -> None:
    person = await add_person(fresh_apps.database, OLD, NEW)
    page = await (await add_passkey(await Phone(fresh_apps.api).enrol(person))).sign_in()
    stop = await issue(fresh_apps.database, person)
    assert (await fresh_apps.api.post(stop, content="", headers=FORM)).status_code == 200
    assert {card["status"] for card in (await page.get("/v1/cards")).json()["cards"]} == {"frozen"}
    await fresh_apps.api.post("/local/clock", json={"advance_s": 259_200})
    await page.sign_in()
    lifted = await page.post("/v1/cards/unfreeze", await page.prove("unlock", person.participant_id))
    assert {card["status"] for card in lifted.json()["cards"]} == {"active", "inactive"}, lifted.text


async def test_a_passkey_accepts_what_the_core_did(
    api: httpx.AsyncClient, database: Database, feed: httpx.AsyncClient, settle_due: Settle
) -> None:
    reported = await reported_merge(api, database, Core(feed, database))
    page = await (await add_passkey(reported.phone)).sign_in()
    by_passkey = msgspec.structs.replace(reported, phone=page)
    accepted = await by_passkey.accept(await by_passkey.plan())
    assert accepted.status_code == 200, accepted.text
    await settle_due()
    assert (await reported.merge())["state"] == "accepted"


COPY = """INSERT INTO {table} (participant_id, {key}, device_id, passkey_id, nonce, statement, proof, {rest})
    SELECT participant_id, {key_value}, {device}, {passkey}, sha256(nonce), {statement}, {proof}, {rest} FROM {table}
    WHERE passkey_id = $1"""


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"passkey": "NULL"}, "confirmation_has_one_key"),
        ({"device": "gen_random_uuid()"}, "confirmation_has_one_key"),
        ({"statement": "statement || ' '::bytea"}, "confirmation_is_of_its_passkey"),
        ({"passkey": "gen_random_uuid()"}, "confirmation_is_of_its_passkey"),
        *(
            ({"proof": f"jsonb_set(proof, '{{{member}}}', '\"{value}\"')"}, "confirmation_is_of_its_passkey")
            for member, value in {
                "type": "device_key",
                "origin": "https://sepakat.example",
                "rp_id": "sepakat.example",
                "passkey_id": OTHER_ID,
                "authenticator_data": "A" * 60,
                "client_data": "e30",
            }.items()
        ),
    ],
    ids=str,
)
async def test_sql_keeps_no_confirmation_that_its_passkey_did_not_sign(
    page: Page, dwi: Person, database: Database, change: dict[str, str], constraint: str
) -> None:
    assert (await page.confirm(await propose(page, dwi))).status_code == 200
    parts = {"device": "NULL", "passkey": "passkey_id", "statement": "statement", "proof": "proof"} | change
    copy = COPY.format(
        table="confirmations",
        key="confirmation_id",
        key_value="gen_random_uuid()",
        rest="merge_id, action, plan_digest, acknowledged, seal, confirmed_at",
        **parts,
    )
    insider = await database.connect("sepakat_api", entering=dwi.participant_id)
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await insider.execute(copy, UUID(page.passkey.id))
    assert refused.value.constraint_name == constraint
    await insider.close()


async def test_a_session_has_one_key(page: Page, database: Database) -> None:
    superuser = await database.connect()
    for change in ("passkey_id = NULL", "device_id = gen_random_uuid()"):
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await superuser.execute(
                f"UPDATE sessions SET {change} WHERE session_id = $1", UUID(page.session["session_id"])
            )
        assert refused.value.constraint_name == "session_has_one_key"
    await superuser.close()


async def test_a_genuine_assertion_without_the_seal_is_not_executed(
    page: Page, dwi: Person, database: Database, cool_off: Settle
) -> None:
    """Neither is one whose proof was touched under a seal that was good."""
    merge = await propose(page, dwi)
    assert (await page.confirm(merge)).status_code == 200
    superuser = await database.connect()
    await superuser.execute("ALTER TABLE confirmations DISABLE TRIGGER confirmations_are_append_only")
    await superuser.execute("UPDATE confirmations SET seal = sha256(seal) WHERE passkey_id = $1", UUID(page.passkey.id))
    await superuser.execute("ALTER TABLE confirmations ENABLE ALWAYS TRIGGER confirmations_are_append_only")
    await superuser.close()
    await cool_off()
    back = (await page.get(f"/v1/merges/{merge['id']}")).json()
    assert (back["state"], back["last_refusal"]["code"]) == ("proposed", "confirmation_not_genuine")


async def test_a_passkey_session_lets_a_new_phone_in_or_keeps_it_out(page: Page, dwi: Person) -> None:
    for answer in ("approval", "refusal"):
        new = Phone(page.api, "Ponsel baru")
        asked = (await new.ask_enrolment(dwi)).json()["enrolment_id"]
        body = await page.prove("add_key", asked) if answer == "approval" else {}
        answered = await page.post(f"/v1/enrolments/{asked}/{answer}", body)
        assert answered.status_code in (200, 204), answered.text
        told = (await page.get("/v1/inbox")).json()["entries"]
        assert any("Kunci di cloud" in entry["body"] for entry in told[:2]), told[:2]
        if answer == "approval":
            new.device_id = asked
            await new.sign_in()
            assert (await new.get("/v1/me")).json()["hold"] is None


async def test_a_passkey_session_sees_and_names_the_phones(page: Page, phone: Phone) -> None:
    (shown,) = (await page.get("/v1/devices")).json()["devices"]
    assert (shown["device_id"], shown["current"]) == (phone.device_id, False)
    named = await page.patch(f"/v1/devices/{phone.device_id}", {"name": "HP kantor"})
    assert (named.json()["name"], named.json()["current"]) == ("HP kantor", False)
