"""How the companion's files are served: packed, known by their ETag, and under a strict policy."""

from __future__ import annotations

import httpx
import pytest

from app.companion.serve import FILES


async def test_the_page_comes_packed_with_a_strict_policy(api: httpx.AsyncClient) -> None:
    answer = await api.get("/", headers={"accept-encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-encoding"] == "gzip"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert 'src="/companion/js/main.js"' in answer.text


async def test_a_file_that_is_there_already_is_not_sent_again(api: httpx.AsyncClient) -> None:
    first = await api.get("/companion/app.css")
    again = await api.get("/companion/app.css", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["../serve.py", "..%2fserve.py", "js/none.js", "/etc/passwd", ""])
async def test_nothing_else_is_served(api: httpx.AsyncClient, name: str) -> None:
    assert (await api.get(f"/companion/{name}")).status_code == 404


@pytest.mark.parametrize("path", ["/sw.js", "/manifest.webmanifest"])
async def test_what_must_lie_at_the_root_does(api: httpx.AsyncClient, path: str) -> None:
    assert (await api.get(path)).content == FILES[path.lstrip("/")].plain
