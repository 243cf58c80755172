"""A push that its phone alone can read, through the real drain and the simulator of FCM."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key

from app.local.phone import base64url
from app.local.push_key import PushKey, read_header
from app.notifications.deliver import Deliverer
from app.platform.database import connect
from app.platform.fcm import Fcm
from tests.answers import code
from tests.conftest import Apps
from tests.local.running_simulator import RunningSimulator
from tests.notifications.changes import post_contribution
from tests.people import NewCard, Person, Phone, add_person
from workers.drain_lane import LaneDrain

FCM_LIMIT = 4096
PAGE = Path(__file__).parents[2] / "docs" / "encryption.md"


@pytest_asyncio.fixture
async def drain(own_apps: Apps, simulator: RunningSimulator) -> AsyncIterator[LaneDrain]:
    pool = await connect(own_apps.database.url("sepakat_worker"), size=5, application="tests")
    fcm = Fcm(simulator.base_url, str(simulator.credentials), timeout_s=5.0)
    yield LaneDrain(pool, Deliverer({"fid": fcm, "token": fcm}))
    await fcm.close()
    await pool.close()


class Reader:
    """A person whose phone can be pushed to, and what reached it."""

    def __init__(
        self, apps: Apps, simulator: RunningSimulator, drain: LaneDrain, person: Person, phone: Phone, locale: str
    ) -> None:
        self.apps, self.simulator, self.drain = apps, simulator, drain
        self.person, self.phone, self.locale = person, phone, locale
        self.key = PushKey()

    async def register(self, key: dict[str, Any] | None) -> None:
        target = {"kind": "fid", "value": self.value, "platform": "android", "locale": self.locale}
        body = target | ({} if key is None else {"encryption_key": key})
        assert (await self.phone.put("/v1/push-target", body)).status_code == 204

    @property
    def value(self) -> str:
        return f"fid-{self.phone.device_id}"

    async def pushed(self) -> list[dict[str, str]]:
        """The data of all pushes so far, after everything that waits went out."""
        lane = await self.ask("SELECT lane_of($1)", self.person.participant_id)
        await self.drain.drain(lane)
        return [push["message"]["data"] for push in self.simulator.pushes_to(self.value)]

    def apns(self) -> dict[str, Any]:
        """What the newest push says to Apple."""
        said: dict[str, Any] = self.simulator.pushes_to(self.value)[-1]["message"]["apns"]
        return said

    async def inbox(self, count: int) -> bytes:
        """The newest entries in the order in which they happened, as the API wrote them, in the phone's language."""
        head = (await self.phone.get("/v1/inbox?limit=1")).json()["head"]["seq"]
        answer = await self.phone.get(f"/v1/inbox?after={head - count}", headers={"accept-language": self.locale})
        return answer.content.removeprefix(b'{"entries":[').split(b'],"unread":')[0]

    async def ask(self, sql: str, *values: Any) -> Any:
        connection = await self.apps.database.connect()
        try:
            return await connection.fetchval(sql, *values)
        finally:
            await connection.close()


@pytest_asyncio.fixture
async def dwi(own_apps: Apps, simulator: RunningSimulator, drain: LaneDrain) -> Reader:
    """With twelve cards, and a phone in English that registered a key."""
    return await _reader(own_apps, simulator, drain, locale="en")


async def _reader(apps: Apps, simulator: RunningSimulator, drain: LaneDrain, *, locale: str = "id") -> Reader:
    person = await add_person(apps.database, *(NewCard() for _ in range(12)))
    reader = Reader(apps, simulator, drain, person, await Phone(apps.api).enrol(person), locale)
    await reader.pushed()  # what came before it had a target
    await reader.register(reader.key.public)
    return reader


async def test_the_phone_reads_what_the_inbox_says_byte_for_byte_and_nobody_on_the_way_does(
    dwi: Reader, capfd: pytest.CaptureFixture[str]
) -> None:
    cause_id = await post_contribution(dwi.apps.database, dwi.person, amount=319_177)
    [data] = await dwi.pushed()
    entry = await dwi.inbox(1)
    assert "Rp319.177" in json.loads(entry)["body"]
    assert "Recorded by" in json.loads(entry)["body"], "in the language of the target"
    assert dwi.key.open(data["jwe"]).rstrip(b" ") == b'{"entries":[%s],"more":false}' % entry

    header = read_header(data["jwe"])
    assert header.pop("epk").keys() == {"kty", "crv", "x", "y"}
    assert header == {"alg": "ECDH-ES", "enc": "A256GCM", "cty": "json", "kid": dwi.key.kid}
    assert data.keys() == {"v", "seq", "class", "id", "jwe"}
    assert dwi.apns()["payload"] == {"aps": {"mutable-content": 1}}
    on_the_way = dwi.simulator.journal.read_text() + "".join(capfd.readouterr())
    assert data["jwe"] in on_the_way
    for said in (
        "319.177",
        "319177",
        dwi.person.kpjs[0],
        str(cause_id),
        "contribution_posted",
        json.loads(entry)["hash"],
    ):
        assert said not in on_the_way.replace(data["jwe"], "").replace(data["id"], "").replace(dwi.value, ""), said
    with pytest.raises(InvalidTag):
        PushKey().open(data["jwe"])
    spoilt = data["jwe"].split(".")
    spoilt[3] = base64url(b"\0") + spoilt[3][2:]
    with pytest.raises(InvalidTag):
        dwi.key.open(".".join(spoilt))


async def test_what_the_page_shows_to_developers_reads_a_push(dwi: Reader) -> None:
    (example,) = re.findall(r"```python\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    shown: dict[str, Any] = {}
    exec(example, shown)
    await post_contribution(dwi.apps.database, dwi.person)
    [data] = await dwi.pushed()
    told = json.loads(b'{"entries":[%s],"more":false}' % await dwi.inbox(1))
    assert shown["read_push"](data["jwe"], dwi.key.private) == told


async def test_of_a_cause_with_many_entries_as_many_as_fit_into_fcms_limit_and_no_length_tells_how_many(
    dwi: Reader,
) -> None:
    lengths = set()
    for cards in (1, 2, 3, 12):
        await post_contribution(dwi.apps.database, dwi.person, cards=cards)
        data = (await dwi.pushed())[-1]
        plaintext = dwi.key.open(data["jwe"])
        lengths.add(len(plaintext))
        read = json.loads(plaintext)
        everything = json.loads(b"[%s]" % await dwi.inbox(cards))
        assert read["entries"] == everything[: len(read["entries"])]
        assert read["more"] == (len(read["entries"]) < cards)
        message = dwi.simulator.pushes_to(dwi.value)[-1]["message"]
        texts = [*data, *data.values(), *message["notification"].values()]
        assert sum(len(text.encode()) for text in texts) < FCM_LIMIT - 500, "Apple's and the browsers' framing"
    assert read["more"]
    assert lengths == {1024, 2048}


async def test_what_does_not_fit_at_all_goes_out_as_any_push_does(dwi: Reader) -> None:
    await _happen(dwi, "E" * 3000)
    [data] = await dwi.pushed()
    assert data.keys() == {"v", "seq", "class", "id"}
    await _happen(dwi, "PT Pendek")
    assert "jwe" in (await dwi.pushed())[-1]


async def test_a_key_that_encrypts_nothing_holds_up_no_push(dwi: Reader, capfd: pytest.CaptureFixture[str]) -> None:
    """As somebody could leave it behind in the database: no point of the curve, though it has the form of one."""
    broken = dwi.key.public | {"y": base64url(bytes(32))}
    await dwi.ask(
        "UPDATE push_targets SET encryption_key = $2::text::jsonb WHERE participant_id = $1",
        dwi.person.participant_id,
        json.dumps(broken),
    )
    await post_contribution(dwi.apps.database, dwi.person, amount=319_177)
    [data] = await dwi.pushed()
    assert "jwe" not in data
    log = "".join(capfd.readouterr())
    assert "push_not_encrypted" in log
    assert re.search(r"319\.?177", log) is None


async def test_a_retry_carries_the_same_id_under_a_fresh_key(dwi: Reader) -> None:
    dwi.simulator.script(dwi.value, {"status": 500, "retry_after": 0})
    await post_contribution(dwi.apps.database, dwi.person)
    assert len(await dwi.pushed()) == 1
    await dwi.ask("UPDATE outbox SET not_before = NULL")
    first, again = await dwi.pushed()
    assert first["id"] == again["id"]
    assert read_header(first["jwe"])["epk"] != read_header(again["jwe"])["epk"]
    assert dwi.key.open(first["jwe"]) == dwi.key.open(again["jwe"])


async def test_each_phone_of_a_person_gets_what_it_asked_for(dwi: Reader) -> None:
    phones = [await Phone(dwi.apps.api, name).enrol(dwi.person) for name in ("Tablet", "Ponsel lama")]
    tablet, old = (Reader(dwi.apps, dwi.simulator, dwi.drain, dwi.person, phone, "id") for phone in phones)
    await dwi.pushed()  # that they were added
    await tablet.register(tablet.key.public)
    await old.register(None)
    await post_contribution(dwi.apps.database, dwi.person)
    for reader, said in ((dwi, "Recorded by"), (tablet, "Dicatat oleh")):
        [entry] = json.loads(reader.key.open((await reader.pushed())[-1]["jwe"]))["entries"]
        assert said in entry["body"]
    assert "jwe" not in (await old.pushed())[-1]


async def test_it_is_off_without_a_key_and_off_again_when_the_phone_leaves_it_out(
    dwi: Reader, own_apps: Apps, simulator: RunningSimulator, drain: LaneDrain
) -> None:
    sari = await _reader(own_apps, simulator, drain)
    for reader in (dwi, sari):
        await post_contribution(own_apps.database, reader.person)
        assert "jwe" in (await reader.pushed())[-1]
    await sari.register(None)
    newer = PushKey()
    await dwi.register(newer.public)
    for reader in (dwi, sari):
        await post_contribution(own_apps.database, reader.person)
    assert "jwe" not in (await sari.pushed())[-1]
    assert "payload" not in sari.apns()
    assert json.loads(newer.open((await dwi.pushed())[-1]["jwe"]))["entries"], "the newest key counts"
    told = json.loads((await dwi.phone.get("/v1/me/export")).content)["export"]["push_targets"]
    assert [target["encryption_key"] for target in told] == [newer.public]


def _keys_that_are_none() -> dict[str, Any]:
    good = PushKey().public
    private = PushKey()
    other = generate_private_key(SECP384R1()).public_key().public_numbers()
    return {
        "a private key": private.public
        | {"d": base64url(private.private.private_numbers().private_value.to_bytes(32))},
        "no point of the curve": good | {"y": base64url(bytes(32))},
        "the point of another key": good | {"y": PushKey().public["y"]},
        "beyond the field": good | {"x": base64url(b"\xff" * 32)},
        "another curve": good
        | {"crv": "P-384", "x": base64url(other.x.to_bytes(48)), "y": base64url(other.y.to_bytes(48))},
        "another curve under this one's name": good
        | {"x": base64url(other.x.to_bytes(48)), "y": base64url(other.y.to_bytes(48))},
        "a key to sign with": good | {"use": "sig"},
        "no use": {name: value for name, value in good.items() if name != "use"},
        "something beside": good | {"kid": "1"},
        "RSA": {"kty": "RSA", "n": "AQAB", "e": "AQAB", "use": "enc"},
        "padding": good | {"x": good["x"][:-1] + "="},
        "a text": "key",
        "nothing": {},
    }


async def test_what_is_no_public_key_to_encrypt_to_is_refused_and_never_repeated(dwi: Reader) -> None:
    for what, key in _keys_that_are_none().items():
        target = {"kind": "fid", "value": dwi.value, "platform": "android", "locale": "id", "encryption_key": key}
        answer = await dwi.phone.put("/v1/push-target", target)
        assert code(answer) == (400, "request_invalid"), what
        assert "encryption_key" in answer.text, what
        assert "d" not in key or key["d"] not in answer.text
    stored = await dwi.ask(
        "SELECT encryption_key::text FROM push_targets WHERE participant_id = $1", dwi.person.participant_id
    )
    assert json.loads(stored) == dwi.key.public, "the one before stays"


async def test_the_database_keeps_no_private_part(dwi: Reader) -> None:
    for member in ({"d": "A" * 43}, {"use": "sig"}, {"crv": "P-384"}):
        with pytest.raises(asyncpg.CheckViolationError, match="encryption_key_is_public"):
            await dwi.ask(
                "UPDATE push_targets SET encryption_key = encryption_key || $2::text::jsonb WHERE participant_id = $1",
                dwi.person.participant_id,
                json.dumps(member),
            )


async def _happen(reader: Reader, employer: str) -> None:
    """A contribution from an employer of this name."""
    connection = await reader.apps.database.connect()
    async with connection.transaction():
        cause_id: UUID = await connection.fetchval(
            "SELECT record_cause($1, 'core', 'tests')", reader.person.participant_id
        )
        card = reader.person.cards[reader.person.kpjs[0]]
        await connection.execute(
            """SELECT append_history(ARRAY[ROW($1::uuid, 'contribution_posted', $2::uuid, NULL, $3::uuid, jsonb_build_object(
                'kpj', $4::text, 'month', '2026-10', 'amount', 1000, 'employer', $5::text))::history_entry])""",
            reader.person.participant_id,
            card.card_id,
            cause_id,
            card.kpj,
            employer,
        )
    await connection.close()
