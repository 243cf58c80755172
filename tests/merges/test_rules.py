"""Every figure has its days and its source, and the page lists them all."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from app.merges.rules import figure, figures, rules
from app.merges.rules_page import PAGE, write_page

CODES = sorted({rule.code for rule in rules()})


def test_the_page_is_the_one_that_the_code_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == write_page(), "write it anew: python -m app.merges.rules_page"


def test_the_page_lists_every_rule_with_its_source() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for rule in rules():
        (line,) = [line for line in page.splitlines() if f"| {rule.effective_from} |" in line and rule.source in line]
        assert line.startswith(f"| {rule}")
        assert rule.checked in line
        assert (rule.source_url or "") in line
        assert f"\n## {rule.code}\n" in page


def test_every_rule_says_what_of_its_source_was_read() -> None:
    for rule in rules():
        assert rule.source.strip()
        assert rule.source_url is not None or "not checked" in rule.checked.lower(), rule.source
        assert rule.source_url is None or rule.source_url.startswith("https://")
        assert len(rule.checked) > 20


@pytest.mark.parametrize("code", CODES)
def test_the_days_of_a_code_neither_overlap_nor_leave_a_gap(code: str) -> None:
    spans = sorted((rule.effective_from, rule.effective_to) for rule in rules() if rule.code == code)
    for (begins, ends), (next_begins, _) in pairwise(spans):
        assert ends is not None
        assert begins <= ends
        assert next_begins == ends + timedelta(days=1), code
    assert spans[-1][1] is None, "the last one is in force until another comes"


def test_a_figure_is_that_of_its_day_and_before_the_first_there_is_none() -> None:
    assert figure("app_claim_cap", date(2025, 4, 30)) == 10_000_000
    assert figure("app_claim_cap", date(2025, 5, 1)) == 15_000_000
    assert figures(date(2025, 5, 1))["app_claim_cap"] == "Rp15.000.000"
    assert figure("waiting_months", date(2022, 4, 25)) == figure("waiting_months", date(2022, 4, 26)) == 1
    with pytest.raises(LookupError):
        figure("waiting_months", date(2015, 8, 31))
