"""A Postgres of one's own, set up word for word as docs/guide/deploy.md says: its role is no superuser, and is enough."""

import re
from importlib.resources import files
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from app.owner import ensure_owner
from core.embedded import EmbeddedPostgres
from core.migrate import find_migrations, migrate
from core.settings import Settings

GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "deploy.md"


async def test_the_guide_s_statements_are_enough_for_a_role_that_is_no_superuser(server: EmbeddedPostgres) -> None:
    section = GUIDE.read_text().partition("## A Postgres of your own")[2].partition("\n## ")[0]
    assert "core/embedded_bootstrap.sql" in section
    (told,) = re.findall(r"```sql\n(.*?)```", section, re.DOTALL)
    name = f"own_{uuid4().hex}"
    administrator = await psycopg.AsyncConnection.connect(server.url_of("postgres"), autocommit=True)
    async with administrator:
        await administrator.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            async with await psycopg.AsyncConnection.connect(server.url_of(name)) as superuser:
                await superuser.execute((files("core") / "embedded_bootstrap.sql").read_bytes())
                await superuser.execute(re.sub(r"\bsteward\b", name, told).encode())
            url = make_conninfo(server.url_of(name), user=name)
            assert len(await migrate(url, embedded=False)) >= len(find_migrations())
            owner = await ensure_owner(url, Settings(owner_email="ana@example.com"))
            async with await psycopg.AsyncConnection.connect(url) as connection:
                cursor = await connection.execute(
                    "select current_user, (select rolsuper from pg_catalog.pg_roles where rolname = current_user),"
                    " (select email from auth.users where id = %s)",
                    (owner.user_id,),
                )
                assert await cursor.fetchone() == (name, False, "ana@example.com")
        finally:
            await administrator.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
            await administrator.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(name)))
