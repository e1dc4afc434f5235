"""Templates fill in what earlier tasks gave, keep its type, compute nothing, and remember what others wrote."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.templates import check_tree, fill, reference_in, slug
from agents.tools.built_in import BUILT_IN_TOOLS
from core.errors import Invalid
from tasks.plan_tools import Earlier

SEARCH = {"query": "x", "results": [{"title": "Tü", "url": "https://a.example/1?a=b"}, {"title": "B", "url": "u"}]}


def earlier(name: str, output: Any, tool: str | None = "noop", after: list[UUID] | None = None, **more: Any) -> Earlier:
    given: dict[str, Any] = {
        "id": uuid4(),
        "title": name,
        "names": [name],
        "tool": tool,
        "tool_input": {},
        "source": "manual",
    }
    return Earlier.model_validate(
        {
            **given,
            "execution_status": "completed",
            "is_waived": False,
            "result": {"output": output},
            "after": after or [],
            **more,
        }
    )


def filled(template: Any, *before: Earlier) -> Any:
    return fill({"a": template}, before, BUILT_IN_TOOLS).given["a"]


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ search.results.0.url }}", "https://a.example/1?a=b"),
        ("{{search.results[1].title}}", "B"),
        ("  {{ search.results }} ", SEARCH["results"]),
        ("{{ search.output }}", SEARCH),
        ("{{ search }}", SEARCH),
        ("{{ search.output.query }}", "x"),
        ("first: {{ search.results.0.title }}, all: {{ search.results.1 }}", 'first: Tü, all: {"title":"B","url":"u"}'),
        ("{{ n.output }}", 3),
        ("n = {{ n.output }}", "n = 3"),
        ("{{ yes.output }}", True),
        ("{{ none.output }}", None),
        ("{{ text.output }}", "plain {{ search.query }}"),
        ("{{ gate.approved }}", True),
        ({"deep": [{"x": "{{ n.output }}"}, 1, None]}, {"deep": [{"x": 3}, 1, None]}),
        (r"\{{ search.query }} is {{ search.query }}", "{{ search.query }} is x"),
        (r"\{{ search.query }}", "{{ search.query }}"),
        ("no template { } }}", "no template { } }}"),
        (17, 17),
    ],
)
def test_it_is_filled_in(template: Any, value: Any) -> None:
    before = [
        earlier("search", SEARCH),
        earlier("n", 3),
        earlier("yes", True),
        earlier("none", None),
        earlier("text", "plain {{ search.query }}"),
        earlier("gate", None, result={"approved": True, "notes": None}),
    ]
    assert filled(template, *before) == value


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ nowhere.x }}", "names no task"),
        ("{{ search.nosuch }}", "gave no field 'nosuch'"),
        ("{{ search.results.2.url }}", "gave no field"),
        ("{{ search.results.-1 }}", "gave no field"),
        ("{{ search.results.title }}", "gave no field"),
        ("{{ search.query.upper }}", "gave no field"),
        ("{{ search.__class__ }}", "gave no field"),
        ("{{ search.results }", "not closed"),
        ("{{ search", "not closed"),
        ("{{ }}", "cannot be read"),
        ("{{ search.results | first }}", "cannot be read"),
        ("{{ 1 + 1 }}", "cannot be read"),
        ("{{ search.results[0 }}", "cannot be read"),
        ("{{ search..query }}", "cannot be read"),
        ("{{ {{ search.query }} }}", "cannot be read"),
        ("it is {{ none.output }}", "is null"),
        ("{{ twin.x }}", "any of several"),
        ("{{ waived.x }}", "gave nothing"),
    ],
)
def test_what_cannot_be_filled_in_is_named(template: str, words: str) -> None:
    before = [
        earlier("search", SEARCH),
        earlier("none", None),
        earlier("twin", {"x": 1}),
        earlier("twin", {"x": 2}),
        earlier("waived", {"x": 1}, is_waived=True),
    ]
    with pytest.raises(Invalid, match=words):
        filled(template, *before)


def test_the_whole_is_bounded() -> None:
    big = earlier("big", "x" * 400_000)
    assert len(filled("{{ big.output }}{{ big.output }}", big)) == 800_000
    with pytest.raises(Invalid, match="1000000 characters"):
        filled(["{{ big.output }}"] * 3, big)


def test_what_others_wrote_stays_marked_through_tasks_in_between() -> None:
    search = earlier("search", SEARCH, "web_search")
    clean = earlier("clean", {"x": 1}, "data_transform")
    computed = earlier("computed", {"x": 1}, "data_transform", [search.id], tool_input={"data": "{{ search.results }}"})
    thought = earlier("thought", {"x": 1}, None, [search.id, computed.id])
    beside = earlier("beside", {"x": 1}, "data_transform", [search.id])
    mail = earlier("mail", {"x": 1}, None, source="mail")
    said = earlier("said", {"x": 1}, "file", result={"output": {"x": 1}, "untrusted": True})
    before = [thought, computed, search, clean, beside, mail, said]
    template = {name: f"{{{{ {name}.x }}}}" for name in ("clean", "computed", "thought", "beside", "mail", "said")}
    template["embedded"] = "a {{ clean.x }} b {{ search.query }}"
    marked = fill({"inner": template}, before, BUILT_IN_TOOLS)
    assert marked.untrusted == {
        "inner.computed": "computed",
        "inner.thought": "thought",
        "inner.mail": "mail",
        "inner.said": "said",
        "inner.embedded": "search",
    }


def tree(*children: dict[str, Any]) -> dict[str, Any]:
    return {"title": "root", "children": list(children)}


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ find_it.results.0.titel }}", "web_search gives no field 'results.0.titel'"),
        ("{{ find_it.nothing }}", "gives no field"),
        ("{{ find_it.results.title }}", "gives no field"),
        ("{{ find_it.results.0.title.x }}", "gives no field"),
        ("{{ page.rows }}", "web_fetch gives no field"),
        ("{{ page.text", "not closed"),
        ("{{ page.text|upper }}", "cannot be read"),
    ],
)
def test_a_field_that_is_never_given_is_refused_as_the_tree_is_made(template: str, words: str) -> None:
    find = {"title": "Find it", "tool": "web_search", "tool_input": {"query": "x"}}
    page = {"key": "page", "title": "x", "tool": "web_fetch", "tool_input": {"url": "{{ find_it.results.0.url }}"}}
    with pytest.raises(Invalid, match=words):
        check_tree(tree(find, page, {"title": "use", "tool": "noop", "tool_input": {"a": [template]}}), BUILT_IN_TOOLS)


@pytest.mark.parametrize(
    "template",
    [
        "{{ find_it.results.0.url }}",
        "{{ find_it.output.anything }}",
        "{{ find_it }}",
        "{{ rows.rows.0.any_column }}",
        "{{ rows.row_count }}",
        "{{ value.value.a.b.0 }}",
        "{{ thought.whatever }}",
        "{{ unknown.to_python }}",
        r"\{{ page.nosuch }}",
    ],
)
def test_a_field_that_may_be_given_passes(template: str) -> None:
    nodes = [
        {"title": "Find it", "tool": "web_search"},
        {"key": "rows", "title": "r", "tool": "database_query"},
        {"key": "value", "title": "v", "tool": "data_transform"},
        {"key": "thought", "title": "t"},
        {"title": "use", "tool": "noop", "tool_input": {"a": template}},
    ]
    check_tree(tree(*nodes), BUILT_IN_TOOLS)


@given(st.text(max_size=30))
def test_any_template_is_read_or_refused(text: str) -> None:
    try:
        assert reference_in(text).path
    except Invalid:
        return


@pytest.mark.parametrize(
    ("title", "word"),
    [
        ("Fetch the page!", "fetch_the_page"),
        ("Überblick Größe", "Überblick_größe".replace("ü", "ü")),
        ("--a  b--", "a_b"),
        ("日本 語", "日本_語"),
        ("!!", ""),
    ],
)
def test_a_title_as_one_word(title: str, word: str) -> None:
    assert slug(title) == word
