"""A session that ends in one process of the API is over in every other within a second: requests and streams."""

from __future__ import annotations

import time

import httpx

from tests.conftest import Apps
from tests.notifications.test_stream import listening
from tests.people import Phone, add_person


async def test_what_ended_here_is_over_in_the_other_process(apps: Apps, served: httpx.AsyncClient) -> None:
    person = await add_person(apps.database)
    there = await Phone(served).enrol(person)
    here = Phone(apps.api)
    here.session = dict(there.session)
    async with listening(there) as listener:
        assert (await there.get("/v1/cards")).status_code == 200
        began = time.monotonic()
        assert (await here.delete("/v1/sessions?current=true")).status_code == 204
        assert (await there.get("/v1/cards")).status_code == 401
        assert (await there.ask_refresh()).status_code == 401
        assert (await listener.next())["event"] == "reauthenticate"
        assert time.monotonic() - began < 1
