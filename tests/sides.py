"""Two places with a network of their own between them, that can be cut in two: a real partition.

    with two_sides() as sides:
        with sentinel_running(sides.left, sides.right, sides.right) as store:
            with sides.cut():                      # left and right do not reach one another
                with sides.left.entered():         # a client that is on the left
                    ...

Each side is a network namespace with an address; both hang on a bridge, where the tests are. A
cut isolates the two ports of the bridge from one another: packets vanish, connections stay open
and hang, as they do when a cable is pulled. The tests themselves reach both sides all the time.
Only root may do that.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.programs import needs
from tests.store_server import Place

# Names carry the process's number, so that what a killed run has left is found and removed.
PREFIX = "adt"
NAMESPACES = Path("/run/netns")
NETWORKS = range(1, 255)
CLONE_NEWNET = 0x40000000
counter = itertools.count()


@dataclass(frozen=True, slots=True)
class Side(Place):
    namespace: str = ""
    port: str = ""

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Connections that this thread opens meanwhile, and those of its children, begin there."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(NAMESPACES / self.namespace, os.O_RDONLY)
        try:
            enter(there)
            yield
        finally:
            enter(here)
            os.close(here)
            os.close(there)


@dataclass(frozen=True, slots=True)
class Sides:
    left: Side
    right: Side

    @contextmanager
    def cut(self) -> Iterator[None]:
        self._isolate("on")
        try:
            yield
        finally:
            self._isolate("off")

    def _isolate(self, value: str) -> None:
        for side in (self.left, self.right):
            ip("link", "set", "dev", side.port, "type", "bridge_slave", "isolated", value)


@contextmanager
def two_sides() -> Iterator[Sides]:
    if os.geteuid() != 0:
        message = "only root can partition a network: what this test is about was not tested"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    remove_left_behind()
    name = f"{PREFIX}{os.getpid()}x{next(counter)}"
    network = f"10.{random.choice(NETWORKS)}.{random.choice(NETWORKS)}"
    bridge = f"{name}b"
    try:
        ip("link", "add", "name", bridge, "type", "bridge")
        ip("address", "add", f"{network}.1/24", "dev", bridge)
        ip("link", "set", bridge, "up")
        yield Sides(*(make_side(f"{name}{end}", f"{network}.{n}", bridge)
                      for n, end in ((2, "l"), (3, "r"))))  # fmt: skip
    finally:
        remove(name)


def make_side(name: str, address: str, bridge: str) -> Side:
    port, inside = f"{name}p", f"{name}q"
    ip("netns", "add", name)
    ip("link", "add", port, "type", "veth", "peer", "name", inside)
    ip("link", "set", inside, "netns", name)
    ip("link", "set", port, "master", bridge)
    ip("link", "set", port, "up")
    within = (needs("ip"), "netns", "exec", name)
    for command in (
        ("address", "add", f"{address}/24", "dev", inside),
        ("link", "set", inside, "up"),
        ("link", "set", "lo", "up"),
    ):
        subprocess.run([*within, "ip", *command], check=True)
    return Side(address, within, name, port)


def remove(name: str) -> None:
    """Links first: a namespace whose last connections still linger keeps its own for minutes."""
    for link in Path("/sys/class/net").glob(f"{name}*"):
        ip("link", "del", link.name)
    for namespace in NAMESPACES.glob(f"{name}*"):
        ip("netns", "del", namespace.name)


def remove_left_behind() -> None:
    names = {one.name for one in Path("/sys/class/net").glob(f"{PREFIX}[0-9]*x*")}
    for process in {name.removeprefix(PREFIX).partition("x")[0] for name in names}:
        if not Path(f"/proc/{process}").exists():
            remove(f"{PREFIX}{process}x")


def ip(*arguments: str) -> None:
    subprocess.run([needs("ip"), *arguments], check=True, capture_output=True)


def enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
