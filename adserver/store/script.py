"""Lua scripts, run by their digest: the text is sent only to a server that does not know it yet.

That is one that was restarted, told to forget its scripts, or is the master since a moment ago:
it says NOSCRIPT, has run nothing, and learns the script with the same call's second attempt.
"""

from __future__ import annotations

import re
from hashlib import sha1
from typing import Any, TypeAlias

from redis.exceptions import NoScriptError, ResponseError

from adserver.store.connect import Client, script

Part: TypeAlias = str | bytes | int | float
# How Redis and Valkey say where a script has failed.
LINE = re.compile(r"user_script:(\d+)")


class Script:
    """A Lua script and the digest by which the store knows it."""

    def __init__(self, source: str, name: str = "script") -> None:
        self.source = source
        self.name = name
        self.digest = sha1(source.encode(), usedforsecurity=False).hexdigest()

    @classmethod
    def named(cls, name: str) -> Script:
        """The one of `scripts/`."""
        return cls(script(name), name)

    def run(self, client: Client, keys: list[str], args: list[Part]) -> Any:
        """Its answer, for the command line; workers run scripts over a `Line`."""
        called: Any = client
        try:
            try:
                return called.evalsha(self.digest, len(keys), *keys, *args)
            except NoScriptError:
                return called.eval(self.source, len(keys), *keys, *args)
        except ResponseError as error:
            raise self.explained(error)  # noqa: B904 - the same error, with more to say

    def explained(self, error: ResponseError) -> ResponseError:
        """The error, with the line of ours that it is about: servers tell its number alone, even
        where a command in it is not allowed to this user."""
        if found := LINE.search(str(error)):
            number = int(found[1])
            line = self.source.splitlines()[number - 1].strip()
            error.args = (f"{error} ({self.name}.lua, line {number}: {line})",)
        return error
