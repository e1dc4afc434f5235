"""Which region the clients of AWS sign for, and what their own log keeps to itself."""

import io
import logging

import pytest

from core.logging import set_up_logging
from core.settings import Settings
from integrations.aws.clients import client
from integrations.storage.s3 import S3Store


@pytest.mark.parametrize(
    ("given", "region"),
    [
        ({"AWS_REGION": "eu-central-1"}, "eu-central-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "us-east-1"}, "eu-central-1"),
    ],
    ids=["region", "default", "both"],
)
async def test_either_name_of_the_region_counts_and_the_log_shows_no_signature(
    given: dict[str, str], region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    keys = {"AWS_ACCESS_KEY_ID": "not-a-key", "AWS_SECRET_ACCESS_KEY": "not-a-key", "AWS_CONFIG_FILE": "/dev/null"}
    for name, value in (given | keys).items():
        monkeypatch.setenv(name, value)
    root, log = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    try:
        set_up_logging(Settings.model_validate({"log_level": "debug"}), log)
        url = await S3Store("my-files").signed_url("org/" + "a" * 64, "x.pdf")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    assert f"%2F{region}%2Fs3%2F" in url
    assert "Signature" not in log.getvalue()
    for service in ("lambda", "secretsmanager"):
        made = client(service)
        assert made.meta.region_name == region
        made.close()
