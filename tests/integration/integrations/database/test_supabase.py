"""Tables of a Supabase project by `postgrest`, against a fake of the few forms of PostgREST's reading that are used.

The fake is written from PostgREST's reference of query parameters and errors; the client is the real one.
"""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from core.outside.errors import Malformed, Refused, SignInExpired, Temporary
from core.outside.records import RowFilter, TableQuery
from integrations.database.supabase import SupabaseTables
from integrations.web.guard import AddressRefused, Guard
from tests.emulators.served import Answer, Got, Served, serving

ROWS: list[dict[str, Any]] = [{"id": n, "name": f"größe {n}"} for n in range(1, 6)]


def answer(got: Got) -> Answer:
    if got.headers.get("apikey") != "supabase-key" or got.headers.get("authorization") != "Bearer supabase-key":
        return Answer(401, {"message": "Invalid API key", "hint": "Double check your API key."})
    if got.path != "/rest/v1/orders":
        said = {
            "code": "PGRST205",
            "message": "Could not find the table 'public.nosuch' in the schema cache",
            "details": None,
            "hint": None,
        }
        return Answer(404, said)
    return Answer(200, list(ROWS[: int(got.query["limit"][0])]))


@pytest.fixture
async def site() -> AsyncGenerator[Served]:
    async with serving(answer) as served:
        yield served


def tables(site: Served, key: str = "supabase-key", **more: float) -> SupabaseTables:
    return SupabaseTables(site.url, key, Guard(most_bytes=100_000, **more).trusting(site.url))  # pyright: ignore[reportArgumentType]


async def test_rows_are_asked_for_as_postgrest_wants_it(site: Served) -> None:
    filters = [
        RowFilter("name", "ilike", "%a,b)%"),
        RowFilter("id", "in", [1, "x,y"]),
        RowFilter("gone_at", "is", None),
        RowFilter("tags", "contains", ["a"]),
        RowFilter("n", "gte", 3),
    ]
    query = TableQuery("orders", ["id", "name"], filters, ["-id", "name"])
    found = await tables(site).select(query, 2)
    assert (list(found.rows), found.is_cut) == (ROWS[:2], True)
    asked = site.got[0].query
    assert asked["select"] == ["id,name"]
    assert asked["name"] == ["ilike.%a,b)%"]
    assert asked["id"] == ['in.(1,"x,y")']
    assert (asked["gone_at"], asked["tags"], asked["n"]) == (["is.null"], ["cs.{a}"], ["gte.3"])
    assert (asked["order"], asked["limit"]) == (["id.desc,name.asc"], ["3"])
    found = await tables(site).select(TableQuery("orders"), 100)
    assert (len(found.rows), found.is_cut) == (5, False)


async def test_what_goes_wrong_is_told(site: Served) -> None:
    with pytest.raises(SignInExpired) as caught:
        await tables(site, "s3cret").select(TableQuery("orders"), 5)
    assert "s3cret" not in f"{caught.value.message} {caught.value.detail}"
    with pytest.raises(Refused, match="404") as refused:
        await tables(site).select(TableQuery("nosuch"), 5)
    assert "schema cache" in (refused.value.detail or "")
    with pytest.raises(AddressRefused):
        await SupabaseTables(site.url, "supabase-key", Guard()).select(TableQuery("orders"), 5)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (Answer(401, {"code": "PGRST301", "message": "JWT expired", "details": None, "hint": None}), SignInExpired),
        (Answer(400, {"code": "PGRST303", "message": "JWT expired", "details": None, "hint": None}), SignInExpired),
        (
            Answer(
                403, {"code": "42501", "message": "permission denied for table orders", "details": None, "hint": None}
            ),
            Refused,
        ),
        (Answer(429, {"message": "slow"}, {"Retry-After": "4"}), Temporary),
        (Answer(500, b"<html>"), Temporary),
        (Answer(504, {"code": "57014", "message": "canceling statement due to statement timeout"}), Temporary),
        (Answer(200, b"not json"), Malformed),
        (Answer(200, {"a": 1}), Malformed),
        (Answer(200, [1, 2]), Malformed),
        (Answer(200, b"[{}]", cut=2), Temporary),
        (Answer(200, b" " * 200_000), Refused),
        (Answer(raw=b""), Temporary),
    ],
)
async def test_each_answer_has_its_meaning(site: Served, given: Answer, kind: type[Exception]) -> None:
    site.once = [given]
    with pytest.raises(kind) as caught:
        await tables(site).select(TableQuery("orders"), 5)
    assert type(caught.value) is kind or kind is Refused
