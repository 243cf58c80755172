"""What each answer of FCM HTTP v1 means for the message, the target and the provider. Pure.

Source: https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode
"""

from __future__ import annotations

import re
from datetime import datetime
from http import HTTPStatus

import msgspec

from app.platform.outcomes import Accepted, Misconfigured, Outcome, Rejected, RetryLater, Unregistered
from app.platform.push_http import OVERLOADED_AFTER_S, Reply, read_wait_s

FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
QUOTA_FAILURE = "type.googleapis.com/google.rpc.QuotaFailure"

QUOTA_AFTER_S = 60.0


class _Violation(msgspec.Struct, frozen=True):
    subject: str = ""
    description: str = ""


class _Detail(msgspec.Struct, frozen=True):
    type: str = msgspec.field(name="@type", default="")
    error_code: str = msgspec.field(name="errorCode", default="")
    violations: list[_Violation] = []


class _Error(msgspec.Struct, frozen=True):
    status: str = ""
    details: list[_Detail] = []


class _ErrorBody(msgspec.Struct, frozen=True):
    error: _Error


class _Sent(msgspec.Struct, frozen=True):
    name: str


def read_outcome(reply: Reply, now: datetime) -> Outcome:
    """The outcome of one send. `now` (aware) serves where the answer has no Date of its own."""
    if reply.status == HTTPStatus.OK:
        return _read_accepted(reply.body)
    error = _read_error(reply.body)
    code = _fcm_code(error)
    match reply.status:
        case 404 if code == "UNREGISTERED":
            return Unregistered()
        case 403 if code == "SENDER_ID_MISMATCH":
            return Unregistered("sender_mismatch")
        case 401 if code == "THIRD_PARTY_AUTH_ERROR":
            return Misconfigured("FCM cannot sign in at Apple or web push: THIRD_PARTY_AUTH_ERROR", "apple_and_web")
        case 401 | 403 | 404:
            return Misconfigured(f"FCM answered {reply.status} {_word(error)}: check project, key and role")
        case 400 if error is not None:
            return Rejected(code or _word(error))
        case 429:
            return RetryLater(read_wait_s(reply, now, QUOTA_AFTER_S), "quota_exceeded", not _of_one_device(error))
        case 500:
            # One message may be what makes FCM stumble: the others need not wait for it.
            return RetryLater(read_wait_s(reply, now, OVERLOADED_AFTER_S), "internal_error", provider_wide=False)
        case status if status > HTTPStatus.INTERNAL_SERVER_ERROR:
            return RetryLater(read_wait_s(reply, now, OVERLOADED_AFTER_S), f"unavailable_{status}", provider_wide=True)
        case status:
            return RetryLater(
                read_wait_s(reply, now, OVERLOADED_AFTER_S), f"unknown_status_{status}", provider_wide=False
            )


def _read_accepted(body: bytes) -> Outcome:
    try:
        return Accepted(msgspec.json.decode(body, type=_Sent).name)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # FCM may have taken the message before something in between spoilt the answer.
        return RetryLater(OVERLOADED_AFTER_S, "unknown_reply", provider_wide=False)


def _read_error(body: bytes) -> _Error | None:
    try:
        return msgspec.json.decode(body, type=_ErrorBody).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _fcm_code(error: _Error | None) -> str:
    codes = [detail.error_code for detail in error.details if detail.type == FCM_ERROR] if error else []
    return _safe(codes[0]) if codes else ""


def _word(error: _Error | None) -> str:
    return (_safe(error.status) if error else "") or "UNSPECIFIED"


def _safe(code: str) -> str:
    """Only what looks like a code goes on: a free text could repeat a registration value into a log."""
    return code if re.fullmatch(r"[A-Z][A-Z_]{1,63}", code, re.ASCII) else "UNSPECIFIED"


def _of_one_device(error: _Error | None) -> bool:
    """Google tells its three quotas (project, device, topic) apart only in the text of a QuotaFailure."""
    details = [detail for detail in error.details if detail.type == QUOTA_FAILURE] if error else []
    return any(
        "device" in f"{violation.subject} {violation.description}".lower()
        for detail in details
        for violation in detail.violations
    )
