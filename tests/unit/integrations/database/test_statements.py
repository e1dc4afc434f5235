"""One statement that reads passes; what stacks, changes, or reaches beyond tables does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.outside.errors import Refused
from integrations.database.statements import one_reading_statement


@pytest.mark.parametrize(
    "statement",
    [
        "select 1",
        "  SELECT 1 ;  -- done\n",
        "with a as (select 1) select * from a",
        "values (1), (2)",
        "table orders",
        "select ';drop table x;' as text, \"odd;name\" from t -- ; x",
        "select $$;drop$$, $a$ $$; $a$, E'\\';', U&'\\0041', 'it''s;'",
        "/* ; /* nested ; */ */ select 1",
        "select a::text, b->>'copy', 'set_config' from t where c ~ 'x;y'",
        "select copy_count, nextvalue from t",
        "select größe from tä",
    ],
)
def test_one_reading_statement_passes(statement: str) -> None:
    assert not one_reading_statement(statement).endswith(";")


@pytest.mark.parametrize(
    "statement",
    [
        "",
        "   ;",
        "-- only a comment",
        "select 1; select 2",
        "select 1; drop table x",
        "select 1;/* x */;",
        "select '\\'; drop table x; --'",
        "select $$a$$; delete from t",
        "/* select */ delete from t",
        "insert into t values (1)",
        "update t set a = 1",
        "copy t to '/tmp/x'",
        "copy (select 1) to program 'id'",
        "set role postgres",
        "reset role",
        "do $$ begin end $$",
        "call p()",
        "explain analyze delete from t",
        "begin",
        "commit",
        "show all",
        "vacuum",
        "lock t",
        "listen x",
        "select set_config('role', 'postgres', true)",
        "select SET_CONFIG('role', 'postgres', true)",
        "select \"set_config\"('role', 'postgres', true)",
        "select pg_catalog.set_config('a', 'b', true)",
        "select U&\"set\\005Fconfig\"('role', 'x', true)",
        "select pg_read_file('/etc/passwd')",
        "select lo_export(1, '/tmp/x')",
        "select * from dblink('x', 'select 1') as t(a int)",
        "select pg_terminate_backend(1)",
        "select query_to_xml('delete from t', true, true, '')",
        "select nextval('s')",
        "select pg_advisory_lock(1)",
        "select 'open",
        'select "open',
        "select $a$ open",
        "select /* open",
        "select 1\x00",
        "select " + "1" * 20_000,
    ],
)
def test_anything_else_is_refused(statement: str) -> None:
    with pytest.raises(Refused):
        one_reading_statement(statement)


@given(st.text(alphabet="selct 1;'\"$-/*\\aE\nü", max_size=60))
def test_whatever_is_written_ends_and_holds_no_second_statement(text: str) -> None:
    try:
        passed = one_reading_statement(f"select {text}")
    except Refused:
        return
    assert passed.startswith("select")
