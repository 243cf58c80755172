"""The example clients of docs/clients do what they say, against a whole instance."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import httpx
import pytest

from app.local.demo_people import find_person
from app.local.run import Running
from app.local.story import Stage

FOLDER = Path(__file__).parents[2] / "docs" / "clients"
RUNNERS = {"flow.py": (sys.executable, "Yusuf"), "flow.mjs": ("node", "Tono")}  # whose two cards may be merged
THERE = [name for name, (runner, _) in RUNNERS.items() if shutil.which(runner)]


@pytest.mark.parametrize("file", THERE)
async def test_the_flow_enrols_signs_and_cancels(scene: tuple[Stage, Running], file: str) -> None:
    running = scene[1]
    runner, name = RUNNERS[file]
    person = find_person(name)
    urls = {"SEPAKAT_URL": running.api, "SIMULATOR_URL": running.simulator}
    process = await asyncio.create_subprocess_exec(
        *(runner, str(FOLDER / file), person.nik, person.kpjs[0], person.born),
        env=os.environ | urls,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode()
    assert said.strip().endswith("cancelled"), said
    assert re.search(r"^confirmed executes at 20", said, re.MULTILINE)
    assert all(kpj in said for kpj in person.kpjs)


async def test_the_collection_names_routes_that_are_there(scene: tuple[Stage, Running]) -> None:
    async with httpx.AsyncClient(base_url=scene[1].api) as api:
        paths = (await api.get("/openapi.json")).json()["paths"]
    forms = {(method, re.sub(r"\{\w+\}", "x", path)) for path, methods in paths.items() for method in methods}
    files = sorted((FOLDER / "bruno").glob("*.bru"))
    assert len(files) >= 10
    for file in files:
        method, url = re.findall(
            r"^(get|post) \{\n  url: \{\{api\}\}(\S+)", file.read_text(encoding="utf-8"), re.MULTILINE
        )[0]
        assert (method, re.sub(r"\{\{\w+\}\}", "x", url)) in forms, file.name
