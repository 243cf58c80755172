"""`sepakat import DIR`: the agency's existing data from CSV or Parquet files. docs/import.md has the format."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from operator import attrgetter
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from app.feed.import_chunks import IMPORT, Loaded, load_chunk
from app.feed.import_folder import read_folder
from app.feed.import_people import Folder
from app.feed.import_rows import FILES, REQUIRED_FILES, Refusal
from app.platform import tables
from app.platform.refused_rows import RefusedWriter
from app.platform.sealing import Sealer, read_sealer
from app.platform.sql import statement
from app.platform.table_problems import BadLine
from app.platform.tables import Source, TableRefused, open_source

CHUNK_PARTICIPANTS = 500
PRINTED_REFUSALS = 50
FORMS = (".csv", ".csv.gz", ".parquet")
TOLD_EVERY = 10_000
ROW_REFUSED = "row_refused"
EXIT_LOADED, EXIT_REFUSED = 0, 1


async def import_folder(database_url: str, data_keys: str, folder: Path, refused: Path | None = None) -> int:
    """Loads the files of `folder` as the role that `database_url` names (sepakat_feed), sealing
    with the keys of the file `data_keys`.

    Returns the exit code: 0 when every row was accepted, 1 when any was refused or a file could not be read. Refused rows
    go to the folder `refused` if given, else the first 50 are printed. Running it again loads only who is not there.
    """
    console = Console()
    sealer = read_sealer(data_keys)
    connection = await asyncpg.connect(database_url, server_settings={"application_name": "sepakat import"})
    try:
        if not await connection.fetchval(statement(IMPORT, "lock_import")):
            console.print("Another import is running in this database. Wait until it ends, then start this one again.")
            return EXIT_REFUSED
        today = await connection.fetchval(statement(IMPORT, "read_today"))
        with _progress(console) as progress:
            try:
                paths = find_files(folder)
                if refused is not None:  # found out now that it cannot be written, not after hours
                    _write_refused(refused, paths, [])
                read = read_files(paths, today, progress)
            except TableRefused as error:
                console.print(f"Refused: {error}", markup=False, highlight=False, soft_wrap=True)
                console.print("Nothing was loaded. Correct the file, then import again.")
                return EXIT_REFUSED
            loaded = await _load(connection, read, progress, sealer)
    finally:
        await connection.close()
    refusals = read.refusals + loaded.refusals
    if refused is not None:
        _write_refused(refused, paths, refusals)
    _report_refusals(console, refusals, paths, refused)
    _report(console, read, loaded, folder, paths)
    return EXIT_REFUSED if refusals else EXIT_LOADED


def find_files(folder: Path) -> dict[str, Path]:
    """The folder's files by what they hold.

    Raises TableRefused when a required one is missing, when one is there in two forms, or when a name is almost one of ours:
    what a file holds would be lost.
    """
    names = {f"{file}{form}": file for file in FILES for form in FORMS}
    paths: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        file = names.get(path.name)
        meant = difflib.get_close_matches(path.name.lower(), names, n=1, cutoff=0.8)
        if file is None and meant:
            raise TableRefused(f"{path.name} is not a file of the format; is {meant[0]} meant?")
        if file in paths:
            raise TableRefused(f"{path.name} and {paths[file].name} hold the same: leave one of them")
        if file is not None:
            paths[file] = path
    for file in REQUIRED_FILES:
        if file not in paths:
            raise TableRefused(f"{file}.csv or {file}.parquet is missing in {folder}")
    return paths


def read_files(paths: Mapping[str, Path], today: date, progress: Progress | None = None) -> Folder:
    """The files, read and checked; `today` in Asia/Jakarta. Raises TableRefused: nothing to load."""
    task = progress.add_task("reading", total=None) if progress else None

    def told(rows: int) -> None:
        if progress and task is not None:
            progress.update(task, advance=rows)

    sources: dict[str, Source] = {}
    for file, path in paths.items():
        try:
            sources[file] = _Counted(open_source(path), told)
        except TableRefused as error:
            raise TableRefused(f"{path.name}: {error}") from error
    return read_folder(sources, today)


class _Counted:
    """A source that tells how far it has been read."""

    def __init__(self, source: Source, told: Callable[[int], None]) -> None:
        self.columns = source.columns
        self._source, self._told = source, told

    def __iter__(self) -> Iterator[tuple[int, list[str] | BadLine]]:
        for count, row in enumerate(self._source, start=1):
            if count % TOLD_EVERY == 0:
                self._told(TOLD_EVERY)
            yield row


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


def _report_refusals(
    console: Console, refusals: Sequence[Refusal], paths: Mapping[str, Path], refused: Path | None
) -> None:
    if not refusals:
        return
    if refused is not None:
        console.print(f"Refused: {len(refusals)}, the rows written to {refused}")
        return
    table = Table("file", "line", "field", "reason", title=f"Refused: {len(refusals)}", title_justify="left")
    for refusal in refusals[:PRINTED_REFUSALS]:
        table.add_row(paths[refusal.file].name, str(refusal.line), refusal.field, refusal.reason)
    console.print(table)
    if len(refusals) > PRINTED_REFUSALS:
        console.print(f"The first {PRINTED_REFUSALS} are shown; --refused DIR writes all rows to files.")


def _write_refused(folder: Path, paths: Mapping[str, Path], refusals: Sequence[Refusal]) -> None:
    """A file for each that has refused rows, under its own name and in its form; files of an earlier import go.

    Raises TableRefused when the folder is the one that is imported.
    """
    folder.mkdir(exist_ok=True)
    for file, path in paths.items():
        target = folder / path.name
        if target.exists() and target.samefile(path):
            raise TableRefused(f"{folder} is the folder that is imported: refused rows need one of their own")
        target.unlink(missing_ok=True)
        found = sorted((refusal for refusal in refusals if refusal.file == file), key=attrgetter("line"))
        if found:
            with RefusedWriter(path, target) as writer:
                for refusal in found:
                    writer.write(tables.Refusal(refusal.line, refusal.field, refusal.reason, ROW_REFUSED))


def _report(console: Console, read: Folder, loaded: Loaded, folder: Path, paths: Mapping[str, Path]) -> None:
    table = Table("file", "rows", "refused", title=f"Import of {folder}", title_justify="left")
    for file in FILES:
        refused = {refusal.line for refusal in (*read.refusals, *loaded.refusals) if refusal.file == file}
        name = paths[file].name if file in paths else file
        table.add_row(name, str(read.rows[file]) if file in paths else "no file", str(len(refused)))
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
