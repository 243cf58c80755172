"""docs/rules.md, every figure with its source: `python -m app.merges.rules_page` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from app.merges.rules import Rule, rules

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
MEANING = {
    "app_claim_cap": "The most that can be claimed in the agency's app. Two cards below it may together be above it.",
    "tax_number_line": "Above it a claim needs a tax number (NPWP).",
    "membership_years": "Years of membership after which part of the savings can be claimed; counted from the oldest card.",
    "partial_claim_share": "Of the savings, in preparation of retirement; once in a membership.",
    "housing_claim_share": "Of the savings, for a house; once in a membership, instead of the other.",
    "jp_months": "Months of pension contributions for a monthly pension. They belong to the person: no merge moves them.",
    "waiting_months": "Between leaving a job and a claim in full.",
}


def write_page() -> str:
    """The whole page as Markdown."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "# The figures that a merge is judged by"
    yield ""
    yield "Written by `python -m app.merges.rules_page` from `app/merges/rules.json`; do not edit by hand."
    yield ""
    yield "The consequences of a merge follow from figures of the law and of the scheme. Each holds from one day to another,"
    yield "both included. A merge is judged by those of the day on which it is shown, confirmed or executed, and a text of the"
    yield "past is said with those of then. When a figure changes, the row in force gets its last day and a new row begins the"
    yield "day after; no row is changed otherwise or taken away. A test refuses overlaps and gaps."
    yield ""
    yield "**Checked** says honestly what was read, and where. Before this is used for real people, everything that is marked"
    yield "*not checked* is to be compared with the official text by somebody who answers for it."
    for code in dict.fromkeys(rule.code for rule in rules()):
        yield ""
        yield f"## {code}"
        yield ""
        yield MEANING[code]
        yield ""
        yield "| figure | from | to | source | checked |"
        yield "|---|---|---|---|---|"
        yield from (_row(rule) for rule in rules() if rule.code == code)
    yield ""


def _row(rule: Rule) -> str:
    until = rule.effective_to or ""
    return f"| {_figure(rule)} | {rule.effective_from} | {until} | {_source(rule)} | {rule.checked} |"


def _figure(rule: Rule) -> str:
    return {"rupiah": str(rule), "percent": f"{rule} %"}.get(rule.unit, f"{rule} {rule.unit}")


def _source(rule: Rule) -> str:
    return f"{rule.source} ([read here]({rule.source_url}))" if rule.source_url else rule.source


if __name__ == "__main__":
    PAGE.write_text(write_page(), encoding="utf-8")
