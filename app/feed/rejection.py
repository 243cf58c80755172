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
    "participant_known": "A participant with this identity number is registered already.",
    "participant_unknown": "No participant has this identity number. Send participant.registered first.",
    "death_known": "This participant's death on {on} is on file. Compare the days; if ours is wrong, open a case.",
    "never_suggest": "The participant asked not to be offered these cards again. Do not propose it; they still may.",
    "card_known": "A card with this number is open already. A number is never given out twice.",
    "card_unknown": "No card has the number {kpj}. Send card.opened first.",
    "card_without_jht": "Only JHT savings are kept here, and this card has none. Do not send money for it.",
    "card_merged": "The participant merged this card into {into}. Send claims for that card.",
    "balance_too_small": "The card holds less than this. Nothing was paid; compare the balances.",
    "already_posted": "The import brought this event's entry already. There is nothing to do.",
    "growth_credited_already": "Another event credited the growth of this year on this card already. Nothing was credited.",
    "claim_known": "A claim with this id is known already.",
    "claim_already_open": "Another claim is open on this card. Send claim.paid for that one first.",
    "claim_paid_already": "This claim was paid already. Give another payment a claim of its own.",
    "claim_of_another_card": "This claim was opened on another card of the participant.",
    "cards_of_different_owners": "The cards belong to different participants. Nobody's cards merge with another's.",
    "card_merged_already": "This card is merged into {into} already. Compare what both sides know of it.",
    "merge_makes_cycle": "The card to merge into is itself merged into this one. Compare what both sides know of them.",
    "case_unknown": "No case has this id. Search for the open cases.",
    "case_decided_already": "This case is decided, or the participant ended it by accepting the merge. Nothing was changed.",
    "decision_unfit": "A case of kind {kind} is not decided like that. Send one of: {decisions}.",
    "card_not_free": "The card stands in a merge or claim, is frozen, locked or gone. End that first, then decide again.",
    "four_eyes_needed": "Cards are restored and linked by two people: send staff and second_staff, two different subjects.",
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
