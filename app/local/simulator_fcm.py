"""What FCM HTTP v1 takes and refuses, and the error bodies it answers with. Pure.

Source: https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec

FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
GOOGLE_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
LONGEST_TTL_S = 28 * 24 * 3600
PAYLOAD_LIMIT_BYTES = 4096

_Strings = dict[str, str]
_RESERVED_KEYS = re.compile(r"from|message_type|(google\.|gcm\.notification\.).*")


class InvalidArgumentError(ValueError):
    """FCM answers 400 INVALID_ARGUMENT; the message says which field."""


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A scripted answer, so many `times`. `drop` cuts the connection once the message is taken; `delay_s` waits first."""

    status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 200
    error_code: str | None = None
    retry_after: str | int | None = None
    body: Literal["garbage"] | None = None
    details: list[dict[str, Any]] = []
    delay_s: Annotated[float, msgspec.Meta(ge=0, le=600)] = 0.0
    drop: bool = False
    times: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1


class _Notification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str = ""
    body: str = ""
    image: str = ""


class _AndroidNotification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str = ""
    body: str = ""
    icon: str = ""
    color: str = ""
    sound: str = ""
    tag: str = ""
    click_action: str = ""
    body_loc_key: str = ""
    body_loc_args: list[str] = []
    title_loc_key: str = ""
    title_loc_args: list[str] = []
    channel_id: str = ""
    ticker: str = ""
    sticky: bool = False
    event_time: str = ""
    local_only: bool = False
    notification_priority: str = ""
    default_sound: bool = False
    default_vibrate_timings: bool = False
    default_light_settings: bool = False
    vibrate_timings: list[str] = []
    visibility: str = ""
    notification_count: int = 0
    light_settings: dict[str, Any] = {}
    image: str = ""
    proxy: str = ""


class _Android(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    collapse_key: str = ""
    priority: Literal["", "high", "HIGH", "normal", "NORMAL"] = ""
    ttl: str = "0s"
    restricted_package_name: str = ""
    data: _Strings = {}
    notification: _AndroidNotification | None = None
    fcm_options: _Strings = {}
    direct_boot_ok: bool = False
    bandwidth_constrained_ok: bool = False
    restricted_satellite_ok: bool = False


class _Apns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    headers: _Strings = {}
    payload: dict[str, Any] = {}
    fcm_options: _Strings = {}
    live_activity_token: str = ""


class _Webpush(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    headers: _Strings = {}
    data: _Strings = {}
    notification: dict[str, Any] = {}
    fcm_options: _Strings = {}


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: str = ""
    fid: str = ""
    topic: str = ""
    condition: str = ""
    data: _Strings = {}
    notification: _Notification | None = None
    android: _Android | None = None
    apns: _Apns | None = None
    webpush: _Webpush | None = None
    fcm_options: _Strings = {}


class _SendRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    message: _Message
    validate_only: bool = False


class Target(msgspec.Struct, frozen=True):
    """One app on one phone, by installation id or by the older registration token."""

    kind: Literal["fid", "token"]
    value: str


class Taken(msgspec.Struct, frozen=True):
    """A message that FCM would take: where it goes, and the message as it was sent."""

    target: Target
    message: dict[str, Any]


def read_send_request(body: bytes) -> Taken:
    """Raises InvalidArgumentError for whatever FCM refuses."""
    try:
        message = msgspec.json.decode(body, type=_SendRequest).message
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgumentError(f"Invalid JSON payload received. {error}") from error
    target = _read_target(message)
    _check_data(message)
    _check_platforms(message)
    return Taken(target, msgspec.json.decode(body)["message"])


def build_error(status: int, message: str, code: str | None, details: list[dict[str, Any]]) -> dict[str, Any]:
    """Google's error body; `code` None leaves FcmError out, as the API front end does."""
    own = [{"@type": FCM_ERROR, "errorCode": code}] if code else []
    error = {"code": status, "message": message, "status": GOOGLE_STATUS.get(status, "UNKNOWN")}
    return {"error": {**error, "details": own + details} if own or details else error}


def _read_target(message: _Message) -> Target:
    named = [name for name in ("token", "fid", "topic", "condition") if getattr(message, name)]
    if len(named) != 1:
        raise InvalidArgumentError("Exactly one of token, fid, topic or condition is required.")
    value: str = getattr(message, named[0])
    match named[0]:
        case "fid" | "token" as kind if re.fullmatch(r"[!-~]{1,4096}", value):
            return Target(kind, value)
        case "fid" | "token":
            raise InvalidArgumentError("The registration token is not a valid FCM registration token")
        case _:
            raise InvalidArgumentError("This project sends to single installations only.")


def _check_data(message: _Message) -> None:
    reserved = [key for key in message.data if _RESERVED_KEYS.fullmatch(key)]
    if reserved:
        raise InvalidArgumentError(f"Invalid data payload key: {reserved[0]}")
    payload = [*message.data, *message.data.values()]
    if message.notification:
        payload += [message.notification.title, message.notification.body, message.notification.image]
    if sum(len(text.encode()) for text in payload) > PAYLOAD_LIMIT_BYTES:
        raise InvalidArgumentError("Message is too big: at most 4096 bytes")


def _check_platforms(message: _Message) -> None:
    if message.android:
        duration = re.fullmatch(r"([0-9]{1,12}(\.[0-9]{1,9})?)s", message.android.ttl, re.ASCII)
        if duration is None or float(duration[1]) > LONGEST_TTL_S:
            raise InvalidArgumentError("Invalid value at 'message.android.ttl': from 0 to 28 days, as \"3.5s\"")
    collapse_id = message.apns.headers.get("apns-collapse-id", "") if message.apns else ""
    if len(collapse_id.encode()) > 64:
        raise InvalidArgumentError("apns-collapse-id must not exceed 64 bytes")
