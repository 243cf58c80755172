"""What this process can do, started by a ring from arq or by the sweep alike."""

from __future__ import annotations

from app.feed.tell import CoreTeller
from app.notifications.deliver import Deliverer
from app.platform.database import Pool
from app.platform.fcm import Fcm
from app.platform.hms import Hms
from app.platform.jobs import Jobs
from app.platform.pace import Pace, read_pacing
from app.platform.push import Provider
from app.platform.sms import SmsGateway
from app.platform.storage import Storage
from app.settings import Settings
from workers.ask_phones import ask_phones
from workers.climb_ladder import Ladder
from workers.drain_lane import LaneDrain
from workers.find_matches import find_matches
from workers.look_at_waiting_merges import look_at_waiting_merges
from workers.make_roots import make_roots
from workers.post_bulk import post_bulk
from workers.publish_announcements import publish_announcements
from workers.rounds import Rounds, Run
from workers.send_codes import send_codes
from workers.settle_merges import settle_merges
from workers.sweep_documents import sweep_documents
from workers.tell_held_events import tell_held_events
from workers.tell_overdue_cases import tell_overdue_cases

LANES = range(64)
# Below the ten seconds that a supervisor gives before it kills.
END_WITHIN_S = 7.0


class Work:
    """Everything that runs in a worker. `close()` lets what is under way come to an end."""

    def __init__(self, settings: Settings, pool: Pool) -> None:
        self._settings = settings
        self._pool = pool
        self._rounds = Rounds()
        self._jobs = Jobs(settings.redis_url, settings.secret)
        self._fcm = Fcm(settings.fcm_base_url, settings.fcm_credentials)
        self._sms = SmsGateway(settings.sms_url)
        self._documents = Storage(settings.documents)
        self._hms = (
            Hms(settings.hms_base_url, settings.hms_token_url, settings.hms_credentials)
            if settings.hms_credentials
            else None
        )
        providers: dict[str, Provider] = {"fid": self._fcm, "token": self._fcm}
        if self._hms is not None:
            providers["hms"] = self._hms
        self._pace = Pace("fcm", settings.redis_url, settings.secret, read_pacing(settings))
        self._deliverer = Deliverer(providers, {"fid": self._pace, "token": self._pace})
        self._drain = LaneDrain(pool, self._deliverer)
        self._ladder = Ladder(pool, settings, self._sms)
        self._core = CoreTeller(pool, settings) if settings.core_webhook_url else None

    def ring(self, name: str, run: Run) -> None:
        """Runs it soon, or once more after the run under way."""
        self._rounds.ring(name, run)

    def ring_lane(self, lane: int, *, urgent: bool = True) -> None:
        """`urgent` is False when it is known that nothing urgent waits there."""
        if lane in LANES:
            ring_lane(self._rounds, self._drain, lane, urgent=urgent)

    def ring_merges(self) -> None:
        self.ring("settle_merges", lambda: settle_merges(self._pool, self._settings, self._jobs))

    def ring_waiting_merges(self) -> None:
        self.ring("look_at_waiting_merges", lambda: look_at_waiting_merges(self._pool, self._settings, self._jobs))

    def ring_roots(self) -> None:
        self.ring("make_roots", lambda: make_roots(self._pool, self._settings))

    def ring_codes(self) -> None:
        self.ring("send_codes", self._send_codes)
        self.ring("write_to_contacts", self._ladder.write_to_contacts)

    def ring_ladder(self) -> None:
        self.ring("climb_ladder", self._ladder.climb)

    def ring_core(self) -> None:
        if self._core is not None:
            self.ring("tell_core", self._core.tell)

    def ring_matches(self) -> None:
        self.ring("find_matches", lambda: find_matches(self._pool, self._settings, self._jobs))

    def ring_announcements(self) -> None:
        self.ring("publish_announcements", lambda: publish_announcements(self._pool, self._jobs))

    def ring_held_events(self) -> None:
        self.ring("tell_held_events", lambda: tell_held_events(self._pool))

    def ring_bulk(self) -> None:
        self.ring("post_bulk", lambda: post_bulk(self._pool))

    def ring_overdue_cases(self) -> None:
        self.ring("tell_overdue_cases", lambda: tell_overdue_cases(self._pool, self._jobs))

    def ring_documents(self) -> None:
        self.ring("sweep_documents", lambda: sweep_documents(self._pool, self._documents))

    async def close(self) -> None:
        self._deliverer.stopping = True
        await self._rounds.close(END_WITHIN_S)
        await self._jobs.close()
        await self._pace.close()
        await self._fcm.close()
        if self._hms is not None:
            await self._hms.close()
        await self._ladder.close()
        if self._core is not None:
            await self._core.close()
        await self._sms.close()

    async def _send_codes(self) -> None:
        await ask_phones(self._pool, self._jobs)
        await send_codes(self._pool, self._sms, self._settings)


def ring_lane(rounds: Rounds, drain: LaneDrain, lane: int, *, urgent: bool) -> None:
    """A lane that waits for its turn will be looked at as a whole anyway: only what is urgent must not wait with it."""
    name = f"drain_lane {lane}"
    if urgent and rounds.runs(name):
        rounds.ring(f"drain_urgent {lane}", lambda: drain.drain_urgent(lane))
    if not drain.waits(lane):
        rounds.ring(name, lambda: drain.drain(lane))
