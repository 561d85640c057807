"""The servers under measure: the ad server as an operator starts it, and bare ones beside it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import redis

from adserver.settings import Settings
from adserver.store.embedded import Embedded
from benchmarks import known_traffic, publisher
from benchmarks.load import BROWSER
from benchmarks.processes import cpu_seconds, free_port, memory_mib, on, running, tree

# Each connection is for as long as the run; nginx would close it after a thousand requests.
NGINX = """\
daemon off;
user {user};
worker_processes 1;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  server_tokens off;
  default_type "{kind}";
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    root {folder}/root;
    {headers}
    location / {{ rewrite .* /answer break; }}
  }}
}}
"""
# nginx makes these itself.
OF_NGINX = frozenset({"content-type", "content-length"})


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds: of the server's own processes, and of its store's."""

    server: float = 0.0
    store: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.server + other.server, self.store + other.store)

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.server - other.server, self.store - other.store)


@dataclass(frozen=True, slots=True)
class Server:
    """pid: of the process that was started, which may have others. workers: those that answer.

    settings: of an ad server, what its commands need to know. admin: the address of its metrics.
    store: its embedded store's process.
    """

    port: int
    pid: int
    workers: int
    settings: Mapping[str, str] = field(default_factory=dict)
    admin: str = ""
    store: int | None = None

    def cost(self) -> Cost:
        return Cost(cpu_seconds(tree(self.pid)), cpu_seconds([self.store] if self.store else []))

    def memory(self) -> tuple[float, float]:
        """MiB of all its processes together, and of a worker: of the largest, if there are more."""
        sizes = [memory_mib([pid]) for pid in tree(self.pid)]
        return sum(sizes), max(sizes)


@contextlib.contextmanager
def adserver(  # noqa: PLR0913 - what the servers differ in
    folder: Path,
    config: Path,
    key: str,
    workers: int,
    extra: Mapping[str, str] | None = None,
    module: str = "adserver",
    cores: Sequence[int] = (),
) -> Iterator[Server]:
    """`adserver serve` with its defaults and an embedded store of its own in `folder`.

    extra: settings that are not the default; module: what is started instead; cores: on which.
    """
    folder.mkdir(parents=True)
    port, admin = free_port(), free_port()
    settings = {
        "ADSERVER_REDIS": f"embedded:{folder}/var",
        "ADSERVER_STATE": f"{folder}/var",
        "ADSERVER_CONFIG": str(config),
        "ADSERVER_SECRET_KEY": key,
        **(extra or {}),
    }
    apply = [sys.executable, "-m", "adserver", "apply", "--yes"]
    subprocess.run(apply, env={**os.environ, **settings}, check=True, stdout=subprocess.DEVNULL)
    redis_url = settings["ADSERVER_REDIS"]
    known_traffic.learnt(Settings(redis=redis_url), publisher.SLOT_COUNT, publisher.PER_SECOND)
    serve = [sys.executable, "-m", module, "serve", "--workers", str(workers)]
    serve += ["--port", str(port), "--admin-port", str(admin)]
    with running(on(cores, serve), port, settings, folder / "serve.log") as pid:
        at = f"http://127.0.0.1:{admin}"
        yield Server(port, pid, workers, settings, at, store_of(redis_url))


def store_of(address: str) -> int:
    embedded = Embedded.of(address)
    if embedded is None:
        raise TypeError("a benchmark has an embedded store")
    with redis.Redis.from_url(embedded.url) as store:
        return int(store.info("server")["process_id"])


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a server: what a bare one is to give."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def answer_of(server: Server, method: str, path: str) -> Answer:
    """What the server answers to a browser; its date is left out, as everybody has one."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    with contextlib.closing(connection):
        connection.request(method, path, headers=BROWSER)
        got = connection.getresponse()
        headers = [(n.lower(), v) for n, v in got.getheaders() if n.lower() != "date"]
        return Answer(got.status, headers, got.read())


@contextlib.contextmanager
def bare(
    folder: Path, answers: Mapping[str, Answer], workers: int, cores: Sequence[int] = ()
) -> Iterator[Server]:
    """Stock uvicorn with a bare callable that gives the same bytes: `benchmarks.reference`.

    answers: by the first letter of the path; the only one of one is given to everybody.
    """
    folder.mkdir(parents=True)
    said = {
        letter: {"status": a.status, "headers": a.headers, "body": a.body.decode("latin-1")}
        for letter, a in answers.items()
    }
    (folder / "answers.json").write_text(json.dumps(said), "utf-8")
    port = free_port()
    command = [
        *(sys.executable, "-m", "uvicorn", "benchmarks.reference:app", "--port", str(port)),
        *("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"),
        *("--no-server-header", "--workers", str(workers)),
    ]
    extra = {"ADSERVER_BENCH_ANSWERS": str(folder / "answers.json")}
    with running(on(cores, command), port, extra, folder / "serve.log") as pid:
        yield Server(port, pid, workers)


@contextlib.contextmanager
def nginx(
    program: str, folder: Path, answer: Answer, cores: Sequence[int] = ()
) -> Iterator[Server]:
    """nginx that gives the same body from a file, and the same headers."""
    (folder / "root").mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "root" / "answer").write_bytes(answer.body)
    port = free_port()
    own = [(name, value) for name, value in answer.headers if name not in OF_NGINX]
    headers = "\n    ".join(f'add_header {name} "{value}";' for name, value in own)
    kind = dict(answer.headers)["content-type"]
    user = pwd.getpwuid(os.getuid()).pw_name  # else root would give the work to somebody else
    text = NGINX.format(folder=folder, port=port, headers=headers, kind=kind, user=user)
    (folder / "nginx.conf").write_text(text, "utf-8")
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with running(on(cores, command), port, {}, folder / "serve.log") as pid:
        yield Server(port, pid, 1)
