"""No secret in what is written down: the log, the output, spans, any table, any file of the data folder."""

import base64
from pathlib import Path

import pytest

from tests.safety.secrets import found_in, run_secrets


async def test_no_secret_is_written_down_anywhere(database_url: str, tmp_path: Path) -> None:
    report = await run_secrets(database_url, tmp_path / "home")

    assert report.leaks == []
    assert report.secrets >= 20
    assert {"POST /api/mail/accounts 201", "POST /api/integrations/jira 201", "POST /api/tokens 201"} <= {*report.asked}
    assert report.places > 40


@pytest.mark.parametrize(
    "text",
    [
        "password is s3cret/with sign! they say",
        "imap://robin:s3cret%2Fwith%20sign%21@mail.example",
        base64.b64encode(b"robin:s3cret/with sign!").decode(),
        base64.b64encode(b"robin1:s3cret/with sign!").decode(),
        base64.b64encode(b"robin12:s3cret/with sign!:more").decode(),
        b"a s3cret/with sign! in bytes".hex(),
    ],
)
def test_a_secret_that_stands_there_is_found_in_every_dress(text: str) -> None:
    assert found_in(text, "s3cret/with sign!")
    assert not found_in(text, "another/with sign!")
