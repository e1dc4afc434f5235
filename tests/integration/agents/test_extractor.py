"""The extractor on a real HTTP server with authored answers, good and bad, on both interfaces."""

import pytest

from agents.extractor import ReplyDelta, extract, extract_stream
from agents.thinking import ModelMalformed, ModelRefused, ModelUnavailable
from tasks.models import Extraction
from tests.integration.agents.conftest import Asked
from tests.unit.agents.making import NOW


async def find(asked: Asked, message: str) -> Extraction:
    return await extract(message, now=NOW, thinking=asked.thinking)


async def streamed(asked: Asked, message: str) -> tuple[str, Extraction]:
    """The deltas put together, and the last item."""
    said, last = "", None
    async for item in extract_stream(message, now=NOW, thinking=asked.thinking):
        if isinstance(item, ReplyDelta):
            said += item.text
        else:
            last = item
    assert last is not None
    return said, last


@pytest.mark.parametrize(
    ("message", "execution_type", "kind"),
    [
        ("Draft email to john@example.com thanking him for the meeting", "fully_automated", "email"),
        ("Plan Q4 marketing campaign", "semi_automated", "project"),
        ("Order new office chairs", "manual", "purchase"),
    ],
)
async def test_scenarios_give_one_task_of_their_type(
    asked: Asked, message: str, execution_type: str, kind: str
) -> None:
    (task,) = (await find(asked, message)).tasks
    assert (task.title, task.execution_type, task.kind) == (message, execution_type, kind)


async def test_small_talk_gives_no_task(asked: Asked) -> None:
    assert (await find(asked, "how are you today?")).tasks == []


async def test_the_reply_streams_as_it_grows(asked: Asked) -> None:
    said, whole = await streamed(asked, "Draft email to john@example.com thanking him for the meeting")
    assert said == whole.reply == "I can draft that now; you review it before it is sent."
    assert whole.tasks[0].recipient == "john@example.com"


async def test_a_call_is_recorded_with_tokens_cost_and_prompt(asked: Asked) -> None:
    await find(asked, "Draft email to john@example.com thanking him for the meeting")
    (call,) = asked.calls
    assert (call.purpose, call.model, call.provider, call.prompt_version) == (
        "extraction", "gpt-5-mini", "openai", "extractor/1",
    )  # fmt: skip
    assert (call.input_tokens, call.output_tokens, call.error) == (700, 90, None)
    assert call.cost_usd is not None
    assert call.cost_usd > 0
    assert call.response_id


async def test_a_streamed_call_is_recorded_once(asked: Asked) -> None:
    await streamed(asked, "Draft email to john@example.com thanking him for the meeting")
    assert [(call.input_tokens, call.output_tokens) for call in asked.calls] == [(700, 90)]


async def test_a_wrong_schema_goes_back_and_both_calls_are_counted(asked: Asked) -> None:
    found = await find(asked, "case: wrong schema then repaired")
    assert found.reply == "Repaired."
    assert [call.input_tokens for call in asked.calls] == [100, 200]


async def test_a_schema_wrong_for_good_is_malformed_after_three_calls(asked: Asked) -> None:
    with pytest.raises(ModelMalformed):
        await find(asked, "case: wrong schema always")
    assert [call.output_tokens for call in asked.calls] == [10, 10, 10]


async def test_a_streamed_wrong_schema_is_asked_again_in_one_piece(asked: Asked) -> None:
    _, whole = await streamed(asked, "case: wrong schema then repaired")
    assert whole.reply == "Repaired."


async def test_json_in_prose_counts_without_another_call(asked: Asked) -> None:
    found = await find(asked, "case: prose around JSON")
    assert (found.reply, [task.title for task in found.tasks]) == ("Out of prose.", ["Call Ana"])
    assert len(asked.calls) == 1


@pytest.mark.parametrize("message", ["case: refusal in prose", "case: content filter"])
async def test_a_refusal_is_final(asked: Asked, message: str) -> None:
    if message == "case: content filter" and asked.api == "responses":
        message = "case: refusal in prose"  # the server has no content filter on this interface
    with pytest.raises(ModelRefused) as caught:
        await find(asked, message)
    assert not caught.value.is_retryable


async def test_an_empty_answer_is_malformed(asked: Asked) -> None:
    with pytest.raises(ModelMalformed):
        await find(asked, "case: empty")


async def test_a_stream_cut_off_is_asked_again_in_one_piece(asked: Asked) -> None:
    said, whole = await streamed(asked, "case: cut off")
    assert whole.reply == "This reply is long enough to be cut somewhere in its middle."
    assert whole.reply == said
    assert [call.error for call in asked.calls] == ["ModelConnectionError", None]


async def test_a_limit_with_a_short_wait_is_waited_for(asked: Asked) -> None:
    found = await find(asked, f"case: limited once in {asked.api}")
    assert found.reply == "Now it goes."
    assert [call.error for call in asked.calls] == ["ModelRateLimitError", None]


async def test_a_limit_with_a_long_wait_goes_back_to_the_queue(asked: Asked) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        await find(asked, "case: limited for long")
    assert (caught.value.retry_after_seconds, caught.value.is_retryable) == (30, True)
    assert len(asked.calls) == 1


async def test_a_stream_with_a_long_wait_is_not_asked_again(asked: Asked) -> None:
    with pytest.raises(ModelUnavailable):
        await streamed(asked, "case: limited for long")
    assert len(asked.calls) == 1


@pytest.mark.parametrize(
    "message", ["case: limited forever", "case: server error", "case: malformed body", "case: line drops"]
)
async def test_what_may_pass_is_tried_three_times_then_unavailable(asked: Asked, message: str) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        await find(asked, message)
    assert caught.value.is_retryable
    assert len(asked.calls) == 3
    assert all(call.error and call.cost_usd is None for call in asked.calls)


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("case: bad key", "OPENAI_API_KEY"),
        ("case: no quota", "OPENAI_API_KEY"),
        ("case: no such model", "STEWARD_MODEL"),
    ],
)
async def test_what_a_person_must_mend_is_said_at_once(asked: Asked, message: str, hint: str) -> None:
    with pytest.raises(ModelRefused) as caught:
        await find(asked, message)
    assert hint in (caught.value.hint or "")
    assert len(asked.calls) == 1


async def test_a_date_without_offset_is_read_in_the_zone_of_now(asked: Asked) -> None:
    (task,) = (await find(asked, "case: naive date")).tasks
    assert task.due_at is not None
    assert task.due_at.isoformat() == "2026-03-05T15:00:00+01:00"


async def test_a_recipient_that_nobody_named_is_dropped(asked: Asked) -> None:
    (task,) = (await find(asked, "case: invented recipient")).tasks
    assert task.recipient is None


async def test_the_same_task_twice_is_one(asked: Asked) -> None:
    assert len((await find(asked, "case: the same twice")).tasks) == 1


async def test_a_server_that_is_not_there_is_unavailable(asked: Asked) -> None:
    from dataclasses import replace

    from agents.thinking import Thinking
    from tests.emulators.model_server import ModelServer, model_settings

    nowhere = Thinking.from_settings(model_settings(ModelServer("http://127.0.0.1:9/v1"), asked.api))
    async with replace(nowhere, pauses_seconds=()) as thinking:
        with pytest.raises(ModelUnavailable):
            await extract("hello", now=NOW, thinking=thinking)
