"""Nothing that was not approved as a mention is markup; what is read is as a person reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.slack.text import escape, markup, names_in, plain, unescape


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("hi @ana and @bo.li, see #general.", ["@ana", "@bo.li", "#general"]),
        ("@channel @here @everyone @Group", []),
        ("mail ana@example.com about &#39; and C#sharp", []),
        ("(@ana) @ana", ["@ana"]),
        ("@ @. # #", []),
        ("@süß #計画", ["@süß", "#計画"]),
        ("", []),
    ],
)
def test_names_in(text: str, names: list[str]) -> None:
    assert names_in(text) == names


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("hi @ana", "hi <@U1>"),
        ("hi @ana.", "hi <@U1>."),
        ("hi @anabel", "hi @anabel"),
        ("see #general!", "see <#C1>!"),
        ("<!channel> <@U9> <#C9> <https://x|y>", "&lt;!channel&gt; &lt;@U9&gt; &lt;#C9&gt; &lt;https://x|y&gt;"),
        ("&lt;!here&gt;", "&amp;lt;!here&amp;gt;"),
        ("<@ana>", "&lt;<@U1>&gt;"),
        ("a & b", "a &amp; b"),
    ],
)
def test_markup(text: str, sent: str) -> None:
    assert markup(text, {"@ana": "U1", "#general": "C1"}) == sent


def test_a_mention_that_is_no_name_is_left_out() -> None:
    assert markup("!channel x", {"!channel": "x", "": "y"}) == "!channel x"


@given(st.text(max_size=200))
def test_without_mentions_there_is_no_markup(text: str) -> None:
    sent = markup(text, {})
    assert "<" not in sent
    assert ">" not in sent
    assert unescape(sent) == text == unescape(escape(text))


@given(st.text(alphabet="<>@#!&|U1ana general.;lt", max_size=60))
def test_mentions_are_only_those_approved(text: str) -> None:
    sent = markup(text, {"@ana": "U1", "#general": "C1"})
    for piece in sent.split("<")[1:]:
        assert piece.startswith(("@U1>", "#C1>"))


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("<@U1> &amp; <@U2|bo>", "@ana & @bo"),
        ("<@U9>", "@U9"),
        ("<#C1|general> <#C2>", "#general #C2"),
        ("<!channel> <!subteam^S1|@team> <!date^1^x|May>", "@channel @team @May"),
        ("<https://x.example|here> <https://x.example>", "here (https://x.example) https://x.example"),
        ("<mailto:a@b.c|a@b.c>", "a@b.c (mailto:a@b.c)"),
        ("1 < 2 &lt;@U1&gt;", "1 < 2 <@U1>"),
        ("<" * 50, "<" * 50),
    ],
)
def test_plain(said: str, read: str) -> None:
    assert plain(said, {"U1": "ana"}.get) == read
