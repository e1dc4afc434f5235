"""What tests of acts do to the gate: tools that only a test has become own acts of its database."""

from psycopg import sql

from core.database import Database
from core.postgres import pool_of


async def allow_own_acts(database: Database, *tools: str) -> None:
    """Acts of these tools need no yes in this database, beside those of the house."""
    known = sql.SQL(", ").join(sql.Literal(tool) for tool in ("file", "private_event", *tools))
    body = sql.SQL(
        "create or replace function private.is_own_act(tool text) returns boolean language sql immutable"
        " set search_path = '' as $$ select coalesce(tool in ({known}), false) $$"
    ).format(known=known)
    async with pool_of(database).connection() as connection:
        await connection.execute(body)
