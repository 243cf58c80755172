"""`sepakat keys|roots|verify`: keys, signed roots over all histories, and checks that need no server."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from app.cli.environment import data_keys, database_url


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The words of the group."""
    keys = commands.add_parser(
        "keys", help="keys that sign receipts (SEPAKAT_RECEIPT_KEYS) and seal data (SEPAKAT_DATA_KEYS)"
    )
    keys.set_defaults(run=_change_keys)
    acts = keys.add_subparsers(dest="act", required=True, metavar="add|use|add-data|rotate")
    acts.add_parser("rotate", help="with SEPAKAT_DATABASE_URL an administrator's; nothing needs to stop")
    for name, text in (
        ("add-data", "a new first key of SEPAKAT_DATA_KEYS, which seal identity numbers and contacts"),
        ("add", "publish one more key; the first of a new file signs"),
        ("use", "let this key sign"),
    ):
        act = acts.add_parser(name, help=text)
        act.add_argument("file", type=Path, metavar="FILE")
    act.add_argument("kid", metavar="KID", help="write -- before one that begins with a hyphen")
    roots = commands.add_parser("roots", help="signed roots over all histories")
    roots.set_defaults(run=_make_root)
    roots.add_subparsers(dest="act", required=True, metavar="make").add_parser(
        "make", help="one now, as the worker's role"
    )
    commands.add_parser("verify", help="check a receipt, an export (history) or roots offline: `sepakat verify --help`")


def verify(words: Sequence[str]) -> int:
    """Runs `sepakat verify`. Without --jwks, this installation's own keys are the ones to trust, if it has any."""
    from app.local.processes import receipt_keys
    from app.local.state import state_folder
    from app.platform.signing import read_signing_keys
    from app.verify.__main__ import main as check

    local = receipt_keys(state_folder(os.environ))
    path = os.environ.get("SEPAKAT_RECEIPT_KEYS") or (str(local) if local.exists() else "")
    if any(word.startswith("--jwks") for word in words) or not path:
        return check(words, name="sepakat verify")
    keys = read_signing_keys(path).published
    return check(
        words, keys={"keys": [{"kty": key.kty, "crv": key.crv, "x": key.x} for key in keys.keys]}, name="sepakat verify"
    )


def _change_keys(chosen: argparse.Namespace) -> int:
    from app.platform.sealing import add_data_key
    from app.platform.signing import add_key, put_first

    try:
        if chosen.act == "rotate":
            return _rotate_keys()
        if chosen.act == "add-data":
            made = "" if chosen.file.exists() else f"{chosen.file} is a new file, with a look-up key of its own. "
            key_id = add_data_key(chosen.file)
            print(f"{made}{key_id} seals from now on; `sepakat keys rotate` brings what older keys sealed under it.")
        elif chosen.act == "add":
            kid = add_key(chosen.file)
            print(f"{kid} is published from the next start on; it signs once `sepakat keys use` put it first.")
        else:
            put_first(chosen.file, chosen.kid)
            print(f"{chosen.kid} signs from the next start on.")
    except ValueError as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 1
    return 0


def _rotate_keys() -> int:
    from rich.console import Console

    from app.identity.rotate_keys import rotate_keys

    with Console().status("sealing anew") as status:
        done = asyncio.run(rotate_keys(database_url(), data_keys(), lambda rows: status.update(f"{rows:,} rows")))
    print(f"{done:,} rows were sealed anew: no other key than the newest is needed any more.")
    return 0


def _make_root(_: argparse.Namespace) -> int:
    from app.history.roots import make_root_now
    from app.settings import read

    number = asyncio.run(make_root_now(read()))
    made = f"Root {number} is made: see /v1/roots."
    print(made if number else "There is no history yet, or another root is being made.")
    return 0
