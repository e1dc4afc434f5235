"""Sites that may be reached, however they are written."""

import pytest

from core.errors import Invalid
from integrations.browser.sites import Sites, read_site, site_of


@pytest.mark.parametrize(
    ("site", "url", "is_allowed"),
    [
        ("shop.example", "https://shop.example/a?b#c", True),
        ("shop.example", "http://SHOP.example./", True),
        ("shop.example", "https://shop.example:8443/", False),
        ("shop.example:8443", "https://shop.example:8443/", True),
        ("shop.example:8443", "https://shop.example/", False),
        ("shop.example", "https://www.shop.example/", False),
        ("*.shop.example", "https://www.shop.example/", True),
        ("*.shop.example", "https://shop.example/", True),
        ("*.shop.example", "https://evilshop.example/", False),
        ("shop.example", "https://shop.example.evil.example/", False),
        ("shop.example", "https://shop.example@evil.example/", False),
        ("shop.example", "https://user:word@shop.example/", False),
        ("shop.example", "ftp://shop.example/", False),
        ("shop.example", "file:///shop.example", False),
        ("shop.example", "javascript:location='https://shop.example'", False),
        ("shop.example", "data:text/html,shop.example", False),
        ("shop.example", "https://shop.example:99999/", False),
        ("https://shop.example/page", "https://shop.example/other", True),
        ("münchen.example", "https://xn--mnchen-3ya.example/", True),
        ("127.0.0.1:8000", "http://127.0.0.1:8000/", True),
        ("[::1]:8000", "http://[::1]:8000/", True),
        ("127.0.0.1:8000", "http://127.0.0.1:8001/", False),
        ("127.0.0.1:8000", "http://2130706433:8000/", False),
    ],
)
def test_only_named_sites(site: str, url: str, is_allowed: bool) -> None:
    assert Sites([site]).allows_url(url) is is_allowed


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a b",
        "shop.example/path",
        "*",
        "*.*.example",
        "user@shop.example",
        "shop.example:0",
        "shop.example:x",
        "http://",
        "file:///x",
        "ftp://a.example",
        "-a.example",
        "a\nb",
    ],
)
def test_what_is_no_site_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        read_site(text)
    sites = Sites(["shop.example"])
    with pytest.raises(Invalid):
        sites.add(["good.example", text])
    assert not sites.allows("good.example", 443)


def test_a_site_is_named_with_an_unusual_port_alone() -> None:
    assert [site_of(url) for url in ("https://a.example/x", "http://a.example:8080/", "http://[::1]:1/", "about:blank")] == [
        "a.example", "a.example:8080", "[::1]:1", "about:blank"]  # fmt: skip
