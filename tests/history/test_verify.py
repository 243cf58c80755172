"""Whatever is altered in a receipt, an export or a list of roots is found, by a verifier that shares nothing with the writer.

What is detected by what: everything in all three stands under the agency's signature; and the evidence inside (plans,
statements, signatures of phones, chain, commitments, sums) detects alterations by itself, also when whoever altered it
holds the agency's own key and signs again.
"""

from __future__ import annotations

import ast
import asyncio
import json
import os
import random
import subprocess
import sys
from base64 import urlsafe_b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import rfc8785

import app.verify
from app.history.roots import make_root
from app.local.servers import Postgres, Valkey
from app.platform.signing import SigningKeys, add_key
from app.verify.__main__ import MALFORMED, main, verify
from app.verify.history import check_export
from app.verify.receipt import check_receipt
from app.verify.strict import BrokenError, canonical, read_json
from tests.conftest import DATA_KEYS, RECEIPT_KEYS, SECRET, Database
from tests.history.conftest import Keys, Life, worker_of
from tests.history.mutations import Path as Where
from tests.history.mutations import alter, alter_bytes

MUTATIONS = int(os.environ.get("MUTATIONS", "80"))
TYPES = {"receipt": "sepakat-receipt", "history": "sepakat-export"}


async def issued(life: Life, kind: str) -> bytes:
    return await (life.receipt() if kind == "receipt" else life.export())


def content_of(kind: str, file: bytes) -> Any:
    """What the agency signed."""
    if kind == "history":
        return json.loads(file)["export"]
    text = json.loads(file)["payload"]
    return json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def signed_by(keys: SigningKeys, kind: str, content: Any) -> bytes:
    """The file that a holder of these keys would make of this content."""
    signed = keys.sign(rfc8785.dumps(content), type_=TYPES[kind])
    if kind == "history":
        return rfc8785.dumps({"export": content, "protected": signed.protected, "signature": signed.signature})
    return rfc8785.dumps({name: getattr(signed, name) for name in signed.__struct_fields__})


def check_inside(kind: str, content: Any, keys: Keys) -> object:
    """The evidence without the agency's signature over the whole."""
    return check_receipt(content) if kind == "receipt" else check_export(content, keys)


def is_detected(check: Callable[[], object]) -> bool:
    try:
        check()
    except (BrokenError, *MALFORMED):
        return True
    return False


async def make_next_root(database: Database) -> None:
    async with worker_of(database) as connection:
        assert await make_root(connection, SigningKeys(Path(RECEIPT_KEYS).read_bytes()), not_before_s=0)


@pytest.mark.parametrize("kind", ["receipt", "history"])
async def test_the_untouched_passes(life: Life, keys: Keys, database: Database, kind: str) -> None:
    await make_next_root(database)
    file = await issued(life, kind)
    assert len(verify(kind, file, keys)) >= 5
    assert verify(kind, json.dumps(json.loads(file), indent=2).encode(), keys), "indented, it says the same"


@pytest.mark.parametrize("kind", ["receipt", "history"])
async def test_altered_files_are_all_detected(life: Life, keys: Keys, kind: str) -> None:
    """Any byte of the file: flipped, dropped, added, swapped, cut out."""
    file, rng = await issued(life, kind), random.Random(2026)
    altered = 0
    while altered < MUTATIONS:
        other = alter_bytes(file, rng)
        try:
            if read_json(other) == read_json(file):
                continue  # white space between members says nothing
        except BrokenError:
            pass
        altered += 1
        assert is_detected(lambda other=other: verify(kind, other, keys)), other  # type: ignore[misc]


@pytest.mark.parametrize("kind", ["receipt", "history"])
async def test_altered_contents_are_all_detected(
    life: Life, keys: Keys, database: Database, tmp_path: Path, kind: str
) -> None:
    """Any value, member or order inside, under the old signature and under that of a key which is not published."""
    await make_next_root(database)
    file, rng = await issued(life, kind), random.Random(11)
    add_key(tmp_path / "strange.pem")
    stranger = SigningKeys((tmp_path / "strange.pem").read_bytes())
    old, content = json.loads(file), content_of(kind, file)
    for _ in range(MUTATIONS):
        where, other = alter(content, rng)
        forged = json.loads(signed_by(stranger, kind, other))
        kept = forged | {name: old[name] for name in ("protected", "signature")}
        assert is_detected(lambda kept=kept: verify(kind, json.dumps(kept).encode(), keys)), where  # type: ignore[misc]
        assert is_detected(lambda forged=forged: verify(kind, json.dumps(forged).encode(), keys)), where  # type: ignore[misc]


# What the evidence inside does not bind, and only the agency's signature does. docs/receipts.md lists it too.
RECEIPT_SIGNED_ONLY = {
    *("issued_at", "issuer", "participant.name", "participant.nik_last4", "head.seq", "head.hash"),
    *("merge.closed_at", "merge.core", "merge.proposed_by", "merge.reason"),
    *("acts.confirmation_id", "acts.plan_made_at", "acts.device.name", "acts.device.platform", "acts.device.added_at"),
    *("acts.shown.texts.id", "acts.shown.texts.en", "acts.shown.texts.severity"),
    *("ledger.entry_id", "ledger.effective_on", "ledger.recorded_at", "ledger.received_for_kpj", "ledger.number"),
}
BOUND_IN_EXPORT = {
    *("history", "head.seq", "head.hash", "root", "confirmations", "executions", "participant.participant_id"),
    *("cards.card_id", "cards.kpj", "cards.status", "cards.balance"),
    *("ledger.card_id", "ledger.number", "ledger.amount", "ledger.balance_after", "ledger.cause_id"),
    *("causes.cause_id", "merges.merge_id", "merges.state", "merges.confirmation_id"),
    *("plans.canonical", "plans.plan_digest", "plans.merge_id", "plans.action"),
    *("devices.device_id", "devices.public_key"),
}


def name_of(where: Where) -> str:
    """`acts.plan.cards` for acts[0].plan.cards[1]."""
    return ".".join(step for step in where if isinstance(step, str))


def is_bound(kind: str, where: Where) -> bool:
    """Whether the evidence inside binds this value, without the agency's signature over the whole."""
    name = name_of(where)
    if name.endswith("added") and not name.startswith(("history", "acts.plan", "acts.proof", "acts.public_key")):
        return False  # a new member that nobody reads
    if kind == "receipt":
        return name not in RECEIPT_SIGNED_ONLY and not (name in ("ledger", "history") and isinstance(where[-1], int))
    return any(name == bound or name.startswith(f"{bound}.") for bound in BOUND_IN_EXPORT) and not (
        name == "executions" and isinstance(where[-1], int)
    )


@pytest.mark.parametrize("kind", ["receipt", "history"])
async def test_the_agency_itself_cannot_alter_what_was_agreed_and_told(
    life: Life, keys: Keys, database: Database, kind: str
) -> None:
    """Random alterations of what the evidence binds, signed again with the agency's own key, are all detected."""
    await make_next_root(database)
    content, rng = content_of(kind, await issued(life, kind)), random.Random(5)
    agency = SigningKeys(Path(RECEIPT_KEYS).read_bytes())
    assert verify(kind, signed_by(agency, kind, content), keys)
    bound = 0
    while bound < MUTATIONS:
        where, other = alter(content, rng)
        if not is_bound(kind, where):
            continue
        bound += 1
        assert is_detected(lambda other=other: check_inside(kind, other, keys)), where  # type: ignore[misc]


# What a lenient verifier lets pass, each with the JSON or the encoding that it is hidden in.
LENIENT: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "a member twice: the last one wins": lambda file: (
        json.dumps(file).encode()[:-1] + b', "payload": "' + file["payload"].encode() + b'"}'
    ),
    "padding": lambda file: json.dumps(file | {"signature": file["signature"] + "=="}).encode(),
    "a foreign character in base64, passed over": lambda file: json.dumps(
        file | {"payload": file["payload"][:8] + "\n" + file["payload"][8:]}
    ).encode(),
    "the spare bits of the last base64 character": lambda file: json.dumps(
        file | {"signature": file["signature"][:-1] + chr(ord(file["signature"][-1]) + 1)}
    ).encode(),
    "an unprotected header": lambda file: json.dumps(file | {"header": {"kid": "mine"}}).encode(),
    "alg none": lambda file: json.dumps(file | {"protected": "eyJhbGciOiJub25lIn0", "signature": ""}).encode(),
    "the signatures of a general JWS": lambda file: json.dumps(
        {"payload": file["payload"], "signatures": [{"protected": file["protected"], "signature": file["signature"]}]}
    ).encode(),
    "no signature": lambda file: json.dumps({"payload": file["payload"], "protected": file["protected"]}).encode(),
    "bytes after the end": lambda file: json.dumps(file).encode() + b"{}",
    "a byte order mark": lambda file: b"\xef\xbb\xbf" + json.dumps(file).encode(),
}


@pytest.mark.parametrize("trick", LENIENT)
async def test_it_is_not_lenient(life: Life, keys: Keys, trick: str) -> None:
    file = json.loads(await life.receipt())
    assert verify("receipt", json.dumps(file).encode(), keys)
    with pytest.raises(BrokenError):
        verify("receipt", LENIENT[trick](file), keys)


async def test_a_signature_for_one_purpose_passes_for_no_other(life: Life, keys: Keys) -> None:
    content = content_of("receipt", await life.receipt())
    agency = SigningKeys(Path(RECEIPT_KEYS).read_bytes())
    signed = agency.sign(rfc8785.dumps(content), type_="sepakat-export")
    with pytest.raises(BrokenError, match="signed as"):
        verify("receipt", rfc8785.dumps({name: getattr(signed, name) for name in signed.__struct_fields__}), keys)


async def test_a_key_that_calls_itself_ours_is_not(life: Life, keys: Keys, tmp_path: Path) -> None:
    """A key's id is computed, never read: a set that gives another key our id is not believed."""
    add_key(tmp_path / "strange.pem")
    stranger = SigningKeys((tmp_path / "strange.pem").read_bytes())
    ours = keys["keys"][0]
    lying = {"keys": [ours | {"x": stranger.published.keys[0].x}]}
    with pytest.raises(BrokenError, match="not among the published"):
        verify("receipt", await life.receipt(), lying)


async def test_the_command_says_what_it_checked_or_why_not(
    life: Life, keys: Keys, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receipt, jwks = tmp_path / "receipt.json", tmp_path / "jwks.json"
    receipt.write_bytes(await life.receipt())
    jwks.write_text(json.dumps(keys))
    assert main(["receipt", str(receipt), "--jwks", str(jwks)]) == 0
    assert "signed exactly that plan" in capsys.readouterr().out
    assert main(["receipt", str(receipt)]) == 1
    assert "give --jwks" in capsys.readouterr().err
    receipt.write_bytes(receipt.read_bytes().replace(b'"signature":"', b'"signature":"A'))
    assert main(["receipt", str(receipt), "--jwks", str(jwks)]) == 1
    assert "NOT VALID" in capsys.readouterr().err
    assert main(["receipt", str(tmp_path / "nowhere.json"), "--jwks", str(jwks)]) == 1
    told = capsys.readouterr().err
    assert "nothing was checked" in told
    assert "NOT VALID" not in told, "a file that is not there is no forgery"


async def test_within_an_installation_its_own_keys_are_trusted(
    life: Life, database: Database, servers: tuple[Postgres, Valkey], tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "SEPAKAT_RECEIPT_KEYS": RECEIPT_KEYS,
        "SEPAKAT_DATA_KEYS": DATA_KEYS,
        "SEPAKAT_DATABASE_URL": database.url("sepakat_worker"),
        "SEPAKAT_REDIS_URL": servers[1].url,
        "SEPAKAT_SECRET": SECRET,
    }

    async def sepakat(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "app.cli", *words]
        done = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    status, said = await sepakat("roots", "make")
    assert (status, said.startswith("Root ")) == (0, True), said
    for kind in ("receipt", "history"):
        file = tmp_path / f"{kind}.json"
        file.write_bytes(await issued(life, kind))
        status, said = await sepakat("verify", kind, str(file))
        assert (status, "signed by the agency" in said) == (0, True), said
    assert "is in the signed root" in said
    add_key(tmp_path / "strange.pem")
    environment["SEPAKAT_RECEIPT_KEYS"] = str(tmp_path / "strange.pem")
    status, said = await sepakat("verify", "receipt", str(tmp_path / "receipt.json"))
    assert (status, "not among the published" in said) == (1, True), said


def test_the_verifier_shares_nothing_with_the_product() -> None:
    for file in Path(app.verify.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                known = name.split(".")[0] in (*sys.stdlib_module_names, "cryptography")
                assert known or name.startswith("app.verify"), f"{file.name} imports {name}"


def test_the_fast_form_of_exports_is_canonical_for_every_character() -> None:
    text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    value: Any = {"export": {"b": [text, None, True, -1, 2**53 - 1], "a": {}, "B": [], "_": ""}}
    assert msgspec.json.encode(value, order="sorted") == rfc8785.dumps(value) == canonical(value)


@pytest.mark.parametrize(
    "value",
    [{"€": 1, "a": [None, True, -1]}, {"\U0001f600": 1, "\ufb33": 2}, {"x": '\x00\x1f\x7f\u2028"\\/\b\f\n\r\té'}],
)
def test_its_canonical_form_is_that_of_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)
