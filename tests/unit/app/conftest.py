"""A web application whose database is never reached, with a few routes of its own to knock at."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

import pytest
from fastapi import Body, Depends, FastAPI, Form
from httpx import ASGITransport, AsyncClient
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, Field
from starlette.responses import HTMLResponse, StreamingResponse

from app.dependencies import identify
from app.house import furnish
from app.main import create_app
from core.clock import Clock
from core.database import Identity
from core.keys import Keys
from core.postgres import PostgresDatabase
from core.settings import Settings
from tests.one_router import share_routes

share_routes()
ORIGIN = "http://127.0.0.1:8765"


class Word(BaseModel):
    """A body with something to check."""

    word: str = Field(min_length=1, max_length=10)
    more: dict[str, Any] = Field(default_factory=dict[str, Any])


class Words(BaseModel):
    """The other model of a union."""

    words: list[Word] = Field(min_length=1)


@pytest.fixture
def me() -> UUID:
    """The id of the person who signs in."""
    return uuid4()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """Keys of an installation of its own."""
    return Keys.load(tmp_path / "home")


@pytest.fixture
def web(tmp_path: Path, keys: Keys, me: UUID) -> FastAPI:
    """The application, its pool closed, with routes that answer without a database."""
    settings = Settings.model_validate({"home": tmp_path / "home", "timezone": "Europe/Berlin", "max_body_bytes": 5000})
    url = "postgresql:///nowhere"
    database = PostgresDatabase(AsyncConnectionPool(url, open=False), url)
    app = create_app(furnish(settings, Clock.from_settings(settings), database, Identity(me)), keys)
    everything = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    for path, handler, methods in (
        ("/api/probe/whoami", _whoami, everything),
        ("/api/probe/word", _word, ["POST"]),
        ("/api/probe/union", _union, ["POST"]),
        ("/api/probe/crash", _crash, ["GET"]),
        ("/api/probe/stream", _stream, ["GET"]),
        ("/probe/form", _form, ["POST"]),
        ("/probe/page", _page, ["GET"]),
        ("/probe/crash", _crash, ["GET"]),
    ):
        app.add_api_route(path, handler, methods=methods, include_in_schema=False)
    return app


@pytest.fixture
async def browser(web: FastAPI) -> AsyncGenerator[AsyncClient]:
    """A client that keeps cookies and follows nothing by itself; what escapes the application fails the test."""
    async with AsyncClient(transport=ASGITransport(web), base_url=ORIGIN) as client:
        yield client


@pytest.fixture
async def signed_in(browser: AsyncClient, keys: Keys, me: UUID) -> AsyncClient:
    """The same client with the cookie of a session."""
    await browser.get("/probe/page", params={"token": keys.link_token(me)})
    assert browser.cookies
    return browser


async def _whoami(identity: Annotated[Identity, Depends(identify)]) -> dict[str, str]:
    return {"user_id": str(identity.user_id)}


async def _word(word: Word) -> Word:
    return word


async def _union(body: Annotated[Word | Words, Body()]) -> dict[str, str]:
    return {"kind": type(body).__name__}


async def _form(identity: Annotated[Identity, Depends(identify)], word: Annotated[str, Form()]) -> HTMLResponse:
    return HTMLResponse(f"<p>{len(word)} {identity.user_id}")


async def _page() -> HTMLResponse:
    return HTMLResponse("<p>page")


async def _crash() -> None:
    raise RuntimeError("the password is swordfish")


async def _stream() -> StreamingResponse:
    async def parts() -> AsyncGenerator[bytes]:
        yield b"one"
        raise RuntimeError("cut in the middle")

    return StreamingResponse(parts())
