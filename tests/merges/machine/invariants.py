"""What must be true of one participant after every step, asked of the tables themselves and of nothing that writes them."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from tests.history.chain import GENESIS, breaks

Standing = dict[UUID, tuple[str, int | None]]
"""Status and balance by card."""

# Each statement returns what is wrong: nothing, when nothing is.
WRONG = {
    "a balance is not the running sum of its entries": """
        SELECT k.kpj FROM cards AS k LEFT JOIN LATERAL (
            SELECT sum(l.amount) AS amount, count(*) AS entries, max(l.number) AS last FROM ledger_entries AS l
            WHERE l.participant_id = k.participant_id AND l.card_id = k.card_id) AS l ON true
        WHERE k.participant_id = $1
            AND (k.balance, k.entries, k.entries) IS DISTINCT FROM (coalesce(l.amount, 0), l.entries, coalesce(l.last, 0))""",
    "an entry does not carry the balance after it": """
        SELECT l.card_id, l.number FROM (
            SELECT *, sum(amount) OVER (PARTITION BY card_id ORDER BY number) AS running FROM ledger_entries
            WHERE participant_id = $1) AS l WHERE l.balance_after <> l.running OR l.running < 0""",
    "a transfer made or lost money": """
        SELECT transfer_id, sum(amount) FROM ledger_entries WHERE participant_id = $1 AND transfer_id IS NOT NULL
        GROUP BY transfer_id HAVING sum(amount) <> 0""",
    "a merged card does not resolve in one hop": """
        SELECT k.kpj FROM cards AS k LEFT JOIN cards AS living
            ON living.participant_id = k.participant_id AND living.card_id = k.merged_into
        WHERE k.participant_id = $1 AND k.merge_mark IS NOT NULL
            AND (living.card_id IS NULL OR living.merge_mark IS NOT DISTINCT FROM 'merged')""",
    "cards merge in a cycle": """
        WITH RECURSIVE hop AS (
            SELECT card_id, merged_into FROM cards WHERE participant_id = $1 AND merged_into IS NOT NULL
            UNION SELECT hop.card_id, k.merged_into FROM hop JOIN cards AS k
                ON k.participant_id = $1 AND k.card_id = hop.merged_into AND k.merged_into IS NOT NULL)
        SELECT card_id FROM hop WHERE card_id = merged_into""",
    "a card was merged without its confirmation": """
        SELECT k.kpj FROM cards AS k WHERE k.participant_id = $1 AND k.merge_mark = 'merged' AND NOT EXISTS (
            SELECT FROM merge_executions AS e
            JOIN confirmations AS c USING (participant_id, merge_id, plan_digest, confirmation_id)
            JOIN merge_plans AS p USING (participant_id, merge_id, plan_digest)
            CROSS JOIN LATERAL jsonb_array_elements(convert_from(p.canonical, 'UTF8')::jsonb -> 'cards') AS card
            WHERE e.participant_id = k.participant_id AND e.merge_id = k.merge_id AND e.action IN ('merge', 'accept')
                AND c.action = e.action AND p.plan_digest = encode(sha256(p.canonical), 'hex')
                AND convert_from(c.statement, 'UTF8')::jsonb ->> 'plan_digest' = p.plan_digest
                AND convert_from(c.statement, 'UTF8')::jsonb ->> 'merge_id' = k.merge_id::text
                AND card ->> 'kpj' = k.kpj AND card ->> 'role' = 'absorbed')""",
    "a card stands in two open merges": """
        SELECT held.card_id FROM merges AS m CROSS JOIN unnest(m.absorb || m.into_card) AS held (card_id)
        WHERE m.participant_id = $1 AND m.state IN ('proposed', 'confirmed', 'reported', 'disputed')
        GROUP BY held.card_id HAVING count(*) > 1 AND bool_or(m.state IN ('proposed', 'confirmed'))""",
    "a merge that is due was left behind": """
        SELECT merge_id FROM merges WHERE participant_id = $1 AND $2 AND state = 'confirmed'
            AND executes_at <= current_instant()""",
    "a merge that the core refused is half taken back": """
        SELECT m.merge_id FROM merges AS m WHERE m.participant_id = $1
            AND (m.closed_because = 'core_refused' OR EXISTS (SELECT FROM merge_executions AS e
                WHERE e.participant_id = m.participant_id AND e.merge_id = m.merge_id AND e.action = 'reverse'))
            AND ((m.state, m.core, m.closed_because) IS DISTINCT FROM ('undone', 'refused', 'core_refused')
                OR EXISTS (SELECT FROM cards AS k
                    WHERE k.participant_id = m.participant_id AND m.merge_id = ANY (k.merged_via)))""",
    "something was merged while the books differ": """
        SELECT h.seq FROM history AS h JOIN cases AS c ON c.participant_id = h.participant_id
            AND c.kind IN ('balance', 'core_refusal') AND h.recorded_at > c.opened_at
            AND h.recorded_at < coalesce(c.decided_at, 'infinity')
        WHERE h.participant_id = $1 AND h.kind IN ('merge_executed', 'merge_accepted', 'merge_confirmed')""",
    "a contribution was taken back twice or by another amount": """
        SELECT r.entry_id FROM reversed_contributions AS r JOIN ledger_entries AS l USING (participant_id, entry_id)
        JOIN ledger_entries AS back ON back.participant_id = r.participant_id AND back.entry_id = r.reversal_entry_id
        WHERE r.participant_id = $1 AND (l.kind, back.kind, l.amount + back.amount)
            IS DISTINCT FROM ('contribution', 'contribution_reversal', 0)""",
    "a card shows a last contribution that does not stand": """
        SELECT k.kpj FROM cards AS k WHERE k.participant_id = $1 AND k.last_contribution_month IS NOT NULL AND NOT EXISTS (
            SELECT FROM ledger_entries AS l WHERE l.participant_id = k.participant_id AND l.kind = 'contribution'
                AND (l.month, l.amount) = (k.last_contribution_month, k.last_contribution_amount) AND NOT EXISTS (
                    SELECT FROM reversed_contributions AS r
                    WHERE r.participant_id = l.participant_id AND r.entry_id = l.entry_id))""",
    "a balance changed by other than the ledger says": """
        SELECT h.seq FROM history AS h JOIN history_data AS d USING (participant_id, seq)
        LEFT JOIN LATERAL (SELECT sum(l.amount) AS amount FROM ledger_entries AS l WHERE l.participant_id = h.participant_id
            AND l.card_id = h.card_id AND l.cause_id = h.cause_id) AS l ON true
        WHERE h.participant_id = $1 AND h.card_id IS NOT NULL AND d.data::jsonb ? 'balance_after'
            AND coalesce((d.data::jsonb ->> 'balance_after')::bigint, 0)
                - coalesce((d.data::jsonb ->> 'balance_before')::bigint, 0) <> coalesce(l.amount, 0)""",
}
ENTRIES = """SELECT h.*, d.salt, d.data FROM history AS h LEFT JOIN history_data AS d USING (participant_id, seq)
    WHERE h.participant_id = $1 ORDER BY h.seq"""
FROM_OUTSIDE = """SELECT coalesce(sum(amount), 0)::bigint FROM ledger_entries WHERE participant_id = $1
    AND kind IN ('opening', 'contribution', 'contribution_reversal', 'growth', 'claim_payment')"""


class Looked(msgspec.Struct, frozen=True):
    """What one look found: the cards as they stand, and how long the history is."""

    standing: Standing
    seq: int


async def look(
    connection: asyncpg.Connection[asyncpg.Record],
    participant_id: UUID,
    *,
    before: Looked | None,
    money: int,
    settled: bool,
) -> Looked:
    """Raises AssertionError with everything that is wrong. `money`: whole rupiah that came in, less what was paid out.

    `before` is the last look; `settled` says that the worker has just looked for what is due.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        wrong = [
            (what, [tuple(row) for row in rows])
            for what, sql in WRONG.items()
            if (rows := await connection.fetch(sql, participant_id, *([settled] if "$2" in sql else [])))
        ]
        cards = await connection.fetch(
            "SELECT card_id, status, balance FROM cards WHERE participant_id = $1", participant_id
        )
        entries = [dict(row) for row in await connection.fetch(ENTRIES, participant_id)]
        head = await connection.fetchrow(
            "SELECT seq, hash FROM participant_heads WHERE participant_id = $1", participant_id
        )
        outside = await connection.fetchval(FROM_OUTSIDE, participant_id)
    standing: Standing = {row["card_id"]: (row["status"], row["balance"]) for row in cards}
    total = sum(balance or 0 for _, balance in standing.values())
    assert head is not None
    if not total == outside == money:
        wrong.append(("money is not conserved", [(f"cards {total}, from outside {outside}, sent {money}",)]))
    wrong += [("the chain is broken", [(what,)]) for what in breaks(entries, (head["seq"], head["hash"]))]
    told = entries[before.seq :] if before else entries
    wrong += [("a change has not exactly one entry", [(what,)]) for what in untold(told, before, standing)]
    assert not wrong, wrong
    assert head["hash"] != GENESIS
    return Looked(standing, head["seq"])


def untold(entries: list[dict[str, Any]], before: Looked | None, after: Standing) -> list[str]:
    """Follows each card through the new entries: what one leaves, the next finds, and the last is what stands."""
    seen = dict(before.standing) if before else {}
    found = []
    for entry in entries:
        data = json.loads(entry["data"])
        if entry["card_id"] is None or "status_after" not in data:
            continue
        was = (data.get("status_before"), data.get("balance_before"))
        if entry["card_id"] in seen and was != seen[entry["card_id"]]:
            found.append(f"entry {entry['seq']} ({entry['kind']}) begins with {was}, not {seen[entry['card_id']]}")
        seen[entry["card_id"]] = (data["status_after"], data["balance_after"])
    found += [
        f"card {card_id}: told {seen.get(card_id)}, stands {now}"
        for card_id, now in after.items()
        if seen.get(card_id) != now
    ]
    return found
