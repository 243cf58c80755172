"""The companion for everybody: WCAG 2.2 AA by axe on every screen, small, and in both languages without a gap."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page
from playwright.async_api import expect as see

from app.companion.serve import STATIC
from app.local.run import Running
from app.local.story import Stage
from tests.companion.conftest import Open

pytestmark = pytest.mark.browser
SCREENS = ["cards", "merges", "inbox", "me", "me/devices", "me/passkeys", "me/sessions", "me/notifications"]
SCREENS += ["me/access", "me/consents", "me/cases", "me/contact", "me/corrections", "me/matches", "me/support", "phone"]
RULES: dict[str, dict[str, Any]] = {
    "light": {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "dark": {"runOnly": {"type": "rule", "values": ["color-contrast"]}},  # nothing but the colours differs
}
FIRST_VIEW_BYTES = 100_000
NARROW = 320  # CSS pixels, WCAG 1.4.10


async def findings(page: Page, theme: str) -> list[str]:
    await see(page.locator(".loading")).to_have_count(0)
    found: list[dict[str, Any]] = (await Axe().run(page, options=RULES[theme])).response["violations"]
    return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]


@pytest.mark.long
async def test_axe_finds_nothing_on_any_screen_in_either_theme_and_none_is_cut_off(open_companion: Open) -> None:
    wati = await open_companion()
    page = wati.page
    found: dict[str, list[str]] = {}

    async def look(screen: str) -> None:
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme=theme)
            found[f"{screen}, {theme}"] = await findings(page, theme)
        await page.set_viewport_size({"width": NARROW, "height": 700})
        wide = await page.evaluate("document.documentElement.scrollWidth")
        found[f"{screen}, narrow"] = [f"{wide} px wide"] if wide > NARROW else []
        await page.set_viewport_size({"width": 390, "height": 844})

    await page.goto(wati.origin)
    await page.get_by_role("button", name="Wati Ningsih").wait_for()
    await look("enrol")
    await wati.enrol("Wati")
    for screen in SCREENS:
        await wati.go(screen)
        await page.get_by_role("heading", level=1).wait_for()
        await look(screen)
    await wati.go("cards")
    await page.locator("a.card").first.click()
    await page.locator(".statement").first.wait_for()
    await look("card")
    await wati.go("cards")
    await page.locator(".growth summary").first.click()
    await page.get_by_text("Sebagai tabel").click()
    await look("growth")
    await wati.go("merges")
    await page.get_by_role("button", name="Lihat rencananya").first.click()
    await page.locator(".side").first.wait_for()
    await look("merge")
    assert {screen: what for screen, what in found.items() if what} == {}
    assert len(found) == 3 * (len(SCREENS) + 4)


@pytest.mark.parametrize("width", [320, 768, 1280])
async def test_nothing_is_cut_off_at_any_width(open_companion: Open, width: int) -> None:
    page = (one := await open_companion(viewport={"width": width, "height": 700})).page
    await page.goto(one.origin)
    await page.get_by_role("button", name="Lina Marpaung").wait_for()
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_the_first_view_is_small(open_companion: Open, scene: tuple[Stage, Running]) -> None:
    one = await open_companion()
    devtools = await one.context.new_cdp_session(one.page)
    await devtools.send("Network.enable")
    sizes: list[float] = []
    devtools.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    await one.page.goto(scene[1].api)
    await one.page.get_by_role("button", name="Kirim kode lewat SMS").wait_for()
    assert 10_000 < sum(sizes) <= FIRST_VIEW_BYTES


def words(file: str) -> set[str]:
    return set(re.findall(r"[{,\s](\w+): '", (STATIC / "js" / file).read_text(encoding="utf-8")))


def test_both_languages_have_the_same_words() -> None:
    assert words("words-id.js") == words("words-en.js")
    assert len(words("words-id.js")) > 200


def test_every_word_that_a_screen_names_exists() -> None:
    named = {
        name
        for file in (STATIC / "js").rglob("*.js")
        for name in re.findall(r"\bt\('(\w+)'", file.read_text(encoding="utf-8"))
    }
    assert named - words("words-id.js") == set()
    assert len(named) > 100


def test_the_manifest_names_files_that_are_there() -> None:
    manifest = json.loads((STATIC / "manifest.webmanifest").read_text(encoding="utf-8"))
    for icon in manifest["icons"]:
        assert (STATIC / Path(icon["src"]).relative_to("/companion")).is_file()


def test_the_worker_keeps_every_screen_so_that_all_open_without_a_network() -> None:
    (listed,) = re.findall(r"const MODULES = \[([^\]]*)\]", (STATIC / "sw.js").read_text(encoding="utf-8"))
    there = {file.relative_to(STATIC / "js").with_suffix("").as_posix() for file in (STATIC / "js").rglob("*.js")}
    assert set(re.findall(r"'([\w/-]+)'", listed)) == there


def test_the_page_asks_at_once_for_all_that_the_first_view_imports() -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    asked = set(re.findall(r'href="/companion/(\S+\.js)"', page))
    needed, waiting = set(), ["js/main.js", "js/screens/enrol.js", "js/words-id.js"]
    while waiting:
        name = waiting.pop()
        needed.add(name)
        text = (STATIC / name).read_text(encoding="utf-8")
        found = {(Path(name).parent / one) for one in re.findall(r"^import [^;]* from '([^']+)'", text, re.MULTILINE)}
        imported = {(STATIC / one).resolve().relative_to(STATIC).as_posix() for one in found}
        waiting += imported - needed
    assert needed - {"js/main.js"} == asked
