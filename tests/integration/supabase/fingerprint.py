"""What the migrations made, as lines of text: two databases with the same lines have the same schema."""

import psycopg

ROLES = "('anon'::regrole, 'authenticated'::regrole, 'service_role'::regrole, 0)"
OURS = "('public'::regnamespace, 'private'::regnamespace)"
PARTS = {
    "function": f"""select p.oid::regprocedure::text, pg_get_functiondef(p.oid), obj_description(p.oid, 'pg_proc')
        from pg_proc p where p.pronamespace in {OURS}""",
    "trigger": "select pg_get_triggerdef(t.oid), t.tgenabled::text from pg_trigger t where not t.tgisinternal and t.tgrelid in (select oid from pg_class where relnamespace <> 'jobs'::regnamespace)",
    "table": f"select c.oid::regclass::text, c.relkind::text, c.relrowsecurity::text, c.relreplident::text, c.reloptions::text, obj_description(c.oid, 'pg_class') from pg_class c where c.relnamespace in {OURS} and c.relkind in ('r', 'v', 'm', 'S', 'p')",
    "column": f"""select c.oid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text, a.attgenerated::text, a.attidentity::text,
        pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
        from pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_attrdef d on (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
        where c.relnamespace in {OURS} and c.relkind in ('r', 'v') and a.attnum > 0 and not a.attisdropped""",
    # Postgres 18 lists `not null` as constraints as well.
    "constraint": f"select k.conrelid::regclass::text, k.conname, pg_get_constraintdef(k.oid) from pg_constraint k where k.connamespace in {OURS} and k.contype <> 'n'",
    "index": "select i.schemaname, i.indexdef from pg_indexes i where i.schemaname in ('public', 'private')",
    "policy": "select p.tablename, p.policyname, p.permissive, p.cmd, p.roles::text, p.qual, p.with_check from pg_policies p where p.schemaname in ('public', 'private')",
    "view": f"select c.oid::regclass::text, pg_get_viewdef(c.oid) from pg_class c where c.relnamespace in {OURS} and c.relkind = 'v'",
    "publication": "select p.pubname, p.tablename, p.attnames::text, p.rowfilter from pg_publication_tables p",
}
GRANTS = f"""
select 'schema', n.nspname, g.grantee::regrole::text, g.privilege_type from pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) g
where n.oid in {OURS} and g.grantee in {ROLES}
union all
select 'function', p.oid::regprocedure::text, g.grantee::regrole::text, g.privilege_type from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
where p.pronamespace in {OURS} and g.grantee in {ROLES}
union all
select 'table', c.oid::regclass::text, g.grantee::regrole::text, g.privilege_type
from pg_class c, aclexplode(coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner))) g
where c.relnamespace in {OURS} and c.relkind in ('r', 'v', 'm', 'S') and g.grantee in {ROLES}
union all
select 'column', c.oid::regclass::text || '.' || a.attname, g.grantee::regrole::text, g.privilege_type
from pg_attribute a join pg_class c on c.oid = a.attrelid, aclexplode(a.attacl) g where c.relnamespace in {OURS} and g.grantee in {ROLES}
"""


async def schema_of(url: str) -> list[str]:
    """Functions, triggers, tables, columns, constraints, indexes, policies, views, comments and what is published."""
    return await _lines(url, PARTS)


async def grants_of(url: str) -> list[str]:
    """What the roles of the API, and everybody, may do with each schema, table, column, sequence and function."""
    return await _lines(url, {"grant": GRANTS})


async def _lines(url: str, queries: dict[str, str]) -> list[str]:
    lines: list[str] = []
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute("set local search_path = ''")
        for kind, query in queries.items():
            cursor = await connection.execute(query.encode())
            lines += [f"{kind} {row}" for row in await cursor.fetchall()]
    return sorted(lines)
