"""Writes docs/errors.md. Run by `make docs`."""

from __future__ import annotations

from pathlib import Path

from app.main import create_api, create_feed
from app.platform.openapi.answers import errors_page
from app.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"


def page() -> str:
    settings = Settings(database_url="", redis_url="redis://localhost", secret="x" * 32, env="local")
    apps = {"api": create_api(settings), "feed": create_feed(settings)}
    return errors_page(apps)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
