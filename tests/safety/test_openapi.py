"""Generated requests, one by one and in chains, get documented answers: a few of each; `make safety` asks for longer."""

from collections.abc import Generator

import pytest

from core.embedded import EmbeddedPostgres
from tests.safety.openapi import run_openapi
from tests.safety.served_house import ServedHouse, served_house


@pytest.fixture
def house(server: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[ServedHouse]:
    with served_house(server, template, tmp_path_factory.mktemp("openapi")) as served:
        yield served


# The house is served by another thread of this process, whose own use of `random` Hypothesis takes for its strategies'.
@pytest.mark.filterwarnings("ignore:Do not use the .random. module:hypothesis.errors.HypothesisDeprecationWarning")
def test_every_operation_answers_as_it_is_documented(house: ServedHouse) -> None:
    report = run_openapi(house, most_examples=1)

    assert report.server_errors == []
    assert report.undocumented == []
    assert report.operations > 60
    assert report.chains > 0
