"""Who is staff: a token of the agency's provider, for us, fresh, signed as it must be; and nothing else."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from base64 import urlsafe_b64encode
from typing import Any

import httpx
import jwt
import msgspec
import pytest
from asgi_lifespan import LifespanManager
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.local.servers import Postgres, Valkey
from app.main import create_staff
from app.platform import oidc
from app.platform.oidc import KeysAwayError, ProviderKeys, Trust, read_keys, read_token
from app.settings import SettingsError
from app.staff.member import Member, pseudonym, read_member
from app.staff.problems import StaffRoleInsufficient, StaffTokenInvalid
from tests.conftest import Database
from tests.staff.conftest import Provider, Staff, staff_settings

SEARCH: dict[str, Any] = {"case_search": {}}


async def code_of(staff: Staff, token: str) -> str:
    answer = await staff.ask("cases/search", SEARCH, token=token)
    assert answer.status_code in (401, 403), answer.text
    code: str = answer.json()["code"]
    return code


@pytest.mark.parametrize("subject", ["dewi", "siti", "ratna"])
async def test_a_token_of_the_provider_lets_its_person_in(staff: Staff, subject: str) -> None:
    assert (await staff.ask("cases/search", SEARCH, by=subject)).status_code == 200


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"exp": int(time.time()) - 60}, "staff_token_expired"),
        ({"iat": int(time.time()) - 4000, "exp": int(time.time()) + 9000}, "staff_token_expired"),
        ({"iat": int(time.time()) + 600, "exp": int(time.time()) + 900}, "staff_token_invalid"),
        ({"nbf": int(time.time()) + 600}, "staff_token_invalid"),
        ({"aud": "another app"}, "staff_token_invalid"),
        ({"aud": ["a", "b"]}, "staff_token_invalid"),
        ({"iss": "https://login.example.id"}, "staff_token_invalid"),
        ({"sub": None}, "staff_token_invalid"),
        ({"sub": ""}, "staff_token_invalid"),
        ({"sub": "si ti"}, "staff_token_invalid"),
        ({"sub": "s\u0456ti"}, "staff_token_invalid"),
        ({"sub": "s" * 256}, "staff_token_invalid"),
        ({"sub": 7}, "staff_token_invalid"),
        ({"exp": None}, "staff_token_invalid"),
        ({"iat": None}, "staff_token_invalid"),
        ({"aud": None}, "staff_token_invalid"),
        ({"iss": None}, "staff_token_invalid"),
        ({"roles": None}, "staff_role_insufficient"),
        ({"roles": ["janitor"]}, "staff_role_insufficient"),
        ({"roles": {"viewer": True}}, "staff_role_insufficient"),
    ],
)
async def test_a_token_that_is_not_for_us_now_lets_nobody_in(
    staff: Staff, provider: Provider, overrides: dict[str, Any], code: str
) -> None:
    assert await code_of(staff, provider.sign(**overrides)) == code


async def test_no_other_signature_counts(staff: Staff, provider: Provider) -> None:
    claims, header = provider.claims(), {"kid": provider.kid}
    public = provider.key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    parts = provider.sign().split(".")
    tokens = [
        jwt.encode(claims, "", algorithm="none", headers=header),
        jwt.encode(claims, stranger, algorithm="RS256", headers=header),
        jwt.encode(claims, stranger, algorithm="RS256", headers={"kid": "unknown"}),
        jwt.encode(claims, stranger, algorithm="RS256"),
        jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers=header),
        jwt.encode(claims, provider.key, algorithm="RS512", headers=header),
        jwt.encode(claims, provider.key, algorithm="PS256", headers=header),
        hs256_with(pem, claims, provider.kid),
        ".".join([parts[0], parts[1], ""]),
        ".".join([parts[0], provider.sign(sub="ratna").split(".")[1], parts[2]]),
        "x",
        "",
        "a.b.c",
        "x" * 20_000,
    ]
    for token in tokens:
        assert await code_of(staff, token) == "staff_token_invalid", token[:60]
    for headers in ({}, {"authorization": f"Basic {provider.sign()}"}):
        answer = await staff.client.post("/staff/v1/cases/search", json=SEARCH, headers=headers)
        assert answer.json()["code"] == "staff_token_invalid"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({"typ": "at+jwt"}, 200),
        ({"typ": "JWT"}, 200),
        ({"typ": None}, 200),
        ({"typ": "logout+jwt"}, 401),
        ({"typ": "dpop+jwt"}, 401),
        ({"typ": 7}, 401),
        ({"crit": ["exp"], "exp": 1}, 401),
        ({"crit": []}, 401),
    ],
    ids=str,
)
async def test_what_the_provider_signs_for_another_use_lets_nobody_in(
    staff: Staff, provider: Provider, header: dict[str, Any], status: int
) -> None:
    """Keys are the provider's for all that it signs; and what a token calls critical must be understood, or refused."""
    token = signed_with(provider, header)
    answer = await staff.ask("cases/search", SEARCH, token=token)
    assert answer.status_code == status
    assert status == 200 or answer.json()["code"] == "staff_token_invalid"


def signed_with(provider: Provider, header: dict[str, Any]) -> str:
    """A token with this header, which PyJWT would not write."""
    whole = {"alg": "RS256", "typ": "JWT", "kid": provider.kid} | header
    told = {name: value for name, value in whole.items() if value is not None}
    parts = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (told, provider.claims())]
    signature = provider.key.sign(b".".join(parts), padding.PKCS1v15(), SHA256())
    return b".".join([*parts, urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def hs256_with(secret: bytes, claims: dict[str, Any], kid: str) -> str:
    """Signed with the public key as if it were a secret; PyJWT refuses to make such a token, an attacker does not."""

    def part(raw: bytes) -> str:
        return urlsafe_b64encode(raw).rstrip(b"=").decode()

    signed = (
        f"{part(json.dumps({'alg': 'HS256', 'kid': kid, 'typ': 'JWT'}).encode())}.{part(json.dumps(claims).encode())}"
    )
    return f"{signed}.{part(hmac.digest(secret, signed.encode(), 'sha256'))}"


async def test_a_participants_token_is_none_of_staff_and_the_other_way_round(
    staff: Staff, api: httpx.AsyncClient, provider: Provider
) -> None:
    answer = await api.get("/v1/cards", headers={"authorization": f"Bearer {provider.sign()}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert (await staff.client.post("/v1/support-codes", json={})).status_code == 404


async def test_bodies_are_read_only_from_somebody_who_is_staff(staff: Staff) -> None:
    answer = await staff.client.post("/staff/v1/cases/search", content=b'{"x": ', headers={"content-type": "text/x"})
    assert answer.json()["code"] == "staff_token_invalid"


async def test_rotated_keys_are_learned_and_withdrawn_ones_forgotten(
    own_provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = own_provider
    monkeypatch.setattr(oidc, "ASK_AGAIN_AFTER_S", 0.0)
    keys = ProviderKeys(f"{provider.simulator.base_url}/jwks.json")
    trust = Trust(provider.issuer, "sepakat", 3600)
    old = provider.sign()
    assert (await read_token(old, keys, trust))["sub"] == "siti"
    provider.rotate()
    assert (await read_token(provider.sign(), keys, trust))["sub"] == "siti"
    assert (await read_token(old, keys, trust))["sub"] == "siti", "published a while longer"
    provider.rotate()
    assert (await read_token(provider.sign(), keys, trust))["sub"] == "siti"
    with pytest.raises(oidc.TokenInvalidError):
        await read_token(old, keys, trust)
    await keys.close()


async def test_made_up_key_ids_ask_the_provider_once_in_a_while(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ProviderKeys(f"{provider.simulator.base_url}/jwks.json")
    asked = 0
    ask = ProviderKeys._ask

    async def count(self: ProviderKeys) -> bytes:
        nonlocal asked
        asked += 1
        return await ask(self)

    monkeypatch.setattr(ProviderKeys, "_ask", count)
    found = await asyncio.gather(*(keys.find(f"kid-{number}") for number in range(50)))
    assert found == [None] * 50
    assert asked == 1
    await keys.close()


async def test_a_provider_that_is_away_is_said_and_its_keys_are_believed_for_an_hour(
    provider: Provider, database: Database, servers: tuple[Postgres, Valkey], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = msgspec.structs.replace(
        staff_settings(database, servers[1], provider), staff_jwks_url="http://127.0.0.1:9/jwks.json"
    )
    app: Any = create_staff(settings)
    async with (
        LifespanManager(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://s") as client,
    ):
        answer = await client.post(
            "/staff/v1/cases/search", json=SEARCH, headers={"authorization": f"Bearer {provider.sign()}"}
        )
        assert (answer.status_code, answer.json()["code"]) == (503, "staff_keys_away")
        assert answer.headers["retry-after"] == "5"
        assert (await client.get("/health/ready")).status_code == 200
    keys = ProviderKeys(f"{provider.simulator.base_url}/jwks.json")
    kid = provider.kid
    assert await keys.find(kid) is not None
    keys._url = "http://127.0.0.1:9/jwks.json"
    assert await keys.find(kid) is not None
    monkeypatch.setattr(oidc, "KEYS_KEPT_S", 0.0)
    with pytest.raises(KeysAwayError):
        await keys.find(kid)
    await keys.close()


def test_only_keys_that_may_sign_are_taken() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    strong = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    curve = ec.generate_private_key(ec.SECP256R1())
    other_curve = ec.generate_private_key(ec.SECP384R1())

    def jwk(key: Any, **around: Any) -> dict[str, Any]:
        algorithm = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
        return algorithm.to_jwk(key.public_key(), as_dict=True) | around

    document = {
        "keys": [
            jwk(strong, kid="rsa"),
            jwk(curve, kid="ec"),
            jwk(weak, kid="weak"),
            jwk(other_curve, kid="p384"),
            jwk(strong, kid="for encryption", use="enc"),
            jwk(strong, kid="other algorithm", alg="RS512"),
            jwk(strong),
            {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
            {"kty": "RSA", "kid": "broken"},
        ]
    }
    assert set(read_keys(msgspec.json.encode(document))) == {"rsa", "ec"}
    for garbage in (b"", b"[]", b"{}", b'{"keys": [1]}', b"\xff"):
        with pytest.raises(ValueError):  # noqa: PT011 - each says it in words of its own
            read_keys(garbage)


async def test_the_highest_role_of_a_token_counts_wherever_the_claim_lies(
    provider: Provider, database: Database, servers: tuple[Postgres, Valkey]
) -> None:
    settings = staff_settings(database, servers[1], provider)
    nested = msgspec.structs.replace(settings, staff_roles_claim="realm_access.roles")
    url = msgspec.structs.replace(settings, staff_roles_claim="https://agency.example.id/roles")
    claims = {"iss": "i", "sub": "siti"}
    assert read_member(claims | {"roles": ["viewer", "supervisor", "x"]}, settings).role == "supervisor"
    assert read_member(claims | {"roles": "viewer caseworker"}, settings).role == "caseworker"
    assert read_member(claims | {"realm_access": {"roles": ["viewer"]}}, nested).role == "viewer"
    assert read_member(claims | {"https://agency.example.id/roles": ["viewer"]}, url).role == "viewer"
    with pytest.raises(StaffRoleInsufficient):
        read_member(claims | {"realm_access": "viewer"}, nested)
    with pytest.raises(StaffTokenInvalid):
        read_member({"iss": "i", "sub": "si\nti", "roles": ["viewer"]}, settings)


async def test_staff_are_shown_by_pseudonym_or_by_name_as_the_agency_chose(
    provider: Provider, database: Database, servers: tuple[Postgres, Valkey]
) -> None:
    settings = staff_settings(database, servers[1], provider)
    by_name = msgspec.structs.replace(settings, staff_shown_as="name")
    claims = {"iss": "i", "sub": "siti", "roles": ["viewer"], "name": " Siti\u202e  Rahmawati\n"}
    assert read_member(claims, by_name).shown_as == "Siti Rahmawati"
    assert read_member(claims, settings).shown_as == pseudonym(settings.secret, "i", "SITI")
    assert read_member(claims | {"name": ""}, by_name).shown_as == pseudonym(settings.secret, "i", "siti")
    assert pseudonym(settings.secret, "i", "siti") != pseudonym(settings.secret, "j", "siti")
    assert Member("i", "Siti", "viewer", "x").is_behind("i", "sITI")
    assert not Member("i", "siti", "viewer", "x").is_behind("j", "siti")


async def test_a_listener_without_a_provider_does_not_start(
    provider: Provider, database: Database, servers: tuple[Postgres, Valkey]
) -> None:
    settings = staff_settings(database, servers[1], provider)
    for wrong, named in (
        ({"staff_issuer": ""}, "SEPAKAT_STAFF_ISSUER"),
        ({"staff_jwks_url": ""}, "SEPAKAT_STAFF_JWKS_URL"),
        ({"env": "production"}, "https"),
    ):
        with pytest.raises(SettingsError, match=named):
            create_staff(msgspec.structs.replace(settings, **wrong))
