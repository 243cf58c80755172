"""The real servers of a local instance start, answer, keep what they should, and recover from a kill."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest
from redis.asyncio import Redis

from app.local.leftovers import end_leftovers, end_servers, find_servers, scratch_folder
from app.local.server_user import ServerUser, server_user
from app.local.servers import ServerError, start_postgres, start_valkey


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch_folder() as made:
        yield made


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def calling(url: str) -> AsyncIterator[Redis]:
    client: Redis = Redis.from_url(url)
    try:
        yield client
    finally:
        await client.aclose()


def start_sleep(user: ServerUser) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"], **user.as_popen_arguments())


async def test_postgres_answers_and_keeps_its_data_over_a_restart(folder: Path) -> None:
    postgres = start_postgres(folder)
    async with connected(postgres.url("postgres", "postgres")) as connection:
        assert str(await connection.fetchval("SHOW server_version")).startswith("18.")
        assert await connection.fetchval("SHOW wal_level") == "logical"
        assert await connection.fetchval("SHOW fsync") == "on"
        assert int(await connection.fetchval("SHOW max_connections")) >= 200
        await connection.execute("CREATE TABLE kept (word text)")
        await connection.execute("INSERT INTO kept VALUES ('here')")
    postgres.stop()
    assert find_servers(folder) == []

    postgres = start_postgres(folder, durable=False)
    async with connected(postgres.url("postgres", "postgres")) as connection:
        assert await connection.fetchval("SELECT word FROM kept") == "here"
        assert await connection.fetchval("SHOW fsync") == "off"
    postgres.stop()


async def test_postgres_left_by_a_killed_run_is_replaced_and_its_commits_kept(folder: Path) -> None:
    left = start_postgres(folder)
    async with connected(left.url("postgres", "postgres")) as connection:
        await connection.execute("CREATE TABLE kept ()")
    # As after kill -9 of the supervisor: nobody told the server to stop.
    postgres = start_postgres(folder)
    assert left.process.wait(5) == 0
    async with connected(postgres.url("postgres", "postgres")) as connection:
        assert await connection.fetch("SELECT FROM kept") == []
    postgres.stop()


async def test_postgres_recovers_when_it_was_killed_and_its_pid_is_somebody_elses(folder: Path) -> None:
    left = start_postgres(folder)
    async with connected(left.url("postgres", "postgres")) as connection:
        await connection.execute("CREATE TABLE kept ()")
    pid_file = left.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    for server in find_servers(folder):
        server.send_signal(signal.SIGKILL)
    left.process.wait(5)
    # PostgreSQL itself ignores a pid of another user, and that of its own parent.
    somebody = start_sleep(server_user(left.data, left.data))
    pid_file.write_text("\n".join([str(somebody.pid), *lines[1:], ""]))

    postgres = start_postgres(folder)
    assert somebody.poll() is None
    somebody.kill()
    somebody.wait()
    async with connected(postgres.url("postgres", "postgres")) as connection:
        assert await connection.fetch("SELECT FROM kept") == []
    postgres.stop()


async def test_a_creation_that_was_killed_half_way_is_made_anew(folder: Path) -> None:
    half = folder / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    postgres = start_postgres(folder, durable=False)
    async with connected(postgres.url("postgres", "postgres")) as connection:
        assert await connection.fetchval("SELECT 1") == 1
    postgres.stop()


async def test_the_socket_of_a_deep_folder_is_short_and_closed_to_others(folder: Path) -> None:
    postgres = start_postgres(folder / ("deep-" * 20), durable=False)
    async with connected(postgres.url("postgres", "postgres")) as connection:
        assert await connection.fetchval("SELECT 1") == 1
    assert postgres.socket_folder != postgres.data
    assert postgres.socket_folder.stat().st_mode & 0o077 == 0
    postgres.stop()
    postgres.socket_folder.rmdir()


def test_a_database_of_another_version_is_refused_with_what_to_do(folder: Path) -> None:
    (folder / "postgres").mkdir(mode=0o700)
    (folder / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(ServerError, match="PostgreSQL 17, this is 18: `make reset`"):
        start_postgres(folder)


async def test_valkey_answers_and_one_left_by_a_killed_run_is_ended(folder: Path) -> None:
    left = start_valkey(folder)
    async with calling(left.url) as client:
        await client.set("bell", "rung")

    valkey = start_valkey(folder)
    assert left.process.wait(5) == 0
    assert [server.pid for server in find_servers(folder)] == [valkey.process.pid]
    async with calling(valkey.url) as client:
        assert await client.get("bell") is None
    valkey.stop()
    assert find_servers(folder) == []


async def test_two_valkeys_side_by_side_have_ports_of_their_own(folder: Path) -> None:
    one, two = start_valkey(folder / "one"), start_valkey(folder / "two")
    assert one.url != two.url
    one.stop()
    async with calling(two.url) as client:
        assert await client.ping()
    two.stop()


def test_a_scratch_folder_of_a_killed_run_goes_with_its_servers() -> None:
    dead = psutil.Popen(["true"])
    dead.wait()
    folder = Path(f"/tmp/sepakat-{dead.pid}-killed")
    folder.mkdir(mode=0o755)
    left = start_valkey(folder)
    with scratch_folder() as other:
        assert not folder.exists()
        assert other.exists()
    assert left.process.wait(5) == 0
    assert not other.exists()


def test_two_runs_that_sweep_at_once_end_a_server_in_good_order(folder: Path) -> None:
    left = start_valkey(folder)
    with ThreadPoolExecutor(2) as runs:
        assert sum(runs.map(end_servers, [folder, folder])) >= 1
    assert left.process.wait(5) == 0


def test_runs_that_sweep_at_once_wait_for_each_other() -> None:
    dead = psutil.Popen(["true"])
    dead.wait()
    folder = Path(f"/tmp/sepakat-{dead.pid}-killed")
    folder.mkdir(mode=0o755)
    left = start_valkey(folder)

    def sweep(_: int) -> bool:
        with scratch_folder():
            return folder.exists()

    with ThreadPoolExecutor(4) as runs:
        assert not any(runs.map(sweep, range(4)))
    assert left.process.wait(5) == 0


def test_leftovers_of_one_folder_are_not_those_of_another(folder: Path) -> None:
    mine = start_valkey(folder / "mine")
    assert end_leftovers(folder / "min") == 0
    assert mine.process.poll() is None
    assert end_leftovers(folder / "mine") == 1
    assert mine.process.wait(5) == 0
