"""`make reset`: forgets the state folder, after ending what a killed run may have left in it."""

from __future__ import annotations

import os
import shutil
import sys

from app.local.children import ROOT
from app.local.leftovers import end_leftovers
from app.local.state import StartError, state_folder, take_lock


def main() -> int:
    """0 when the folder is gone; 1, with a message, while an instance runs in it."""
    folder = state_folder(os.environ)
    if not folder.exists():
        return 0
    # A setting that points elsewhere by mistake must not cost anybody a folder.
    if folder != ROOT / ".local" and not (folder / "secrets.json").is_file():
        print(f"sepakat: {folder} is no state folder of Sepakat; nothing was removed", file=sys.stderr)
        return 1
    try:
        with take_lock(folder):
            end_leftovers(folder)
            shutil.rmtree(folder)
    except StartError as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 1
    print(f"{folder} is gone; `make run` starts afresh")
    return 0


if __name__ == "__main__":
    sys.exit(main())
