"""Which sites a task may reach: hosts that somebody named, and nothing else."""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from core.errors import Invalid

BLANK = re.compile(r"[\x00-\x20\x7f]")
STANDARD_PORTS = {"http": 80, "https": 443}
NAME = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


class Sites:
    """Sites by host: `shop.example` (standard ports), `*.shop.example` (and all below it), `127.0.0.1:8000`."""

    def __init__(self, sites: Iterable[str] = ()) -> None:
        self._sites = {read_site(site) for site in sites}

    def add(self, sites: Iterable[str]) -> None:
        """Allow more. Raises Invalid for what is no site; then none is added."""
        self._sites |= {read_site(site) for site in sites}

    def allows(self, host: str, port: int) -> bool:
        """May this be reached?"""
        host = host.casefold().strip("[]").rstrip(".")
        for named, named_port in self._sites:
            if port != named_port and (named_port is not None or port not in STANDARD_PORTS.values()):
                continue
            if host == named or (named.startswith("*.") and (host == named[2:] or host.endswith(named[1:]))):
                return True
        return False

    def allows_url(self, url: str) -> bool:
        """May this address be opened? Only http and https ever may."""
        place = place_of(url)
        return place is not None and self.allows(*place)


def place_of(url: str) -> tuple[str, int] | None:
    """Host and port of an http(s) address; None for any other."""
    if BLANK.search(url):  # urlsplit would leave these out, and see another address than is written there
        return None
    try:
        parts = urlsplit(url)
        if parts.scheme not in STANDARD_PORTS or not parts.hostname or parts.username or parts.password:
            return None
        return _plain(parts.hostname), parts.port or STANDARD_PORTS[parts.scheme]
    except ValueError:
        return None


def site_of(url: str) -> str:
    """The site of an address as it would be named; the address itself, cut, where it has none."""
    place = place_of(url)
    if place is None:
        return url[:100]
    host, port = place
    host = f"[{host}]" if ":" in host else host
    return host if port in STANDARD_PORTS.values() else f"{host}:{port}"


def read_site(text: str) -> tuple[str, int | None]:
    """Host and port of a site as a person names it; an address of a page counts as its site. Raises Invalid."""
    given = text.strip().casefold()
    if "://" in given:
        place = place_of(given)
        if place is None:
            raise Invalid("Only http and https addresses are opened, without a user name", detail=repr(text[:100]))
        return place[0], None if place[1] in STANDARD_PORTS.values() else place[1]
    try:
        parts = urlsplit(f"//{given}")
        host, port = _plain(parts.hostname or ""), parts.port
        is_site = (
            not BLANK.search(given)
            and not (parts.path or parts.query or parts.fragment or parts.username)
            and port != 0
        )
        if is_site and (_is_address(host) or NAME.fullmatch(host)):
            return host, port
    except ValueError:
        pass  # it is said below what a site is
    raise Invalid(f"{text[:100]!r} is none: a site is a host like shop.example, *.shop.example or 127.0.0.1:8000")


def _plain(host: str) -> str:
    """The host as it goes over the wire: lower case, ASCII, without a last dot. Raises ValueError."""
    host = host.casefold().rstrip(".")
    if host.isascii():
        return host
    import idna

    star, _, rest = host.rpartition("*.")
    return f"{'*.' if host.startswith('*.') else star}{idna.encode(rest, uts46=True).decode()}"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
