"""`python -m app.verify receipt|history|roots FILE --jwks FILE`: 0 when everything holds, 1 with the reason when not."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.verify.history import verify_history
from app.verify.receipt import verify_receipt
from app.verify.strict import BrokenError, read_json, require
from app.verify.tree import verify_roots

CHECKS = {"receipt": verify_receipt, "history": verify_history, "roots": verify_roots}
MALFORMED = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RecursionError)


def verify(kind: str, content: bytes, keys: dict[str, Any]) -> list[str]:
    """What was checked of a file of this kind (receipt, history, roots). Raises BrokenError with the reason.

    `keys` is the JWK set that the service publishes: from it, and from nothing in the file, comes the trust.
    """
    try:
        return CHECKS[kind](content, keys)
    except MALFORMED as error:
        raise BrokenError(f"malformed: {type(error).__name__}: {error}") from error


def main(arguments: Sequence[str] | None = None, *, keys: dict[str, Any] | None = None, name: str = "verify") -> int:
    """Runs it; `keys` are taken when `--jwks` is not given."""
    parser = argparse.ArgumentParser(prog=name, description="Checks offline what Sepakat signed.")
    parser.add_argument("kind", choices=CHECKS)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--jwks", type=Path, metavar="FILE", help="the service's /.well-known/jwks.json, kept as a file"
    )
    chosen = parser.parse_args(arguments)
    try:
        if chosen.jwks is not None:
            keys = read_json(chosen.jwks.read_bytes())
        require(
            keys is not None, "whose signature it is cannot be told: give --jwks, the service's /.well-known/jwks.json"
        )
        lines = verify(chosen.kind, chosen.file.read_bytes(), keys or {})
    except BrokenError as error:
        print(f"{name}: NOT VALID: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except OSError as error:
        print(f"{name}: nothing was checked: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print("\n".join(f"ok  {line}" for line in lines))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
