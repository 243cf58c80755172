"""Requests made from the OpenAPI description: every route, and every id in it.

A name that the description has and that is in none of the lists below stops the test: whoever adds a route says whether
what it takes is somebody's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from uuid import uuid4

import httpx
import msgspec

from tests.conftest import Apps
from tests.matches.conftest import photo
from tests.people import Person, Phone, new_kpj, new_nik

UUIDS = (
    "enrolment_id", "session_id", "device_id", "card_id", "match_id", "merge_id", "passkey_id", "document_ids", "subject_id",
    "announcement_id",
)  # fmt: skip
IDS: dict[str, Callable[[], object]] = {
    **dict.fromkeys(UUIDS, uuid4),
    **dict.fromkeys(("kpj", "absorb", "into"), new_kpj),
    **dict.fromkeys(("nik", "deceased_nik"), lambda: new_nik(date(1990, 5, 17))),
    "nonce": lambda: "A" * 43,
}
"""What is somebody's, by name, and how to make one that is nobody's."""

HELD = {"case_id": str(uuid4()), "token": "a" * 28, "refresh_token": "a" * 96, "branch_code": "A" * 16}
HELD_AT = {"POST /v1/enrolments/{enrolment_id}/verification"}
"""Whoever holds one of these is the one who may use it, or use an id there; tried with ones that nobody holds."""

KEY = Phone(httpx.AsyncClient()).public_key
PLAIN: dict[str, Any] = {
    "name": "Ponsel", "platform": "web", "kty": "EC", "crv": "P-256", "x": KEY["x"], "y": KEY["y"], "birth_date": "1990-05-17",
    "otp": "00000000", "signature": "A" * 86, "type": "device_key", "plan_digest": "0" * 64, "acknowledged": [], "value": "x",
    "kind": "token", "locale": "id", "seq": 10**12, "seqs": [10**12], "up_to": 0, "purpose": "possible_matches", "statement": "x",
    "reason": "x", "phone": "081234567890", "relation": "child", "time_zone": "Asia/Jakarta", "id": "AAAA",
    "field": "other", "wanted": "x", "email": "a@example.id", "clientDataJSON": "e30", "attestationObject": "e30",
    "transports": [], "from": "22:00", "to": "06:00", "use": "enc", "push": True, "sms": True,
}  # fmt: skip
"""Words and figures that are nobody's. A seq is counted for each participant, so that another's says nothing."""

PURPOSES = {
    "DELETE /v1/devices/{device_id}": "remove_key",
    "POST /v1/enrolments/{enrolment_id}/approval": "add_key",
    "POST /v1/passkeys": "add_key",
    "DELETE /v1/passkeys/{passkey_id}": "remove_key",
    "DELETE /v1/cards/{card_id}/lock": "unlock",
    "POST /v1/cards/unfreeze": "unlock",
    "PUT /v1/me/contact": "change_contact",
    "POST /v1/merges/{merge_id}/confirmation": "merge",
    "POST /v1/merges/{merge_id}/undo": "undo",
    "POST /v1/merges/{merge_id}/accept": "accept",
    "POST /v1/sessions": "sign_in",
    "POST /v1/sessions/refresh": "refresh",
}
"""What is signed where a proof is asked for: strangers sign too, with their own keys, for what is not theirs."""

FOR_ANYBODY = {
    "POST /v1/enrolments", "POST /v1/heirs", "POST /v1/challenges", "GET /v1/enrolments", "GET /v1/sessions", "GET /v1/devices",
    "GET /v1/passkeys",
}  # fmt: skip
"""Routes that answer a stranger's id with 2xx, and the same 2xx for one that does not exist."""


class World(msgspec.Struct, frozen=True):
    """Somebody with something of every kind. `ids`: of each name every value to try."""

    person: Person
    phone: Phone
    ids: dict[str, list[str]]
    digests: dict[str, str]

    @property
    def marks(self) -> set[str]:
        """What must stand in no answer to anybody else."""
        values = {value for name, values in self.ids.items() if name != "nonce" for value in values}
        return values | {self.person.nik, self.person.name, str(self.person.participant_id), *self.digests.values()}


class Operation(msgspec.Struct, frozen=True):
    """One route as the description has it."""

    method: str
    path: str
    described: dict[str, Any]
    schemas: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def public(self) -> bool:
        return "security" not in self.described

    @property
    def body_schema(self) -> dict[str, Any] | None:
        content = self.described.get("requestBody", {}).get("content", {})
        return content["application/json"]["schema"] if "application/json" in content else None

    def parameters(self, where: str) -> list[dict[str, Any]]:
        return [parameter for parameter in self.described.get("parameters", []) if parameter["in"] == where]

    def slots(self) -> list[tuple[str, ...]]:
        """Where ids stand: ("path", name), ("query", name), ("body", name, …)."""
        named = [parameter["name"] for parameter in self.parameters("path") if kind(parameter["name"]) is IDS]
        found = [("path", name) for name in named if self.name not in HELD_AT]
        found += [("query", p["name"]) for p in self.parameters("query") if is_uuid(p["schema"])]
        return found + [("body", *names) for names in self._ids_in(self.body_schema or {})]

    def _ids_in(self, schema: dict[str, Any], *names: str) -> Iterator[tuple[str, ...]]:
        schema = self.resolve(schema)
        for name, part in schema.get("properties", {}).items():
            inner = self.resolve(part)
            if "properties" in inner:
                yield from self._ids_in(inner, *names, name)
            elif kind(name) is IDS:
                yield (*names, name)
            else:
                assert not is_uuid(inner), f"{self.name}: {name} is an id; say in {__name__} whose"

    def resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Behind references and `| None`."""
        while "$ref" in schema or "oneOf" in schema:
            if "$ref" in schema:
                schema = self.schemas[schema["$ref"].rpartition("/")[2]]
            else:
                schema = next(part for part in schema["oneOf"] if part.get("type") != "null")
        return schema

    def fill(self, schema: dict[str, Any], own: dict[str, list[str]], name: str = "") -> Any:
        """A value that the schema takes, with the asker's own ids."""
        schema = self.resolve(schema)
        if "properties" in schema or schema.get("type") == "object":
            required = schema.get("required", [])
            return {part: self.fill(schema["properties"][part], own, part) for part in required}
        if "const" in schema:
            return schema["const"]
        source = kind(name)
        if self.name in HELD_AT and name in UUIDS:
            return str(uuid4())
        if source is IDS:
            return own[name][:1] if schema.get("type") == "array" else own[name][0]
        return source[name] if source[name] in schema.get("enum", [source[name]]) else schema["enum"][0]


def kind(name: str) -> dict[str, Any]:
    """IDS, HELD or PLAIN. Fails for a name that nobody has put in one of them."""
    for names in (IDS, HELD, PLAIN):
        if name in names:
            return names
    raise AssertionError(f"`{name}` is new in the description: say in {__name__} whether it is somebody's")


def is_uuid(schema: dict[str, Any]) -> bool:
    parts = schema.get("oneOf", [schema])
    return any(part.get("format") == "uuid" or part.get("items", {}).get("format") == "uuid" for part in parts)


async def read_operations(apps: Apps) -> list[Operation]:
    document = (await apps.api.get("/openapi.json")).json()
    return [
        Operation(method.upper(), path, described, document["components"]["schemas"])
        for path, item in document["paths"].items()
        if path.startswith(("/v1/", "/stop/"))
        for method, described in item.items()
    ]


async def ask(
    operation: Operation,
    asker: World,
    slot: tuple[str, ...] | None = None,
    value: str = "",
    *,
    digests: dict[str, str] | None = None,
    token: str | None = None,
) -> httpx.Response:
    """Asks with the asker's own ids, but for `value` at `slot`; signed by the asker.

    `digests`: the plans of the owner's merges, which a stranger is taken to know. `token` replaces the access token.
    """
    path, query = _places(operation, asker, slot, value)
    body = await _body(operation, asker, slot, value, path, asker.digests | (digests or {}))
    headers = {"idempotency-key": uuid4().hex}
    if token is not None:
        headers["authorization"] = f"Bearer {token}" if token else ""
    content: dict[str, Any] = {} if body is None else {"json": body}
    if operation.body_schema is None and "requestBody" in operation.described:
        content = {"content": photo()}
        headers["content-type"] = "image/jpeg"
    url = operation.path.format_map(path)
    return await asker.phone.request(operation.method, url, params=query, headers=headers, **content)


def _places(
    operation: Operation, asker: World, slot: tuple[str, ...] | None, value: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Path and query parameters: those that must be there, and the one of the slot."""
    filled: list[dict[str, str]] = []
    for where in ("path", "query"):
        parameters = [p for p in operation.parameters(where) if where == "path" or p.get("required")]
        filled.append({p["name"]: str(operation.fill(p["schema"], asker.ids, p["name"])) for p in parameters})
        if slot and slot[0] == where:
            filled[-1][slot[1]] = value
    return filled[0], filled[1]


async def _body(
    operation: Operation,
    asker: World,
    slot: tuple[str, ...] | None,
    value: str,
    path: dict[str, str],
    digests: dict[str, str],
) -> dict[str, Any] | None:
    if operation.body_schema is None:
        return None
    body: dict[str, Any] = operation.fill(operation.body_schema, asker.ids)
    if "purpose" in body:
        body["purpose"] = "merge" if slot == ("body", "subject_id") else "sign_in"
    if "proof" in body:
        await _sign(operation, asker, path, body, digests)
    if slot and slot[0] == "body":
        _put(body, slot[1:], value)
    return body


async def _sign(
    operation: Operation, asker: World, path: dict[str, str], body: dict[str, Any], digests: dict[str, str]
) -> None:
    assert operation.name in PURPOSES, f"{operation.name} takes a proof: say in {__name__} of what"
    purpose, phone = PURPOSES[operation.name], asker.phone
    if purpose in ("sign_in", "refresh"):
        return
    subject = str(next(iter(path.values()), asker.person.participant_id))
    body["nonce"] = await phone.challenge(purpose, subject)
    signed = {"version": 1, "purpose": purpose, "device_id": phone.device_id, "nonce": body["nonce"]}
    if "plan_digest" in body:
        body["plan_digest"] = digests.get(subject, PLAIN["plan_digest"])
        signed |= {"merge_id": subject, "plan_digest": body["plan_digest"], "acknowledged": body["acknowledged"]}
    else:
        signed["subject_id"] = subject
    body["proof"] = phone.proof(signed)


def _put(body: dict[str, Any], names: tuple[str, ...], value: str) -> None:
    for name in names[:-1]:
        body = body[name]
    body[names[-1]] = [value] if isinstance(body.get(names[-1]), list) else value


def comparable(answer: httpx.Response, value: str) -> tuple[int, str]:
    """Status and body, but for the request's id, what was asked for, and what is drawn anew each time."""
    text = answer.text.replace(value, "<asked>") if value else answer.text
    if answer.headers.get("content-type", "").endswith("json"):
        told = msgspec.json.decode(text)
        for name in ("instance", "nonce", "expires_at", "enrolment_id", "case_id"):
            told.pop(name, None)
        text = msgspec.json.encode(told).decode()
    return answer.status_code, text
