"""Alive and ready are two answers."""

import httpx


async def test_both_apps_are_live_and_ready(api: httpx.AsyncClient, feed: httpx.AsyncClient) -> None:
    for client in (api, feed):
        assert (await client.get("/health/live")).json() == {"status": "live"}
        assert (await client.get("/health/ready")).json() == {"status": "ready"}
