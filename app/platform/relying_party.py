"""Whom passkeys are made for: the domain that they are bound to, and the pages and apps that may ask for them."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

from app.settings import Settings, SettingsError

# An Android app names itself by the SHA-256 of its signing certificate, base64url.
ANDROID_ORIGIN = re.compile(r"android:apk-key-hash:[A-Za-z0-9_-]{43}")
WEB_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")


class RelyingParty(msgspec.Struct, frozen=True):
    """`id` is a domain; `origins` are its https pages (or http://localhost) and Android apps, as a browser names them."""

    id: str
    origins: tuple[str, ...]


def find_relying_party(settings: Settings) -> RelyingParty | None:
    """What `SEPAKAT_PASSKEY_RP_ID` and `SEPAKAT_PASSKEY_ORIGINS` say, by default the public origin and its host.

    None when neither is set and the public origin is one where no browser makes passkeys: an address without a name, or
    without TLS. Raises SettingsError, naming what does not fit.
    """
    given = [origin.strip() for origin in settings.passkey_origins.split(",") if origin.strip()]
    host = urlsplit(settings.public_origin).hostname or ""
    if not given and not settings.passkey_rp_id and not _is_secure(settings.public_origin):
        return None
    party = RelyingParty(settings.passkey_rp_id or host, tuple(given) or (settings.public_origin.rstrip("/"),))
    if not DOMAIN.fullmatch(party.id) or _is_address(party.id):
        raise SettingsError(f"SEPAKAT_PASSKEY_RP_ID is a domain in lower case, not {party.id!r}")
    for origin in party.origins:
        if ANDROID_ORIGIN.fullmatch(origin):
            continue
        host = urlsplit(origin).hostname or ""
        if not (_is_secure(origin) and (host == party.id or host.endswith(f".{party.id}"))):
            raise SettingsError(
                f"SEPAKAT_PASSKEY_ORIGINS: {origin!r} is neither https://{party.id} or a name below it,"
                " nor android:apk-key-hash:<SHA-256 of the signing certificate, base64url>"
            )
    return party


def _is_secure(origin: str) -> bool:
    parts = urlsplit(origin)
    named = WEB_ORIGIN.fullmatch(origin.rstrip("/")) is not None and not _is_address(parts.hostname or "")
    return named and (parts.scheme == "https" or parts.hostname == "localhost")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
