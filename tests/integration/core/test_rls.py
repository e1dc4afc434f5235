"""Row-level security of everything in the catalogue; and that the trial sees what somebody forgot."""

import psycopg

from tests.safety.rls import run_rls

FORGOTTEN = """
create table public.forgotten_guard (id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id), words text not null);
grant select, update, delete on public.forgotten_guard to authenticated;
grant select on public.forgotten_guard to anon;

create table public.forgotten_maker (id uuid primary key, organization_id uuid not null, n integer check (n = 42) not null);
alter table public.forgotten_maker enable row level security;

create function public.forgotten_words(task_id uuid) returns text language sql security definer as $$
  select t.title from public.tasks t where t.id = forgotten_words.task_id $$;
create function public.forgotten_change(task_id uuid) returns void language sql security definer as $$
  update public.tasks t set title = 'changed' where t.id = forgotten_change.task_id $$;
create function public.forgotten_answer(task_id uuid) returns boolean language sql security definer as $$
  select exists (select 1 from public.tasks t where t.id = forgotten_answer.task_id) $$;
create function public.forgotten_riddle(riddle_id uuid) returns void language sql as 'select';
create function public.forgotten_wrong(kind text) returns void language plpgsql as $$
  begin raise exception using errcode = 'PT422', message = 'kind is one of many'; end $$;
"""


async def test_no_table_and_no_function_shows_or_changes_what_is_anothers(database_url: str) -> None:
    report = await run_rls(database_url)
    assert report.leaks == []
    assert report.checks > 1000


async def test_what_somebody_forgot_is_a_leak(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute(FORGOTTEN.encode())
    report = await run_rls(database_url, only="forgotten_")
    told = "\n".join(report.leaks)
    for leak in (
        "stranger select public.forgotten_guard",
        "stranger update public.forgotten_guard",
        "stranger delete public.forgotten_guard",
        "anonymous select public.forgotten_guard",
        "table public.forgotten_maker: no row of the owner can be made",
        'stranger calls public.forgotten_words: changed (), told {"the owner\'s words"}',
        "stranger calls public.forgotten_change: changed ('public.task",
        "stranger calls public.forgotten_answer: changed (), told set(); with the owner's ids it answers",
        "anonymous calls public.forgotten_answer: it answers",
        "public.forgotten_riddle(riddle_id uuid): add the table that it names to IDS",
        "owner calls public.forgotten_wrong: PT422 kind is one of many",
    ):
        assert leak in told, leak
