"""`sepakat cases list|show|decide|freeze|lift`: what staff have to answer, at the staff listener and with the caller's own token.

Nothing here looks into the database: who looks, and who decides, is a person with a token, stands in the participant's access
log, and needs a second one where two are needed. docs/staff.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from app.settings import SettingsError

if TYPE_CHECKING:
    import httpx

PURPOSES = ("support", "dispute", "match", "unreached", "correction", "heir", "balance", "core_refusal")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The words of the group."""
    cases = commands.add_parser(
        "cases", help="cases at the staff listener, with SEPAKAT_STAFF_URL and SEPAKAT_STAFF_TOKEN"
    )
    acts = cases.add_subparsers(dest="act", required=True, metavar="list|show|decide|freeze|lift")
    listed = acts.add_parser("list", help="what waits, by when it is due, as JSON lines; it names nobody")
    listed.add_argument("--kind", metavar="KIND", help="dispute, match, unreached, …")
    listed.add_argument("--state", choices=("open", "decided"), default="open")
    show = acts.add_parser("show", help="one case, as JSON; its participant is told of the look")
    show.add_argument("case_id", metavar="CASE")
    show.add_argument("--purpose", choices=PURPOSES, required=True, help="the kind of the case, or support")
    decide = acts.add_parser("decide", help="propose a decision, or confirm a colleague's by the same words")
    decide.add_argument("case_id", metavar="CASE")
    decide.add_argument("decision", metavar="DECISION")
    decide.add_argument("--reason", required=True, metavar="TEXT", help="the participant reads it")
    for act, text in (("freeze", "freeze every card of somebody"), ("lift", "lift a freeze")):
        frozen = acts.add_parser(
            act, help=f"{text}, or confirm a colleague's proposal; the identity number comes by stdin"
        )
        frozen.add_argument("--reason", required=True, metavar="TEXT", help="the participant reads it")
    cases.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    import httpx

    token = os.environ.get("SEPAKAT_STAFF_TOKEN", "")
    if not token:
        raise SettingsError(
            "SEPAKAT_STAFF_TOKEN is not set: a token of who asks; beside `make run` use `sepakat staff`"
        )
    with httpx.Client(
        base_url=os.environ.get("SEPAKAT_STAFF_URL", "http://localhost:8002"),
        headers={"authorization": f"Bearer {token}", "accept-language": "en"},
    ) as staff:
        try:
            for line in ask(staff, chosen):
                print(line)
        except httpx.HTTPStatusError as error:
            print(f"sepakat: {_read_problem(error.response)}", file=sys.stderr)
            return 1
        except httpx.HTTPError as error:
            print(f"sepakat: the staff listener does not answer at {staff.base_url}: {error}", file=sys.stderr)
            return 1
    return 0


def ask(staff: httpx.Client, chosen: argparse.Namespace) -> Iterator[str]:
    """The answer as JSON, one case a line. Raises httpx.HTTPError."""
    match chosen.act:
        case "list":
            yield from _list(staff, chosen)
        case "show":
            yield _post(staff, "cases/read", {"case_read": {"case_id": chosen.case_id, "purpose": chosen.purpose}}).text
        case "freeze" | "lift":
            # not a word of the command: those stand in the shell's history and in the list of processes
            freeze = {"nik": sys.stdin.readline().strip(), "act": chosen.act, "reason": chosen.reason}
            yield _post(staff, "freezes/decide", {"freeze_decision": freeze}).text
        case _:
            decision = {name: getattr(chosen, name) for name in ("case_id", "decision", "reason")}
            yield _post(staff, "cases/decide", {"case_decision": decision}).text


def _list(staff: httpx.Client, chosen: argparse.Namespace) -> Iterator[str]:
    from msgspec.json import encode

    cursor = None
    while True:
        search = {"state": chosen.state, "kind": chosen.kind, "cursor": cursor, "limit": 100}
        page = _post(staff, "cases/search", {"case_search": search}).json()
        yield from (encode(case).decode() for case in page["cases"])
        cursor = page["next_cursor"]
        if cursor is None:
            return


def _post(staff: httpx.Client, path: str, body: dict[str, Any]) -> httpx.Response:
    return staff.post(f"/staff/v1/{path}", json=body).raise_for_status()


def _read_problem(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        return f"{problem['status']} {problem['code']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code}: no answer of Sepakat"
