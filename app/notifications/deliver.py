"""Sends what is to be told, and says what came of it. Writes nothing: the drain of the lane does, with its fence.

A participant's causes go out one after the other, many participants at once. A phone that must wait holds back what
comes later for it, and for it only: the person's other phones go on.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping
from functools import partial
from uuid import UUID

import structlog

from app.notifications.batch import Batch, NoPermit, Paused, Result, Step, Walk
from app.notifications.encrypted import encrypt_entries
from app.notifications.giving_up import Signs, is_at_an_end, is_own_fault
from app.notifications.notification import LONGEST_WAIT_S, Notification, Target, wait_s
from app.notifications.pauses import Pauses
from app.notifications.permits import MOST_ROWS, Permits
from app.notifications.places import Places
from app.notifications.settlement import ClearedTarget, Delivery, DoneRow, RestingRow, Settlement, WaitingRow
from app.platform.outcomes import Accepted, Misconfigured, Outcome, Rejected, RetryLater, Unregistered
from app.platform.pace import Pace
from app.platform.push import Provider, Push

log = structlog.get_logger()

# As many as FCM takes on one connection.
SENDS_AT_ONCE = 100
MISCONFIGURED_WAIT_S = 10.0  # also how often it is tried whether we were mended
URGENT = 0
HELD_BACK_WAIT_S = 10.0
NOBODY_SENDS = Misconfigured("nothing sends to push targets of this kind here: set SEPAKAT_HMS_CREDENTIALS")
# What a provider itself says holds for all processes; that this one cannot reach it says nothing about the others.
ASKED_BY_THE_PROVIDER = ("quota_exceeded", "unavailable_503")


class Deliverer:
    """Shared by all lanes of a process: a provider for each kind of target, its pace, its bound on sends, its pauses."""

    def __init__(self, providers: Mapping[str, Provider], paces: Mapping[str, Pace] | None = None) -> None:
        self._signs = Signs()
        self.stopping = False
        self.rows = [MOST_ROWS] * 3  # worth reading at once, of each class: as many as get permits
        self._providers = providers
        # By provider: one that hangs or is away holds up no other. None: the kinds of target that nobody sends to here.
        # And by class: an urgent push never waits behind a batch of bulk.
        self._places: defaultdict[tuple[Provider | None, int], Places] = defaultdict(lambda: Places(SENDS_AT_ONCE))
        self._pauses: defaultdict[Provider | None, Pauses] = defaultdict(Pauses)
        self._paces = paces or {}
        for kind, pace in self._paces.items():
            pace.on_hold = partial(self._pauses[providers[kind]].hold, "provider")

    def paused_s(self) -> float:
        """Seconds until one of the providers sends again; 0 when one does."""
        return min((self._pauses[provider].left_s() for provider in self._providers.values()), default=0.0)

    async def deliver(self, people: Iterable[list[Notification]], lane_class: int) -> Settlement:
        """Sends all notifications of one class (0 urgent, 1 bulk, 2 digests)."""
        people = list(people)
        batch = Batch(lane_class, Permits(self._paces))
        try:
            await batch.permits.ask(people, urgent=lane_class == URGENT)
            self.rows[lane_class] = batch.permits.rows(self.rows[lane_class])
            batch.walks = len(people)
            for notifications in people:
                self._go_on(self._walk(notifications, batch), batch, None)
            if people:
                await batch.ended
        finally:
            batch.ended.cancel()  # what still waits for a place is sent no more
            batch.permits.end()
        return batch.settlement

    def _go_on(self, walk: Walk, batch: Batch, result: Result | Exception | None) -> None:
        """To the next send of a person, which waits for its place."""
        try:
            step = walk.throw(result) if isinstance(result, Exception) else walk.send(result)  # type: ignore[arg-type]
        except StopIteration:
            batch.walks -= 1
            if not batch.walks and not batch.ended.done():
                batch.ended.set_result(None)
            return
        except Exception as error:
            if not batch.ended.done():
                batch.ended.set_exception(error)
            return
        provider = self._providers.get(step[1].kind)
        self._places[provider, batch.lane_class].ask(partial(self._send, walk, step, provider, batch))

    async def _send(self, walk: Walk, step: Step, provider: Provider | None, batch: Batch) -> None:
        """In a place of its own."""
        if batch.ended.done():
            return
        result: Result | Exception
        pauses = self._pauses[provider]
        try:
            if pauses.in_a_row:
                async with pauses.turn() as came_through:
                    result = await self._try(step, provider, batch)
                    if _came_through(result):
                        came_through()
            else:
                result = await self._try(step, provider, batch)
        except Exception as error:
            result = error
        except asyncio.CancelledError:
            place = asyncio.current_task()
            if place is None or place.cancelling():
                raise
            # Not this place was cancelled, but what the send waited for: left at that, its batch would be waited for, for ever.
            result = ConnectionError("what the send waited for was cancelled")
        self._go_on(walk, batch, result)

    async def _try(self, step: Step, provider: Provider | None, batch: Batch) -> Result:
        notification, target = step
        if paused_s := self._pauses[provider].left_s(target.platform):
            return Paused(paused_s)
        if self.stopping or not batch.permits.may_go(notification, target):
            return NoPermit()
        if provider is None:
            return NOBODY_SENDS
        return await provider.send(_word(notification, target, urgent=batch.lane_class == URGENT))

    def _walk(self, notifications: list[Notification], batch: Batch) -> Walk:
        lane_class, settlement = batch.lane_class, batch.settlement
        held: dict[UUID, float] = {}  # phones that wait: what comes later waits for them too, and for them only
        for notification in notifications:
            if self.stopping:
                return
            if notification.rests:
                settlement.resting += [
                    RestingRow(lane_class, notification.participant_id, seq) for seq in notification.seqs
                ]
                continue
            try:
                waits, tried = yield from self._tell(notification, batch, held)
            except Exception:
                # What nobody foresaw about one person must not send everybody else's again and again.
                log.exception("notification_failed", cause_id=str(notification.cause_id))
                waits, tried = [LONGEST_WAIT_S], 1
            if waits:
                settlement.waiting += [
                    WaitingRow(lane_class, notification.participant_id, seq, tried, max(waits))
                    for seq in notification.seqs
                ]
                continue
            if (notification.participant_id, notification.cause_id) in settlement.left:
                continue
            settlement.done += [DoneRow(lane_class, notification.participant_id, seq) for seq in notification.seqs]

    def _tell(
        self, notification: Notification, batch: Batch, held: dict[UUID, float]
    ) -> Generator[Step, Result, tuple[list[float], int]]:
        """How long its targets must wait (empty when all are settled or left), and whether anything was sent."""
        waits: list[float] = []
        tried = 0
        settlement = batch.settlement
        for target in notification.targets if notification.entry_class else ():
            if target.settled:
                continue
            if target.held_back or target.device_id in held:
                waits.append(held.setdefault(target.device_id, HELD_BACK_WAIT_S))
                settlement.deliveries.append(_note(notification, target, "waiting", "held_back", tried=0))
                continue
            if full_s := batch.permits.full_s(notification, target):
                waits.append(held.setdefault(target.device_id, full_s))
                settlement.deliveries.append(_note(notification, target, "waiting", "device_limit", tried=0))
                continue
            match (yield notification, target):
                case Paused(paused_s):
                    waits.append(held.setdefault(target.device_id, paused_s))
                    # noted, so that what comes later for this phone is held back behind it
                    settlement.deliveries.append(_note(notification, target, "waiting", "paused", tried=0))
                case NoPermit():
                    settlement.left.add((notification.participant_id, notification.cause_id))
                case outcome:
                    tried = 1
                    wait = self._judge(outcome, notification, target, settlement)
                    if wait is not None:
                        waits.append(held.setdefault(target.device_id, wait))
        return waits, tried

    def _judge(
        self, outcome: Outcome, notification: Notification, target: Target, settlement: Settlement
    ) -> float | None:
        """Notes the outcome; the seconds to wait when it has to be tried again."""
        pauses = self._pauses[self._providers.get(target.kind)]
        match outcome:
            case Accepted(message_id):
                self._signs.taken(target)
                settlement.deliveries.append(_note(notification, target, "accepted", message_id=message_id))
                return None
            case Unregistered(because):
                settlement.deliveries.append(_note(notification, target, "unregistered", outcome.code))
                settlement.cleared.append(
                    ClearedTarget(notification.participant_id, target.device_id, target.value, target.set_at, because)
                )
                return None
            case Rejected(code):
                log.error("push_rejected", code=code, delivery_id=notification.delivery_id(target))
                settlement.deliveries.append(_note(notification, target, "rejected", code))
                return None
            case RetryLater(after_s, reason, provider_wide):
                wait = wait_s(after_s, target.attempts)
                self._signs.failed(target)
                own_fault = is_own_fault(outcome, target, self._signs)
                if own_fault and is_at_an_end(target):
                    log.error("push_given_up", reason=reason, delivery_id=notification.delivery_id(target))
                    settlement.deliveries.append(_note(notification, target, "rejected", f"given_up_{reason}"))
                    return None
                if provider_wide:
                    # Grows with the provider's failures in a row: one message's bad luck must not hold up all.
                    pause = wait_s(after_s, pauses.in_a_row)
                    pauses.hold("provider", pause)
                    log.warning("push_provider_pauses", kind=target.kind, reason=reason, for_s=round(pause, 1))
                    if reason in ASKED_BY_THE_PROVIDER and (pace := self._paces.get(target.kind)):
                        pace.hold(pause)
                failing_s = wait if own_fault else 0.0
                settlement.deliveries.append(_note(notification, target, "waiting", reason, failing_s=failing_s))
                return wait
            case Misconfigured(reason, scope):
                pauses.hold(scope, MISCONFIGURED_WAIT_S)
                log.error(
                    "push_misconfigured", kind=target.kind, reason=reason, scope=scope, for_s=MISCONFIGURED_WAIT_S
                )
                settlement.deliveries.append(_note(notification, target, "waiting", "misconfigured"))
                return MISCONFIGURED_WAIT_S


def _came_through(result: Result) -> bool:
    """Whether something was sent that met with nothing that pauses all."""
    if isinstance(result, RetryLater):
        return not result.provider_wide
    return not isinstance(result, Misconfigured | Paused | NoPermit)


def _word(notification: Notification, target: Target, *, urgent: bool) -> Push:
    entry_class = notification.entry_class or "notice"
    text = notification.text(target.locale)
    return Push(
        kind=target.kind,
        value=target.value,
        delivery_id=notification.delivery_id(target),
        seq=notification.up_to_seq,
        from_seq=notification.from_seq,
        entry_class=entry_class,
        title=text.title,
        body=text.body,
        urgent=urgent,
        jwe=encrypt_entries(notification.shown, target.locale, key) if (key := target.encryption_key) else None,
    )


def _note(
    notification: Notification,
    target: Target,
    state: str,
    code: str | None = None,
    message_id: str | None = None,
    tried: int = 1,
    failing_s: float = 0.0,
) -> Delivery:
    return Delivery(
        participant_id=notification.participant_id,
        cause_id=notification.cause_id,
        device_id=target.device_id,
        delivery_id=notification.delivery_id(target),
        up_to_seq=notification.up_to_seq,
        state=state,
        code=code,
        message_id=message_id,
        tried=tried,
        entry_class=notification.entry_class,
        failing_s=failing_s,
    )
