"""A phone: its key, its tokens, and a client of the API. For the story, the walk, and everybody's tests.

It signs by itself and shares no code with the product.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, Self
from uuid import UUID, uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from app.local.push_key import PushKey

ReadCode = Callable[[str], Awaitable[str]]
"""Given an enrolment's id: the eight digits that came by SMS."""


class Owner(Protocol):
    """Who enrols: identity number, a known card number, birth date as YYYY-MM-DD."""

    @property
    def nik(self) -> str: ...
    @property
    def kpjs(self) -> list[str]: ...
    @property
    def born(self) -> str: ...


class Phone:
    """`api` is a client whose base URL is the API's; `read_code` reads the SMS."""

    def __init__(self, api: httpx.AsyncClient, read_code: ReadCode, name: str = "Ponsel Dwi") -> None:
        self.api, self.read_code, self.name = api, read_code, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.push_key: PushKey | None = None
        self.device_id = ""
        self.session: dict[str, Any] = {}

    @property
    def public_key(self) -> dict[str, str]:
        """As a JWK."""
        numbers = self.key.public_key().public_numbers()
        x, y = (base64url(number.to_bytes(32)) for number in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    async def enrol(self, owner: Owner, **overrides: Any) -> Self:
        """Enrols and verifies with the code from the SMS, which signs in."""
        asked = await self.ask_enrolment(owner, **overrides)
        expect(asked, 202)
        enrolment_id = asked.json()["enrolment_id"]
        verified = await self.verify(enrolment_id, await self.read_code(enrolment_id))
        expect(verified, 201)
        self.device_id, self.session = verified.json()["device_id"], verified.json()["session"]
        return self

    async def ask_enrolment(self, owner: Owner, **overrides: Any) -> httpx.Response:
        device = {"name": self.name, "platform": "android", "public_key": self.public_key}
        body = {"nik": owner.nik, "kpj": owner.kpjs[0], "birth_date": owner.born, "device": device}
        return await self.api.post("/v1/enrolments", json=body | overrides)

    async def verify(self, enrolment_id: str, otp: str) -> httpx.Response:
        return await self.api.post(f"/v1/enrolments/{enrolment_id}/verification", json={"otp": otp})

    async def verify_at_branch(self, enrolment_id: str, branch_code: str) -> httpx.Response:
        return await self.api.post(f"/v1/enrolments/{enrolment_id}/verification", json={"branch_code": branch_code})

    async def approve(self, enrolment_id: str, **options: Any) -> httpx.Response:
        """Adds the phone that asked, vouched for by this one. Options as for `prove`."""
        body = await self.prove("add_key", enrolment_id, **options)
        return await self.post(f"/v1/enrolments/{enrolment_id}/approval", body)

    async def refuse(self, enrolment_id: str) -> httpx.Response:
        """It was not me."""
        return await self.post(f"/v1/enrolments/{enrolment_id}/refusal")

    def sign(self, statement: dict[str, Any]) -> str:
        """The ES256 signature over the statement. Sorted keys without spaces are RFC 8785 for ASCII and integers."""
        message = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(SHA256())))
        return base64url(r.to_bytes(32) + s.to_bytes(32))

    def proof(self, statement: dict[str, Any]) -> dict[str, str]:
        return {"type": "device_key", "device_id": self.device_id, "signature": self.sign(statement)}

    async def challenge(self, purpose: str, subject_id: str | UUID | None = None) -> str:
        """A nonce for this purpose."""
        body = {"purpose": purpose} | ({"subject_id": str(subject_id)} if subject_id else {})
        if purpose == "sign_in":
            body["device_id"] = self.device_id
        answer = await self.request("POST", "/v1/challenges", json=body)
        expect(answer, 200)
        nonce: str = answer.json()["nonce"]
        return nonce

    async def prove(
        self,
        purpose: str,
        subject_id: str | UUID,
        *,
        nonce: str | None = None,
        signed: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The body `{nonce, proof}` for unlocking, or for adding and removing a key; `signed` replaces what is signed."""
        nonce = nonce or await self.challenge(purpose, subject_id)
        statement = {
            "version": 1,
            "purpose": purpose,
            "device_id": self.device_id,
            "subject_id": str(subject_id),
            "nonce": nonce,
        } | (signed or {})
        return {"nonce": nonce, "proof": self.proof(statement)}

    async def sign_in(self) -> Self:
        """A new session, which this phone goes on with."""
        answer = await self.ask_sign_in(await self.challenge("sign_in"))
        expect(answer, 201)
        self.session = answer.json()["session"]
        return self

    async def ask_sign_in(self, nonce: str, **overrides: Any) -> httpx.Response:
        statement = {"version": 1, "purpose": "sign_in", "device_id": self.device_id, "nonce": nonce}
        return await self.api.post("/v1/sessions", json={"nonce": nonce, "proof": self.proof(statement | overrides)})

    async def ask_refresh(self, refresh_token: str | None = None) -> httpx.Response:
        """Refreshes with the newest token, or the one given; keeps nothing."""
        token = refresh_token or self.session["refresh_token"]
        digest = hashlib.sha256(token.encode()).hexdigest()
        statement = {"version": 1, "purpose": "refresh", "device_id": self.device_id, "refresh_token_sha256": digest}
        body = {"refresh_token": token, "proof": self.proof(statement)}
        return await self.api.post("/v1/sessions/refresh", json=body)

    async def refresh(self) -> Self:
        answer = await self.ask_refresh()
        expect(answer, 200)
        self.session = answer.json()["session"]
        return self

    async def request(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """With this phone's access token, once it has one."""
        token = self.session.get("access_token")
        mine = {"authorization": f"Bearer {token}"} if token else {}
        return await self.api.request(method, path, headers=mine | (headers or {}), **options)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.request("GET", path, **options)

    async def post(self, path: str, json: Any = None, *, key: str | None = None, **options: Any) -> httpx.Response:
        """With a fresh Idempotency-Key, unless `key` is given (an empty one leaves the header out)."""
        headers = dict(options.pop("headers", {}))
        if key != "":
            headers["idempotency-key"] = key or uuid4().hex
        return await self.request("POST", path, json={} if json is None else json, headers=headers, **options)

    async def put(self, path: str, json: Any) -> httpx.Response:
        return await self.request("PUT", path, json=json)

    async def patch(self, path: str, json: Any) -> httpx.Response:
        return await self.request("PATCH", path, json=json)

    async def delete(self, path: str, json: Any = None) -> httpx.Response:
        return await self.request("DELETE", path, **({} if json is None else {"json": json}))

    async def confirm(
        self, merge: dict[str, Any], acknowledged: list[str] | None = None, **overrides: Any
    ) -> httpx.Response:
        """Confirms the plan that `merge` shows; acknowledges what the plan asks for, unless told otherwise.

        Overrides replace members of the statement that is signed and, where the body has them too, of the body.
        """
        codes = merge["plan"]["to_acknowledge"] if acknowledged is None else acknowledged
        statement = {
            "version": 1,
            "purpose": "merge",
            "device_id": self.device_id,
            "merge_id": merge["id"],
            "plan_digest": merge["plan_digest"],
            "acknowledged": sorted(codes),
        } | overrides
        if "nonce" not in statement:
            statement["nonce"] = await self.challenge("merge", merge["id"])
        body = {name: statement[name] for name in ("plan_digest", "acknowledged", "nonce")}
        return await self.post(f"/v1/merges/{merge['id']}/confirmation", body | {"proof": self.proof(statement)})

    async def undo(
        self,
        merge_id: str,
        shown: dict[str, Any] | None = None,
        /,
        *,
        key: str | None = None,
        **overrides: Any,
    ) -> httpx.Response:
        """Undoes a merge by the plan that was `shown` (default: one asked for now). Overrides as for `confirm`."""
        if shown is None:
            asked = await self.post(f"/v1/merges/{merge_id}/undo/plan")
            expect(asked, 200)
            shown = asked.json()
        statement = {
            "version": 1,
            "purpose": "undo",
            "device_id": self.device_id,
            "merge_id": merge_id,
            "plan_digest": shown["plan_digest"],
            "acknowledged": sorted(shown["plan"]["to_acknowledge"]),
        } | overrides
        if "nonce" not in statement:
            statement["nonce"] = await self.challenge("undo", merge_id)
        body = {name: statement[name] for name in ("plan_digest", "acknowledged", "nonce")}
        return await self.post(f"/v1/merges/{merge_id}/undo", body | {"proof": self.proof(statement)}, key=key)


def base64url(raw: bytes) -> str:
    """Without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def expect(answer: httpx.Response, status: int) -> None:
    """Raises AssertionError with the whole answer when it is another."""
    if answer.status_code != status:
        raise AssertionError(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
