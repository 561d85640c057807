"""Workers are replaced and nodes restarted under load: no request of an honest client fails."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.load import Load
from tests.faults.nodes import SOAK, balance, check_report, load_on, node, workers_of
from tests.faults.restarting import Clients
from tests.servers import PATIENCE_SECONDS, Running, until

WORKERS = 2
REQUESTS = 50_000 if SOAK else 3_000
ROUNDS = 3
CONTROL_ROUNDS = 10  # at most
CONTROL_ANSWERS = 500
RESTARTS = 3 if SOAK else 1


def replaced(ads: Running) -> int:
    name = 'adserver_worker_restarts_total{reason="replaced"} '
    [line] = [one for one in ads.metrics().splitlines() if one.startswith(name)]
    return int(float(line.removeprefix(name)))


async def replace_all(ads: Running, clients: Clients) -> None:
    """One round, with clients all the time."""
    goal = await asyncio.to_thread(replaced, ads) + WORKERS
    os.kill(ads.process.pid, signal.SIGHUP)
    while await asyncio.to_thread(replaced, ads) < goal:
        await clients.more(50)


async def replace_under_load(ads: Running, clients: Clients, load: Load) -> None:
    async with load.running(), clients.running():
        for _ in range(ROUNDS):
            await clients.more(REQUESTS // (ROUNDS + 1))
            await replace_all(ads, clients)
        await clients.more(REQUESTS // (ROUNDS + 1))


@pytest.mark.timeout(900 if SOAK else 180)
def test_workers_are_replaced_under_load_with_no_failed_request(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with node(tmp_path, workers=WORKERS) as ads:
        clients, load = Clients(ads.public), load_on(ads)
        load.told = clients.told
        asyncio.run(replace_under_load(ads, clients, load))
        record_property("requests", clients.answered + load.answered)
        assert clients.answered >= REQUESTS
        assert (clients.failures, clients.refused, load.cut) == ({}, 0, 0)
        # To the last served ad: nobody was killed.
        assert balance(ads, load.told) == []
        check_report(ads, load.told)
        journals_belong_to_workers(ads)


def journals_belong_to_workers(ads: Running) -> None:
    """Neither the parent nor the admin process has one open, and no two workers the same."""
    until(lambda: len(workers_of(ads)) == WORKERS)
    workers = workers_of(ads)
    others = {ads.process.pid, *children_of(ads)} - set(workers)
    assert not any(owned(pid) for pid in others)
    owners = [link for pid in workers for link in owned(pid)]
    assert len(owners) == len(set(owners)) >= WORKERS


def children_of(ads: Running) -> list[int]:
    parent = ads.process.pid
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text("ascii")
    return [int(pid) for pid in text.split()]


def owned(pid: int) -> list[Path]:
    """Locks of journals, its own and those that it has adopted."""
    found: list[Path] = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            found.append(link.readlink())
    return [path for path in found if path.name == "owner"]


async def stop_under_load(ads: Running, clients: Clients) -> None:
    """Until every client has found the door closed."""
    async with clients.running():
        await clients.more(300)
        ads.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(ads.process.wait, PATIENCE_SECONDS) == 0


def test_a_node_that_is_stopped_answers_everybody_who_could_connect(tmp_path: Path) -> None:
    with node(tmp_path, workers=WORKERS) as ads:
        clients = Clients(ads.public, insist=False)
        asyncio.run(stop_under_load(ads, clients))
        assert clients.failures == {}
        assert clients.refused > 0


def test_control_workers_that_do_not_drain_cut_some(tmp_path: Path) -> None:
    with node(tmp_path, "without_drain", workers=WORKERS) as ads:
        clients = Clients(ads.public, insist=False)
        asyncio.run(stop_under_load(ads, clients))
        assert clients.failures != {}


STOCK = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200,
                    "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})
"""


@contextmanager
def stock_server(tmp: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """uvicorn with its own supervisor, and an application that does nothing."""
    (tmp / "stock.py").write_text(textwrap.dedent(STOCK))
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    words = ["-m", "uvicorn", "stock:app", "--workers", str(WORKERS), "--port", str(port)]
    with subprocess.Popen(
        [sys.executable, *words, "--no-access-log"],
        cwd=tmp,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            until(lambda: can_connect(port))
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.terminate()


def can_connect(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


async def signal_until_one_fails(process: subprocess.Popen[bytes], clients: Clients) -> None:
    async with clients.running():
        for _ in range(CONTROL_ROUNDS):
            await clients.more(CONTROL_ANSWERS)
            process.send_signal(signal.SIGHUP)
            await clients.more(CONTROL_ANSWERS)
            if clients.failures:
                return


def test_control_the_stock_supervisor_fails_some(tmp_path: Path) -> None:
    with stock_server(tmp_path) as (address, process):
        clients = Clients(address)
        asyncio.run(signal_until_one_fails(process, clients))
        assert clients.failures != {}


# What plays systemd: its sockets stay where they are when a node ends.
HANDED_OVER = """
import os, sys
handle, *words = sys.argv[1:]
os.dup2(int(handle), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "public"}
os.execv(sys.executable, [sys.executable, "-m", "adserver", *words])
"""


class Service:
    """A unit with Type=notify: started and stopped; with its socket unit, or without one."""

    def __init__(self, ads: Running, *, activated: bool) -> None:
        self._ads, self._activated = ads, activated
        self._public = socket.create_server(("127.0.0.1", 0), backlog=4_096)
        host, self._port = self._public.getsockname()
        if not activated:
            self._public.close()
        self.address = f"http://{host}:{self._port}"
        self._told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._told.bind(str(ads.folder / "notify"))
        self._told.settimeout(PATIENCE_SECONDS)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Until it says that it is ready."""
        words = ["serve", "--workers", str(WORKERS)]
        if self._activated:
            line = [sys.executable, "-c", HANDED_OVER, str(self._public.fileno()), *words]
        else:
            line = [sys.executable, "-m", "adserver", *words, "--port", str(self._port)]
        notified = {
            "NOTIFY_SOCKET": str(self._ads.folder / "notify"),
            "WATCHDOG_USEC": "60000000",
        }
        with (self._ads.folder / "service.err").open("ab") as log:
            self._process = subprocess.Popen(
                line,
                env={**self._ads.env, **notified},
                cwd=self._ads.folder,
                pass_fds=[self._public.fileno()] if self._activated else [],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.hear("READY=1")

    def reload(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)
        self.hear("RELOADING=1")
        self.hear("READY=1")

    def stop(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        self.hear("STOPPING=1")
        assert self._process.wait(PATIENCE_SECONDS) == 0

    def hear(self, line: str) -> None:
        """Until it says so."""
        while line not in self._told.recv(4_096).decode().splitlines():
            pass

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._public.close()
        self._told.close()


async def restart_under_load(service: Service, clients: Clients, *, load: Load | None) -> None:
    async with clients.running(), load.running() if load else nullcontext():
        for _ in range(RESTARTS):
            await clients.more(300)
            await asyncio.to_thread(service.stop)
            await asyncio.to_thread(service.start)
        await clients.more(300)


@pytest.mark.timeout(180)
def test_a_restart_with_the_socket_held_fails_no_request(tmp_path: Path) -> None:
    with (
        node(tmp_path, workers=1) as ads,  # keeps the store
        closing(Service(ads, activated=True)) as service,
    ):
        service.start()
        clients = Clients(service.address)
        load = load_on(replace(ads, public=service.address), told=clients.told)
        asyncio.run(restart_under_load(service, clients, load=load))
        assert (clients.failures, clients.refused, load.cut) == ({}, 0, 0)
        service.hear("WATCHDOG=1")
        service.reload()
        service.stop()
        assert balance(ads, clients.told) == []


def test_control_without_it_some_are_refused(tmp_path: Path) -> None:
    with (
        node(tmp_path, workers=1) as ads,
        closing(Service(ads, activated=False)) as service,
    ):
        service.start()
        clients = Clients(service.address)
        asyncio.run(restart_under_load(service, clients, load=None))
        assert clients.refused > 0
        service.stop()
