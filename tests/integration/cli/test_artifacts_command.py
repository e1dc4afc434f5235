"""artifacts move, through the real program and a real S3 protocol."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import psycopg

from tests.emulators.s3_server import s3_server

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Steward

LARGE = b"%PDF" * 300_000


def test_contents_move_to_s3_and_back(steward: Steward, database_url: str) -> None:
    steward("add", "buy milk")
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into public.artifacts (organization_id, task_id, name, size_bytes, sha256, content) "
            "select t.organization_id, t.id, %s, %s, %s, %s from public.tasks t",
            ("a\x1b[2Jb.pdf", len(LARGE), hashlib.sha256(LARGE).hexdigest(), LARGE),
        )
    refused = steward("artifacts", "move", "--to", "supabase")
    assert refused.returncode == 1
    assert "Set SUPABASE_URL and SUPABASE_SECRET_KEY" in refused.stderr
    assert steward("artifacts", "move", "--to", "disk").returncode == 2
    with s3_server() as server:
        there = {
            "AWS_ENDPOINT_URL_S3": server.url,
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_REGION": "us-east-1",
            "STEWARD_ARTIFACT_BUCKET": "steward-files",
        }
        to_s3 = ("artifacts", "move", "--to", "s3")
        assert "There is no bucket 'steward-files'" in steward(*to_s3, **there).stderr
        server.make_bucket("steward-files")
        assert steward.json(*to_s3, "--dry-run", code=0, **there) == {
            "dry_run": True,
            "to": "s3",
            "files": 1,
            "bytes": len(LARGE),
        }
        assert steward.json(*to_s3, code=0, **there) == {"to": "s3", "moved": 1, "stayed": []}
        assert steward(*to_s3, **there).stdout == "0 files were moved to s3.\n"
        with psycopg.connect(database_url) as connection:
            row = connection.execute("select content, stored_in from public.artifacts").fetchone()
            assert row == (None, "s3")
        assert steward("artifacts", "move", "--to", "database", **there).stdout == "1 files were moved to database.\n"
    with psycopg.connect(database_url) as connection:
        row = connection.execute("select content, stored_in from public.artifacts").fetchone()
        assert row == (LARGE, "database")
