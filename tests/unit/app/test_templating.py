"""What templates may use: words for times, and text that stays text."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from app.templating import APP, ago, asset, asset_bytes, date_words, duration, environment, local_time, markdown

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (datetime(2026, 3, 4, 14, 0, tzinfo=UTC), "today, 15:00"),
        (datetime(2026, 3, 4, 23, 30, tzinfo=UTC), "tomorrow, 00:30"),
        (datetime(2026, 3, 3, 8, 5, tzinfo=UTC), "yesterday, 09:05"),
        (datetime(2026, 3, 6, 8, 5, tzinfo=UTC), "Fri 6 Mar, 09:05"),
        (datetime(2027, 7, 1, 8, 5, tzinfo=UTC), "Thu 1 Jul 2027, 10:05"),
        (None, ""),
    ],
)
def test_a_moment_is_told_in_the_zone_of_the_person(moment: datetime | None, words: str) -> None:
    assert date_words(moment, NOW) == words


def test_a_time_element_carries_the_exact_moment() -> None:
    moment = datetime(2026, 3, 6, 8, 5, tzinfo=UTC)
    assert local_time(moment, NOW) == '<time datetime="2026-03-06T08:05:00+00:00">Fri 6 Mar, 09:05</time>'
    assert local_time(None, NOW) == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "just now"), (59, "just now"), (60, "1 minute ago"), (7300, "2 hours ago"), (200_000, "2 days ago")],
)
def test_ago_has_one_unit(seconds: int, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(("minutes", "words"), [(None, ""), (0, ""), (5, "5 min"), (60, "1 h"), (95, "1 h 35 min")])
def test_a_duration_in_words(minutes: int | None, words: str) -> None:
    assert duration(minutes) == words


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("a < b & c", "<p>a &lt; b &amp; c</p>"),
        ("`a < b`", "<p><code>a &lt; b</code></p>"),
        ("**yes**", "<p><strong>yes</strong></p>"),
        ("<b>no</b>", "<p>&lt;b&gt;no&lt;/b&gt;</p>"),
        ("", ""),
        (None, ""),
    ],
)
def test_markdown_shows_what_was_written(source: str | None, html: str) -> None:
    assert markdown(source).strip() == html


def test_links_give_nothing_away_and_say_where_they_lead() -> None:
    html = markdown("[a](https://example.org)")
    link = '<a href="https://example.org" rel="noopener noreferrer nofollow">a</a> <bdi>(example.org)</bdi>'
    assert html.strip() == f"<p>{link}</p>"


def test_no_text_turns_a_line_around() -> None:
    shown = environment().from_string("{{ x }} {{ y }}").render(x="pay \u202egro.knab\u2066", y=markdown("a&#x202e;b"))
    assert shown == "pay gro.knab <p>ab</p>\n"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("/api/artifacts/3f2b8a34-0000-4000-8000-000000000001", True),
        ("/api/artifacts/../?token=x", False),
        ("/api/artifacts/3f2b8a34-0000-4000-8000-000000000001/../../..", False),
        ("https://evil.example/api/artifacts/3f2b8a34-0000-4000-8000-000000000001", False),
    ],
)
def test_a_picture_of_ours_is_one_file_and_leads_nowhere_else(text: str, is_one: bool) -> None:
    assert environment().from_string("{{ x is picture }}").render(x=text) == str(is_one)


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](https://evil.example/pixel.png)",
    "![r][x]\n\n[x]: https://evil.example/pixel.png",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](&#106;avascript:alert(1))",
    "[a](data:text/html,<script>1</script>)",
    "[a](vbscript:x)",
    "<svg><script>1</script></svg>",
    "<style>@import 'https://evil.example'</style>",
    '[a](https://x.example "onmouseover=alert(1)")',
    "<a href='javascript:1'>x</a>",
    "| a |\n|---|\n| <iframe src=//evil.example> |",
    "```html\n<script>1</script>\n```",
]


@pytest.mark.parametrize("source", HOSTILE)
def test_hostile_markdown_is_inert(source: str) -> None:
    html = markdown(source).casefold()
    for forbidden in (
        "<script",
        "<img",
        "<svg",
        "<style",
        "<iframe",
        'href="javascript',
        'href="data',
        'href="vb',
        "onmouse=",
    ):
        assert forbidden not in html


@given(source=st.lists(st.sampled_from([*HOSTILE, "\n", "> ", "* ", "`", "[", "](", ")"]), max_size=8).map("".join))
def test_hostile_markdown_is_inert_in_any_mixture(source: str) -> None:
    html = markdown(source).casefold()
    for forbidden in ("<script", "<img", "<svg", "<style", "<iframe", 'href="javascript', 'href="data'):
        assert forbidden not in html


def test_templates_escape_and_refuse_what_is_not_there() -> None:
    assert environment().from_string("{{ x }}").render(x="<b>") == "&lt;b&gt;"
    with pytest.raises(UndefinedError):
        environment().from_string("{{ missing }}").render()


NEVER_IN_A_TEMPLATE = {
    "a text that is not escaped": r"\|\s*safe\b|autoescape|\bMarkup\b",
    "a script or style of its own": r"<script(?![^>]*\bsrc=\"\{\{ asset\()|<style|\sstyle=|\son[a-z]+=|hx-on|javascript:",
    "something of another host": r"(?:src|href|action|hx-(?:get|post))=\"(?:https?:)?//",
    "a value without quotes": r"<[^>%{]*\s[a-z-]+=\{\{",
}


@pytest.mark.parametrize("what", NEVER_IN_A_TEMPLATE)
def test_no_template_has(what: str) -> None:
    found = {
        f"{path.relative_to(APP)}: {match[0]}"
        for path in APP.rglob("*.html")
        for match in re.finditer(NEVER_IN_A_TEMPLATE[what], path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_markup_is_made_where_it_was_looked_at() -> None:
    made = {str(path.relative_to(APP)) for path in APP.rglob("*.py") if "Markup(" in path.read_text(encoding="utf-8")}
    assert made == {"templating.py", "_view/changes.py", "insights/_charts.py"}


def test_an_asset_is_named_with_a_hash_of_its_content() -> None:
    name, _, version = asset("htmx.js").partition("?v=")
    assert (name, len(version)) == ("/static/htmx.js", 12)
    assert b"htmx" in asset_bytes("htmx.js")


@pytest.mark.parametrize("name", ["../main.py", "/etc/passwd", "nothing.css", "", ".", "a/../../main.py"])
def test_only_static_files_are_assets(name: str) -> None:
    with pytest.raises(FileNotFoundError):
        asset_bytes(name)
