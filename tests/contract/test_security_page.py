"""docs/security.md says of each defence which test shows it: the page is wrong when one of them is gone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
MARKS = ("shown", "by design", "partly", "operator", "not done")


def rows_below(heading: str) -> list[list[str]]:
    """The cells of the table rows of a section, without its head."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return [row for row in rows if set("".join(row)) - set("- ") and row[0] not in ("attack", "requirement")]


def test_every_test_that_is_named_exists() -> None:
    named = NAMED.findall(PAGE)
    assert len(named) > 100
    assert len(named) == PAGE.count("::"), "a test is named in another form"
    for file, name in named:
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{name}"


def test_every_attack_is_shown_to_fail_by_a_test() -> None:
    rows = rows_below("Attacks")
    assert len(rows) > 40
    for row in rows:
        assert len(row) == 4, row
        assert NAMED.search(row[3]), row[0]


@pytest.mark.parametrize("chapter", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16])
def test_every_requirement_has_its_number_once_and_a_mark(chapter: int) -> None:
    rows = [row for row in rows_below("ASVS 5.0.0, levels 1 and 2") if row[0].startswith(f"{chapter}.")]
    assert rows
    numbers = [row[0] for row in rows]
    assert len(set(numbers)) == len(numbers)
    for number, _, mark, shown in rows:
        assert mark in MARKS, number
        assert mark != "shown" or NAMED.search(shown), f"{number} is shown by nothing"


def test_files_that_are_named_exist() -> None:
    for path in re.findall(r"`((?:app|sql|docs|workers)/[\w/.]+\.\w+)`", PAGE):
        assert (ROOT / path).is_file(), path
    for path in re.findall(r"\]\(([\w/.]+\.md)", PAGE):
        assert (ROOT / "docs" / path).is_file(), path
