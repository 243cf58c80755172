"""What `sepakat core` understands, and the event that each of its verbs sends."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import datetime, timedelta
from typing import Any

from app.local.core import (
    acknowledge_merge,
    decide_case,
    post_contribution,
    propose_merge,
    publish_announcement,
    refuse_merge,
    report_balance,
    report_merge,
    reverse_contribution,
)
from app.platform.clock import JAKARTA

GROWTH_TITLE = ("Hasil pengembangan dikreditkan", "Growth is credited")
GROWTH_BODY = (
    "Malam ini hasil pengembangan dikreditkan ke setiap kartu, sehingga setiap saldo bertambah.",
    "Tonight the growth is credited to every card, so that every balance grows.",
)


def core_parser() -> ArgumentParser:
    """Its words."""
    core = ArgumentParser(prog="sepakat core", description="The agency's core system, beside `make run`.")
    tells = core.add_subparsers(dest="verb", required=True, metavar="verb")
    tells.add_parser("heard", help="what the core was told of what participants decided, oldest first")
    proposal = tells.add_parser("propose", help="the agency proposes a merge")
    merge_arguments(proposal)
    proposal.add_argument("--reason", default="Penggabungan kartu ganda")
    contribution = tells.add_parser("contribute", help="a contribution of PT Cakrawala Ritel Nusantara")
    contribution.add_argument("kpj")
    contribution.add_argument("amount", type=int)
    contribution.add_argument("--month", default="2026-11")
    report = tells.add_parser("merged", help="the core merged two cards and tells it afterwards")
    report.add_argument("absorbed")
    report.add_argument("into")
    due = tells.add_parser("carry-out", help="the core does what was agreed and handed to it, and reports that")
    due.add_argument("merge_ids", nargs="*", metavar="MERGE", help="all that wait when left out")
    for verb, text in (
        ("acknowledge", "the core carried out a merge: its id, from `sepakat phone NAME merges`"),
        ("refuse", "the core will not carry out a merge: it is taken back, or staff get a case"),
    ):
        answer = tells.add_parser(verb, help=text)
        answer.add_argument("merge_id")
        answer.add_argument("--reason", default="Data kepesertaan diperiksa sistem inti")
    balance = tells.add_parser("report-balance", help="the core's own balance of a card: a difference opens a case")
    balance.add_argument("kpj")
    balance.add_argument("balance", type=int)
    balance.add_argument("--as-of", default=None, metavar="YYYY-MM-DD", help="today when left out")
    balance.add_argument("--status", default="active")
    back = tells.add_parser("take-back", help="a contribution is taken back: the event id that `contribute` printed")
    back.add_argument("kpj")
    back.add_argument("event_id")
    back.add_argument("--reason", default="Dibayar dua kali")
    case = tells.add_parser("decide", help="staff decide a case: its id, from `sepakat phone NAME cases`")
    case.add_argument("case_id")
    case.add_argument("decision")
    case.add_argument("--reason", default="Diperiksa bersama sistem inti")
    said = tells.add_parser("announce", help="an official announcement, shown in the inbox of each of its audience")
    said.add_argument("--to", dest="niks", action="append", metavar="NIK", help="to these alone; to all when left out")
    said.add_argument("--severity", choices=("info", "warning", "critical"), default="info")
    said.add_argument("--title", nargs=2, metavar=("INDONESIAN", "ENGLISH"), default=GROWTH_TITLE)
    said.add_argument("--body", nargs=2, metavar=("INDONESIAN", "ENGLISH"), default=GROWTH_BODY)
    said.add_argument("--explains", action="append", metavar="KIND", help="entries of this kind, today and tomorrow")
    said.add_argument("--replaces", metavar="EVENT", help="the event id that `announce` printed before")
    branch = tells.add_parser("branch-code", help="staff at a branch saw somebody, and hand out a code")
    branch.add_argument("nik", help="of the person, or of the deceased whose heir came")
    branch.add_argument("--branch", default="KC Bekasi Cikarang")
    return core


def merge_arguments(parser: ArgumentParser) -> None:
    """Two cards, by number."""
    parser.add_argument("absorb", help="the card that would go")
    parser.add_argument("into", help="the card that would stay")


def core_event(chosen: Namespace) -> dict[str, Any]:
    """What the core says by this verb. Pure, but for the day of today."""
    match chosen.verb:
        case "propose":
            return propose_merge([chosen.absorb], chosen.into, chosen.reason)
        case "contribute":
            return post_contribution(chosen.kpj, "E003", chosen.month, chosen.amount, f"{chosen.month}-15")
        case "acknowledge":
            return acknowledge_merge(chosen.merge_id, chosen.reason)
        case "refuse":
            return refuse_merge(chosen.merge_id, chosen.reason)
        case "report-balance":
            day = chosen.as_of or datetime.now(JAKARTA).date().isoformat()
            return report_balance(chosen.kpj, day, chosen.balance, chosen.status)
        case "take-back":
            return reverse_contribution(chosen.kpj, chosen.event_id, chosen.reason)
        case "announce":
            return _announce(chosen)
        case "decide":
            return decide_case(chosen.case_id, chosen.decision, chosen.reason, "s-ani", "s-budi")
        case _:
            return report_merge(chosen.absorbed, chosen.into, "2026-11-20", {})


def _announce(chosen: Namespace) -> dict[str, Any]:
    """Two of the staff sign, as the ladder wants it."""
    more: dict[str, Any] = {"staff": "s-ani", "second_staff": "s-budi", "replaces": chosen.replaces}
    if chosen.explains:
        today = datetime.now(JAKARTA).date()
        until = today + timedelta(days=1)
        more["explains"] = {"kinds": chosen.explains, "from": today.isoformat(), "until": until.isoformat()}
    title, body = (dict(zip(("id", "en"), text, strict=True)) for text in (chosen.title, chosen.body))
    return publish_announcement(
        {"niks": chosen.niks} if chosen.niks else {"all": True}, title, body, chosen.severity, **more
    )
