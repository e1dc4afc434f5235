"""Organizations over HTTP: the API, the pages, the switcher, and what a page of another organization may not do."""

import re
from html import unescape

import httpx
import pytest

from app.house import House
from app.live import listening
from app.main import create_app
from app.person_session import COOKIE
from app.subscription import End
from core.database import Caller, Identity
from core.keys import Keys
from core.postgres import pool_of
from tasks import functions, organizations, tokens
from tasks.own_hours import HoursChange, OwnHours, get_own_hours, save_own_hours
from tests.conftest import sign_up

BASE = "http://127.0.0.1"
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


def pages_of(house: House, keys: Keys, identity: Identity | None = None) -> httpx.AsyncClient:
    user_id = (identity or house.owner).user_id
    assert user_id
    transport = httpx.ASGITransport(create_app(house, keys), raise_app_exceptions=False)
    cookies = {COOKIE: keys.session_token(user_id)}
    return httpx.AsyncClient(transport=transport, base_url=BASE, cookies=cookies, headers={"Accept": "text/html"})


async def invited(house: House, email: str) -> Caller:
    """A person whose address is confirmed."""
    identity = await sign_up(house.database, email)
    async with pool_of(house.database).connection() as connection:
        await connection.execute("update auth.users set email_confirmed_at = now() where id = %s", (identity.user_id,))
    return house.database.acting_as(identity)


def csrf_of(page: httpx.Response) -> str:
    found = CSRF.search(page.text)
    assert found
    return unescape(found[1])


async def test_the_api_from_creating_to_leaving(client: httpx.AsyncClient, house: House, keys: Keys) -> None:
    (home,) = (await client.get("/api/organizations")).json()["items"]
    made = await client.post("/api/organizations", json={"name": "Vega"})
    vega = made.json()
    assert (made.status_code, vega["is_chosen"], vega["role"]) == (201, True, "owner")
    at = f"/api/organizations/{vega['id']}"
    asked = await client.post(f"{at}/invitations", json={"email": "Ben@example.org"})
    assert asked.status_code == 201
    token = asked.json()["path"].removeprefix("/invitations/")
    assert token not in (await client.get(f"{at}/invitations")).text
    ben = await invited(house, "ben@example.org")
    assert ben.identity.user_id
    theirs = {"Authorization": f"Bearer {keys.bearer_token(ben.identity.user_id)}"}
    wrong = await client.post("/api/invitations/accept", json={"token": token})
    assert (wrong.status_code, "Vega" in wrong.text) == (403, False)
    joined = await client.post("/api/invitations/accept", json={"token": token}, headers=theirs)
    assert (joined.json()["name"], joined.json()["role"]) == ("Vega", "member")
    members = (await client.get(f"{at}/members")).json()["items"]
    assert [(one["role"], one["is_you"]) for one in members] == [("owner", True), ("member", False)]
    for method, path, body in (
        ("GET", f"{at}/invitations", None),
        ("PATCH", at, {"name": "x"}),
        ("DELETE", f"{at}/members/{members[0]['user_id']}", None),
        ("PATCH", f"{at}/members/{members[1]['user_id']}", {"role": "owner"}),
    ):
        assert (await client.request(method, path, json=body, headers=theirs)).status_code == 403, path
    changed = await client.patch(f"{at}/members/{members[1]['user_id']}", json={"role": "owner"})
    assert changed.json()["role"] == "owner"
    assert (await client.patch(at, json={"name": "Vega 2"})).json()["name"] == "Vega 2"
    assert (await client.patch(f"{at}/members/{members[1]['user_id']}", json={"role": "boss"})).status_code == 422
    script = (await tokens.create_token(house.caller, "script")).token
    program = {"Authorization": f"Bearer {script}"}
    assert [one["name"] for one in (await client.get("/api/organizations", headers=program)).json()["items"]] == ["Vega 2"]  # fmt: skip
    for method, path in (("GET", f"{at}/members"), ("POST", "/api/organizations"), ("POST", f"{at}/choose")):
        assert (await client.request(method, path, json={"name": "x"}, headers=program)).status_code == 403
    assert (await client.post(f"/api/organizations/{home['id']}/choose")).json()["is_chosen"]
    assert (await client.get(f"{at}/members")).status_code == 409, "it is not the one that one acts in"
    assert (await client.post(f"{at}/choose")).status_code == 200
    assert [one["id"] for one in (await client.delete(at)).json()["items"]] == [home["id"]]
    assert (await client.get("/api/tasks", headers=program)).status_code == 401
    for gone in (await client.get(f"{at}/members"), await client.post(f"{at}/choose")):
        assert gone.status_code == 404


async def test_a_form_of_a_page_of_another_organization_is_refused(house: House, keys: Keys) -> None:
    async with pages_of(house, keys) as pages:
        first = await pages.get("/tasks")
        csrf = csrf_of(first)
        assert "/settings/organization/choose" not in first.text, "nothing to choose from"
        vega = await organizations.create_organization(house.caller, "Vega")
        (home,) = [one for one in await organizations.list_organizations(house.caller) if one.is_personal]
        for sent in (
            await pages.post("/tasks", data={"csrf_token": csrf, "title": "Into which?"}),
            await pages.post("/", data={"csrf_token": csrf, "message": "Water the plants"}),
            await pages.post("/api/tasks", json={"title": "Into which?"}, headers={"X-CSRF-Token": csrf}),
            await pages.post("/api/chat", json={"message": "Into which?"}, headers={"X-CSRF-Token": csrf}),
        ):
            assert sent.status_code in {405, 409}, sent.text[:300]
            assert sent.status_code == 405 or "another organization" in sent.text
        part = await pages.get("/tasks", headers={"X-CSRF-Token": csrf, "HX-Request": "true"})
        assert (part.status_code, part.headers.get("hx-redirect")) == (409, "/")
        whole = await pages.get("/review", headers={"X-CSRF-Token": csrf, "HX-Request": "true", "HX-Boosted": "true"})
        assert (whole.status_code, whole.headers.get("hx-redirect")) == (409, f"{BASE}/review")
        assert (await functions.list_tasks(house.caller)).items == []
        again = await pages.get("/tasks")
        assert f'value="{vega.id}" selected>Vega</option>' in again.text, "the switcher says where one is"
        await organizations.create_organization(house.caller, "vega")
        alike = re.findall(r">(?:V|v)ega \(owner, since [^<>]+\)</option>", (await pages.get("/settings")).text)
        assert len(alike) == 2, "what tells two of one name apart"
        await organizations.choose_organization(house.caller, vega.id)
        kept = await pages.post("/api/tasks", json={"title": "At work"}, headers={"X-CSRF-Token": csrf_of(again)})
        assert kept.status_code == 201
        # The switcher says itself where it leads, so one of an old page works.
        back = await pages.post("/settings/organization/choose", data={"csrf_token": csrf, "organization_id": str(home.id)})  # fmt: skip
        assert (back.status_code, back.headers["location"]) == (303, "/")
        assert (await functions.list_tasks(house.caller)).items == []
        for wrong, status in ((str(Identity.nobody()), 422), ("0" * 32, 404)):
            answer = await pages.post("/settings/organization/choose", data={"csrf_token": csrf, "organization_id": wrong})  # fmt: skip
            assert answer.status_code == status
        forged = f"{'0' * 64}.{home.id}"
        for bad in ("", forged, csrf.partition(".")[2]):
            refused = await pages.post("/settings/organization/choose", data={"csrf_token": bad, "organization_id": str(vega.id)})  # fmt: skip
            assert refused.status_code == 403


async def test_the_pages_from_inviting_to_removing(house: House, keys: Keys) -> None:
    here = "/settings/organization"
    ben = await invited(house, "ben@example.org")
    eve = await invited(house, "eve@example.net")
    async with pages_of(house, keys) as owner, pages_of(house, keys, ben.identity) as theirs:
        personal = await owner.get(here)
        assert "personal organization" in personal.text
        assert "Make a link" not in personal.text
        made = await owner.post(here, data={"csrf_token": csrf_of(personal), "action": "create", "name": "Vega <b>"})
        assert made.status_code == 303
        page = await owner.get(here)
        assert "Vega &lt;b&gt;" in page.text
        (vega,) = [one for one in await organizations.list_organizations(house.caller) if one.is_chosen]
        form = {"csrf_token": csrf_of(page), "organization_id": str(vega.id)}
        refused = await owner.post(here, data={**form, "action": "invite", "email": "nobody", "role": "member"})
        assert (refused.status_code, 'value="nobody"' in refused.text) == (422, True)
        link_page = await owner.post(here, data={**form, "action": "invite", "email": "ben@example.org", "role": "member"})  # fmt: skip
        found = re.search(r"http://127\.0\.0\.1(/invitations/[\w-]{43})", link_page.text)
        assert (link_page.status_code, link_page.headers["cache-control"]) == (201, "no-store")
        assert found
        assert found[1] not in (await owner.get(here)).text
        async with (
            pages_of(house, keys, eve.identity) as stranger,
            pages_of(house, keys) as nobody,
        ):
            nobody.cookies.clear()
            other = await stranger.get(found[1])
            assert (other.status_code, "Vega" in other.text) == (403, False)
            assert (await nobody.get(found[1])).status_code in {401, 303}
        shown = await theirs.get(found[1])
        assert "Join Vega &lt;b&gt;" in shown.text
        assert (await theirs.post(found[1], data={"csrf_token": "wrong"})).status_code == 403
        assert (await theirs.post(found[1], data={"csrf_token": csrf_of(shown)})).headers["location"] == "/"
        assert "accepted already" in (await theirs.get(found[1])).text
        members = await theirs.get(here)
        assert "Leave Vega" in members.text
        assert "Rename" not in members.text
        assert (await theirs.post(here, data={"csrf_token": csrf_of(members), "organization_id": str(vega.id), "action": "rename", "name": "Mine"})).status_code == 403  # fmt: skip
        for person, action, more in ((ben, "role", {"role": "admin"}), (ben, "remove", {})):
            gone = await owner.post(here, data={**form, "action": action, "user_id": str(person.identity.user_id), **more})  # fmt: skip
            assert gone.status_code == 303
        assert (await theirs.post(here, data={"csrf_token": csrf_of(members), "action": "create", "name": "x"})).status_code == 409  # fmt: skip
        last = await owner.post(here, data={**form, "action": "leave"})
        assert (last.status_code, "at least one owner" in last.text) == (409, True)
        for nonsense in ({"action": "explode"}, {"action": "remove", "user_id": "me"}, {"action": "revoke", "invitation_id": ""}):  # fmt: skip
            assert (await owner.post(here, data={**form, **nonsense})).status_code == 422


async def test_a_stream_ends_where_its_organization_is_not_the_chosen_one_any_more(house: House) -> None:
    (home,) = await organizations.list_organizations(house.caller)
    async with listening(house.hub), house.hub.subscribed(house.caller) as subscription:
        await organizations.create_organization(house.caller, "Vega")
        await house.hub.check_members()
        assert await subscription.ended == End.LEFT
        async with house.hub.subscribed(house.caller) as there:
            await functions.create_tasks(house.caller, [{"title": "At work"}])
            async for batch in there.batches():
                if batch:
                    assert {told.event.organization_id for told in batch}.isdisjoint({home.id})
                    break


@pytest.mark.parametrize("path", ["/invitations/" + "x" * 43, "/invitations/x", "/invitations/%00"])
async def test_no_such_invitation(house: House, keys: Keys, path: str) -> None:
    async with pages_of(house, keys) as pages:
        assert (await pages.get(path)).status_code in {404, 422}


async def test_an_organization_is_deleted_on_its_page_once_its_name_is_typed(house: House, keys: Keys) -> None:
    ben = await invited(house, "ben@example.org")
    vega = await organizations.create_organization(house.caller, "Vega <b>")
    made = await organizations.create_invitation(house.caller, vega.id, "ben@example.org")
    await organizations.accept_invitation(ben, made.path.rpartition("/")[2])
    await functions.create_tasks(house.caller, [{"title": "Secret plan"}])
    at = "/settings/organization/delete"
    async with pages_of(house, keys) as owner, pages_of(house, keys, ben.identity) as theirs:
        assert f'href="{at}"' in (await owner.get("/settings/organization")).text
        assert f'href="{at}"' not in (await theirs.get("/settings/organization")).text
        assert (await theirs.get(at)).status_code == 403
        page = await owner.get(at)
        assert "Delete Vega &lt;b&gt;" in page.text
        assert "1 other" in page.text
        form = {"csrf_token": csrf_of(page), "organization_id": str(vega.id)}
        wrong = await owner.post(at, data={**form, "name": "vega"})
        assert (wrong.status_code, "is not that of the organization" in wrong.text) == (409, True)
        assert (await owner.post(at, data={**form, "csrf_token": "x", "name": vega.name})).status_code == 403
        assert (await theirs.post(at, data={**form, "csrf_token": csrf_of(await theirs.get("/")), "name": vega.name})).status_code == 403  # fmt: skip
        gone = await owner.post(at, data={**form, "name": vega.name})
        assert (gone.status_code, gone.headers["location"]) == (303, "/?gone=organization")
        assert "The organization is deleted" in (await owner.get(gone.headers["location"])).text
        for _ in range(2):
            told = await theirs.get("/tasks")
            assert "Vega &lt;b&gt; is gone" in told.text
            assert "Secret plan" not in told.text
        assert "is gone" not in (await owner.get("/")).text
        csrf = csrf_of(await theirs.get("/"))
        read = await theirs.post("/settings/organization/ended", data={"csrf_token": csrf})
        assert read.status_code == 303
        assert "is gone" not in (await theirs.get("/")).text
        assert (await owner.post(at, data={**form, "name": vega.name})).status_code == 409, "a page of what is gone"
        assert (await owner.get(at)).status_code == 409, "the personal one"


async def test_a_person_deletes_everything_of_theirs_on_a_page(house: House, keys: Keys) -> None:
    ben = await invited(house, "ben@example.org")
    await functions.create_tasks(ben, [{"title": "Secret plan"}])
    at = "/settings/delete"
    async with pages_of(house, keys, ben.identity) as theirs, pages_of(house, keys) as owner:
        assert f'href="{at}"' in (await theirs.get("/settings")).text
        page = await theirs.get(at)
        assert "Type ben@example.org" in page.text
        wrong = await theirs.post(at, data={"csrf_token": csrf_of(page), "address": "eve@example.org"})
        assert (wrong.status_code, "is not yours" in wrong.text) == (409, True)
        gone = await theirs.post(at, data={"csrf_token": csrf_of(page), "address": "ben@example.org"})
        assert gone.status_code == 303
        assert f'{COOKIE}=""' in gone.headers["set-cookie"]
        theirs.cookies.clear()
        assert "your account is gone" in (await theirs.get(gone.headers["location"])).text
        assert (await theirs.get("/tasks")).status_code == 401
        mine = await owner.get(at)
        assert (await house.caller.call("get_profile"))["email"] in mine.text
        await save_own_hours(house.caller, HoursChange.model_validate({"timezone": "Asia/Tokyo"}))
        house.clocks.forget(house.caller.identity)
        assert "in Asia/Tokyo" in (await owner.get("/settings/hours")).text  # and this process remembers it
        again = await owner.post(at, data={"csrf_token": csrf_of(mine), "address": (await house.caller.call("get_profile"))["email"]})  # fmt: skip
        assert (again.status_code, again.headers["location"]) == (303, "/?gone=everything")
        anew = await owner.get(again.headers["location"])
        assert "You begin anew." in anew.text
        assert (await house.clocks.of(house.caller)).timezone == house.clock.timezone
        assert (await get_own_hours(house.caller)) == OwnHours()
        assert (await owner.get("/tasks")).status_code == 200, "the owner begins anew"


async def test_deleting_over_the_api(client: httpx.AsyncClient, house: House) -> None:
    vega = (await client.post("/api/organizations", json={"name": "Vega"})).json()
    at = f"/api/organizations/{vega['id']}/delete"
    script = (await tokens.create_token(house.caller, "script", ["tasks:read", "tasks:write"])).token
    program = {"Authorization": f"Bearer {script}"}
    for path, body in ((at, {"name": "Vega"}), ("/api/person/delete", {"address": "x@example.org"})):
        assert (await client.post(path, json=body, headers=program)).status_code == 403
    assert (await client.post(at, json={"name": "Vega 2"})).status_code == 409
    assert (await client.post(at, json={})).status_code == 422
    assert [one["is_personal"] for one in (await client.post(at, json={"name": "Vega"})).json()["items"]] == [True]
    assert (await client.post(at, json={"name": "Vega"})).status_code == 404
    assert (await client.post("/api/person/delete", json={"address": "eve@example.org"})).status_code == 409
    email = (await house.caller.call("get_profile"))["email"]
    assert (await client.post("/api/person/delete", json={"address": email})).json()["is_person_gone"] is False
    assert (await client.get("/api/tasks")).json()["items"] == []
