"""What else people do with the companion: each in a browser of their own, on one instance."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from PIL import Image
from playwright.async_api import FilePayload, Route
from playwright.async_api import expect as see

from app.identity.branch_code import branch_code_sha256
from app.local.core import issue_branch_code, post_contribution, publish_announcement
from app.local.demo_people import find_person
from app.local.run import Running
from app.local.story import Stage
from app.platform.clock import JAKARTA
from tests.companion.conftest import Open

pytestmark = pytest.mark.browser
Scene = tuple[Stage, Running]


async def test_nothing_is_shown_that_the_installation_does_not_serve(open_companion: Open) -> None:
    rina = await open_companion()
    page = rina.page
    await rina.enrol("Rina")
    await rina.go("me")
    links = page.locator("main .list a")
    await see(links.filter(has_text="Passkey")).to_be_visible()
    before = await links.count()

    async def serve_less(route: Route) -> None:
        works = await (await route.fetch()).json()
        gone = ("/v1/support-codes", "/v1/possible-matches", "/v1/me/export", "/v1/cards/resolve")
        works["routes"] = [one for one in works["routes"] if not one.endswith(gone)]
        await route.fulfill(json=works | {"proofs": ["device_key"], "channels": ["push", "sms"]})

    await page.route("**/v1/capabilities", serve_less)
    await page.reload()
    await see(links).to_have_count(before - 3)  # no passkeys, no possible matches, no support code
    await see(page.get_by_role("button", name="Unduh data saya")).to_have_count(0)
    await rina.go("me/notifications")
    await see(page.get_by_role("switch").first).to_be_visible()
    await see(page.get_by_role("switch", name="E-mail")).to_have_count(0)
    await rina.cards()
    await see(page.get_by_label("Cari nomor kartu")).to_have_count(0)


async def test_stop_freezes_and_a_code_of_a_branch_lifts_it_from_a_young_phone(
    scene: Scene, open_companion: Open
) -> None:
    on, _ = scene
    putri, person = await open_companion(), find_person("Putri")
    page = putri.page
    await putri.enrol("Putri")
    await putri.go("phone")
    await page.goto(await page.locator("a[href*='/stop/']").first.inner_text())
    await page.get_by_role("button", name="STOP").first.click()
    await putri.cards()
    await page.get_by_role("link", name="Kartu Anda dibekukan").click()
    lift = page.get_by_role("button", name="Cabut pembekuan semua kartu")
    await lift.click()
    await see(page.get_by_text("Kunci ponsel ini masih baru")).to_be_visible()  # 72 hours have not passed

    code, soon = "7KQM-2WXE-H9TD-RB4F", datetime.now(UTC) + timedelta(days=1)
    (issued,) = await on.core.send(issue_branch_code(person.nik, branch_code_sha256(code), soon, "Cikarang"))
    assert issued["outcome"] == "applied", issued
    await page.get_by_text("Saya punya kode dari kantor cabang").click()
    await page.get_by_label("Kode cabang").fill(code)
    await lift.click()
    await see(lift).to_have_count(0)
    assert not any("Dibekukan" in shown for shown in (await putri.cards()).values())


async def test_joko_changes_his_number_by_a_code_to_the_new_one(scene: Scene, open_companion: Open) -> None:
    on, _ = scene
    joko = await open_companion()
    page = joko.page
    await joko.enrol("Joko")
    await joko.go("me/contact")
    await page.get_by_label("Nomor ponsel baru").fill("0812 9999 0042")
    await page.get_by_role("button", name="Kirim kode ke kontak baru").click()
    await page.get_by_text("dikirim ke •••042").wait_for()
    await page.reload()  # what waits for its code is not forgotten
    await page.get_by_label("Kode 8 angka").fill(await on.messages.read_code("+6281299990042", seen=0))
    await page.get_by_role("button", name="Lanjutkan").click()
    await see(page.get_by_text("Sudah diganti menjadi •••042")).to_be_visible()
    await see(page.locator("dl")).to_contain_text("•••042")


async def test_agus_claims_a_card_with_a_photo_and_makes_a_code_for_staff(open_companion: Open) -> None:
    agus = await open_companion()
    page = agus.page
    await agus.enrol("Agus")
    await agus.go("me/matches")
    claim = page.get_by_role("button", name="Ini kartu saya")
    await see(claim).to_be_disabled()
    photo = BytesIO()
    Image.new("RGB", (60, 40), "white").save(photo, "JPEG")
    file = FilePayload(name="paklaring.jpg", mimeType="image/jpeg", buffer=photo.getvalue())
    await page.get_by_label("Foto atau berkas").set_input_files(file)
    await page.get_by_role("button", name="Kirim", exact=True).click()
    await see(page.get_by_text("1 berkas terkirim")).to_be_visible()
    await claim.click()
    await see(page.get_by_text("Anda ajukan, sedang diperiksa")).to_be_visible()

    await agus.go("me/support")
    await page.get_by_role("button", name="Buat kode bantuan").click()
    await see(page.locator(".spoken")).to_have_text(re.compile(r"^[0-9A-Z]{4}-[0-9A-Z]{4}$"))


async def test_an_announcement_stands_beside_what_it_explains_and_the_inbox_stays_where_it_is_read(
    scene: Scene, open_companion: Open
) -> None:
    on, _ = scene
    lina, person = await open_companion(), find_person("Lina")
    page = lina.page
    await lina.enrol("Lina")
    await lina.go("inbox")
    kpj = person.kpjs[-1]
    posted = [post_contribution(kpj, "E003", f"2026-{month:02}", 100_000 + month, "2026-11-27") for month in (9, 10)]
    assert [one["outcome"] for one in await on.core.send(*posted)] == ["applied", "applied"]
    entries = page.locator(".entry")
    await see(entries.filter(has_text="100.010")).to_be_visible()

    today = datetime.now(JAKARTA).date()
    told = publish_announcement(
        {"niks": [person.nik]},
        {"id": "Iuran susulan", "en": "Late contributions"},
        {"id": "Iuran yang terlambat dibukukan minggu ini.", "en": "Late contributions are booked this week."},
        "info",
        explains={
            "kinds": ["contribution_posted", "late_contribution_posted"],
            "from": str(today),
            "until": str(today),
        },
    )
    assert [one["outcome"] for one in await on.core.send(told)] == ["applied"]
    await see(entries.first).to_contain_text("Iuran susulan", timeout=20_000)
    beside = entries.filter(has_text="100.010").get_by_text("Penjelasan resmi: Iuran susulan")
    await beside.click()
    await see(entries.filter(has_text="100.010")).to_contain_text("dibukukan minggu ini")

    reading = entries.filter(has_text="100.009")
    await reading.evaluate("one => scrollTo(0, one.offsetTop - 100)")
    before = await reading.evaluate("one => one.getBoundingClientRect().top")
    seen = await entries.count()
    await on.core.send(post_contribution(kpj, "E003", "2026-08", 100_008, "2026-11-27"))
    await see(entries).to_have_count(seen + 1)
    assert abs(await reading.evaluate("one => one.getBoundingClientRect().top") - before) < 2

    await page.get_by_label("Tampilkan").select_option(index=1)
    await see(page.locator(".entry").filter(has_text="Ponsel baru ditambahkan")).to_have_count(0)
    await page.get_by_label("Tampilkan").select_option(label="Semua pesan")
    added = page.locator(".entry").filter(has_text="Ponsel baru ditambahkan").first
    await see(added.get_by_role("link", name="Bukan saya")).to_have_attribute("href", "#/me/devices")
    await page.locator(".entry").filter(has_text="100.008").get_by_role("link", name="Ini tidak benar").click()
    await see(page.get_by_label("Penjelasan, dan surat")).to_have_value(re.compile("Tentang pesan “Iuran"))
    await page.get_by_label("Seharusnya").fill("Iuran Agustus Rp350.000")
    await page.get_by_role("button", name="Minta perbaikan").click()
    await see(page.get_by_text("Permintaan Anda tercatat.")).to_be_visible()
    await see(page.locator(".list .panel").first).to_contain_text("Iuran Agustus Rp350.000")


async def test_nur_accepts_a_merge_and_checks_its_receipt_and_reads_her_years(open_companion: Open) -> None:
    nur = await open_companion()
    page = nur.page
    await nur.enrol("Nur")
    await page.get_by_text("Saldo dari tahun ke tahun").click()
    await see(page.locator(".growth .legend li")).to_have_count(len(find_person("Nur").kpjs))
    await page.locator("a.card").first.click()
    years = page.locator(".years-of details")
    await see(years.first.locator(".statement li").first).to_be_visible()
    paying = years.filter(has=page.locator(".paid")).last
    await paying.locator("summary").click()
    await see(paying.locator(".paid").first).to_contain_text("bulan")

    await nur.go("cards")
    await page.locator(".waiting-reported").click()
    await page.get_by_role("button", name="Lihat apa yang akan saya setujui").click()
    accept = page.get_by_role("button", name="Setujui penggabungan ini")
    await accept.wait_for()
    for warning in await page.locator(".consequences input").all():
        await warning.check()
    await accept.click()
    await page.get_by_role("link", name="Lihat tanda terima").click(timeout=30_000)
    await page.get_by_role("button", name="Periksa").click()
    await see(page.locator(".notice-good")).to_contain_text("Asli: semuanya cocok.")
    await see(page.locator(".checks li")).to_have_count(3)  # the agency, the plan, her phone

    async def alter(route: Route) -> None:
        signed = await (await route.fetch()).json()
        payload = urlsafe_b64decode(signed["payload"] + "==").replace(b"Nur Hidayati", b"Nur Hidayatu")
        await route.fulfill(json=signed | {"payload": urlsafe_b64encode(payload).decode().rstrip("=")})

    await page.route("**/receipt", alter)
    await page.reload()
    await see(page.get_by_role("heading", name="Nur Hidayatu")).to_be_visible()
    await page.get_by_role("button", name="Periksa").click()
    await see(page.locator(".notice-error")).to_contain_text("Tanda tangan lembaga pengelola – tidak cocok")
