-- lock: nothing of this participant changes until the receipt is written
SELECT lock_participant($1);

-- merge: one merge of one participant, who they are, and the newest entry of their history
SELECT
    m.merge_id,
    m.state,
    m.proposed_by,
    m.reason,
    m.proposed_at,
    m.confirmed_at,
    m.executed_at,
    m.undo_until,
    m.closed_at,
    m.core,
    p.name,
    p.nik_sealed,
    h.seq AS head_seq,
    h.hash AS head_hash
FROM merges AS m
INNER JOIN participants AS p ON m.participant_id = p.participant_id
INNER JOIN participant_heads AS h ON m.participant_id = h.participant_id
WHERE m.participant_id = $1 AND m.merge_id = $2;

-- acts: what was carried out of this merge (merge or accept, then perhaps undo or reverse), with plan, statement, proof and key
SELECT
    e.action,
    e.plan_digest,
    e.confirmation_id,
    e.executed_at,
    told.cause_id,
    p.canonical,
    p.made_at AS plan_made_at,
    c.confirmed_at,
    c.acknowledged,
    c.statement,
    c.proof,
    k.device_id,
    k.passkey_id,
    k.name AS key_name,
    k.platform,
    k.added_at,
    k.public_key
FROM merge_executions AS e
INNER JOIN merge_plans AS p
    ON e.participant_id = p.participant_id AND e.merge_id = p.merge_id AND e.plan_digest = p.plan_digest
LEFT JOIN confirmations AS c ON e.participant_id = c.participant_id AND e.confirmation_id = c.confirmation_id
LEFT JOIN keys AS k ON c.participant_id = k.participant_id AND k.key_id = coalesce(c.device_id, c.passkey_id)
INNER JOIN history AS told
    ON
        e.participant_id = told.participant_id AND e.merge_id = told.merge_id
        AND told.kind = CASE e.action
            WHEN 'undo' THEN 'merge_undone'
            WHEN 'reverse' THEN 'merge_reversed'
            WHEN 'accept' THEN 'merge_accepted'
            ELSE 'merge_executed'
        END
WHERE e.participant_id = $1 AND e.merge_id = $2
ORDER BY told.seq;

-- ledger: the entries that this merge and its undo or reversal made, card by card
SELECT
    l.entry_id,
    k.kpj,
    l.number,
    l.kind,
    l.amount,
    l.balance_after,
    l.effective_on,
    l.recorded_at,
    l.received_for_kpj,
    l.transfer_id,
    l.cause_id
FROM ledger_entries AS l
INNER JOIN cards AS k ON l.participant_id = k.participant_id AND l.card_id = k.card_id
WHERE
    l.participant_id = $1
    AND l.transfer_id IN (
        SELECT coalesce(
            CASE e.action
                WHEN 'undo' THEN e.confirmation_id
                WHEN 'reverse' THEN (
                    SELECT told.cause_id FROM history AS told
                    WHERE told.participant_id = $1 AND told.merge_id = $2 AND told.kind = 'merge_reversed'
                )
            END,
            e.merge_id
        )
        FROM merge_executions AS e
        WHERE e.participant_id = $1 AND e.merge_id = $2
    )
ORDER BY l.recorded_at, k.kpj, l.number;

-- history: every entry about this merge with what it committed to, and the hash of the entry before it
SELECT
    h.seq,
    h.kind,
    h.card_id,
    h.merge_id,
    h.cause_id,
    h.occurred_at,
    h.recorded_at,
    h.wording,
    d.salt,
    d.data,
    h.commitment,
    before.hash AS previous,
    h.hash
FROM history AS h
LEFT JOIN history_data AS d ON h.participant_id = d.participant_id AND h.seq = d.seq
LEFT JOIN history AS before ON h.participant_id = before.participant_id AND before.seq = h.seq - 1
WHERE h.participant_id = $1 AND h.merge_id = $2
ORDER BY h.seq;
