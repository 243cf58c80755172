"""That a history is among those of a signed root, and that the roots are a chain. The tree is RFC 6962's."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any
from uuid import UUID

from app.verify.chain import microseconds
from app.verify.signature import check_jws
from app.verify.strict import canonical, from_hex, integer, read_json, require, sha256

TYPE = "sepakat-root"
ROOT = {"version", "number", "made_at", "heads", "root", "previous"}


def check_inclusion(inclusion: dict[str, Any], participant_id: str, hashes: list[bytes], keys: dict[str, Any]) -> int:
    """The number of the root that holds this history as it was at `seq`; `hashes` are those of entries 1, 2 …"""
    root = check_root(inclusion["signed"], keys)
    seq = integer(inclusion["seq"])
    require(1 <= seq <= len(hashes), "the root is over an entry that the history does not have")
    node = sha256(
        b"\x00" + _field(UUID(participant_id).bytes) + _field(struct.pack(">q", seq)) + _field(hashes[seq - 1])
    )
    for step in inclusion["path"]:
        require(
            set(step) == {"side", "hash"} and step["side"] in ("left", "right"), "a step of the path has another form"
        )
        sibling = from_hex(step["hash"], length=32)
        node = sha256(b"\x01" + (sibling + node if step["side"] == "left" else node + sibling))
    require(node == from_hex(root["root"]), "the history is not among those of the signed root: it was rewritten since")
    return integer(root["number"])


def check_root(signed: dict[str, Any], keys: dict[str, Any]) -> dict[str, Any]:
    """What a root says, once its signature holds. Raises BrokenError."""
    payload, _ = check_jws(signed, keys, TYPE)
    root: dict[str, Any] = read_json(payload)
    require(set(root) == ROOT and canonical(root) == payload, "the root has another form")
    require(
        integer(root["version"]) == 1 and integer(root["number"]) >= 1 and integer(root["heads"]) >= 1,
        "the root has another form",
    )
    require((root["previous"] is None) == (root["number"] == 1), "only the first root has none before it")
    microseconds(root["made_at"])
    return root


def verify_roots(content: bytes, keys: dict[str, Any]) -> list[str]:
    """Checks an answer of GET /v1/roots, newest first: every signature, and that each names the one before it."""
    shown = read_json(content)["roots"]
    require(bool(shown), "there is no root in it")
    roots = [check_root(item["signed"], keys) for item in shown]
    for item, root in zip(shown, roots, strict=True):
        told = {name: item[name] for name in ("number", "heads", "root", "previous")}
        require(
            told == {name: root[name] for name in told}, f"root {root['number']}: what is shown is not what was signed"
        )
    for newer, older in pairwise(roots):
        require(newer["number"] == older["number"] + 1, f"after root {newer['number']} comes {older['number']}")
        require(
            from_hex(newer["previous"]) == sha256(canonical(older)),
            f"root {newer['number']} does not name the one before",
        )
        require(microseconds(older["made_at"]) <= microseconds(newer["made_at"]), "a root is older than the one before")
    return [
        f"{len(roots)} roots, {roots[-1]['number']} to {roots[0]['number']}, signed by the agency, each naming the one before"
    ]


def _field(value: bytes) -> bytes:
    return struct.pack(">i", len(value)) + value
