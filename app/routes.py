"""The list of routes, of each listener."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from app.announcements import show as show_announcement
from app.bulk import manage as bulk
from app.bulk.receive import receive_load
from app.cards import history, lock, overview, statement
from app.cards import show as show_card
from app.cards.unfreeze import unfreeze
from app.cases.correct import ask_correction, list_corrections
from app.cases.heirs import ask_as_heir, show_heir_case
from app.cases.show import list_cases
from app.companion.serve import show_companion, show_file, show_root_file
from app.consents.choose import give_consent, withdraw_consent
from app.consents.show import list_consents
from app.devices.push_target import clear_push_target, set_push_target
from app.devices.remove import remove_device
from app.devices.show import list_devices, rename_device
from app.documents.receive import receive_for_match, receive_for_merge
from app.documents.show import list_for_match, list_for_merge
from app.feed import check_registration, gaps, receive, receive_lines, search_announcements, search_cases, search_merges
from app.history.access_log import show_access_log
from app.history.export import export
from app.history.roots import list_roots
from app.identity.answer_enrolment import approve_enrolment, list_enrolments, refuse_enrolment
from app.identity.challenge import make_challenge
from app.identity.contact import ask_contact_change, verify_contact
from app.identity.end_session import end_current_session, end_other_sessions, end_session
from app.identity.enrol import enrol
from app.identity.list_sessions import list_sessions
from app.identity.me import show_me
from app.identity.preferences import set_preferences
from app.identity.refresh import refresh_session
from app.identity.sign_in import sign_in
from app.identity.support_code import make_support_code
from app.identity.verify_enrolment import verify_enrolment
from app.matches import show as show_matches
from app.matches.claim import claim
from app.matches.not_mine import disown
from app.merges import accept, close, confirm, dispute, never_suggest, options, propose, renew_plan, stop
from app.merges import show as show_merge
from app.merges.receipt import show_receipt
from app.merges.undo import show_undo, undo_merge
from app.notifications import inbox, stream
from app.notifications.read import acknowledge, mark_read, record_receipts
from app.passkeys.add import add_passkey, make_options
from app.passkeys.remove import remove_passkey
from app.passkeys.show import list_passkeys, rename_passkey
from app.platform import health
from app.platform.capabilities import capabilities
from app.platform.clock import advance_local_clock
from app.platform.openapi import openapi_routes
from app.platform.signing import show_keys
from app.staff.decide_case import decide_case
from app.staff.freeze_cards import freeze_cards
from app.staff.read_case import read_case
from app.staff.read_document import read_document
from app.staff.search_cases import search_cases as search_waiting_cases
from app.staff.view_participant import view_participant

API_ROUTES: list[ControllerRouterHandler] = [
    # who I am
    enrol,
    verify_enrolment,
    list_enrolments,
    approve_enrolment,
    refuse_enrolment,
    make_challenge,
    sign_in,
    refresh_session,
    list_sessions,
    end_current_session,
    end_session,
    end_other_sessions,
    show_me,
    set_preferences,
    ask_contact_change,
    verify_contact,
    ask_correction,
    list_corrections,
    list_consents,
    give_consent,
    withdraw_consent,
    export,
    show_access_log,
    make_support_code,
    list_devices,
    rename_device,
    remove_device,
    make_options,
    add_passkey,
    list_passkeys,
    rename_passkey,
    remove_passkey,
    set_push_target,
    clear_push_target,
    # my cards
    overview.overview,
    show_card.show,
    show_card.resolve,
    statement.statement,
    history.history,
    lock.lock,
    lock.unlock,
    unfreeze,
    list_cases,
    ask_as_heir,
    show_heir_case,
    show_matches.page,
    claim,
    disown,
    receive_for_match,
    list_for_match,
    # merges
    options.options,
    options.judge_option,
    propose.propose_mine,
    show_merge.page,
    show_merge.show,
    renew_plan.renew,
    renew_plan.choose_survivor,
    confirm.confirm,
    close.decline,
    close.cancel,
    never_suggest.never_suggest,
    show_undo,
    undo_merge,
    dispute.dispute,
    accept.plan_accept,
    accept.accept,
    receive_for_merge,
    list_for_merge,
    show_receipt,
    stop.show_stop,
    stop.stop,
    # inbox
    inbox.inbox,
    show_announcement.page,
    show_announcement.show,
    mark_read,
    record_receipts,
    acknowledge,
    stream.stream,
    # for machines
    show_companion,
    show_root_file,
    show_file,
    capabilities,
    show_keys,
    list_roots,
    health.live,
    health.ready,
    *openapi_routes,
]
FEED_ROUTES: list[ControllerRouterHandler] = [
    receive.receive_events,
    receive_lines.receive_lines,
    check_registration.check_registration,
    search_cases.search_cases,
    search_merges.search_merges,
    search_announcements.search_announcements,
    gaps.search_streams,
    gaps.skip_stream,
    receive_load,
    bulk.search_bulk,
    bulk.resume_bulk,
    bulk.pause_bulk,
    bulk.report_bulk,
    bulk.list_bulk_refusals,
    health.live,
    health.ready,
]
STAFF_ROUTES: list[ControllerRouterHandler] = [
    search_waiting_cases,
    read_case,
    read_document,
    decide_case,
    freeze_cards,
    view_participant,
    health.live,
    health.ready,
    *openapi_routes,
]
LOCAL_ROUTES: list[ControllerRouterHandler] = [advance_local_clock]
