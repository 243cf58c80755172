"""`sepakat staff …`: play the agency's staff by hand, beside `make run`, with tokens of the simulated identity provider."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from app.local.phone import Phone
from app.local.simulator_oidc import read_staff
from app.local.state import find_holder, state_folder
from app.local.story import Stage, rupiah, wall_time


class Desk:
    """One member of staff at the running instance. Raises StartError when none runs."""

    def __init__(self, environment: Mapping[str, str], subject: str, console: Console) -> None:
        running = find_holder(state_folder(environment))
        self.subject, self.console = subject, console
        self.staff = httpx.AsyncClient(base_url=running.staff)
        self.provider = httpx.AsyncClient(base_url=running.simulator)

    async def ask(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """With a fresh token. Raises LookupError for somebody who does not work there."""
        signed_in = await self.provider.post("/oidc/token", json={"staff": self.subject})
        if not signed_in.is_success:
            raise LookupError(signed_in.json()["error"])
        token = signed_in.json()["access_token"]
        headers = {"authorization": f"Bearer {token}", "accept-language": "en"}
        return await self.staff.post(f"/staff/v1/{path}", json=body, headers=headers)

    def say(self, line: str) -> None:
        self.console.print(f"  {line}", highlight=False)


async def show_access(stage: Stage, phone: Phone, verb: str) -> None:
    """What a phone has to do with staff: `support-code` lets one of them look, `looks` tells who did."""
    if verb == "support-code":
        made = await phone.post("/v1/support-codes", {}, key="")
        answer = made.json()
        until = f"until {wall_time(answer['expires_at']):%H.%M} WIB" if made.is_success else answer["detail"]
        stage.see(f"[bold]{answer.get('code', answer.get('status'))}[/bold]  {until}")
        return
    looks = (await phone.get("/v1/me/access-log")).json()["looks"]
    for look in looks:
        at = wall_time(look["at"])
        stage.see(f"{at:%Y-%m-%d %H.%M} WIB  {look['role']} {look['who']}  {look['what']}, for {look['purpose']}")
    if not looks:
        stage.see("nobody looked")


def staff_parser() -> ArgumentParser:
    """The words of `sepakat staff`."""
    people = ", ".join(f"{person.subject} ({person.role})" for person in read_staff().values())
    parser = ArgumentParser(prog="sepakat staff", description=f"The agency's staff, beside `make run`: {people}.")
    asks = parser.add_subparsers(dest="verb", required=True, metavar="verb")
    verbs = {
        name: asks.add_parser(name, help=text)
        for name, text in (
            ("cases", "the work that waits, by when it is due; it names nobody"),
            ("show", "one case; its participant is told of the look"),
            ("document", "write a paper of a case to a file; the participant is told"),
            (
                "decide",
                "propose a decision, or confirm a colleague's; a word that does not fit the case names those that do",
            ),
            ("view", "what a support code opens that the participant reads out"),
            ("freeze", "propose to freeze a participant's cards, or confirm a colleague's proposal"),
            ("lift", "propose to lift a freeze, or confirm a colleague's proposal"),
        )
    }
    for name in ("show", "document", "decide"):
        verbs[name].add_argument("case_id", metavar="CASE")
    verbs["document"].add_argument("document_id", metavar="DOCUMENT")
    verbs["document"].add_argument("file", type=Path, metavar="FILE")
    verbs["decide"].add_argument("decision", metavar="DECISION")
    verbs["decide"].add_argument("--reason", default="Berkas sudah diperiksa", metavar="TEXT")
    verbs["view"].add_argument("code", metavar="CODE")
    for name in ("freeze", "lift"):
        verbs[name].add_argument("nik", metavar="NIK", help="the identity number on the card in the person's hand")
        verbs[name].add_argument("--reason", default="Dilaporkan di kantor cabang", metavar="TEXT")
    for name in ("show", "document"):
        verbs[name].add_argument("--purpose", default="support")
    for verb in verbs.values():
        verb.add_argument("--as", dest="subject", default="siti", metavar="NAME")
    return parser


async def play_staff(chosen: Namespace, environment: Mapping[str, str]) -> int:
    """One verb of one member of staff; 0 when it was answered, 1 when it was refused."""
    desk = Desk(environment, chosen.subject, Console())
    match chosen.verb:
        case "cases":
            answer = await desk.ask("cases/search", {"case_search": {"state": "open"}})
        case "show":
            answer = await desk.ask("cases/read", {"case_read": _case(chosen)})
        case "document":
            answer = await desk.ask("documents/read", {"document_read": _document(chosen)})
        case "decide":
            decision = {"case_id": chosen.case_id, "decision": chosen.decision, "reason": chosen.reason}
            answer = await desk.ask("cases/decide", {"case_decision": decision})
        case "freeze" | "lift":
            freeze = {"nik": chosen.nik, "act": chosen.verb, "reason": chosen.reason}
            answer = await desk.ask("freezes/decide", {"freeze_decision": freeze})
        case _:
            body = {"support_code": chosen.code, "purpose": "support"}
            answer = await desk.ask("participants/view", {"support_view": body})
    if not answer.is_success:
        problem = answer.json()
        desk.say(f"{problem['status']} {problem['code']}: {problem['detail']}")
        for error in problem.get("errors", ()):
            desk.say(f"  {error['field']}: {error['reason']}")
        return 1
    _show(desk, chosen, answer)
    return 0


def _case(chosen: Namespace) -> dict[str, str]:
    return {"case_id": chosen.case_id, "purpose": chosen.purpose}


def _document(chosen: Namespace) -> dict[str, str]:
    return _case(chosen) | {"document_id": chosen.document_id}


def _show(desk: Desk, chosen: Namespace, answer: httpx.Response) -> None:
    match chosen.verb:
        case "cases":
            _show_cases(desk, answer.json()["cases"])
        case "document":
            chosen.file.write_bytes(answer.content)
            desk.say(f"{len(answer.content):,} bytes of {answer.headers['content-type']} are in {chosen.file}")
        case "decide" | "freeze" | "lift":
            told = answer.json()
            waits = "; it waits for a second person" if told["state"] == "proposed" else ""
            people = " and ".join(name for name in (told["staff"], told["second_staff"]) if name)
            desk.say(f"[bold]{told['state']}[/bold]  {told.get('decision') or told['act']} by {people}{waits}")
        case _:
            _show_file(desk, answer.json())


def _show_cases(desk: Desk, cases: list[dict[str, Any]]) -> None:
    if not cases:
        desk.say("no case waits; `sepakat phone nur dispute` makes one")
    for case in cases:
        due = wall_time(case["due_at"])
        waits = f"  {case['proposal']['decision']} is proposed" if case["proposal"] else ""
        desk.say(f"{case['id']}  {case['kind']}  due {due:%Y-%m-%d %H.%M} WIB{waits}")


def _show_file(desk: Desk, file: dict[str, Any]) -> None:
    person = file["person"]
    desk.say(f"[bold]{person['name']}[/bold]  NIK {person['nik']}  born {person['birth_date']}")
    if "case" in file:
        desk.say(f"{file['case']['kind']}, {file['case']['state']}: {file['case']['statement'] or 'no statement'}")
    for card in file["cards"]:
        desk.say(f"card {card['kpj']}  {card['status']}  {rupiah(card['balance'])}  {card['employer'] or ''}")
    match = file.get("match")
    if match:
        card = match["card"]
        desk.say(
            f"claims card {card['kpj']}, which stands under {match['registered']['name']} {match['registered']['nik']}"
        )
    for document in file.get("documents", ()):
        desk.say(f"document {document['id']}  {document['kind']}  {document['media_type']}")
    for entry in file["history"][:5]:
        desk.say(f"{entry['occurred_at'][:10]}  {entry['title']}")
    if file.get("proposal"):
        desk.say(f"{file['proposal']['staff']} proposes {file['proposal']['decision']}: {file['proposal']['reason']}")
