"""The PostgREST adapter: Supabase's API over HTTP, for a web tier that has no more than a project's URL and keys.

One pool of HTTP connections serves everybody; who asks stands in the headers of each request alone. A person's own
token of Supabase Auth is passed on as it came; whoever speaks otherwise is shown as a short-lived token that
`core.signing` makes. Errors are those of the Postgres adapter: PostgREST passes Postgres' SQLSTATE, message, detail and
hint on (https://docs.postgrest.org/en/stable/references/errors.html).
"""

import asyncio
import json
import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import httpx
import orjson
from postgrest import AsyncPostgrestClient

from core.auth import foreign_words
from core.bounded_answers import BoundedTransport
from core.database import (
    BROKEN_OFF,
    OUT_OF_REACH,
    RETRYABLE,
    SERVICE,
    TRIES,
    AsJson,
    Database,
    Identity,
    get_out_of_step,
    json_of,
    refusal,
)
from core.errors import Forbidden, Invalid, OutcomeUnknown, StewardError, TooMany, Unauthorized, Unavailable
from core.postgrest_answers import error_of, is_json
from core.signing import Signer
from core.supabase_keys import key_headers
from core.tracing import span
from core.written import READS

if TYPE_CHECKING:
    from postgrest.base_request_builder import RequestConfig

    from core.settings import Settings

TIMEOUT = httpx.Timeout(35.0, connect=5.0, write=15.0, pool=10.0)  # a statement may take 30 s
LIMITS = httpx.Limits(max_connections=40, max_keepalive_connections=20, keepalive_expiry=20.0)
MOST_BYTES = 64_000_000  # of one answer
CONNECT_TRIES = 3
OWN_FAULT = "PGRSTX00"  # of PostgREST itself, while the call ran
EXACT = 2**53  # beyond it, some readers of JSON round
PAGE = 1000  # rows that a project gives at most, where its settings were left alone (max_rows)
NULL = b"null"
OF_PAGE = "x-steward-organization"  # narrows what a person sees; `private.acting_organization` reads it
NEEDED = "Set SUPABASE_SIGNING_KEY or SUPABASE_JWT_SECRET, or STEWARD_DATABASE_URL."


@dataclass(frozen=True)
class PostgrestDatabase(Database):
    """SQL functions over HTTP."""

    client: AsyncPostgrestClient
    publishable_key: str
    secret_key: str | None = None
    signer: Signer | None = None

    async def call_json(self, function: str, identity: Identity, params: Mapping[str, object]) -> bytes:
        """The JSON text of the answer; a set is read page by page."""
        answer = await self._tried(function, identity, params, 0)
        if len(answer) < 2 * PAGE or not function.startswith(READS):
            return answer
        rows = json_list(answer)
        while rows and len(rows) % PAGE == 0:
            more = json_list(await self._tried(function, identity, params, len(rows)))
            if not more:
                break
            rows += more
            answer = orjson.dumps(rows)
        return answer

    async def check(self) -> None:
        """Return when PostgREST answers with the functions of Steward behind it. Raises `Unavailable`."""
        try:
            async with asyncio.timeout(5):
                await self._tried("get_profile", Identity.nobody(), {}, 0)
        except TimeoutError as error:
            raise Unavailable("The database does not answer") from error
        except Unavailable:
            raise
        except StewardError:
            return  # nobody may call it; but PostgREST, the database and the function are there

    def can_speak_for(self, identity: Identity) -> bool:
        """Is there a token of theirs, or a key to speak for them with?"""
        try:
            self._headers(identity)
        except Unavailable:
            return False
        return True

    def statistics(self) -> dict[str, int]:
        """Nothing: connections to the database are PostgREST's own."""
        return {}

    async def _tried(self, function: str, identity: Identity, params: Mapping[str, object], offset: int) -> bytes:
        values = {name: adapt(value) for name, value in params.items()}
        for left in reversed(range(TRIES)):
            try:
                with span("database", function=function):
                    return await self._once(function, identity, values, offset)
            except (_Collided, httpx.ConnectError, httpx.ConnectTimeout) as error:
                # Nothing was written: the transaction was rolled back, or the request was never sent.
                is_last = not left or (not isinstance(error, _Collided) and left <= TRIES - CONNECT_TRIES)
                if is_last:
                    raise (error.told if isinstance(error, _Collided) else _unreached(error)) from error
                await get_out_of_step(left)
            except httpx.HTTPError as error:
                raise _unreached(error) from error
        raise AssertionError("the last try returns or raises")

    async def _once(self, function: str, identity: Identity, values: Mapping[str, Any], offset: int) -> bytes:
        if self.client.session.is_closed:
            raise Unavailable("The database is out of reach", detail="the connections to it are closed")
        asked = cast("RequestConfig[httpx.AsyncClient]", self.client.rpc(function, dict(values)).request)
        asked.headers.update(self._headers(identity))
        if offset:
            asked.params = asked.params.set("offset", offset)
        answer = await asked.send(httpx.Headers())
        if answer.status_code == 204:
            return NULL
        if answer.is_success and is_json(answer):
            return answer.content or NULL
        raise _told(function, identity, answer)

    def _headers(self, identity: Identity) -> dict[str, str]:
        """Who asks. Raises `Unavailable` where no token can be made for them."""
        if identity.access_token and is_person(identity):
            told = foreign_words(identity.access_token)
            if not told:
                held = {OF_PAGE: str(identity.organization_id)} if identity.organization_id else {}
                return {**key_headers(self.publishable_key, bearer=identity.access_token), **held}
            if not self.signer:
                raise Forbidden(
                    "The token of this Supabase project says more than who somebody is",
                    detail=f"it has {', '.join(told)}, which Steward gives alone",
                    hint=f"A hook of the project puts that in: name it otherwise there. Or: {NEEDED}",
                )
        if identity.claims() == Identity.nobody().claims():
            return key_headers(self.publishable_key)
        if self.signer:
            return key_headers(self.publishable_key, bearer=self.signer.token(identity))
        if self.secret_key and identity.claims() == Identity.service().claims():
            return key_headers(self.secret_key)
        raise Unavailable(
            "Steward cannot speak for this caller here: it has no key to sign with",
            hint=NEEDED
            if self.secret_key or len(identity.claims()) > 1
            else f"{NEEDED} SUPABASE_SECRET_KEY does for some.",
        )


class _Collided(Exception):
    """Another transaction changed the same rows; this one was rolled back."""

    def __init__(self, told: StewardError) -> None:
        super().__init__(told.message)
        self.told = told


def _told(function: str, identity: Identity, answer: httpx.Response) -> Exception:
    """What an answer that is no result says."""
    error = error_of(answer)
    code = error.code
    if code in {"PGRST202", "PGRST203"}:
        return Unavailable(
            f"The database has no function {function}", detail=error.message, hint="Run `steward migrate`."
        )
    if code in {"PGRST300", "PGRST301", "PGRST302", "PGRST303"} or (
        answer.status_code == 401 and _is_somebody(identity)
    ):
        hint = "Sign in again." if identity.access_token else "Does the project know the key that Steward signs with?"
        return Unauthorized("The token is not valid here, or it has expired", detail=error.message, hint=hint)
    if answer.status_code == 429:
        return TooMany("Supabase takes no more requests for the moment", retry_after_seconds=error.retry_after_seconds)
    if (
        answer.is_success
        or code in {OWN_FAULT, *BROKEN_OFF}
        or (code is None and answer.status_code in {500, 502, 504})
    ):
        # Done, with an answer that nobody can read; or a gateway between lost whoever was asked.
        return OutcomeUnknown("The database did not answer to the end", detail=error.message)
    if code is None or code.startswith("PGRST") or code[:2] in OUT_OF_REACH:
        return Unavailable("The database is out of reach", detail=error.message)
    told = refusal(code, error.message, error.details, error.hint)
    return _Collided(told) if code in RETRYABLE else told


def is_person(identity: Identity) -> bool:
    """A person by themselves: nothing but who they are, and in which organization they act."""
    return identity.claims().keys() <= {"role", "sub", "organization_id"} and identity.role != SERVICE


def _is_somebody(identity: Identity) -> bool:
    return identity.role != "anon"


def _unreached(error: httpx.HTTPError) -> Unavailable:
    if isinstance(error, httpx.PoolTimeout):
        return Unavailable("The database has no free connection", hint="Try again in a moment.")
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return Unavailable("The database is out of reach", detail=str(error) or type(error).__name__)
    return OutcomeUnknown("The database did not answer to the end", detail=str(error) or type(error).__name__)


def adapt(value: object) -> Any:
    """The JSON of a parameter, as a Postgres type of its kind reads it."""
    match value:
        case bool() | None:
            return value
        case str():
            if "\x00" in value:
                raise Invalid("A value cannot be kept", detail="text with a NUL character")
            return value
        case int():
            return value if -EXACT <= value <= EXACT else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case UUID() | Decimal():
            return str(value)
        case date():
            return value.isoformat()
        case timedelta():
            return f"{value.total_seconds()} seconds"
        case AsJson():
            return _plain(value.value)
        case dict() | list():
            return _plain(cast("dict[str, object] | list[object]", value))
        case _:
            raise Invalid("A value cannot be kept", detail=f"it is a {type(value).__name__}")


def _plain(value: object) -> Any:
    return json.loads(json_of(value))  # which keeps integers beyond 64 bits


def json_list(answer: bytes) -> list[Any]:
    """The rows of a set; empty where it is none."""
    found = orjson.loads(answer)
    return cast("list[Any]", found) if isinstance(found, list) else []


@asynccontextmanager
async def open_postgrest(settings: "Settings") -> AsyncGenerator[PostgrestDatabase]:
    """The project of the settings, for as long as the block runs. Raises `Unavailable` and `Invalid` for the settings."""
    if not settings.supabase_url or not settings.supabase_publishable_key:
        raise Unavailable("No Supabase project is set", hint="Set SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY.")
    url = settings.supabase_url.rstrip("/")
    secret = settings.supabase_secret_key
    async with httpx.AsyncClient(
        transport=BoundedTransport(MOST_BYTES, limits=LIMITS), timeout=TIMEOUT, follow_redirects=False, trust_env=False
    ) as session:
        client = AsyncPostgrestClient(
            f"{url}/rest/v1", headers={"Accept": "application/json"}, http_client=session, retry_enabled=False
        )
        yield PostgrestDatabase(
            client,
            settings.supabase_publishable_key.get_secret_value(),
            secret.get_secret_value() if secret else None,
            Signer.from_settings(settings),
        )
