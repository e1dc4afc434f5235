"""The keys of an installation: made once, whole, and for their owner alone."""

import asyncio
import multiprocessing
import os
import time
from pathlib import Path
from uuid import uuid4

import pytest

from core.errors import Unauthorized, Unavailable
from core.keys import Keys


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
