"""LangGraph with its Postgres checkpointer: a graph of two no-op nodes, asynchronous durability, a thread a task.

python langgraph_peer.py URL      question: {"count", "concurrency"}
"""
# pyright: basic, reportMissingImports=false

import asyncio
import sys
import time
from typing import Any, TypedDict
from uuid import uuid4

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import END, START, StateGraph
from lines import own_output, serve
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool


class State(TypedDict):
    number: int


async def first(state: State) -> State:
    return {"number": state["number"] + 1}


async def second(state: State) -> State:
    return {"number": state["number"] + 1}


def graph(saver: AsyncPostgresSaver):
    built = StateGraph(State)
    built.add_node("first", first)
    built.add_node("second", second)
    built.add_edge(START, "first")
    built.add_edge("first", "second")
    built.add_edge("second", END)
    return built.compile(checkpointer=saver)


async def main() -> None:
    answers = own_output()
    # The settings that its saver asks of connections.
    options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    async with AsyncConnectionPool(sys.argv[1], kwargs=options, min_size=4, max_size=16, open=False) as pool:
        saver = AsyncPostgresSaver(pool)
        await saver.setup()
        compiled = graph(saver)

        async def answer(question: dict[str, Any]) -> dict[str, Any]:
            began = time.perf_counter()
            numbers = iter(range(question["count"]))

            async def one_after_another() -> None:
                for number in numbers:
                    config = {"configurable": {"thread_id": str(uuid4())}}
                    await compiled.ainvoke({"number": number}, config, durability="async")

            await asyncio.gather(*[one_after_another() for _ in range(question["concurrency"])])
            return {"seconds": time.perf_counter() - began}

        await serve(answer, answers)


if __name__ == "__main__":
    asyncio.run(main())
