"""The keys of an installation: made once, whole, and for their owner alone."""

import asyncio
import base64
import multiprocessing
import os
import time
from pathlib import Path
from uuid import uuid4

import jwt
import pytest

from core.errors import Forbidden, Invalid, Unauthorized, Unavailable
from core.keys import Keys
from core.settings import Settings


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = Keys.load(home)
    assert Keys.load(home).root == first.root
    assert len(first.root) == 32
    assert oct((home / "secret.key").stat().st_mode & 0o777) == "0o600"
    assert oct((home / "used-links").stat().st_mode & 0o777) == "0o700"
    assert sorted(path.name for path in home.iterdir()) == ["secret.key", "used-links"]


def test_a_key_that_others_can_read_is_closed_again(tmp_path: Path) -> None:
    Keys.load(tmp_path)
    (tmp_path / "secret.key").chmod(0o644)
    Keys.load(tmp_path)
    assert oct((tmp_path / "secret.key").stat().st_mode & 0o777) == "0o600"


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_broken_key_signs_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret.key").write_bytes(content)
    with pytest.raises(Unavailable, match=f"{len(content)} bytes instead of 32"):
        Keys.load(tmp_path)


def test_a_home_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(Unavailable):
        Keys.load(tmp_path / "home")


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        roots = pool.map(_root, [tmp_path / "home"] * 16)
    assert len(set(roots)) == 1


def _root(home: Path) -> bytes:
    return Keys.load(home).root


def test_no_purpose_shares_a_key_with_another(tmp_path: Path) -> None:
    keys = Keys.load(tmp_path)
    secrets = [keys.jwt_secret, keys.root, *(keys.secret(purpose) for purpose in ("session", "link", "csrf"))]
    assert len(set(secrets)) == len(secrets)


def test_a_token_serves_one_purpose(tmp_path: Path) -> None:
    keys, me = Keys.load(tmp_path), uuid4()
    readers = {
        keys.bearer_token(me): keys.read_bearer,
        keys.session_token(me): keys.read_session,
        keys.link_token(me): keys.use_link,
    }
    for token, own in readers.items():
        assert own(token) == me
        for other in readers.values():
            if other != own:
                with pytest.raises(Unauthorized):
                    other(token)


def test_used_links_are_forgotten_when_they_are_long_expired(tmp_path: Path) -> None:
    keys = Keys.load(tmp_path)
    keys.use_link(keys.link_token(uuid4()))
    [mark] = keys.used_links.iterdir()
    long_ago = time.time() - 3600
    os.utime(mark, (long_ago, long_ago))
    keys.use_link(keys.link_token(uuid4()))
    assert not mark.exists()


async def test_many_at_the_same_time_forget_without_falling_over_each_other(tmp_path: Path) -> None:
    keys = Keys.load(tmp_path)
    for number in range(300):
        mark = keys.used_links / str(number)
        mark.touch()
        os.utime(mark, (0, 0))
    tokens = [keys.link_token(uuid4()) for _ in range(8)]
    assert len(set(await asyncio.gather(*(asyncio.to_thread(keys.use_link, token) for token in tokens)))) == 8


def test_a_secret_key_is_shared_and_writes_nothing(tmp_path: Path) -> None:
    text, home = base64.b64encode(b"k" * 32).decode(), tmp_path / "home"
    one, other = Keys.load(home, secret_key=text), Keys.load(tmp_path / "elsewhere", secret_key=f" {text}\n")
    assert one.unseal("x", other.seal("x", b"content")) == b"content"
    assert one.secret("csrf") == other.secret("csrf") != Keys.load(tmp_path / "file").secret("csrf")
    assert other.read_session(one.session_token(uuid4()))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]
    for wrong in ("short", "é" * 44, base64.b64encode(b"k" * 31).decode(), "*" * 44):
        with pytest.raises(Invalid, match="STEWARD_SECRET_KEY"):
            Keys.load(home, secret_key=wrong)


def test_what_is_sealed_opens_for_its_purpose_and_installation_alone(tmp_path: Path) -> None:
    keys = Keys.load(tmp_path / "home")
    sealed = keys.seal("session", b"content")
    assert keys.seal("session", b"content") != sealed
    tampered = sealed[:-1] + ("A" if sealed[-1] != "A" else "E")
    for purpose, text in {
        "signing in": sealed, "session": sealed[:-5], "session ": sealed, "other": "", "long": "A" * 17_000, "é": "é" * 20,
    }.items():  # fmt: skip
        with pytest.raises(Unauthorized):
            keys.unseal(purpose, text)
    for other, text in ((Keys.load(tmp_path / "elsewhere"), sealed), (keys, tampered[:20] + "x" + tampered[21:])):
        with pytest.raises(Unauthorized):
            other.unseal("session", text)


def test_a_session_that_was_signed_out_opens_nothing(tmp_path: Path) -> None:
    keys, me = Keys.load(tmp_path), uuid4()
    copied, kept = keys.session_token(me), Keys.load(tmp_path).session_token(uuid4())
    keys.end_session(copied)
    with pytest.raises(Unauthorized, match="signed out"):
        Keys.load(tmp_path).read_session(copied)
    assert keys.read_session(kept)
    with pytest.raises(Unavailable):
        Keys(b"k" * 32, tmp_path / "secret.key" / "used-links", b"").end_session(copied)


def test_a_token_of_another_project_or_of_no_person_opens_nothing(tmp_path: Path) -> None:
    secret, me = "s" * 32, uuid4()
    given = {"SUPABASE_URL": "https://ours.supabase.co/", "SUPABASE_JWT_SECRET": secret}
    keys = Keys.from_settings(Settings.model_validate({"home": tmp_path, **given}))
    assert keys.read_bearer(keys.bearer_token(me)) == me
    good = jwt.decode(keys.bearer_token(me), options={"verify_signature": False})
    assert good["iss"] == "https://ours.supabase.co/auth/v1"
    nobodys = {name: value for name, value in good.items() if name != "iss"}
    for claims in ({**good, "iss": "https://other.supabase.co/auth/v1"}, nobodys):
        with pytest.raises(Unauthorized):
            keys.read_bearer(jwt.encode(claims, secret, "HS256"))
    for role in ("service_role", "anon", "postgres", None):
        with pytest.raises(Forbidden, match="not a person's"):
            keys.read_bearer(jwt.encode({**good, "role": role}, secret, "HS256"))
