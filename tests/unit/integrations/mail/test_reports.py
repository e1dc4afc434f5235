"""Delivery reports: who did not get which mail, from reports as servers write them, and nothing from anything else."""

import pytest

from core.outside.mail import DeliveryReport, FailedRecipient
from integrations.mail.parse import parse_message

HEAD = "From: MAILER-DAEMON@mx.example\r\nTo: robin@vega.example\r\nSubject: Undelivered\r\n"
REPORT = 'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
TEXT = "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"


def status(*blocks: str) -> str:
    return "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n" + "\r\n".join(
        blocks
    )


def failed(
    address: str, *, code: str = "5.1.1", said: str = "smtp; 550 5.1.1 no such user", action: str = "failed"
) -> str:
    return f"Final-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {code}\r\nDiagnostic-Code: {said}\r\n"


def report_of(text: str) -> DeliveryReport | None:
    return parse_message(text.encode()).delivery_report


def test_a_standard_report_names_mail_and_recipients() -> None:
    original = (
        "--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <1@vega.example>\r\nSubject: Hi\r\n\r\nHi\r\n--b--\r\n"
    )
    found = report_of(
        HEAD
        + REPORT
        + TEXT
        + status(failed("John@Example.com"), failed("ana@example.com", action="delayed"))
        + original
    )
    assert found
    assert found.message_id == "<1@vega.example>"
    assert found.recipients == (
        FailedRecipient("john@example.com", "failed", "5.1.1", "550 5.1.1 no such user"),
        FailedRecipient("ana@example.com", "delayed", "5.1.1", "550 5.1.1 no such user"),
    )
    assert [one.address for one in found.failed] == ["john@example.com"]


def test_only_the_headers_of_the_mail_are_enough() -> None:
    headers = (
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: Hi\r\nMESSAGE-ID:\r\n <1@vega.example>\r\n--b--\r\n"
    )
    found = report_of(HEAD + REPORT + TEXT + status(failed("john@example.com")) + headers)
    assert found
    assert found.message_id == "<1@vega.example>"


def test_without_the_mail_what_it_answers_tells_which() -> None:
    found = report_of(
        "In-Reply-To: <1@vega.example>\r\n" + HEAD + REPORT + TEXT + status(failed("john@example.com")) + "--b--\r\n"
    )
    assert found
    assert found.message_id == "<1@vega.example>"


def test_a_report_in_the_older_way_of_gmail() -> None:
    found = report_of(
        "X-Failed-Recipients: john@example.com\r\nReferences: <1@vega.example>\r\n" + HEAD + "\r\nSorry\r\n"
    )
    assert found == DeliveryReport("<1@vega.example>", (FailedRecipient("john@example.com", "failed"),))


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "\r\nYour mail to john@example.com failed with 550\r\n",
        HEAD + REPORT + TEXT + "--b--\r\n",
        HEAD + REPORT + status("Final-Recipient: rfc822; nobody\r\nAction: failed\r\n") + "--b--\r\n",
        HEAD + REPORT + status("Final-Recipient: rfc822; a@b.example\r\nAction: exploded\r\n") + "--b--\r\n",
        HEAD + REPORT.replace("delivery-status", "disposition-notification") + status(failed("a@b.example")) + "--b--\r\n",
        HEAD + "Content-Type: multipart/report; report-type=delivery-status\r\n\r\nno boundary\r\n",
    ],
)  # fmt: skip
def test_anything_else_is_no_report(text: str) -> None:
    assert report_of(text) is None


def test_a_hostile_report_is_bounded() -> None:
    blocks = [failed(f"a{n}@b.example", said="smtp; " + "x" * 5000) for n in range(700)]
    found = report_of(HEAD + REPORT + status(*blocks) + "--b--\r\n")
    assert found
    assert len(found.recipients) == 500
    assert max(len(one.said) for one in found.recipients) == 500
