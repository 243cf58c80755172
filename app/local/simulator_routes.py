"""The simulator's HTTP: of providers of pushes, an SMS gateway, identities; and routes that show and script what it does."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict, deque
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import parse_qs

import msgspec

from app.local.demo_people import list_people
from app.local.simulator_accounts import PROJECT_ID, TOKEN_LIFE_S, GrantRefusedError, TokenEndpoint
from app.local.simulator_core import CoreInbox
from app.local.simulator_fcm import GOOGLE_STATUS, InvalidArgumentError, Outcome, build_error, read_send_request
from app.local.simulator_hms import SUCCESS, AppTokens, CredentialsRefusedError, HmsError, build_answer
from app.local.simulator_hms import read_send_request as read_hms_request
from app.local.simulator_http import (
    Receive,
    Reply,
    Scope,
    Send,
    find_header,
    find_local_origin,
    live,
    read_body,
    write_reply,
)
from app.local.simulator_journal import Journal, Record
from app.local.simulator_oidc import AUDIENCE, STAFF_TOKEN_LIFE_S, Provider, UnknownStaffError
from app.local.simulator_quota import Quota, QuotaSetting, failure

_NORMAL = Outcome()
_GARBAGE = b"<html><body>upstream connect error \xff"


class _Sms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    to: Annotated[str, msgspec.Meta(pattern=r"^\+?[0-9][0-9 -]{2,30}$")]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=1600)]


class _Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    target: Annotated[str, msgspec.Meta(min_length=1)]
    outcomes: list[Outcome]


class _StaffSignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    staff: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    audience: str = AUDIENCE


class Simulator:
    """An ASGI application. Scripts are by target value: a registration, a phone number, a mail address, `*` for any push."""

    def __init__(self, journal: Journal, tokens: TokenEndpoint, provider: Provider, app_tokens: AppTokens) -> None:
        self.core = CoreInbox(journal)
        self._journal = journal
        self._provider = provider
        self._tokens = tokens
        self._app_tokens = app_tokens
        self._quota = Quota()
        self._scripts: defaultdict[str, deque[Outcome]] = defaultdict(deque)
        self._sms: dict[str, tuple[_Sms, asyncio.Future[None] | None]] = {}
        for record in journal.records:
            if record["channel"] == "sms":
                sms = _Sms(record["id"], record["to"], record["text"])
                self._sms[sms.id] = (sms, None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await live(receive, send)
            return
        body = await read_body(receive)
        answer = self.core.take if scope["path"] == "/core" else self._answer
        reply = Reply(413) if body is None else await answer(scope, body)
        await write_reply(reply, send)

    def refuse_mail(self, to: str) -> str | None:
        """What a mail server says to a recipient for whom a refusal is scripted."""
        scripted = self._next(to)
        return f"{scripted.status} Scripted" if scripted.status >= 400 else None

    async def take_mail(self, to: str, subject: str, text: str, message_id: str) -> None:
        """Returns when the mail is on disk."""
        mail = {"at": _now(), "channel": "mail", "to": to, "subject": subject, "text": text, "id": message_id}
        await self._journal.append(mail)

    async def _answer(self, scope: Scope, body: bytes) -> Reply:
        match scope["method"], scope["path"].split("/")[1:]:
            case "POST", ["token"]:
                return self._grant_token(body)
            case "POST", ["v1", *sender, "messages:send"] if sender:
                send = self._send_push if sender[0] == "projects" else self._send_hms_push
                return await send(sender[-1], find_header(scope, b"authorization"), body)
            case "POST", ["oauth2" | "hms" as first, *rest]:
                return self._admit_app([first, *rest], body)
            case "POST", ["sms"]:
                return await self._send_sms(body)
            case method, [".well-known" | "jwks.json" | "oidc" as first, *rest]:
                return self._provide_identity(method, [first, *rest], body)
            case "GET", ["messages"]:
                shown = self._show_messages(scope["query_string"].decode("ascii", "replace"))
                return msgspec.structs.replace(shown, readable_by=find_local_origin(scope))
            case "GET", ["people"]:
                return Reply(200, msgspec.json.encode(list_people()), readable_by=find_local_origin(scope))
            case method, ["script" | "quota" as what]:
                return self._direct(method, what, body)
            case "GET", ["health"]:
                counts = {"messages": len(self._journal.records), "tokens_issued": self._tokens.issued}
                counts["hms_tokens_issued"] = self._app_tokens.issued
                return _json(200, {"status": "ok", **counts})
            case _:
                return _json(404, build_error(404, "Requested entity was not found.", None, []))

    def _grant_token(self, body: bytes) -> Reply:
        try:
            token = self._tokens.grant(body)
        except GrantRefusedError as error:
            return _json(400, {"error": "invalid_grant", "error_description": str(error)})
        return _json(200, {"access_token": token, "expires_in": TOKEN_LIFE_S, "token_type": "Bearer"})

    def _admit_app(self, path: list[str], body: bytes) -> Reply:
        match path:
            case ["oauth2", "v3", "token"]:
                try:
                    return _json(200, self._app_tokens.grant(body))
                except CredentialsRefusedError as error:
                    return _json(400, {"error": 1101, "sub_error": error.sub_error, "error_description": str(error)})
            case ["hms", "reset-secret"]:
                return _json(200, self._app_tokens.reset_secret())
            case _:
                return _json(404, {"error": "not_found"})

    def _provide_identity(self, method: str, path: list[str], body: bytes) -> Reply:
        match method, path:
            case "GET", [".well-known", "openid-configuration"]:
                return _json(200, self._provider.describe())
            case "GET", ["jwks.json"]:
                return _json(200, self._provider.show_keys())
            case "POST", ["oidc", "token"]:
                return self._sign_staff_in(body)
            case "POST", ["oidc", "rotate"]:
                self._provider.rotate()
                return Reply(204)
            case _:
                return _json(404, {"error": "not_found"})

    def _sign_staff_in(self, body: bytes) -> Reply:
        try:
            asked = msgspec.json.decode(body, type=_StaffSignIn)
            token = self._provider.sign_in(asked.staff, asked.audience)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, UnknownStaffError) as error:
            return _json(422, {"error": f"send {{staff}}: {error}"})
        return _json(200, {"access_token": token, "expires_in": STAFF_TOKEN_LIFE_S, "token_type": "Bearer"})

    async def _send_push(self, project: str, authorization: str, body: bytes) -> Reply:
        if not self._tokens.knows(authorization):
            message = "Request had invalid authentication credentials."
            return _json(401, build_error(401, message, None, []))
        if project != PROJECT_ID:
            message = f"Permission 'cloudmessaging.messages.create' denied on project {project}."
            return _json(403, build_error(403, message, None, []))
        try:
            taken = read_send_request(body)
        except InvalidArgumentError as error:
            return _json(400, build_error(400, str(error), "INVALID_ARGUMENT", []))
        retry_after = self._quota.refuse(time.monotonic())
        if retry_after is not None:
            refusal = build_error(429, "Quota exceeded.", "QUOTA_EXCEEDED", [failure()])
            return msgspec.structs.replace(_json(429, refusal), retry_after=str(retry_after))
        scripted = self._next(taken.target.value, "*")
        await self._note_push(taken.target.kind, taken.target.value, taken.message, _outcome_word(scripted))
        name = f"projects/{project}/messages/0:{secrets.token_hex(8)}"
        return await _play(scripted, _google(scripted, _json(200, {"name": name})))

    async def _send_hms_push(self, app_id: str, authorization: str, body: bytes) -> Reply:
        try:
            self._app_tokens.check(authorization)
            taken = read_hms_request(app_id, body)
        except HmsError as error:
            status = 401 if error.code.startswith("802") else 400
            return _json(status, build_answer(error.code, str(error)))
        scripted = self._next(taken.token, "*")
        await self._note_push("hms", taken.token, taken.message, _outcome_word(scripted))
        if scripted.error_code or scripted.status == 200:
            answer = _json(scripted.status, build_answer(scripted.error_code or SUCCESS, token=taken.token))
        else:
            answer = Reply(scripted.status)
        return await _play(scripted, answer)

    async def _note_push(self, kind: str, value: str, message: dict[str, Any], outcome: str) -> None:
        target = {"kind": kind, "value": value}
        record = {"at": _now(), "channel": "push", "target": target, "message": message, "outcome": outcome}
        await self._journal.append(record)

    async def _send_sms(self, body: bytes) -> Reply:
        try:
            sms = msgspec.json.decode(body, type=_Sms)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _json(422, {"error": f"send {{id, to, text}}: {error}"})
        scripted = self._next(sms.to)
        if scripted.status >= 300:
            return await _play(scripted, _google(scripted, Reply(scripted.status)))
        known, written = self._sms.get(sms.id, (sms, None))
        if known != sms:
            return _json(409, {"error": "this id was used for another message"})
        if sms.id not in self._sms:
            written = asyncio.ensure_future(
                self._journal.append({"at": _now(), "channel": "sms", "to": sms.to, "text": sms.text, "id": sms.id})
            )
            self._sms[sms.id] = (sms, written)
        if written is not None:
            await asyncio.shield(written)
        return await _play(scripted, _json(200, {"id": sms.id}))

    def _show_messages(self, query: str) -> Reply:
        after = parse_qs(query).get("after", ["0"])[0]
        if not (after.isascii() and after.isdigit()):
            return _json(400, {"error": "after is the number of lines that you have already"})
        lines = [msgspec.json.encode(_shown(record)) + b"\n" for record in self._journal.records[int(after) :]]
        return Reply(200, b"".join(lines), "application/x-ndjson")

    def _direct(self, method: str, what: str, body: bytes) -> Reply:
        """How it is to behave from now on."""
        match method, what:
            case "POST", "script":
                return self._add_script(body)
            case "DELETE", "script":
                self._scripts.clear()
                return Reply(204)
            case "PUT" | "GET", "quota":
                return self._quota_of(method, body)
            case _:
                return Reply(405)

    def _add_script(self, body: bytes) -> Reply:
        try:
            script = msgspec.json.decode(body, type=_Script)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _json(422, {"error": f"send {{target, outcomes: [{{status, …}}]}}: {error}"})
        for outcome in script.outcomes:
            self._scripts[script.target].extend([outcome] * outcome.times)
        return Reply(204)

    def _quota_of(self, method: str, body: bytes) -> Reply:
        if method == "GET":
            return _json(200, self._quota.show(time.monotonic()))
        try:
            self._quota.set(msgspec.json.decode(body, type=QuotaSetting))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _json(422, {"error": f"send {{messages, window_s}}: {error}"})
        return Reply(204)

    def _next(self, *targets: str) -> Outcome:
        for target in targets:
            if self._scripts.get(target):
                return self._scripts[target].popleft()
        return _NORMAL


def _google(scripted: Outcome, normal: Reply) -> Reply:
    if scripted.status == 200 and not scripted.error_code:
        return normal
    message = f"Scripted: {scripted.error_code or scripted.status}"
    return _json(scripted.status, build_error(scripted.status, message, scripted.error_code, scripted.details))


async def _play(scripted: Outcome, answer: Reply) -> Reply:
    await asyncio.sleep(scripted.delay_s)
    if scripted.drop:
        return Reply(scripted.status, drop=True)
    if scripted.body == "garbage":
        answer = Reply(scripted.status, _GARBAGE, "text/html")
    return msgspec.structs.replace(answer, retry_after=str(scripted.retry_after or ""))


def _outcome_word(scripted: Outcome) -> str:
    if scripted.status == 200 and not scripted.error_code:
        return "accepted"
    return scripted.error_code or GOOGLE_STATUS.get(scripted.status, "UNKNOWN")


def _shown(record: Record) -> Record:
    """SMS and mail keep their ids on disk: for the gateway's memory, and to tell a double from a second mail."""
    return {key: value for key, value in record.items() if key != "id"}


def _json(status: int, content: dict[str, Any]) -> Reply:
    return Reply(status, msgspec.json.encode(content))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
