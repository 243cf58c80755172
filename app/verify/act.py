"""What was carried out: the history tells of it as the plan says, and the money moved as the plan says."""

from __future__ import annotations

from typing import Any

from app.verify.chain import microseconds
from app.verify.strict import integer, read_json, require

STATE = {"merge": "executed", "accept": "accepted", "undo": "undone", "reverse": "undone"}
STEP = {"merge": "merge_executed", "accept": "merge_accepted", "undo": "merge_undone", "reverse": "merge_reversed"}
CONFIRMED = {"merge": "merge_confirmed", "accept": "merge_accept_confirmed", "undo": "merge_undone"}
LEGS = {
    **dict.fromkeys(("merge", "accept"), ("merge_out", "merge_in")),
    **dict.fromkeys(("undo", "reverse"), ("undo_out", "undo_in")),
}

Rows = list[dict[str, Any]]


def check_act(act: dict[str, Any], entries: Rows, ledger: Rows) -> str:
    """One execution: `action`, `plan`, `confirmation_id`, `confirmed_at`, `executed_at`. Gives the id of its cause.

    A reversal, by which the core's refusal brings the cards back, was confirmed by nobody: it may merge no card.
    `entries` are history entries, `ledger` ledger entries with their `kpj`; others than this act's are passed over.
    Raises BrokenError.
    """
    action, plan = act["action"], act["plan"]
    mine = [entry for entry in entries if entry["merge_id"] == plan["merge_id"]]
    told = [(STEP[action], act["executed_at"])]
    if action == "reverse":
        require(all(card["status_after"] != "merged" for card in plan["cards"]), "a reversal merges a card")
    else:
        told.append((CONFIRMED[action], act["confirmed_at"]))
        in_order = microseconds(act["confirmed_at"]) <= microseconds(act["executed_at"])
        require(in_order, "carried out before it was confirmed")
    for kind, instant in told:
        found = [entry for entry in mine if (entry["kind"], entry["recorded_at"]) == (kind, instant)]
        require(bool(found), f"the history has no {kind} at {instant}")
    steps = [entry for entry in mine if entry["kind"] == STEP[action]]
    require(len(steps) == 1, f"the history has more than one {STEP[action]} of this merge")
    cause_id: str = steps[0]["cause_id"]
    _check_cards(plan, [entry for entry in mine if entry["cause_id"] == cause_id and entry["card_id"] is not None])
    transfer_id = {"undo": act["confirmation_id"], "reverse": cause_id}.get(action, plan["merge_id"])
    _check_money(action, plan, transfer_id, [entry for entry in ledger if entry["cause_id"] == cause_id])
    return cause_id


def _check_cards(plan: dict[str, Any], entries: Rows) -> None:
    """What became of each card is what the plan says, as far as the entries' data are not erased."""
    told = {data["kpj"]: data for entry in entries if entry["data"] is not None for data in [_data(entry)]}
    erased = any(entry["data"] is None for entry in entries)
    for card in plan["cards"]:
        require(erased or card["kpj"] in told, f"the history does not tell what became of card {card['kpj']}")
        for name in ("status_before", "status_after", "balance_before", "balance_after"):
            same = card["kpj"] not in told or told[card["kpj"]][name] == card[name]
            require(same, f"card {card['kpj']}: {name} is not what history says")


def _check_money(action: str, plan: dict[str, Any], transfer_id: str, legs: Rows) -> None:
    """The legs sum to zero, and bring each card from what it had to what it has."""
    require(sum(integer(leg["amount"]) for leg in legs) == 0, "the entries do not sum to zero")
    known = {card["kpj"] for card in plan["cards"]}
    for leg in legs:
        require(leg["kind"] in LEGS[action], f"an entry of kind {leg['kind']!r} does not belong here")
        require((leg["amount"] > 0) == leg["kind"].endswith("_in"), "an entry has the wrong sign")
        require(leg["transfer_id"] == transfer_id, "an entry belongs to another transfer")
        require(leg["kpj"] in known, "an entry on a card that the plan does not name")
    for card in plan["cards"]:
        balance, number = card["balance_before"], None
        for leg in (leg for leg in legs if leg["kpj"] == card["kpj"]):
            in_a_row = number is None or integer(leg["number"]) == number + 1
            require(in_a_row, f"card {card['kpj']}: the entries are not in a row")
            balance, number = balance + leg["amount"], leg["number"]
            require(leg["balance_after"] == balance, f"card {card['kpj']}: a running balance is wrong")
        require(balance == card["balance_after"], f"card {card['kpj']}: the entries do not give the balance after")


def _data(entry: dict[str, Any]) -> dict[str, Any]:
    return dict(read_json(entry["data"].encode()))
