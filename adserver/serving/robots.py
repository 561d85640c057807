"""Known robots: the public list `crawler-user-agents`, and words of our own, in one RE2 set.

RE2 takes time that grows with the agent's length alone, whatever is in it. The set is made once,
before the workers are forked. What an agent is found to be is remembered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import re2

from adserver.serving.robot_words import LEFT_OUT, PEOPLE, WORDS

PACKAGE = "crawler-user-agents"
LIST = "crawleruseragents/crawler-user-agents.json"
# Longer ones are cut; who is what stands before that, and pieces made to take long are short.
MAX_AGENT_BYTES = 512
# Remembered, of each question: at most 2 MiB a worker.
AGENT_MEMO = 4_096
# For RE2's states, which it makes as it goes. Where this is full it begins anew.
SET_BYTES = 64 * 1024 * 1024
# Programs that a publisher's own server may ask with, on behalf of a reader.
SERVERS = frozenset({"http-library"})
WORDPRESS = r"WordPress\/"


def known() -> list[dict[str, Any]]:
    """The list as it is published: `pattern`, `tags`, `instances` and more."""
    # The package itself would read it into as many patterns of Python's own.
    text = Path(str(distribution(PACKAGE).locate_file(LIST))).read_text("utf-8")
    found: list[dict[str, Any]] = json.loads(text)
    return [one for one in found if one["pattern"] not in LEFT_OUT]


def bytes_options(*, case: bool) -> Any:
    """Agents are bytes, and may be anything."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = case
    options.log_errors = False
    options.max_mem = SET_BYTES
    return options


# Which of the patterns, by number, are found anywhere; None where none is.
Match = Callable[[bytes], list[int] | None]


def set_of(patterns: Iterable[str], *, case: bool = False) -> Match:
    made = re2.Set.SearchSet(bytes_options(case=case))
    for pattern in patterns:
        made.Add(pattern.encode("latin-1"))
    made.Compile()
    match: Match = made.Match
    return match


class Robots:
    """version: the list's."""

    def __init__(self) -> None:
        self.version = distribution(PACKAGE).version
        listed = known()
        patterns = [one["pattern"] for one in listed]
        self._match = set_of([*patterns, *(f"(?i:{word})" for word in WORDS)], case=True)
        people = "|".join(f"(?:{one})" for one in PEOPLE)
        self._people = re2.compile(people.encode("latin-1"), bytes_options(case=False))
        self._may_be_people = set_of(PEOPLE)
        self._crawlers = frozenset(
            number
            for number, one in enumerate(listed)
            if not SERVERS.intersection(one["tags"]) and one["pattern"] != WORDPRESS
        )
        self._is_robot = lru_cache(AGENT_MEMO)(self.looks_like_one)
        self._is_crawler = lru_cache(AGENT_MEMO)(self.is_listed)

    def is_robot(self, agent: bytes) -> bool:
        return self._is_robot(agent[:MAX_AGENT_BYTES])

    def is_crawler(self, agent: bytes) -> bool:
        """Whether it is on the list, and no program that asks on behalf of a reader."""
        return self._is_crawler(agent[:MAX_AGENT_BYTES])

    def looks_like_one(self, agent: bytes) -> bool:
        """As `is_robot`, and nothing is remembered."""
        return bool(self._found(agent))

    def is_listed(self, agent: bytes) -> bool:
        return not self._crawlers.isdisjoint(self._found(agent) or ())

    def _found(self, agent: bytes) -> list[int] | None:
        found = self._match(agent)
        # A set that does not match is quicker than a substitution that changes nothing.
        if found is None or self._may_be_people(agent) is None:
            return found
        return self._match(self._people.sub(b"", agent))
