"""A Merkle tree as RFC 6962 builds it, over leaves that are hashes already. Pure.

A node is SHA-256 of a one byte and its two children; a node without a sibling goes up as it is. Leaves are hashed with a
zero byte in front (`head_leaf` in SQL), so that no leaf can pass for a node.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

EMPTY = hashlib.sha256(b"").digest()


class Step(msgspec.Struct, frozen=True):
    """One step of the way up: the sibling (hex) and on which side of the way it stands, left or right."""

    side: str
    hash: str


def find_root(leaves: Sequence[bytes]) -> bytes:
    """The root; of no leaves, SHA-256 of nothing."""
    level = list(leaves)
    while len(level) > 1:
        level = _rise(level)
    return level[0] if level else EMPTY


def find_path(leaves: Sequence[bytes], place: int) -> list[Step]:
    """The siblings on the way from a leaf up to the root, lowest first."""
    path, level = [], list(leaves)
    while len(level) > 1:
        sibling = place ^ 1
        if sibling < len(level):
            path.append(Step("left" if sibling < place else "right", level[sibling].hex()))
        level, place = _rise(level), place // 2
    return path


def _rise(level: list[bytes]) -> list[bytes]:
    pairs = zip(level[::2], level[1::2], strict=False)
    above = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in pairs]
    return [*above, level[-1]] if len(level) % 2 else above
