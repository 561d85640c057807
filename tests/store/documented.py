"""The users of the store as docs/operating.md gives them, made on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from tests.docs.pages import blocks, page
from tests.store_server import Server
from tests.topology import Cluster, Sentinels

Store = Server | Sentinels | Cluster
Any_ = TypeVar("Any_", Server, Sentinels, Cluster)
PASSWORD = "p@ss/w?rd"
QUOTED = "p%40ss%2Fw%3Frd"


def acl(mark: str = "acl") -> list[str]:
    """The words of the line that a page marks so."""
    [line] = (block.text for block in blocks(page("operating.md")) if block.mark == mark)
    return line.replace("PASSWORD", PASSWORD).split()


def commands(mark: str = "acl") -> list[str]:
    return [word[1:] for word in acl(mark) if word.startswith("+")]


def servers_of(store: Store) -> tuple[Server, ...]:
    return (store,) if isinstance(store, Server) else store.servers


@contextmanager
def as_documented(starting: AbstractContextManager[Any_]) -> Iterator[Any_]:
    with starting as store:
        for server in servers_of(store):
            server.call(*acl())
        yield store


def as_user(url: str) -> str:
    return url.replace("://", f"://adserver:{QUOTED}@")


def forbid(store: Store, *names: str) -> None:
    for server in servers_of(store):
        server.call("ACL", "SETUSER", "adserver", *(f"-{name}" for name in names))
