"""What is sealed for one place opens there and nowhere else, whatever key is newest."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from app.platform.sealing import SealBroken, Sealer, add_data_key, read_sealer
from app.settings import SettingsError

NIK = "3216011705900000"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data-keys"
    add_data_key(path)
    return path


def test_what_was_sealed_opens_and_shows_nothing(file: Path) -> None:
    sealer, row = Sealer(file), uuid4()
    sealed = sealer.seal(NIK, column="nik", row=row)
    assert sealer.open(sealed, column="nik", row=row) == NIK
    assert NIK.encode() not in sealed
    assert sealer.seal(NIK, column="nik", row=row) != sealed, "two of the same do not look the same"
    assert file.stat().st_mode & 0o077 == 0


def test_a_sealed_value_moved_to_another_row_or_column_does_not_open(file: Path) -> None:
    sealer, row = Sealer(file), uuid4()
    sealed = sealer.seal(NIK, column="phone", row=row)
    with pytest.raises(SealBroken):
        sealer.open(sealed, column="phone", row=uuid4())
    with pytest.raises(SealBroken):
        sealer.open(sealed, column="email", row=row)


def test_every_changed_bit_is_noticed(file: Path) -> None:
    sealer, row = Sealer(file), uuid4()
    sealed = sealer.seal(NIK, column="nik", row=row)
    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(SealBroken):
            sealer.open(changed, column="nik", row=row)
    with pytest.raises(SealBroken):
        sealer.open(b"", column="nik", row=row)


def test_no_key_is_put_into_a_file_of_something_else(tmp_path: Path) -> None:
    other = tmp_path / "receipt-keys.pem"
    other.write_text("-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(ValueError, match="no file of data keys"):
        add_data_key(other)
    assert other.read_text() == "-----BEGIN PRIVATE KEY-----\n"
    assert list(tmp_path.iterdir()) == [other]


def test_a_new_key_seals_from_now_on_and_a_running_process_learns_of_it(file: Path) -> None:
    running, row = Sealer(file), uuid4()
    before = running.seal(NIK, column="nik", row=row)
    add_data_key(file)
    after = Sealer(file).seal(NIK, column="nik", row=row)
    assert running.open(after, column="nik", row=row) == NIK
    assert not before.startswith(running.newest), "having met the new key, it knows it"
    assert running.open(before, column="nik", row=row) == NIK
    assert running.look_up(NIK, column="nik") == Sealer(file).look_up(NIK, column="nik"), "rows are still found"


def test_a_process_that_only_seals_learns_of_a_new_key_too(file: Path) -> None:
    running = Sealer(file)
    add_data_key(file)
    assert running.seal(NIK, column="nik", row=uuid4()).startswith(Sealer(file).newest)


def test_a_look_up_is_of_one_column_and_one_installation(file: Path, tmp_path: Path) -> None:
    add_data_key(tmp_path / "other")
    here, there = Sealer(file), Sealer(tmp_path / "other")
    assert here.look_up(NIK, column="nik") != here.look_up(NIK, column="phone")
    assert here.look_up(NIK, column="nik") != there.look_up(NIK, column="nik")


@pytest.mark.parametrize("text", ["", "lookup 00000000 short\n", "data 00000000 " + "A" * 43 + "\n"])
def test_a_file_without_its_keys_is_refused_with_what_to_do(text: str, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(text)
    with pytest.raises(SettingsError, match="SEPAKAT_DATA_KEYS"):
        read_sealer(str(path))


def test_a_setting_that_is_missing_says_what_to_do() -> None:
    with pytest.raises(SettingsError, match="sepakat keys add-data"):
        read_sealer("")
