"""Whose is which rupiah: every entry is split to the rupiah, nobody gets less than nothing, growth by day-balance."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from app.merges.lineage import Entry, Lineage, Split, money_left, split

DAY = date(2026, 3, 10)
OLD = Lineage("99000000011", numbers=frozenset({"99000000011"}), employers=frozenset({"GARMEN"}))
NEW = Lineage("99000000012", numbers=frozenset({"99000000012"}), employers=frozenset({"OTOMOTIF"}))


def entry(
    kind: str,
    amount: int,
    *,
    day: int = 0,
    employer: str | None = None,
    for_kpj: str | None = None,
    month: date | None = None,
) -> Entry:
    return Entry(uuid4(), kind, amount, DAY + timedelta(days=day), employer, month, for_kpj)


def brought(amount: int, kpj: str = OLD.kpj) -> Entry:
    return entry("merge_in", amount, for_kpj=kpj)


def parts(splits: list[Split], of: Entry) -> list[tuple[str, int, str]]:
    return [(part.to_kpj, part.amount, part.rule) for part in splits if part.entry_id == of.entry_id]


def to(splits: list[Split], lineage: Lineage) -> int:
    return sum(part.amount for part in splits if part.to_kpj == lineage.kpj)


def test_each_entry_follows_its_rule() -> None:
    gave = brought(1_000_000)
    late = entry("contribution", 100_000, day=2, employer="GARMEN", for_kpj=OLD.kpj)
    late_by_the_new_employer = entry("contribution", 70_000, day=2, employer="OTOMOTIF", for_kpj=OLD.kpj)
    by_the_old_employer = entry("contribution", 90_000, day=3, employer="GARMEN")
    own = entry("contribution", 200_000, day=4, employer="OTOMOTIF")
    by_somebody = entry("contribution", 5_000, day=4, employer="RITEL")
    by_nobody = entry("contribution", 6_000, day=4)
    told_growth = entry("growth", 700, day=5, for_kpj=OLD.kpj)
    growth_of_the_time_before = entry("growth", 800, day=-69)
    every = [
        gave,
        late,
        late_by_the_new_employer,
        by_the_old_employer,
        own,
        by_somebody,
        by_nobody,
        told_growth,
        growth_of_the_time_before,
    ]
    splits = split(every, [OLD], NEW, held=3_000_000, executed_on=DAY)
    assert parts(splits, gave) == [(OLD.kpj, 1_000_000, "brought")]
    assert parts(splits, late) == [(OLD.kpj, 100_000, "received_for")]
    assert parts(splits, late_by_the_new_employer) == [(OLD.kpj, 70_000, "received_for")]
    assert parts(splits, by_the_old_employer) == [(OLD.kpj, 90_000, "employer")]
    for stays in (own, by_somebody, by_nobody, growth_of_the_time_before):
        assert parts(splits, stays) == [(NEW.kpj, stays.amount, "stays")]
    assert parts(splits, told_growth) == [(OLD.kpj, 700, "received_for")]


def test_an_employer_of_both_cards_says_nothing() -> None:
    same = Lineage(NEW.kpj, NEW.numbers, frozenset({"GARMEN", "OTOMOTIF"}))
    paid = entry("contribution", 10, day=1, employer="GARMEN")
    assert parts(split([paid], [OLD], same, held=0, executed_on=DAY), paid) == [(NEW.kpj, 10, "stays")]


def test_money_for_a_card_that_was_merged_before_goes_to_the_card_that_held_it() -> None:
    held = Lineage(OLD.kpj, frozenset({OLD.kpj, "99000000010"}), frozenset({"GARMEN", "BOGA"}))
    holds = Lineage(NEW.kpj, frozenset({NEW.kpj, "99000000009"}), NEW.employers)
    for_the_absorbed = entry("contribution", 10, for_kpj="99000000010")
    for_the_survivor = entry("contribution", 20, for_kpj="99000000009", employer="GARMEN")
    by_its_employer = entry("contribution", 30, employer="BOGA")
    splits = split([for_the_absorbed, for_the_survivor, by_its_employer], [held], holds, held=0, executed_on=DAY)
    assert parts(splits, for_the_absorbed) == [(OLD.kpj, 10, "received_for")]
    assert parts(splits, for_the_survivor) == [(NEW.kpj, 20, "stays")]
    assert parts(splits, by_its_employer) == [(OLD.kpj, 30, "employer")]


def test_growth_is_shared_by_day_balance_figured_by_hand() -> None:
    """Two credits; the second window begins where the first ended, with what the first one gave."""
    first, second = entry("growth", 10_007, day=10), entry("growth", 5_000, day=15)
    entries = [
        brought(1_000_000),
        entry("contribution", 100_000, day=2, for_kpj=OLD.kpj),
        entry("contribution", 200_000, day=2, employer="OTOMOTIF"),
        entry("contribution", 100_000, day=6, employer="GARMEN"),
        entry("contribution", 50_000, day=4, employer="OTOMOTIF"),
        first,
        second,
    ]
    splits = split(entries, [OLD], NEW, held=3_000_000, executed_on=DAY)
    # old: 1,000,000 × 10 + 100,000 × 8 + 100,000 × 4 = 11,200,000
    # new: 3,000,000 × 10 + 200,000 × 8 + 50,000 × 6 = 31,900,000; together 43,100,000
    # 10,007 × 112/431 = 2,600.43 and 10,007 × 319/431 = 7,406.57: the rupiah left over goes to the larger remainder
    assert parts(splits, first) == [(OLD.kpj, 2_600, "day_balance"), (NEW.kpj, 7_407, "day_balance")]
    # old: 1,202,600 × 5 = 6,013,000; new: 3,257,407 × 5 = 16,287,035; together 22,300,035
    # 5,000 × 6,013,000 / 22,300,035 = 1,348.21; 5,000 × 16,287,035 / 22,300,035 = 3,651.79
    assert parts(splits, second) == [(OLD.kpj, 1_348, "day_balance"), (NEW.kpj, 3_652, "day_balance")]
    assert split(reversed(entries), [OLD], NEW, held=3_000_000, executed_on=DAY) == [
        part for item in reversed(entries) for part in splits if part.entry_id == item.entry_id
    ]


def test_equal_remainders_go_to_the_lower_number_first() -> None:
    third = Lineage("99000000013", frozenset({"99000000013"}), frozenset())
    growth = entry("growth", 5, day=1)
    entries = [brought(100), brought(100, third.kpj), growth]
    splits = split(entries, [third, OLD], NEW, held=100, executed_on=DAY)
    assert {kpj: amount for kpj, amount, _ in parts(splits, growth)} == {OLD.kpj: 2, NEW.kpj: 2, third.kpj: 1}


def test_growth_on_nothing_stays() -> None:
    growth = entry("growth", 5, day=1)
    assert parts(split([growth], [OLD], NEW, held=0, executed_on=DAY), growth) == [(NEW.kpj, 5, "stays")]


def test_two_credits_of_one_day_share_one_window() -> None:
    one, other = entry("growth", 100, day=10), entry("growth", 100, day=10)
    splits = split([brought(100), one, other], [OLD], NEW, held=300, executed_on=DAY)
    expected = [(OLD.kpj, 25, "day_balance"), (NEW.kpj, 75, "day_balance")]
    assert parts(splits, one) == parts(splits, other) == expected


def test_only_reversals_of_what_came_since_are_not_money_left() -> None:
    month = date(2026, 3, 1)
    paid = entry("contribution", 100, employer="GARMEN", month=month)
    taken_back = entry("contribution_reversal", -100, employer="GARMEN", month=month)
    twice = entry("contribution_reversal", -100, employer="GARMEN", month=month)
    of_another_month = entry("contribution_reversal", -100, employer="GARMEN", month=date(2026, 2, 1))
    claim = entry("claim_payment", -1)
    assert money_left([paid, taken_back]) == []
    assert money_left([taken_back, paid]) == []
    assert money_left([paid, taken_back, twice, of_another_month, claim]) == [twice, of_another_month, claim]
    splits = split([brought(50), paid, taken_back], [OLD], NEW, held=0, executed_on=DAY)
    assert to(splits, OLD) == 50


KPJS = ("99000000011", "99000000013", "99000000014")
EMPLOYERS = ("GARMEN", "OTOMOTIF", "RITEL", None)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Entry], list[Lineage], int]:
    """Any money that can come to a survivor after an execution, reversals of it included."""
    absorbed = [
        Lineage(kpj, frozenset({kpj, "1" + kpj}), frozenset(draw(st.sets(st.sampled_from(EMPLOYERS[:3]), max_size=2))))
        for kpj in KPJS[: draw(st.integers(1, 3))]
    ]
    ids = (UUID(int=number) for number in range(100))
    rupiah = st.integers(1, 10**12)
    numbers = st.sampled_from([None, NEW.kpj, *(number for one in absorbed for number in sorted(one.numbers))])
    entries = [
        Entry(next(ids), "merge_in", draw(rupiah), DAY, None, None, one.kpj) for one in absorbed if draw(st.booleans())
    ]
    for _ in range(draw(st.integers(0, 8))):
        kind = draw(st.sampled_from(["contribution", "contribution", "growth", "reversed"]))
        day = DAY + timedelta(days=draw(st.integers(-40, 400)))
        number = draw(numbers)
        amount = draw(rupiah)
        if kind == "growth":
            entries.append(Entry(next(ids), "growth", amount, day, None, None, number))
            continue
        employer = draw(st.sampled_from(EMPLOYERS))
        entries.append(Entry(next(ids), "contribution", amount, day, employer, DAY, number))
        if kind == "reversed":
            later = day + timedelta(days=draw(st.integers(0, 60)))
            entries.append(Entry(next(ids), "contribution_reversal", -amount, later, employer, DAY, number))
    return draw(st.permutations(entries)), absorbed, draw(st.integers(0, 10**12))


@given(histories())
def test_no_rupiah_is_made_or_lost_and_nobody_gets_less_than_nothing(
    case: tuple[list[Entry], list[Lineage], int],
) -> None:
    entries, absorbed, held = case
    assert money_left(entries) == []
    splits = split(entries, absorbed, NEW, held=held, executed_on=DAY)
    given_of: Counter[UUID] = Counter()
    for part in splits:
        given_of[part.entry_id] += part.amount
    expected: Counter[UUID] = Counter()
    for item in entries:
        expected[item.entry_id] += item.amount
    assert given_of == expected, "every entry is split whole"
    for lineage in (*absorbed, NEW):
        assert to(splits, lineage) + (held if lineage is NEW else 0) >= 0
    assert all(part.amount > 0 for part in splits if part.rule == "day_balance")
    assert all(part.amount != 0 for part in splits)
    for lineage in absorbed:
        gave = sum(item.amount for item in entries if item.kind == "merge_in" and item.received_for_kpj == lineage.kpj)
        assert to(splits, lineage) >= gave, "what it brought comes back, whatever else does"
    assert len({(part.entry_id, part.to_kpj) for part in splits}) == len(splits)


@given(histories())
def test_the_order_in_which_entries_are_told_changes_nothing(case: tuple[list[Entry], list[Lineage], int]) -> None:
    entries, absorbed, held = case
    there = split(entries, absorbed, NEW, held=held, executed_on=DAY)
    back = split(reversed(entries), list(reversed(absorbed)), NEW, held=held, executed_on=DAY)
    key = [(str(part.entry_id), part.to_kpj, part.amount, part.rule) for part in there]
    assert sorted(key) == sorted((str(part.entry_id), part.to_kpj, part.amount, part.rule) for part in back)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=3), st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_share_is_never_a_whole_rupiah_off(gave: list[int], held: int, amount: int) -> None:
    lineages = [Lineage(kpj, frozenset({kpj}), frozenset()) for kpj in KPJS[: len(gave)]]
    growth = entry("growth", amount, day=30)
    entries = [brought(given, lineage.kpj) for given, lineage in zip(gave, lineages, strict=True)]
    splits = split([*entries, growth], lineages, NEW, held=held, executed_on=DAY)
    total = sum(gave) + held
    shares = {kpj: share for kpj, share, _ in parts(splits, growth)}
    for lineage, balance in zip([*lineages, NEW], [*gave, held], strict=True):
        assert abs(shares.get(lineage.kpj, 0) * total - amount * balance) < total
