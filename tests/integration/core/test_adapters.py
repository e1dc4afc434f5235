"""Both ways to the database, one table of cases: the same values, types and errors."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from time import time
from uuid import UUID, uuid4

import jwt
import psycopg
import pytest

from core.database import AsJson, Database, Identity
from core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OutcomeUnknown,
    StewardError,
    TooMany,
    Unauthorized,
    Unavailable,
)
from core.postgres import PostgresDatabase, pool_of, translate
from core.postgrest import PostgrestDatabase, open_postgrest
from core.settings import Settings
from tests.conftest import free_port, sign_up
from tests.emulators.supabase import SupabaseLite, supabase_lite

CASES_SQL = Path(__file__).with_name("adapter_cases.sql")
ID = UUID("00000000-0000-4000-8000-00000000000a")
ODD = "größer 🦊 \"quoted\" \\ 'it''s' \u2028 {}"
JSON: list[object] = [
    {},
    [],
    {"a": [1, 2.5, None, True, {"b": ODD}], "": 0},
    [{"id": str(ID)}, {"n": -1}],
    {"deep": [[[[[]]]]]},
]
VALUES: dict[str, tuple[str, dict[str, object], object]] = {
    "text": ("probe_text", {"value": ODD}, ODD),
    "text that looks like JSON": ("probe_text", {"value": '{"a": 1}'}, '{"a": 1}'),
    "text that is empty": ("probe_text", {"value": ""}, ""),
    "text that is long": ("probe_text", {"value": "ö" * 300_000}, "ö" * 300_000),
    "no text": ("probe_text", {"value": None}, None),
    "default": ("probe_default", {}, "left out"),
    "number": ("probe_number", {"value": -7}, "-7"),
    "greatest number": ("probe_number", {"value": 2**63 - 1}, str(2**63 - 1)),
    "number beyond 64 bits": ("probe_numeric", {"value": 10**30}, str(10**30)),
    "decimal": ("probe_numeric", {"value": Decimal("12.3400")}, "12.3400"),
    "float": ("probe_float", {"value": 0.1}, "0.1"),
    "infinity": ("probe_float", {"value": float("-inf")}, "-Infinity"),
    "flag": ("probe_flag", {"value": True}, False),
    "no flag": ("probe_flag", {"value": None}, None),
    "time": (
        "probe_time",
        {"value": datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=UTC)},
        "2026-03-29 02:30:00.123456",
    ),
    "time given back": ("probe_moment", {}, "2026-03-04T08:30:00.123456+00:00"),
    "day": ("probe_day", {"value": date(2026, 12, 31)}, "2027-01-01"),
    "id": ("probe_id", {"value": ID}, str(ID)),
    "ids": ("probe_ids", {"value": [ID, ID]}, f"2 {ID}"),
    "null": ("probe_null", {}, None),
    "empty set": ("probe_set", {"most": 0}, []),
    "set": ("probe_set", {"most": 3}, [{"n": 1}, {"n": 2}, {"n": 3}]),
    "set of words": ("probe_words", {}, ["a", None, '"ü"']),
    "list of objects is JSON": ("probe_kind_of_json", {"value": [{"a": 1}]}, "array"),
    "object is JSON": ("probe_kind_of_json", {"value": {"a": 1}}, "object"),
    "ids and times in JSON": (
        "probe_echo_json",
        {"value": {"id": ID, "at": datetime(2026, 3, 4, tzinfo=UTC)}},
        {"id": str(ID), "at": "2026-03-04T00:00:00+00:00"},
    ),
    "text as JSON": ("probe_echo_json", {"value": AsJson('{"a": 1}')}, '{"a": 1}'),
    "number as JSON": ("probe_kind_of_json", {"value": AsJson(7)}, "number"),
    "nothing as JSON": ("probe_kind_of_json", {"value": AsJson(None)}, None),
    **{f"JSON {number}": ("probe_echo_json", {"value": value}, value) for number, value in enumerate(JSON)},
}
STATES: dict[str, type[StewardError]] = {
    "PT403": Forbidden,
    "PT404": NotFound,
    "PT409": Conflict,
    "PT422": Invalid,
    "42501": Forbidden,
    "22023": Invalid,
    "22P02": Invalid,
    "23514": Invalid,
    "40001": Conflict,
    "40P01": Conflict,
    "P0001": StewardError,
    "XX000": StewardError,
    "57014": Unavailable,
    "54001": StewardError,  # class 54 is a limit of the program: nothing is out of reach
    "28000": StewardError,
    "38000": StewardError,
    "53300": Unavailable,
}
ERRORS: dict[str, tuple[str, dict[str, object], type[StewardError]]] = {
    "taken": ("probe_put", {"id": 1, "name": "x", "other": None}, Conflict),
    "refers to nothing": ("probe_put", {"id": 2, "name": "x", "other": 99}, Invalid),
    "breaks a check": ("probe_put", {"id": 2, "name": "bad", "other": None}, Invalid),
    "lacks a value": ("probe_put", {"id": 2, "name": None, "other": None}, Invalid),
    "no such id": ("probe_id", {"value": "not-an-id"}, Invalid),
    "no such day": ("probe_day", {"value": "2026-02-30"}, Invalid),
    "too large": ("probe_number", {"value": "9223372036854775808"}, Invalid),
    "NUL in a text": ("probe_text", {"value": "a\x00b"}, Invalid),
    "NUL in JSON": ("probe_echo_json", {"value": {"a": "\x00"}}, Invalid),
    "not for us": ("probe_closed", {}, Forbidden),
    "no such function": ("probe_not_there", {}, Unavailable),
    "out of time": ("probe_timed_out", {}, Unavailable),
}


@dataclass(frozen=True)
class Both:
    """One database by two ways."""

    postgres: PostgresDatabase
    postgrest: PostgrestDatabase
    lite: SupabaseLite
    settings: Settings

    async def outcomes(self, function: str, identity: Identity, params: dict[str, object]) -> list[object]:
        """What each of them gives: a value with its type, or an error with all that it says."""
        return [await outcome(one, function, identity, params) for one in (self.postgres, self.postgrest)]


async def outcome(database: Database, function: str, identity: Identity, params: dict[str, object]) -> object:
    try:
        value = await database.call(function, identity, params)
    except StewardError as error:
        return type(error), error.message, error.detail, error.hint
    return (type(value), value)  # pyright: ignore[reportUnknownVariableType] # it is JSON of any kind


@pytest.fixture
async def both(database: PostgresDatabase, database_url: str, settings: Settings) -> AsyncGenerator[Both]:
    async with pool_of(database).connection() as connection:
        await connection.execute(CASES_SQL.read_bytes())
    async with supabase_lite(database_url, auth=False) as lite:
        reached = settings_of(settings, lite)
        async with open_postgrest(reached) as postgrest:
            yield Both(database, postgrest, lite, reached)


def settings_of(settings: Settings, lite: SupabaseLite, **changes: object) -> Settings:
    names: dict[str, object] = {
        "SUPABASE_URL": lite.url,
        "SUPABASE_PUBLISHABLE_KEY": lite.publishable_key,
        "SUPABASE_SECRET_KEY": lite.secret_key,
        "SUPABASE_JWT_SECRET": lite.jwt_secret,
        **changes,
    }
    given = {name: value for name, value in names.items() if value is not None}
    return Settings.model_validate({"home": settings.home, **given})


async def test_values_are_the_same(both: Both) -> None:
    person = await sign_up(both.postgres, "ana@example.com")
    for name, (function, params, expected) in VALUES.items():
        by_postgres, by_postgrest = await both.outcomes(function, person, params)
        assert by_postgres == by_postgrest, name
        assert by_postgrest == (type(expected), expected), name
    await both.postgrest.call("probe_nothing", person, {})


async def test_errors_are_the_same(both: Both) -> None:
    person = await sign_up(both.postgres, "ana@example.com")
    cases: dict[str, tuple[str, dict[str, object], type[StewardError]]] = {
        **ERRORS,
        **{state: ("probe_refuse", {"state": state}, kind) for state, kind in STATES.items()},
    }
    for name, (function, params, kind) in cases.items():
        by_postgres, by_postgrest = await both.outcomes(function, person, params)
        assert isinstance(by_postgrest, tuple)
        assert by_postgrest[0] is kind, (name, by_postgrest)
        assert isinstance(by_postgres, tuple)
        if kind in {Forbidden, NotFound, Conflict, Invalid} and "NUL" not in name:
            assert by_postgres == by_postgrest, name
        else:
            assert by_postgres[0] is kind, (name, by_postgres)


async def test_everybody_is_who_they_are(both: Both) -> None:
    person = await sign_up(both.postgres, "ana@example.com")
    organization, agent, run = uuid4(), uuid4(), (uuid4(), uuid4())
    kinds = [
        person,
        Identity.nobody(),
        Identity.service(),
        Identity.service(organization),
        Identity.agent(agent, organization),
        replace(person, organization_id=organization, token_id=uuid4(), scopes=("tasks:read",)),
        replace(Identity.service(organization), run=run),
    ]
    for identity in kinds:
        by_postgres, by_postgrest = await both.outcomes("probe_who", identity, {})
        assert by_postgres == by_postgrest, identity


async def test_a_persons_own_token_is_shown_as_it_is_and_a_wrong_one_opens_nothing(both: Both) -> None:
    person = await sign_up(both.postgres, "ana@example.com")
    claims = {**person.claims(), "aud": "authenticated", "exp": int(time()) + 60, "own": "yes"}
    own = jwt.encode(claims, both.lite.jwt_secret, "HS256")
    async with open_postgrest(settings_of(both.settings, both.lite, SUPABASE_JWT_SECRET=None)) as postgrest:
        who = await postgrest.call("probe_who", replace(person, access_token=own), {})
        assert who["id"] == str(person.user_id)
        wrong = {
            "expired": jwt.encode({**claims, "exp": int(time()) - 120}, both.lite.jwt_secret, "HS256"),
            "of another key": jwt.encode(claims, "another secret that is just as long", "HS256"),
            "without a signature": jwt.encode(claims, "", "none"),
            "garbled": own[:-4] + "AAAA",
            "no token": "garbage",
        }
        for name, token in wrong.items():
            try:
                who = await postgrest.call("get_profile", replace(person, access_token=token), {})
            except Unauthorized:
                continue
            raise AssertionError(f"{name}: {who}")
        assert (await postgrest.call("probe_who", Identity.service(), {}))["role"] == "service_role"
        with pytest.raises(Unavailable, match="no key to sign") as caught:
            await postgrest.call("probe_who", Identity.service(uuid4()), {})
        assert "SUPABASE_SIGNING_KEY" in str(caught.value.hint)


async def test_what_collided_is_tried_again_and_the_rest_is_not(both: Both) -> None:
    person = await sign_up(both.postgres, "ana@example.com")
    assert await both.postgrest.call("probe_collide", person, {"until": 4}) == "4"
    await both.postgrest.call("probe_put", person, {"id": 7, "name": "x", "other": None})
    with pytest.raises(Conflict, match="duplicate key"):
        await both.postgrest.call("probe_put", person, {"id": 7, "name": "x", "other": None})


async def test_fifty_calls_at_once_of_two_people_never_cross(both: Both) -> None:
    people = [await sign_up(both.postgres, f"{name}@example.com") for name in ("ana", "bo")]
    calls = [(people[n % 2], both.postgrest.call("probe_slow", people[n % 2], {"seconds": 0.01})) for n in range(50)]
    found = await asyncio.gather(*(call for _, call in calls))
    assert found == [str(person.user_id) for person, _ in calls]


async def test_a_large_set_is_read_to_its_end(both: Both) -> None:
    async with pool_of(both.postgres).connection() as connection:
        await connection.execute("alter function public.probe_set(integer) rename to list_probes")
    async with (
        supabase_lite(both.postgres.url, auth=False) as lite,
        open_postgrest(settings_of(both.settings, lite)) as postgrest,
    ):
        rows = await postgrest.call("list_probes", Identity.service(), {"most": 2500})
    assert [row["n"] for row in rows] == list(range(1, 2501))


async def test_a_project_that_does_not_answer_is_out_of_reach(settings: Settings) -> None:
    away = SupabaseLite(f"http://127.0.0.1:{free_port()}")
    async with open_postgrest(settings_of(settings, away)) as postgrest:
        with pytest.raises(Unavailable, match="out of reach"):
            await postgrest.call("probe_who", Identity.nobody(), {})
        with pytest.raises(Unavailable):
            await postgrest.check()


GATEWAY: dict[str, tuple[bytes, type[StewardError], str]] = {
    "a page of the gateway": (
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
        OutcomeUnknown,
        "HTTP 502",
    ),
    "an empty answer": (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", Unavailable, "HTTP 503"),
    "a page that says all is well": (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
        OutcomeUnknown,
        "HTTP 200",
    ),
    "a way elsewhere": (
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
        Unavailable,
        "HTTP 307",
    ),
    "too many": (b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", TooMany, ""),
    "cut off": (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n[1",
        OutcomeUnknown,
        "to the end",
    ),
    "nothing at all": (b"", OutcomeUnknown, "to the end"),
    "more than is kept": (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n" + b"1" * 5000,
        OutcomeUnknown,
        "larger than 4,000",
    ),
    "no schema yet": (
        b'HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 44\r\n\r\n{"code":"PGRST002","message":"schema cache"} ',
        Unavailable,
        "schema cache",
    ),
}


async def test_what_a_gateway_says_is_told_in_a_line_and_nothing_is_sent_twice(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.postgrest.MOST_BYTES", 4000)
    answer, asked = b"", 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    gateway = SupabaseLite(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with server, open_postgrest(settings_of(settings, gateway)) as postgrest:
        for number, (name, (answer, kind, says)) in enumerate(GATEWAY.items(), 1):  # noqa: B007 # the server reads `answer`
            with pytest.raises(kind) as caught:
                await postgrest.call("add_task_event", Identity.nobody(), {})
            assert says in f"{caught.value.message} {caught.value.detail}", name
            assert type(caught.value) is kind, name
            assert asked == number, name
            if kind is TooMany:
                assert caught.value.retry_after_seconds == 7


async def test_check_and_statistics(both: Both) -> None:
    await both.postgrest.check()
    assert both.postgrest.statistics() == {}


def test_what_broke_off_after_it_was_sent_may_have_been_done() -> None:
    assert type(translate(psycopg.OperationalError("server closed the connection unexpectedly"))) is OutcomeUnknown
    assert type(translate(psycopg.errors.CrashShutdown("crash of another server process"))) is OutcomeUnknown
    assert type(translate(psycopg.errors.AdminShutdown("terminating connection"))) is Unavailable  # rolled back
