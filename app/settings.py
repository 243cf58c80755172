"""Everything that can be set, read once from the environment into one frozen struct."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

GOOGLE_FCM_BASE_URL = "https://fcm.googleapis.com"


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
    sms_url: str = ""
    feed_secrets: str = ""
    receipt_keys: str = ""
    data_keys: str = ""
    documents: str = "documents"  # a folder, or s3://bucket/prefix with the AWS_ variables
    public_origin: str = "http://localhost:8000"
    port: int = 8000
    feed_port: int = 8001
    simulator_port: int = 8100
    api_processes: int = 2
    merge_cooling_off_s: int = 43_200
    merge_undo_window_s: int = 2_592_000
    merge_proposal_ttl_s: int = 7_776_000
    plan_ttl_s: int = 900
    key_hold_s: int = 259_200
    access_token_ttl_s: int = 600
    refresh_token_ttl_s: int = 2_592_000
    stream_look_every_s: float = 15.0
    pool_size: int = 10
    pool_wait_s: float = 2.0

    @property
    def local(self) -> bool:
        """True under `make run` and in tests; unset means production."""
        return self.env == "local"


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process. Raises SettingsError naming the variable that is missing or wrong."""
    values: dict[str, str] = {}
    for field in msgspec.structs.fields(Settings):
        value = environment.get(f"SEPAKAT_{field.name.upper()}")
        if value:
            values[field.name] = value
        elif field.required:
            msg = f"SEPAKAT_{field.name.upper()} is not set; `make run` sets it for local use"
            raise SettingsError(msg)
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"a SEPAKAT_ setting is malformed: {error}") from error
    if settings.env not in ("local", "production"):
        raise SettingsError("SEPAKAT_ENV is `local` or `production`")
    if len(settings.secret) < 32:
        raise SettingsError("SEPAKAT_SECRET needs at least 32 characters of randomness")
    if settings.fcm_credentials and not Path(settings.fcm_credentials).is_file():
        raise SettingsError(f"SEPAKAT_FCM_CREDENTIALS: no file at {settings.fcm_credentials}")
    return settings
