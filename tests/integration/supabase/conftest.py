"""Servers that are set up as hosted projects are, one of each release for all tests of a process."""

from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from tests.integration.supabase.cli import Project, project
from tests.integration.supabase.hosted import HostedServer, Major, hosted_server


@pytest.fixture(scope="session")
def servers() -> Generator[dict[Major, HostedServer]]:
    """The servers that were asked for so far; gone with the run."""
    with ExitStack() as stack:

        class Servers(dict[Major, HostedServer]):
            def __missing__(self, major: Major) -> HostedServer:
                self[major] = stack.enter_context(hosted_server(major))
                return self[major]

        yield Servers()


@pytest.fixture
def hosted(servers: dict[Major, HostedServer], request: pytest.FixtureRequest) -> HostedServer:
    """Postgres 18, or the release that the test names."""
    major: Major = getattr(request, "param", 18)
    return servers[major]


@pytest.fixture
def empty(hosted: HostedServer) -> Generator[str]:
    """The address of an empty project's database."""
    name = f"h_{uuid4().hex}"
    yield hosted.clone("empty", name)
    hosted.drop(name)


@pytest.fixture
def steward(tmp_path: Path) -> Project:
    """This repository's project."""
    return project(tmp_path / "project")
