"""GitHub's client against a fake of GitHub over HTTP."""

from collections.abc import AsyncGenerator

import pytest

from core.outside.errors import Malformed, Refused, SignInExpired
from integrations.github.rest import GitHub
from integrations.web.guard import Guard
from integrations.web.service import NotThere
from tests.emulators.github_rest import SHA, FakeGitHub, review, run, running_github
from tests.emulators.served import Answer


@pytest.fixture
async def fake() -> AsyncGenerator[FakeGitHub]:
    async with running_github() as made:
        yield made


def client(fake: FakeGitHub, token: str = "github-token") -> GitHub:
    return GitHub.signed_in(fake.url, token, Guard().trusting(fake.url))


async def test_a_pull_request_with_checks_and_reviews(fake: FakeGitHub) -> None:
    fake.runs = [run("test"), run("docs", "skipped"), run("lint", "failure"), run("e2e", None)]
    fake.statuses = [{"context": "ci/x", "state": "success", "target_url": None}, {"context": "ci/y", "state": "error"}]
    fake.reviews = [
        review("bo", "CHANGES_REQUESTED"),
        review("cy", "APPROVED"),
        review("bo", "APPROVED"),
        review("cy", "COMMENTED"),
        review("di", "APPROVED"),
        review("di", "DISMISSED"),
        {"user": None, "state": "CHANGES_REQUESTED"},
    ]
    pull = await client(fake).get_pull_request("acme/shop", 7)
    assert (pull.title, pull.state, pull.is_mergeable, pull.head.sha) == ("Größer 🚀", "open", True, SHA)
    assert {check.name: check.state for check in pull.head.checks} == {
        "test": "passed",
        "docs": "passed",
        "lint": "failed",
        "e2e": "pending",
        "ci/x": "passed",
        "ci/y": "failed",
    }
    assert (pull.approved_by, pull.changes_requested_by) == (["bo", "cy"], ["(gone)"])
    fake.pull |= {"state": "closed", "merged": True, "mergeable": None}
    pull = await client(fake).get_pull_request("acme/shop", 7)
    assert (pull.state, pull.is_mergeable) == ("merged", None)


async def test_lists_are_read_page_by_page(fake: FakeGitHub) -> None:
    fake.runs = [run(f"c{n}") for n in range(250)]
    assert len((await client(fake).get_commit("acme/shop", "main")).checks) == 250
    await client(fake).get_commit("acme/shop", "feature/x")
    assert fake.served.got[-1].path == "/repos/acme/shop/commits/feature%2Fx/status"


async def test_what_goes_wrong_is_told(fake: FakeGitHub) -> None:
    with pytest.raises(SignInExpired):
        await client(fake, "wrong").get_commit("acme/shop", "main")
    with pytest.raises(NotThere):
        await client(fake).get_pull_request("acme/shop", 8)
    with pytest.raises(Refused, match="422") as caught:
        await client(fake).get_commit("acme/shop", "nosuch")
    assert "No commit found" in (caught.value.detail or "")
    for name in ("acme", "a/b/c", "../x", "a/.."):
        with pytest.raises(Refused):
            await client(fake).get_commit(name, "main")


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"head": {"sha": SHA}},
        {"head": None, "state": "open"},
        {"head": {"sha": SHA}, "state": "odd", "number": 7},
    ],
)
async def test_what_is_no_pull_request_is_malformed(fake: FakeGitHub, body: object) -> None:
    fake.served.once = [Answer(200, body)]  # pyright: ignore[reportArgumentType]
    with pytest.raises(Malformed):
        await client(fake).get_pull_request("acme/shop", 7)
