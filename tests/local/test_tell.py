"""Every verb of `sepakat core` sends an event that the feed takes, with data of its type."""

from __future__ import annotations

import msgspec
import pytest

from app.feed.apply import TYPES
from app.local.tell import core_event, core_parser

OLD, NEW, MERGE = "99000000011", "99000000012", "01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["propose", NEW, OLD], "merge.proposed"),
        (["contribute", NEW, "324373"], "contribution.posted"),
        (["merged", NEW, OLD], "card.merged"),
        (["acknowledge", MERGE], "merge.acknowledged"),
        (["refuse", MERGE, "--reason", "Data belum lengkap"], "merge.refused"),
        (["report-balance", NEW, "9910352"], "balance.reported"),
        (["report-balance", NEW, "0", "--as-of", "2026-11-20", "--status", "merged"], "balance.reported"),
        (["take-back", NEW, "evt_1"], "contribution.reversed"),
        (["announce", "--explains", "growth_credited"], "announcement.published"),
        (
            ["announce", "--to", "3204015705900001", "--severity", "critical", "--replaces", "evt_1"],
            "announcement.published",
        ),
        (["decide", MERGE, "theirs_corrected"], "case.decided"),
    ],
)
def test_a_verb_sends_an_event_that_the_feed_takes(words: list[str], kind: str) -> None:
    told = core_event(core_parser().parse_args(words))
    assert told["type"] == kind
    assert msgspec.convert(told["data"], TYPES[kind][0])
