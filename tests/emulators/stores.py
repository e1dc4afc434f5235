"""The stores of large files over a test's database: Supabase Lite's Storage, and S3; the same contract for both."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Literal

import psycopg

from core.database import Caller
from core.objects import Contents, ObjectStore
from integrations.storage.s3 import S3Store
from integrations.storage.supabase import SupabaseStore
from tests.emulators.s3_server import s3_server
from tests.emulators.supabase import supabase_lite

Kind = Literal["supabase", "s3"]
BUCKET = "artifacts"
LEAST_BYTES = 1000


@asynccontextmanager
async def opened_store(kind: Kind, database_url: str) -> AsyncGenerator[ObjectStore]:
    """An empty bucket."""
    if kind == "s3":
        with s3_server() as server:
            server.make_bucket(BUCKET)
            yield S3Store(BUCKET, server.url)
        return
    async with supabase_lite(database_url, storage=True) as lite:
        await guard_bucket(database_url)
        yield SupabaseStore(lite.url, lite.secret_key, BUCKET)


async def guard_bucket(database_url: str) -> None:
    """What the migration does where Storage is there before it."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        cursor = await connection.execute("select private.guard_bucket()")
        assert await cursor.fetchone() == (True,)


def contents_in(kind: str, store: ObjectStore, *, hands_out_urls: bool = False) -> Contents:
    """Files from a thousand bytes on go to this store."""
    place: Kind = "s3" if kind == "s3" else "supabase"
    return Contents({place: lambda: store}, place, LEAST_BYTES, hands_out_urls)


def keeping(caller: Caller, contents: Contents) -> Caller:
    """The same caller, whose large files lie there."""
    return replace(caller, database=replace(caller.database, contents=contents))
