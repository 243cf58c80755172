"""The keys of receipts: one signs, all are published, and a change of keys leaves no receipt behind."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from app.platform.signing import SigningKeys, add_key, put_first, read_signing_keys
from app.settings import SettingsError
from app.verify.signature import check_jws
from app.verify.strict import BrokenError

TYPE = "sepakat-test"


def keys_of(path: Path) -> SigningKeys:
    return SigningKeys(path.read_bytes())


def check(signed: object, keys: SigningKeys) -> str:
    """The id of the key that signed, by the verifier."""
    return check_jws(msgspec.to_builtins(signed), msgspec.to_builtins(keys.published), TYPE)[1]


def test_keys_change_with_overlap(tmp_path: Path) -> None:
    path = tmp_path / "keys.pem"
    old = add_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = keys_of(path)
    of_old = before.sign(b"{}", type_=TYPE)
    assert check(of_old, before) == old

    new = add_key(path)
    overlap = keys_of(path)
    assert (overlap.kid, [key.kid for key in overlap.published.keys]) == (old, [old, new]), "published before it signs"
    put_first(path, new)
    after = keys_of(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (after.kid, [key.kid for key in after.published.keys]) == (new, [new, old])
    assert check(after.sign(b"{}", type_=TYPE), overlap) == new, "who kept the keys of before knows the new one"
    assert check(of_old, after) == old, "what the old one signed still verifies"


def test_a_key_whose_private_half_is_gone_stays_published(tmp_path: Path) -> None:
    path = tmp_path / "keys.pem"
    add_key(path)
    old = keys_of(path)
    private = load_pem_private_key(path.read_bytes(), None)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    path.unlink()
    add_key(path)
    path.write_bytes(path.read_bytes() + public)
    now = keys_of(path)
    assert now.kid != old.kid
    assert check(old.sign(b"{}", type_=TYPE), now) == old.kid
    with pytest.raises(ValueError, match="no private key"):
        put_first(path, old.kid)


def test_what_is_no_key_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    elliptic = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    add_key(tmp_path / "once.pem")
    once = (tmp_path / "once.pem").read_bytes()
    for number, content in enumerate((b"", b"nonsense", elliptic, once + once, once.replace(b"M", b"N"))):
        path = tmp_path / f"{number}.pem"
        path.write_bytes(content)
        with pytest.raises(SettingsError, match="SEPAKAT_RECEIPT_KEYS"):
            read_signing_keys(str(path))
    with pytest.raises(SettingsError, match="sepakat keys add"):
        read_signing_keys("")
    with pytest.raises(SettingsError, match=r"nowhere\.pem"):
        read_signing_keys(str(tmp_path / "nowhere.pem"))


def test_the_same_gives_the_same_signature_and_a_purpose_is_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "keys.pem"
    add_key(path)
    keys = keys_of(path)
    assert keys.sign(b"{}", type_=TYPE) == keys.sign(b"{}", type_=TYPE)
    with pytest.raises(BrokenError, match="signed as"):
        check(keys.sign(b"{}", type_="sepakat-other"), keys)


async def test_the_public_halves_are_published_and_no_more(api: httpx.AsyncClient) -> None:
    answer = await api.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=3600"
    for key in answer.json()["keys"]:
        assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
        assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")


def test_the_commands(tmp_path: Path) -> None:
    path = tmp_path / "keys.pem"

    def sepakat(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "app.cli", *words], capture_output=True, text=True, check=False)

    assert sepakat("keys", "add", str(path)).returncode == 0
    kid = sepakat("keys", "add", str(path)).stdout.split()[0]
    assert keys_of(path).kid != kid
    assert sepakat("keys", "use", str(path), kid).returncode == 0
    assert keys_of(path).kid == kid
    refused = sepakat("keys", "use", str(path), "x")
    assert (refused.returncode, "no private key x" in refused.stderr) == (1, True)


def test_no_key_that_is_made_here_looks_like_an_option_and_one_from_elsewhere_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "keys.pem"
    assert not any(add_key(path).startswith("-") for _ in range(600))
    elsewhere = tmp_path / "elsewhere.pem"
    while not elsewhere.exists() or not keys_of(elsewhere).kid.startswith("-"):
        key = Ed25519PrivateKey.generate()
        elsewhere.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    kid = keys_of(elsewhere).kid
    add_key(both := tmp_path / "both.pem")
    both.write_bytes(both.read_bytes() + elsewhere.read_bytes())
    command = [sys.executable, "-m", "app.cli", "keys", "use", str(both), "--", kid]
    used = subprocess.run(command, capture_output=True, text=True, check=False)
    assert used.returncode == 0, used.stderr
    assert keys_of(both).kid == kid
