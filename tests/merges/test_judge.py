"""One judgement: options, plan, confirmation and execution say the same of the same cards. And each rule by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.merges import accept_plan, confirm, execute, merge, options, propose, renew_plan
from app.merges.merge import WORDING, WORDINGS, Card, judge, severity, text
from app.merges.options import judge_as_option
from app.merges.plan import canonical, make_plan
from app.merges.renew_plan import plan_now
from app.merges.rules import figure
from app.settings import Settings

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
DAY = date(2026, 11, 23)
MERGE_ID = UUID("01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f")
OLD = Card(
    card_id=UUID(int=1),
    kpj="99000000011",
    status="inactive",
    lifecycle="inactive",
    balance=14_265_493,
    opened_on=date(2019, 2, 1),
    locked=False,
    frozen=False,
    claim_id=None,
    open_merge_id=None,
    partial_claims=0,
    deceased=False,
)
NEW = msgspec.structs.replace(
    OLD, card_id=UUID(int=2), kpj="99000000012", status="active", lifecycle="active", balance=9_910_352
)
ALWAYS = "late_contributions_follow"
LIFECYCLES = ["pending", "active", "arrears", "inactive", "claimed"]
STATUSES = ["merged", "merged_without_consent", "frozen", "claim_in_progress", "transferred_away", *LIFECYCLES]


def but(card: Card, **changes: Any) -> Card:
    return msgspec.structs.replace(card, **changes)


@st.composite
def some_cards(draw: st.DrawFn) -> list[Card]:
    """Two to four cards of one person, in any state, legal or not."""
    days = st.dates(date(1995, 1, 1), DAY)
    return [
        Card(
            card_id=UUID(int=number),
            kpj=f"990000000{number:02d}",
            status=draw(st.sampled_from(STATUSES)),
            lifecycle=draw(st.sampled_from(LIFECYCLES)),
            balance=draw(st.none() | st.sampled_from([0, 1, 15_000_000, 15_000_001]) | st.integers(0, 80_000_000)),
            opened_on=draw(days),
            locked=draw(st.booleans()),
            frozen=draw(st.booleans()),
            claim_id=draw(st.sampled_from([None, "KLM-1"])),
            open_merge_id=draw(st.sampled_from([None, MERGE_ID, UUID(int=9)])),
            partial_claims=draw(st.integers(0, 1)),
            deceased=draw(st.booleans()),
            closed_on=draw(st.none() | days),
            programmes=draw(st.sampled_from([("JHT",), ("JHT", "JP"), ("JKK", "JKM")])),
            employer=draw(st.sampled_from([None, "PT Satu", "PT Dua"])),
        )
        for number in range(draw(st.integers(2, 4)))
    ]


def test_everybody_who_judges_asks_the_same_function() -> None:
    for module in (options, propose, renew_plan, confirm, execute, accept_plan):
        assert vars(module)["judge"] is merge.judge, module.__name__


@given(some_cards())
def test_options_plan_confirmation_and_execution_never_differ(cards: list[Card]) -> None:
    *absorb, into = cards
    settings = Settings(database_url="", redis_url="redis://localhost", secret="x" * 32, env="local")
    option = judge_as_option(absorb, into, "en", DAY, None, frozenset())
    plan = plan_now(MERGE_ID, absorb, into, settings, NOW)
    confirmed = judge(absorb, into, day=DAY, ours=MERGE_ID)
    executed = make_plan(
        MERGE_ID, absorb, into, confirmed, cooling_off_s=plan.cooling_off_s, undo_window_s=plan.undo_window_s
    )

    assert [item.code for item in option.consequences] == plan.consequences == confirmed.consequences
    assert [item.code for item in option.warnings] == plan.to_acknowledge == confirmed.to_acknowledge
    assert canonical(executed) == canonical(plan)
    # The one thing in which they may differ: a merge that is open already does not stand in its own way.
    before = {reason.code for reason in option.reasons}
    assert before - {"merge_already_open"} == set(confirmed.reasons) - {"merge_already_open"}
    assert option.allowed == (not before)
    others = [but(card, open_merge_id=None) if card.open_merge_id == MERGE_ID else card for card in cards]
    alone = judge_as_option(others[:-1], others[-1], "id", DAY, None, frozenset())
    assert [reason.code for reason in alone.reasons] == confirmed.reasons


@given(some_cards(), st.randoms())
def test_the_order_of_the_cards_changes_nothing(cards: list[Card], random: Any) -> None:
    *absorb, into = cards
    shuffled = random.sample(absorb, len(absorb))
    assert judge(shuffled, into, day=DAY) == judge(absorb, into, day=DAY)


@given(some_cards())
def test_whatever_is_judged_has_a_text_in_both_languages(cards: list[Card]) -> None:
    *absorb, into = cards
    judgement = judge(absorb, into, day=DAY)
    for code in (*judgement.reasons, *judgement.consequences):
        assert text(code, "id", DAY) != text(code, "en", DAY)
        assert (severity(code) == "refused") == (code in judgement.reasons)
        assert (severity(code) == "warning") == (code in judgement.to_acknowledge)


def test_the_published_plan_has_exactly_its_consequences() -> None:
    assert judge([OLD], NEW, day=DAY).consequences == ["app_claim_cap_crossed", ALWAYS]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ({"balance": 9_000_000}, {"balance": 9_000_000}, "app_claim_cap_crossed"),
        ({"balance": 38_117_845}, {"balance": 11_904_726}, "tax_number_needed"),
        ({"lifecycle": "active"}, {"lifecycle": "inactive"}, "survivor_inactive"),
        ({"lifecycle": "arrears"}, {}, "both_active"),
        ({"partial_claims": 1}, {}, "partial_claim_used"),
        ({"opened_on": date(2016, 11, 23)}, {"opened_on": date(2016, 11, 24)}, "ten_year_membership_counts"),
        ({}, {"programmes": ("JHT", "JP")}, "jp_months_stay"),
        ({"closed_on": date(2026, 10, 24)}, {"lifecycle": "inactive"}, "waiting_month"),
        ({}, {"employer": "PT Satu"}, "next_contributions_from"),
    ],
)
def test_a_consequence_is_told(old: dict[str, Any], new: dict[str, Any], code: str) -> None:
    assert code in judge([but(OLD, **old)], but(NEW, **new), day=DAY).consequences


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ({"balance": 6_000_000}, {"balance": 9_000_000}, "app_claim_cap_crossed"),
        ({"balance": 15_000_001}, {"balance": 16_000_000}, "app_claim_cap_crossed"),
        ({"balance": 50_000_001}, {"balance": 1}, "tax_number_needed"),
        ({"balance": 49_999_999}, {"balance": 1}, "tax_number_needed"),
        ({}, {"lifecycle": "inactive"}, "survivor_inactive"),
        ({}, {}, "both_active"),
        ({"partial_claims": 1}, {"partial_claims": 1}, "partial_claim_used"),
        ({"opened_on": date(2010, 1, 1)}, {"opened_on": date(2016, 11, 23)}, "ten_year_membership_counts"),
        ({"opened_on": date(2016, 11, 24)}, {}, "ten_year_membership_counts"),
        ({"closed_on": date(2026, 10, 23)}, {"lifecycle": "inactive"}, "waiting_month"),
        ({"closed_on": date(2026, 11, 20)}, {}, "waiting_month"),
        ({"employer": "PT Satu"}, {}, "next_contributions_from"),
    ],
)
def test_a_consequence_that_is_none_is_not_told(old: dict[str, Any], new: dict[str, Any], code: str) -> None:
    assert code not in judge([but(OLD, **old)], but(NEW, **new), day=DAY).consequences


def test_all_reasons_are_told_at_once() -> None:
    blocked = but(OLD, claim_id="KLM-1", locked=True)
    assert judge([blocked], but(NEW, balance=None), day=DAY).reasons == [
        "card_locked",
        "card_without_jht",
        "claim_pending",
    ]


def test_a_figure_is_that_of_its_day() -> None:
    assert figure("app_claim_cap", date(2025, 4, 30)) == 10_000_000
    assert figure("app_claim_cap", date(2025, 5, 1)) == 15_000_000
    both = [but(OLD, balance=6_000_000)], but(NEW, balance=6_000_000)
    assert "app_claim_cap_crossed" in judge(*both, day=date(2025, 4, 30)).consequences
    assert "app_claim_cap_crossed" not in judge(*both, day=date(2025, 5, 1)).consequences
    assert "Rp10.000.000" in text("app_claim_cap_crossed", "en", date(2025, 4, 30))


def test_the_next_employer_is_named_where_it_is_known() -> None:
    assert "PT Satu" in text("next_contributions_from", "id", DAY, employer="PT Satu")
    assert "the employer of the active card" in text("next_contributions_from", "en", DAY)


def test_every_text_can_be_said_today() -> None:
    for code in WORDINGS.load(WORDING):
        assert "{" not in text(code, "id", DAY) + text(code, "en", DAY)
