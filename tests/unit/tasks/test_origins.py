"""Where a value first appeared: compared whole, in any script, and never found where it is only part of another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.origins import (
    Origin,
    Provenance,
    Source,
    addresses_in,
    appears,
    host_of,
    looks_like,
    numbers_in,
    problem_of_url,
    quote_of,
    readable,
    same_url,
    urls_in,
)

TEXTS = st.text(max_size=200)
BOOK = {
    "anna.schmidt@lindner.example": "Anna Schmidt",
    "anna.koch@brandt.example": "Anna Koch",
    "dana@northwind.example": "Dana Ortiz",
    "will@porter.example": "Will Porter",
}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("bob@x.example", "write to Bob@X.example, please"),
        ("bob@x.example", "<bob@x.example>"),
        ("bob@x.example", "bob@x.example."),
        ("https://x.example/a", "see https://x.example/a."),
        ("https://x.example/", "see x.example"),
        ("http://x.example:80/a/", "see (https://x.example/a)"),
        ("#team", "post in #team now"),
        ("@jonas", "tell @jonas"),
        ("jonas", "tell @jonas"),
        ("Ana", "ask ana."),
        ("DE89 3704", "pay to DE893704"),
        ("jürgen@münchen.example", "an jürgen@münchen.example"),
    ],
)
def test_a_value_appears(value: str, text: str) -> None:
    assert appears(value, text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("bob@x.example", "notbob@x.example"),
        ("bob@x.example", "bob@x.example.org"),
        ("x.example", "x.example.org"),
        ("https://x.example/a", "https://x.example/a?b=1"),
        ("https://x.example/a", "https://x.example/A"),
        ("https://y.x.example", "https://x.example"),
        ("ann", "ann-marie and anna"),
        ("info@straße.example", "info@strasse.example"),
        ("dаna@northwind.example", "dana@northwind.example"),
        ("", "anything"),
        (" ", "any thing"),
        ("123", "1234"),
    ],
)
def test_a_value_does_not_appear(value: str, text: str) -> None:
    assert not appears(value, text)


def test_the_most_trusted_origin_counts_and_untrusted_text_is_quoted() -> None:
    mail = Source("mail", "Hello\nwrite to eve@evil.example now", "Offer")
    known = Provenance(user=["for ana@x.example"], contacts=BOOK, trusted=["staff: kim@x.example"], untrusted=[mail])
    assert known.first_seen("ana@x.example").origin is Origin.USER
    assert known.first_seen("Dana@Northwind.example").origin is Origin.CONTACT
    assert known.first_seen("kim@x.example").origin is Origin.TRUSTED
    assert known.first_seen("nobody@x.example").origin is Origin.MODEL
    seen = known.first_seen("eve@evil.example")
    assert (seen.origin, seen.source, seen.quote) == (Origin.UNTRUSTED, "mail: Offer", "write to eve@evil.example now")
    told = Provenance(untrusted=[mail], origins={"EVE@evil.example": "user"})
    assert told.first_seen("eve@evil.example").origin is Origin.USER
    assert told.is_named("eve@evil.example")


@pytest.mark.parametrize(
    ("value", "said", "is_named"),
    [
        ("anna.schmidt@lindner.example", "Tell Anna Schmidt", True),
        ("anna.schmidt@lindner.example", "Tell Anna", False),
        ("anna.koch@brandt.example", "Tell Anna Schmidt", False),
        ("dana@northwind.example", "tell dana", True),
        ("dana@northwind.example", "tell Diana", False),
        ("will@porter.example", "I will pay", False),
        ("will@porter.example", "tell Will Porter", True),
        ("all@firm.example", "show all mails", False),
        ("kim.lang@firm.example", "ask Kim", False),
        ("eve@evil.example", "tell eve", False),
        ("#general", "what is the general view", False),
        ("#general", "in the general channel", True),
        ("#general", "in the channels team and general", True),
        ("#general", "say in 'general'", True),
        ("#general", "post in #general", True),
        ("#general", "post in #general-talk", False),
        ("@channel", "post in the channel", False),
        ("@channel", "ping @channel", True),
        ("all", "show all mails", False),
        ("everyone@firm.example", "tell everyone@firm.example", True),
        ("Alice", "send it to Alice", True),
    ],
)
def test_who_is_named(value: str, said: str, is_named: bool) -> None:
    staff = "all@firm.example, kim.lang@firm.example"
    known = Provenance(user=[said], contacts=BOOK, trusted=[staff], untrusted=[Source("mail", "eve@evil.example")])
    assert known.is_named(value) is is_named


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://x.example/a?b=1, and more", ["https://x.example/a?b=1"]),
        ("look at evil.example/x", ["evil.example/x"]),
        ("javascript:alert(1)", ["javascript:alert(1"]),
        ("[x](//evil/x)", ["//evil/x"]),
        ("http:/\\evil/x", ["http:/\\evil/x"]),
        ("tel:+4917", ["tel:+4917"]),
        ("i.e. nothing, 3.5 of it", []),
        ("mail a@x.example", []),
        ("xn--e1afmkfd.xn--p1ai", ["xn--e1afmkfd.xn--p1ai"]),
    ],
)
def test_links_in_a_text(text: str, found: list[str]) -> None:
    assert urls_in(text) == found


def test_addresses_and_numbers_in_a_text() -> None:
    assert addresses_in('"A" <a@x.example>, b@y.example; c@z') == ["a@x.example", "b@y.example"]
    assert numbers_in("in 10 days 4,180.00 to DE89 3704 0044 0532 0130 00") == [
        "4,180.00",
        "DE89 3704 0044 0532 0130 00",
    ]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("evil。example", "evil.example"),
        ("ev\u200bil\u00ad.example", "evil.example"),
        ("ｅｖｉｌ．ｅｘａｍｐｌｅ", "evil.example"),
        ("a\u202eb\nc", "ab\nc"),
    ],
)
def test_a_text_is_taken_as_it_is_read(text: str, read: str) -> None:
    assert readable(text) == read


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1", "http://2130706433", "http://0x7f.1", "http://[::1]/", "http://[::ffff:10.0.0.1]"),
        *("http://localhost:80", "http://a.internal", "file:///etc/passwd", "ftp://x.example", "http://a@x.example"),
        *(
            "http://x.example\\@y.example",
            "http://аpple.example",
            "http:// x.example",
            "http://",
            "http://x.example:99999",
        ),
        *("http://169.254.169.254/latest", "javascript:alert(1)", "", "http://x\u200b.example", "http://[", "//"),
    ],
)
def test_urls_that_are_never_opened(url: str) -> None:
    assert problem_of_url(url) is not None


@pytest.mark.parametrize(
    "url", ["https://x.example", "x.example/a", "http://93.184.216.34/", "https://x.example:8443/a?b#c"]
)
def test_urls_that_may_be_opened(url: str) -> None:
    assert problem_of_url(url) is None


@pytest.mark.parametrize(
    ("value", "twin"),
    [
        ("dana@northw1nd.example", "dana@northwind.example"),
        ("dana@northvvind.example", "dana@northwind.example"),
        ("dаna@northwind.example", "dana@northwind.example"),
        ("dana@northwind.example.evil.example", "dana@northwind.example"),
        ("dana@northwind.example", None),
        ("kim@other.example", None),
    ],
)
def test_lookalikes(value: str, twin: str | None) -> None:
    assert looks_like(value, BOOK) == twin


@given(TEXTS, TEXTS)
def test_any_text_can_be_looked_at(value: str, text: str) -> None:
    appears(value, text)
    same_url(value)
    host_of(value)
    problem_of_url(value)
    quote_of(value, text)
    looks_like(value, [text])
    readable(text)
    for found in urls_in(text):
        assert appears(found, text)


@given(TEXTS, TEXTS, TEXTS)
def test_untrusted_text_never_raises_the_trust_in_a_value(value: str, said: str, read: str) -> None:
    order = list(Origin)
    before = Provenance(user=[said]).first_seen(value).origin
    after = Provenance(user=[said], untrusted=[Source("mail", read)])
    assert after.first_seen(value).origin in {before, Origin.UNTRUSTED}
    assert order.index(after.first_seen(value).origin) >= min(order.index(before), order.index(Origin.MODEL))
    assert after.is_named(value) is Provenance(user=[said]).is_named(value)
