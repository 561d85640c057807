"""`serve`: what it runs, and what it says when it is up."""

from __future__ import annotations

from collections.abc import Callable

from adserver.settings import Settings
from adserver.wiring.node import Node, serve

Say = Callable[[str], None]


def run_server(settings: Settings, say: Say) -> int:
    """Until SIGTERM or Ctrl-C; the exit code. say: tells a person one line."""

    def announce(node: Node) -> None:
        say(f"adserver serves on {node.address}, its admin port is {node.admin_address}")

    return serve(settings, announce)
