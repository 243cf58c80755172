"""Permits for a batch: asked for in one go, from the pace of each provider that has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.notifications.notification import Notification, Target
from app.platform.pace import Grant, Pace, Send

FEWEST_ROWS = 50
MOST_ROWS = 500


class Permits:
    """What may go of one batch. What has no permit stays where it is, untouched, and is read again."""

    def __init__(self, paces: Mapping[str, Pace]) -> None:
        self.wanted = self.granted = 0
        self._paces = paces
        self._grants: dict[Pace, Grant] = {}

    async def ask(self, people: Sequence[list[Notification]], *, urgent: bool) -> None:
        """For everything that the batch would send, in its order."""
        wanted: dict[Pace, list[Send]] = {}
        for notifications in people if self._paces else ():
            for notification in notifications:
                for target in notification.targets if notification.entry_class else ():
                    pace = None if target.settled or target.held_back else self._paces.get(target.kind)
                    if pace is not None:
                        wanted.setdefault(pace, []).append((notification.cause_id, target.device_id))
        for pace, sends in wanted.items():
            grant = self._grants[pace] = await pace.take(sends, urgent=urgent)
            self.wanted += len(sends)
            self.granted += grant.decided

    def full_s(self, notification: Notification, target: Target) -> float:
        """Seconds until this phone may be sent to again; 0 when it is not at its limit."""
        grant = self._grant(target)
        return grant.full_s if grant and (notification.cause_id, target.device_id) in grant.full else 0.0

    def may_go(self, notification: Notification, target: Target) -> bool:
        """Whether this push may go now; its permit is used up."""
        grant = self._grant(target)
        return grant is None or grant.may_go((notification.cause_id, target.device_id))

    def end(self) -> None:
        for grant in self._grants.values():
            grant.end()

    def rows(self, rows: int) -> int:
        """How many rows are worth reading next, after a batch that was to have so many."""
        if self.granted < self.wanted:
            return max(FEWEST_ROWS, min(MOST_ROWS, 2 * self.granted))
        return min(MOST_ROWS, 2 * rows)

    def _grant(self, target: Target) -> Grant | None:
        pace = self._paces.get(target.kind)
        return self._grants.get(pace) if pace is not None else None
