"""`supabase db advisors` and what a hosted project refuses on its own side: nothing of ours is found."""

import json
import re
from typing import Any

import psycopg

from core.migrate import migrate
from tests.integration.supabase.cli import Project

# What is told for information, and why it stays: rule -> reason.
LEFT = {
    "unused_index": "nothing has been asked of a new database yet; benchmarks/ shows that the indexes serve",
    "rls_enabled_no_policy": "tables of the schema private: nobody reads them but functions, so no policy lets anybody in",
}


async def test_the_advisors_of_supabase_find_nothing_to_warn_of(empty: str, steward: Project) -> None:
    await migrate(empty, embedded=False)
    found: list[dict[str, Any]] = []
    for kind in ("security", "performance"):
        out, _ = await steward.run(
            "db", "advisors", f"--remote={empty}", "--type", kind, "--level", "info", "--output-format", "json"
        )
        found += json.loads(out)["results"]
    assert len(found) > 10, "the advisors looked at nothing"
    told = [f"{one['level']} {one['name']}: {one['detail']}" for one in found]
    assert [line for line, one in zip(told, found, strict=True) if one["level"] != "INFO"] == []
    assert {one["name"] for one in found} <= LEFT.keys()
    assert [
        line
        for line, one in zip(told, found, strict=True)
        if one["name"] == "rls_enabled_no_policy" and "`private." not in line
    ] == []


async def test_no_function_changes_or_removes_rows_without_saying_which(database_url: str) -> None:
    """Supabase loads safeupdate for its Data API, which refuses such statements (21000); Postgres alone does not."""
    query = """select p.oid::regprocedure::text, p.prosrc from pg_proc p
               where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)"""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        sources = await (await connection.execute(query)).fetchall()
    assert [name for name, source in sources if _changes_everything(source)] == []
    assert _changes_everything("begin update public.tasks t set title = 'a; where b'; end")
    assert _changes_everything("delete from public.tasks -- where it is\n;")
    assert not _changes_everything("update public.tasks set title = 'a' where id = task_id; select x for update")


def _changes_everything(source: str) -> bool:
    words = re.sub(r"'(?:[^']|'')*'", "''", re.sub(r"--[^\n]*", "", source)).lower()
    statements = re.findall(r"\b(?:update\s+[\w.]+(?:\s+(?:as\s+)?\w+)?\s+set\b|delete\s+from\s+[\w.]+)[^;]*", words)
    return any(not re.search(r"\bwhere\b", statement) for statement in statements)
