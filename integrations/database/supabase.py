"""Tables of a Supabase project, through its REST API (PostgREST) with `postgrest`, under the project's key."""

from dataclasses import dataclass, field
from typing import Any, cast

import httpx

from core.outside.errors import Malformed, Refused, SignInExpired, Temporary
from core.outside.records import QueryRows, TableQuery
from core.supabase_keys import key_headers
from integrations.web.client import NOT_SENT, broken, retry_after_seconds, unsent
from integrations.web.guard import Guard, TooMuch, parsed_url

HINT = "Set STEWARD_QUERY_SUPABASE_URL and STEWARD_QUERY_SUPABASE_KEY (Project settings, API keys)."
SIGN_IN = {"PGRST301", "PGRST302", "PGRST303"}


@dataclass(frozen=True)
class SupabaseTables:
    """Fulfils `agents.services.records.TableQueries`. The project's own rules decide what the key may see."""

    url: str
    key: str = field(repr=False)
    guard: Guard
    timeout_seconds: float = 15.0
    most_rows: int = 10_000

    async def select(self, query: TableQuery, most_rows: int) -> QueryRows:
        from postgrest import APIError, AsyncPostgrestClient

        heard: list[httpx.Response] = []
        most_rows = min(most_rows, self.most_rows)

        async def listen(answer: httpx.Response) -> None:
            heard.append(answer)

        headers = {**key_headers(self.key), "Accept": "application/json"}
        async with self.guard.client(timeout_seconds=self.timeout_seconds) as http:
            http.base_url = parsed_url(self.url.rstrip("/") + "/rest/v1/")
            http.headers.update(headers)
            http.event_hooks = {"response": [listen]}
            client = AsyncPostgrestClient(str(http.base_url), headers=headers, http_client=http, retry_enabled=False)
            try:
                answer = await _request(client, query, most_rows).execute()
            except APIError as error:
                raise _meaning(error, heard) from error
            except (*NOT_SENT, httpx.HTTPError, httpx.InvalidURL, TooMuch) as error:
                raise (broken if heard else _unsent)(error, "Supabase") from error
            except (ValueError, TypeError) as error:
                raise Malformed("The answer of Supabase cannot be understood", detail=type(error).__name__) from error
        rows: Any = answer.data
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in cast("list[Any]", rows)):
            raise Malformed("The answer of Supabase is no list of rows")
        listed = cast("list[dict[str, Any]]", rows)
        return QueryRows(listed[:most_rows], len(listed) > most_rows)


def _unsent(error: Exception, name: str) -> Exception:
    return unsent(error, name, is_reading=True)


def _request(client: Any, query: TableQuery, most_rows: int) -> Any:
    asked = client.from_(query.table).select(*(query.columns or ("*",)))
    for one in query.filters:
        match one.word:
            case "in":
                asked = asked.in_(one.column, one.value)
            case "is":
                asked = asked.is_(one.column, one.value)
            case "contains":
                asked = asked.contains(one.column, one.value)
            case word:
                asked = getattr(asked, word)(one.column, one.value)
    for name in query.order:
        asked = asked.order(name.removeprefix("-"), desc=name.startswith("-"))
    return asked.limit(most_rows + 1)


def _meaning(error: Any, heard: list[httpx.Response]) -> Exception:
    status = heard[-1].status_code if heard else 0
    said = "; ".join(str(part) for part in (error.message, error.details, error.hint) if part)[:300]
    if status == 401 or error.code in SIGN_IN:
        return SignInExpired("Supabase does not accept the key", hint=HINT)
    if status in {408, 429} or status >= 500:
        wait = retry_after_seconds(heard[-1].headers)
        return Temporary(f"Supabase answers {status}", detail=said, retry_after_seconds=wait)
    if 200 <= status < 300:
        return Malformed("The answer of Supabase cannot be understood")
    return Refused(f"Supabase refused it ({status})", detail=said)
