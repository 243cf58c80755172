"""What a card earns in a year: exact, by the day, with no gap where money moves."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ledger.growth import MILLION, Entry, Rate, RateMissing, days_of, earned_parts, weights, whole_rupiah
from tests.ledger.ledgers import earned_by_the_day, random_ledger, random_rates, rupiah_by_the_day

RATE = [Rate(date(2020, 1, 1), 56_600)]


def grown(*ledgers: list[Entry], year: int = 2025, rates: list[Rate] = RATE) -> int:
    return whole_rupiah(earned_parts(ledgers, weights(rates, year), year), year)


def paid(amount: int, on: date) -> Entry:
    return Entry("contribution", amount, on)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32), year=st.sampled_from((2023, 2024, 2025, 2100)), ledgers=st.integers(0, 3))
def test_it_is_the_sum_over_the_days_and_rounded_down_once(seed: int, year: int, ledgers: int) -> None:
    random = Random(seed)
    rates = random_rates(random, year)
    books = [random_ledger(random, year, random.randrange(8)) for _ in range(ledgers)]
    parts = earned_parts(books, weights(rates, year), year)
    assert parts == earned_by_the_day(books, rates, year) * MILLION * days_of(year)
    assert whole_rupiah(parts, year) == rupiah_by_the_day(books, rates, year)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_what_came_late_earns_as_if_it_had_come_in_time(seed: int) -> None:
    random = Random(seed)
    told = [
        entry for entry in random_ledger(random, 2024, 9) if entry.kind in ("contribution", "claim_payment", "growth")
    ]
    in_order = sorted(told, key=lambda entry: entry.effective_on)
    assert grown(told, year=2024) == grown(in_order, year=2024)


@settings(max_examples=25, deadline=None)
@given(before=st.integers(0, 10**9), brought=st.integers(0, 10**9), day=st.integers(0, 364))
def test_money_that_is_merged_earns_without_gap_and_not_twice(before: int, brought: int, day: int) -> None:
    opened, merged_on = date(2019, 3, 1), date(2025, 1, 1) + timedelta(days=day)
    absorbed = [paid(brought, opened), Entry("merge_out", -brought, merged_on)]
    survivor = [paid(before, opened), Entry("merge_in", brought, merged_on)]
    weighed = weights(RATE, 2025)
    apart = earned_parts([absorbed], weighed, 2025) + earned_parts([survivor], weighed, 2025)
    assert apart == earned_parts([[paid(before + brought, opened)]], weighed, 2025)


@pytest.mark.parametrize("year", [2023, 2024, 2100])
def test_what_lay_there_all_year_earns_the_rate_leap_year_or_not(year: int) -> None:
    assert grown([paid(10**12, date(2019, 1, 1))], year=year) == 56_600_000_000


@pytest.mark.parametrize(
    ("entry", "days"),
    [
        (paid(365 * MILLION, date(2025, 12, 31)), 1),
        (paid(365 * MILLION, date(2025, 1, 1)), 365),
        (paid(365 * MILLION, date(2026, 1, 1)), 0),
        (Entry("opening", 365 * MILLION, date(2025, 12, 30)), 2),
        (Entry("growth", 365 * MILLION, date(2024, 12, 31)), 365),
        (Entry("growth", 365 * MILLION, date(2025, 12, 31)), 0),
    ],
)
def test_money_earns_on_the_day_on_which_it_comes_and_growth_from_the_next(entry: Entry, days: int) -> None:
    assert grown([entry]) == 56_600 * days


def test_money_that_goes_earns_up_to_the_day_before() -> None:
    assert (
        grown([paid(365 * MILLION, date(2019, 1, 1)), Entry("claim_payment", -365 * MILLION, date(2025, 1, 11))])
        == 566_000
    )


def test_a_day_on_which_less_than_nothing_was_there_earns_nothing_and_costs_nothing() -> None:
    taken_first = [Entry("claim_payment", -MILLION, date(2025, 3, 1)), paid(365 * MILLION, date(2025, 12, 31))]
    assert grown(taken_first) == 56_600 * 364 // 365


def test_growth_that_was_credited_early_goes_along_with_the_merge() -> None:
    moved = [Entry("growth", MILLION, date(2025, 12, 31)), Entry("merge_out", -MILLION, date(2025, 6, 1))]
    assert grown(moved) == 0
    assert grown([Entry("merge_in", MILLION, date(2025, 6, 1))]) == 56_600 * 214 // 365


def test_a_rate_counts_from_its_day() -> None:
    rates = [Rate(date(2025, 7, 1), 73_000), Rate(date(2024, 1, 1), 36_500)]
    assert grown([paid(MILLION, date(2020, 1, 1))], rates=rates) == 181 * 100 + 184 * 200


def test_a_year_without_a_rate_from_its_first_day_is_not_computed() -> None:
    with pytest.raises(RateMissing, match="2025-01-01"):
        weights([Rate(date(2025, 1, 2), 1)], 2025)
    with pytest.raises(RateMissing):
        weights([], 2025)


def test_the_example_of_the_page() -> None:
    """docs/growth.md, rupiah for rupiah."""
    rates = [Rate(date(2025, 1, 1), 56_600), Rate(date(2025, 7, 1), 59_500)]
    old = [Entry("opening", 12_000_000, date(2019, 3, 1)), Entry("merge_out", -12_000_000, date(2025, 10, 1))]
    new = [
        Entry("opening", 8_000_000, date(2019, 3, 1)),
        paid(300_000, date(2025, 3, 10)),
        Entry("merge_in", 12_000_000, date(2025, 10, 1)),
    ]
    assert (grown(old, rates=rates), grown(new, rates=rates)) == (516_775, 658_717)
