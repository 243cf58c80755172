"""`python -m tests.companion.measure`: what the first view weighs, and when it can be used on a cheap phone over a slow network.

Chromium's own throttling by the DevTools protocol: a processor four times slower, 1.6 Mbit/s down, 300 ms for each answer,
nothing cached. *Interactive* is when the form is there and the last long task of starting is over.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from io import StringIO
from pathlib import Path
from statistics import median

from playwright.async_api import Browser, async_playwright
from rich.console import Console

from app.local.story import stage
from tests.browser import find_browser

RUNS = 5
MOST_BYTES, MOST_S = 100_000, 2.0
NETWORK = {"offline": False, "latency": 300, "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8}
CPU_SLOWDOWN = 4
WATCH = """
    window.started = {form: 0, busy: 0};
    new PerformanceObserver((list) => {
      for (const one of list.getEntries()) started.busy = Math.max(started.busy, one.startTime + one.duration);
    }).observe({type: 'longtask', buffered: true});
    new MutationObserver(() => {
      if (!started.form && document.querySelector('form .button')) started.form = performance.now();
    }).observe(document, {childList: true, subtree: true});
"""
QUIET_MS = 1500  # no long task comes after this; what it had to say is said


class Start:
    """One cold start: bytes as they went over the wire, requests, and seconds until it can be used."""

    def __init__(self, sizes: list[float], interactive_s: float) -> None:
        self.bytes, self.requests, self.interactive_s = int(sum(sizes)), len(sizes), interactive_s


async def start_cold(browser: Browser, origin: str) -> Start:
    """Opens the companion as a stranger does."""
    context = await browser.new_context(viewport={"width": 360, "height": 640}, locale="id-ID", service_workers="block")
    page = await context.new_page()
    devtools = await context.new_cdp_session(page)
    await devtools.send("Network.enable")
    await devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    await devtools.send("Network.emulateNetworkConditions", NETWORK)
    await devtools.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
    sizes: list[float] = []
    devtools.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    await page.add_init_script(WATCH)
    await page.goto(origin)
    await page.locator("form .button").wait_for()
    weighed = list(sizes)
    await page.wait_for_timeout(QUIET_MS)
    started = await page.evaluate("started")
    await context.close()
    return Start(weighed, max(started["form"], started["busy"]) / 1000)


async def run() -> bool:
    """Measures on an instance of its own; says whether the first view keeps to its limits."""
    with tempfile.TemporaryDirectory(prefix="sepakat-measure-") as name:
        Path(name).chmod(0o755)
        async with stage(Path(name), Console(file=StringIO())) as (_, running), async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
            starts = [await start_cold(browser, running.api) for _ in range(RUNS)]
            await browser.close()
    heavy, slow = max(one.bytes for one in starts), median(one.interactive_s for one in starts)
    print(f"first view: {heavy:,} bytes in {starts[0].requests} requests (limit {MOST_BYTES:,})")  # noqa: T201
    each = ", ".join(f"{one.interactive_s:.2f}" for one in starts)
    print(f"interactive: {slow:.2f} s, the median of {each} (limit {MOST_S} s)")  # noqa: T201
    return heavy <= MOST_BYTES and slow <= MOST_S


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(run()) else 1)
