"""Whatever stops half-way is taken up again or swept away; what is stored is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from app.documents.document import storage_name
from app.documents.sweep import sweep_documents
from app.local.servers import Postgres, Valkey
from app.platform import database as pools
from app.platform.database import Pool
from app.platform.storage import Storage
from tests.conftest import Apps, settings_for
from tests.documents.conftest import Uploader, jpeg


@pytest_asyncio.fixture
async def worker(apps: Apps, servers: tuple[Postgres, Valkey]) -> AsyncIterator[Pool]:
    settings = settings_for(apps.database, servers[1], "sepakat_worker")
    pool = await pools.connect(settings.database_url, size=1, application="test worker")
    yield pool
    await pool.close()


async def make_older(apps: Apps, uploader: Uploader) -> None:
    connection = await apps.database.connect()
    await connection.execute("SET session_replication_role = replica")
    await connection.execute("ALTER TABLE documents DISABLE TRIGGER documents_are_stored_by_function")
    await connection.execute(
        "UPDATE documents SET begun_at = begun_at - interval '2 hours' WHERE participant_id = $1 AND stored_at IS NULL",
        uploader.person.participant_id,
    )
    await connection.execute("ALTER TABLE documents ENABLE ALWAYS TRIGGER documents_are_stored_by_function")
    await connection.close()


async def begun(apps: Apps, uploader: Uploader) -> list[UUID]:
    connection = await apps.database.connect()
    rows = await connection.fetch(
        "SELECT document_id FROM documents WHERE participant_id = $1 AND stored_at IS NULL",
        uploader.person.participant_id,
    )
    await connection.close()
    return [row["document_id"] for row in rows]


@pytest.fixture
def broken_store(apps: Apps) -> Path:
    """Where the API stores documents: nothing can be written while a file lies in its way."""
    return apps.database.postgres.data.parent / "documents"


async def stop_half_way(uploader: Uploader, folder: Path, key: str) -> httpx.Response:
    """An upload while the store is away: its 256 folders cannot be made."""
    aside = folder.with_name("documents-aside")
    folder.mkdir(exist_ok=True)
    folder.rename(aside)
    folder.write_bytes(b"")
    try:
        return await uploader.upload(jpeg(), key=key)
    finally:
        folder.unlink()
        aside.rename(folder)


async def test_a_store_that_is_away_loses_nothing(uploader: Uploader, broken_store: Path, apps: Apps) -> None:
    await uploader.upload(jpeg())  # the store is open
    answer = await stop_half_way(uploader, broken_store, "later")
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert len(await uploader.listed()) == 1
    (document_id,) = await begun(apps, uploader)
    again = await uploader.upload(jpeg(), key="later")
    assert (again.status_code, again.json()["id"]) == (201, str(document_id))
    assert len(await uploader.listed()) == 2


async def test_what_never_ended_is_swept_and_what_is_stored_stays(
    uploader: Uploader, broken_store: Path, apps: Apps, storage: Storage, worker: Pool
) -> None:
    kept = (await uploader.upload(jpeg())).json()
    await stop_half_way(uploader, broken_store, "never")
    (orphan,) = await begun(apps, uploader)
    await storage.put(storage_name(orphan), b"stored, and never told")
    assert await sweep_documents(worker, storage) == 0, "it may still end"
    await make_older(apps, uploader)
    assert await sweep_documents(worker, storage) == 1
    assert await begun(apps, uploader) == []
    assert await storage.get(storage_name(orphan)) is None
    assert await uploader.listed() == [kept]
    assert await storage.get(storage_name(UUID(kept["id"]))) is not None
    assert (await uploader.upload(jpeg(), key="never")).status_code == 201


async def test_what_is_being_swept_cannot_be_stored_any_more(apps: Apps, uploader: Uploader) -> None:
    connection = await apps.database.connect()
    document_id = uuid4()
    await connection.execute(
        """INSERT INTO documents (participant_id, document_id, about, subject_id, kind, request_key, body_sha256)
        VALUES ($1, $2, 'merge', $3, 'other', 'k', sha256('x'))""",
        uploader.person.participant_id,
        document_id,
        uploader.merge_id,
    )
    await connection.execute("UPDATE documents SET discarded_at = now() WHERE document_id = $1", document_id)
    with pytest.raises(Exception, match="swept away"):
        await connection.execute(
            "SELECT keep_document($1, $2, 'image/jpeg', sha256('x'), 1, 'x')",
            uploader.person.participant_id,
            document_id,
        )
    await connection.close()
