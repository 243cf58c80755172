"""Mail over real SMTP: what is written, and what is made of every kind of refusal."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
from collections.abc import AsyncIterator
from email.message import EmailMessage
from uuid import uuid4

import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP

from app.platform.mail import Mail, MailServer, read_mail_url, read_sender, write_mail
from app.platform.outcomes import Accepted, Rejected, RetryLater
from app.settings import SettingsError
from tests.local.running_simulator import RunningSimulator, find_two_free_ports

SENDER = "Sepakat <tidak-dibalas@sepakat.example>"


@pytest_asyncio.fixture
async def server(simulator: RunningSimulator) -> AsyncIterator[MailServer]:
    server = MailServer(f"smtp://127.0.0.1:{simulator.smtp_port}", SENDER)
    yield server
    await server.close()


def new_mail(to: str = "") -> Mail:
    text = "Kartu xxx0011 – “sudah?”\n\nhttps://sepakat.example/stop/" + "a" * 28 + "\n" + "kata " * 400 + "\n"
    return Mail(str(uuid4()), to or f"{uuid4().hex}@example.id", "Sepakat: Pemberitahuan keamanan", text, "id")


def kept(simulator: RunningSimulator, to: str) -> list[dict[str, str]]:
    lines = [json.loads(line) for line in simulator.journal.read_text().splitlines()]
    return [line for line in lines if line["channel"] == "mail" and line["to"] == to]


async def test_a_mail_arrives_as_written_and_again_under_the_same_message_id(
    server: MailServer, simulator: RunningSimulator
) -> None:
    mail = new_mail()
    for _ in range(2):
        assert await server.send(mail) == Accepted(f"<{mail.id}@sepakat.example>")
    first, second = kept(simulator, mail.to)
    assert (first["subject"], first["text"]) == (mail.subject, mail.text)
    assert first["id"] == second["id"] == f"<{mail.id}@sepakat.example>"


async def test_many_at_once_and_one_after_the_other_share_connections(
    server: MailServer, simulator: RunningSimulator
) -> None:
    mails = [new_mail() for _ in range(15)]
    outcomes = await asyncio.gather(*(server.send(mail) for mail in mails))
    outcomes += [await server.send(mail) for mail in mails[:3]]
    assert outcomes == [Accepted(f"<{mail.id}@sepakat.example>") for mail in (*mails, *mails[:3])]
    simulator.kill()
    assert await server.send(mails[0]) == RetryLater(10.0, "unreachable", provider_wide=True)
    simulator.start()
    assert isinstance(await server.send(mails[0]), Accepted)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (550, Rejected("SMTP_550")),
        (451, RetryLater(60.0, "recipient_waits_451", provider_wide=False)),
        (421, RetryLater(60.0, "recipient_waits_421", provider_wide=True)),
    ],
)
async def test_a_refused_recipient_is_given_up_or_waits(
    server: MailServer, simulator: RunningSimulator, status: int, outcome: object
) -> None:
    mail = new_mail()
    simulator.script(mail.to, {"status": status})
    assert await server.send(mail) == outcome
    assert isinstance(await server.send(mail), Accepted)
    assert len(kept(simulator, mail.to)) == 1


@pytest.mark.parametrize(
    "to", ["", "dwi", "dwi@", "a@b@c", "dwi@example.id\r\nBcc: x@example.id", "dwi <d@e.id>", "ü@e.id"]
)
async def test_what_is_no_address_never_reaches_the_server(server: MailServer, to: str) -> None:
    assert await server.send(Mail("1", to, "s", "t", "id")) == Rejected("address_malformed")


class _Scripted:
    """A server whose answers to one step are given."""

    def __init__(self, step: str, answer: str) -> None:
        self.step, self.answer = step, answer

    async def handle_MAIL(  # noqa: N802
        self, _server: object, _session: object, envelope: object, address: str, _options: object
    ) -> str:
        envelope.mail_from = address  # type: ignore[attr-defined]
        return self.answer if self.step == "MAIL" else "250 OK"

    async def handle_DATA(self, _server: object, _session: object, _envelope: object) -> str:  # noqa: N802
        if self.step == "silence":
            await asyncio.sleep(5)
        return self.answer if self.step == "DATA" else "250 OK"


@pytest.mark.parametrize(
    ("step", "answer", "outcome"),
    [
        ("MAIL", "550 who are you", RetryLater(60.0, "server_refused_550", provider_wide=True)),
        ("DATA", "554 looks like spam", Rejected("SMTP_554")),
        ("DATA", "452 disk full", RetryLater(60.0, "message_waits_452", provider_wide=False)),
        ("silence", "", RetryLater(10.0, "unknown_connection_lost", provider_wide=False)),
    ],
)
async def test_what_the_server_says_decides_whether_the_message_or_everybody_waits(
    step: str, answer: str, outcome: object
) -> None:
    port = find_two_free_ports()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: SMTP(_Scripted(step, answer)), "127.0.0.1", port)
    server = MailServer(f"smtp://127.0.0.1:{port}", SENDER, timeout_s=0.5)
    assert await server.send(new_mail()) == outcome
    await server.close()
    listening.close()


async def test_nothing_goes_in_the_clear_to_another_machine(simulator: RunningSimulator) -> None:
    """The simulator offers no STARTTLS; taken for a machine elsewhere, it is told nothing."""
    server = MailServer(f"smtp://user:word@127.0.0.1:{simulator.smtp_port}", SENDER, timeout_s=2.0)
    server._place = type(server._place)("127.0.0.1", simulator.smtp_port, "user", "word", False, True)
    mail = new_mail()
    assert await server.send(mail) == RetryLater(60.0, "no_tls", provider_wide=True)
    assert kept(simulator, mail.to) == []
    assert read_mail_url("smtp://mail.example.id").needs_starttls
    assert not read_mail_url("smtp://localhost:25").needs_starttls
    assert (read_mail_url("smtps://mail.example.id").port, read_mail_url("smtps://mail.example.id").tls) == (465, True)
    assert "word" not in repr(read_mail_url("smtp://user:word@mail.example.id"))


def test_a_mail_says_that_nobody_wrote_it_and_carries_no_way_to_unsubscribe() -> None:
    raw = write_mail(new_mail("dwi@example.id"), SENDER)
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert message["Auto-Submitted"] == "auto-generated"
    assert (message["To"], message["Content-Language"]) == ("dwi@example.id", "id")
    assert message.get_content_type() == "text/plain"
    assert message.get_content_charset() == "utf-8"
    assert "List-Unsubscribe" not in message
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    "url", ["", "http://mail", "smtp://", "smtp://host:port", "smtp://host/path", "mail.example.id:587"]
)
def test_a_malformed_url_is_named_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="SEPAKAT_SMTP_URL"):
        read_mail_url(url)


@pytest.mark.parametrize("sender", ["", "Sepakat", "Sepakat <x>", "a@b.id\nBcc: c@d.id"])
def test_a_malformed_sender_is_named(sender: str) -> None:
    with pytest.raises(SettingsError, match="SEPAKAT_MAIL_FROM"):
        read_sender(sender)
