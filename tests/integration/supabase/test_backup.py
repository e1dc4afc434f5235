"""Moving house: from the embedded database to a project that is set up as hosted ones are, as its `postgres`, and back."""

from pathlib import Path

import psycopg
import pytest

from core.backup.restoring import restore
from core.backup.saving import save
from core.database import Caller
from core.errors import Unavailable
from core.postgres import PostgresDatabase
from tests.integration.supabase.hosted import HostedServer


def quiet(what: str, done: int, total: int) -> None:
    """Nobody looks."""


@pytest.mark.parametrize("hosted", [15], indirect=True, ids=["postgres15"])
async def test_a_house_moves_to_a_project_and_back(
    hosted: HostedServer, empty: str, database: PostgresDatabase, ana: Caller, tmp_path: Path
) -> None:
    await ana.call("create_tasks", items=[{"title": "Move house"}])
    first = await save(database.url, tmp_path / "a.zip", source="embedded", home=tmp_path, told=quiet)
    with pytest.raises(Unavailable, match="may not restore") as caught:  # nobody has given it the right
        await restore(tmp_path / "a.zip", url=empty, home=tmp_path, told=quiet)
    assert "grant set on parameter" in str(caught.value.hint)
    admin = empty.replace("postgres:postgres@", "supabase_admin@")
    with psycopg.connect(admin, autocommit=True) as connection:
        # Hosted projects let `postgres` do so by the extension supautils, which is not here.
        connection.execute("grant set on parameter session_replication_role to postgres")
        connection.execute("insert into auth.users (id, email) values (gen_random_uuid(), 'somebody@example.net')")
    await restore(tmp_path / "a.zip", url=empty, home=tmp_path, told=quiet, replace=True)
    with psycopg.connect(empty) as connection:
        rows = connection.execute(
            "select t.title, u.email, u.instance_id::text, u.confirmation_token from public.tasks t join auth.users u on u.id = t.created_by"
        ).fetchall()
        assert rows == [("Move house", "ana@example.com", "00000000-0000-0000-0000-000000000000", "")]
        assert connection.execute("select count(*) from auth.users").fetchone() == (2,)
        connection.execute(
            "insert into auth.identities (provider_id, user_id, identity_data, provider) select 'x', id, '{}', 'email' from auth.users"
            " where email = 'ana@example.com'"
        )
    back = await save(empty, tmp_path / "b.zip", source="postgres", home=tmp_path, told=quiet)
    assert "identities" in {table.name for table in back.tables}
    await restore(tmp_path / "b.zip", url=database.url, home=tmp_path, told=quiet, replace=True)
    again = await save(database.url, tmp_path / "c.zip", source="embedded", home=tmp_path, told=quiet)
    same = {table.name: table.sha256 for table in first.tables if table.name != "users"}
    assert same == {table.name: table.sha256 for table in again.tables if table.name != "users"}
