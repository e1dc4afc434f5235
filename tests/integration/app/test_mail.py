"""The mail API: what was read, and connecting a mailbox whose servers are tried first."""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiosmtpd.smtp import AuthResult

from app.house import House
from core.outside.mail import DeliveryReport, FailedRecipient, IncomingMail, MailAddress
from core.settings import Settings
from tasks import accounts, artifacts, capture, functions, mail, review
from tasks.mail import mail_row
from tests.emulators.imap_server import ImapServer, running_imap_server
from tests.emulators.smtp_server import Handler, serving

SENT = "2026-03-0{}T08:00:00+00:00"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"private_hosts": "127.0.0.1"})


@pytest.fixture
async def imap() -> AsyncGenerator[ImapServer]:
    async with running_imap_server() as server:
        yield server


async def keep(house: House, *subjects: str) -> None:
    mails = [
        IncomingMail(
            ref=str(n),
            message_id=f"<{n}@example.com>",
            thread=f"<{n}@example.com>",
            sender=MailAddress("ana@example.com", "Ana"),
            to=(MailAddress("robin@vega.example"),),
            subject=subject,
            text=f"{subject} " * 200,
            html="<p>hi</p>",
        )
        for n, subject in enumerate(subjects, 1)
    ]
    rows = [
        {**mail_row(one, "local", frozenset()), "ref": None, "sent_at": SENT.format(n)}
        for n, one in enumerate(mails, 1)
    ]
    await capture.import_mail(house.caller, rows, [])


async def test_mail_is_listed_newest_first_searched_and_read(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, house: House
) -> None:
    await keep(house, "Angebot", "Rechnung 7")
    listed = (await client.get("/api/mail")).json()["items"]
    assert [one["subject"] for one in listed] == ["Rechnung 7", "Angebot"]
    assert len(listed[0]["excerpt"]) == 300
    found = (await client.get("/api/mail", params={"subject": "angebot", "limit": 5})).json()["items"]
    assert [one["subject"] for one in found] == ["Angebot"]
    later = (await client.get("/api/mail", params={"after": "2026-03-02T00:00:00Z"})).json()["items"]
    assert [one["subject"] for one in later] == ["Rechnung 7"]
    whole = (await client.get(f"/api/mail/{found[0]['id']}")).json()
    assert whole["html"] == "<p>hi</p>"
    assert (await stranger.get("/api/mail")).json()["items"] == []
    assert (await stranger.get(f"/api/mail/{found[0]['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("params", "status"),
    [({"limit": 0}, 422), ({"limit": 201}, 422), ({"after": "yesterday"}, 422), ({"after": "2026-03-02T00:00:00"}, 422), ({"words": "x" * 501}, 422), ({"unread": "maybe"}, 422)],
)  # fmt: skip
async def test_a_wrong_parameter_is_told(client: httpx.AsyncClient, params: dict[str, Any], status: int) -> None:
    answer = await client.get("/api/mail", params=params)
    assert answer.status_code == status
    assert next(iter(params)) in answer.text


async def test_a_mail_that_is_not_there_is_404(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/api/mail/{uuid4()}")).status_code == 404


async def test_a_mailbox_is_connected_once_both_servers_took_the_sign_in(
    client: httpx.AsyncClient, house: House, imap: ImapServer
) -> None:
    async with serving(Handler()) as place:
        body = {"address": "Robin@Vega.example", "imap_url": imap.url, "smtp_url": f"smtp://{place}", "name": "Robin"}
        answer = await client.post("/api/mail/accounts", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["address"] == "robin@vega.example"
    assert "not-a-password" not in answer.text
    (account,) = await accounts.list_accounts(house.caller, "imap")
    assert account.state == "connected"
    assert account.settings == {"name": "Robin", "signature": ""}


@pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")
async def test_a_password_that_is_not_taken_connects_nothing(
    client: httpx.AsyncClient, house: House, imap: ImapServer
) -> None:
    def refuse(*_: object) -> AuthResult:
        return AuthResult(success=False, handled=False)

    async with serving(Handler(), authenticator=refuse, auth_require_tls=False) as place:
        smtp_url = f"smtp://robin:hunter2@{place}"
        body = {"address": "robin@vega.example", "imap_url": imap.url, "smtp_url": smtp_url}
        answer = await client.post("/api/mail/accounts", json=body)
        wrong = imap.url.replace("not-a-password", "hunter2")
        other = await client.post("/api/mail/accounts", json={**body, "imap_url": wrong})
    for one in (answer, other):
        assert one.status_code == 409
        assert "does not accept the name and password" in one.text
        assert "hunter2" not in one.text
    assert await accounts.list_accounts(house.caller, "imap") == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"address": "robin@vega.example, eve@example.net"}, "address"),
        ({"imap_url": "http://imap.example.org"}, "STEWARD_IMAP_URL does not have the form"),
        ({"smtp_url": "smtp://u:hunter2/x@h:25"}, "STEWARD_SMTP_URL"),
        ({"imap_url": "imaps://a:hunter2@169.254.169.254"}, "open internet"),
        ({"imap_url": "imaps://a:hunter2@10.0.0.1"}, "open internet"),
        ({"imap_url": "imaps://a:hunter2@[::1]"}, "open internet"),
        ({"name": "Robin\r\nX: y"}, "name"),
        ({"password": "x"}, "password"),
    ],
)  # fmt: skip
async def test_a_wrong_account_is_told_and_nothing_is_connected_to(
    client: httpx.AsyncClient, change: dict[str, str], said: str
) -> None:
    body = {"address": "robin@vega.example", "imap_url": "imaps://a:b@127.0.0.1:1", "smtp_url": "smtp://127.0.0.1:1"}
    answer = await client.post("/api/mail/accounts", json={**body, **change})
    assert answer.status_code == 422
    assert said in answer.text
    assert "hunter2" not in answer.text


async def test_the_page_of_a_draft_shows_its_files_and_whom_it_did_not_reach(
    client: httpx.AsyncClient, house: House
) -> None:
    task = (await functions.create_tasks(house.caller, [{"title": "Write to John"}]))[0]
    file = await artifacts.save_artifact(house.caller, task.id, "<b>plan</b>.txt", "text/plain", b"x" * 2000)
    attached = {"name": file.name, "media_type": "text/plain", "size_bytes": 2000, "sha256": file.sha256}
    content = {"to_recipients": ["john@example.com"], "subject": "Hi", "body": "Hi"}
    content |= {"attachments": [{**attached, "artifact_id": str(file.id)}]}
    draft = await review.create_draft(house.caller, task.id, content)
    page = await client.get(f"/review/{draft.id}")
    assert f'<a href="/api/artifacts/{file.id}">&lt;b&gt;plan&lt;/b&gt;.txt</a> (2.0 kB)' in page.text
    await review.approve_draft(house.caller, draft.id, draft.digest)
    service = accounts.service_of(house.caller, draft.organization_id)
    await review.begin_sending(service, draft.id, f"<{draft.id}@vega.example>")
    await review.finish_sending(service, draft.id, "sent", {"provider": "smtp"})
    failed = FailedRecipient("john@example.com", "failed", "5.1.1", "550 <script>no such user")
    await mail.record_bounce(service, DeliveryReport(f"<{draft.id}@vega.example>", (failed,)))
    page = await client.get(f"/review/{draft.id}")
    assert "It did not reach john@example.com: 550 &lt;script&gt;no such user" in page.text
