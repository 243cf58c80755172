"""What an installation can do is told as it is set up, and nothing else."""

from __future__ import annotations

from typing import Any, cast

import httpx
import msgspec
import pytest
from asgi_lifespan import LifespanManager

from app.local.servers import Postgres, Valkey
from app.main import create_api
from tests.conftest import Database, settings_for


@pytest.mark.parametrize(
    ("set_up", "channels", "push_targets"),
    [
        ({}, [], ["fid", "token"]),
        ({"sms_url": "http://sms.example"}, ["sms"], ["fid", "token"]),
        ({"sms_url": "http://sms.example", "smtp_url": "smtp://mail.example"}, ["mail", "sms"], ["fid", "token"]),
        ({"hms_credentials": "hms.json"}, ["push"], ["fid", "token", "hms"]),
    ],
)
async def test_channels_are_those_that_are_set_up(
    database: Database,
    servers: tuple[Postgres, Valkey],
    set_up: dict[str, str],
    channels: list[str],
    push_targets: list[str],
) -> None:
    settings = msgspec.structs.replace(settings_for(database, servers[1], "sepakat_api"), **set_up)
    app = cast("Any", create_api(settings))
    async with (
        LifespanManager(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client,
    ):
        told = (await client.get("/v1/capabilities")).json()
        assert (told["channels"], told["push_targets"]) == (channels, push_targets)
