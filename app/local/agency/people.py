"""Invented people and employers: plausible Indonesian names, and numbers that can never be anybody's."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from app.local.agency.world import Card, Employer, Person, World, chance

WOMEN = "Dewi Sri Siti Ratna Rina Lina Putri Maya Indah Nur Fitri Ayu Wulan Yuli Endah Tuti Sari Lestari Mega Intan"
MEN = "Budi Agus Hendra Bayu Joko Rudi Eko Dedi Ahmad Rizki Yusuf Andi Slamet Wahyu Iwan Arif Fajar Made Ketut Yohanes"
FAMILY = (
    "Saputra Wijaya Santoso Hidayat Kurniawan Setiawan Nugroho Pratama Lestari Rahayu Wulandari Permata Siregar Nasution"
    " Simanjuntak Lubis Tambunan Sihombing Wibowo Susanto Gunawan Halim Maulana Ramadhan Firmansyah Utami Anggraini Handayani"
    " Kusuma Purnomo Suryadi Hasanah Marpaung Ginting Latuconsina Pattimura Rumengan Tumbelaka Baskoro Hartono"
)
REGIONS = (
    "1271 1371 1471 1671 1871 2171 3171 3173 3174 3175 3201 3204 3215 3216 3273 3275 3304 3374 3471 3515 3578 3671"
)
FIRMS = "Sinar Cakrawala Samudra Mega Surya Bumi Karya Tirta Nusa Graha Indah Prima Mitra Citra Abadi Sentosa"
TRADES = "Garmen Presisi Ritel Boga Logistik Elektronik Sepatu Furnitur Kemasan Farmasi Konstruksi Agro"
TOWNS = "Bekasi Karawang Cikarang Tangerang Sidoarjo Gresik Semarang Bandung Batam Makassar Medan"

SELF_EMPLOYED, SECOND_CARD, JOIN_LATER = 0.15, 0.25, 0.05


def found(seed: int, participants: int, days: int, first_day: date, phones: int) -> World:
    """The agency on its first morning; nobody knows of it yet. The first `phones` people have a phone and two cards."""
    rng = chance(seed, "people")
    world = World(seed, days, first_day, [], _found_employers(rng, participants, seed))
    taken: set[str] = set()
    for serial in range(participants):
        person = _invent(rng, world, serial, taken)
        person.has_phone = serial < phones
        if not person.has_phone and rng.random() < JOIN_LATER:
            person.joins = rng.randrange(days)
        _give_cards(rng, world, person)
        world.people.append(person)
    return world


def _found_employers(rng: Random, participants: int, seed: int) -> list[Employer]:
    """One for each forty people; some pay at the end of the month only."""
    return [
        Employer(
            id=f"SIM{seed}-{number}",
            name=f"PT {_pick(rng, FIRMS)} {_pick(rng, TRADES)} {_pick(rng, TOWNS)}",
            pay_day=rng.randint(10, 15) if rng.random() < 0.8 else rng.randint(22, 28),
        )
        for number in range(max(3, participants // 40))
    ]


def _invent(rng: Random, world: World, serial: int, taken: set[str]) -> Person:
    """The last four digits of a real identity number count from 0001; these end in 0000, one person for a place and day."""
    while True:
        woman = rng.random() < 0.5
        born = date(1964, 1, 1) + timedelta(days=rng.randrange(41 * 365))
        nik = f"{_pick(rng, REGIONS)}{world.series}{born.day + 40 * woman:02d}{born:%m%y}0000"
        if nik not in taken:
            taken.add(nik)
            break
    name = f"{_pick(rng, WOMEN if woman else MEN)} {_pick(rng, FAMILY)}"
    phone = f"+6281200{world.series:02d}{serial:05d}"
    wage = rng.randint(2_100_000, 6_500_000) if rng.random() < 0.9 else rng.randint(6_500_000, 20_000_000)
    return Person(serial, nik, name, born.isoformat(), phone, wage, joins=0)


def _give_cards(rng: Random, world: World, person: Person) -> None:
    """The card of the present job, or of nobody's; and of some an old one that was left behind."""
    joined = world.day(person.joins)
    if person.has_phone or rng.random() < SECOND_CARD:
        old = joined - timedelta(days=rng.randint(1800, 4500))
        former = rng.choice(world.employers).id
        person.cards.append(
            Card(world.new_kpj(), former, old.isoformat(), "inactive", money=rng.randint(200_000, 14_000_000))
        )
    if rng.random() >= SELF_EMPLOYED:
        person.employer = rng.choice(world.employers).id
    since = joined if person.joins else joined - timedelta(days=rng.randint(30, 1700))
    opening = 0 if person.joins else rng.randint(0, 40_000_000)
    card = Card(world.new_kpj(), person.employer, since.isoformat(), "active", money=opening)
    person.cards.append(card)
    person.at = card.kpj


def _pick(rng: Random, words: str) -> str:
    return rng.choice(words.split())
