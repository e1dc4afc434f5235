"""What a title of a mail's task needs besides the words of the mail."""

import re

BARE = re.compile(r"[^\W\d_]+")
GERMAN = re.compile(
    r"(?:schick|send(?:e|et|en)$|prüf|ergänz|mach|schreib|klär|überweis|bestätig|melde)\w*", re.IGNORECASE
)


def with_object(title: str, called: str, topic: str) -> str:
    """A verb alone ("Check") with what the mail is about, or whose wish it is: by itself it says nothing."""
    if not BARE.fullmatch(title):
        return title
    if topic:
        return f"{title}: {topic}"
    return f"{title}, worum {called} bittet" if GERMAN.match(title) else f"{title} what {called} asks for"


def shares_a_word(title: str, topic: str) -> bool:
    """Do both speak of the same, as far as a word tells?"""
    words = {word[:6] for word in re.findall(r"\w{4,}", topic.casefold())}
    return bool(words & {word[:6] for word in re.findall(r"\w{4,}", title.casefold())})
