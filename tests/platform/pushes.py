from __future__ import annotations

import uuid
from typing import Any, Literal

import msgspec

from app.platform.push import Push


def a_push(kind: Literal["fid", "token", "hms"] = "fid", **changes: Any) -> Push:
    push = Push(
        kind=kind,
        value=f"phone-{uuid.uuid4().hex}",
        delivery_id=str(uuid.uuid4()),
        seq=42,
        entry_class="card",
        title="Ada perubahan",
        body="Buka aplikasi untuk membacanya.",
    )
    return msgspec.structs.replace(push, **changes)
