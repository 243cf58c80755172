"""What a local instance needs once its database server runs: secrets, the schema, roles that may log in."""

from __future__ import annotations

import base64
import os
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import msgspec

from app.local.leftovers import CHILD_OF
from app.local.servers import ServerError
from app.platform.migrations import migrate
from app.platform.sealing import add_data_key
from app.platform.signing import add_key
from app.platform.sql import SQL_FOLDER

DATABASE = "sepakat"
OLDEST_SERVER = 180_000  # as server_version_num tells it
ROLES = ("sepakat_api", "sepakat_feed", "sepakat_operator", "sepakat_staff", "sepakat_worker")
SQL = SQL_FOLDER / "local"


class Secrets(msgspec.Struct, frozen=True):
    """Made once for a state folder and kept in its secrets.json, readable by its owner only."""

    secret: str
    feed_secret: str
    passwords: dict[str, str]


def keep_secrets(folder: Path) -> Secrets:
    """The secrets of this state folder; made at the first start. A role that came later gets its password when it is met."""
    path = folder / "secrets.json"
    kept = msgspec.json.decode(path.read_bytes(), type=Secrets) if path.exists() else None
    if kept is not None and kept.passwords.keys() >= set(ROLES):
        return kept
    passwords = {role: secrets.token_urlsafe(24) for role in ROLES} | (kept.passwords if kept else {})
    made = Secrets(
        secret=kept.secret if kept else secrets.token_urlsafe(48),
        feed_secret=kept.feed_secret if kept else "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
        passwords=passwords,
    )
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(made)))
    new.rename(path)
    return made


def keep_receipt_keys(path: Path) -> None:
    """The keys that sign receipts; the first is made at the first start."""
    if not path.exists():
        add_key(path)


def keep_data_keys(path: Path) -> None:
    """The keys that identity numbers and contacts are sealed with; made at the first start."""
    if not path.exists():
        add_data_key(path)


def keep_environment(path: Path, environment: Mapping[str, str]) -> None:
    """Lines that give a terminal the settings of this instance (`. .local/environment`), readable by their owner only."""
    settings = {name: value for name, value in environment.items() if name.startswith("SEPAKAT_") and name != CHILD_OF}
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(settings.items()))


def complete_url(admin_url: str) -> str:
    """The administrator's URL with a database in it: `sepakat` unless it names one."""
    parts = urlsplit(admin_url)
    return urlunsplit(parts._replace(path=f"/{DATABASE}")) if parts.path in ("", "/") else admin_url


def role_url(admin_url: str, role: str, password: str) -> str:
    """The same server and database, for one of the product's roles."""
    parts = urlsplit(admin_url)
    server = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{server}"))


async def prepare_database(admin_url: str, passwords: Mapping[str, str]) -> list[str]:
    """Creates the database if it is missing, migrates it and gives its roles their passwords.

    Returns the migrations that were applied. Raises ServerError if the server cannot be reached.
    """
    await _ensure_database(admin_url)
    await _check_server(admin_url)
    applied = await migrate(admin_url)
    connection = await asyncpg.connect(admin_url)
    try:
        for role, password in passwords.items():
            await connection.execute(await connection.fetchval(_sql("set_password"), role, password))
        await connection.execute(_sql("allow_clock"))
    finally:
        await connection.close()
    return applied


async def _ensure_database(admin_url: str) -> None:
    name = urlsplit(admin_url).path.lstrip("/")
    try:
        await (await asyncpg.connect(admin_url)).close()
    except asyncpg.InvalidCatalogNameError:
        connection = await asyncpg.connect(urlunsplit(urlsplit(admin_url)._replace(path="/postgres")))
        try:
            await connection.execute(await connection.fetchval(_sql("create_database"), name))
        finally:
            await connection.close()
    except (OSError, ValueError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
        server = urlsplit(admin_url).netloc.rpartition("@")[2]
        raise ServerError(f"SEPAKAT_DATABASE_URL: cannot connect to {server}: {error}") from error


async def _check_server(admin_url: str) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        version, administrator = await connection.fetchrow(_sql("describe_server")) or (0, False)
    finally:
        await connection.close()
    if version < OLDEST_SERVER:
        raise ServerError(f"SEPAKAT_DATABASE_URL: Sepakat needs PostgreSQL 18; this server is {version // 10_000}")
    if not administrator:
        raise ServerError(
            "SEPAKAT_DATABASE_URL: `make run` needs a superuser's URL, which can create the product's roles"
        )


def _sql(name: str) -> str:
    return (SQL / f"{name}.sql").read_text()
