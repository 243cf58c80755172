"""An export: signature, chain, commitments, ledger, consent, and that no balance or status changed in silence."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from app.verify.agreed import check_consents
from app.verify.chain import ENTRY, GENESIS, check_entry
from app.verify.signature import check_jws
from app.verify.strict import (
    canonical,
    from_hex,
    integer,
    read_json,
    require,
    sha256,
    to_base64url,
)
from app.verify.tree import check_inclusion

TYPE = "sepakat-export"
Rows = list[dict[str, Any]]


def verify_history(content: bytes, keys: dict[str, Any]) -> list[str]:
    """What was checked, a line each. Raises BrokenError with the reason when anything does not hold."""
    file = read_json(content)
    require(isinstance(file, dict) and set(file) == {"export", "protected", "signature"}, "not an export")
    signed = {
        "payload": to_base64url(canonical(file["export"])),
        **{name: file[name] for name in ("protected", "signature")},
    }
    _, kid = check_jws(signed, keys, TYPE)
    return [f"signed by the agency, with the published key {kid}", *check_export(file["export"], keys)]


def check_export(export: dict[str, Any], keys: dict[str, Any]) -> list[str]:
    """The evidence inside, without the signature over the whole. Raises BrokenError."""
    require(integer(export["version"]) == 1, "an export of another version")
    participant_id = export["participant"]["participant_id"]
    hashes = _check_chain(participant_id, export["history"], export["head"], export["causes"])
    data = {entry["seq"]: read_json(entry["data"].encode()) for entry in export["history"] if entry["data"] is not None}
    _check_ledger(export["cards"], export["ledger"])
    _check_changes(export, data)
    _check_announcements(export, data)
    check_consents(export)
    erased = len(hashes) - len(data)
    lines = [
        f"history: {len(hashes)} entries without a gap, each hash and commitment recomputed"
        + (f"; the data of {erased} are erased" if erased else ""),
        f"money: {len(export['ledger'])} entries on {len(export['cards'])} cards add up to their balances",
        "every change of a status or balance has its entry, and every entry its change",
        f"consent: {len(export['plans'])} plans and {len(export['confirmations'])} signed statements hold",
    ]
    if export["root"] is None:
        return [*lines, "not in a signed root yet: the next one is made within the hour"]
    number = check_inclusion(export["root"], participant_id, hashes, keys)
    return [*lines, f"the history up to entry {export['root']['seq']} is in the signed root {number}"]


def _check_chain(participant_id: str, history: Rows, head: dict[str, Any], causes: Rows) -> list[bytes]:
    known = {cause["cause_id"] for cause in causes}
    require(len(known) == len(causes), "a cause stands twice")
    hashes: list[bytes] = []
    for entry in history:
        require(set(entry) == ENTRY, "a history entry has other members")
        require(
            integer(entry["seq"]) == len(hashes) + 1, f"history: {entry['seq']} stands where {len(hashes) + 1} should"
        )
        hashes.append(check_entry(participant_id, entry, hashes[-1] if hashes else GENESIS))
        require(entry["cause_id"] in known, f"entry {entry['seq']} has no cause")
    newest = hashes[-1] if hashes else GENESIS
    require((integer(head["seq"]), from_hex(head["hash"])) == (len(hashes), newest), "the head is not the newest entry")
    return hashes


def _check_ledger(cards: Rows, ledger: Rows) -> None:
    """Every card's entries are numbered without a gap and add up to its balance; legs of a merge or undo to zero."""
    by_card: dict[str, Rows] = defaultdict(list)
    legs: dict[str, int] = defaultdict(int)
    for entry in ledger:
        by_card[entry["card_id"]].append(entry)
        if entry["kind"] in ("merge_out", "merge_in", "undo_out", "undo_in"):
            legs[entry["transfer_id"]] += integer(entry["amount"])
    require(not any(legs.values()), "the legs of a merge do not sum to zero")
    require(len({entry["entry_id"] for entry in ledger}) == len(ledger), "a ledger entry stands twice")
    require(len({card["card_id"] for card in cards}) == len(cards), "a card stands twice")
    for card in cards:
        balance = 0
        for number, entry in enumerate(by_card.pop(card["card_id"], []), start=1):
            require(
                integer(entry["number"]) == number, f"card {card['kpj']}: entry {entry['number']} stands at {number}"
            )
            balance += integer(entry["amount"])
            require(
                integer(entry["balance_after"]) == balance, f"card {card['kpj']}: entry {number} has a wrong balance"
            )
        require(balance == (card["balance"] or 0), f"card {card['kpj']}: its entries do not give its balance")
    require(not by_card, "there are ledger entries of a card that is not there")


def _check_changes(export: dict[str, Any], data: dict[int, dict[str, Any]]) -> None:
    """What changed on a card is what history says, step by step from opening to now; nothing else changed."""
    moved: dict[tuple[str, str], int] = defaultdict(int)
    for entry in export["ledger"]:
        moved[entry["card_id"], entry["cause_id"]] += integer(entry["amount"])
    steps: dict[str, list[dict[str, Any] | None]] = defaultdict(list)
    for entry in export["history"]:
        if entry["card_id"] is None:
            continue
        told = data.get(entry["seq"])
        steps[entry["card_id"]].append(told)
        change = moved.pop((entry["card_id"], entry["cause_id"]), 0)
        if told is not None:
            difference = (told["balance_after"] or 0) - (told["balance_before"] or 0)
            require(difference == change, f"entry {entry['seq']} tells of another amount than the ledger")
    require(not moved, "a balance changed without an entry in history")
    for card in export["cards"]:
        _check_steps(card, steps.pop(card["card_id"], []))
    require(not steps, "history tells of a card that is not there")


def _check_announcements(export: dict[str, Any], data: dict[int, dict[str, Any]]) -> None:
    """The text of every announcement is the one of which its entry holds the digest."""
    texts = {row["seq"]: row for row in export.get("announcements", [])}
    for entry in export["history"]:
        told = data.get(entry["seq"])
        if entry["kind"].startswith("announcement_") and told is not None:
            require(entry["seq"] in texts, f"entry {entry['seq']} is an announcement without its text")
            text = texts.pop(entry["seq"])
            digest = sha256(text["canonical"].encode()).hex()
            require(
                (text["announcement_id"], digest) == (told["announcement_id"], told["text_sha256"]),
                f"entry {entry['seq']} is of another announcement than the text beside it",
            )
    require(not texts.keys() & data.keys(), "there is the text of an announcement that history does not tell of")


def _check_steps(card: dict[str, Any], steps: list[dict[str, Any] | None]) -> None:
    require(bool(steps), f"card {card['kpj']} was opened without an entry in history")
    state: tuple[Any, Any] | None = (None, None)
    for told in steps:
        if told is None:
            state = None  # erased: what came after it must be taken as it says
            continue
        require(told["kpj"] == card["kpj"], f"card {card['kpj']}: history calls it {told['kpj']}")
        before = (told["status_before"], told["balance_before"])
        require(state in (None, before), f"card {card['kpj']}: something changed between two entries of history")
        state = (told["status_after"], told["balance_after"])
    require(state in (None, (card["status"], card["balance"])), f"card {card['kpj']} is not as history last told of it")
