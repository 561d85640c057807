"""Commands that are imported when they are called: all together take a third of a second."""

from __future__ import annotations

from collections import UserDict
from importlib import import_module
from typing import Any

import click


class Homes(UserDict[str, click.Command]):
    """What click calls a group's `commands`, but that asking for one imports it.

    homes: where each is defined, `module:name`, by its name.
    """

    def __init__(self, homes: dict[str, str]) -> None:
        super().__init__()
        self.data: dict[str, Any] = dict(homes)

    def __getitem__(self, key: str) -> click.Command:
        found = self.data[key]
        if isinstance(found, str):
            module, _, name = found.partition(":")
            found = self.data[key] = getattr(import_module(module), name)
        command: click.Command = found
        return command
