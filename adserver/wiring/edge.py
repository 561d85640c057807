"""The public port's limits as the settings and the machine have them."""

from __future__ import annotations

import resource
import socket
from urllib.parse import urlsplit

from adserver.core.errors import SettingsError
from adserver.metrics.meter import Meter
from adserver.serving.edge import FEWEST_CONNECTIONS, RESERVED_FILES, Edge, most_connections
from adserver.serving.hosts import LOCAL, Hosts
from adserver.serving.refusals import Refusal
from adserver.settings import Settings

# More than any number of connections that is set; what is inherited may be without bound.
MOST_FILES = 1_048_576


def raise_file_limit() -> None:
    """Each connection is a file. The soft limit is there for programs that use `select`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def connections_of(settings: Settings) -> int:
    """Of one worker; raises `SettingsError` where the machine does not let it have them."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        files = MOST_FILES
    wanted = settings.max_connections or FEWEST_CONNECTIONS
    if files < wanted + RESERVED_FILES:
        raise SettingsError(
            f"a worker may open {files} files (`ulimit -n`), and {wanted} connections need "
            f"{wanted + RESERVED_FILES}; raise the limit (LimitNOFILE= of systemd)"
            + (", or lower --max-connections" if settings.max_connections else "")
        )
    return settings.max_connections or most_connections(files)


def hosts_of(settings: Settings, *, preview: bool = False) -> Hosts:
    """preview: `serve --dev` says why each campaign serves, to this machine and to no web page
    that has turned its own name to it ("DNS rebinding")."""
    if not preview:
        return Hosts(settings.allowed_hosts)
    public = urlsplit(settings.public_url).hostname
    own = (socket.gethostname(), *((public,) if public else ()))
    return Hosts((*LOCAL, *own, *settings.allowed_hosts), addresses=True)


def edge_of(settings: Settings, meter: Meter, *, preview: bool = False) -> Edge:
    edge = Edge(
        hosts=hosts_of(settings, preview=preview),
        most=connections_of(settings),
        refused=meter.counts["http_refused_total"],
        open=meter.gauges["http_connections"],
    )
    for refusal in Refusal:
        meter.present("http_refused_total", (refusal.value,))
    meter.gauges["http_connections_limit"][()] = edge.most
    return edge
