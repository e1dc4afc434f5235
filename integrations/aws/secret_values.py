"""A secret of Secrets Manager that holds settings: a JSON object, name of the variable -> value."""

import json
import re
from collections.abc import Mapping, MutableMapping
from typing import cast

from core.errors import Invalid
from integrations.aws.clients import client, on_thread

VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,99}")


async def add_secret_settings(arn: str, environment: MutableMapping[str, str]) -> list[str]:
    """Put the secret's values into the environment; what is set there already stays. The names that it put in.

    Raises Invalid for a secret of another form (without its content), NotFound, Forbidden or Unavailable.
    """

    def work() -> str:
        secrets = client("secretsmanager", read_seconds=10)
        try:
            return str(secrets.get_secret_value(SecretId=arn).get("SecretString") or "")
        finally:
            secrets.close()

    text = await on_thread(work, f"The secret {arn}")
    try:
        found: object = json.loads(text)
    except ValueError:
        raise _wrong(arn) from None  # the cause would quote the secret
    if not isinstance(found, Mapping):
        raise _wrong(arn)
    added: list[str] = []
    for name, value in cast("Mapping[str, object]", found).items():
        if not VARIABLE.fullmatch(name) or not isinstance(value, str):
            raise _wrong(arn)
        if not environment.get(name):
            environment[name] = value
            added.append(name)
    return added


def _wrong(arn: str) -> Invalid:
    return Invalid(
        f"The secret {arn} cannot be read as settings",
        detail='allowed is a JSON object of texts, like {"SUPABASE_PUBLISHABLE_KEY": "..."}',
    )
