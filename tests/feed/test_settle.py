"""Once, in order, each for itself: repetitions, streams, held events, quarantine, races, and any order of a history."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from app.platform.sealing import read_sealer
from tests.conftest import DATA_KEYS
from tests.feed.conftest import Core, Worker, claim, contribution, event
from tests.people import new_kpj

ORDERS = 10
"""tests/prove/feed_orders.py tells ten thousand."""


def outcomes(results: list[dict[str, Any]]) -> list[str]:
    return [result["outcome"] for result in results]


async def test_the_same_event_again_changes_nothing(core: Core, dwi: Worker, card: str) -> None:
    one = contribution(card)
    assert outcomes(await core.send(one, one)) == ["applied", "duplicate"]
    # another order of members and another form of a number are the same content
    assert outcomes(await core.send(dict(reversed(one.items())))) == ["duplicate"]
    assert (await core.card(card))["entries"] == 2
    assert len(await core.history(dwi.nik)) == 3


async def test_a_rejected_event_says_again_why(core: Core) -> None:
    one = contribution("99000000000009")
    (first,), (again,) = await core.send(one), await core.send(one)
    assert (again["outcome"], again["code"], again["detail"]) == ("duplicate", first["code"], first["detail"])


async def test_the_same_id_with_another_content_is_quarantined(core: Core, card: str) -> None:
    one = contribution(card, 100)
    await core.apply(one)
    other = one | {"data": one["data"] | {"amount": 200}}
    assert outcomes(await core.send(other, other, one)) == ["quarantined", "quarantined", "duplicate"]
    (kept,) = await core.ask("SELECT content_sealed FROM feed_quarantine WHERE event_id = $1", one["id"])
    opened = read_sealer(DATA_KEYS).open(kept["content_sealed"], column="content", row=one["id"])
    assert '"amount":200' in opened
    assert (await core.card(card))["balance"] == 9910352 + 100


async def test_one_bad_event_does_not_stop_the_others(core: Core, card: str) -> None:
    bad: list[Any] = [
        5,
        None,
        {},
        [],
        {"id": "x"},
        event("contribution.posted", {}),
        contribution(card, occurred_at="yesterday"),
    ]
    results = await core.send(contribution(card, 1), *bad, contribution(card, 2))
    assert outcomes(results) == ["applied", *["rejected"] * len(bad), "applied"]
    codes = [result["code"] for result in results]
    assert codes == [None, *["event_malformed"] * 5, "data_invalid", "event_malformed", None]
    assert (await core.card(card))["balance"] == 9910352 + 3


async def test_a_malformed_event_leaves_its_id_free(core: Core, card: str) -> None:
    one = contribution(card, occurred_at="2026-03-02", streams={f"card:{card}": 1})
    assert outcomes(await core.send(one)) == ["rejected"]
    await core.apply(one | {"occurred_at": "2026-03-02T00:00:00+07:00"})


@pytest.mark.parametrize(
    "around",
    [
        {"id": ""},
        {"id": "x" * 65},
        {"id": "a b"},
        {"id": 5},
        {"type": "no dots"},
        {"occurred_at": "2026-03-02T00:00:00"},
        {"occurred_at": "0001-01-01T00:00:00+14:00"},
        {"occurred_at": "9999-12-31T23:59:59-14:00"},
        {"streams": {"card:1": 1}},
        {"streams": {"card:99000000001": 0}},
        {"streams": {"card:99000000001": True}},
        {"streams": {"employer:1": 1}},
        {"data": []},
        {"data": {"amount": 10**30}},
        {"surprise": 1},
    ],
)
async def test_an_event_of_another_form_is_rejected(core: Core, card: str, around: dict[str, Any]) -> None:
    (result,) = await core.send(contribution(card) | around)
    assert (result["outcome"], result["code"]) == ("rejected", "event_malformed")


async def test_an_early_event_waits_for_its_number(core: Core, card: str) -> None:
    stream = f"card:{card}"
    first, second, third = (contribution(card, number, streams={stream: number}) for number in (1, 2, 3))
    (held,) = await core.send(third)
    assert (held["outcome"], held["code"]) == ("held", "number_missing")
    assert held["detail"] == f"{stream} waits for number 1."
    assert outcomes(await core.send(second, third)) == ["held", "held"]
    assert (await core.card(card))["balance"] == 9910352

    await core.apply(first)
    assert (await core.card(card))["balance"] == 9910352 + 6
    assert outcomes(await core.send(third, second)) == ["duplicate", "duplicate"]
    assert await core.ask("SELECT FROM feed_held WHERE stream = $1", stream) == []


async def test_a_batch_in_the_wrong_order_is_put_right(core: Core, dwi: Worker, card: str) -> None:
    stream = f"card:{card}"
    events = [contribution(card, number, streams={stream: number}) for number in (1, 2, 3)]
    assert outcomes(await core.send(*reversed(events))) == ["applied"] * 3
    told = [entry["event_id"] for entry in await core.history(dwi.nik)][-3:]
    assert told == [one["id"] for one in events]


async def test_an_event_of_two_streams_waits_for_both(core: Core, dwi: Worker, card: str) -> None:
    mine, hers = f"card:{card}", f"participant:{dwi.nik}"
    both = contribution(card, 4, streams={mine: 2, hers: 2})
    assert outcomes(await core.send(both)) == ["held"]
    assert outcomes(await core.send(contribution(card, 1, streams={mine: 1}))) == ["applied"]
    assert outcomes(await core.send(both)) == ["held"]
    assert outcomes(await core.send(contribution(card, 2, streams={hers: 1}))) == ["applied"]
    assert (await core.card(card))["balance"] == 9910352 + 7
    await core.apply(contribution(card, 8, streams={hers: 3, mine: 3}))


async def test_a_rejected_event_uses_its_number(core: Core, card: str) -> None:
    stream = f"card:{card}"
    results = await core.send(contribution(card, 2, streams={stream: 2}), contribution(card, -1, streams={stream: 1}))
    assert outcomes(results) == ["applied", "rejected"]


async def test_a_used_number_is_not_used_again(core: Core, dwi: Worker, card: str) -> None:
    mine, hers = f"card:{card}", f"participant:{dwi.nik}"
    await core.apply(contribution(card, 1, streams={mine: 1}))
    (result,) = await core.send(contribution(card, 2, streams={mine: 1, hers: 1}))
    assert (result["outcome"], result["code"]) == ("rejected", "stream_number_taken")
    assert (await core.card(card))["balance"] == 9910352 + 1
    await core.apply(contribution(card, 4, streams={hers: 2, mine: 2}))


async def test_a_stream_fits_what_the_event_is_about(core: Core, dwi: Worker, card: str) -> None:
    other = Worker()
    own = new_kpj()
    await core.apply(other.registered(), other.opened(own, balance=0))
    foreign = f"participant:{other.nik}"
    for one in (contribution(card), dwi.opened(new_kpj()), dwi.registered()):
        (result,) = await core.send(one | {"streams": {foreign: 1}})
        assert (result["outcome"], result["code"]) == ("rejected", "stream_foreign")
    assert (await core.card(card))["entries"] == 1
    # what is not its own is not consumed: the other's first event still has its number
    await core.apply(contribution(own, 7, streams={foreign: 1}))


async def test_a_held_event_is_settled_although_its_release_was_lost(core: Core, card: str) -> None:
    """As after a crash between the commit of an event and the release of those behind it."""
    stream = f"card:{card}"
    await core.send(contribution(card, 2, streams={stream: 2}))
    await core.ask("UPDATE feed_streams SET position = 1 WHERE stream = $1", stream)
    assert outcomes(await core.send(contribution(card, 4, streams={stream: 4}))) == ["held"]
    assert (await core.card(card))["balance"] == 9910352 + 2


async def test_two_requests_with_the_same_events_apply_them_once(core: Core, dwi: Worker, card: str) -> None:
    other = new_kpj()
    await core.apply(dwi.opened(other, balance=0))
    streamed = [contribution(card, 1, streams={f"card:{card}": n}) for n in range(1, 11)]
    loose = [contribution(other, 10) for _ in range(10)]
    batch = [*streamed, *loose]
    answers = await asyncio.gather(
        core.send(*batch), core.send(*reversed(batch)), core.send(*loose, *streamed), core.send(*batch[::2])
    )
    for answer in answers:
        assert set(outcomes(answer)) <= {"applied", "duplicate", "held"}
    assert (await core.card(card))["entries"] == 11
    assert (await core.card(other))["balance"] == 100
    assert await core.ask("SELECT FROM feed_held WHERE stream = $1", f"card:{card}") == []


def history_of(worker: Worker, old: str, new: str, *, by_card: bool) -> list[dict[str, Any]]:
    """A life of eight events, each numbered in one stream for all or in one for each card."""
    made = [
        worker.registered(),
        worker.opened(old, balance=9000000),
        worker.opened(new, balance=0),
        contribution(old, 319177, "2026-01"),
        contribution(new, 324373, "2026-02"),
        event("card.status_changed", {"kpj": old, "status": "inactive", "effective_on": "2026-02-01", "reason": "x"}),
        claim("opened", old, 900000, claim_id=f"C-{old}", kind="ten_percent"),
        claim("paid", old, 900000, claim_id=f"C-{old}", kind="ten_percent"),
    ]
    person, place = f"participant:{worker.nik}", {old: 0, new: 0}
    for number, one in enumerate(made, start=1):
        kpj = one["data"].get("kpj")
        if kpj is None or not by_card:
            one["streams"] = {person: number}
            continue
        place[kpj] += 1
        one["streams"] = {f"card:{kpj}": place[kpj]}
        if one["type"] == "card.opened":
            one["streams"][person] = number
    return made


def told(worker: Worker, old: str, new: str, rows: list[dict[str, Any]]) -> list[Any]:
    names = {old: "old", new: "new"}
    return [
        (
            row["kind"],
            names.get(row["data"].get("kpj")),
            row["data"].get("balance_after"),
            row["data"].get("status_after"),
        )
        for row in rows
    ]


@pytest.mark.parametrize("by_card", [False, True])
async def test_any_order_and_any_repetition_give_the_same_history(core: Core, by_card: bool) -> None:
    dice = random.Random(20260302)
    seen = set()
    for attempt in range(ORDERS):
        worker, old, new = Worker(), new_kpj(), new_kpj()
        events = history_of(worker, old, new, by_card=by_card)
        if attempt:
            events = dice.sample(events, len(events)) + dice.sample(events, 4)
            dice.shuffle(events)
        cut = dice.randrange(len(events))
        for batch in filter(None, (events[:cut], events[cut:])):
            await core.send(*batch)
        entries = told(worker, old, new, await core.history(worker.nik))
        cards = [(c["status"], c["balance"], c["entries"]) for c in (await core.card(old), await core.card(new))]
        # cards in streams of their own are ordered each for itself only
        seen.add((tuple(sorted(entries, key=str)) if by_card else tuple(entries), tuple(cards)))
    assert len(seen) == 1
    ((entries_seen, cards_seen),) = seen
    assert len(entries_seen) == 8
    assert cards_seen == (("inactive", 8419177, 3), ("active", 324373, 1))
