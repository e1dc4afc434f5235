"""`supabase db lint`: plpgsql_check reads every function. The CLI leaves out those of triggers, which are asked for here as well."""

import json
import re
from typing import Any

import psycopg
import pytest

from cli.testing import NO_PLPGSQL_CHECK
from core.migrate import migrate
from tests.integration.supabase.cli import Project
from tests.integration.supabase.hosted import HostedServer
from tests.integration.supabase.test_push import fetch

POSTGRES_15 = pytest.mark.parametrize("hosted", [15], indirect=True, ids=["postgres15"])  # Debian has it for this one
# What is told of functions that have landed, and why it stays: (function, message) -> reason. Anything else fails.
LEFT = {
    (
        name,
        "control reached end of function without RETURN",
    ): "its last statement is `perform private.refuse`, which raises"
    for name in ("public.claim_work", "public.list_nudges", "public.pin_threshold", "public.save_attention")
} | {
    (
        "private.check_agent_templates",
        'unused parameter "parent"',
    ): "a landed signature; who calls it passes the parent",
    (
        "private.after_mail_answers",
        'never read variable "found"',
    ): "its loop asks for the rows, not for what is in them",
}
CONSTANT = re.compile(r"""(?::=|\breturn|\bdefault)\s+'[^']*';""")
TRIGGERS = """
select p.oid::regprocedure::text, t.tgname, p.prosrc, told.*
from pg_catalog.pg_trigger t join pg_catalog.pg_proc p on p.oid = t.tgfoid join pg_catalog.pg_language l on l.oid = p.prolang
cross join lateral (
  select c.level, c.message, c.detail, c.context, c.lineno from extensions.plpgsql_check_function_tb(
    p.oid, t.tgrelid, fatal_errors => false, performance_warnings => false, oldtable => t.tgoldtable, newtable => t.tgnewtable) c) told
where not t.tgisinternal and l.lanname = 'plpgsql' and p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)"""
SOURCES = """
select p.pronamespace::regnamespace::text || '.' || p.proname, p.prosrc from pg_catalog.pg_proc p
where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)"""


@pytest.fixture
async def linted(hosted: HostedServer, empty: str) -> str:
    """A project with all migrations, in which the extension is there as on a hosted one."""
    await migrate(empty, embedded=False)
    admin = empty.replace("postgres:postgres@", "supabase_admin@")
    found = await fetch(admin, "select 1 from pg_catalog.pg_available_extensions where name = 'plpgsql_check'")
    assert found, NO_PLPGSQL_CHECK
    await fetch(admin, "create extension plpgsql_check schema extensions")
    return empty


@POSTGRES_15
async def test_the_lint_of_supabase_finds_nothing_that_is_not_known(linted: str, steward: Project) -> None:
    out, err = await steward.run(
        "db", "lint", f"--remote={linted}", "--level", "warning", "--fail-on", "error", "--output-format", "json"
    )
    assert "Linting schema: private" in err
    assert "Linting schema: public" in err
    sources = {str(name): str(source) for name, source in await fetch(linted, SOURCES)}
    told = [(one["function"], issue) for one in json.loads(out)["results"] for issue in one["issues"]]
    unknown = [
        f"{name}: {issue}"
        for name, issue in told
        if not _is_known(name, issue["message"], _line_of(issue), sources.get(name, ""))
    ]
    assert "\n".join(unknown) == ""
    assert {key for key in LEFT if not key[0].startswith("private.after_")} <= {(n, i["message"]) for n, i in told}, (
        "what is no longer told is no longer listed"
    )


@POSTGRES_15
async def test_the_functions_of_triggers_are_linted_on_their_tables(linted: str) -> None:
    unknown: list[str] = []
    async with await psycopg.AsyncConnection.connect(linted) as connection:
        found = await (await connection.execute(TRIGGERS.encode())).fetchall()
    for name, trigger, source, level, message, detail, context, line in found:
        if not _is_known(name.removesuffix("()"), message, _line(context, line), source):
            unknown.append(f"{trigger} {name}: {level} {message} {detail} (line {line})")
    assert "\n".join(unknown) == ""


@POSTGRES_15
async def test_the_lint_would_tell_of_a_mistake(linted: str, steward: Project) -> None:
    async with await psycopg.AsyncConnection.connect(linted) as connection:
        await connection.execute(
            """create function public.mistaken() returns jsonb language plpgsql set search_path = '' as $$
               declare cast_text text := '[]'; made jsonb := cast_text; begin return (select t.nothing from public.tasks t); end $$"""
        )
    with pytest.raises(AssertionError, match=r"column t\.nothing does not exist"):
        await steward.run("db", "lint", f"--remote={linted}", "--schema", "public", "--fail-on", "error")
    cast = "target type is different type than source type"
    assert not _is_known("public.mistaken", cast, 1, "made jsonb := cast_text;")
    assert _is_known("public.mistaken", cast, 1, "made jsonb := '[]';")


def _is_known(name: str, message: str, line: int, source: str) -> bool:
    """Is it listed, or a constant in quotes where JSON or an array is wanted? Postgres reads one as what it is; the lint as text."""
    if (name, message) in LEFT:
        return True
    lines = source.split("\n")
    return (
        message == "target type is different type than source type"
        and 0 < line <= len(lines)
        and bool(CONSTANT.search(lines[line - 1]))
    )


def _line_of(issue: dict[str, Any]) -> int:
    return _line(issue.get("context"), issue.get("statement", {}).get("lineNumber"))


def _line(context: str | None, line: str | int | None) -> int:
    """Where in the source: of the variable that gets its first value, else of the statement."""
    named = re.search(r"on line (\d+)", context or "")
    return int(named[1] if named else line or 0)
