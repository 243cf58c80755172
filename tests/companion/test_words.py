"""The companion has a word for every code that the database may hold: nobody reads `case_core_refusal`."""

from __future__ import annotations

import re

import pytest

from app.cli.instance import SCHEMA
from tests.companion.test_everybody import words

SPOKEN = {
    "segment": "segment_is_known",
    "status": "lifecycle_is_known",
    "entry": "ledger_kind_is_known",
    "closed": "closing_reason_is_known",
    "look": "look_is_at_something_known",
    "case": "case_kind_is_known",
    "decision": "case_decision_is_known",
    "match": "match_state_is_known",
    "paper": "document_kind_is_known",
}


def codes(constraint: str) -> set[str]:
    """What a CHECK of the schema lets in."""
    (listed,) = re.findall(rf"CONSTRAINT {constraint} CHECK \(\(\w+ = ANY \(ARRAY\[(.+?)\]", SCHEMA.read_text())
    return set(re.findall(r"'(\w+)'::text", listed))


@pytest.mark.parametrize(("family", "constraint"), SPOKEN.items())
def test_every_code_has_a_word(family: str, constraint: str) -> None:
    known = codes(constraint)
    assert len(known) > 3
    silent = {"match_suggested"}  # shows what can be answered instead
    assert {f"{family}_{code}" for code in known} - silent - words("words-id.js") == set()
