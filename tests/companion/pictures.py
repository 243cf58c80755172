"""`python -m tests.companion.pictures FOLDER`: every screen, in both languages, both themes and three widths, as PNG.

Brings up an instance of its own, and the demo people to where there is something to see. `--best FOLDER` writes the six
of the README besides. Some 300 pictures take about two minutes; `--only cards,merge-proposed`, `--widths`, `--themes` and
`--languages` make fewer.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright
from rich.console import Console

from app.local.core import propose_merge, publish_announcement
from app.local.demo_people import find_person
from app.local.story import Stage, stage
from tests.browser import find_browser
from tests.companion.conftest import Companion

COOLING_OFF_S = 43_200
SETTINGS = [
    *("contact", "corrections", "matches", "support", "devices", "passkeys", "sessions", "notifications"),
    *("access", "consents", "cases"),
]
BEST = {  # a screen and its theme, for the README
    "cards": "light",
    "merge-proposed": "light",
    "merge-confirmed": "dark",
    "receipt": "light",
    "inbox": "dark",
    "merge-reported": "light",
}
PHONE = {"width": 390, "height": 844}
BEST_WIDE = 585  # pixels: one and a half for each of the phone's
HEIGHTS = {320: 640, 390: 844, 1280: 800}


class Screen:
    """Where a screen is, whose it is, and what has to be there before the picture is taken."""

    def __init__(self, name: str, whose: str, where: str, ready: str = "main") -> None:
        self.name, self.whose, self.where, self.ready = name, whose, where, ready


async def prepare(on: Stage, open_one: Callable[[], Awaitable[Companion]]) -> tuple[dict[str, Companion], list[Screen]]:
    """Everybody is signed in, and merges stand in each of their states."""
    people = {name: await open_one() for name in ("Bayu", "Dwi", "Sari", "Nur", "Putri", "Agus")}
    for name, one in people.items():
        await one.enrol(name)
    executed = await _agree(people["Bayu"])
    await on.let_time_pass(COOLING_OFF_S + 60)
    await people["Sari"].page.clock.set_system_time(datetime.now(UTC) + timedelta(seconds=COOLING_OFF_S + 60))
    await people["Bayu"].page.get_by_text("Tanda terima", exact=True).wait_for(timeout=60_000)
    confirmed = await _agree(people["Sari"])
    old, new = find_person("Dwi").kpjs
    await on.core.send(
        propose_merge([new], old, "Dua kartu aktif"),
        publish_announcement(
            {"niks": [find_person("Dwi").nik]},
            {"id": "Mengapa ada usulan ini", "en": "Why there is a proposal"},
            {
                "id": "Bulan ini kami mengusulkan penggabungan kepada peserta dengan dua kartu. Anda yang memutuskan.",
                "en": "This month we propose merges to people who hold two cards. It is for you to decide.",
            },
            "info",
            explains={"kinds": ["merge_proposed"], "from": "2026-01-01", "until": "2026-12-31"},
        ),
    )
    await people["Dwi"].page.locator(".waiting").wait_for()
    frozen = await _freeze(people["Putri"])
    reported = await _follow(people["Nur"], ".waiting-reported")
    proposed = await _follow(people["Dwi"], ".waiting")
    card = await _follow(people["Dwi"], "a.card >> nth=-1")
    await people["Dwi"].go("cards")
    screens = [
        Screen("cards", "Dwi", "cards", "a.card"),
        Screen("card", "Dwi", card, ".statement li"),
        Screen("merges", "Dwi", "merges", ".list a.item"),
        Screen("merge-proposed", "Dwi", proposed, ".sides"),
        Screen("merge-confirmed", "Sari", confirmed, ".countdown"),
        Screen("merge-executed", "Bayu", executed, ".sides"),
        Screen("receipt", "Bayu", f"{executed}/receipt", ".act"),
        Screen("merge-reported", "Nur", reported, ".panel"),
        Screen("card-frozen", "Putri", frozen, ".frozen"),
        Screen("inbox", "Dwi", "inbox", ".entry"),
        Screen("me", "Dwi", "me", ".language"),
        *(Screen(f"me-{one}", "Agus" if one == "matches" else "Dwi", f"me/{one}") for one in SETTINGS),
        Screen("phone", "Dwi", "phone", ".bubble"),
    ]
    return people, screens


async def _agree(one: Companion) -> str:
    """Agrees to the first merge that could be made; returns where it is."""
    page = one.page
    await one.go("merges")
    await page.get_by_role("button", name="Lihat rencananya").first.click()
    await page.locator(".sides").wait_for()
    for warning in await page.locator(".consequences input").all():
        await warning.check()
    await page.get_by_role("button", name="Saya setuju menggabungkan").click()
    await page.get_by_role("timer").wait_for()
    return page.url.partition("#/")[2]


async def _follow(one: Companion, what: str) -> str:
    await one.go("cards")
    await one.page.locator(what).first.click()
    return one.page.url.partition("#/")[2]


async def _freeze(one: Companion) -> str:
    """By the STOP link of a message; returns where the first card is."""
    await one.go("phone")
    await one.page.goto(await one.page.locator("a[href*='/stop/']").first.inner_text())
    await one.page.get_by_role("button", name="STOP").first.click()
    await one.page.goto(one.origin)
    return await _follow(one, "a.card")


async def speak(one: Companion, language: str) -> None:
    """As a person would: by the two buttons under "me"."""
    await one.go("me")
    async with one.page.expect_response("**/v1/me/preferences"):
        await one.page.locator(f".language button[lang={language}]").click()


async def settle(page: Page, ready: str) -> None:
    """Returns when there is something to see, and nothing is being loaded."""
    await page.locator(ready).first.wait_for()
    await page.locator(".loading:visible").first.wait_for(state="detached")
    await page.evaluate("document.fonts.ready")


async def take(browser: Browser, on: Stage, origin: str, wanted: argparse.Namespace) -> int:
    """Writes the pictures; returns how many."""

    async def open_one() -> Companion:
        context = await browser.new_context(viewport=PHONE, locale="id-ID", device_scale_factor=wanted.scale)  # type: ignore[arg-type]
        return Companion(context, await context.new_page(), on, origin)

    taken = 0
    stranger = await open_one()
    people, screens = await prepare(on, open_one)
    people["nobody"] = stranger
    screens.insert(0, Screen("enrol", "nobody", "", ".demo li"))
    chosen = [one for one in screens if not wanted.only or one.name in wanted.only]
    for language in wanted.languages:
        for name in {one.whose for one in chosen}:
            if name == "nobody":
                await stranger.page.goto(origin)
                await stranger.page.locator(f".language button[lang={language}]").click()
            else:
                await speak(people[name], language)
        for screen in chosen:
            one = people[screen.whose]
            await one.go(screen.where)
            await settle(one.page, screen.ready)
            for width in wanted.widths:
                await _show_all(one.page, width)
                for theme in wanted.themes:
                    await one.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                    file = wanted.folder / f"{screen.name}-{language}-{width}-{theme}.png"
                    await one.page.screenshot(path=file)
                    taken += 1
            if wanted.best and language == wanted.languages[0] and screen.name in BEST:
                await _take_best(one.page, screen.name, wanted.best)
    return taken


async def _show_all(page: Page, width: int) -> None:
    """A window as high as the page, so that what is fixed to its lower edge covers nothing in the middle."""
    await page.set_viewport_size({"width": width, "height": HEIGHTS.get(width, 844)})
    high = await page.evaluate("document.documentElement.scrollHeight")
    await page.set_viewport_size({"width": width, "height": high})


async def _take_best(page: Page, name: str, folder: Path) -> None:
    """One phone's screen, small enough for a README."""
    await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    await page.emulate_media(color_scheme=BEST[name], reduced_motion="reduce")  # type: ignore[arg-type]
    await page.evaluate("scrollTo(0, 0)")
    picture = Image.open(BytesIO(await page.screenshot()))
    small = picture.convert("RGB").resize(
        (BEST_WIDE, BEST_WIDE * picture.height // picture.width), Image.Resampling.LANCZOS
    )
    folder.mkdir(parents=True, exist_ok=True)
    small.save(folder / f"{name}.webp", quality=80, method=6)


async def run(wanted: argparse.Namespace) -> None:
    """An instance, a browser, and the pictures."""
    wanted.folder.mkdir(parents=True, exist_ok=True)
    settings = {"SEPAKAT_MERGE_COOLING_OFF_S": str(COOLING_OFF_S)}
    with tempfile.TemporaryDirectory(prefix="sepakat-pictures-") as name:
        Path(name).chmod(0o755)
        async with (
            stage(Path(name), Console(file=StringIO()), settings=settings) as (on, running),
            async_playwright() as playwright,
        ):
            browser = await playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
            taken = await take(browser, on, running.api, wanted)
            await browser.close()
    print(f"{taken} pictures in {wanted.folder}")  # noqa: T201


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What to take, and where to."""

    def words(text: str) -> list[str]:
        return text.split(",")

    def numbers(text: str) -> list[int]:
        return [int(one) for one in text.split(",")]

    parser = argparse.ArgumentParser(prog="python -m tests.companion.pictures", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--best", type=Path, help="a folder for the six of the README")
    parser.add_argument("--only", type=words, default=[], help="names of screens")
    parser.add_argument("--languages", type=words, default=["id", "en"])
    parser.add_argument("--themes", type=words, default=["light", "dark"])
    parser.add_argument("--widths", type=numbers, default=[320, 390, 1280])
    parser.add_argument("--scale", type=float, default=1.0, help="pixels of the picture for each of the page")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    asyncio.run(run(read_arguments()))
