"""Sends what is to be announced, and says what came of it. Writes nothing: the drain of the lane does, with its fence.

A participant's causes go out one after the other, many participants at once. A phone that must wait holds back what
comes later for it, and for it only: the person's other phones go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from uuid import UUID

import structlog

from app.notifications.announcement import LONGEST_WAIT_S, Announcement, Target, wait_s
from app.notifications.pauses import Pauses
from app.notifications.settlement import ClearedTarget, Delivery, DoneRow, Settlement, WaitingRow
from app.notifications.wording import push_text
from app.platform.outcomes import Accepted, Misconfigured, Outcome, Rejected, RetryLater, Unregistered
from app.platform.push import Provider, Push

log = structlog.get_logger()

# As many as FCM takes on one connection.
SENDS_AT_ONCE = 100
MISCONFIGURED_WAIT_S = 30.0
URGENT = 0
HELD_BACK_WAIT_S = 10.0


class Deliverer:
    """Shared by all lanes of a process: providers by kind of target, a bound on the sends of each class, the memory of pauses."""

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self.pauses = Pauses()
        self.stopping = False
        self._providers = providers
        # For each class its own: no bulk stands in line before what is urgent.
        self._slots = [asyncio.Semaphore(SENDS_AT_ONCE), asyncio.Semaphore(SENDS_AT_ONCE)]

    async def deliver(self, people: Iterable[list[Announcement]], lane_class: int) -> Settlement:
        """Sends all announcements of one class (0 urgent, 1 bulk)."""
        settlement = Settlement()
        people = list(people)
        waiting = iter(people)

        async def send_to_the_next() -> None:
            for announcements in waiting:
                await self._deliver_to(announcements, lane_class, settlement)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(len(people), SENDS_AT_ONCE)):  # a task for each person would cost as much as its text
                group.create_task(send_to_the_next())
        return settlement

    async def _deliver_to(self, announcements: list[Announcement], lane_class: int, settlement: Settlement) -> None:
        held: dict[UUID, float] = {}  # phones that wait: what comes later waits for them too, and for them only
        for announcement in announcements:
            if self.stopping:
                return
            try:
                waits, tried = await self._announce(announcement, lane_class, settlement, held)
            except Exception:
                # What nobody foresaw about one person must not send everybody else's again and again.
                log.exception("announcement_failed", cause_id=str(announcement.cause_id))
                waits, tried = [LONGEST_WAIT_S], 1
            if waits:
                settlement.waiting += [
                    WaitingRow(lane_class, announcement.participant_id, seq, tried, max(waits))
                    for seq in announcement.seqs
                ]
                continue
            settlement.done += [DoneRow(lane_class, announcement.participant_id, seq) for seq in announcement.seqs]

    async def _announce(
        self, announcement: Announcement, lane_class: int, settlement: Settlement, held: dict[UUID, float]
    ) -> tuple[list[float], int]:
        """How long its targets must wait (empty when all are settled), and whether anything was sent."""
        waits: list[float] = []
        tried = 0
        for target in announcement.targets if announcement.entry_class else ():
            if target.settled:
                continue
            if target.held_back or target.device_id in held:
                waits.append(held.setdefault(target.device_id, HELD_BACK_WAIT_S))
                settlement.deliveries.append(_note(announcement, target, "waiting", "held_back", tried=0))
                continue
            async with self._slots[lane_class]:
                paused_s = self.pauses.left_s(target.platform)
                if paused_s:
                    waits.append(held.setdefault(target.device_id, paused_s))
                    # noted, so that what comes later for this phone is held back behind it
                    settlement.deliveries.append(_note(announcement, target, "waiting", "paused", tried=0))
                    continue
                push = _word(announcement, target, urgent=lane_class == URGENT)
                outcome = await self._providers[push.kind].send(push)
            tried = 1
            wait = self._judge(outcome, announcement, target, settlement)
            if wait is not None:
                waits.append(held.setdefault(target.device_id, wait))
        return waits, tried

    def _judge(
        self, outcome: Outcome, announcement: Announcement, target: Target, settlement: Settlement
    ) -> float | None:
        """Notes the outcome; the seconds to wait when it has to be tried again."""
        match outcome:
            case Accepted(message_id):
                settlement.deliveries.append(_note(announcement, target, "accepted", message_id=message_id))
                return None
            case Unregistered():
                settlement.deliveries.append(_note(announcement, target, "unregistered", "UNREGISTERED"))
                settlement.cleared.append(
                    ClearedTarget(announcement.participant_id, target.device_id, target.value, target.set_at)
                )
                return None
            case Rejected(code):
                log.error("push_rejected", code=code, delivery_id=str(announcement.delivery_id(target)))
                settlement.deliveries.append(_note(announcement, target, "rejected", code))
                return None
            case RetryLater(after_s, reason, provider_wide):
                wait = wait_s(after_s, target.attempts)
                if provider_wide:
                    self.pauses.hold("provider", wait)
                    log.warning("push_provider_pauses", reason=reason, for_s=round(wait, 1))
                settlement.deliveries.append(_note(announcement, target, "waiting", reason))
                return wait
            case Misconfigured(reason, scope):
                self.pauses.hold(scope, MISCONFIGURED_WAIT_S)
                log.error("push_misconfigured", reason=reason, scope=scope, for_s=MISCONFIGURED_WAIT_S)
                settlement.deliveries.append(_note(announcement, target, "waiting", "misconfigured"))
                return MISCONFIGURED_WAIT_S


def _word(announcement: Announcement, target: Target, *, urgent: bool) -> Push:
    entry_class = announcement.entry_class or "notice"
    text = push_text(entry_class, target.locale)
    return Push(
        kind=target.kind,
        value=target.value,
        delivery_id=str(announcement.delivery_id(target)),
        seq=announcement.up_to_seq,
        entry_class=entry_class,
        title=text.title,
        body=text.body,
        urgent=urgent,
    )


def _note(
    announcement: Announcement,
    target: Target,
    state: str,
    code: str | None = None,
    message_id: str | None = None,
    tried: int = 1,
) -> Delivery:
    return Delivery(
        participant_id=announcement.participant_id,
        cause_id=announcement.cause_id,
        device_id=target.device_id,
        delivery_id=announcement.delivery_id(target),
        up_to_seq=announcement.up_to_seq,
        state=state,
        code=code,
        message_id=message_id,
        tried=tried,
    )
