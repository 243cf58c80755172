"""A receipt: signature, plan, consent, money and history, each recomputed."""

from __future__ import annotations

from typing import Any

from app.verify.act import STATE, check_act
from app.verify.chain import ENTRY, GENESIS, check_entry, microseconds
from app.verify.consent import check_consent, check_plan
from app.verify.signature import check_jws
from app.verify.strict import canonical, from_hex, integer, read_json, require

TYPE = "sepakat-receipt"


def verify_receipt(content: bytes, keys: dict[str, Any]) -> list[str]:
    """What was checked, a line each. Raises BrokenError with the reason when anything does not hold."""
    payload, kid = check_jws(read_json(content), keys, TYPE)
    receipt = read_json(payload)
    require(canonical(receipt) == payload, "what was signed is not in its canonical form")
    return [f"signed by the agency, with the published key {kid}", *check_receipt(receipt)]


def check_receipt(receipt: dict[str, Any]) -> list[str]:
    """The evidence inside, without the agency's signature. Raises BrokenError."""
    require(integer(receipt["version"]) == 1, "a receipt of another version")
    entries, acts = receipt["history"], receipt["acts"]
    erased = _check_history(receipt["participant"]["participant_id"], entries, receipt["head"])
    require(
        bool(acts) and [act["action"] for act in acts[1:]] in ([], ["undo"], ["reverse"]),
        "the acts are not a merge and its undo",
    )
    require(receipt["merge"]["state"] == STATE[acts[-1]["action"]], "the state is not that of the last act")
    for act in acts:
        _check_plan(act, receipt["merge"]["merge_id"])
        require(
            check_act(act, entries, receipt["ledger"]) == act["cause_id"],
            "the cause is not that of the step in history",
        )
    _check_times(receipt["merge"], acts[0], entries)
    known = {act["cause_id"] for act in acts}
    require(all(entry["cause_id"] in known for entry in receipt["ledger"]), "a ledger entry belongs to no act")
    last = acts[-1]["plan"]
    return [
        *(f"{act['action']}: the plan is that of the digest {act['plan_digest']}" for act in acts),
        *(
            f"{act['action']}: {_signer(act)} signed exactly that plan"
            if act["action"] != "reverse"
            else "reverse: the core refused the merge, and nobody signed; every card is back and no rupiah is lost"
            for act in acts
        ),
        f"money: {len(receipt['ledger'])} entries, {last['total_before']} before and {last['total_after']} after",
        f"history: {len(entries)} entries, each hash recomputed" + (f", {erased} with erased data" if erased else ""),
    ]


def _check_history(participant_id: str, entries: list[dict[str, Any]], head: dict[str, Any]) -> int:
    """Each entry over the hash before it, consecutive ones chained. The number of entries whose data are erased."""
    last_seq, last_hash = 0, GENESIS
    for entry in entries:
        require(set(entry) == ENTRY | {"previous"}, "a history entry has other members")
        seq = integer(entry["seq"])
        require(seq > last_seq, f"history: entry {seq} comes after {last_seq}")
        previous = GENESIS if seq == 1 and entry["previous"] is None else from_hex(entry["previous"], length=32)
        require(seq != last_seq + 1 or previous == last_hash, f"history: entry {seq} does not follow {last_seq}")
        last_seq, last_hash = seq, check_entry(participant_id, entry, previous)
    require(integer(head["seq"]) >= last_seq, "the head is older than the newest entry")
    require(head["seq"] != last_seq or from_hex(head["hash"]) == last_hash, "the head is not the hash of its entry")
    from_hex(head["hash"], length=32)
    return sum(entry["data"] is None for entry in entries)


def _check_times(merge: dict[str, Any], act: dict[str, Any], entries: list[dict[str, Any]]) -> None:
    """The merge's own instants are those of its first act and of history."""
    for name in ("confirmed_at", "executed_at"):
        require(merge[name] == act[name], f"{name} of the merge is not that of what was carried out")
    if act["action"] == "merge":
        proposed = [entry["recorded_at"] for entry in entries if entry["kind"] in ("merge_drafted", "merge_proposed")]
        require(proposed == [merge["proposed_at"]], "it was not proposed when the receipt says")
        window = microseconds(merge["undo_until"]) - microseconds(act["executed_at"])
        require(window == act["plan"]["undo_window_s"] * 1_000_000, "the time for an undo is not what the plan says")


def _signer(act: dict[str, Any]) -> str:
    if act["device"] is None:
        return f"the passkey {act['passkey']['passkey_id']}"
    return f"the phone {act['device']['device_id']}"


def _check_plan(act: dict[str, Any], merge_id: str) -> None:
    plan, action = act["plan"], act["action"]
    check_plan(plan, act["plan_digest"])
    require((plan["action"], plan["merge_id"]) == (action, merge_id), "the plan is of another act or merge")
    if action == "reverse":
        signed = [
            act[name]
            for name in ("confirmation_id", "statement", "proof", "public_key", "device", "passkey", "acknowledged")
        ]
        require(signed == [None] * len(signed), "a reversal claims to be signed")
    else:
        check_consent(
            statement=act["statement"],
            proof=act["proof"],
            public_key=act["public_key"],
            plan=plan,
            digest=act["plan_digest"],
            device_id=act["device"] and act["device"]["device_id"],
            passkey_id=act["passkey"] and act["passkey"]["passkey_id"],
        )
        require(act["acknowledged"] == plan["to_acknowledge"], "what was acknowledged is not what the plan asked for")
    for when in ("before", "after"):
        cards = [
            {"kpj": card["kpj"], "status": card[f"status_{when}"], "balance": card[f"balance_{when}"]}
            for card in plan["cards"]
        ]
        require(act[when] == {"cards": cards, "total": plan[f"total_{when}"]}, f"{when} is not what the plan says")
    shown = act["shown"]
    require(shown["wording"] == plan["wording"], "what was shown was worded by another version than the plan names")
    require(
        [text["code"] for text in shown["texts"]] == plan["consequences"], "what was shown is not what the plan names"
    )
