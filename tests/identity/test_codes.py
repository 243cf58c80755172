from __future__ import annotations

import re
from uuid import uuid4

import pytest

from app.identity.codes import code_text, one_time_code
from app.identity.stop_link import stop_token

LINK = f"https://sepakat.example/stop/{stop_token('a secret', 'code 1')}"
SECRET = "a secret of the tests, longer than thirty-two characters"


def test_a_code_is_eight_digits_and_belongs_to_one_enrolment_and_one_secret() -> None:
    enrolments = [uuid4() for _ in range(200)]
    codes = [one_time_code(SECRET, enrolment) for enrolment in enrolments]
    assert all(re.fullmatch("[0-9]{8}", code) for code in codes)
    assert len(set(codes)) > 190
    assert codes == [one_time_code(SECRET, enrolment) for enrolment in enrolments]
    assert one_time_code(SECRET + ".", enrolments[0]) != codes[0]


@pytest.mark.parametrize("locale", ["id", "en"])
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ponsel Dwi", "Ponsel Dwi"),
        ("kode 12345678", "kode …"),
        ("١٢٣٤٥٦٧٨", "…"),
        ("1234567890", "…"),
        ("Redmi 12C", "Redmi 12C"),
        ("https://penipu.example/x", "httpspenipuexamplex"),
        ('"; buka *123*4#', "buka 1234"),
    ],
)
def test_the_code_is_the_only_run_of_eight_digits_and_no_name_brings_a_link(name: str, shown: str, locale: str) -> None:
    text = code_text("00000001", name, locale, LINK)
    assert re.findall(r"\d{8,}", text) == ["00000001"]
    assert f'"{shown}"' in text
    assert text.count(LINK) == 1
    assert not re.search(r"://|\w\.\w|[*#]", text.replace(LINK, ""))
