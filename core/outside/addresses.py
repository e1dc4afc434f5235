"""One mail address at a time: what is taken, and how it is written on the wire (RFC 5321, RFC 6531, RFC 5890)."""

import re
import unicodedata

from core.errors import Invalid

LONGEST_LOCAL = 64
LONGEST_ADDRESS = 254
ATOM = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*")
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
REORDERING = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def wire_address(field: str, value: str) -> str:
    """The address as it goes into headers and envelope: a domain outside ASCII as A-labels, the rest as it is.

    Raises Invalid that names `field`: not exactly one bare address, an impossible domain, control characters.
    """
    local, at, domain = value.rpartition("@")
    if not value.strip():
        raise invalid(field, "an address is empty")
    if CONTROL.search(value) or REORDERING.search(value):
        raise invalid(field, f"{value[:100]!r} has a line break, a control or an invisible character")
    if re.search(r"[,;\s<>]", value) or value.count("@") > 1:
        raise invalid(field, f"{value[:100]!r} is not one bare address; give each address an entry of its own")
    if not at or not ATOM.fullmatch(local):
        raise invalid(field, f"{value[:100]!r} is not an address of the form name@domain")
    written = f"{local}@{_wire_domain(field, domain)}"
    if len(local.encode()) > LONGEST_LOCAL or len(written.encode()) > LONGEST_ADDRESS:
        raise invalid(field, f"{value[:100]!r} is longer than an address can be")
    return written


def _wire_domain(field: str, domain: str) -> str:
    try:
        ascii_domain = domain.encode("idna").decode()
        back = ascii_domain.encode().decode("idna")
    except UnicodeError as error:
        raise invalid(field, f"{domain[:100]!r} is not a domain") from error
    if not domain.isascii() and back != unicodedata.normalize("NFC", domain).lower():
        # The old mapping turns "straße" into "strasse", which may be somebody else's domain.
        raise invalid(field, f"{domain[:100]!r} is not unambiguous; write it in its ASCII form (xn--...)")
    if not all(LABEL.fullmatch(label) for label in ascii_domain.split(".")):
        raise invalid(field, f"{domain[:100]!r} is not a domain")
    return domain if domain.isascii() else ascii_domain


def invalid(field: str, problem: str) -> Invalid:
    """The error for a part of a mail, naming it."""
    return Invalid(f"The mail's {field} is wrong: {problem}", errors=[{"field": field, "message": problem}])
