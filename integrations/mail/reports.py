"""Delivery reports: what a mail server says became of a mail that it took earlier (RFC 3464, RFC 6522)."""

import re
from collections.abc import Iterator, Mapping
from email.message import Message
from typing import Literal, cast

from core.outside.mail import DeliveryReport, FailedRecipient
from integrations.mail.decoding import decode_header

MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")
ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]\\@]{1,64}@[^\s<>,;:\"()\[\]\\@]{1,254}")
ACTIONS: dict[str, Literal["failed", "delayed", "delivered", "relayed", "expanded"]] = {
    "failed": "failed",
    "delayed": "delayed",
    "delivered": "delivered",
    "relayed": "relayed",
    "expanded": "expanded",
}
STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
MOST_RECIPIENTS = 500
LONGEST_SAID = 500


def delivery_report(message: "Message[str, str]", headers: Mapping[str, str]) -> DeliveryReport | None:
    """The report that this mail is; None when it is an ordinary mail.

    Servers that write none in the standard form, but name the failed in X-Failed-Recipients, are understood too.
    """
    if message.get_content_type() == "multipart/report" and message.get_param("report-type") == "delivery-status":
        parts = _parts(message)
        found = tuple(one for part in parts for one in _recipients(part))[:MOST_RECIPIENTS]
        if found:
            return DeliveryReport(_original_id(parts) or _replied_id(headers), found)
    named = ADDRESS.findall(headers.get("x-failed-recipients", ""))
    if named:
        failed = tuple(FailedRecipient(address.casefold(), "failed") for address in named[:MOST_RECIPIENTS])
        return DeliveryReport(_original_id(_parts(message)) or _replied_id(headers), failed)
    return None


def _parts(message: "Message[str, str]") -> list["Message[str, str]"]:
    payload: object = message.get_payload()
    return cast(list["Message[str, str]"], payload) if isinstance(payload, list) else []


def _recipients(part: "Message[str, str]") -> Iterator[FailedRecipient]:
    if part.get_content_type() not in {"message/delivery-status", "message/global-delivery-status"}:
        return
    for block in _parts(part):
        recipient = block.get("Final-Recipient") or block.get("Original-Recipient") or ""
        address = ADDRESS.search(str(recipient))
        action = ACTIONS.get(str(block.get("Action", "")).strip().casefold())
        if address is None or action is None:
            continue
        status = STATUS.search(str(block.get("Status", "")))
        said = decode_header(str(block.get("Diagnostic-Code", ""))).partition(";")
        yield FailedRecipient(
            address[0].casefold(), action, status[0] if status else "", (said[2] or said[0]).strip()[:LONGEST_SAID]
        )


def _original_id(parts: list["Message[str, str]"]) -> str | None:
    """The Message-ID of the mail that the report is about: the mail, or its headers, are the last part."""
    for part in reversed(parts):
        kind = part.get_content_type()
        if kind in {"message/rfc822", "message/global"}:
            inner = _parts(part)
            found = MESSAGE_ID.findall(str(inner[0].get("Message-ID", ""))) if inner else []
        elif kind in {"text/rfc822-headers", "message/global-headers"}:
            payload: object = part.get_payload(decode=True)
            text = payload.decode("utf-8", errors="replace") if isinstance(payload, bytes) else ""
            found = re.findall(rf"(?im)^message-id:\s*({MESSAGE_ID.pattern})", text)
        else:
            continue
        if found:
            return found[0]
    return None


def _replied_id(headers: Mapping[str, str]) -> str | None:
    found = MESSAGE_ID.findall(f"{headers.get('in-reply-to', '')} {headers.get('references', '')}")
    return found[0] if found else None
