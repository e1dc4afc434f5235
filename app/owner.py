"""The owner of an installation: the person whom a one-time link signs in, and whom the settings' credentials serve."""

import json
from collections.abc import Mapping
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from core.database import Identity
from core.errors import Conflict, Unavailable
from core.settings import LOCAL_ADDRESS, Settings
from integrations.supabase.auth import SupabaseAuth
from integrations.supabase.people import make_person

OWNER_LOCK = 7_238_201  # of this database: who is made or marked
Connection = psycopg.AsyncConnection[tuple[Any, ...]]


async def ensure_owner(url: str, settings: Settings) -> Identity:
    """The owner, made the first time. Where Supabase Auth keeps the people, only Auth makes one.

    On a Supabase database a house whose STEWARD_OWNER_EMAIL is not set has no owner: nobody is invented there. Raises
    `Unavailable` that says what is missing.
    """
    try:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            if await _auth_keeps_people(connection):
                return await _ensure_person_of_auth(connection, settings)
            return Identity(await _ensure_local_owner(connection, settings))
    except psycopg.Error as error:
        raise Unavailable("The local owner could not be made", detail=str(error).strip()) from error


async def _auth_keeps_people(connection: Connection) -> bool:
    """Is auth.users Supabase Auth's own table? Auth cannot read a row whose tokens are null, as ours would be."""
    cursor = await connection.execute(
        """select exists (select 1 from pg_catalog.pg_attribute a where a.attrelid = 'auth.users'::regclass
                          and a.attname = 'confirmation_token' and not a.attisdropped)"""
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def _ensure_person_of_auth(connection: Connection, settings: Settings) -> Identity:
    """The setting alone decides: whoever was the owner by another address is it no more."""
    if settings.owner_email == LOCAL_ADDRESS:
        return await _restored(connection)
    found = await _confirmed(connection, settings.owner_email)
    if found is None:
        await _make(settings)
        found = await _confirmed(connection, settings.owner_email)
    elif not await _is_marked(connection, found):
        await _refuse_unconfirming(settings)
    if found is None:
        raise Unavailable(
            "The owner could not be made", detail="Supabase Auth said it made them, and the database has nobody",
            hint="Are SUPABASE_URL and STEWARD_DATABASE_URL of the same project?",
        )  # fmt: skip
    await _mark(connection, found)
    return Identity(found)


async def _refuse_unconfirming(settings: Settings) -> None:
    """Raises `Unavailable` where the project, asked, does not say that it confirms addresses: the first who came has it."""
    key = settings.supabase_publishable_key or settings.supabase_secret_key
    if settings.supabase_url is None or key is None:
        return  # a database alone does not tell; `steward doctor` looks where both are set
    auth = SupabaseAuth(settings.supabase_url, key.get_secret_value())
    try:
        confirms = (await auth.features()).confirms
    finally:
        await auth.close()
    if not confirms:
        raise Unavailable(
            f"Anybody could have signed up as {settings.owner_email}, the owner's address: the project confirms no addresses",
            hint='Switch on "Confirm email" in the Supabase project. Is that account not yours? Then remove it first.',
        )


async def _is_marked(connection: Connection, person: UUID) -> bool:
    found = await _one(
        connection,
        "select u.id from auth.users u where u.id = %(id)s and u.raw_app_meta_data ->> 'steward_owner' = 'true'",
        {"id": person},
    )
    return found is not None


async def _restored(connection: Connection) -> Identity:
    """Who is the owner where no setting names one: nobody, unless a back-up brought one who never had an address.

    The mark of an owner stays: another process may have the setting.
    """
    found = await _one(
        connection,
        """select u.id from auth.users u where u.email = %(email)s and u.raw_app_meta_data ->> 'steward_owner' = 'true'
             and u.deleted_at is null""",
        {"email": LOCAL_ADDRESS},
    )
    return Identity(found) if found else Identity.nobody()


async def _mark(connection: Connection, owner: UUID) -> None:
    """The mark moves to them in one statement: there is one owner at any moment."""
    await connection.execute(
        """update auth.users u set raw_app_meta_data = case when u.id = %(owner)s
             then coalesce(u.raw_app_meta_data, '{}') || '{"steward_owner": "true"}'
             else u.raw_app_meta_data - 'steward_owner' end
           where (u.id = %(owner)s) <> (u.raw_app_meta_data ->> 'steward_owner' is not distinct from 'true')""",
        {"owner": owner},
    )


async def _confirmed(connection: Connection, address: str) -> UUID | None:
    """The person of that address. Raises `Unavailable` for one that nobody confirmed: anybody could have signed up so.

    Nobody marks themselves: who has the mark, as out of a back-up, need not confirm.
    """
    cursor = await connection.execute(
        """select u.id, u.email_confirmed_at is not null
             or coalesce(u.raw_app_meta_data ->> 'steward_owner' = 'true', false) from auth.users u
           where lower(u.email) = lower(%s) and u.deleted_at is null order by 2 desc limit 1""",
        (address,),
    )
    row = await cursor.fetchone()
    if row and not row[1]:
        raise Unavailable(
            f"Somebody signed up as {address}, the owner's address, and did not confirm it",
            hint="Open the link in the confirmation mail, or remove that user in the Supabase project.",
        )
    return row[0] if row else None


async def _make(settings: Settings) -> None:
    if settings.supabase_url is None or settings.supabase_secret_key is None:
        raise Unavailable(
            f"The owner {settings.owner_email} is not among the people of this Supabase database",
            hint="Sign up with that address first; or set SUPABASE_URL and SUPABASE_SECRET_KEY, and it is made.",
        )
    try:
        await make_person(
            settings.supabase_url,
            settings.supabase_secret_key.get_secret_value(),
            settings.owner_email,
            settings.owner_name,
        )
    except Conflict:
        return  # another process was first


async def _ensure_local_owner(connection: Connection, settings: Settings) -> UUID:
    """The one of a database of our own: who has the setting's address; else the owner of before, who takes it on."""
    asked = {
        "email": settings.owner_email,
        "is_set": settings.owner_email != LOCAL_ADDRESS,
        "details": json.dumps({"name": settings.owner_name}),
        "is_named": bool(settings.owner_name),
    }
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(%s)", (OWNER_LOCK,))  # one process at a time
        found = await _one(
            connection,
            """select u.id from auth.users u where u.deleted_at is null
                 and (u.raw_app_meta_data ->> 'steward_owner' = 'true' or lower(u.email) = lower(%(email)s))
               order by %(is_set)s and lower(u.email) = lower(%(email)s) desc,
                 u.raw_app_meta_data ->> 'steward_owner' nulls last, u.created_at limit 1""",
            asked,
        )
        found = found or await _one(
            connection,
            """insert into auth.users (email, raw_user_meta_data, raw_app_meta_data)
               values (%(email)s, %(details)s::jsonb, '{"steward_owner": "true"}') returning id""",
            asked,
        )
        if found is None:
            raise Unavailable("The local owner could not be made")
        # Address and name are taken from nobody where the settings say none.
        await connection.execute(
            """update auth.users u set
                 email = case when %(is_set)s and lower(u.email) is distinct from lower(%(email)s) then %(email)s else u.email end,
                 raw_user_meta_data = case when %(is_named)s or u.email_confirmed_at is null
                   then coalesce(u.raw_user_meta_data, '{}') || %(details)s::jsonb else u.raw_user_meta_data end
               where u.id = %(id)s""",
            {**asked, "id": found},
        )
        await _mark(connection, found)
    return found


async def _one(connection: Connection, statement: LiteralString, params: Mapping[str, object]) -> UUID | None:
    cursor = await connection.execute(statement, params)
    row = await cursor.fetchone()
    return row[0] if row else None
