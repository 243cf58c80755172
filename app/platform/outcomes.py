"""What became of something handed to an outside provider: a value to match on, never an exception."""

from __future__ import annotations

from typing import Literal

import msgspec


class Accepted(msgspec.Struct, frozen=True, tag_field="outcome", tag="accepted"):
    """The provider took it. Not yet delivered: only the phone's own receipt tells that."""

    message_id: str


class Unregistered(msgspec.Struct, frozen=True, tag_field="outcome", tag="unregistered"):
    """The target is gone, or another sender's. Clear it, if it is still the same and older than this send."""

    because: Literal["unregistered", "sender_mismatch"] = "unregistered"

    @property
    def code(self) -> str:
        """The provider's word for it."""
        return "UNREGISTERED" if self.because == "unregistered" else "SENDER_ID_MISMATCH"


class RetryLater(msgspec.Struct, frozen=True, tag_field="outcome", tag="retry_later"):
    """Send again with the same id, no sooner than `after_s` seconds from now; growing waits are the caller's.

    `reason` starts with `unknown_` where the provider may have taken the message all the same.
    `provider_wide` says that others would fare no better; otherwise only this target waits.
    """

    after_s: float
    reason: str
    provider_wide: bool


class Rejected(msgspec.Struct, frozen=True, tag_field="outcome", tag="rejected"):
    """This message will never be taken as it is; `code` is the provider's word for why."""

    code: str


class Misconfigured(msgspec.Struct, frozen=True, tag_field="outcome", tag="misconfigured"):
    """Our own set-up is at fault: pause `scope`, alarm, keep everything that waits."""

    reason: str
    scope: Literal["provider", "apple_and_web"] = "provider"


Outcome = Accepted | Unregistered | RetryLater | Rejected | Misconfigured
