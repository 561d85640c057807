"""A node under faults: how it is started, its worker processes, and its outcome."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from struct import Struct
from typing import Any

from adserver.serving.supervisor import SETTLED_SECONDS
from tests.faults import altered
from tests.faults.load import Load
from tests.faults.oracle import UNACKNOWLEDGED, Books, Told, violations
from tests.faults.stores import Debian, debian
from tests.journeys.figures import report
from tests.journeys.small_blog import campaign, write_blog
from tests.servers import Running, adserver_running, until

# With SOAK set, faults last as long as they do in life; without, as long as it takes to see.
SOAK = bool(os.environ.get("SOAK"))
OUTAGE_SECONDS = 15.0 if SOAK else 2.0
# A control fails as surely in less.
CONTROL_OUTAGE_SECONDS = 1.0
SLOTS = ("top", "side", "foot")
CAMPAIGNS = {slot: campaign(slot) for slot in SLOTS}
STAT_START = 19  # of /proc/PID/stat, behind the command's name: clock ticks after the boot
PATIENCE_SECONDS = 60.0
CLOCK = "clock"
# The report has to stay right; who ships looks for more to ship every second.
STEADY_SECONDS = 1.2
# What a control has lost does not come: so long is looked for it.
CONTROL_PATIENCE_SECONDS = 1.5


@contextmanager
def node(
    tmp: Path,
    *alterations: str,
    workers: int = 2,
    env: Mapping[str, str] | None = None,
    apply: bool = True,
    campaigns: Mapping[str, Mapping[str, Any]] = CAMPAIGNS,
) -> Iterator[Running]:
    """A server with a campaign for each slot; alterations: of `altered.py`, of which `clock` has
    its file in `tmp` (see `set_clock`). campaigns: by their slots."""
    named = {f"for-{slot}": values for slot, values in campaigns.items()}
    config = write_blog(tmp / "config", campaigns, named)
    program: Sequence[str | Path] = ("-m", "adserver")
    if alterations:
        set_clock(tmp, 0)
        told = (f"clock={tmp / CLOCK}" if one == "clock" else one for one in alterations)
        program = (Path(altered.__file__), ",".join(told))
    arguments = ("--workers", str(workers))
    with adserver_running(config, tmp, *arguments, env=env, apply=apply, program=program) as ads:
        yield ads


def set_clock(tmp: Path, seconds: float) -> None:
    """Put a node's clock so far ahead, all its processes' at once."""
    handle = os.open(tmp / CLOCK, os.O_WRONLY | os.O_CREAT, 0o600)
    os.pwrite(handle, Struct("d").pack(seconds), 0)
    os.close(handle)


@contextmanager
def nodes_on_one_store(
    tmp: Path, many: int, *alterations: str
) -> Iterator[tuple[Debian, list[Running]]]:
    """Nodes with a disk of their own each, as on machines of their own."""
    with ExitStack() as stack:
        store = stack.enter_context(debian(tmp / "redis"))
        env = {"ADSERVER_REDIS": store.url}
        nodes: list[Running] = []
        for number in range(many):
            folder = tmp / f"node-{number}"
            folder.mkdir()
            started = node(folder, *alterations, env=env, apply=number == 0)
            nodes.append(stack.enter_context(started))
        yield store, nodes


def load_on(*nodes: Running, told: Told | None = None, bare: str = "") -> Load:
    """Visitors of nodes that share a store."""
    by_campaign = {name: number for number, name in Books(nodes[0].redis).campaigns().items()}
    creatives = {slot: by_campaign[f"for-{slot}"] for slot in SLOTS}
    return Load([ads.public for ads in nodes], creatives, told or Told(), bare=bare)


def settled(ads: Running) -> list[int]:
    """Workers that have lived so long that one of them, killed, is replaced at once."""
    return [pid for pid in workers_of(ads) if age_seconds(pid) > SETTLED_SECONDS]


def workers_of(ads: Running) -> list[int]:
    """Processes of its workers that have a journal, and so are serving or about to."""
    parent = ads.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text("ascii").split()
    return [int(pid) for pid in children if has_journal(pid)]


def has_journal(pid: str) -> bool:
    with suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                if link.readlink().name == "owner":
                    return True
    return False


def age_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    started = int(fields[STAT_START]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def balance(
    ads: Running, told: Told, *, killed: bool = False, patience: float = PATIENCE_SECONDS
) -> list[str]:
    """What is wrong with the report, given time to become right; it has to stay right."""
    books = Books(ads.redis)
    campaigns = books.campaigns()
    end = time.monotonic() + patience
    wrong: list[str] = []
    right_since: float | None = None

    def done() -> bool:
        nonlocal wrong, right_since
        wrong = violations(told, books.figures(time.time()), campaigns, killed=killed)
        now = time.monotonic()
        right_since = None if wrong else right_since or now
        return now > end if right_since is None else now - right_since > STEADY_SECONDS

    with books.store:
        until(done, patience + PATIENCE_SECONDS)
    return wrong


def missing(ads: Running, told: Told) -> int:
    """Acknowledged events that the report does not have."""
    books = Books(ads.redis)
    known, _ = told.sums()
    with books.store:
        counted, campaigns = books.figures(time.time()), books.campaigns()
    return sum(
        max(0, floor - counted.get((metric, campaigns[creative]), 0))
        for (metric, creative), floor in known.items()
        if metric not in UNACKNOWLEDGED
    )


def check_report(ads: Running, told: Told) -> None:
    """The command says what the books say: every impression that was acknowledged."""
    known, _ = told.sums()
    floor = sum(count for (metric, _), count in known.items() if metric == "i")
    assert report(ads)["total"]["impressions"] >= floor > 0
