"""Commands whose calls, or the answers, are lost on the way: what they say of it is true.

Each command runs once for each call that it makes of the store, which is lost then.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from adserver.store.catalogs import StoredCatalogs
from adserver.store.connect import client
from adserver.store.keys import Keys
from adserver.store.pauses import StoredPauses
from tests.faults import altered
from tests.faults.proxy import Loss, Proxy
from tests.faults.stores import Debian, debian
from tests.journeys.small_blog import campaign, write_blog, write_campaign
from tests.servers import own_environment, run_command

KEYS = Keys("adserver")
UNKNOWN = "it is not known whether"
# More than any command makes.
MANY_CALLS = 100


class State(NamedTuple):
    live: int
    weight: float
    paused: tuple[str, ...]


class Case(NamedTuple):
    """words: the command; before: what makes it have something to do; untouched: what it says
    where that is known; look: what it says where it is not."""

    words: Sequence[str]
    before: Sequence[str]
    untouched: str
    look: str


CASES = {
    "apply": Case(("apply", "--yes"), (), "Nothing became live.", "adserver history"),
    "rollback": Case(
        ("rollback", "--yes"), ("apply", "--yes"), "Nothing became live.", "adserver history"
    ),
    "pause": Case(
        ("pause", "coffee"), ("resume", "coffee"), "Nothing was paused.", "adserver pause --list"
    ),
    "resume": Case(
        ("resume", "coffee"), ("pause", "coffee"), "Nothing was resumed.", "adserver pause --list"
    ),
}


@dataclass(slots=True)
class Blog:
    """program: what runs the command that is watched; the others run beside the proxy."""

    folder: Path
    store: Debian
    proxy: Proxy
    warm: Path
    program: Sequence[str | Path]
    weight: int = 1

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self._run(self.store.url, [self.warm], words)

    def run_badly(self, *words: str) -> subprocess.CompletedProcess[str]:
        self.proxy.suffered.clear()
        return self._run(self.proxy.url, self.program, words)

    def _run(
        self, url: str, program: Sequence[str | Path], words: Sequence[str]
    ) -> subprocess.CompletedProcess[str]:
        env = own_environment(self.folder, self.folder.parent, {"ADSERVER_REDIS": url})
        return run_command(self.folder.parent, env, *words, program=program)

    def edit(self) -> None:
        self.weight += 1
        write_campaign(self.folder, "coffee", campaign("top", weight=self.weight))

    def state(self) -> State:
        with client(self.store.url) as connection:
            live = StoredCatalogs(connection, KEYS).live()
            assert live is not None
            [coffee] = live[0].catalog.campaigns
            paused = tuple(str(one.target) for one in StoredPauses(connection, KEYS).known())
            return State(live[0].number, coffee.weight, paused)

    def prepare(self, case: Case) -> None:
        # Somebody may have gone back, or have lost an answer: this folder is what is wanted.
        (self.folder / ".adserver" / "live.json").unlink(missing_ok=True)
        self.edit()
        if case.before:
            self.run(*case.before)


@asynccontextmanager
async def a_blog(tmp: Path, warm: Path, *program: str | Path) -> Any:
    folder = write_blog(tmp / "config", ["top"], {"coffee": campaign("top")})
    with debian(tmp / "redis", durable=False) as store:
        async with Proxy(store.socket, {}).running() as proxy:
            blog = Blog(folder, store, proxy, warm, program or (warm,))
            done = await asyncio.to_thread(blog.run, "apply", "--yes")
            assert done.returncode == 0, done.stderr
            yield blog


def turns(number: int, loss: Loss, *, for_good: bool) -> dict[int, Loss]:
    return dict.fromkeys(range(number, MANY_CALLS if for_good else number + 1), loss)


def untrue(blog: Blog, case: Case, loss: Loss, *, for_good: bool = False) -> list[str]:
    """What the command said and was not so, the n-th of its calls lost, for each n."""
    return [*found_untrue(blog, case, loss, for_good=for_good)]


def found_untrue(blog: Blog, case: Case, loss: Loss, *, for_good: bool) -> Iterator[str]:
    for number in count(1):
        blog.proxy.turns = {}
        blog.prepare(case)
        before = blog.state()
        blog.proxy.turns = turns(number, loss, for_good=for_good)
        done = blog.run_badly(*case.words)
        if not blog.proxy.suffered[loss]:
            assert done.returncode == 0, done.stderr
            assert number > 3
            return
        changed = blog.state() != before
        said = f"call {number} lost: {done.returncode}, {done.stderr}"
        if done.returncode == 0:
            true = changed
        elif UNKNOWN in done.stderr:
            true = for_good and f"`{case.look}` shows it" in done.stderr
        else:
            true = case.untouched in done.stderr and not changed
        if not true or done.returncode not in (0, 3):
            yield said


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("loss", [Loss.BEFORE, Loss.AFTER])
def test_what_a_command_says_of_a_call_that_was_lost_is_true(
    tmp_path: Path, warm: Path, name: str, loss: Loss
) -> None:
    async def run() -> list[str]:
        async with a_blog(tmp_path, warm) as blog:
            return await asyncio.to_thread(untrue, blog, CASES[name], loss)

    assert asyncio.run(run()) == []


@pytest.mark.parametrize("name", CASES)
def test_where_the_store_goes_on_not_answering_it_is_said_that_nobody_knows(
    tmp_path: Path, warm: Path, name: str
) -> None:
    async def run() -> list[str]:
        async with a_blog(tmp_path, warm) as blog:
            return await asyncio.to_thread(untrue, blog, CASES[name], Loss.AFTER, for_good=True)

    assert asyncio.run(run()) == []


def test_control_a_command_that_does_not_ask_again_says_what_is_not_so(
    tmp_path: Path, warm: Path
) -> None:
    program = (sys.executable, altered.__file__, "without_repeating")

    async def run() -> list[str]:
        async with a_blog(tmp_path, warm, *program) as blog:
            return await asyncio.to_thread(untrue, blog, CASES["apply"], Loss.AFTER)

    [said] = asyncio.run(run())
    assert "Nothing became live." in said


def test_a_rollback_that_is_repeated_where_nothing_became_live_goes_where_it_was_to_go(
    tmp_path: Path, warm: Path
) -> None:
    def repeat(blog: Blog) -> None:
        for number in count(1):
            blog.proxy.turns = {}
            blog.prepare(CASES["rollback"])
            with client(blog.store.url) as connection:
                catalogs = StoredCatalogs(connection, KEYS)
                before = catalogs.generation(blog.state().live - 1)
            assert before is not None
            blog.proxy.turns = turns(number, Loss.AFTER, for_good=False)
            done = blog.run_badly("rollback", "--yes")
            if done.returncode == 3:
                assert UNKNOWN not in done.stderr
                assert blog.run("rollback", "--yes").returncode == 0
            [wanted] = before[0].catalog.campaigns
            assert blog.state().weight == wanted.weight
            if not blog.proxy.suffered[Loss.AFTER]:
                return

    async def run() -> None:
        async with a_blog(tmp_path, warm) as blog:
            await asyncio.to_thread(repeat, blog)

    asyncio.run(run())
