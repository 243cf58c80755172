"""`python -m app.local.simulator`: Google's FCM, Huawei's Push Kit, an SMS gateway, a mail server and an identity provider.

HTTP on SEPAKAT_SIMULATOR_PORT, SMTP on the port after it, both on 127.0.0.1 of this machine only. What it took is in
`messages.jsonl` under SEPAKAT_STATE_DIR; the accounts that it accepts in SEPAKAT_FCM_CREDENTIALS and SEPAKAT_HMS_CREDENTIALS.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
from aiosmtpd.smtp import SMTP, Envelope, Session
from granian.constants import Interfaces
from granian.server.embed import Server

from app.local.simulator_accounts import AccountError, TokenEndpoint, write_service_account
from app.local.simulator_hms import AppTokens, write_hms_credentials
from app.local.simulator_journal import Journal
from app.local.simulator_oidc import Provider
from app.local.simulator_routes import Simulator

__all__ = ["main", "write_service_account"]

HOST = "127.0.0.1"
STOP_TIMEOUT_S = 1.0


class SimulatorError(RuntimeError):
    """The simulator cannot start; the message says what to do."""


class Place(msgspec.Struct, frozen=True):
    """Where one simulator lives. SMTP is on `port` + 1."""

    port: int
    state_dir: Path
    credentials: Path
    hms_credentials: Path

    @property
    def base_url(self) -> str:
        return f"http://localhost:{self.port}"


def read_place(environment: Mapping[str, str] = os.environ) -> Place:
    """Raises SimulatorError outside local mode, or for a port that is none."""
    if environment.get("SEPAKAT_ENV") != "local":
        raise SimulatorError("the simulator runs only where SEPAKAT_ENV=local; production sends to Google and Huawei")
    port = environment.get("SEPAKAT_SIMULATOR_PORT") or "8100"
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65535):
        raise SimulatorError(f"SEPAKAT_SIMULATOR_PORT is {port!r}; it takes a number from 1 to 65534")
    state_dir = Path(environment.get("SEPAKAT_STATE_DIR") or ".local")
    credentials = environment.get("SEPAKAT_FCM_CREDENTIALS") or str(state_dir / "service-account.json")
    hms_credentials = environment.get("SEPAKAT_HMS_CREDENTIALS") or str(state_dir / "hms-credentials.json")
    return Place(int(port), state_dir, Path(credentials), Path(hms_credentials))


class _Mailbox:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        refusal = self._simulator.refuse_mail(address)
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = email.message_from_bytes(envelope.original_content or b"", policy=email.policy.default)
        part = mail.get_body(("plain", "html"))
        text = str(part.get_content()).replace("\r\n", "\n") if part is not None else ""
        for to in envelope.rcpt_tos:
            await self._simulator.take_mail(to, str(mail["subject"] or ""), text, str(mail["message-id"] or ""))
        return "250 OK"


async def serve(place: Place) -> None:
    """Ends the process on SIGINT or SIGTERM. Raises SimulatorError for a port taken or a foreign account file."""
    _check_free(place.port)
    try:
        write_service_account(place.credentials, place.base_url)
        tokens = TokenEndpoint(place.credentials)
        write_hms_credentials(place.hms_credentials)
        app_tokens = AppTokens(place.hms_credentials)
    except AccountError as error:
        raise SimulatorError(str(error)) from error
    journal = Journal(place.state_dir / "messages.jsonl")
    provider = Provider(place.state_dir / "staff-keys.pem", place.base_url)
    simulator = Simulator(journal, tokens, provider, app_tokens)
    simulator.core.secret = os.environ.get("SEPAKAT_CORE_WEBHOOK_SECRET", "")
    loop = asyncio.get_running_loop()
    mailbox = _Mailbox(simulator)
    try:
        smtp = await loop.create_server(lambda: SMTP(mailbox, enable_SMTPUTF8=True), HOST, place.port + 1)
    except OSError as error:
        raise _port_taken(place.port + 1) from error
    http = Server(
        simulator,
        address=HOST,
        port=place.port,
        interface=Interfaces.ASGI,
        websockets=False,
        log_enabled=False,
    )
    ending = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ending.set)
    async with smtp:
        serving = asyncio.create_task(http.serve())
        await asyncio.wait({serving, asyncio.create_task(ending.wait())}, return_when=asyncio.FIRST_COMPLETED)
        http.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait({serving}, timeout=STOP_TIMEOUT_S)
    # Whatever was answered is on disk; a request still held back by its script would keep us for minutes.
    os._exit(0)


def _check_free(port: int) -> None:
    """Granian shares a port with whoever asks for it: a second simulator would take half of the messages."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise _port_taken(port) from error


def _port_taken(port: int) -> SimulatorError:
    return SimulatorError(f"port {port} is taken; set SEPAKAT_SIMULATOR_PORT to a free one (it needs two in a row)")


def main() -> None:
    """Exit status 1, with one line on standard error, if it cannot start."""
    try:
        asyncio.run(serve(read_place()))
    except SimulatorError as error:
        sys.exit(f"simulator: {error}")


if __name__ == "__main__":
    main()
