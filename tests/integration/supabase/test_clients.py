"""supabase-py and supabase-js over Supabase Lite: every table and every function, as owner, stranger and nobody."""

import pytest

from tests.emulators.supabase import supabase_lite
from tests.integration.supabase.clients import TOGETHER, Client, supabase_js, supabase_py, token
from tests.integration.supabase.matrix import prepare, snapshot

CLIENTS = pytest.mark.parametrize("client", [supabase_py, supabase_js], ids=["supabase-py", "supabase-js"])


@CLIENTS
async def test_a_client_gets_what_is_its_persons_and_nothing_else(database_url: str, client: Client) -> None:
    matrix, stranger = await prepare(database_url)
    async with supabase_lite(database_url, auth=False) as project:
        tokens = {
            "owner": token(project, matrix.owned.user_id),
            "stranger": token(project, stranger),
            "anonymous": None,
        }
        before = await snapshot(database_url, matrix.owned.ids())
        others = matrix.cases("anonymous") + matrix.cases("stranger")
        leaks = [
            matrix.leak(*told) for told in zip(others, await client(project, tokens, others, TOGETHER), strict=True)
        ]
        after = await snapshot(database_url, matrix.owned.ids())
        assert [table for table in after if after[table] != before[table]] == [], "changed by somebody else"
        own = matrix.cases("owner")
        leaks += [matrix.leak(*told) for told in zip(own, await client(project, tokens, own, 1), strict=True)]
    assert "\n".join(filter(None, leaks)) == ""
    assert len(leaks) > 1000
