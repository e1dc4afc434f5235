"""Evaluates one JSONata expression: the program that `data_transform` runs in a process of its own.

Reads {"expression", "data", "seconds", "bytes"} as JSON from its input, writes {"value"} or {"error"} to its output.
It stands alone: Python starts it by its path, isolated, with nothing of this application and no environment.
"""

import json
import sys

DEEPEST = 200


def main() -> None:
    """Limits first, then the expression."""
    asked = json.loads(sys.stdin.buffer.read())
    _limit(asked["seconds"], asked["bytes"])
    sys.setrecursionlimit(4000)
    try:
        answer = {"value": evaluate(asked["expression"], asked["data"], asked["seconds"])}
        text = json.dumps(answer, allow_nan=False)
    except RecursionError:
        text = json.dumps({"error": "it goes too deep"})
    except MemoryError:
        text = json.dumps({"error": "it takes too much memory"})
    except Exception as error:  # whatever an expression can bring about is the expression's fault
        text = json.dumps({"error": str(error)[:500] or type(error).__name__})
    sys.stdout.write(text)


def evaluate(expression: str, data: object, seconds: float) -> object:
    """The value of the expression; None where it selects nothing. No clock, no chance, no evaluation of text."""
    from jsonata import Jsonata
    from jsonata.jsonata import Jsonata as Inner

    parsed = Jsonata(expression, timeout=int(seconds * 1000), stack=DEEPEST)
    for name in ("eval", "now", "millis", "random", "shuffle"):
        parsed.assign(name, None)
    value = parsed.evaluate(data)
    if isinstance(value, Inner.JFunction) or callable(value):
        raise ValueError("the expression gives a function")
    return value


def _limit(seconds: float, most_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows: there the parent's clock alone ends it
        return
    whole = int(seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 1))
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


if __name__ == "__main__":
    main()
