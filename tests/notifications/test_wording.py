"""Every kind of entry can be told, in every language, with all of its data and with none."""

from __future__ import annotations

import re
from datetime import date

import pytest

from app.notifications.wording import Cause, load, newest, push_text, render
from app.notifications.wording_page import PAGE, example_cause, examples, write_page
from tests.conftest import Database

CAUSE = Cause("core", "core", None)
KINDS = sorted(examples())
UNFINISHED = re.compile(r"[{}@]|\bNone\b|\bnull\b|\bnan\b|  |\bSEPAKAT_|[a-z]_[a-z]")


async def test_every_kind_of_the_database_has_words_in_its_version(database: Database) -> None:
    connection = await database.connect()
    rows = await connection.fetch("SELECT kind, class, wording FROM entry_kinds")
    await connection.close()
    assert rows
    for row in rows:
        for locale in ("id", "en"):
            assert (row["kind"], locale) in load(row["wording"]).templates, row["kind"]
            assert (row["class"], locale) in load(row["wording"]).push
    assert {row["kind"] for row in rows} == set(KINDS)


@pytest.mark.parametrize("locale", ["id", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_full_entry_reads_well(kind: str, locale: str) -> None:
    data = examples()[kind]
    text = render(newest(), kind, data, example_cause(kind), locale)
    assert not UNFINISHED.search(text.title + text.body), text
    assert text.title[0].isupper()
    assert text.body[0].isupper() or text.body[0] == "“"
    assert text.body.endswith(".")
    for number in [data.get("kpj"), *data.get("absorb", []), data.get("into") if "absorb" in data else None]:
        assert number is None or number in text.body
    if data.get("reason"):
        assert data["reason"] in text.body


@pytest.mark.parametrize("locale", ["id", "en"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keys", [(), ("kpj",), ("kpj", "amount"), ("kpj", "month", "amount", "into")])
def test_an_entry_with_little_data_still_reads_well(kind: str, locale: str, keys: tuple[str, ...]) -> None:
    data = {key: value for key, value in examples()[kind].items() if key in (*keys, "of")}
    text = render(newest(), kind, data, Cause("system", "system"), locale)
    assert not UNFINISHED.search(text.title + text.body), text
    assert len(text.body) > 30
    assert data.get("kpj", "") in text.body


@pytest.mark.parametrize("kind", KINDS)
def test_data_that_is_not_what_it_should_be_is_left_out(kind: str) -> None:
    spoilt = {key: "?!" if isinstance(value, str) else value for key, value in examples()[kind].items()}
    assert render(newest(), kind, spoilt | {"amount": "many", "balance_after": [1]}, CAUSE, "id").body


def test_money_days_and_months_are_written_as_people_write_them() -> None:
    data = examples()["contribution_posted"]
    indonesian = render(newest(), "contribution_posted", data, CAUSE, "id").body
    english = render(newest(), "contribution_posted", data, CAUSE, "en").body
    assert "Iuran Oktober 2026 sebesar Rp319.177 dari PT Karawang Presisi Otomotif" in indonesian
    assert "October 2026, Rp319.177" in english
    assert "Rp9.910.352" in indonesian
    assert "Rp9.910.352" in english
    opened = render(newest(), "card_opened", examples()["card_opened"], CAUSE, "id").body
    assert "1 Februari 2019" in opened
    assert "2019-02-01" not in opened
    assert str(date(2019, 2, 1)) not in opened


def test_an_instant_is_told_in_jakarta() -> None:
    text = render(newest(), "merge_confirmed", examples()["merge_confirmed"], CAUSE, "id")
    assert "23 November 2026 pukul 20.00 WIB" in text.body


def test_the_causes_reason_is_told_where_the_data_has_none() -> None:
    data = {"kpj": "99000000011", "status_after": "inactive"}
    text = render(newest(), "card_status_changed", data, Cause("core", "core", "Berhenti bekerja"), "id")
    assert "“Berhenti bekerja”" in text.body


def test_what_stayed_the_same_is_not_told_as_a_change() -> None:
    data = {"kpj": "99000000011", "status_before": "frozen", "status_after": "frozen"}
    assert "dari dibekukan" not in render(newest(), "card_status_changed", data, CAUSE, "id").body


def test_a_baseline_entry_tells_what_it_is_of() -> None:
    text = render(newest(), "baseline", examples()["baseline"], Cause("import", "import"), "id")
    assert text.title == "Catatan lama: Kartu baru dibuka"
    assert "99000000011" in text.body
    assert render(newest(), "baseline", {"of": "baseline"}, CAUSE, "id").title == "Catatan lama"


@pytest.mark.parametrize("locale", ["id", "en"])
def test_a_push_carries_no_content(locale: str) -> None:
    for entry_class in ("card", "security", "notice"):
        text = push_text(entry_class, locale)
        assert not re.search(r"[0-9{}]|Rp", text.title + text.body)


def test_the_page_in_docs_is_what_people_are_told_now() -> None:
    assert PAGE.read_text(encoding="utf-8") == write_page(), "write it anew: python -m app.notifications.wording_page"
