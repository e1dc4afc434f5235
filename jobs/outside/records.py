"""Systems of record and databases that are asked, by a connected account or the settings."""

from agents.services.records import ApiRecords, CustomerRecords, SqlQueries, TableQueries, TableRecords
from core.database import Caller
from jobs.outside.lending import guard_for
from jobs.outside.web import Credentials, credentials_for
from jobs.outside.world import Given, Service
from tasks.models import Task

HUBSPOT_HINT = "Set STEWARD_HUBSPOT_TOKEN to the token of a private app that may read and write these objects."
TABLES_HINT = "Set STEWARD_RECORDS_DATABASE_URL to a Postgres whose user may change these tables."
API_HINT = "Set STEWARD_RECORDS_API_URL and STEWARD_RECORDS_API_TOKEN."
SQL_HINT = "Set STEWARD_QUERY_DATABASE_URL to a Postgres, as a user who may only read (and STEWARD_QUERY_ROLE)."
SUPABASE_HINT = "Set STEWARD_QUERY_SUPABASE_URL and STEWARD_QUERY_SUPABASE_KEY (Project settings, API keys)."


def services(given: Given) -> dict[type, Service]:
    """What changes records, and what asks."""
    return {**_records(given), **_queries(given)}


def _records(given: Given) -> dict[type, Service]:
    settings = given.settings
    hubspot = {"token": settings.hubspot_token.get_secret_value()} if settings.hubspot_token else None
    tables = {"url": settings.records_database_url.get_secret_value()} if settings.records_database_url else None
    api: Credentials | None = None
    if settings.records_api_url:
        token = settings.records_api_token
        api = {"url": settings.records_api_url, "token": token.get_secret_value() if token else ""}

    async def customers(caller: Caller, task: Task) -> CustomerRecords:
        from integrations.hubspot.crm import HubSpot

        secret, _ = await credentials_for(given, caller, task, "hubspot", ["token"], hubspot, HUBSPOT_HINT)
        guard = await guard_for(given, caller, settings.hubspot_url)
        return HubSpot.signed_in(settings.hubspot_url, secret["token"], guard)

    async def rows(caller: Caller, task: Task) -> TableRecords:
        from integrations.database.postgres import Postgres

        secret, is_own = await credentials_for(given, caller, task, "postgres_records", ["url"], tables, TABLES_HINT)
        guard = None if is_own else await guard_for(given, caller)
        return Postgres(secret["url"], guard, settings.query_timeout_seconds)

    async def records(caller: Caller, task: Task) -> ApiRecords:
        from integrations.web.rest_records import RestRecords

        secret, is_own = await credentials_for(given, caller, task, "rest_records", ["url"], api, API_HINT)
        guard = await guard_for(given, caller, secret["url"] if is_own else None)
        return RestRecords.signed_in(secret["url"], secret.get("token") or None, guard)

    return {
        CustomerRecords: Service(customers, lambda: None if hubspot else HUBSPOT_HINT, ("hubspot",)),
        TableRecords: Service(rows, lambda: None if tables else TABLES_HINT, ("postgres_records",)),
        ApiRecords: Service(records, lambda: None if api else API_HINT, ("rest_records",)),
    }


def _queries(given: Given) -> dict[type, Service]:
    settings = given.settings
    database = {"url": settings.query_database_url.get_secret_value()} if settings.query_database_url else None
    supabase = None
    if settings.query_supabase_url and settings.query_supabase_key:
        supabase = {"url": settings.query_supabase_url, "key": settings.query_supabase_key.get_secret_value()}

    async def sql(caller: Caller, task: Task) -> SqlQueries:
        from integrations.database.postgres import Postgres

        secret, is_own = await credentials_for(given, caller, task, "postgres", ["url"], database, SQL_HINT)
        role = settings.query_role if is_own else secret.get("role") or None
        guard = None if is_own else await guard_for(given, caller)
        most_rows = settings.query_most_rows
        return Postgres(secret["url"], guard, settings.query_timeout_seconds, role, most_rows=most_rows)

    async def tables(caller: Caller, task: Task) -> TableQueries:
        from integrations.database.supabase import SupabaseTables

        secret, is_own = await credentials_for(given, caller, task, "supabase", ["url", "key"], supabase, SUPABASE_HINT)
        guard = await guard_for(given, caller, secret["url"] if is_own else None)
        seconds, most_rows = settings.query_timeout_seconds, settings.query_most_rows
        return SupabaseTables(secret["url"], secret["key"], guard, seconds, most_rows)

    return {
        SqlQueries: Service(sql, lambda: None if database else SQL_HINT, ("postgres",)),
        TableQueries: Service(tables, lambda: None if supabase else SUPABASE_HINT, ("supabase",)),
    }
