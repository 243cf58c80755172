"""Random alterations of JSON and of bytes: changed, dropped, added and swapped."""

from __future__ import annotations

import copy
import random
from typing import Any

Path = tuple[str | int, ...]


def alter(value: Any, rng: random.Random) -> tuple[Path, Any]:
    """A copy of `value` that differs in one place, and where."""
    while True:
        made = copy.deepcopy(value)
        path = _alter_once(made, rng)
        if made != value or repr(made) != repr(value):  # 1 and True are equal, and yet not the same
            return path, made


def alter_bytes(content: bytes, rng: random.Random) -> bytes:
    """Content that differs in one place."""
    place, other = rng.randrange(len(content)), rng.randrange(len(content))
    match rng.randrange(5):
        case 0:
            return content[:place] + bytes([content[place] ^ (1 << rng.randrange(8))]) + content[place + 1 :]
        case 1:
            return content[:place] + content[place + 1 :]
        case 2:
            return content[:place] + bytes([rng.randrange(256)]) + content[place:]
        case 3:
            swapped = bytearray(content)
            swapped[place], swapped[other] = swapped[other], swapped[place]
            return bytes(swapped)
        case _:
            first, last = sorted((place, other))
            return content[:first] + content[last:]


def _alter_once(root: Any, rng: random.Random) -> Path:
    """Alters one member or element anywhere below `root`, in place."""
    holders = list(_holders(root, ()))
    path, holder = rng.choice(holders)
    keys: list[Any] = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    if not keys:
        if isinstance(holder, dict):
            holder["added"] = rng.randrange(100)
        else:
            holder.append(rng.randrange(100))
        return (*path, "added")
    key = rng.choice(keys)
    act = rng.randrange(6)
    if act == 0:
        del holder[key]
    elif act == 1 and isinstance(holder, dict):
        holder["added"] = copy.deepcopy(holder[key])
        return (*path, "added")
    elif act == 1:
        holder.insert(rng.randrange(len(holder) + 1), copy.deepcopy(holder[key]))
    elif act == 2 and len(keys) > 1:
        other = rng.choice(keys)
        holder[key], holder[other] = holder[other], holder[key]
        key = min(key, other)
    else:
        holder[key] = _another(holder[key], rng)
    return (*path, key)


def _holders(value: Any, path: Path) -> Any:
    if isinstance(value, dict | list):
        yield path, value
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _holders(item, (*path, key))


def _another(value: Any, rng: random.Random) -> Any:
    if value is None:
        return rng.choice([0, "", False, "x"])
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice([value + 1, value - 1, -value, value * 10, str(value), None])
    if isinstance(value, str) and value:
        place = rng.randrange(len(value))
        return rng.choice(
            [value[:place] + value[place + 1 :], value[:place] + chr(ord(value[place]) ^ 1) + value[place + 1 :], None]
        )
    return rng.choice([None, "x", 7])
