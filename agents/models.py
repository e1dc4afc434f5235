"""Which models there are: the ones that the settings name, what their answers cost, and what their servers' errors mean.

Third-party errors end here: what leaves is ModelUnavailable, ModelRefused or ModelMalformed (`agents.thinking`).
"""

import json
import math
from collections.abc import Sequence

from genai_prices import Usage, calc_price
from pydantic_ai.exceptions import (
    AgentRunError,
    ContentFilterError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRequestRejectedError,
    OutputTokenLimitExceeded,
    UnexpectedModelBehavior,
    UsageLimitExceeded,
)
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters

from agents.thinking import LONGEST_WAIT_SECONDS, REFUSAL, ModelMalformed, ModelRefused, ModelUnavailable
from core.errors import StewardError
from core.settings import Settings
from core.settings_models import named_models

PASSING_STATUS = {408, 409, 425, 429}
CHARACTERS_PER_TOKEN = 3  # fewer than any real text has: a reservation is rather too large than too small


def model_named(settings: Settings, name: str, base_url: str | None = None) -> Model:
    """A model on the server of the settings, or at `base_url`: there with the key for fallbacks, never with the other."""
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel, OpenAIResponsesModelSettings
    from pydantic_ai.providers.openai import OpenAIProvider

    secret = settings.model_fallback_api_key if base_url else settings.openai_api_key
    key = secret.get_secret_value() if secret else "no-key-needed"
    provider = OpenAIProvider(base_url=base_url or settings.openai_base_url, api_key=key)
    if settings.model_api != "responses" or base_url:
        return OpenAIChatModel(name, provider=provider)
    summary = settings.model_reasoning_summary
    thoughts = None if summary == "off" else OpenAIResponsesModelSettings(openai_reasoning_summary=summary)
    return OpenAIResponsesModel(name, provider=provider, settings=thoughts)


def fallback_models(settings: Settings) -> list[Model]:
    """The models of STEWARD_MODEL_FALLBACKS, in order. Those at a URL of their own are asked by the chat interface."""
    return [model_named(settings, name, url) for name, url in named_models(settings.model_fallbacks)]


def cost_of(response: ModelResponse | None, asked: Model) -> float | None:
    """What an answer cost, in US dollars; None where the server reported no usage, or nobody knows a price.

    A server may answer under another name than the one that was asked for, or a name of its own: then the asked one counts.
    """
    if response is None or not response.usage.total_tokens:
        return None
    try:
        return float(response.cost().total_price)
    except (LookupError, ValueError):
        usage = Usage(input_tokens=response.usage.input_tokens, output_tokens=response.usage.output_tokens)
        return _priced(usage, [response.model_name or "", asked.model_name])


def highest_cost_of(
    asked: Model, messages: Sequence[ModelMessage], parameters: ModelRequestParameters, most_output_tokens: int
) -> float:
    """What a request may cost at most, in US dollars; 0 where nobody knows a price."""
    tools = [*parameters.output_tools, *parameters.function_tools]
    said = len(ModelMessagesTypeAdapter.dump_json(list(messages)))
    said += sum(len(json.dumps(tool.parameters_json_schema)) + len(tool.description or "") for tool in tools)
    usage = Usage(input_tokens=said // CHARACTERS_PER_TOKEN, output_tokens=most_output_tokens)
    return _priced(usage, [asked.model_name]) or 0.0


def _priced(usage: Usage, names: Sequence[str]) -> float | None:
    """By the first name that has a price, with or without what a gateway puts before it (`openai/gpt-5-mini`)."""
    for name in names:
        for known_as in dict.fromkeys((name, name.rpartition("/")[2])):
            try:
                return float(calc_price(usage, model_ref=known_as).total_price) if known_as else None
            except (LookupError, ValueError):
                continue
    return None


def seconds_to_wait(error: AgentRunError, pause: float | None) -> float | None:
    """How long until the request is worth another try now; None when it is not, or only much later."""
    if pause is None or not is_passing(error):
        return None
    asked = error.retry_after if isinstance(error, ModelAPIError) else None
    if asked is not None and asked > LONGEST_WAIT_SECONDS:
        return None
    return max(asked or 0.0, pause)


def is_passing(error: AgentRunError) -> bool:
    """May the same request to the same model go well later?"""
    if not isinstance(error, ModelAPIError) or isinstance(error, ModelRequestRejectedError | ModelQuotaExceededError):
        return False
    return not isinstance(error, ModelHTTPError) or error.status_code >= 500 or error.status_code in PASSING_STATUS


def may_go_elsewhere(error: AgentRunError) -> bool:
    """May another model answer where this one did not? Not when the words themselves were refused, or are too many."""
    whose_fault = ModelAuthenticationError | ModelQuotaExceededError | ModelNotFoundError
    return is_passing(error) or isinstance(error, whose_fault)


def is_forgotten(error: BaseException) -> bool:
    """Has the server lost (or never kept) the answer that this request goes on from?"""
    return (
        isinstance(error, ModelHTTPError)
        and error.status_code in {400, 404}
        and "previous_response" in json.dumps(error.body, default=str)
    )


def translated(error: AgentRunError, heard: str) -> StewardError:
    """The error in the house's terms; `heard` is the last thing the model said in prose."""
    match error:
        case ContentFilterError():
            return ModelRefused(
                "The language model declined this request", hint="Say it in other words, or do it yourself."
            )
        case ModelAuthenticationError() | ModelQuotaExceededError():
            return ModelRefused(
                "The language model's server does not accept the key, or it is used up",
                hint="Check OPENAI_API_KEY and the account behind it.",
            )
        case ModelNotFoundError():
            return ModelRefused(
                f"The server does not know the model {error.model_name}",
                hint="Check STEWARD_MODEL, OPENAI_BASE_URL and STEWARD_MODEL_API.",
            )
        case ModelContextWindowExceededError():
            return ModelRefused("The text is too long for the language model", hint="Give it a shorter text.")
        case ModelAPIError() if not is_passing(error):
            return ModelRefused("The language model's server rejected the request", detail=_short(error))
        case ModelAPIError():
            wait = math.ceil(error.retry_after) if error.retry_after else None
            return ModelUnavailable(
                "The language model is out of reach", detail=_short(error), retry_after_seconds=wait
            )
        case UsageLimitExceeded():
            return ModelMalformed("The language model used up its tries without a usable answer")
        case OutputTokenLimitExceeded():
            return ModelMalformed("The language model's answer was longer than it may be")
        case UnexpectedModelBehavior() if REFUSAL.match(heard):
            return ModelRefused("The language model declined this request", detail=heard.strip().splitlines()[0][:200])
        case UnexpectedModelBehavior():
            return ModelMalformed("The language model gave no usable answer", detail=_short(error))
        case _:
            return ModelUnavailable("The language model's run broke off", detail=_short(error))


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
