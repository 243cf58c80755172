"""Passkeys in a real browser: Chromium makes them, signs in with them and confirms a merge, against the API over HTTP.

Its virtual authenticator stands for the device's: https://w3c.github.io/webauthn/#sctn-automation, over Chromium's DevTools.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser as Chromium
from playwright.async_api import CDPSession, Page, async_playwright

from app.local.ports import find_free_port
from app.local.servers import Postgres, Valkey
from app.verify.__main__ import verify
from tests.api_process import api_process
from tests.browser import find_browser
from tests.conftest import Database, settings_for
from tests.merges.conftest import Settle, cool_off, settle_due, wait
from tests.merges.merged import NEW, OLD
from tests.passkeys.authenticator import ask_options
from tests.people import Person, Phone, add_person

__all__ = ["cool_off", "settle_due", "wait"]

pytestmark = pytest.mark.browser
SCRIPT = (Path(__file__).parent / "passkey_page.js").read_text(encoding="utf-8")
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Browser(msgspec.Struct, frozen=True):
    """A page of ours in Chromium, and the authenticator that it finds."""

    api: httpx.AsyncClient
    page: Page
    devtools: CDPSession
    authenticator: str

    async def run(self, script: str, *arguments: Any) -> Any:
        """Calls what passkey_page.js has put into the page."""
        return await self.page.evaluate(f"given => {script}(...given)", list(arguments))

    async def set_verified(self, *, verified: bool) -> None:
        """Whether the person shows a finger, a face or a PIN when they are asked to."""
        await self.devtools.send(
            "WebAuthn.setUserVerified", {"authenticatorId": self.authenticator, "isUserVerified": verified}
        )


@pytest_asyncio.fixture(scope="module")
async def served(
    database: Database, servers: tuple[Postgres, Valkey], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[httpx.AsyncClient, str, Chromium]]:
    """The API in a process of its own, the origin that it is found at, and Chromium."""
    port = find_free_port()
    origin = f"http://localhost:{port}"
    settings = msgspec.structs.replace(settings_for(database, servers[1], "sepakat_api"), public_origin=origin)
    log = tmp_path_factory.mktemp("api") / "api.log"
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(api_process(settings, log, port=port))
        playwright = await stack.enter_async_context(async_playwright())
        chromium = await playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        stack.push_async_callback(chromium.close)
        yield api, origin, chromium


@pytest_asyncio.fixture
async def browser(served: tuple[httpx.AsyncClient, str, Chromium]) -> AsyncIterator[Browser]:
    """A page with a fresh authenticator, in a profile of its own."""
    api, origin, chromium = served
    page = await chromium.new_page()
    await page.goto(f"{origin}/docs")
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    added = await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    await page.evaluate(SCRIPT)
    yield Browser(api, page, devtools, added["authenticatorId"])
    await page.close()


async def add(browser: Browser, person: Person) -> tuple[Phone, dict[str, Any]]:
    """The browser makes a passkey, and the person's phone vouches for it."""
    phone = await Phone(browser.api).enrol(person)
    asked = await ask_options(phone)
    made = await browser.run("make", asked["options"])
    proof = (await phone.prove("add_key", made["id"], nonce=asked["nonce"]))["proof"]
    body = {"name": "Chromium", "credential": made["credential"], "nonce": asked["nonce"], "proof": proof}
    added = await phone.post("/v1/passkeys", body)
    assert added.status_code == 201, added.text
    assert added.json()["passkey_id"] == made["id"], "the page and the API read the same key"
    return phone, added.json()


async def test_a_passkey_is_made_signs_in_and_confirms_a_merge(
    browser: Browser, database: Database, api: httpx.AsyncClient, cool_off: Settle
) -> None:
    person = await add_person(database, OLD, NEW)
    phone, passkey = await add(browser, person)

    signed_in = await browser.run("signIn")
    assert signed_in["status"] == 201, signed_in
    me = (await browser.run("ask", "GET", "/v1/me", None))["body"]
    assert (me["device_id"], me["passkey_id"]) == (None, passkey["passkey_id"])

    old, new = person.kpjs
    merge = (await browser.run("ask", "POST", "/v1/merges", {"absorb": [old], "into": new}))["body"]
    confirmed = await browser.run("confirm", merge)
    assert (confirmed["status"], confirmed["body"]["state"]) == (200, "confirmed"), confirmed
    await cool_off()
    receipt = (await phone.get(f"/v1/merges/{merge['id']}/receipt")).content
    keys = (await api.get("/.well-known/jwks.json")).json()
    assert f"merge: the passkey {passkey['passkey_id']} signed exactly that plan" in verify("receipt", receipt, keys)
    assert verify("history", (await phone.get("/v1/me/export")).content, keys)


async def test_without_a_finger_face_or_pin_nobody_signs_in(browser: Browser, database: Database) -> None:
    await add(browser, await add_person(database))
    await browser.set_verified(verified=False)
    with pytest.raises(Exception, match="NotAllowedError"):
        await browser.run("signIn")
    await browser.set_verified(verified=True)
    assert (await browser.run("signIn"))["status"] == 201


async def test_the_browser_makes_no_second_passkey_where_there_is_one(browser: Browser, database: Database) -> None:
    phone, _ = await add(browser, await add_person(database))
    asked = await ask_options(phone)
    with pytest.raises(Exception, match="InvalidStateError"):
        await browser.run("make", asked["options"])
