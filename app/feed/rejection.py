"""Why an event is not applied: stable codes, each with what its sender can do. Pure."""

from __future__ import annotations

from app.platform.problems import Problem

REJECTIONS: dict[str, str] = {
    "event_malformed": (
        "The event does not have the form {{id, type, occurred_at, streams, data}}: {reason}."
        " Nothing of it was kept: correct it and send it again, with the same id and numbers."
    ),
    "data_invalid": "The data does not fit the type: {reason}. Send a correct event with a new id and the next numbers.",
    "type_unsupported": "This installation does not take events of this type. It names those it takes in the docs.",
    "date_in_future": "{field} lies in the future. Send it when it has happened, with a new id and the next numbers.",
    "balance_too_large": "The balance would exceed 9,007,199,254,740,991 rupiah. Check the amount.",
    "stream_foreign": "The event is about {subject}: number it in their streams, not in {stream}.",
    "stream_number_taken": "Another event has used number {number} of {stream}. Give this one a new id and the next number.",
    "number_skipped": "Staff skipped number {number} of {stream}: it did not come for a day. Send it under the next one.",
    "participant_known": "A participant with this identity number is registered already.",
    "participant_unknown": "No participant has this identity number. Send participant.registered first.",
    "employer_unknown": "No employer has this id. It comes with the first card.opened that names it.",
    "death_known": "This participant's death on {on} is on file. Compare the days; if ours is wrong, open a case.",
    "never_suggest": "The participant asked not to be offered these cards again. Do not propose it; they still may.",
    "card_known": "A card with this number is open already. A number is never given out twice.",
    "card_unknown": "No card has the number {kpj}. Send card.opened first.",
    "card_without_jht": "Only JHT savings are kept here, and this card has none. Do not send money for it.",
    "card_merged": "The participant merged this card into {into}. Send claims for that card.",
    "balance_too_small": "The card holds less than this. Nothing was taken from it; compare the balances.",
    "contribution_unknown": "No contribution of this participant came by that event. Name the event that posted it.",
    "contribution_of_another_card": "That contribution was paid for another number. Name the number of its event.",
    "contribution_reversed_already": "That contribution was taken back already. There is nothing to do.",
    "already_posted": "The import or a bulk run brought this event's entry already. There is nothing to do.",
    "waits_in_bulk": "The bulk run {run} holds this event's row and has not posted it yet. See that it is resumed.",
    "growth_credited_already": "Another event credited the growth of this year on this card already. Nothing was credited.",
    "claim_known": "A claim with this id is known already.",
    "claim_already_open": "Another claim is open on this card. Send claim.paid for that one first.",
    "claim_unknown": "No claim has this id. Compare the claims of the card.",
    "claim_paid_already": "This claim was paid already. Give another payment a claim of its own.",
    "claim_of_another_card": "This claim was opened on another card of the participant.",
    "cards_of_different_owners": "The cards belong to different participants. Nobody's cards merge with another's.",
    "card_merged_already": "This card is merged into {into} already. Compare what both sides know of it.",
    "merge_makes_cycle": "The card to merge into is itself merged into this one. Compare what both sides know of them.",
    "day_unknown": "Nothing is known here of this card before {since}. Report a later day.",
    "merge_unknown": "No merge has this id. It is the one that Sepakat gave it.",
    "merge_not_agreed": "This merge is {state}: there is nothing that the core could answer to.",
    "merge_answered_already": "The core has answered to this merge before: {core}. The first answer stands.",
    "report_needed": "Sepakat executes this merge by your report: send card.merged with the cards and their balances.",
    "merge_not_reversible": "Something still stands in the way of a reversal ({obstacle}). End that first, or settle it outside.",
    "merges_paused": "All executions are paused, and a reversal is one. Send it again after the pause, under a new id.",
    "case_unknown": "No case has this id. Search for the open cases.",
    "case_decided_already": "This case is decided, or it ended by itself. Nothing was changed.",
    "decision_unfit": "A case of kind {kind} is not decided like that. Send one of: {decisions}.",
    "card_not_free": "The card stands in a merge or claim, is frozen, locked or gone. End that first, then decide again.",
    "balance_still_differs": "The figure that was reported is not ours yet. Send the events that are missing, then decide.",
    "four_eyes_needed": "This decision takes two people: send staff and second_staff, two different subjects.",
    "papers_missing": "An heir is recognised by papers: send kind and reference of each that was taken in at the branch.",
    "branch_code_life": "A branch code is good for 7 days at most, and not yet expired when it comes. Hand out another.",
    "branch_code_known": "This code was handed out to this participant before. Every code is a new one.",
    "announcement_tappable": (
        "{field} holds a link, a mail address or a number of eight digits or more, which somebody could tap or type."
        " Name the place in the app instead; send the announcement with a new id."
    ),
    "announcement_unknown": "No announcement came by the event that it replaces. Name the event that published it.",
    "announcement_replaced_already": "Another announcement replaced that one. Replace the newest.",
    "announcements_of_the_day": "More than three announcements to all on one day take two people: send staff and second_staff.",
    "invariant_violated": "The database refused this event ({constraint}). Nothing of it was applied; report it to us.",
}


class Rejected(Exception):
    """This event is not applied, and never will be. `code` is one of REJECTIONS, or the code of a merge's problem."""

    code: str
    detail: str

    def __init__(self, code: str, **members: object) -> None:
        super().__init__(code)
        self.code = code
        self.detail = REJECTIONS[code].format_map(members)


class MergeRejected(Rejected):
    """Rejected for a reason of the merge itself: code and text are those that a participant would get."""

    def __init__(self, problem: Problem) -> None:
        Exception.__init__(self, problem.code)
        self.code = problem.code
        reasons = problem.members.get("reasons")
        told = f" Reasons: {', '.join(reasons)}." if isinstance(reasons, list) else ""
        self.detail = problem.english.format_map(problem.members) + told
