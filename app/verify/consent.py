"""What a participant agreed to: a plan, its digest, and the statement over it that a key of theirs signed."""

from __future__ import annotations

from typing import Any

from app.verify.passkey import check_passkey_proof
from app.verify.signature import check_device_signature
from app.verify.strict import canonical, integer, read_json, require, sha256

STATEMENT = {"version", "purpose", "device_id", "merge_id", "plan_digest", "acknowledged", "nonce"}
PLAN = {
    "version",
    "action",
    "merge_id",
    "cards",
    "total_before",
    "total_after",
    "consequences",
    "to_acknowledge",
    "cooling_off_s",
    "undo_window_s",
    "wording",
}
PLANNED_CARD = {"kpj", "role", "status_before", "status_after", "balance_before", "balance_after"}


def check_plan(plan: dict[str, Any], digest: str) -> None:
    """The plan is that of the digest, and no rupiah comes or goes in it. Raises BrokenError."""
    require(sha256(canonical(plan)).hex() == digest, "the digest is not that of the plan")
    require(set(plan) == PLAN and all(set(card) == PLANNED_CARD for card in plan["cards"]), "the plan has another form")
    for when in ("before", "after"):
        total = sum(integer(card[f"balance_{when}"]) for card in plan["cards"])
        require(total == integer(plan[f"total_{when}"]), f"the plan's cards do not add up to its total {when}")
    require(plan["total_before"] == plan["total_after"], "the plan makes or loses money")


def check_consent(
    *,
    statement: str,
    proof: dict[str, Any],
    public_key: Any,
    plan: dict[str, Any],
    digest: str,
    device_id: str | None,
    passkey_id: str | None,
) -> dict[str, Any]:
    """The statement names this plan and merge, and was signed by that device's key or passkey. Raises BrokenError."""
    raw = statement.encode()
    said: dict[str, Any] = read_json(raw)
    require(set(said) == STATEMENT and canonical(said) == raw, "the statement is not in its canonical form")
    require(said["version"] == 1 and type(said["version"]) is int, "the statement has another version")
    require(
        said["purpose"] == plan["action"], f"the statement is for {said['purpose']!r}, the plan for {plan['action']!r}"
    )
    require(said["merge_id"] == plan["merge_id"], "the statement is about another merge")
    require(said["plan_digest"] == digest, "the statement does not hold the digest of the plan")
    require(said["acknowledged"] == plan["to_acknowledge"], "a warning of the plan was not acknowledged")
    check_proof(said, raw, proof, public_key=public_key, device_id=device_id, passkey_id=passkey_id)
    return said


def check_proof(
    said: dict[str, Any],
    raw: bytes,
    proof: dict[str, Any],
    *,
    public_key: Any,
    device_id: str | None,
    passkey_id: str | None,
) -> None:
    """The statement `said`, in its bytes `raw`, was signed by the key of that device or by that passkey. Raises BrokenError."""
    require((device_id is None) != (passkey_id is None), "a statement is signed by one key, of a device or a passkey")
    require(said["device_id"] == device_id, "the statement is of another device")
    if proof["type"] == "passkey":
        require(
            device_id is None and proof["passkey_id"] == passkey_id, "statement, proof and key are of different keys"
        )
        check_passkey_proof(proof, public_key, raw)
        return
    require(proof["type"] == "device_key", f"proofs of type {proof['type']!r} are not known here")
    require(set(proof) == {"type", "device_id", "signature"}, "the proof has another form")
    require(proof["device_id"] == device_id, "statement, proof and key are of different devices")
    check_device_signature(public_key, raw, proof["signature"])
