"""A whole instance, and Chromium in the hands of its demo people."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from io import StringIO
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from rich.console import Console

from app.local.demo_people import find_person
from app.local.run import Running
from app.local.story import Stage, stage
from tests.browser import find_browser

Open = Callable[..., Awaitable["Companion"]]


class Companion:
    """The companion in a browser of its own: one person, one phone. What scripts complain of is in `complaints`."""

    def __init__(self, context: BrowserContext, page: Page, on: Stage, origin: str) -> None:
        self.context, self.page, self.on, self.origin = context, page, on, origin
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if "Content Security" in said.text else None)

    async def enrol(self, name: str) -> None:
        """As somebody would who has only the screen: chooses a demo person, and types the code from the SMS."""
        person = find_person(name)
        seen = len(await self.on.messages.code_texts_to(person.phone))
        await self.page.goto(self.origin)
        await self.page.get_by_role("button", name=person.name).first.click()
        await self.page.get_by_role("button", name="Kirim kode lewat SMS").click()
        code = await self.on.messages.read_code(person.phone, seen=seen)
        await self.page.get_by_label("Kode 8 angka").fill(code)
        await self.page.get_by_role("button", name="Lanjutkan").click()
        await self.page.locator("a.card").first.wait_for()

    async def go(self, where: str) -> None:
        await self.page.goto(f"{self.origin}/#/{where}")

    async def cards(self) -> dict[str, str]:
        """What each card shows, by its number."""
        await self.go("cards")
        await self.page.locator("a.card").first.wait_for()
        shown = [await card.inner_text() for card in await self.page.locator("ul.cards a.card").all()]
        return {"".join(text.split("\n")[0].split()): text for text in shown}


@pytest_asyncio.fixture(scope="session")
async def scene() -> AsyncIterator[tuple[Stage, Running]]:
    with tempfile.TemporaryDirectory(prefix="sepakat-companion-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with stage(folder, Console(file=StringIO())) as (on, running):
            yield on, running


@pytest_asyncio.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def open_companion(chromium: Browser, scene: tuple[Stage, Running]) -> AsyncIterator[Open]:
    """Opens one more browser profile, on a phone's screen, in Indonesian unless told otherwise."""
    opened: list[Companion] = []

    async def open_one(**options: object) -> Companion:
        given = {"viewport": {"width": 390, "height": 844}, "locale": "id-ID"} | options
        context = await chromium.new_context(**given)  # type: ignore[arg-type]
        context.set_default_timeout(15_000)
        opened.append(Companion(context, await context.new_page(), scene[0], scene[1].api))
        return opened[-1]

    yield open_one
    for one in opened:
        await one.context.close()
        assert one.complaints == []
