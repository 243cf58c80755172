"""All that a participant ever agreed to, and that nothing else took effect."""

from __future__ import annotations

from typing import Any

from app.verify.act import check_act
from app.verify.consent import check_consent, check_plan, check_proof
from app.verify.passkey import check_thumbprint
from app.verify.strict import BrokenError, canonical, from_base64url, from_hex, read_json, require

STATE_AFTER = {
    **dict.fromkeys(("merge_drafted", "merge_proposed", "merge_survivor_chosen"), "proposed"),
    **dict.fromkeys(("merge_refused", "merge_refused_by_core"), "proposed"),
    **dict.fromkeys(("merge_reported", "merge_upheld"), "reported"),
    "merge_confirmed": "confirmed",
    "merge_declined": "declined",
    "merge_cancelled": "cancelled",
    "merge_expired": "expired",
    "merge_executed": "executed",
    "merge_undone": "undone",
    "merge_reversed": "undone",
    "merge_disputed": "disputed",
    "merge_restored": "restored",
    "merge_accepted": "accepted",
}
SUBJECT = {"version", "purpose", "device_id", "subject_id", "nonce"}
EFFECT = {"executed": ({"merge"},), "accepted": ({"accept"},), "undone": ({"merge", "undo"}, {"merge", "reverse"})}

Rows = list[dict[str, Any]]


def check_consents(export: dict[str, Any]) -> None:
    """Plans have their digests, statements their signatures; what was carried out was confirmed, and what is merged too."""
    plans: dict[tuple[str, str], dict[str, Any]] = {}
    for row in export["plans"]:
        plan = read_json(row["canonical"].encode())
        require(canonical(plan) == row["canonical"].encode(), "a plan is not in its canonical form")
        check_plan(plan, row["plan_digest"])
        require((plan["merge_id"], plan["action"]) == (row["merge_id"], row["action"]), "a plan is of another merge")
        plans[row["merge_id"], row["plan_digest"]] = plan
    require(len(plans) == len(export["plans"]), "a plan stands twice")
    keys = _read_keys(export)
    confirmed: dict[str, dict[str, Any]] = {}
    for row in export["confirmations"]:
        said = check_consent(
            statement=row["statement"],
            proof=row["proof"],
            public_key=keys[row["device_id"] or row["passkey_id"]]["public_key"],
            plan=plans[row["merge_id"], row["plan_digest"]],
            digest=row["plan_digest"],
            device_id=row["device_id"],
            passkey_id=row["passkey_id"],
        )
        require(said["acknowledged"] == row["acknowledged"], "a confirmation acknowledges other than its statement")
        require(
            from_base64url(said["nonce"]) == from_hex(row["nonce"]),
            "a confirmation has another nonce than its statement",
        )
        require(said["purpose"] == row["action"], "a confirmation is for another action than its statement")
        confirmed[row["confirmation_id"]] = row
    require(len(confirmed) == len(export["confirmations"]), "a confirmation stands twice")
    for row in export["unlocks"]:
        key_id = row["device_id"] or row["passkey_id"]
        _check_signed(
            row, keys[key_id], device_id=row["device_id"], passkey_id=row["passkey_id"], subject_id=row["subject_id"]
        )
    _check_executions(export, plans, confirmed)


def _read_keys(export: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every key by its id: devices, and passkeys, each of which a key that is there vouched for by its thumbprint."""
    keys = {device["device_id"]: device for device in export["devices"]}
    require(len(keys) == len(export["devices"]), "a device stands twice")
    keys |= {passkey["passkey_id"]: passkey for passkey in export["passkeys"]}
    require(len(keys) == len(export["devices"]) + len(export["passkeys"]), "a passkey stands twice")
    for passkey in export["passkeys"]:
        check_thumbprint(passkey["passkey_id"], passkey["public_key"])
        voucher = passkey["vouched_by"]
        _check_signed(
            passkey,
            keys[voucher],
            device_id=keys[voucher].get("device_id"),
            passkey_id=keys[voucher].get("passkey_id"),
            subject_id=passkey["passkey_id"],
            purpose="add_key",
        )
    return keys


def _check_signed(
    row: dict[str, Any],
    key: dict[str, Any],
    *,
    device_id: str | None,
    passkey_id: str | None,
    subject_id: str,
    purpose: str = "unlock",
) -> None:
    """A statement about one subject: what it says, its nonce, and that the key signed it."""
    raw = row["statement"].encode()
    said = read_json(raw)
    require(set(said) == SUBJECT and canonical(said) == raw, "a statement is not in its canonical form")
    require((said["version"], said["purpose"]) == (1, purpose), f"a statement is not one of {purpose}")
    require(said["subject_id"] == subject_id, "a statement is about another subject")
    require(from_base64url(said["nonce"]) == from_hex(row["nonce"]), "a statement has another nonce than is kept")
    check_proof(said, raw, row["proof"], public_key=key["public_key"], device_id=device_id, passkey_id=passkey_id)


def _check_executions(
    export: dict[str, Any], plans: dict[tuple[str, str], dict[str, Any]], confirmed: dict[str, dict[str, Any]]
) -> None:
    """Each was confirmed, once, and did what its plan says; every merge that took effect has one, and every merged card."""
    kpjs = {card["card_id"]: card["kpj"] for card in export["cards"]}
    ledger = [{**entry, "kpj": kpjs[entry["card_id"]]} for entry in export["ledger"]]
    absorbed: set[tuple[str, str]] = set()
    done: dict[tuple[str, str], str | None] = {}
    for row in export["executions"]:
        if row["action"] == "reverse":
            _check_reversal(row, plans, export["history"], ledger)
            done[row["merge_id"], "reverse"] = None
            continue
        consent = confirmed.get(row["confirmation_id"])
        if consent is None or row["confirmation_id"] in done.values():
            raise BrokenError(f"merge {row['merge_id']} was carried out without a confirmation of its own")
        for name in ("merge_id", "action", "plan_digest"):
            require(
                consent[name] == row[name], f"merge {row['merge_id']}: another {name} was carried out than confirmed"
            )
        plan = plans[row["merge_id"], row["plan_digest"]]
        act = {**row, "plan": plan, "confirmed_at": consent["confirmed_at"]}
        check_act(act, export["history"], ledger)
        done[row["merge_id"], row["action"]] = row["confirmation_id"]
        absorbed |= {(row["merge_id"], card["kpj"]) for card in plan["cards"] if card["status_after"] == "merged"}
    _check_merges(export, confirmed, done)
    for card in export["cards"]:
        consented = card["status"] != "merged" or (card["merge_id"], card["kpj"]) in absorbed
        require(consented, f"card {card['kpj']} is merged without consent on file")


def _check_reversal(
    row: dict[str, Any], plans: dict[tuple[str, str], dict[str, Any]], history: Rows, ledger: Rows
) -> None:
    """What the core refused was taken back as its plan says. It has no confirmation, and so may merge nothing."""
    plan = plans[row["merge_id"], row["plan_digest"]]
    require(
        row["confirmation_id"] is None and plan["action"] == "reverse", "a reversal was carried out by another plan"
    )
    check_act({**row, "plan": plan}, history, ledger)


def _check_merges(
    export: dict[str, Any], confirmed: dict[str, dict[str, Any]], done: dict[tuple[str, str], str | None]
) -> None:
    """A merge is in the state that history last told of; it took effect exactly by what was carried out."""
    merges = export["merges"]
    told: dict[str, str | None] = {}
    for entry in export["history"]:
        if entry["merge_id"] is not None:
            told[entry["merge_id"]] = STATE_AFTER.get(entry["kind"], told.get(entry["merge_id"]))
    require(len({merge["merge_id"] for merge in merges}) == len(merges), "a merge stands twice")
    require(told.keys() == {merge["merge_id"] for merge in merges}, "history tells of other merges than are there")
    for merge in merges:
        merge_id, state = merge["merge_id"], merge["state"]
        # of what was loaded at installation, history tells in entries of another kind
        require(state == (told[merge_id] or "reported"), f"merge {merge_id} is {state}, history says {told[merge_id]}")
        acts = {action for of, action in done if of == merge_id}
        require(acts in EFFECT.get(state, (set(),)), f"merge {merge_id} is {state}, and {sorted(acts)} was carried out")
        first = done.get((merge_id, "merge")) or done.get((merge_id, "accept")) or merge["confirmation_id"]
        require(merge["confirmation_id"] == first, f"merge {merge_id} names another confirmation")
        require(first is not None or state not in ("confirmed", *EFFECT), f"merge {merge_id} has no confirmation")
        require(
            first is None or confirmed[first]["merge_id"] == merge_id, f"merge {merge_id} names a foreign confirmation"
        )
