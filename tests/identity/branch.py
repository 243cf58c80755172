"""A branch, as tests play it: staff who saw somebody hand out a code, and the core tells of it."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from app.identity.branch_code import branch_code_sha256, write
from tests.feed.conftest import Core, event

BRANCH = "KC Bekasi Cikarang"


def new_code() -> str:
    """A code as it stands on the slip of paper."""
    return write(os.urandom(10))


async def issued(core: Core, nik: str, code: str, /, **overrides: Any) -> dict[str, Any]:
    """The event, good for an hour by the one clock."""
    (row,) = await core.ask("SELECT current_instant() AS now")
    data = {
        "nik": nik,
        "code_sha256": branch_code_sha256(code),
        "expires_at": (row["now"] + timedelta(hours=1)).isoformat(),
        "branch": BRANCH,
    }
    return event("branch_code.issued", data | overrides)


async def hand_out(core: Core, nik: str, /, **overrides: Any) -> str:
    """A live code for the person with this identity number."""
    code = new_code()
    await core.apply(await issued(core, nik, code, **overrides))
    return code
