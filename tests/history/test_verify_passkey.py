"""Receipts and exports that hold the proof of a passkey: every byte of it counts, also against the agency's own key."""

from __future__ import annotations

import copy
import hashlib
import random
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from app.local.phone import base64url
from app.platform.signing import SigningKeys
from app.verify.__main__ import verify
from app.verify.strict import BrokenError
from tests.conftest import RECEIPT_KEYS, Apps
from tests.history.conftest import Keys, Life
from tests.history.mutations import alter
from tests.history.test_verify import MUTATIONS, check_inside, content_of, is_detected, issued, signed_by
from tests.merges.conftest import Settle
from tests.merges.merged import NEW, OLD
from tests.passkeys.authenticator import Authenticator, Page, add_passkey, ask_to_add
from tests.people import Phone, add_person

KINDS = ["receipt", "history"]


@pytest_asyncio.fixture
async def life(apps: Apps, cool_off: Settle) -> Life:
    """Merged and undone by a passkey that another passkey vouched for, and a lock lifted by it."""
    person = await add_person(apps.database, OLD, NEW)
    phone = await Phone(apps.api).enrol(person)
    first = await (await add_passkey(phone)).sign_in()
    passkey = Authenticator()
    assert (await ask_to_add(first, passkey)).status_code == 201
    page = await Page(apps.api, passkey).sign_in()
    card_id = person.cards[person.kpjs[0]].card_id
    await page.put(f"/v1/cards/{card_id}/lock", None)
    assert (await page.delete(f"/v1/cards/{card_id}/lock", await page.prove("unlock", card_id))).status_code == 200
    merge = (await page.post("/v1/merges", {"absorb": person.kpjs[:1], "into": person.kpjs[1]})).json()
    assert (await page.confirm(merge)).status_code == 200
    await cool_off()
    assert (await page.undo(merge["id"])).status_code == 200
    return Life(person, page, merge["id"])


def proofs_of(kind: str, content: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """What holds each proof, and the proof itself."""
    rows = (
        content["acts"] if kind == "receipt" else [*content["confirmations"], *content["passkeys"], *content["unlocks"]]
    )
    for row in rows:
        if row["proof"]["type"] == "passkey":
            yield row, row["proof"]


@pytest.mark.parametrize("kind", KINDS)
async def test_the_untouched_passes(life: Life, keys: Keys, kind: str) -> None:
    content = content_of(kind, await issued(life, kind))
    assert len(list(proofs_of(kind, content))) == (2 if kind == "receipt" else 4)
    assert verify(kind, await issued(life, kind), keys)


@pytest.mark.parametrize("kind", KINDS)
async def test_every_byte_of_a_proof_counts(life: Life, keys: Keys, kind: str) -> None:
    content = content_of(kind, await issued(life, kind))
    tried = 0
    for row, proof in proofs_of(kind, content):
        for member in ("authenticator_data", "client_data", "signature"):
            text = proof[member]
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            for place in range(len(raw)):
                proof[member] = base64url(raw[:place] + bytes([raw[place] ^ (1 << place % 8)]) + raw[place + 1 :])
                tried += 1
                assert is_detected(lambda: check_inside(kind, content, keys)), (member, place)
            for other in (raw[:-1], raw + b"\x00", b""):
                proof[member] = base64url(other)
                assert is_detected(lambda: check_inside(kind, content, keys)), (member, len(other))
            proof[member] = text
        for place in range(len(row["statement"])):
            said = row["statement"]
            row["statement"] = said[:place] + chr(ord(said[place]) ^ 1) + said[place + 1 :]
            assert is_detected(lambda: check_inside(kind, content, keys)), place
            row["statement"] = said
    assert tried > 480
    assert check_inside(kind, content, keys), "put back, it passes"


BOUND = {
    "receipt": ("acts.proof", "acts.passkey.passkey_id", "acts.public_key", "acts.statement"),
    "history": (
        *(
            "confirmations.proof",
            "confirmations.passkey_id",
            "unlocks.proof",
            "unlocks.passkey_id",
            "unlocks.subject_id",
        ),
        *("passkeys.passkey_id", "passkeys.public_key", "passkeys.vouched_by", "passkeys.statement", "passkeys.proof"),
        *("passkeys.nonce", "unlocks.nonce"),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_the_agency_itself_cannot_alter_what_a_passkey_signed(life: Life, keys: Keys, kind: str) -> None:
    """Random alterations of members, signed again with the agency's own key."""
    content, rng = content_of(kind, await issued(life, kind)), random.Random(19)
    agency = SigningKeys(Path(RECEIPT_KEYS).read_bytes())
    parts = [name.split(".")[0] for name in BOUND[kind]]
    bound = 0
    while bound < MUTATIONS:
        where, altered = alter({part: content[part] for part in parts}, rng)
        name = ".".join(step for step in where if isinstance(step, str))
        if not name.startswith(BOUND[kind]):
            continue
        bound += 1
        forged = signed_by(agency, kind, content | altered)
        assert is_detected(lambda forged=forged: verify(kind, forged, keys)), where  # type: ignore[misc]


TRICKS: dict[str, dict[str, Any]] = {
    "nobody was verified": {"verifies": False},
    "for another origin than is told": {"origin": "https://sepakat.example"},
    "for another relying party": {"rp_id": "sepakat.example"},
    "made, not used": {"client": {"type": "webauthn.create"}},
    "inside another page": {"client": {"crossOrigin": True}},
    "under a page that is told of": {"client": {"topOrigin": "https://evil.example"}},
    "another statement": {"client": {"challenge": base64url(hashlib.sha256(b"another").digest())}},
}


@pytest.mark.parametrize("trick", TRICKS)
async def test_an_assertion_that_the_owner_really_made_is_not_enough(life: Life, keys: Keys, trick: str) -> None:
    """The passkey signs, but not as a person agrees: who holds the database and the passkey cannot make it a consent."""
    page: Any = life.phone
    content = content_of("receipt", await life.receipt())
    act = content["acts"][0]
    honest = copy.copy(page.passkey)

    def resign(passkey: Authenticator) -> None:
        response = passkey.sign(act["statement"].encode())["response"]
        act["proof"] |= {
            "client_data": response["clientDataJSON"],
            "authenticator_data": response["authenticatorData"],
            "signature": response["signature"],
        }

    resign(honest)
    assert check_inside("receipt", content, keys), "signed again as it was, it passes"
    for name, value in TRICKS[trick].items():
        setattr(honest, name, value)
    resign(honest)
    with pytest.raises(BrokenError):
        check_inside("receipt", content, keys)
