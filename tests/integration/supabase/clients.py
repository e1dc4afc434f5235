"""The two clients of Supabase that people write programs with, asked the same things: supabase-py and supabase-js."""

import asyncio
import json
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any

import jwt
from postgrest.exceptions import APIError

from cli.testing import ROOT, node_program
from supabase import AsyncClient, AsyncClientOptions, acreate_client
from tests.emulators.supabase import SupabaseLite

SCRIPT = Path(__file__).with_name("clients.mjs")
TOGETHER = 6
Tokens = Mapping[str, str | None]


@dataclass(frozen=True)
class Case:
    """One request: who asks, what is done (`select`, `insert`, `update`, `delete`, `call`), to which table or function."""

    who: str
    act: str
    name: str
    columns: str = "*"
    match: dict[str, Any] = field(default_factory=dict[str, Any])
    row: dict[str, Any] = field(default_factory=dict[str, Any])
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    schema: str = ""

    def __str__(self) -> str:
        return f"{self.who} {self.act} {self.name}"


@dataclass(frozen=True)
class Answer:
    """The error's code, empty where there was none; the answer or the error's words; how many rows came."""

    code: str
    text: str
    count: int


Client = Callable[[SupabaseLite, Tokens, Sequence[Case], int], Awaitable[list[Answer]]]


def token(project: SupabaseLite, user_id: object) -> str:
    """What Supabase Auth gives somebody who signs in."""
    claims = {"sub": str(user_id), "role": "authenticated", "aud": "authenticated", "exp": int(time()) + 600}
    return jwt.encode(claims, project.jwt_secret, "HS256")


async def supabase_py(project: SupabaseLite, tokens: Tokens, cases: Sequence[Case], together: int) -> list[Answer]:
    """The answers, in order, as Python's client gives them."""
    clients: dict[str, AsyncClient] = {}
    for who, one in tokens.items():
        headers = {"Authorization": f"Bearer {one}"} if one else {}
        options = AsyncClientOptions(headers=headers, auto_refresh_token=False, persist_session=False)
        clients[who] = await acreate_client(project.url, project.publishable_key, options)
        with warnings.catch_warnings():  # of its own parts, which it builds as they do not want to be built any more
            warnings.simplefilter("ignore", DeprecationWarning)
            clients[who].postgrest.schema("public")
    turn = asyncio.Semaphore(together)

    async def ask(case: Case) -> Answer:
        async with turn:
            client = clients[case.who].postgrest
            return await _ask_py(client.schema(case.schema) if case.schema else client, case)

    try:
        return await asyncio.gather(*map(ask, cases))
    finally:
        for client in clients.values():
            await client.postgrest.aclose()


async def _ask_py(client: Any, case: Case) -> Answer:
    table = client.from_(case.name)
    asked = {
        "call": lambda: client.rpc(case.name, case.params),
        "select": lambda: table.select(case.columns),
        "insert": lambda: table.insert(case.row, returning="minimal"),
        "update": lambda: table.update(case.row, returning="minimal"),
        "delete": lambda: table.delete(returning="minimal"),
    }[case.act]()
    asked = asked.match(case.match) if case.match else asked
    try:
        data = (await asked.execute()).data
    except APIError as error:
        return Answer(error.code or "none", f"{error.message} {error.details}", 0)
    return Answer("", json.dumps(data), len(data) if isinstance(data, list) else 0)  # pyright: ignore[reportUnknownArgumentType]


async def supabase_js(project: SupabaseLite, tokens: Tokens, cases: Sequence[Case], together: int) -> list[Answer]:
    """The answers, in order, as JavaScript's client gives them in Node."""
    asked = {
        "modules": str(ROOT / "node_modules"),
        "url": project.url,
        "key": project.publishable_key,
        "tokens": dict(tokens),
        "cases": [case.__dict__ for case in cases],
        "together": together,
    }
    process = await asyncio.create_subprocess_exec(
        str(node_program()),
        str(SCRIPT),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(json.dumps(asked).encode())
    assert process.returncode == 0, err.decode()
    return [Answer(**answer) for answer in json.loads(out)]
