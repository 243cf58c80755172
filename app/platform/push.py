"""One push, and what every provider of pushes does with it."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from app.platform.outcomes import Outcome

LONGEST_TTL_S = 28 * 24 * 3600


class Push(msgspec.Struct, frozen=True, gc=False):
    """One generic push: what happened is read in the app. The same `delivery_id` replaces its own doubles.

    `from_seq` is there for a digest: it covers the entries from there to `seq`.

    `jwe` (some 3,100 bytes at most) is what happened, for the phone alone that asked for it; one more member of the data.
    """

    kind: Literal["fid", "token", "hms"]
    value: str
    delivery_id: str
    seq: int
    entry_class: Literal["card", "security", "notice"]
    title: str
    body: str
    urgent: bool = False
    ttl_s: int = LONGEST_TTL_S
    jwe: str | None = None
    from_seq: int | None = None

    def __repr__(self) -> str:
        return f"Push(kind={self.kind!r}, delivery_id={self.delivery_id!r}, seq={self.seq})"


class Provider(Protocol):
    """Takes pushes of the kinds of target that it knows. Shared by all sends of a process."""

    async def send(self, push: Push) -> Outcome:
        """One attempt. Whatever comes back, or nothing at all, is an outcome and never an exception."""
        ...
