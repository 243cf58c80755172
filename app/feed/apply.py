"""Which types of event are taken, and what each does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import structlog

from app.feed import (
    apply_announcement,
    apply_answer,
    apply_balance,
    apply_branch,
    apply_card,
    apply_case,
    apply_claim,
    apply_merge,
    apply_money,
    apply_participant,
)
from app.feed.announcement import AnnouncementPublished
from app.feed.event import (
    BalanceReported,
    BranchCodeIssued,
    CardMerged,
    CardOpened,
    CardStatusChanged,
    CaseDecided,
    Claim,
    ContributionPosted,
    ContributionReversed,
    Data,
    EmployerUpdated,
    GrowthCredited,
    MergeAnswered,
    MergeProposed,
    ParticipantRegistered,
    ParticipantTold,
    ParticipantUpdated,
    read_data,
)
from app.feed.rejection import Rejected
from app.feed.turn import Applied, Turn

log = structlog.get_logger()

TYPES: dict[str, tuple[type[Data], Callable[[Turn, Any], Awaitable[Applied]]]] = {
    "participant.registered": (ParticipantRegistered, apply_participant.register_participant),
    "participant.updated": (ParticipantUpdated, apply_participant.update_participant),
    "participant.deceased": (ParticipantTold, apply_participant.record_death),
    "participant.phone_ported": (ParticipantTold, apply_participant.record_ported_number),
    "employer.updated": (EmployerUpdated, apply_participant.update_employer),
    "card.opened": (CardOpened, apply_card.open_card),
    "card.status_changed": (CardStatusChanged, apply_card.change_status),
    "contribution.posted": (ContributionPosted, apply_money.post_contribution),
    "contribution.reversed": (ContributionReversed, apply_money.reverse_contribution),
    "growth.credited": (GrowthCredited, apply_money.credit_growth),
    "claim.opened": (Claim, apply_claim.open_claim),
    "claim.paid": (Claim, apply_claim.pay_claim),
    "claim.withdrawn": (Claim, apply_claim.withdraw_claim),
    "balance.reported": (BalanceReported, apply_balance.compare_balance),
    "merge.proposed": (MergeProposed, apply_merge.propose_merge),
    "merge.acknowledged": (MergeAnswered, apply_answer.acknowledge_merge),
    "merge.refused": (MergeAnswered, apply_answer.refuse_merge),
    "card.merged": (CardMerged, apply_merge.report_merge),
    "case.decided": (CaseDecided, apply_case.apply_decision),
    "branch_code.issued": (BranchCodeIssued, apply_branch.issue_branch_code),
    "announcement.published": (AnnouncementPublished, apply_announcement.publish),
}

CONSTRAINTS = {
    "card_numbers_pkey": "card_known",
    "claims_pkey": "claim_known",
    "one_open_claim_per_card": "claim_already_open",
    "source_event_is_posted_once": "already_posted",
    "growth_is_credited_once": "growth_credited_already",
    "balance_is_not_negative": "balance_too_small",
    "ledger_is_not_negative": "balance_too_small",
    "balance_is_exact_in_json": "balance_too_large",
    "only_jht_has_a_balance": "card_without_jht",
    "pair_is_never_suggested": "never_suggest",
    "case_is_open": "case_decided_already",
    "case_is_restored_by_four_eyes": "four_eyes_needed",
    "four_eyes_are_two_people": "four_eyes_needed",
    "card_is_free_to_go": "card_not_free",
    "contribution_is_known": "contribution_unknown",
    "contribution_is_of_this_card": "contribution_of_another_card",
    "contribution_is_reversed_once": "contribution_reversed_already",
    "merges_are_paused": "merges_paused",
    "comparison_agrees": "balance_still_differs",
    "heir_is_recognised_by_papers": "papers_missing",
    "branch_code_is_short_lived": "branch_code_life",
    "branch_code_is_new": "branch_code_known",
    "announcement_is_replaced_once": "announcement_replaced_already",
    "announcements_to_all_are_few": "announcements_of_the_day",
    "ladder_takes_two_people": "four_eyes_needed",
}


async def apply(turn: Turn) -> Applied:
    """Does what the event says, all of it or nothing: what was begun before a refusal is rolled back.

    Raises Rejected, also where the database refuses.
    """
    if turn.event.type not in TYPES:
        raise Rejected("type_unsupported")
    shape, do = TYPES[turn.event.type]
    data = read_data(turn.event, shape, turn.now)
    try:
        async with turn.connection.transaction():
            return await do(turn, data)
    except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError) as error:
        name = getattr(error, "constraint_name", None)
        code = CONSTRAINTS.get(name or "")
        if code is None:
            log.exception("event_refused_by_database", event_id=turn.event.id, constraint=name)
            raise Rejected("invariant_violated", constraint=name or type(error).__name__) from None
        raise Rejected(code) from None
