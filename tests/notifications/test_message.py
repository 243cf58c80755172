"""Mail and SMS of every kind that climbs, in both languages: what they say, and what they never do."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from app.notifications.message import Happening, needs_stop_link, write_mail, write_sms
from app.notifications.wording import Cause
from app.notifications.wording.outside import mask_text
from app.notifications.wording_page import (
    CLIMB_AS_CARD,
    CLIMB_AS_NOTICE,
    LINK,
    PAGE,
    STEPS,
    climbing_kinds,
    example_happening,
)
from app.platform.gsm import ALPHABET, TAKES_TWO, count_segments
from tests.conftest import Database

LOCALES = ("id", "en")
UNFINISHED = re.compile(r"[{}@]|\bNone\b|\bnull\b|[a-z]_[a-z]|\.\.(?!\.)")
LONG_NUMBER = re.compile(r"\d(?:[ .\-]?\d){7,}")
# A longer origin than anybody has: the text has to fit with it.
LONG_LINK = "https://layanan-sepakat.lembaga-pengelola.example.go.id/stop/" + "a" * 28


def test_every_kind_that_climbs_is_told_in_the_docs() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"### {kind}, outside the app" in page for kind in climbing_kinds())


async def test_the_kinds_and_steps_of_the_docs_are_those_of_the_database(database: Database) -> None:
    connection = await database.connect()
    kinds = await connection.fetch("SELECT kind, class FROM entry_kinds WHERE reach = 'ladder'")
    steps = await connection.fetch("SELECT ladder, step, channel, after FROM ladder_steps ORDER BY ladder, step")
    await connection.close()
    # A kind that climbs needs an `sms` text in both languages, next to its title and body.
    assert {row["kind"] for row in kinds} == set(climbing_kinds())
    assert {row["kind"] for row in kinds if row["class"] == "card"} == set(CLIMB_AS_CARD)
    assert {row["kind"] for row in kinds if row["class"] == "notice"} == set(CLIMB_AS_NOTICE)
    seconds = {
        "at once": 0,
        "15 minutes": 900,
        "1 hour": 3600,
        "4 hours": 14_400,
        "24 hours": 86_400,
        "72 hours": 259_200,
    }
    told = [
        (ladder, number, channel, seconds[after])
        for ladder in sorted(STEPS)
        for number, (channel, after) in enumerate(zip(("mail", "sms", "people"), STEPS[ladder], strict=True), 1)
        if after != "never"
    ]
    assert [(row["ladder"], row["step"], row["channel"], row["after"].total_seconds()) for row in steps] == told


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", climbing_kinds())
def test_a_mail_says_what_who_and_what_one_can_do_and_no_secret(kind: str, locale: str) -> None:
    told = [example_happening(kind)]
    mail = write_mail(told, locale, LINK)
    assert not UNFINISHED.search(mail.text.replace(LINK, "")), mail.text
    assert not LONG_NUMBER.search(mail.text.replace(LINK, "")), mail.text
    assert "Rp" not in mail.text
    assert not re.search(r"\d", mail.subject)
    assert mail.text.count(LINK) == 1
    assert f"\n{LINK}\n" in mail.text, "on a line of its own, so that no mail program cuts it"
    assert "WIB, oleh " in mail.text or "WIB, by " in mail.text
    data = told[0].data
    numbers = [data.get("kpj"), data.get("into"), *data.get("absorb", [])]
    assert all(f"xxx{number[-4:]}" in mail.text for number in numbers if number)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", climbing_kinds())
def test_a_short_message_fits_two_segments_of_its_alphabet(kind: str, locale: str) -> None:
    for data in (example_happening(kind).data, {}):
        told = [msgspec.structs.replace(example_happening(kind), data=data)]
        text = write_sms(told, locale, LONG_LINK)
        assert set(text) <= ALPHABET | TAKES_TWO
        assert count_segments(text) <= 2
        assert text.endswith(f"STOP: {LONG_LINK}")
        assert not LONG_NUMBER.search(text)
        assert "Rp" not in text
        assert "?" not in text.replace("?" + " ", ""), text
        assert not UNFINISHED.search(text)
    full = write_sms([example_happening(kind)], locale, LONG_LINK)
    assert all(f"xxx{number[-4:]}" in full for number in [example_happening(kind).data.get("kpj")] if number)


def twenty_cards() -> Happening:
    cards = [f"990000{number:05d}" for number in range(20)]
    data = example_happening("merge_proposed").data | {"absorb": cards}
    return msgspec.structs.replace(example_happening("merge_proposed"), data=data)


@pytest.mark.parametrize("locale", LOCALES)
def test_what_does_not_fit_is_cut_down_and_what_else_happened_is_counted(locale: str) -> None:
    text = write_sms([twenty_cards()] * 3, locale, LONG_LINK)
    assert count_segments(text) <= 2
    assert "(+2 " in text
    mail = write_mail([twenty_cards()] * 30, locale, LINK)
    assert ("Dan 10 hal lain" if locale == "id" else "And 10 more") in mail.text


def test_entries_of_one_cause_stand_in_one_mail_those_that_climb_first() -> None:
    frozen = Happening(
        kind="card_frozen",
        reach="push",
        entry_class="security",
        wording="2026-11",
        data={"kpj": "99000000011", "balance_after": 14_265_493},
        cause=Cause("participant", "stop_link"),
        merge_id=None,
        occurred_at=example_happening("stopped").occurred_at,
    )
    mail = write_mail([frozen, example_happening("stopped")], "en", LINK)
    assert mail.text.index("Everything is stopped") < mail.text.index("Card xxx0011 is frozen")
    assert "14" not in mail.text.partition("20:00")[0]


def test_the_stop_link_goes_with_security_and_merges_only() -> None:
    with_link = {kind for kind in climbing_kinds() if needs_stop_link([example_happening(kind)])}
    assert set(climbing_kinds()) - with_link == {
        "announcement_critical",
        "balance_case_decided",
        "balance_differs",
        "card_transferred_here",
        "case_overdue",
    }
    text = write_sms([example_happening("card_transferred_here")], "id", None)
    assert "STOP" not in text
    assert "STOP" not in write_mail([example_happening("card_transferred_here")], "id", None).text


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("Kartu 99000000011 milik NIK 3275015704910000", "Kartu xxx0011 milik NIK xxx0000"),
        ("hubungi 0812-0000-1234", "hubungi xxx1234"),
        ("99 0000 0001 1 dan 9900.0000.012", "xxx0011 dan xxx0012"),
        ("saldo Rp14.265.493 dan IDR 500", "saldo Rpxxx dan Rpxxx"),
        ("sejak 2019-02-01 sampai 01-03-2020", "sejak 2019-02-01 sampai 01-03-2020"),
        ("lihat https://penipu.example/x?y=1 atau WWW.penipu.com", "lihat (…) atau (…)"),
        ("klik penipu.id/abc sekarang", "klik (…) sekarang"),
        ("2026-11-26T03:00:00.123456+00:00", "2026-11-26T03:00:00.123456+00:00"),
        ("Berhenti bekerja 2018", "Berhenti bekerja 2018"),
    ],
)
def test_what_somebody_typed_loses_numbers_money_and_links(typed: str, told: str) -> None:
    assert mask_text(typed) == told


def hostile(**data: Any) -> Happening:
    return msgspec.structs.replace(
        example_happening("key_added"),
        data={"device_name": "https://penipu.example 99000000011 kode 12345678", "platform": "android", **data},
    )


@pytest.mark.parametrize("locale", LOCALES)
def test_whoever_names_a_phone_puts_no_link_and_no_code_into_a_message(locale: str) -> None:
    for text in (write_sms([hostile()], locale, LINK), write_mail([hostile()], locale, LINK).text):
        rest = text.replace(LINK, "")
        assert "://" not in rest
        assert "penipu.example" not in rest
        assert not re.search(r"\d{8}", rest)


def test_a_card_number_with_letters_is_masked_too() -> None:
    odd = msgspec.structs.replace(example_happening("unexplained_change"), data={"kpj": "AB12CD34EF"})
    assert "AB12" not in write_mail([odd], "id", LINK).text
    assert "xxx34EF" in write_sms([odd], "id", LINK)
