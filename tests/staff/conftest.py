"""The agency's staff: their listener over the shared database, and the identity provider that the simulator is."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import httpx
import jwt
import msgspec
import pytest
import pytest_asyncio
from asgi_lifespan import LifespanManager
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from app.local.servers import Postgres, Valkey
from app.main import create_staff
from app.settings import Settings
from tests.cases.reports import Reported, reported_merge
from tests.conftest import Database, _check_documented, _documented, settings_for
from tests.feed.conftest import Core
from tests.local.running_simulator import RunningSimulator, http, run_simulator


class Provider:
    """The simulator as identity provider; what it would never sign is signed here with its key."""

    def __init__(self, simulator: RunningSimulator) -> None:
        self.simulator = simulator
        self.issuer: str = http.get(f"{simulator.base_url}/.well-known/openid-configuration").json()["issuer"]
        self._tokens: dict[str, str] = {}

    def token(self, subject: str) -> str:
        if subject not in self._tokens:
            answer = http.post(f"{self.simulator.base_url}/oidc/token", json={"staff": subject})
            assert answer.status_code == 200, answer.text
            self._tokens[subject] = answer.json()["access_token"]
        return self._tokens[subject]

    def claims(self, **overrides: Any) -> dict[str, Any]:
        """Those of a good token; an override of None leaves one out."""
        now = int(time.time())
        good = {
            "iss": self.issuer,
            "aud": "sepakat",
            "sub": "siti",
            "roles": ["caseworker"],
            "iat": now,
            "exp": now + 60,
        }
        return {name: value for name, value in (good | overrides).items() if value is not None}

    def sign(self, **overrides: Any) -> str:
        """With the provider's own key."""
        return jwt.encode(self.claims(**overrides), self.key, algorithm="RS256", headers={"kid": self.kid})

    @cached_property
    def key(self) -> Any:
        pem = (self.simulator.state_dir / "staff-keys.pem").read_bytes().split(b"-----END PRIVATE KEY-----\n")[0]
        return load_pem_private_key(pem + b"-----END PRIVATE KEY-----\n", password=None)

    @cached_property
    def kid(self) -> str:
        kid: str = http.get(f"{self.simulator.base_url}/jwks.json").json()["keys"][0]["kid"]
        return kid

    def rotate(self) -> None:
        assert http.post(f"{self.simulator.base_url}/oidc/rotate").status_code == 204
        self._tokens.clear()
        del self.key, self.kid


class Staff:
    """Asks as one of the invented members of staff."""

    def __init__(self, client: httpx.AsyncClient, provider: Provider) -> None:
        self.client, self.provider = client, provider

    async def ask(
        self, path: str, body: dict[str, Any], *, by: str = "siti", token: str | None = None
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.provider.token(by) if token is None else token}"}
        return await self.client.post(f"/staff/v1/{path}", json=body, headers=headers)

    async def read(self, case_id: str, purpose: str = "dispute", *, by: str = "siti") -> dict[str, Any]:
        answer = await self.ask("cases/read", {"case_read": {"case_id": case_id, "purpose": purpose}}, by=by)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def decide(
        self, case_id: str, decision: str = "restored", *, by: str = "siti", reason: str = "Tidak ada persetujuan"
    ) -> httpx.Response:
        body = {"case_decision": {"case_id": case_id, "decision": decision, "reason": reason}}
        return await self.ask("cases/decide", body, by=by)

    async def view(self, code: str, purpose: str = "support", *, by: str = "siti") -> httpx.Response:
        return await self.ask("participants/view", {"support_view": {"support_code": code, "purpose": purpose}}, by=by)


def staff_settings(database: Database, valkey: Valkey, provider: Provider) -> Settings:
    return msgspec.structs.replace(
        settings_for(database, valkey, "sepakat_staff"),
        staff_issuer=provider.issuer,
        staff_jwks_url=f"{provider.simulator.base_url}/jwks.json",
    )


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with run_simulator(tmp_path_factory.mktemp("provider")) as simulator:
        yield Provider(simulator)


@pytest.fixture
def own_provider(tmp_path: Path) -> Iterator[Provider]:
    """For a test that changes its keys."""
    with run_simulator(tmp_path) as simulator:
        yield Provider(simulator)


@pytest_asyncio.fixture(scope="session")
async def staff(database: Database, servers: tuple[Postgres, Valkey], provider: Provider) -> AsyncIterator[Staff]:
    app = cast("Any", create_staff(staff_settings(database, servers[1], provider)))
    async with (
        LifespanManager(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://staff",
            event_hooks={"response": [_check_documented(_documented(app))]},
        ) as client,
    ):
        yield Staff(client, provider)


@pytest.fixture
def core(feed: httpx.AsyncClient, database: Database) -> Core:
    return Core(feed, database)


@pytest_asyncio.fixture
async def reported(api: httpx.AsyncClient, database: Database, core: Core) -> Reported:
    return await reported_merge(api, database, core)


async def looks(phone: Any) -> list[dict[str, Any]]:
    """The participant's access log, newest first."""
    answer = await phone.get("/v1/me/access-log")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["looks"]
    return found
