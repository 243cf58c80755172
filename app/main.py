"""The list of routes and the wiring; nothing else wires."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from litestar import Litestar
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.types import ControllerRouterHandler, Middleware

from app.bulk.manage import BULK_ROUTES
from app.cards import history, lock, overview, statement
from app.cards import show as show_card
from app.cards.unfreeze import unfreeze
from app.cases.correct import ask_correction, list_corrections
from app.cases.heirs import ask_as_heir, show_heir_case
from app.cases.show import list_cases
from app.consents.choose import give_consent, withdraw_consent
from app.consents.show import list_consents
from app.devices.push_target import clear_push_target, set_push_target
from app.devices.remove import remove_device
from app.devices.show import list_devices, rename_device
from app.documents.receive import receive_for_match, receive_for_merge
from app.documents.show import list_for_match, list_for_merge
from app.feed import check_registration, receive, receive_lines, search_merges
from app.feed.search_cases import search_cases
from app.history.access_log import show_access_log
from app.history.export import export
from app.history.roots import list_roots
from app.identity.answer_enrolment import approve_enrolment, list_enrolments, refuse_enrolment
from app.identity.bearer import Asker
from app.identity.challenge import make_challenge
from app.identity.contact import ask_contact_change, verify_contact
from app.identity.end_session import end_current_session, end_other_sessions, end_session
from app.identity.enrol import enrol
from app.identity.list_sessions import list_sessions
from app.identity.me import show_me
from app.identity.preferences import set_preferences
from app.identity.problems import NotSignedIn, TokenExpired
from app.identity.refresh import refresh_session
from app.identity.session import Identify, provide_signed_in
from app.identity.sign_in import sign_in
from app.identity.support_code import make_support_code
from app.identity.tokens import Tokens
from app.identity.verify_enrolment import verify_enrolment
from app.matches import show as show_matches
from app.matches.claim import claim
from app.matches.not_mine import disown
from app.merges import accept, close, confirm, dispute, never_suggest, options, propose, renew_plan, stop
from app.merges import show as show_merge
from app.merges.pause import provide_pause
from app.merges.receipt import show_receipt
from app.merges.undo import show_undo, undo_merge
from app.notifications.desk import keep_desk
from app.notifications.inbox import inbox
from app.notifications.read import acknowledge, mark_read, record_receipts
from app.notifications.stream import stream
from app.passkeys.add import add_passkey, make_options
from app.passkeys.remove import remove_passkey
from app.passkeys.show import list_passkeys, rename_passkey
from app.platform import health, logs, problems
from app.platform.capabilities import capabilities
from app.platform.clock import advance_local_clock
from app.platform.connections import hold_connections
from app.platform.headers import SecurityHeaders, cross_origin
from app.platform.limits import limit_requests, read_limits
from app.platform.oidc import keep_keys
from app.platform.openapi import DOCS_POLICY, openapi_config, openapi_routes
from app.platform.signing import show_keys
from app.platform.strict_json import StrictBody
from app.platform.strict_query import StrictQuery
from app.platform.transaction import Identify as TransactionIdentify
from app.platform.transaction import RequestIds, Transactions, provide_connection, provide_doorbell, provide_now
from app.settings import Settings, read
from app.staff.decide_case import decide_case
from app.staff.member import OF_SIGN_IN, StaffOnly, check_settings, identify_member, provide_member
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
    inbox,
    mark_read,
    record_receipts,
    acknowledge,
    stream,
    # for machines
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
    search_cases,
    search_merges.search_merges,
    *BULK_ROUTES,
    health.live,
    health.ready,
]
STAFF_ROUTES: list[ControllerRouterHandler] = [
    search_waiting_cases,
    read_case,
    read_document,
    decide_case,
    view_participant,
    health.live,
    health.ready,
    *openapi_routes,
]
LIMITS = read_limits(Path(__file__).parent / "limits.json")


@asynccontextmanager
async def _provider_keys(app: Litestar) -> AsyncIterator[None]:
    async with keep_keys(app.state.settings.staff_jwks_url) as app.state.provider_keys:
        yield


def _create(
    name: str,
    settings: Settings,
    routes: list[ControllerRouterHandler],
    *,
    identify: TransactionIdentify | None = None,
    of_sign_in: tuple[type[problems.Problem], ...] = (NotSignedIn, TokenExpired),
    first: Sequence[Middleware] = (),
    lifespan: Sequence[Callable[[Litestar], AbstractAsyncContextManager[None]]] = (),
    **options: Any,
) -> Litestar:
    logs.configure(settings.secret)
    app: Litestar
    tokens = Tokens(settings.secret)
    identify = identify or Identify(tokens)
    before_body, after_body = limit_requests(LIMITS, settings, Asker(tokens), lambda: app.state.buckets)

    async def provide_settings() -> Settings:
        return settings

    app = Litestar(
        routes,
        middleware=[
            RequestIds,
            before_body,
            *first,
            StrictBody,
            after_body,
            StrictQuery,
            DefineMiddleware(
                Transactions,
                pool=lambda: app.state.pool,
                jobs=lambda: app.state.jobs,
                identify=identify,
                wait_s=settings.pool_wait_s,
            ),
        ],
        dependencies={
            "connection": Provide(provide_connection),
            "now": Provide(provide_now),
            "doorbell": Provide(provide_doorbell),
            "who": Provide(provide_signed_in),
            "member": Provide(provide_member),
            "settings": Provide(provide_settings),
            "merges_paused": Provide(provide_pause),
        },
        exception_handlers={Exception: problems.render},
        before_send=[SecurityHeaders(https_only=not settings.local, policies={"/docs": DOCS_POLICY})],
        logging_config=None,  # Litestar's would print what libraries say as it is
        lifespan=[hold_connections, *lifespan],
        request_max_body_size=None,
        **options,
    )
    app.state.settings = settings
    app.state.of_sign_in = of_sign_in
    app.state.limits = LIMITS
    app.state.identify = identify
    app.state.tokens = tokens
    app.state.name = name
    return app


def create_api(settings: Settings | None = None) -> Litestar:
    """What phones talk to. Its database role may confirm merges, and may not execute them."""
    settings = settings or read()
    routes = API_ROUTES + ([advance_local_clock] if settings.local else [])
    return _create(
        "api",
        settings,
        routes,
        lifespan=[keep_desk],
        openapi_config=openapi_config(),
        cors_config=cross_origin(settings.origins),
    )


def create_feed(settings: Settings | None = None) -> Litestar:
    """What the agency's core system talks to: its own listener, credentials and database role."""
    return _create("feed", settings or read(), FEED_ROUTES, openapi_config=None, opt={"unlimited": True})


def create_staff(settings: Settings | None = None) -> Litestar:
    """What the agency's staff work with: a listener of its own, tokens of the agency's identity provider, and a database
    role that reads by functions which log every look. Raises SettingsError without a provider."""
    settings = settings or read()
    check_settings(settings)
    app: Litestar = _create(
        "staff",
        settings,
        STAFF_ROUTES,
        identify=identify_member,
        of_sign_in=OF_SIGN_IN,
        first=[DefineMiddleware(StaffOnly, keys=lambda: app.state.provider_keys, settings=settings)],
        lifespan=[_provider_keys],
        openapi_config=openapi_config(),
    )
    return app
