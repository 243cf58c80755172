"""Many streams at one API process: an entry for each of their people, committed at once, reaches all of them.

STREAMS is how many; with TIMED it is judged that the last has it within a second of the commit.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from app.local.servers import Postgres, Valkey
from app.platform.jobs import Doorbell, Jobs
from tests.api_process import api_process
from tests.conftest import SECRET, Database, settings_for
from tests.crowds import analyse, gather, tell
from tests.listeners import listening

STREAMS = int(os.environ.get("STREAMS", "60"))
MANY = ("--backpressure", "20000", "--backlog", "4096")
WITHIN_S = 60.0 if STREAMS < 1000 else 300.0
SOON_S = 1.0


async def test_an_entry_for_each_reaches_every_stream(
    fresh_database: Database, servers: tuple[Postgres, Valkey], tmp_path: Path
) -> None:
    crowd = await gather(fresh_database.url(), SECRET, STREAMS)
    await analyse(fresh_database.url())
    people = [one.participant_id for one in crowd]
    settings = settings_for(fresh_database, servers[1], "sepakat_api")
    bell = Jobs(servers[1].url, SECRET)
    async with api_process(settings, tmp_path / "api.log", options=MANY) as api:
        port = api.base_url.port
        assert port is not None
        async with listening(port, [one.token for one in crowd]) as listeners:
            assert await listeners.hear(WITHIN_S) == {"open": STREAMS, "refused": 0}
            lasts = []
            for number in (1, 2, 3):
                await tell(fresh_database.url(), people)
                committed = time.monotonic()
                doorbell = Doorbell()
                for person in people:
                    doorbell.ring(person, 0)
                await bell.ring(doorbell)
                heard = await listeners.hear(WITHIN_S)
                assert heard["entry"] == number
                lasts.append(heard["last"] - committed)
    await bell.close()
    if os.environ.get("TIMED"):
        assert sorted(lasts)[1] <= SOON_S, lasts
