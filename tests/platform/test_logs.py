"""A log line never fails what it tells of, and never holds anybody's data."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import structlog

from app.platform import logs
from app.platform.pseudonyms import pseudonym
from tests.conftest import SECRET, Database
from tests.people import add_person

NIK = "3273019005171234"


class Written:
    """What is logged, as it is written."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys, self.text = capsys, ""

    def lines(self) -> list[dict[str, Any]]:
        self.text += self.capsys.readouterr().err
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Written:
    logs.configure(SECRET)
    return Written(capsys)


def test_a_standard_error_that_was_closed_since_is_not_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = io.StringIO()
    monkeypatch.setattr(sys, "stderr", gone)
    logs.configure()
    monkeypatch.undo()
    gone.close()
    structlog.get_logger().warning("still_here")


async def test_of_a_database_error_the_constraint_is_told_and_not_the_row(written: Written, database: Database) -> None:
    person = await add_person(database)
    connection = await database.connect()
    try:
        with pytest.raises(asyncpg.UniqueViolationError) as refused:
            await connection.execute("INSERT INTO participant_numbers SELECT * FROM participant_numbers")
        assert "DETAIL" in str(refused.value), "the error quotes the row"
        with pytest.raises(asyncpg.DataError) as unfit:
            await connection.execute("SELECT $1::int4", person.name)
        assert person.name in str(unfit.value)
    finally:
        await connection.close()
    for error in (refused.value, unfit.value):
        structlog.get_logger().error("internal_error", exc_info=error)
    violated, misread = written.lines()
    assert "constraint_name=participant_numbers_" in violated["error_trace"][0]
    assert "sqlstate=23505" in violated["error_trace"][0]
    assert any("test_logs.py" in line for line in violated["error_trace"]), "where it happened is told"
    assert misread["error_trace"][0].startswith("asyncpg.exceptions")
    for value in (person.nik, person.name, str(person.participant_id)):
        assert value not in written.text


def test_errors_that_led_to_an_error_are_told_without_their_texts(written: Written) -> None:
    log = structlog.get_logger()
    try:
        try:
            int(f"{NIK}x")
        except ValueError as cause:
            raise ExceptionGroup("several", [KeyError(NIK), ConnectionRefusedError(111, NIK)]) from cause
    except ExceptionGroup:
        log.exception("failed")
    told = "\n".join(written.lines()[0]["error_trace"])
    for kind in ("ExceptionGroup", "KeyError", "ConnectionRefusedError errno=111", "ValueError"):
        assert kind in told
    assert NIK not in written.text


def test_a_person_has_one_pseudonym_that_needs_the_secret(written: Written) -> None:
    person, other = uuid4(), uuid4()
    log = structlog.get_logger()
    for one in (person, other, person):
        log.info("seen", participant_id=one)
    first, second, third = (line["participant"] for line in written.lines())
    assert first == third != second
    assert first == pseudonym(SECRET, "log", str(person)) != pseudonym("another secret", "log", str(person))
    assert first != pseudonym(SECRET, "wake", str(person)), "pseudonyms of two kinds cannot be put together"
    assert str(person) not in written.text


@pytest.mark.parametrize("number", [NIK, "99000000011", "+6281277700077", "081277700077", "781236549871"])
def test_what_looks_like_a_number_of_a_person_is_blotted_out(written: Written, number: str) -> None:
    event_id = str(uuid4())
    structlog.get_logger().warning("odd", reason=f"card {number} is unknown", event_id=event_id, count=12_345)
    (line,) = written.lines()
    assert line["reason"] == "card [number] is unknown"
    assert (line["event_id"], line["count"]) == (event_id, 12_345)


async def test_what_libraries_say_is_written_as_it_stands_in_their_code(written: Written) -> None:
    logging.getLogger("some.library").warning("could not parse %s", NIK)
    logging.getLogger("_granian").setLevel(logging.INFO)  # as the server starts it; tests that embed it silence it
    logging.getLogger("_granian").error("failed\n%s", NIK, exc_info=ValueError(NIK))

    async def fail() -> None:
        raise ValueError(f"Dwi Lestari {NIK}")

    asyncio.get_running_loop().call_exception_handler(
        {"message": "Task exception was never retrieved", "exception": ValueError(NIK), "task": fail}
    )
    said = {line["logger"]: line for line in written.lines()}
    assert said["some.library"]["said"] == "could not parse %s"
    assert said["_granian"]["error_trace"] == ["builtins.ValueError"]
    assert said["asyncio"]["said"] == "Task exception was never retrieved"
    assert NIK not in written.text
    assert "Dwi" not in written.text
