"""Mail over SMTP (RFC 5321): plain text, one recipient, one attempt, and a value that says what came of it."""

from __future__ import annotations

import asyncio
import re
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import aiosmtplib
import msgspec

from app.platform.outcomes import Accepted, Rejected, RetryLater
from app.settings import Settings, SettingsError

# ASCII: letters beyond it would need SMTPUTF8 of every server on the way.
ADDRESS = re.compile(r"[!#-'*+\-./-9=?A-Z^-~]{1,64}@[0-9A-Za-z.\-]{1,189}")
URL_FORM = "SEPAKAT_SMTP_URL is smtp://USER:PASSWORD@HOST:PORT or smtps://…, with USER and PASSWORD percent-encoded"
_AFTER_S = 10.0
_CLOSED_AFTER_S = 60.0
_IDLE_KEPT = 10


class Mail(msgspec.Struct, frozen=True):
    """`id` stays the same on every retry: it becomes the Message-ID, by which mail programs know a double."""

    id: str
    to: str
    subject: str
    text: str
    language: str

    def __repr__(self) -> str:
        return f"Mail(id={self.id!r})"  # the text may hold a link that acts for its reader


class _Place(msgspec.Struct, frozen=True):
    host: str
    port: int
    user: str | None
    password: str | None
    tls: bool
    needs_starttls: bool

    def __repr__(self) -> str:
        return f"_Place(host={self.host!r}, port={self.port})"


class MailServer:
    """A server at `smtp://user:password@host:587` (STARTTLS) or `smtps://…:465`, and the sender of all mail.

    STARTTLS is demanded, except of a server on this machine: what a relay in between could read, it could also change.
    A connection is kept for the next mail. `close()` it at the end. Raises SettingsError.
    """

    def __init__(self, url: str, sender: str, timeout_s: float = 8.0) -> None:
        self._place = read_mail_url(url)
        self._sender = sender
        self._address = read_sender(sender)
        self._timeout_s = timeout_s
        self._idle: list[aiosmtplib.SMTP] = []

    async def send(self, mail: Mail) -> Accepted | RetryLater | Rejected:
        """One attempt, within the timeout as a whole. Raises for no answer."""
        if not ADDRESS.fullmatch(mail.to):
            return Rejected("address_malformed")
        client: aiosmtplib.SMTP | None = None
        handed_over = False
        try:
            async with asyncio.timeout(self._timeout_s):
                client = await self._connect()
                handed_over = True
                await client.sendmail(self._address, [mail.to], write_mail(mail, self._sender))
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            outcome = _read_failure(error, handed_over=handed_over)
            if client is not None and not isinstance(outcome, Rejected):
                client.close()
            self._keep(client)
            return outcome
        except BaseException:
            if client is not None:
                client.close()
            raise
        self._keep(client)
        return Accepted(message_id(mail, self._address))

    async def close(self) -> None:
        """Ends the connections that were kept."""
        while self._idle:
            self._idle.pop().close()

    def _keep(self, client: aiosmtplib.SMTP | None) -> None:
        if client is not None and client.is_connected and len(self._idle) < _IDLE_KEPT:
            self._idle.append(client)

    async def _connect(self) -> aiosmtplib.SMTP:
        """A kept connection that still answers, else a new one."""
        while self._idle:
            kept = self._idle.pop()
            try:
                await kept.noop()
            except (aiosmtplib.SMTPException, OSError):
                kept.close()
                continue
            return kept
        place = self._place
        client = aiosmtplib.SMTP(
            hostname=place.host,
            port=place.port,
            username=place.user,
            password=place.password,
            use_tls=place.tls,
            start_tls=place.needs_starttls,
            tls_context=ssl.create_default_context(),
            timeout=self._timeout_s,
        )
        try:
            await client.connect()
        except BaseException:
            client.close()
            raise
        return client


def open_mail(settings: Settings) -> MailServer | None:
    """The server of SEPAKAT_SMTP_URL, not yet connected; None where mail is off. Raises SettingsError."""
    return MailServer(settings.smtp_url, settings.mail_from) if settings.smtp_url else None


def read_mail_url(url: str) -> _Place:
    """Where the server is. Raises SettingsError, which never tells the password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SettingsError(URL_FORM) from error
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise SettingsError(URL_FORM)
    tls = parts.scheme == "smtps"
    return _Place(
        host=parts.hostname,
        port=port or (465 if tls else 587),
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        tls=tls,
        needs_starttls=not tls and not _is_this_machine(parts.hostname),
    )


def read_sender(sender: str) -> str:
    """The address in `Sepakat <no-reply@example.id>`. Raises SettingsError."""
    address = parseaddr(sender)[1]
    if not ADDRESS.fullmatch(address) or "\n" in sender or "\r" in sender:
        raise SettingsError("SEPAKAT_MAIL_FROM is an address such as `Sepakat <no-reply@example.id>`")
    return address


def message_id(mail: Mail, address: str) -> str:
    """The Message-ID: the same on every retry."""
    return f"<{mail.id}@{address.rpartition('@')[2]}>"


def write_mail(mail: Mail, sender: str) -> bytes:
    """The message as it is sent. Automatic mail says so, that no holiday notice answers it (RFC 3834)."""
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = message_id(mail, read_sender(sender))
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(mail.text, charset="utf-8", cte="quoted-printable")
    message["Content-Language"] = mail.language  # set_content drops what describes the content before
    return message.as_bytes()


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_failure(error: Exception, *, handed_over: bool) -> RetryLater | Rejected:
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=[refused, *_]):
            return _read_refusal(refused.code, "recipient")
        case aiosmtplib.SMTPRecipientRefused(code=code):
            return _read_refusal(code, "recipient")
        case aiosmtplib.SMTPDataError(code=code):
            return _read_refusal(code, "message")
        case aiosmtplib.SMTPResponseException(code=code):
            # Sender, login or greeting: our own set-up or the server's state, and the same for everybody.
            return RetryLater(_CLOSED_AFTER_S, f"server_refused_{code}", provider_wide=True)
    if handed_over:
        return RetryLater(_AFTER_S, "unknown_connection_lost", provider_wide=False)
    if isinstance(error, ssl.SSLError) or not isinstance(error, OSError):
        # Nothing was said in the clear: the server offers no STARTTLS, or not the certificate of its name.
        return RetryLater(_CLOSED_AFTER_S, "no_tls", provider_wide=True)
    return RetryLater(_AFTER_S, "unreachable", provider_wide=True)


def _read_refusal(code: int, of: str) -> RetryLater | Rejected:
    if code >= 500:
        return Rejected(f"SMTP_{code}")
    # 421 closes the whole service; other 4xx are about this mailbox or message, greylisting above all.
    return RetryLater(_CLOSED_AFTER_S, f"{of}_waits_{code}", provider_wide=code == 421)
