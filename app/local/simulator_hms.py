"""Huawei's Push Kit in small: an app's credentials, its access tokens, and what `messages:send` takes and refuses.

Source: https://developer.huawei.com/consumer/en/doc/HMSCore-References/https-send-api-0000001050986197
"""

from __future__ import annotations

import re
import secrets
import time
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs

import msgspec

from app.local.simulator_accounts import AccountError, write_private

APP_ID = "109900001"
TOKEN_LIFE_S = 3600
LONGEST_TTL_S = 15 * 24 * 3600
PAYLOAD_LIMIT_BYTES = 4096
SUCCESS = "80000000"
CODES = {
    SUCCESS: "Success",
    "80100001": "Parameter error",
    "80100003": "Incorrect message structure",
    "80200001": "Oauth authentication error",
    "80200003": "Oauth Token expired",
    "80300002": "Forbidden for the current app to send messages",
    "80300007": "All the tokens are invalid",
    "80300008": "The message body size exceeds the default value",
    "80300010": "The number of tokens in the message body exceeds the default value",
    "81000001": "System inner error",
}

_Strings = dict[str, str]


class HmsError(ValueError):
    """Push Kit answers with this code; the message says which field."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class CredentialsRefusedError(ValueError):
    """The token endpoint answers 400 with error 1101 and this `sub_error`."""

    def __init__(self, sub_error: int, message: str) -> None:
        super().__init__(message)
        self.sub_error = sub_error


class _Credentials(msgspec.Struct, frozen=True):
    app_id: str
    client_id: str
    client_secret: str


class _ClickAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: Literal[1, 2, 3]
    intent: str = ""
    url: str = ""
    action: str = ""


class _Notification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Annotated[str, msgspec.Meta(min_length=1)]
    body: Annotated[str, msgspec.Meta(min_length=1)]
    click_action: _ClickAction
    tag: str = ""
    notify_id: int = -1
    channel_id: str = ""
    importance: Literal["LOW", "NORMAL", "HIGH"] = "NORMAL"
    visibility: Literal["VISIBILITY_UNSPECIFIED", "PUBLIC", "SECRET", "PRIVATE"] = "PRIVATE"
    foreground_show: bool = True


class _Android(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    notification: _Notification | None = None
    urgency: Literal["HIGH", "NORMAL"] = "NORMAL"
    ttl: str = "86400s"
    collapse_key: Annotated[int, msgspec.Meta(ge=-1, le=100)] = -1
    category: str = ""
    bi_tag: str = ""
    data: str = ""


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: list[str]
    data: str = ""
    notification: _Strings = {}
    android: _Android | None = None


class _SendRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    message: _Message
    validate_only: bool = False


class Taken(msgspec.Struct, frozen=True):
    """A message that Push Kit would take: the one token that it goes to, and the message as it was sent."""

    token: str
    message: dict[str, Any]


def write_hms_credentials(path: Path) -> None:
    """Creates the file once, mode 0600. Raises AccountError for a file that is not the simulator's own."""
    if path.exists():
        _read_credentials(path)
        return
    own = _Credentials(APP_ID, APP_ID, secrets.token_hex(32))
    write_private(path, msgspec.json.format(msgspec.json.encode(own)))


class AppTokens:
    """Turns an app's credentials into access tokens. Forgets them on a restart: clients must cope with being refused."""

    def __init__(self, path: Path) -> None:
        self._own = _read_credentials(path)
        self._valid_until: dict[str, float] = {}
        self.issued = 0

    def grant(self, form: bytes) -> dict[str, Any]:
        """The answer to a client-credentials grant. Raises CredentialsRefusedError."""
        fields = parse_qs(form.decode("ascii", "replace"))
        if fields.get("grant_type") != ["client_credentials"]:
            raise CredentialsRefusedError(20001, "grant_type is client_credentials")
        if fields.get("client_id") != [self._own.client_id]:
            raise CredentialsRefusedError(20003, "client_id does not exist")
        if fields.get("client_secret") != [self._own.client_secret]:
            raise CredentialsRefusedError(12304, "client_secret is incorrect")
        token = f"app-access.{secrets.token_urlsafe(48)}"
        self._valid_until[token] = time.time() + TOKEN_LIFE_S
        self.issued += 1
        return {"access_token": token, "expires_in": TOKEN_LIFE_S, "token_type": "Bearer"}

    def check(self, authorization: str) -> None:
        """Raises HmsError unless this Authorization header carries a living token of ours."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or token not in self._valid_until:
            raise HmsError("80200001", CODES["80200001"])
        if self._valid_until[token] <= time.time():
            raise HmsError("80200003", CODES["80200003"])

    def reset_secret(self) -> dict[str, str]:
        """As in AppGallery Connect: the old secret and all tokens are void at once. The new credentials, to be put in place."""
        self._own = msgspec.structs.replace(self._own, client_secret=secrets.token_hex(32))
        self._valid_until.clear()
        return msgspec.structs.asdict(self._own)


def read_send_request(app_id: str, body: bytes) -> Taken:
    """Raises HmsError for whatever Push Kit refuses."""
    if app_id != APP_ID:
        raise HmsError("80200001", "the access token is of another app")
    try:
        message = msgspec.json.decode(body, type=_SendRequest).message
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HmsError("80100003", str(error)) from error
    if len(message.token) != 1:
        raise HmsError("80300010", "this app sends to one token at a time")
    if not re.fullmatch(r"[!-~]{1,4096}", message.token[0]):
        raise HmsError("80300007", CODES["80300007"])
    _check_android(message)
    if len(body) - len(message.token[0]) > PAYLOAD_LIMIT_BYTES:
        raise HmsError("80300008", CODES["80300008"])
    return Taken(message.token[0], msgspec.json.decode(body)["message"])


def build_answer(code: str, message: str = "", token: str = "") -> dict[str, Any]:
    """Push Kit's body; a partial failure names the one `token` as illegal."""
    text = message or CODES.get(code, "Scripted")
    if code == "80100000":
        text = msgspec.json.encode({"success": 0, "failure": 1, "illegal_tokens": [token]}).decode()
    return {"code": code, "msg": text, "requestId": f"{time.time_ns()}{secrets.randbelow(1000):03}"}


def _check_android(message: _Message) -> None:
    android = message.android
    if android is None or android.notification is None:
        raise HmsError("80100003", "android.notification is missing: without it nothing is shown")
    duration = re.fullmatch(r"([0-9]{1,12})s?", android.ttl, re.ASCII)
    if duration is None or not 0 < int(duration[1]) <= LONGEST_TTL_S:
        raise HmsError("80100004", 'ttl is from 1 second to 15 days, as "60s"')
    if message.data:
        try:
            msgspec.json.decode(message.data)
        except msgspec.DecodeError as error:
            raise HmsError("80100003", "data of a notification is JSON in a string") from error


def _read_credentials(path: Path) -> _Credentials:
    try:
        own = msgspec.json.decode(path.read_bytes(), type=_Credentials)
    except (OSError, msgspec.MsgspecError) as error:
        raise AccountError(f"{path} holds no HMS credentials of the simulator; delete it: {error}") from error
    if own.app_id != APP_ID:
        raise AccountError(
            f"{path} belongs to app {own.app_id}, not to the simulator; "
            "unset SEPAKAT_HMS_CREDENTIALS, or do not start the simulator"
        )
    return own
