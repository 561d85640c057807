"""A real `adserver` on free ports with a store of its own, as an operator would start it.

    with adserver_running(Path("config"), tmp_path) as ads:
        answer = ads.get("/slots/post-top")
        assert ads.cli("status", "--format", "json").returncode == 0

Nothing of the caller's environment or working directory reaches it, but for `env`. It is told
to leave by SIGTERM and has to leave with exit code 0; its store stops with it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

COMMAND = (sys.executable, "-m", "adserver")
PATIENCE_SECONDS = 30.0
POLL_SECONDS = 0.02
# Known, so that a test can seal tickets of its own.
SECRET_KEY = "a key that only tests sign their tickets with"
NEXT_SECRET_KEY = "and the key that takes its place, of tests as well"
# The agent of a reader: what HTTP libraries say of themselves is a known robot's.
READER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)
# What `serve` and `demo` say when they are up.
PUBLIC = re.compile(r"(?:serves on|The blog) +(http://[^\s,/]+)")
ADMIN = re.compile(r"(?:admin port is|Metrics) +(http://[^\s,/]+)\S*\s")


def reader() -> httpx.Client:
    return httpx.Client(headers={"user-agent": READER})


@dataclass(frozen=True, slots=True)
class Running:
    """public, admin: addresses without a final slash. redis: the store's, for `redis.from_url`."""

    public: str
    admin: str
    process: subprocess.Popen[bytes]
    redis: str
    folder: Path
    env: Mapping[str, str]
    commands: Sequence[str | Path] = COMMAND
    client: httpx.Client = field(default_factory=reader)

    def cli(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Any other command, on the same store and the same campaign files."""
        return run_command(self.folder, self.env, *arguments, program=self.commands)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(f"{self.public}{path}", **options)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.client.request(method, f"{self.public}{path}", **options)

    def metrics(self) -> str:
        return self.client.get(f"{self.admin}/metrics").raise_for_status().text

    @property
    def log(self) -> str:
        return (self.folder / "serve.err").read_text("utf-8", "replace")


@contextmanager
def adserver_running(
    config: Path,
    tmp: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    command: str = "serve",
    apply: bool = True,
    program: Sequence[str | Path] = ("-m", "adserver"),
    commands: Sequence[str | Path] = COMMAND,
) -> Iterator[Running]:
    """`adserver serve` (or `demo`) with these arguments; `config` is applied before it starts.

    tmp: an empty folder for its store, its key and its log. env: more `ADSERVER_…` settings,
    such as `ADSERVER_REDIS` for another store than the embedded one. program: what Python is to
    run instead of `-m adserver`, but for `Running.cli`. commands: what that runs.
    """
    environment = own_environment(config, tmp, env or {})
    if apply and command == "serve":
        applied = run_command(tmp, environment, "apply", "--yes", program=commands)
        assert applied.returncode == 0, applied.stdout + applied.stderr
    try:
        line = [sys.executable, *map(str, program), command, *arguments]
        with started(tmp, environment, line) as (process, public, admin):
            redis = store_address(environment, tmp)
            ads = Running(public, admin, process, redis, tmp, environment, commands)
            with ads.client:
                yield ads
    finally:
        if environment["ADSERVER_REDIS"].startswith("embedded:"):
            run_command(tmp, environment, "store", "stop")  # where `serve` did not come that far


def own_environment(config: Path, tmp: Path, env: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("ADSERVER_")}
    return kept | {
        "ADSERVER_CONFIG": str(config.resolve()),
        "ADSERVER_REDIS": f"embedded:{tmp / 'var'}",
        "ADSERVER_STATE": str(tmp / "var"),
        "ADSERVER_PORT": "0",
        "ADSERVER_ADMIN_PORT": "0",
        "ADSERVER_SECRET_KEY": SECRET_KEY,
        # A machine that runs other tests beside is late for that alone.
        "ADSERVER_SHEDDING": "off",
        **env,
    }


def store_address(environment: Mapping[str, str], tmp: Path) -> str:
    from adserver.store.embedded import Embedded

    embedded = Embedded.of(environment["ADSERVER_REDIS"])
    return embedded.url if embedded else environment["ADSERVER_REDIS"]


def run_command(
    folder: Path,
    env: Mapping[str, str],
    *arguments: str | Path,
    program: Sequence[str | Path] = COMMAND,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*map(str, program), *map(str, arguments)],
        check=False,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_SECONDS * 2,
    )


def command_line(*arguments: str | Path) -> list[str]:
    return [*COMMAND, *map(str, arguments)]


@contextmanager
def started(
    folder: Path, env: Mapping[str, str], line: Sequence[str]
) -> Iterator[tuple[subprocess.Popen[bytes], str, str]]:
    """The process, its public and its admin address, from when it says that it is up."""
    said, log = folder / "serve.out", folder / "serve.err"
    with said.open("wb") as output, log.open("ab") as errors:
        process = subprocess.Popen(
            line,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,  # a Ctrl-C of the tests is not for it
        )
    try:
        until(lambda: ADMIN.search(said.read_text("utf-8")) or process.poll() is not None)
        public, admin = (one.search(said.read_text("utf-8")) for one in (PUBLIC, ADMIN))
        assert public, f"it did not start: {log.read_text('utf-8', 'replace')}"
        assert admin
        yield process, public[1], admin[1]
        process.send_signal(signal.SIGTERM)
        code = process.wait(PATIENCE_SECONDS)
        assert code == 0, f"exit code {code}: {log.read_text('utf-8', 'replace')}"
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def until(condition: Callable[[], Any], patience_seconds: float = PATIENCE_SECONDS) -> Any:
    """What `condition` says as soon as it is true; asked again and again, for so long."""
    end = time.monotonic() + patience_seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {patience_seconds:g} s"
        time.sleep(POLL_SECONDS)
    return found
