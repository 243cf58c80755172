"""The core's side of webhooks: what is signed with its secret is taken, once for each id; anything else is not."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from standardwebhooks.webhooks import Webhook

from app.local.simulator_http import Reply, Scope
from app.local.simulator_journal import Journal


class CoreInbox:
    """Events are records `{at, channel: core, id, type, data}` of the journal."""

    def __init__(self, journal: Journal) -> None:
        self.secret = ""
        self._journal = journal
        self._known = {record["id"] for record in journal.records if record["channel"] == "core"}

    async def take(self, scope: Scope, body: bytes) -> Reply:
        """204 when it is on disk, 401 when it is not signed."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            Webhook(self.secret).verify(body, headers, json_parse=False)
        except Exception:  # the library raises what it meets
            return Reply(401)
        event, webhook_id = msgspec.json.decode(body), headers["webhook-id"]
        if webhook_id not in self._known:
            self._known.add(webhook_id)
            at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            record = {"at": at, "channel": "core", "id": webhook_id, "type": event["type"], "data": event["data"]}
            await self._journal.append(record)
        return Reply(204)
