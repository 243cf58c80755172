"""`sepakat import DIR`: the agency's existing data into the database, from CSV files. docs/import.md has the format."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, closing
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from app.feed.import_chunks import IMPORT, Loaded, load_chunk
from app.feed.import_folder import read_folder
from app.feed.import_lines import FileRefusedError
from app.feed.import_people import Folder
from app.feed.import_rows import FILES, REQUIRED_FILES, Refusal
from app.platform.sealing import Sealer, read_sealer
from app.platform.sql import statement

CHUNK_PARTICIPANTS = 500
PRINTED_REFUSALS = 50
EXIT_LOADED, EXIT_REFUSED = 0, 1


async def import_folder(database_url: str, data_keys: str, folder: Path, refused: Path | None = None) -> int:
    """Loads the CSV files of `folder` as the role that `database_url` names (sepakat_feed), sealing
    with the keys of the file `data_keys`.

    Returns the exit code: 0 when every row was accepted, 1 when any was refused or a file could not be read. Refusals
    go to the CSV file `refused` if given, else the first 50 are printed. Running it again loads only who is not there.
    """
    console = Console()
    sealer = read_sealer(data_keys)
    if refused is not None:  # found out now that it cannot be written, not after hours
        _write_refusals(refused, [])
    connection = await asyncpg.connect(database_url, server_settings={"application_name": "sepakat import"})
    try:
        if not await connection.fetchval(statement(IMPORT, "lock_import")):
            console.print("Another import is running in this database. Wait until it ends, then start this one again.")
            return EXIT_REFUSED
        today = await connection.fetchval(statement(IMPORT, "read_today"))
        with _progress(console) as progress:
            try:
                read = read_files(folder, today, progress)
            except FileRefusedError as error:
                _report_refusals(console, [error.refusal], refused)
                console.print("Nothing was loaded. Correct the file, then import again.")
                return EXIT_REFUSED
            loaded = await _load(connection, read, progress, sealer)
    finally:
        await connection.close()
    refusals = read.refusals + loaded.refusals
    _report_refusals(console, refusals, refused)
    _report(console, read, loaded, folder)
    return EXIT_REFUSED if refusals else EXIT_LOADED


def read_files(folder: Path, today: date, progress: Progress | None = None) -> Folder:
    """The folder's files, read and checked; `today` in Asia/Jakarta. Raises FileRefusedError: nothing to load."""
    _refuse_names(folder)
    present = [file for file in FILES if (folder / file).is_file()]
    task = progress.add_task("reading", total=None) if progress else None
    with ExitStack() as opened:

        def lines(file: str) -> Generator[bytes, None, None]:
            with (folder / file).open("rb") as stream:
                for number, line in enumerate(stream):
                    if progress and task is not None and number % 10_000 == 9_999:
                        progress.update(task, advance=10_000)
                    yield line

        return read_folder({file: opened.enter_context(closing(lines(file))) for file in present}, today)


def _refuse_names(folder: Path) -> None:
    """Refuses a folder that lacks a required file, or has a name that is almost one of ours: a file would be lost."""
    for file in REQUIRED_FILES:
        if not (folder / file).is_file():
            raise FileRefusedError(Refusal(file, 0, "", f"is missing in {folder}"))
    for path in sorted(folder.iterdir()):
        meant = difflib.get_close_matches(path.name.lower(), FILES, n=1, cutoff=0.8)
        if path.name not in FILES and meant:
            raise FileRefusedError(Refusal(path.name, 0, "", f"is not a file of the format; is {meant[0]} meant?"))


async def _load(connection: asyncpg.Connection[Any], read: Folder, progress: Progress, sealer: Sealer) -> Loaded:
    employers = [{"employer_id": row.employer_id, "name": row.name} for row in read.employers]
    await connection.execute(statement(IMPORT, "add_employers"), msgspec.json.encode(employers).decode())
    loaded = Loaded()
    task = progress.add_task("loading participants", total=len(read.people))
    for start in range(0, len(read.people), CHUNK_PARTICIPANTS):
        chunk = read.people[start : start + CHUNK_PARTICIPANTS]
        loaded.add(await load_chunk(connection, chunk, sealer))
        progress.update(task, advance=len(chunk))
    return loaded


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _report_refusals(console: Console, refusals: Sequence[Refusal], refused: Path | None) -> None:
    if refused is not None:
        _write_refusals(refused, refusals)
    if not refusals:
        return
    table = Table("file", "line", "field", "reason", title=f"Refused: {len(refusals)}", title_justify="left")
    for refusal in refusals[:PRINTED_REFUSALS] if refused is None else ():
        table.add_row(refusal.file, str(refusal.line or "–"), refusal.field, refusal.reason)
    if refused is None:
        console.print(table)
        if len(refusals) > PRINTED_REFUSALS:
            console.print(f"The first {PRINTED_REFUSALS} are shown; --refused FILE writes all of them to a file.")
    else:
        console.print(f"Refused: {len(refusals)}, written to {refused}")


def _write_refusals(path: Path, refusals: Iterable[Refusal]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(Refusal.__struct_fields__)
        writer.writerows(msgspec.structs.astuple(refusal) for refusal in refusals)


def _report(console: Console, read: Folder, loaded: Loaded, folder: Path) -> None:
    table = Table("file", "rows", "refused", title=f"Import of {folder}", title_justify="left")
    for file in FILES:
        refused = {refusal.line for refusal in (*read.refusals, *loaded.refusals) if refusal.file == file}
        table.add_row(file, str(read.rows[file]) if file in read.rows else "no file", str(len(refused)))
    console.print(table)
    for count, what in (
        (loaded.people, "participants loaded"),
        (loaded.already, "participants were already loaded and are not touched"),
        (read.left_out + len(read.people) - loaded.people - loaded.already, "participants left out for a refused row"),
        (read.unowned, "refused rows of which nobody can say whose they are"),
        (read.unlike_nik, "birth dates differ from the one in the NIK (no reason to refuse)"),
    ):
        console.print(f"{count:>12,} {what}", highlight=False)
    console.print(
        f"{loaded.cards:,} cards, {loaded.entries:,} ledger entries, {loaded.claims:,} claims,"
        f" {loaded.merges:,} reported merges; balances loaded now: Rp{loaded.balance:,}",
        highlight=False,
        soft_wrap=True,
    )
