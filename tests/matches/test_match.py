"""The rules: strict, and blind to what is somebody else."""

from __future__ import annotations

from datetime import date

import pytest

from app.matches.match import Identity, is_one_slip, judge, keys_to_look_for, name_key, own_keys

SECRET = "a secret of the tests, longer than thirty-two characters"
AGUS = Identity("3215011208850000", "Agus Setiawan", date(1985, 8, 12))


def like_agus(nik: str = AGUS.nik, name: str = AGUS.name, birth_date: date = AGUS.birth_date) -> Identity:
    return Identity(nik, name, birth_date)


def test_the_typo_of_agus_is_found_and_told_to_the_sound_one_only() -> None:
    mistyped = like_agus("3215011280850000")
    assert judge(AGUS, mistyped) == "nik_date_mistyped"
    assert judge(mistyped, AGUS) is None


def test_rina_and_rina_are_two_people() -> None:
    born = date(1990, 1, 8)
    one = Identity("3275014801900000", "Rina Marlina", born)
    other = Identity("3304014801900000", "Rina Marlina", born)
    assert judge(one, other) is None
    assert judge(other, one) is None


@pytest.mark.parametrize(
    "other",
    [
        like_agus("3215011208850001"),  # the next in the register, born the same day: valid, and so another person
        like_agus("3215021208850000"),  # the neighbouring district
        like_agus("3215011280850000", name="Agus Setyawan"),
        like_agus("3215011280850000", name="Agus"),
        like_agus("3215018021850000"),  # two slips
        like_agus("3215011208580000", birth_date=date(1958, 8, 12)),  # fits its own birth date
        like_agus("3215011280850000", birth_date=date(1985, 8, 13)),
        like_agus("3215012108850000", birth_date=date(1985, 8, 21)),  # fits its own birth date
    ],
)
def test_others_are_others(other: Identity) -> None:
    assert judge(AGUS, other) is None
    assert judge(other, AGUS) is None


@pytest.mark.parametrize(
    ("other", "rule"),
    [
        (like_agus("3215011208950000"), "nik_date_mistyped"),
        (like_agus("3215012108850000"), "nik_date_mistyped"),
        (like_agus("3251011208850000"), "nik_region_exchanged"),
        (like_agus("3215011208850010", birth_date=date(1985, 12, 8)), "nik_and_birth_date_mistyped"),
    ],
)
def test_slips_are_found(other: Identity, rule: str) -> None:
    assert judge(AGUS, other) == rule


def test_a_number_that_is_unlike_its_own_birth_date_claims_nobody() -> None:
    yusuf = Identity("7371012701840000", "Yusuf Rahman", date(1984, 10, 27))
    assert judge(yusuf, Identity("7371012710840000", "Yusuf Rahman", date(1984, 10, 27))) is None
    assert judge(Identity("7371012710840000", "Yusuf Rahman", date(1984, 10, 27)), yusuf) == "nik_date_mistyped"


@pytest.mark.parametrize(
    "variant",
    ["AGUS SETIAWAN", "agus  setiawan", "H. Agus Setiawan, S.E.", "Drs. Agus Setiawan", "Agus Setiawan, S.Kom., M.M."],
)
def test_names_are_compared_without_what_is_around_them(variant: str) -> None:
    assert name_key(variant) == name_key("Agus Setiawan")


def test_names_are_compared_as_they_sound() -> None:
    assert name_key("M. Joko Susilo") == name_key("Muhammad Djoko Soesilo") == name_key("Moh Joko Susillo")
    assert name_key("Siti Aminah") != name_key("Siti Amanah")
    assert name_key("H.") != name_key("Ir.")


def test_one_slip_is_one_digit_or_one_exchange() -> None:
    assert is_one_slip("1234", "1235")
    assert is_one_slip("1234", "1324")
    assert not is_one_slip("1234", "1234")
    assert not is_one_slip("1234", "1432")
    assert not is_one_slip("1234", "123")
    assert not is_one_slip("1234", "1235", exchanged=True)


def test_whoever_a_rule_finds_is_found_by_a_key() -> None:
    for place in range(15):
        digits = list("3251094708913627")
        digits[place], digits[place + 1] = digits[place + 1], digits[place]
        one = like_agus("3251094708913627")
        assert set(own_keys(like_agus("".join(digits)), SECRET)) & set(keys_to_look_for(one, SECRET)), place
    mistyped = like_agus("3215011208850010", birth_date=date(1985, 12, 8))
    assert set(own_keys(mistyped, SECRET)) & set(keys_to_look_for(AGUS, SECRET))


def test_keys_say_nothing_without_the_secret() -> None:
    assert not set(own_keys(AGUS, SECRET)) & set(own_keys(AGUS, SECRET[::-1]))
    assert all(len(key) == 32 for key in own_keys(AGUS, SECRET))
