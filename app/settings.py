"""Everything that can be set, read once from the environment into one frozen struct."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal

import msgspec

GOOGLE_FCM_BASE_URL = "https://fcm.googleapis.com"
WEBHOOK_SECRET = re.compile(r"whsec_(?:[A-Za-z0-9+/]{4}){5,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
HUAWEI_PUSH_BASE_URL = "https://push-api.cloud.huawei.com"
HUAWEI_TOKEN_URL = "https://oauth-login.cloud.huawei.com/oauth2/v3/token"  # noqa: S105 (an address)
STREAMS_MAX = 10_000
ORIGIN = re.compile(r"https://[a-z0-9.-]+(:[0-9]{1,5})?|http://localhost(:[0-9]{1,5})?")


class SettingsError(ValueError):
    """A setting is missing or malformed; the message names it and says what to do."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One field for each `SEPAKAT_<FIELD>` environment variable. Durations are seconds (`_s`)."""

    database_url: str
    redis_url: str
    secret: str
    env: str = "production"
    fcm_base_url: str = GOOGLE_FCM_BASE_URL
    fcm_credentials: str = ""
    hms_base_url: str = HUAWEI_PUSH_BASE_URL
    hms_token_url: str = HUAWEI_TOKEN_URL
    hms_credentials: str = ""  # JSON {app_id, client_id, client_secret}; none: no pushes through Huawei
    push_quota_per_minute: int = 600_000  # what FCM grants the project; all processes together stay below it
    push_device_limit: int = 80  # pushes to one phone in a minute: below FCM's 240 a minute and 5,000 an hour
    push_quarter_hour_s: int = 120  # before and after :00, :15, :30 and :45, when bulk slows down; 0: never
    push_minute_s: float = 60.0  # how long a minute of the quota is: shorter in proofs only
    sms_url: str = ""
    smtp_url: str = ""
    mail_from: str = ""
    feed_secrets: str = ""
    core_webhook_url: str = ""  # where the core hears of what participants decide; unset: it asks
    core_webhook_secret: str = ""  # whsec_…
    receipt_keys: str = ""
    data_keys: str = ""
    documents: str = "documents"  # a folder, or s3://bucket/prefix with the AWS_ variables
    public_origin: str = "http://localhost:8000"
    passkey_rp_id: str = ""  # the host of public_origin
    passkey_origins: str = ""  # public_origin; comma-separated, android:apk-key-hash:… for an Android app
    port: int = 8000
    feed_port: int = 8001
    staff_port: int = 8002
    staff_issuer: str = ""
    staff_audience: str = "sepakat"
    staff_jwks_url: str = ""
    staff_roles_claim: str = "roles"  # a name, or a path such as realm_access.roles
    staff_token_max_age_s: int = 3600
    staff_shown_as: Literal["pseudonym", "name"] = "pseudonym"
    simulator_port: int = 8100
    api_processes: int = 2
    merge_execution: Literal["here", "core"] = "here"  # who carries out what was agreed; the other follows
    merge_cooling_off_s: int = 43_200
    merge_undo_window_s: int = 2_592_000
    merge_proposal_ttl_s: int = 7_776_000
    merge_answer_s: int = 259_200  # the core's silence after which who waits is told; 0: nobody is
    merge_report_s: int = 2_592_000  # the core's silence after which what it was handed is a proposal again
    plan_ttl_s: int = 900
    proposals_per_day: int = 1  # of the agency to one participant, before one of a file waits for the next day
    proposals_day_limit: int = 100_000  # of files to all participants, lest they all stand at a branch on one day
    key_hold_s: int = 259_200
    ask_first_s: int = 60  # how long a living phone is asked before a code goes out by SMS; 0 asks nobody
    code_failures_limit: int = 1000  # wrong codes of all people in the window below, from which on none is checked
    code_failures_window_s: int = 600
    access_token_ttl_s: int = 600
    session_idle_s: int = 2_592_000  # without a refresh
    session_absolute_s: int = 15_552_000  # whatever happens
    stream_look_every_s: float = 15.0
    stream_stall_s: float = 60.0  # a connection of the API that takes nothing for so long is closed
    streams_max: int = STREAMS_MAX  # of one process; the server's --backpressure must be higher
    streams_per_session: int = 4  # in one process
    limits: str = "on"  # off: in tests only
    trusted_proxies: str = ""  # networks, comma-separated; none: the socket's peer is the client
    forwarded_by: str = "x-forwarded-for"  # the header that they set: this one, or `forwarded` (RFC 7239)
    cors_origins: str = ""  # exact origins, comma-separated; none: no other origin may read an answer
    pool_size: int = 10
    pool_wait_s: float = 5.0

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks of proxies whose word about the client's address is taken."""
        return tuple(ip_network(network) for part in self.trusted_proxies.split(",") if (network := part.strip()))

    @property
    def origins(self) -> list[str]:
        """The origins whose pages may read answers."""
        return [origin for part in self.cors_origins.split(",") if (origin := part.strip())]

    @property
    def push_kinds(self) -> list[str]:
        """The kinds of push targets that something sends to here."""
        return ["fid", "token", "hms"] if self.hms_credentials else ["fid", "token"]

    @property
    def local(self) -> bool:
        """True under `make run` and in tests; unset means production."""
        return self.env == "local"

    @property
    def simulator_url(self) -> str | None:
        """Where local mode shows what reached phones; None in production."""
        return self.fcm_base_url if self.local and self.fcm_base_url != GOOGLE_FCM_BASE_URL else None


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process. Raises SettingsError naming the variable that is missing or wrong."""
    values: dict[str, str] = {}
    for field in msgspec.structs.fields(Settings):
        value = environment.get(f"SEPAKAT_{field.name.upper()}")
        if value:
            values[field.name] = value
        elif field.required:
            msg = f"SEPAKAT_{field.name.upper()} is not set; beside `make run`, `. .local/environment` sets it"
            raise SettingsError(msg)
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"a SEPAKAT_ setting is malformed: {error}") from error
    if settings.env not in ("local", "production"):
        raise SettingsError("SEPAKAT_ENV is `local` or `production`")
    _check_edges(settings)
    if settings.core_webhook_url and not WEBHOOK_SECRET.fullmatch(settings.core_webhook_secret):
        raise SettingsError(
            "SEPAKAT_CORE_WEBHOOK_SECRET is whsec_ and base64, as the receiver of the webhooks knows it"
        )
    if len(settings.secret) < 32:
        raise SettingsError("SEPAKAT_SECRET needs at least 32 characters of randomness")
    for name, path in (("FCM", settings.fcm_credentials), ("HMS", settings.hms_credentials)):
        if path and not Path(path).is_file():
            raise SettingsError(f"SEPAKAT_{name}_CREDENTIALS: no file at {path}")
    return settings


def _check_edges(settings: Settings) -> None:
    if settings.limits not in ("on", "off") or (settings.limits == "off" and not settings.local):
        raise SettingsError("SEPAKAT_LIMITS is `on`; `off` is for tests and needs SEPAKAT_ENV=local")
    if settings.forwarded_by not in ("x-forwarded-for", "forwarded"):
        raise SettingsError("SEPAKAT_FORWARDED_BY is `x-forwarded-for` or `forwarded`: what your proxies set")
    if settings.push_quota_per_minute < 60 or settings.push_device_limit < 1 or settings.push_minute_s <= 0:
        raise SettingsError("SEPAKAT_PUSH_QUOTA_PER_MINUTE is at least 60, SEPAKAT_PUSH_DEVICE_LIMIT at least 1")
    for origin in settings.origins:
        if not ORIGIN.fullmatch(origin):
            raise SettingsError(f"SEPAKAT_CORS_ORIGINS: {origin!r} is no origin; write https://host, without path or *")
    try:
        _ = settings.proxies
    except ValueError as error:
        raise SettingsError(f"SEPAKAT_TRUSTED_PROXIES: {error}") from error
