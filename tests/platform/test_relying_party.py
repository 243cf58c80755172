"""Whom passkeys are made for: by setting, or the public origin; what no browser would take is refused at the start."""

from __future__ import annotations

import pytest

from app.platform.relying_party import RelyingParty, find_relying_party
from app.settings import Settings, SettingsError

ANDROID = "android:apk-key-hash:" + "A" * 43


def settings(**given: str) -> Settings:
    return Settings(database_url="", redis_url="", secret="x" * 32, **given)  # type: ignore[arg-type]


def test_it_is_the_public_origin_unless_told_otherwise() -> None:
    assert find_relying_party(settings()) == RelyingParty("localhost", ("http://localhost:8000",))
    public = settings(public_origin="https://sepakat.example/")
    assert find_relying_party(public) == RelyingParty("sepakat.example", ("https://sepakat.example",))
    told = settings(
        passkey_rp_id="sepakat.example",
        passkey_origins=f"https://app.sepakat.example:8443, {ANDROID},https://sepakat.example",
    )
    assert find_relying_party(told) == RelyingParty(
        "sepakat.example", ("https://app.sepakat.example:8443", ANDROID, "https://sepakat.example")
    )


@pytest.mark.parametrize("origin", ["http://sepakat.example", "https://10.0.0.1", "https://[::1]:8000", "ftp://x"])
def test_where_no_browser_makes_passkeys_none_are_offered(origin: str) -> None:
    assert find_relying_party(settings(public_origin=origin)) is None


@pytest.mark.parametrize(
    "given",
    [
        {"passkey_rp_id": "10.0.0.1"},
        {"passkey_rp_id": "https://sepakat.example"},
        {"passkey_rp_id": "Sepakat.example"},
        {"passkey_rp_id": "sepakat.example"},
        {"passkey_origins": "https://sepakat.example"},
        {"passkey_rp_id": "sepakat.example", "passkey_origins": "https://evilsepakat.example"},
        {"passkey_rp_id": "sepakat.example", "passkey_origins": "http://app.sepakat.example"},
        {"passkey_rp_id": "sepakat.example", "passkey_origins": "https://sepakat.example/path"},
        {"passkey_rp_id": "sepakat.example", "passkey_origins": "android:apk-key-hash:short"},
    ],
    ids=str,
)
def test_what_does_not_fit_is_named(given: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="SEPAKAT_PASSKEY_"):
        find_relying_party(settings(**given))
