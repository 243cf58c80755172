"""What `sepakat` says to somebody who asks it wrongly, or for the first time."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli import main


def test_a_command_begins_its_help_with_the_line_that_lists_it(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["bulk"], ["bulk", "load"], ["import"]):
        with pytest.raises(SystemExit):
            main([*words, "--help"])
    said = capsys.readouterr().out
    assert said.count("options:") == 3
    for line in ("money for many cards at once", "stage and check a file", "load CSV or Parquet files"):
        assert f"\n\n{line}" in said


@pytest.mark.parametrize(
    ("words", "how"),
    [
        (["reconcile", "book.csv", "--as-of", "yesterday"], "a day is written as 2026-11-30"),
        (["webhooks", "replay", "--since", "2026-11-25T08:00"], "written with its time zone"),
    ],
)
def test_a_day_or_instant_that_is_none_is_told_how_to_be_written(
    words: list[str], how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(words)
    assert how in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named_first(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["keys", "add", str(tmp_path / "none" / "keys.pem")]) == 1
    assert capsys.readouterr().err == f"sepakat: {tmp_path}/none/keys.pem: No such file or directory\n"
