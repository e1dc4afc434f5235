"""The kinds of task by name: what pages, the terminal, the log and the workflows call them."""

NAMES = {"email": "mail", "message": "chat message", "schedule": "scheduling", "follow_up": "follow-up"}
"""Where the kind itself, with spaces, is not the product's word for it."""


def kind_words(kind: str) -> str:
    """What a kind of task is called within a sentence: "mail", "meeting summary"; of an unknown one its own words."""
    return NAMES.get(kind, kind.replace("_", " "))
