"""`python -m benchmarks.cluster_nodes`: two nodes of two workers on one Redis Cluster.

nginx stands before them and asks each in turn, so that a page and its beacons come to different
nodes. When all is answered, the reports of both nodes have to be equal, and to have exactly what
was answered. Of each part its processor time per event: on few cores, what each of them would need
of its own. `--one-server` is the same on one Redis, to compare.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.filling import processor_seconds
from benchmarks.needs import installed, needs
from benchmarks.page_views import Visits, visit, write_campaigns
from benchmarks.processes import cpu_seconds, free_port, running, tree
from tests.journeys.figures import report
from tests.servers import Running, adserver_running, until
from tests.store_server import Server
from tests.topology import cluster_running, redis_running

NODES, WORKERS = 2, 2
SETTLE_SECONDS = 2.0
REST_SECONDS = 10.0
PATIENCE_SECONDS = 60.0
NGINX = """\
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder};
    fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
    upstream adserver {{ {servers} keepalive 64; keepalive_requests 1000000; }}
    server {{
        listen 127.0.0.1:{port};
        keepalive_requests 1000000;
        location / {{
            proxy_pass http://adserver; proxy_http_version 1.1;
            proxy_set_header Connection ""; proxy_set_header X-Forwarded-For $remote_addr;
        }}
    }}
}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster_nodes", description=__doc__)
    parser.add_argument("--pages", type=int, default=30_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--one-server", action="store_true", help="instead of a Cluster")
    options = parser.parse_args()
    needs("wrk", "nginx", "redis-server")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adserver-bench-")))
        if options.one_server:
            store = stack.enter_context(redis_running(appendonly="yes"))
            url, servers = store.url, [store]
        else:
            cluster = stack.enter_context(cluster_running(masters=3, appendonly="yes"))
            url, servers = cluster.url, list(cluster.masters)
        nodes = list(nodes_on(stack, url, folder))
        port = stack.enter_context(balancer(nodes, folder))
        time.sleep(SETTLE_SECONDS)
        parts = [f"node {n}" for n in range(1, NODES + 1)]
        parts += [f"server {n}" for n in range(1, len(servers) + 1)]
        first = measured(nodes, servers)
        time.sleep(REST_SECONDS)
        before = measured(nodes, servers)
        visits = visit(f"http://127.0.0.1:{port}", options.connections, options.pages)
        time.sleep(SETTLE_SECONDS)
        after = measured(nodes, servers)
        until(lambda: exact(nodes, visits), PATIENCE_SECONDS)
        at_rest = [(b - a) / REST_SECONDS for a, b in zip(first, before, strict=True)]
        used = [b - a for a, b in zip(before, after, strict=True)]
        say(parts, used, at_rest, visits)


def nodes_on(stack: contextlib.ExitStack, url: str, folder: Path) -> Iterator[Running]:
    for number in range(NODES):
        own = folder / f"node-{number}"
        own.mkdir()
        config = write_campaigns(own / "config", goals=True)
        env = {
            "ADSERVER_REDIS": url,
            "ADSERVER_SHEDDING": "on",
            "ADSERVER_TRUSTED_PEERS": "127.0.0.1/32",
        }
        started = adserver_running(
            config, own, "--workers", str(WORKERS), env=env, apply=number == 0
        )
        yield stack.enter_context(started)


@contextlib.contextmanager
def balancer(nodes: Sequence[Running], folder: Path) -> Iterator[int]:
    port = free_port()
    servers = " ".join(f"server {ads.public.removeprefix('http://')};" for ads in nodes)
    written = folder / "nginx.conf"
    written.write_text(NGINX.format(folder=folder, servers=servers, port=port))
    with running(
        [installed("nginx") or "nginx", "-c", str(written), "-p", str(folder)],
        port,
        {},
        folder / "log",
    ):
        yield port


def measured(nodes: Sequence[Running], servers: Sequence[Server]) -> list[float]:
    """Processor seconds so far: of each node's processes, of each server."""
    return [cpu_seconds(tree(ads.process.pid)) for ads in nodes] + [
        processor_seconds(server.url) for server in servers
    ]


def exact(nodes: Sequence[Running], visits: Visits) -> bool:
    """Whether both reports have what was answered; SystemExit if one has more, or they differ in
    the end."""
    found = [counted(ads) for ads in nodes]
    expected = (visits.impressions, visits.viewables, visits.clicks)
    if any(have > want for one in found for have, want in zip(one, expected, strict=True)):
        raise SystemExit(f"more was counted than answered: {found}, {expected}")
    return all(one == expected for one in found)


def counted(ads: Running) -> tuple[int, int, int]:
    total: dict[str, Any] = report(ads)["total"]
    return total["impressions"], total["viewable"], total["clicks"]


def say(
    parts: Sequence[str], used: Sequence[float], at_rest: Sequence[float], visits: Visits
) -> None:
    print(
        f"{visits.pages:,} pages and {visits.events:,} events in {visits.seconds:.1f} s; both "
        f"reports: {visits.impressions:,} impressions, {visits.viewables:,} viewable, "
        f"{visits.clicks:,} clicks, exactly what was answered\n"
    )
    print("| | µs a page with its events | µs an event | at rest, ms a second |")
    print("|---|---|---|---|")
    for name, seconds, rest in zip(parts, used, at_rest, strict=True):
        page, event = seconds / visits.pages * 1e6, seconds / visits.events * 1e6
        print(f"| {name} | {page:.1f} | {event:.2f} | {rest * 1e3:.2f} |")


if __name__ == "__main__":
    main()
