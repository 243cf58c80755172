"""The processes of a local instance: their commands, their environment, and when they count as ready."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import msgspec

from app.local.bootstrap import Secrets
from app.local.children import Child
from app.local.demo_people import PEOPLE
from app.local.leftovers import CHILD_OF
from app.settings import STREAMS_MAX

BESIDE_STREAMS = 1000  # requests at once for everything else
HEALTH = {"simulator": "/health", "api": "/health/ready", "feed": "/health/ready", "staff": "/health/ready"}


class Ports(msgspec.Struct, frozen=True):
    """Of the loopback, by the process that listens there."""

    api: int
    feed: int
    staff: int
    simulator: int

    def by_setting(self) -> dict[str, tuple[int, ...]]:
        """The ports that follow from each setting, its own value first; the simulator takes mail one port on."""
        return {
            "SEPAKAT_PORT": (self.api,),
            "SEPAKAT_FEED_PORT": (self.feed,),
            "SEPAKAT_STAFF_PORT": (self.staff,),
            "SEPAKAT_SIMULATOR_PORT": (self.simulator, self.simulator + 1),
        }


def service_account(folder: Path) -> Path:
    """The simulator's own FCM service account."""
    return folder / "fcm-service-account.json"


def hms_credentials(folder: Path) -> Path:
    """The simulator's own credentials for Huawei's Push Kit."""
    return folder / "hms-credentials.json"


def receipt_keys(folder: Path) -> Path:
    """The keys that sign receipts, made at the first start."""
    return folder / "receipt-keys.pem"


def data_keys(folder: Path) -> Path:
    """The keys that identity numbers and contacts are sealed with, made at the first start."""
    return folder / "data-keys"


def shared_environment(
    folder: Path, ports: Ports, secrets: Secrets, redis_url: str, chosen: Mapping[str, str]
) -> dict[str, str]:
    """What all processes get: local defaults, over them the settings that a person chose; no database yet."""
    simulator = f"http://localhost:{ports.simulator}"
    machine = {name: value for name, value in os.environ.items() if not name.startswith("SEPAKAT_")}
    defaults = {
        "SEPAKAT_SECRET": secrets.secret,
        "SEPAKAT_FEED_SECRETS": secrets.feed_secret,
        "SEPAKAT_CORE_WEBHOOK_URL": f"{simulator}/core",
        "SEPAKAT_CORE_WEBHOOK_SECRET": secrets.feed_secret,
        "SEPAKAT_FCM_BASE_URL": simulator,
        "SEPAKAT_FCM_CREDENTIALS": str(service_account(folder)),
        "SEPAKAT_HMS_BASE_URL": simulator,
        "SEPAKAT_HMS_TOKEN_URL": f"{simulator}/oauth2/v3/token",
        "SEPAKAT_HMS_CREDENTIALS": str(hms_credentials(folder)),
        "SEPAKAT_SMS_URL": f"{simulator}/sms",
        "SEPAKAT_SMTP_URL": f"smtp://localhost:{ports.simulator + 1}",
        "SEPAKAT_MAIL_FROM": "Sepakat <tidak-dibalas@sepakat.example>",
        "SEPAKAT_STAFF_ISSUER": simulator,
        "SEPAKAT_STAFF_AUDIENCE": "sepakat",
        "SEPAKAT_STAFF_JWKS_URL": f"{simulator}/jwks.json",
        "SEPAKAT_RECEIPT_KEYS": str(receipt_keys(folder)),
        "SEPAKAT_DATA_KEYS": str(data_keys(folder)),
        "SEPAKAT_MERGE_COOLING_OFF_S": "20",
        "SEPAKAT_ASK_FIRST_S": "3",
        "SEPAKAT_DOCUMENTS": str(folder / "documents"),
        "SEPAKAT_PUBLIC_ORIGIN": f"http://localhost:{ports.api}",
    }
    settings = {name: value for name, value in chosen.items() if name.startswith("SEPAKAT_") and value}
    fixed = {
        "SEPAKAT_ENV": "local",
        "SEPAKAT_REDIS_URL": redis_url,
        "SEPAKAT_STATE_DIR": str(folder),
        CHILD_OF: str(folder),
        "PYTHONUNBUFFERED": "1",
        **{setting: str(taken[0]) for setting, taken in ports.by_setting().items()},
    }
    return machine | defaults | settings | fixed


def plan_children(
    folder: Path, environment: Mapping[str, str], ports: Ports, database_urls: Mapping[str, str]
) -> dict[str, Child]:
    """The product's processes by name, in the order in which they start. `database_urls` are by role."""
    workers = environment.get("SEPAKAT_API_PROCESSES", "2")
    plans = {
        "simulator": ([sys.executable, "-m", "app.local.simulator"], None),
        "api": (_granian("create_api", ports.api, workers, *_room_for_streams(environment)), "sepakat_api"),
        "feed": (_granian("create_feed", ports.feed, "1"), "sepakat_feed"),
        "staff": (_granian("create_staff", ports.staff, "1"), "sepakat_staff"),
        "worker": ([sys.executable, "-m", "workers.main"], "sepakat_worker"),
    }
    # The simulator keeps to its own accounts, also where a person chose to send to Google or Huawei.
    accounts = {
        "SEPAKAT_FCM_CREDENTIALS": str(service_account(folder)),
        "SEPAKAT_HMS_CREDENTIALS": str(hms_credentials(folder)),
    }
    own = {"simulator": accounts}
    return {
        name: Child(
            name,
            command,
            _with_database(environment, database_urls, role) | own.get(name, {}),
            folder / "log" / f"{name}.log",
        )
        for name, (command, role) in plans.items()
    }


def plan_import(environment: Mapping[str, str], database_urls: Mapping[str, str], logs: Path) -> Child:
    """Loads the demo people; changes nothing when they are there already."""
    command = [sys.executable, "-m", "app.cli", "import", str(PEOPLE)]
    return Child("import", command, _with_database(environment, database_urls, "sepakat_feed"), logs / "import.log")


async def answers(port: int, path: str) -> bool:
    """Whether a GET of this path on the loopback is answered with 200 within two seconds."""
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except OSError:
        return False


def _room_for_streams(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The server takes up no more requests at once than this, and a stream is one: without it, some hundreds."""
    streams = int(environment.get("SEPAKAT_STREAMS_MAX") or STREAMS_MAX)
    return ("--backlog", "4096", "--backpressure", str(streams + BESIDE_STREAMS))


def _granian(factory: str, port: int, workers: str, *further: str) -> list[str]:
    loop = "uvloop" if find_spec("uvloop") else "asyncio"
    options = ["--interface", "asgi", "--factory", "--loop", loop, "--host", "127.0.0.1", "--port", str(port)]
    # A stream that a phone holds open would otherwise hold up the end of a worker for ever.
    options += ["--workers", workers, "--workers-kill-timeout", "5", "--no-access-log"]
    return [sys.executable, "-m", "granian", *options, *further, f"app.main:{factory}"]


def _with_database(
    environment: Mapping[str, str], database_urls: Mapping[str, str], role: str | None
) -> dict[str, str]:
    product = dict(environment)
    product.pop("SEPAKAT_DATABASE_URL", None)
    return product if role is None else product | {"SEPAKAT_DATABASE_URL": database_urls[role]}
