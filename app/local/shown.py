"""What `sepakat phone` prints of the API's answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from app.local.demo_people import DemoPerson
from app.local.phone import Phone
from app.local.story import Stage, push_target, rupiah, wall_time


def show_answer(stage: Stage, answer: httpx.Response) -> int:
    """A merge, or the problem that was answered instead; 1 for a problem."""
    if not answer.is_success:
        problem = answer.json()
        stage.see(f"{problem['status']} {problem['code']}: {problem['detail']}")
        for error in problem.get("errors", ()):
            stage.see(f"  {error['field']}: {error['reason']}")
        return 1
    show_merge(stage, answer.json())
    return 0


def show_all(
    stage: Stage, show: Callable[[Stage, dict[str, Any]], None], items: list[dict[str, Any]], none: str
) -> None:
    """Each of them, or a line that says that there is none."""
    for item in items:
        show(stage, item)
    if not items:
        stage.see(none)


def show_merge(stage: Stage, merge: dict[str, Any]) -> None:
    """State, cards and what comes next."""
    core = f"  core: {merge['core']}" if merge["core"] else ""
    stage.see(f"[bold]{merge['state']}[/bold]  {', '.join(merge['absorb'])} → {merge['into']}  {merge['id']}{core}")
    if merge["state"] == "confirmed" and merge["waits_for_core_since"]:
        since = wall_time(merge["waits_for_core_since"])
        stage.see(f"waits for the agency since {since:%Y-%m-%d %H.%M.%S} WIB; until it reports, `cancel` cancels it")
    elif merge["state"] == "confirmed":
        at = wall_time(merge["executes_at"])
        stage.see(f"executes at {at:%Y-%m-%d %H.%M.%S} WIB; until then `cancel` cancels it")
    elif merge["state"] == "proposed":
        stage.see(f"afterwards {rupiah(merge['plan']['total_after'])}")
        for text in merge["plan"]["texts"]:
            stage.see(f"{text['severity']}: {text['text']}")


def show_case(stage: Stage, case: dict[str, Any]) -> None:
    """What staff have to answer, and until when."""
    waits = f"staff answer until {wall_time(case['due_at']):%Y-%m-%d %H.%M} WIB"
    stage.see(f"[bold]{case['kind']}[/bold]  {case['decision'] or waits}  {case['id']}")
    if case["figures"] and "theirs" in case["figures"]:
        ours, theirs = (rupiah(case["figures"][whose]) for whose in ("ours", "theirs"))
        stage.see(f"  card {case['kpj']}: here {ours}, in the core {theirs}")
    elif case["figures"]:
        stage.see(f"  {case['figures']['obstacle']}")
    if case["correction"]:
        stage.see(f"  {case['correction']['field']}: {case['correction']['wanted']}")
    for text in filter(None, (case["statement"], case["reason"])):
        stage.see(f"  {text}")


async def show_messages(stage: Stage, phone: Phone, person: DemoPerson) -> None:
    """In the order in which they arrived; pushes are those to this phone."""
    for message in await stage.messages.all():
        at = f"{wall_time(message['at']):%H.%M.%S}"
        match message:
            case {"channel": "push", "target": {"value": value}} if value == push_target(phone):
                sent = message["message"]
                sent = sent["android"] if message["target"]["kind"] == "hms" else sent
                stage.see(f"{at}  push  {sent['notification']['title']}")
                data = message["message"]["data"]
                data = msgspec.json.decode(data) if isinstance(data, str) else data
                for entry in phone.push_key.read_push(data) if phone.push_key else ():
                    stage.see(f"                [bold]{entry['title']}.[/bold] {entry['body']}")
            case {"channel": "sms", "to": to} if to == person.phone:
                stage.see(f"{at}  sms   {message['text']}")
            case {"channel": "mail", "to": to} if to == person.email:
                stage.see(f"{at}  mail  [bold]{message['subject']}[/bold]")
                for line in filter(None, message["text"].splitlines()):
                    stage.see(f"                {line}")


async def show_heard(stage: Stage) -> int:
    """The webhooks that the core took."""
    for told in await stage.messages.all():
        if told["channel"] == "core":
            data = told["data"]
            about = data.get("merge_id") or f"{data['channel']} {data['value']}"
            cards = f"  {', '.join(data['absorb'])} → {data['into']}" if "absorb" in data else ""
            stage.see(f"{wall_time(told['at']):%H.%M.%S}  {told['type']:<18} {about}{cards}")
    return 0


def show_options(stage: Stage, options: list[dict[str, Any]]) -> None:
    """Which cards may be merged into which, and why not."""
    for option in options:
        word = "recommended" if option["recommended"] else "possible" if option["allowed"] else "not possible"
        stage.see(f"[bold]{word}[/bold]  {', '.join(option['absorb'])} → {option['into']}")
        for item in (*option["reasons"], *option["warnings"]):
            stage.see(f"  {item['text']}")


def show_card(stage: Stage, answer: httpx.Response) -> int:
    """The card behind a number, with its explanation."""
    if not answer.is_success:
        return show_answer(stage, answer)
    card = answer.json()
    stage.see(f"card {card['kpj']}  {card['status']}  {rupiah(card['balance'])}")
    stage.see(card["explanation"]["text"])
    return 0
