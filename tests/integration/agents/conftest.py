"""The model server, for tests of the agents. Each test of an answer runs on both of OpenAI's interfaces."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest

from agents.thinking import ModelCall, Thinking
from tests.emulators.model_server import Api, ModelServer, model_server, thinking_on
from tests.integration.agents.growing import Bench

__all__ = ["model_server"]


@dataclass
class Asked:
    """A thinker on the model server, which interface it uses, and what was recorded of its calls."""

    thinking: Thinking
    api: Api
    calls: list[ModelCall] = field(default_factory=list[ModelCall])


@pytest.fixture(params=["responses", "chat"])
async def asked(request: pytest.FixtureRequest, model_server: ModelServer) -> AsyncGenerator[Asked]:
    """A model thinks; every call is written down."""
    calls: list[ModelCall] = []

    async def record(call: ModelCall) -> None:
        calls.append(call)

    async with thinking_on(model_server, request.param, on_call=record) as thinking:
        yield Asked(thinking, request.param, calls)


@pytest.fixture
def bench() -> Bench:
    """A tool that counts."""
    return Bench()
