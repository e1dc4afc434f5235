"""Ways to write, or to lead to, an address of the house: what a hostile mail, page, name server or site may come up with.

Sources: the WHATWG URL standard (4.2, host parsing), RFC 3056, 3986, 4291, 4380, 5214, 6052 and 8215, IANA's registries of
special-purpose addresses, and what the cloud providers' pages say of their metadata services.
"""

from collections.abc import Sequence
from dataclasses import dataclass

PUBLIC = "93.184.216.34"  # stands for a server of the open internet: what would go there is noted, and ends here
METADATA = "169.254.169.254"

# IPv4 as numbers, in every base and length that some parser takes; and with signs that look like digits and dots.
WRITTEN = (
    *("127.0.0.1", "127.1", "127.0.1", "127.0.0.1.", "127.127.127.127", "127.255.255.254", "0", "0.0.0.0", "00", "0x0"),
    *("2130706433", "0x7f000001", "0x7F000001", "0x7f.1", "0x7f.0.0.1", "0x7f.0x0.0x0.0x1", "0177.0.0.1", "0177.1"),
    *("017700000001", "00000177.00.00.01", "127.0x0.00.1", "4294967295", "0xffffffff", "6425673729", "0x17f000001"),
    *("2852039166", "0xa9fea9fe", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376", "025177524776", "169.254.43518"),
    *("169.16689662", "0xa9.254.0251.254", "3232235521", "0xc0a80001", "167772161", "0xa000001", "2886729729"),
    *("１２７.０.０.１", "127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "①②⑦.⓪.⓪.①", "⑯⑨。②⑤④。⑯⑨｡②⑤④", "𝟙𝟚𝟟.𝟘.𝟘.𝟙"),
    *("169｡254｡169｡254", "٢٢", "127.0.0.1\u200b", "127.0.0\u00ad.1", "[::１]", "[::ffff:127。0。0。1]"),
)
# Addresses as they are: loopback, private, shared, link-local, reserved, documentation, multicast, metadata.
PLAIN = (
    *("10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255", "100.64.0.1"),
    *("169.254.0.1", "192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1"),
    *(
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "0.1.2.3",
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
    ),
    *("169.254.42.42", "169.254.0.23", "168.63.129.16", "100.100.100.200", "192.0.0.192"),
)
# IPv6: local, reserved, and every way to carry an IPv4 address inside.
SIXES = (
    *("[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::127.0.0.1]", "[::7f00:1]"),
    *(
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:FFFF:7F00:0001]",
        "[::ffff:0:127.0.0.1]",
        "[::ffff:0:7f00:1]",
    ),
    *(
        "[::ffff:10.0.0.1]",
        "[::ffff:192.168.0.1]",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[::ffff:0.0.0.0]",
    ),
    *(
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::10.0.0.1]",
        "[64:ff9b::169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
    ),
    *("[64:ff9b:1::127.0.0.1]", "[64:ff9b:1:7f00:0:100::]", "[64:ff9b:1::a9fe:a9fe]", "[64:ff9b:1::8.8.8.8]"),
    *("[2002:7f00:1::]", "[2002:a00:1::1]", "[2002:a9fe:a9fe::1]", "[2002:c0a8:1::1]", "[2002:a83f:8110::]"),
    *(
        "[2001:0:7f00:1::]",
        "[2001::7f00:1]",
        "[2001:0:a9fe:a9fe::]",
        "[2001:0:808:808:0:0:5601:5601]",
        "[2001:0:4136:e378::]",
    ),
    *(
        "[2606:4700::200:5efe:7f00:1]",
        "[2606:4700::5efe:127.0.0.1]",
        "[2606:4700::0:5efe:a9fe:a9fe]",
        "[2606:4700::a9fe:a9fe]",
    ),
    *(
        "[fe80::1]",
        "[fe80::1%25lo]",
        "[fe80::1%lo]",
        "[fe80::1%251]",
        "[::1%25lo]",
        "[::1%lo]",
        "[fe80::a9fe:a9fe%25eth0]",
    ),
    *("[fc00::1]", "[fd00::1]", "[fd00:ec2::254]", "[fd00:ec2::23]", "[fd20:ce::254]", "[fd00:42::42]", "[fec0::1]"),
    *(
        "[ff01::1]",
        "[ff02::1]",
        "[ff05::2]",
        "[2001:db8::1]",
        "[3fff::1]",
        "[100::1]",
        "[5f00::1]",
        "[2001:10::1]",
        "[4000::1]",
    ),
    *("[::1]]", "[[::1]]", "[::1", "::1", "[v1.127]", "[127.0.0.1]", "[::ffff:127.1]", "[::ffff:0x7f000001]", "[]"),
)
# Names that mean this machine or a cloud's own, whatever the name server says of them: each answers with a forbidden address.
NAMES = {
    **dict.fromkeys(("localhost", "LOCALHOST", "localhost.", "LocalHost.", "localhost.localdomain"), "127.0.0.1"),
    **dict.fromkeys(
        ("ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "ｌｏｃａｌｈｏｓｔ", "local\u00adhost", "ℓocalhost", "a.localhost", "ip6-localhost"), "::1"
    ),
    **dict.fromkeys(("metadata.google.internal", "metadata.google.internal.", "METADATA.GOOGLE.INTERNAL"), METADATA),
    **dict.fromkeys(("metadata", "metadata.goog", "instance-data.ec2.internal", "metadata.azure.internal"), METADATA),
    **dict.fromkeys(("host.docker.internal", "kubernetes.default.svc", "gateway.docker.internal"), "10.96.0.1"),
    **dict.fromkeys(("127.0.0.1.nip.io", "127-0-0-1.sslip.io", "7f000001.rbndr.us", "localtest.me"), "127.0.0.1"),
    **dict.fromkeys(("router.local", "intranet", "printer.lan", "db.internal", "nas.home.arpa"), "192.168.1.1"),
}


@dataclass(frozen=True)
class Answers:
    """What a name server says of one name: the n-th lookup gets the n-th list, the last one from then on."""

    name: str
    lookups: tuple[tuple[str, ...], ...]


# Answers of a hostile name server. A CNAME is seen as the addresses at its end.
RESOLVED = tuple(
    Answers(f"{label}.evil.example", lookups)
    for label, lookups in {
        "loopback": (("127.0.0.1",),),
        "six": (("::1",),),
        "private": (("10.0.0.1",),),
        "cname": (("192.168.0.10",),),
        "metadata": ((METADATA,),),
        "wire": (("168.63.129.16",),),
        "shared": (("100.100.100.200",),),
        "unspecified": (("0.0.0.0",),),
        "mapped": (("::ffff:10.0.0.1",),),
        "nat": (("64:ff9b::a00:1",),),
        "sixtofour": (("2002:a00:1::1",),),
        "unique": (("fd00:ec2::254",),),
        "zone": (("fe80::1%1",),),
        "second": ((PUBLIC, "127.0.0.1"),),
        "first": (("127.0.0.1", PUBLIC),),
        "mixed": ((PUBLIC, "::1"),),
        "third": ((PUBLIC, "2606:4700::1111", METADATA),),
        "odd": ((PUBLIC, "0x7f.1"),),
        "words": (("not an address",),),
        "rebind": ((PUBLIC,), ("127.0.0.1",)),
        "rebind-metadata": ((PUBLIC,), (METADATA,)),
        "rebind-back": (("127.0.0.1",), (PUBLIC,), ("127.0.0.1",)),
        "rebind-mixed": ((PUBLIC,), (PUBLIC, "10.0.0.1")),
        "rebind-late": ((PUBLIC,), (PUBLIC,), ("::ffff:127.0.0.1",)),
    }.items()
)

# Whole addresses that one parser reads differently from another, or that are for something else than the web.
# {port} is where somebody listens on every address of this machine.
ADDRESSES = (
    *("http://example.com@127.0.0.1:{port}/", "http://127.0.0.1:{port}@example.com/", "http://user:pass@127.0.0.1:{port}/"),
    *("http://example.com:80@127.0.0.1:{port}/", "http://example.com%40127.0.0.1:{port}/", "http://a@b@127.0.0.1:{port}/"),
    *("http://127.0.0.1:{port}\\@example.com/", "http://example.com\\@127.0.0.1:{port}/", "http:\\\\127.0.0.1:{port}\\"),
    *("http:/127.0.0.1:{port}/", "http:127.0.0.1:{port}/", "http:///127.0.0.1:{port}/", "//127.0.0.1:{port}/", "127.0.0.1:{port}"),
    *("http://127.0.0.1:{port}#@example.com/", "http://127.0.0.1:{port}?@example.com/", "http://example.com#@127.0.0.1:{port}/"),
    *("http://127.0.0.1:{port}%2f@example.com/", "http://127.0.0.1%00.example.com:{port}/", "http://127.0.0.1%0d%0a:{port}/"),
    *("http://127.0.0.1 :{port}/", "http://127.0.0.1\t:{port}/", "http://127.0.\n0.1:{port}/", " http://127.0.0.1:{port}/", "\x00http://127.0.0.1:{port}/"),
    *("http://127.0.0.1:{port}/\r\nHost: example.com", "http://127.0.0.1:0{port}/", "http://%31%32%37.0.0.1:{port}/", "http://%6c%6f%63%61%6c%68%6f%73%74:{port}/"),
    *("HTTP://127.0.0.1:{port}/", "hTTps://127.0.0.1:{port}/", "http://127.0.0.1:{port}/../", "http://127.0.0.1.:{port}/", "http://.127.0.0.1:{port}/"),
    *("http://127.0.0.1:22/", "http://127.0.0.1:25/", "http://127.0.0.1:5432/", "http://127.0.0.1:6379/", "http://127.0.0.1:0/", "http://127.0.0.1:99999/"),
    *("http://127.0.0.1:{port}:80/", "http://127.0.0.1:-1/", "http://127.0.0.1:{port}a/", "https://127.0.0.1:{port}/", "http://[::1]:{port}@example.com/"),
    *("file:///etc/passwd", "file://127.0.0.1/etc/passwd", "ftp://127.0.0.1:{port}/", "gopher://127.0.0.1:{port}/_x", "dict://127.0.0.1:{port}/x"),
    *("ldap://127.0.0.1:{port}/", "tftp://127.0.0.1:{port}/", "ws://127.0.0.1:{port}/", "wss://127.0.0.1:{port}/", "jar:http://127.0.0.1:{port}/!/"),
    *("unix:///var/run/docker.sock", "http+unix://%2Fvar%2Frun%2Fdocker.sock/", "data:text/plain,x", "javascript:alert(1)", "blob:http://127.0.0.1:{port}/x"),
    *("view-source:http://127.0.0.1:{port}/", "about:blank", "chrome://settings", "netdoc:///etc/passwd", "http://", "http://?", "http://#", "http:", ""),
)  # fmt: skip
HOSTS: tuple[str, ...] = (*WRITTEN, *PLAIN, *SIXES, *NAMES)
REDIRECTS = (301, 302, 303, 307, 308)
# Where redirects lead: one of each family, since the check behind them is the same for all.
TARGETS = (
    *("http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://2130706433:{port}/", "http://0x7f.1:{port}/"),
    *("http://[::1]:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://[64:ff9b::7f00:1]:{port}/", "http://[2002:7f00:1::]:{port}/"),
    *("http://169.254.169.254/latest/meta-data/", "http://168.63.129.16/", "http://100.100.100.200/", "http://[fd00:ec2::254]/"),
    *("http://metadata.google.internal/", "http://10.0.0.1/", "http://rebind.evil.example:{port}/", "http://second.evil.example:{port}/"),
    *("//127.0.0.1:{port}/", "https://127.0.0.1:{port}/", "http://user@127.0.0.1:{port}/", "http:\\\\127.0.0.1:{port}/"),
    *("file:///etc/passwd", "gopher://127.0.0.1:{port}/_x", "ftp://127.0.0.1:{port}/", "http://127。0。0。1:{port}/"),
)  # fmt: skip


def answers_of(name: str, lookup: int) -> Sequence[str]:
    """What the name server of this corpus says the n-th time (from 0) that it is asked for a name."""
    for known in RESOLVED:
        if known.name == name:
            return known.lookups[min(lookup, len(known.lookups) - 1)]
    return [NAMES.get(name, NAMES.get(name.casefold(), "127.0.0.1"))]


def count_forms() -> int:
    """Different forms: hosts, names with answers, whole addresses, and redirects by code and target."""
    return len({*HOSTS}) + len(RESOLVED) + len({*ADDRESSES}) + len(REDIRECTS) * len({*TARGETS})
