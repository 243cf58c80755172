"""Google is reached over TLS and HTTP/2: the same server, with a certificate, spoken to as in production."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from granian.constants import Interfaces
from granian.server.embed import Server

from app.local.simulator_accounts import TokenEndpoint, write_service_account
from app.local.simulator_hms import AppTokens, write_hms_credentials
from app.local.simulator_journal import Journal
from app.local.simulator_oidc import Provider
from app.local.simulator_routes import Simulator
from app.platform.fcm import Fcm
from app.platform.outcomes import Accepted, RetryLater
from app.platform.push import Push
from tests.local.running_simulator import find_two_free_ports

PUSH = Push("fid", "phone", "8f0e", 1, "card", "Ada perubahan", "Buka aplikasi.")


class SecureGoogle:
    """`spoken` is every HTTP version that the sends came in."""

    def __init__(self, base_url: str, authority: Path, account: Path, app: Path) -> None:
        self.base_url = base_url
        self.authority = authority
        self.account = account
        self.app = app
        self.spoken: set[str] = set()


def write_certificate(folder: Path) -> None:
    """An authority `ca.pem` and what it vouches for: `localhost.pem` with its key `localhost.key`."""
    now = datetime.now(UTC)
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sepakat test authority")])
    blank = (
        x509.CertificateBuilder()
        .issuer_name(ca_name)
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
    )
    authority = (
        blank.subject_name(ca_name)
        .public_key(ca_key.public_key())
        .serial_number(1)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    own = (
        blank.subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]))
        .public_key(key.public_key())
        .serial_number(2)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    )
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(authority.sign(ca_key, hashes.SHA256()).public_bytes(pem))
    (folder / "localhost.pem").write_bytes(own.sign(ca_key, hashes.SHA256()).public_bytes(pem))
    (folder / "localhost.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@pytest.fixture
async def google(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SecureGoogle]:
    write_certificate(tmp_path)
    port = find_two_free_ports()
    google = SecureGoogle(
        f"https://localhost:{port}", tmp_path / "ca.pem", tmp_path / "account.json", tmp_path / "app.json"
    )
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(google.authority))
    write_service_account(google.account, google.base_url)
    write_hms_credentials(google.app)
    journal = Journal(tmp_path / "messages.jsonl")
    provider = Provider(tmp_path / "staff-keys.pem", google.base_url)
    app = Simulator(journal, TokenEndpoint(google.account), provider, AppTokens(google.app))

    async def listen(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].endswith(":send"):
            google.spoken.add(scope["http_version"])
        await app(scope, receive, send)

    server = Server(
        listen,
        port=port,
        interface=Interfaces.ASGI,
        ssl_cert=tmp_path / "localhost.pem",
        ssl_key=tmp_path / "localhost.key",
        log_enabled=False,
    )
    serving = asyncio.create_task(server.serve())
    await asyncio.sleep(0.5)
    yield google
    server.stop()  # type: ignore[no-untyped-call]
    await serving
    journal.close()


async def test_a_crowd_of_first_sends_over_http_2_loses_none(
    google: SecureGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(google.authority))
    fcm = Fcm(google.base_url, str(google.account))
    outcomes = await asyncio.gather(*(fcm.send(PUSH) for _ in range(300)))
    await fcm.close()
    assert [outcome for outcome in outcomes if not isinstance(outcome, Accepted)] == []
    assert google.spoken == {"2"}


async def test_a_certificate_that_nobody_vouches_for_gets_no_message(google: SecureGoogle) -> None:
    fcm = Fcm(google.base_url, str(google.account))
    outcome = await fcm.send(PUSH)
    await fcm.close()
    assert outcome == RetryLater(10, "unreachable", provider_wide=True)
    assert google.spoken == set()
