"""The wiring of the listeners; nothing else wires. What they serve stands in app/routes.py."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from litestar import Litestar
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.types import ControllerRouterHandler, Middleware

from app.identity.bearer import Asker
from app.identity.problems import NotSignedIn, TokenExpired
from app.identity.session import Identify, provide_signed_in
from app.identity.tokens import Tokens
from app.merges.pause import provide_pause
from app.notifications.desk import keep_desk
from app.platform import logs, problems
from app.platform.connections import hold_connections
from app.platform.headers import SecurityHeaders, cross_origin
from app.platform.limits import limit_requests, read_limits
from app.platform.oidc import keep_keys
from app.platform.openapi import DOCS_POLICY, openapi_config
from app.platform.strict_json import StrictBody
from app.platform.strict_query import StrictQuery
from app.platform.transaction import Identify as TransactionIdentify
from app.platform.transaction import RequestIds, Transactions, provide_connection, provide_doorbell, provide_now
from app.routes import API_ROUTES, FEED_ROUTES, LOCAL_ROUTES, STAFF_ROUTES
from app.settings import Settings, read
from app.staff.member import OF_SIGN_IN, StaffOnly, check_settings, identify_member, provide_member

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
    return _create(
        "api",
        settings,
        API_ROUTES + (LOCAL_ROUTES if settings.local else []),
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
