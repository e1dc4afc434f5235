"""The stand-in for a Supabase project: it serves a test's database as its migrations allow, and nothing more."""

import time
from uuid import UUID

import httpx
import jwt

from core.database import Caller, Identity
from tests.emulators.supabase import SupabaseLite, supabase_lite


def token(lite: SupabaseLite, identity: Identity) -> str:
    now = int(time.time())
    return jwt.encode({**identity.claims(), "iat": now, "exp": now + 60}, lite.jwt_secret, "HS256")


async def test_rest_serves_a_person_and_refuses_everybody_else(database_url: str, ana: Caller) -> None:
    async with (
        supabase_lite(database_url) as lite,
        httpx.AsyncClient(base_url=lite.url, headers={"apikey": lite.publishable_key}) as client,
    ):
        person = {"Authorization": f"Bearer {token(lite, ana.identity)}"}
        answer = await client.post("/rest/v1/rpc/get_profile", json={}, headers=person)
        assert answer.json()["email"] == "ana@example.com"
        assert (await client.post("/rest/v1/rpc/get_profile", json={})).status_code == 401
        assert (await client.post("/rest/v1/rpc/get_profile", headers={"apikey": "sb_secret_x"})).status_code == 401
        for table in ("task_events", "organizations"):  # the grants are the migrations' own
            assert (await client.delete(f"/rest/v1/{table}?id=not.is.null", headers=person)).status_code == 403


async def test_auth_signs_people_up_and_in_and_its_mail_is_kept(database_url: str) -> None:
    async with (
        supabase_lite(database_url) as lite,
        httpx.AsyncClient(base_url=lite.url, headers={"apikey": lite.publishable_key}) as client,
    ):
        joe = {"email": "joe@example.com", "password": "correct horse"}
        made = (await client.post("/auth/v1/signup", json=joe)).json()
        signed_in = await client.post("/auth/v1/token?grant_type=password", json=joe)
        bearer = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
        profile = (await client.post("/rest/v1/rpc/get_profile", json={}, headers=bearer)).json()
        assert profile["user_id"] == made["user"]["id"]
        assert UUID(profile["organization"]["id"])
        await client.post("/auth/v1/otp", json={"email": "joe@example.com"})
        assert "token=" in (await lite.mail("Joe@example.com"))[-1]["text"]


async def test_storage_keeps_bytes_where_it_is_asked_for(database_url: str) -> None:
    async with (
        supabase_lite(database_url, storage=True) as lite,
        httpx.AsyncClient(base_url=lite.url, headers={"apikey": lite.secret_key}) as client,
    ):
        assert (await client.post("/storage/v1/bucket", json={"id": "files", "name": "files"})).status_code == 200
        body = "größer".encode() * 100_000
        assert (await client.post("/storage/v1/object/files/a.txt", content=body)).status_code == 200
        assert (await client.get("/storage/v1/object/files/a.txt")).content == body
