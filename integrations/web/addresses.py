"""Which addresses of the internet a request may go to.

Sources: IANA's registries of special-purpose addresses for IPv4 and IPv6, RFC 6052 and 8215 (NAT64), RFC 3056 (6to4),
RFC 5214 (ISATAP), RFC 4380 (Teredo); the cloud providers' pages on their metadata services.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address

_CLOSED: tuple[IPv4Network | IPv6Network, ...] = tuple(
    ip_network(net)
    for net in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # All of IPv6 but 2000::/3 is not for the open internet; inside of it, what has a purpose of its own.
        *("::/3", "4000::/2", "8000::/1", "2001::/23", "2001:db8::/32", "3fff::/20"),
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
_ISATAP = (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe")
# Where an IPv4 address lies in an IPv6 one, by the length of the NAT64 prefix (byte 8 is left out); and in 6to4.
_NAT64_PLACES = ((4, 5, 6, 7), (5, 6, 7, 9), (6, 7, 9, 10), (7, 9, 10, 11), (9, 10, 11, 12), (12, 13, 14, 15))
_6TO4_PLACE = (2, 3, 4, 5)
_METADATA = frozenset(
    {
        *map(IPv4Address, ("169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.42.42", "169.254.0.23")),
        *map(IPv4Address, ("168.63.129.16", "100.100.100.200", "192.0.0.192")),
        *map(IPv6Address, ("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42")),
    }
)


def is_public(address: Address) -> bool:
    """Is this an address of the open internet, in whatever form: neither private, local, reserved nor metadata?

    An IPv6 address that carries an IPv4 one (mapped, NAT64, 6to4, ISATAP) is judged by both.
    """
    bare = _bare(address)
    if is_metadata(bare):
        return False
    if isinstance(bare, IPv6Address):
        if bare in _NAT64:
            return is_public(_at(bare, _NAT64_PLACES[-1]))
        if any(not is_public(inner) for inner in _carried(bare)):
            return False
        if bare.sixtofour is not None:
            return True
    return not any(bare in net for net in _CLOSED if net.version == bare.version)


def is_metadata(address: Address) -> bool:
    """Does a cloud hand out credentials at this address? Looked for at every place where an IPv4 address may hide."""
    bare = _bare(address)
    if bare in _METADATA:
        return True
    if isinstance(bare, IPv4Address):
        return False
    hidden = {_at(bare, place) for place in (*_NAT64_PLACES, _6TO4_PLACE)}
    if bare.teredo is not None:
        hidden |= set(bare.teredo)
    return not hidden.isdisjoint(_METADATA)


def _bare(address: Address) -> Address:
    """Without a zone: it never changes where a packet goes."""
    return IPv6Address(address.packed) if isinstance(address, IPv6Address) else address


def _at(address: IPv6Address, place: tuple[int, int, int, int]) -> IPv4Address:
    return IPv4Address(bytes(address.packed[index] for index in place))


def _carried(address: IPv6Address) -> Iterator[IPv4Address]:
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _LOCAL_NAT64:
        yield from (_at(address, place) for place in _NAT64_PLACES[2:])
    if address.packed[8:12] in _ISATAP:
        yield _at(address, _NAT64_PLACES[-1])
