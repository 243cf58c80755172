"""What a listener is connected to as long as it is up: in `app.state`, from the settings that stand there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar

from app.platform.database import connect
from app.platform.jobs import Jobs
from app.platform.limits import Buckets
from app.platform.relying_party import find_relying_party
from app.platform.sealing import read_sealer
from app.platform.signing import read_signing_keys
from app.platform.storage import Storage
from app.platform.wakes import Wakes
from app.settings import Settings


@asynccontextmanager
async def hold_connections(app: Litestar) -> AsyncIterator[None]:
    """Pool, doorbell, limits and documents. Raises SettingsError where a key is missing that the process will need."""
    settings: Settings = app.state.settings
    read_sealer(settings.data_keys)  # a process that could not open or sign what it must does not start
    if app.state.name == "api":
        read_signing_keys(settings.receipt_keys)
        find_relying_party(settings)  # nor one that would refuse every passkey
    app.state.pool = await connect(settings.database_url, size=settings.pool_size, application=app.state.name)
    app.state.jobs = Jobs(settings.redis_url, settings.secret)
    app.state.wakes = Wakes(settings.redis_url, settings.secret)
    app.state.buckets = Buckets(settings.redis_url, settings.secret)
    app.state.documents = Storage(settings.documents)
    try:
        yield
    finally:
        await app.state.buckets.close()
        await app.state.wakes.close()
        await app.state.jobs.close()
        await app.state.pool.close()
