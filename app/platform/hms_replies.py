"""What each answer of Huawei's Push Kit means for the message, the target and the provider. Pure.

Sources: https://developer.huawei.com/consumer/en/doc/HMSCore-References/https-send-api-0000001050986197 and, for access
tokens, https://developer.huawei.com/consumer/en/doc/doccenter-references/api/account-server-error-code/
"""

from __future__ import annotations

import re
from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec

from app.platform.outcomes import Accepted, Misconfigured, Outcome, Rejected, RetryLater, Unregistered
from app.platform.push_grants import Failure, Refused
from app.platform.push_http import OVERLOADED_AFTER_S, Reply, read_wait_s

FLOW_CONTROL_AFTER_S = 60.0

_REFUSED_TOKEN = ("80200001", "80200003")
_OURS = {
    "80300002": "the app may not send: is Push Kit enabled for it in AppGallery Connect, in this region too?",
    "80300013": "the address for receipts in AppGallery Connect is wrong",
    "80600003": "Huawei's own sign-in refused the app: check client_id and client_secret",
}

TOO_URGENT = Misconfigured("Push Kit answered 80300011: the app has no permission for urgency HIGH; ask Huawei for it")


class _Answer(msgspec.Struct, frozen=True, rename={"request_id": "requestId"}):
    code: str | int
    msg: Any = ""
    request_id: str = ""


class _Partly(msgspec.Struct, frozen=True):
    illegal_tokens: list[str]


class _Given(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float


class AccessToken(msgspec.Struct, frozen=True):
    """What the token endpoint gave, for `expires_in` seconds."""

    value: str
    expires_in: float

    def __repr__(self) -> str:
        return f"AccessToken(expires_in={self.expires_in})"


def read_outcome(reply: Reply, token: str, now: datetime) -> Outcome | Refused:
    """The outcome of one send to one `token`. `now` (aware) serves where the answer has no Date of its own.

    Huawei's own code decides, whether it comes with 200, 400 or 401.
    """
    answer = _read_answer(reply.body)
    if reply.status in (200, 400, 401) and answer is not None:
        outcome = _read_code(answer, token)
        if outcome is not None:
            return outcome
    match reply.status:
        case 401:
            return Refused(Misconfigured("Push Kit answered 401: check client_id and client_secret"))
        case 403 | 404:
            return Misconfigured(f"Push Kit answered {reply.status}: check SEPAKAT_HMS_BASE_URL and app_id")
        case 429 | 503:
            return RetryLater(read_wait_s(reply, now, FLOW_CONTROL_AFTER_S), "flow_control", provider_wide=True)
        case 500:
            return RetryLater(read_wait_s(reply, now, OVERLOADED_AFTER_S), "internal_error", provider_wide=False)
        case status if status > HTTPStatus.INTERNAL_SERVER_ERROR:
            return RetryLater(read_wait_s(reply, now, OVERLOADED_AFTER_S), f"unavailable_{status}", provider_wide=True)
        case 200 | 400 if answer is not None:
            return RetryLater(OVERLOADED_AFTER_S, f"unknown_code_{_safe(answer.code)}", provider_wide=False)
        case 200:
            # Huawei may have taken the message before something in between spoilt the answer.
            return RetryLater(OVERLOADED_AFTER_S, "unknown_reply", provider_wide=False)
        case status:
            return RetryLater(
                read_wait_s(reply, now, OVERLOADED_AFTER_S), f"unknown_status_{status}", provider_wide=False
            )


def read_access_token(reply: Reply, now: datetime) -> AccessToken | Failure:
    """What the token endpoint answered to our client credentials."""
    match reply.status:
        case 200:
            try:
                given = msgspec.json.decode(reply.body, type=_Given)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return RetryLater(OVERLOADED_AFTER_S, "token_endpoint_unreadable", provider_wide=True)
            return AccessToken(given.access_token, given.expires_in)
        case 400 | 401 | 403 | 404 | 405:
            return Misconfigured(
                "Huawei refuses the app's credentials: is client_secret in SEPAKAT_HMS_CREDENTIALS valid?"
            )
        case _:
            wait_s = read_wait_s(reply, now, OVERLOADED_AFTER_S)
            return RetryLater(wait_s, "token_endpoint_unavailable", provider_wide=True)


def _read_code(answer: _Answer, token: str) -> Outcome | Refused | None:
    code = _safe(answer.code)
    match code:
        case "80000000":
            return Accepted(answer.request_id)
        case "80100000":
            return _read_partly(answer, token)
        case "80300007":
            return Unregistered()
        case "80300011":
            return TOO_URGENT
        case "80300008" | "80300010":
            return Rejected(code)
        case "81000001":
            return RetryLater(OVERLOADED_AFTER_S, "internal_error", provider_wide=False)
        case _ if code in _REFUSED_TOKEN:
            return Refused(Misconfigured(f"Push Kit answered {code}: are app_id and client_id of one app?"))
        case _ if code in _OURS:
            return Misconfigured(f"Push Kit answered {code}: {_OURS[code]}")
        case _ if re.fullmatch("801[0-9]{5}", code, re.ASCII):
            return Rejected(code)  # all of these find fault with the message
        case _:
            return None


def _safe(code: str | int) -> str:
    """Only what looks like a code goes on: a free text could repeat a token into a log."""
    return str(code) if re.fullmatch("[0-9]{1,12}", str(code), re.ASCII) else "unspecified"


def _read_partly(answer: _Answer, token: str) -> Outcome:
    """`msg` is JSON in a string, and names the tokens that were not served."""
    try:
        told = msgspec.json.decode(answer.msg) if isinstance(answer.msg, str) else answer.msg
        illegal = msgspec.convert(told, _Partly).illegal_tokens
    except (msgspec.MsgspecError, RecursionError):
        return RetryLater(OVERLOADED_AFTER_S, "unknown_reply", provider_wide=False)
    return Unregistered() if token in illegal else Accepted(answer.request_id)


def _read_answer(body: bytes) -> _Answer | None:
    try:
        return msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
