"""The digest that clients compute must be ours, to the byte."""

from uuid import UUID

from app.merges.plan import Difference, Plan, PlannedCard, canonical, differences, digest, read

VECTOR = (
    b'{"action":"merge","cards":[{"balance_after":0,"balance_before":14265493,"kpj":"99000000011","role":"absorbed",'
    b'"status_after":"merged","status_before":"inactive"},{"balance_after":24175845,"balance_before":9910352,'
    b'"kpj":"99000000012","role":"survivor","status_after":"active","status_before":"active"}],"consequences":'
    b'["app_claim_cap_crossed","late_contributions_follow"],"cooling_off_s":43200,"merge_id":'
    b'"01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f","to_acknowledge":["app_claim_cap_crossed"],"total_after":24175845,'
    b'"total_before":24175845,"undo_window_s":2592000,"version":1,"wording":"2026-11"}'
)
PLAN = Plan(
    version=1,
    action="merge",
    merge_id=UUID("01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f"),
    cards=[
        PlannedCard("99000000011", "absorbed", "inactive", "merged", 14_265_493, 0),
        PlannedCard("99000000012", "survivor", "active", "active", 9_910_352, 24_175_845),
    ],
    total_before=24_175_845,
    total_after=24_175_845,
    consequences=["app_claim_cap_crossed", "late_contributions_follow"],
    to_acknowledge=["app_claim_cap_crossed"],
    cooling_off_s=43_200,
    undo_window_s=2_592_000,
    wording="2026-11",
)


def test_the_published_vector_is_reproduced() -> None:
    assert canonical(PLAN) == VECTOR
    assert digest(canonical(PLAN)) == "2195fbe1b7b965855e01fd519ef814726026822dbf9bd48e2e2d91c8cf21bb22"
    assert read(VECTOR) == PLAN


def test_a_contribution_shows_as_the_fields_that_it_changed() -> None:
    card = PlannedCard("99000000012", "survivor", "active", "active", 10_234_725, 24_500_218)
    now = Plan(
        **{name: getattr(PLAN, name) for name in PLAN.__struct_fields__}
        | {"cards": [PLAN.cards[0], card], "total_before": 24_500_218, "total_after": 24_500_218}
    )
    assert differences(PLAN, now) == [
        Difference("99000000012", "balance_before", 9_910_352, 10_234_725),
        Difference("99000000012", "balance_after", 24_175_845, 24_500_218),
        Difference(None, "total_before", 24_175_845, 24_500_218),
        Difference(None, "total_after", 24_175_845, 24_500_218),
    ]
    assert differences(PLAN, PLAN) == []
