"""The public port's limits as the settings and the machine have them."""

from __future__ import annotations

import resource

from adserver.core.errors import SettingsError
from adserver.metrics import Meter
from adserver.serving.edge import FEWEST_CONNECTIONS, RESERVED_FILES, Edge, most_connections
from adserver.serving.hosts import Hosts
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


def edge_of(settings: Settings, meter: Meter) -> Edge:
    edge = Edge(
        hosts=Hosts(settings.allowed_hosts),
        most=connections_of(settings),
        refused=meter.counts["http_refused_total"],
        open=meter.gauges["http_connections"],
    )
    for refusal in Refusal:
        meter.present("http_refused_total", (refusal.value,))
    meter.gauges["http_connections_limit"][()] = edge.most
    return edge
