"""What people do with the companion, in a real browser against the real processes."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, Request, Route
from playwright.async_api import expect as see

from app.local.core import post_contribution, propose_merge
from app.local.demo_people import find_person
from app.local.run import Running
from app.local.story import Stage
from tests.companion.conftest import Open

pytestmark = pytest.mark.browser
AGREE = re.compile("Saya setuju menggabungkan")
Scene = tuple[Stage, Running]


async def acknowledge(page: Page) -> None:
    """Ticks every warning of the plan that is shown."""
    await page.locator(".sides").wait_for()
    for warning in await page.locator(".consequences input").all():
        await warning.check()


async def test_dwi_turns_the_proposal_round_and_agrees_to_what_holds(scene: Scene, open_companion: Open) -> None:
    on, _ = scene
    dwi = await open_companion()
    page = dwi.page
    await dwi.enrol("Dwi")
    old, new = find_person("Dwi").kpjs
    before = await dwi.cards()
    assert "Rp14.265.493" in before[old]
    assert "Rp9.910.352" in before[new]
    await see(page.locator(".total")).to_contain_text("Rp24.175.845")

    (proposed,) = await on.core.send(propose_merge([new], old, "Dua kartu aktif"))
    assert proposed["outcome"] == "applied"
    await see(page.locator(".waiting")).to_contain_text("Belum ada yang berubah", timeout=10_000)  # by the stream
    assert await dwi.cards() == before

    await page.locator(".waiting").click()
    await see(page.get_by_role("radio", checked=True)).to_contain_text(f"{old[:3]} {old[3:7]} {old[7:]}")
    await page.get_by_role("radio", checked=False).click()
    await see(page.get_by_role("radio", checked=True)).to_contain_text(f"{new[:3]} {new[3:7]} {new[7:]}")
    agree = page.get_by_role("button", name=AGREE)
    await see(agree).to_be_disabled()
    await acknowledge(page)

    # Money lands while she reads: what she has on her screen is not what would be done, and she is shown what changed.
    (posted,) = await on.core.send(post_contribution(new, "E003", "2026-11", 324_373, "2026-11-27"))
    assert posted["outcome"] == "applied"
    changed = page.locator(".notice", has_text="Sejak rencana ditampilkan")
    if await agree.is_enabled():
        await agree.click()
    if await changed.count():
        await see(changed).to_contain_text("Rp24.500.218")
    await see(page.locator(".sum")).to_contain_text("Rp24.500.218")
    await acknowledge(page)
    await page.get_by_role("button", name=AGREE).click()
    await see(page.get_by_role("timer")).to_be_visible()

    await on.let_time_pass(20)
    await see(page.get_by_text("dengan persetujuan Anda")).to_be_visible(timeout=40_000)
    async with page.expect_download() as saved:
        await page.get_by_role("button", name="Unduh PDF").click()
    assert (await (await saved.value).path()).read_bytes().startswith(b"%PDF")
    after = await dwi.cards()
    assert "Rp24.500.218" in after[new]
    assert "Sudah digabung" in after[old]
    await page.get_by_label("Cari nomor kartu").fill(old)
    await page.get_by_role("button", name="Cari", exact=True).click()
    await see(page.locator(".search .notice")).to_contain_text("persetujuan Anda")


async def test_sari_agrees_by_passkey_and_cancels_while_there_is_time(open_companion: Open) -> None:
    sari = await open_companion()
    page = sari.page
    devtools = await sari.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    await sari.enrol("Sari")
    before = await sari.cards()
    await sari.go("me/passkeys")
    await page.get_by_role("button", name="Tambahkan passkey").click()
    await see(page.get_by_role("button", name="Hapus")).to_be_visible()

    await sari.go("merges")
    await page.get_by_role("button", name="Lihat rencananya").first.click()
    await acknowledge(page)
    await page.get_by_role("button", name="Setuju dengan passkey").click()
    await see(page.get_by_role("timer")).to_be_visible()
    await page.get_by_role("button", name="Batalkan").click()
    await see(page.get_by_role("heading", name="Dibatalkan")).to_be_visible()
    assert await sari.cards() == before


async def test_without_a_network_the_last_known_state_is_shown_with_its_date_and_an_act_happens_once(
    open_companion: Open,
) -> None:
    bayu = await open_companion()
    page = bayu.page
    await bayu.enrol("Bayu")
    shown = await bayu.cards()
    await page.evaluate("navigator.serviceWorker.ready")
    await page.reload()  # now by the service worker, which keeps every module that it passes on
    await page.locator("a.card").first.wait_for()
    await bayu.context.set_offline(True)
    await page.reload()
    await see(page.get_by_text("Ini keadaan pada")).to_be_visible()
    assert await bayu.cards() == shown
    await bayu.context.set_offline(False)

    # The answer to the first proposal is lost on the way back: the app asks again under the same key.
    lost: list[str] = []

    async def lose(route: Route, request: Request) -> None:
        if request.method == "POST" and not lost:
            lost.append(request.headers["idempotency-key"])
            await route.fetch()
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await page.route("**/v1/merges", lose)
    await bayu.go("merges")
    await page.get_by_role("button", name="Lihat rencananya").first.click()
    await see(page.get_by_text("tidak pernah dua kali")).to_be_visible()
    await page.reload()
    await see(page.get_by_text("sudah dilakukan, satu kali")).to_be_visible()
    await see(page.locator(".list a.item")).to_have_count(1)
    assert len(lost) == 1


async def test_maya_disputes_what_the_core_did_without_her(open_companion: Open) -> None:
    maya = await open_companion()
    page = maya.page
    await maya.enrol("Maya")
    await page.locator(".waiting-reported").click()
    await see(page.get_by_text("Persetujuan Anda tidak ada pada kami")).to_be_visible()
    await page.get_by_label("Yang ingin Anda katakan").fill("Saya tidak pernah ditanya.")
    await page.get_by_role("button", name="Sanggah sekarang").click()
    await see(page.get_by_text("Sanggahan Anda tercatat")).to_be_visible()
    await maya.go("me/cases")
    await see(page.get_by_role("heading", name="Sanggahan")).to_be_visible()


KEEP = """async ([name, at, of]) => {
  const database = await new Promise((done) => { indexedDB.open('sepakat').onsuccess = (e) => done(e.target.result); });
  const mine = await new Promise((done) => {
    database.transaction('mine').objectStore('mine').get('device_id').onsuccess = (e) => done(e.target.result);
  });
  await new Promise((done) => {
    const store = database.transaction('unanswered', 'readwrite');
    const act = { key: name, path: `/v1/${name}`, body: {}, at: Date.now() - at, device: of ?? mine };
    store.objectStore('unanswered').put(act, name);
    store.oncomplete = done;
  });
}"""
END_SESSION = """async () => {
  const database = await new Promise((done) => { indexedDB.open('sepakat').onsuccess = (e) => done(e.target.result); });
  await new Promise((done) => {
    const mine = database.transaction('mine', 'readwrite');
    mine.objectStore('mine').delete('session');
    mine.oncomplete = done;
  });
}"""
SEEN = """async () => {
  const database = await new Promise((done) => { indexedDB.open('sepakat').onsuccess = (e) => done(e.target.result); });
  return new Promise((done) => {
    database.transaction('seen').objectStore('seen').getAll().onsuccess = (e) => done(JSON.stringify(e.target.result));
  });
}"""


@pytest.mark.long
async def test_an_act_of_yesterday_is_not_sent_and_nobody_else_sends_what_was_asked_for_here(
    open_companion: Open,
) -> None:
    agus = await open_companion()
    page = agus.page
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "-act" in request.url else None)
    await agus.enrol("Agus")
    assert find_person("Agus").kpjs[0] in await page.evaluate(SEEN)
    await page.evaluate(KEEP, ["late-act", 2 * 3600 * 1000])
    await page.evaluate(KEEP, ["other-act", 0, "a phone that was here before"])
    await page.reload()
    await see(page.get_by_text("periksa apakah sudah dilakukan")).to_be_visible()
    assert sent == []

    # The session ends without signing out; the next one at this browser is somebody else.
    await page.evaluate(KEEP, ["fresh-act", 0])
    await page.evaluate(END_SESSION)
    await page.reload()
    await agus.enrol("Nur")
    await see(page.locator(".total")).to_be_visible()
    assert sent == []
    assert find_person("Agus").kpjs[0] not in await page.evaluate(SEEN)


@pytest.mark.long
async def test_a_window_that_shows_somebody_else_acts_for_nobody(open_companion: Open) -> None:
    """Two windows of one browser: in one the next person enrols, while the other still shows the one before."""
    lina = await open_companion()
    await lina.enrol("Lina")
    window = lina.page
    await window.evaluate("import('/companion/js/api.js')")
    lina.page = await lina.context.new_page()
    await lina.page.goto(lina.origin)
    await lina.page.locator("a.card").first.wait_for()
    await lina.page.evaluate(END_SESSION)
    await lina.page.reload()
    await lina.enrol("Putri")
    sent: list[str] = []
    window.on("request", lambda asked: sent.append(asked.headers["authorization"]) if "/lock" in asked.url else None)
    await window.route("**/lock", lambda route: route.fulfill(status=401, json={"code": "not_signed_in"}))
    async with window.expect_navigation():
        await window.evaluate(
            "import('/companion/js/api.js').then(({ post }) => post('/v1/cards/x/lock').catch(() => {}))"
        )
    await see(window.get_by_role("heading", name=f"Halo, {find_person('Putri').name.split()[0]}")).to_be_visible()
    assert len(sent) == 1, "with the token of whoever was shown, and not once more as the next one"


async def test_a_tick_holds_for_the_plan_that_it_was_put_on(open_companion: Open) -> None:
    """Who turned the plan round meanwhile, on another phone, has agreed to nothing on this one."""
    hendra = await open_companion()
    page = hendra.page
    await hendra.enrol("Hendra")
    await hendra.go("merges")
    await page.get_by_role("button", name="Lihat rencananya").first.click()
    await acknowledge(page)
    agree = page.get_by_role("button", name=AGREE)
    await see(agree).to_be_enabled()
    other = await page.get_by_role("radio", checked=False).locator(".kpj").inner_text()
    await page.evaluate(
        """async ([path, into]) => {
            const { post, events } = await import('/companion/js/api.js');
            await post(path, { into });
            events.dispatchEvent(new CustomEvent('changed'));
        }""",
        ["/v1" + page.url.partition("#")[2] + "/survivor", "".join(other.split())],
    )
    await see(page.get_by_role("radio", checked=True)).to_contain_text(other)
    await see(page.locator(".consequences input")).not_to_have_count(0)
    await see(page.locator(".consequences input:checked")).to_have_count(0)
