"""Tables as they are in a house that has been lived in."""

import sys
import time
from typing import LiteralString, cast

import psycopg
from psycopg import sql

from core.database import Identity

# Bound to no one row: ids are random, words differ, dates and priorities are spread.
FILL: LiteralString = """
insert into public.tasks (id, root_task_id, organization_id, created_by, title, description, priority, labels, due_at,
  execution_type, execution_status, completed_at, cancelled_at, archived_at, created_at, updated_at)
select n.id, n.id, (select m.organization_id from public.members m where m.user_id = %(person)s limit 1), %(person)s, n.title, n.description, (array['critical', 'high', 'medium', 'low'])[n.i %% 4 + 1],
  array['l' || n.i %% 10], case when n.i %% 3 > 0 then n.at + interval '9 days' end,
  (array['manual', 'semi_automated', 'fully_automated'])[n.i %% 3 + 1], n.state,
  case when n.state = 'completed' then n.at + interval '1 hour' end, case when n.state = 'cancelled' then n.at + interval '1 hour' end,
  case when n.state = 'completed' and n.at < now() - interval '7 days' then n.at + interval '8 days' end,
  n.at, n.at + interval '1 hour'
from (
  select i, gen_random_uuid() as id, 'Task ' || i || ' about subject ' || i %% 997 as title,
    'Call number ' || i %% 8999 || ' and ask for the report of week ' || i %% 53 as description,
    now() - make_interval(secs => (%(count)s - i) * 60.0) as at,
    case when i %% 10 > 0 then 'completed' when i %% 50 = 0 then 'cancelled' else 'pending' end as state
  from generate_series(1, %(count)s) i) n"""
WORDS: LiteralString = """
insert into public.task_words (task_id, organization_id, words)
select t.id, t.organization_id, to_tsvector('simple', t.title || ' ' || t.description) from public.tasks t"""
INDEXES: LiteralString = """
select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_catalog.pg_index
where indrelid in ('public.tasks'::regclass, 'public.task_words'::regclass) and not indisunique"""


async def fill(url: str, owner: Identity, count: int) -> None:
    """That many tasks, without triggers; the indexes are built afterwards."""
    began = time.perf_counter()
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("set session_replication_role = replica")
        await connection.execute("set maintenance_work_mem = '512MB'")
        indexes = await (await connection.execute(INDEXES)).fetchall()
        for name, _ in indexes:
            await connection.execute(sql.SQL("drop index {}").format(sql.SQL(cast("LiteralString", name))))
        await connection.execute(FILL, {"person": owner.user_id, "count": count})
        await connection.execute(WORDS)
        for _, definition in indexes:
            await connection.execute(definition)
        await connection.execute("vacuum analyze public.tasks, public.task_words")
        await connection.execute("checkpoint")
    print(f"  {count:,} tasks were made in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
