"""Where a link leads is shown as it is, whatever its words and its letters would like one to believe."""

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.hosts import host_of, name_links, shown_address


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.com/x?y#z", "example.com"),
        ("HTTPS://EXAMPLE.com:8443/", "example.com:8443"),
        ("http://[::1]:8080/", "[::1]:8080"),
        ("https://bank.example@evil.example/", "evil.example"),
        ("https://bank.example%2f@evil.example", "evil.example"),
        ("https://ex%61mple.com/", "example.com"),
        ("https://bücher.example/", "bücher.example"),
        ("https://xn--bcher-kva.example/", "bücher.example"),
        ("https://пример.рф/", "пример.рф"),
        ("https://例え.テスト/", "例え.テスト"),
        ("https://\u0430pple.com/", "xn--pple-43d.com"),  # a Cyrillic letter among Latin ones
        (
            "https://\u0440\u0430\u0443\u0440\u0430\u04cf.com/",
            "xn--80aa0cbo65f.com",
        ),  # all Cyrillic, all drawn like Latin
        ("https://xn--80ak6aa92e.com/", "xn--80ak6aa92e.com"),
        ("https://goo\u0261le.com/", "xn--goole-tmc.com"),
        ("https://\u03b1\u03c1\u03c1.example/", "xn--mxa6aa.example"),
        ("https://bank.example\u2044login.evil.example/", "bank.example\\u2044login.evil.example"),
        ("mailto:ana@example.com?bcc=eve@evil.example", "ana@example.com"),
        ("//evil.example/", ""),
        ("/tasks/1", ""),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("", ""),
        ("http://[bad", "an address that cannot be read"),
    ],
)
def test_a_link_is_shown_with_its_host(url: str, shown: str) -> None:
    assert host_of(url) == shown


def test_an_address_shows_the_letters_that_look_like_others() -> None:
    assert shown_address("ana@ex\u0430mple.com") == "ana@xn--exmple-4nf.com"
    assert shown_address("\u0430na@example.com") == "\\u0430na@example.com"
    assert shown_address("ana@bücher.example") == "ana@bücher.example"


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ('<a href="http://evil.example">bank.example</a>', "bank.example (evil.example)"),
        ('<a href="http://evil.example/">evil.example</a>', "evil.example"),
        ('<a href="http://evil.example" title="</a><b>">x</a>', "x (evil.example)"),
        ('<a href="http://evil.example">x<table><a href="http://good.example">y</table>z', "x (evil.example)y (good.example)z (good.example)"),
        ('<a href="/x">x</a><a>y</a><a href="//evil.example">z</a>', "xyz"),
        ("<a href='mailto:a@b.example?bcc=c@d.example'>x</a>", "x (a@b.example)"),
        ('<td title="</a>"><a href="http://evil.example">&lt;b&gt;\u202etxet</a>', "&lt;b&gt;txet (evil.example)"),
    ],
)  # fmt: skip
def test_links_say_behind_their_words_where_they_lead(html: str, shown: str) -> None:
    made = name_links(nh3.clean(html, url_schemes={"http", "https", "mailto"}))
    assert nh3.clean(made, tags=set()) == shown
    assert "?bcc" not in made


@given(
    html=st.lists(
        st.sampled_from(
            [
                '<a href="http://a.example">',
                "<a href='//b.example'>",
                "</a>",
                "<table>",
                "<p>",
                "<b>",
                "w",
                '"',
                ">",
                "<a>",
            ]
        ),
        max_size=12,
    ).map("".join)
)
def test_every_link_that_is_left_has_its_host_behind_it(html: str) -> None:
    once = name_links(nh3.clean(html, url_schemes={"http", "https"}))
    assert once.count("<a ") == once.count("</a>") == once.count("<bdi>(a.example)</bdi>")
