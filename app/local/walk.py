"""`sepakat phone …`, `core …` and `staff …`: play a phone, the agency's core and its staff by hand, beside `make run`.

A phone's key and session are kept in `phones/` of the state folder, so that the next command is the same phone.
"""

from __future__ import annotations

import asyncio
import secrets
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from rich.console import Console

from app.identity.branch_code import branch_code_sha256, write
from app.local.bootstrap import keep_secrets
from app.local.carry_out import carry_out
from app.local.contact_walk import change_number
from app.local.core import Core, issue_branch_code
from app.local.demo_people import DemoPerson, find_person
from app.local.messages import Messages
from app.local.phone import Phone
from app.local.push_key import PushKey
from app.local.shown import (
    show_all,
    show_answer,
    show_card,
    show_case,
    show_heard,
    show_merge,
    show_messages,
    show_options,
)
from app.local.staff_walk import play_staff, show_access, staff_parser
from app.local.state import StartError, find_holder, state_folder
from app.local.story import Stage, ask_for_pushes, rupiah, show_cards, show_inbox
from app.local.tell import core_event, core_parser, merge_arguments
from app.platform.clock import JAKARTA

OPEN = ("proposed", "confirmed")


class Kept(msgspec.Struct, frozen=True):
    """A phone between two commands; keys are PEM, `push_key` empty when its pushes are not encrypted."""

    device_id: str
    key: str
    session: dict[str, Any]
    push_key: str = ""


class Walk:
    """One command's clients, of the instance that runs in this checkout. Raises StartError when none does."""

    def __init__(self, environment: Mapping[str, str], console: Console) -> None:
        self.folder = state_folder(environment)
        self.console = console
        running = find_holder(self.folder)
        self.api = httpx.AsyncClient(base_url=running.api)
        self.core = Core(httpx.AsyncClient(base_url=running.feed), keep_secrets(self.folder).feed_secret)
        self.messages = Messages(httpx.AsyncClient(base_url=running.simulator))

    async def phone(self, person: DemoPerson) -> Phone:
        """The phone kept for this person, signed in; enrolled first when there is none."""
        file = self.folder / "phones" / f"{person.nik}.json"
        stage = Stage(self.api, self.core, self.messages, self.console)
        if not file.exists():
            if not person.phone:
                raise LookupError(f"{person.name} has no phone on file, so no code can be sent")
            if person.deceased:
                raise LookupError(f"{person.name} is recorded as deceased; nobody enrols any more")
            stage.tell(f"{person.name} enrols")
            phone = await stage.phone_of(person, f"Ponsel {person.name.split()[0]}")
            stage.see((await self.messages.code_texts_to(person.phone))[-1])
        else:
            phone = _open(msgspec.json.decode(file.read_bytes(), type=Kept), self.api)
            if (await phone.get("/v1/me")).status_code == 401:
                await phone.sign_in()
        self.keep(person, phone)
        return phone

    def keep(self, person: DemoPerson, phone: Phone) -> None:
        """For the next command."""
        file = self.folder / "phones" / f"{person.nik}.json"
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(msgspec.json.encode(_keep(phone)))


def _open(kept: Kept, api: httpx.AsyncClient) -> Phone:
    async def read_no_code(_: str) -> str:
        raise AssertionError("this phone is enrolled already")

    phone = Phone(api, read_no_code)
    phone.key, phone.device_id, phone.session = _read(kept.key), kept.device_id, kept.session
    phone.push_key = PushKey(_read(kept.push_key)) if kept.push_key else None
    return phone


def _keep(phone: Phone) -> Kept:
    push_key = _write(phone.push_key.private) if phone.push_key else ""
    return Kept(phone.device_id, _write(phone.key), phone.session, push_key)


def _write(key: EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _read(pem: str) -> EllipticCurvePrivateKey:
    key = load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, EllipticCurvePrivateKey)
    return key


def _phone_parser() -> ArgumentParser:
    phone = ArgumentParser(prog="sepakat phone", description="A demo person's phone, beside `make run`.")
    phone.add_argument("person", help="first name, such as dwi")
    verbs = phone.add_subparsers(dest="verb", required=True, metavar="verb")
    for verb, text in (
        ("enrol", "enrol this phone; every other verb does it too when needed"),
        ("cards", "every card"),
        ("inbox", "the newest fifty that were told, oldest first"),
        (
            "messages",
            "what reached the person: pushes, SMS and mail; on the way none names money or a whole card number",
        ),
        ("options", "which cards may be merged into which, and why not"),
        ("merges", "merges, whoever proposed them"),
        ("cases", "what staff have to answer, and what they decided"),
        ("confirm", "agree to the open merge, every warning acknowledged, with this phone's key"),
        ("cancel", "cancel the open merge"),
        ("decline", "say no to the open merge"),
        ("dispute", "say that the merge which the core reported is wrong"),
        ("support-code", "a code to read out to staff: one of them may look for 15 minutes"),
        ("looks", "who of the agency's staff looked at what, newest first"),
    ):
        verbs.add_parser(verb, help=text)
    for verb, text in (
        ("survivor", "let another card of the open merge stay"),
        ("resolve", "the card behind a number"),
    ):
        verbs.add_parser(verb, help=text).add_argument("kpj")
    push = verbs.add_parser("push", help="be told by push that there is something to read")
    push.add_argument("through", choices=("fcm", "hms"), nargs="?", default="fcm", help="Google, or Huawei")
    push.add_argument("--encrypted", action="store_true", help="and what there is to read, for this phone alone")
    number = verbs.add_parser("number", help="use another phone number, by the code that goes there")
    number.add_argument("number", metavar="+62…")
    merge_arguments(verbs.add_parser("propose", help="propose a merge"))
    return phone


async def play_phone(chosen: Namespace, environment: Mapping[str, str]) -> int:
    """One verb of one phone; 0 when the API agreed, 1 when it refused."""
    walk = Walk(environment, Console(highlight=False))
    person = find_person(chosen.person)
    phone = await walk.phone(person)
    stage = Stage(walk.api, walk.core, walk.messages, walk.console)
    match chosen.verb:
        case "resolve":
            return show_card(stage, await phone.post("/v1/cards/resolve", {"kpj": chosen.kpj}, key=""))
        case "number":
            return await change_number(stage, phone, person, chosen.number)
        case "push":
            phone.push_key = PushKey() if chosen.encrypted else None
            answer = await ask_for_pushes(phone, "hms" if chosen.through == "hms" else "fid")
            if not answer.is_success:
                return show_answer(stage, answer)
            walk.keep(person, phone)
            encrypted = ", encrypted for this phone alone: `messages` shows what they say" if chosen.encrypted else ""
            stage.see(f"pushes to this phone go through {chosen.through} from now on{encrypted}")
            return 0
        case "propose":
            body = {"absorb": [chosen.absorb], "into": chosen.into}
            return show_answer(stage, await phone.post("/v1/merges", body))
        case "survivor" | "confirm" | "cancel" | "decline" | "dispute":
            return await _decide(stage, phone, chosen)
    await _look(stage, phone, chosen.verb, person)
    return 0


async def _look(stage: Stage, phone: Phone, verb: str, person: DemoPerson) -> None:
    """A verb that changes nothing; `enrol` has happened by now."""
    match verb:
        case "cards":
            await show_cards(stage, phone)
        case "inbox":
            await show_inbox(stage, phone)
        case "messages":
            await show_messages(stage, phone, person)
        case "support-code" | "looks":
            await show_access(stage, phone, verb)
        case "options":
            show_options(stage, (await phone.get("/v1/merges/options")).json()["options"])
        case "merges":
            show_all(stage, show_merge, (await phone.get("/v1/merges")).json()["merges"], "no merge")
        case "cases":
            show_all(stage, show_case, (await phone.get("/v1/cases")).json()["cases"], "no case")


async def _decide(stage: Stage, phone: Phone, chosen: Namespace) -> int:
    """A verb about the newest merge."""
    merges = (await phone.get("/v1/merges")).json()["merges"]
    fitting = ("reported",) if chosen.verb == "dispute" else OPEN
    merge = next((merge for merge in merges if merge["state"] in fitting), None)
    if merge is None:
        way_on = "core merged CARD INTO" if chosen.verb == "dispute" else f"phone {chosen.person} propose CARD INTO"
        stage.see(f"no merge is {' or '.join(fitting)}; `sepakat {way_on}` makes one")
        return 1
    if chosen.verb == "confirm" and merge["state"] == "proposed":
        return await _confirm(stage, phone, merge)
    body = {"into": chosen.kpj} if chosen.verb == "survivor" else {}
    return show_answer(stage, await phone.post(f"/v1/merges/{merge['id']}/{chosen.verb}", body))


async def _confirm(stage: Stage, phone: Phone, merge: dict[str, Any]) -> int:
    """Shows the plan as it holds now, what changed since it was shown last, and agrees to it."""
    renewed = await phone.post(f"/v1/merges/{merge['id']}/plan")
    if not renewed.is_success:
        return show_answer(stage, renewed)
    before, now = merge["plan"], renewed.json()["plan"]
    if before["total_after"] != now["total_after"]:
        stage.see(f"since the plan was shown: {rupiah(before['total_after'])} → {rupiah(now['total_after'])}")
    for card in now["cards"]:
        stage.see(f"{card['kpj']}  {rupiah(card['balance_before'])} → {rupiah(card['balance_after'])}")
    stage.see(f"acknowledged: {', '.join(now['to_acknowledge']) or 'nothing to acknowledge'}")
    return show_answer(stage, await phone.confirm(renewed.json()))


async def play_core(chosen: Namespace, environment: Mapping[str, str]) -> int:
    """One event, of `carry-out` some; 0 when it was applied. `heard` sends none, and shows what came the other way."""
    walk = Walk(environment, Console(highlight=False))
    if chosen.verb == "heard":
        return await show_heard(Stage(walk.api, walk.core, walk.messages, walk.console))
    if chosen.verb == "carry-out":
        return await carry_out(walk.core, chosen.merge_ids, walk.console)
    event = _hand_out(walk.console, chosen) if chosen.verb == "branch-code" else core_event(chosen)
    (result,) = await walk.core.send(event)
    told = (
        "; see what the participant was told with `sepakat phone NAME inbox`" if result["outcome"] == "applied" else ""
    )
    if chosen.verb in ("contribute", "announce"):
        walk.console.print(f"  event {event['id']}")
    walk.console.print(f"  {result['outcome']} {result['code'] or ''} {result['detail'] or ''}".rstrip() + told)
    return 0 if result["outcome"] == "applied" else 1


def _hand_out(console: Console, chosen: Namespace) -> dict[str, Any]:
    """Shows the code as it would stand on a slip of paper; the event carries its hash alone."""
    code = write(secrets.token_bytes(10))
    console.print(f"  the code, good once within a day: [bold]{code}[/bold]")
    expires_at = datetime.now(JAKARTA) + timedelta(days=1)
    return issue_branch_code(chosen.nik, branch_code_sha256(code), expires_at, chosen.branch)


PLAYS: dict[
    str, tuple[Callable[[], ArgumentParser], Callable[[Namespace, Mapping[str, str]], Coroutine[Any, Any, int]]]
] = {
    "phone": (_phone_parser, play_phone),
    "core": (core_parser, play_core),
    "staff": (staff_parser, play_staff),
}


def run(command: str, words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Runs `phone`, `core` or `staff`; a message instead of a trace when `make run` is not up."""
    make_parser, play = PLAYS[command]
    chosen = make_parser().parse_args(words)
    try:
        return asyncio.run(play(chosen, environment))
    except (LookupError, StartError, httpx.ConnectError) as error:
        text = (
            "the instance is starting or stopping: try again" if isinstance(error, httpx.ConnectError) else str(error)
        )
        Console(stderr=True).print(text, highlight=False)
        return 1
