"""Several nodes on one store: who may serve from it, and what a node remembers of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from adserver.core.ticket import fingerprint
from adserver.store.keys import Keys
from tests.journeys.figures import report
from tests.journeys.small_blog import campaign, write_blog
from tests.programs import needs
from tests.servers import (
    PUBLIC,
    Running,
    command_line,
    own_environment,
    run_command,
    started,
    until,
)

pytestmark = pytest.mark.usefixtures("unmeasured")

KEYS = Keys("adserver")
OLD, NEW = "the key that all nodes began with", "the key that comes to take its place"
LINK = "https://shop.example/landing"
FORGED = (404, "discarded; reason=forged")


def named(key: str) -> str:
    return fingerprint(key.encode())


class Machines:
    """Nodes of one store, each with a folder of its own, as on machines of their own."""

    def __init__(self, folder: Path, store: str) -> None:
        self.folder, self.store = folder, store
        self.config = write_blog(folder / "config", ["top"], {"coffee": campaign("top", link=LINK)})

    def environment(self, name: str, *keys: str) -> dict[str, str]:
        """Of a machine whose file of keys has these."""
        home = self.folder / name
        home.mkdir(exist_ok=True)
        (home / "keys").touch(0o600)
        (home / "keys").write_text("\n".join(keys))
        given = {
            "ADSERVER_REDIS": self.store,
            "ADSERVER_SECRET_KEY": "",
            "ADSERVER_SECRET_KEY_FILE": str(home / "keys"),
        }
        return own_environment(self.config, home, given)

    def command(self, name: str, *words: str, keys: tuple[str, ...] = (OLD,)) -> Any:
        return run_command(self.folder / name, self.environment(name, *keys), *words)

    @contextmanager
    def node(self, name: str, *keys: str, apply: bool = True) -> Iterator[Running]:
        env, home = self.environment(name, *keys), self.folder / name
        if apply:
            applied = run_command(home, env, "apply", "--yes")
            assert applied.returncode == 0, applied.stderr
        with started(home, env, command_line("serve")) as (process, public, admin):
            ads = Running(public, admin, process, self.store, home, env)
            with ads.client:
                until(lambda: ads.client.get(f"{admin}/readyz").status_code == 200 or not apply)
                yield ads

    def remembered(self, name: str) -> dict[str, Any]:
        [mark] = (self.folder / name / "var" / "journal").glob("*.store")
        found: dict[str, Any] = json.loads(mark.read_text("utf-8"))
        return found


@contextmanager
def redis_server(folder: Path) -> Iterator[redis.Redis]:
    """Until the block ends; what it holds stays in the folder."""
    folder.mkdir(exist_ok=True)
    settings = {
        "port": "0",
        "unixsocket": f"{folder}/redis.sock",
        "dir": str(folder),
        "save": "",
        "appendonly": "yes",
        "logfile": f"{folder}/log",
    }
    command = [needs("redis-server")]
    for name, value in settings.items():
        command += [f"--{name}", value]
    process = subprocess.Popen(command)
    try:
        with redis.Redis.from_url(f"unix://{folder}/redis.sock") as client:
            until(lambda: answers(client))
            yield client
    finally:
        process.terminate()
        process.wait()


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    return Machines(tmp_path, f"unix://{tmp_path}/redis/redis.sock")


@pytest.fixture
def store(machines: Machines) -> Iterator[redis.Redis]:
    with redis_server(machines.folder / "redis") as client:
        yield client


def decided(ads: Running) -> dict[str, Any]:
    decision: dict[str, Any] = ads.get("/decisions?slots=top").json()["decisions"][0]
    return decision


def event(ads: Running, address: str) -> tuple[int, str]:
    answer = ads.get(address)
    return answer.status_code, answer.headers["x-ad-event"]


def known(store: Any) -> set[str]:
    return {name.decode() for name in store.hkeys(KEYS.signing_keys)}


def test_a_node_with_another_key_does_not_start_and_says_what_is_known_and_what_to_do(
    machines: Machines, store: redis.Redis
) -> None:
    with machines.node("one", OLD):
        refused = machines.command("two", "serve", keys=(NEW, OLD))
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert f"the store does not know the signing key {named(NEW)}" in refused.stderr
    assert f"  {named(OLD)}  added 20" in refused.stderr
    assert "adserver keys add" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert known(store) == {named(OLD)}
    for secret in (OLD, NEW):
        assert secret not in refused.stderr


def test_a_node_with_a_key_that_is_known_and_another_that_is_not_starts(
    machines: Machines, store: redis.Redis
) -> None:
    with machines.node("one", OLD), machines.node("two", OLD, NEW) as two:
        assert decided(two)["filled"]
    assert known(store) == {named(OLD)}


def test_a_key_that_was_added_lets_the_node_start(machines: Machines, store: redis.Redis) -> None:
    """And is the control: this is what a node with a wrong key does where nothing stops it."""
    with machines.node("one", OLD) as one:
        added = machines.command("two", "keys", "add", keys=(NEW,))
        assert (added.returncode, added.stdout) == (0, f"{named(NEW)} may be used now.\n")
        with machines.node("two", NEW) as two:
            assert event(one, decided(two)["impression_url"]) == FORGED
            assert event(two, decided(one)["impression_url"]) == FORGED


@pytest.mark.timeout(240)  # it starts twelve servers, two at a time
def test_a_key_is_replaced_step_by_step_and_every_event_counts(
    machines: Machines, store: redis.Redis
) -> None:
    """The steps of docs/operating.md, each as one node after the other takes it."""
    rounds = [((OLD,), (OLD,)), ((OLD, NEW), (OLD,)), ((OLD, NEW), (OLD, NEW))]
    rounds += [((NEW, OLD), (OLD, NEW)), ((NEW, OLD), (NEW, OLD))]
    earlier: list[dict[str, Any]] = []
    for one_has, two_has in rounds:
        if one_has[0] == NEW:
            assert machines.command("one", "keys", "add", keys=one_has).returncode == 0
        with machines.node("one", *one_has) as one, machines.node("two", *two_has) as two:
            for decision in earlier:  # issued before this step, seen and clicked after it
                check_counts(one, two, decision)
            check_counts(one, two, decided(one))
            check_counts(two, one, decided(two))
            earlier = [decided(one), decided(two)]
    with machines.node("one", NEW, OLD) as one, machines.node("two", NEW) as two:
        for decision in earlier:
            check_counts(one, two, decision)
        forgotten = machines.command("one", "keys", "forget", named(OLD))
        assert forgotten.returncode == 0, forgotten.stderr
        events = 2 * len(rounds) + 2 * (len(rounds) - 1) + 2
        for counted in ("impressions", "clicks"):
            until(lambda counted=counted: report(one)["total"][counted] >= events)
            assert report(one)["total"][counted] == events
    assert machines.command("two", "serve", keys=(OLD,)).returncode == 2


def check_counts(shows: Running, clicks: Running, decision: Mapping[str, Any]) -> None:
    """Shown at one node and clicked at the other, wherever it was decided."""
    assert event(shows, decision["impression_url"]) == (200, "accepted")
    clicked = clicks.get(decision["click_url"])
    assert (clicked.status_code, clicked.headers["location"]) == (302, LINK)
    # Not waited for beyond 20 ms, and counted all the same.
    assert clicked.headers["x-ad-event"] in {"accepted", "pending"}


@pytest.mark.parametrize(("keys", "run"), [((OLD, NEW), 1), ((OLD, OLD), 2)])
def test_of_nodes_that_start_first_at_once_one_founds_the_store(
    machines: Machines, store: redis.Redis, keys: tuple[str, str], run: int
) -> None:
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(launched(machines, f"node{number}", key))
            for number, key in enumerate(keys)
        ]
        until(lambda: sum(node.is_up() for node in nodes) == run)
        refused = [node for node in nodes if not node.is_up()]
        assert [node.process.wait(30) for node in refused] == [2] * (2 - run)
    assert len(known(store)) == 1
    assert known(store) <= {named(key) for key in keys}


class Launched:
    def __init__(self, process: subprocess.Popen[bytes], said: Path) -> None:
        self.process, self.said = process, said

    def is_up(self) -> bool:
        return PUBLIC.search(self.said.read_text("utf-8")) is not None


@contextmanager
def launched(machines: Machines, name: str, *keys: str) -> Iterator[Launched]:
    """A node that may or may not start; it is stopped when the block ends."""
    env, said = machines.environment(name, *keys), machines.folder / name / "serve.out"
    with said.open("wb") as output, said.with_suffix(".err").open("wb") as errors:
        process = subprocess.Popen(
            command_line("serve"), cwd=said.parent, env=env, stdout=output, stderr=errors
        )
    try:
        yield Launched(process, said)
    finally:
        process.terminate()
        process.wait(30)


def test_a_store_that_was_emptied_gets_back_its_identity_and_all_known_keys(
    machines: Machines, store: redis.Redis
) -> None:
    with machines.node("one", OLD, NEW), machines.node("two", OLD, NEW):
        assert machines.command("one", "keys", "add", keys=(OLD, NEW)).returncode == 0
    with machines.node("one", OLD, NEW), machines.node("two", NEW, OLD):
        identity = store.get(KEYS.identity)
        assert known(store) == {named(OLD), named(NEW)}
        store.flushall()
        until(lambda: store.get(KEYS.identity) == identity)
        until(lambda: known(store) == {named(OLD), named(NEW)})
    for name, keys in (("one", (OLD, NEW)), ("two", (NEW, OLD))):
        with machines.node(name, *keys):
            assert machines.remembered(name)["identity"] == str(identity, "ascii")


def test_a_store_that_was_emptied_between_two_starts_is_founded_as_it_was(
    machines: Machines, store: redis.Redis
) -> None:
    with machines.node("one", OLD):
        identity = machines.remembered("one")["identity"]
    store.flushall()
    refused = machines.command("one", "serve", keys=(NEW,))
    assert refused.returncode == 2, "who changed the key meanwhile still has to say so"
    with machines.node("one", OLD):
        assert store.get(KEYS.identity) == identity.encode()


def test_a_node_that_remembers_nothing_founds_the_emptied_store_anew(
    machines: Machines, store: redis.Redis
) -> None:
    """The control of the test above: without its file, the node takes the store for a new one."""
    with machines.node("one", OLD):
        identity = machines.remembered("one")["identity"]
        [mark] = (machines.folder / "one" / "var" / "journal").glob("*.store")
    store.flushall()
    mark.unlink()
    with machines.node("one", NEW):
        assert machines.remembered("one")["identity"] != identity


def test_another_store_at_the_same_address_is_noticed_and_journals_stay_aside(
    machines: Machines, store: redis.Redis
) -> None:
    with machines.node("one", OLD) as one:
        before = machines.remembered("one")["identity"]
        store.set(KEYS.identity, "another")
        until(lambda: "store_is_another" in one.log)
    with machines.node("one", OLD) as one:
        assert machines.remembered("one")["identity"] == "another"
        assert f"var/journal/{before}" in one.log
        assert store.get(KEYS.identity) == b"another"


def test_two_namespaces_are_remembered_apart(machines: Machines, store: redis.Redis) -> None:
    env = machines.environment("one", OLD)
    for namespace in ("blog", "revue"):
        spaced = {**env, "ADSERVER_NAMESPACE": namespace}
        with started(machines.folder / "one", spaced, command_line("serve")):
            pass
    marks = (machines.folder / "one" / "var" / "journal").glob("*.store")
    found = [json.loads(mark.read_text("utf-8")) for mark in marks]
    assert sorted(mark["namespace"] for mark in found) == ["blog", "revue"]
    assert len({mark["identity"] for mark in found}) == 2


def test_a_node_that_was_admitted_starts_while_the_store_is_away(machines: Machines) -> None:
    with redis_server(machines.folder / "redis"), machines.node("one", OLD) as ads:
        before = decided(ads)
    with machines.node("one", OLD, apply=False) as ads:
        assert "started_without_store" in ads.log
        empty = ads.get("/slots/top")
        assert (empty.status_code, empty.headers["x-ad-decision"][:5]) == (200, "empty")
        assert event(ads, before["impression_url"]) == (200, "accepted")
        assert ads.get(before["click_url"]).status_code == 503, "nobody knows where it leads"
        assert ads.client.get(f"{ads.admin}/livez").status_code == 200
        assert ads.client.get(f"{ads.admin}/readyz").status_code == 503
        with redis_server(machines.folder / "redis"):
            until(lambda: ads.client.get(f"{ads.admin}/readyz").status_code == 200)
            assert ads.get(before["click_url"]).status_code == 302
            check_counts(ads, ads, decided(ads))
            until(lambda: report(ads)["total"]["impressions"] == 2)


def test_a_node_that_was_not_admitted_with_this_key_waits_for_the_store(
    machines: Machines,
) -> None:
    """The control of the test above; and nothing is answered before it is known who we are."""
    with redis_server(machines.folder / "redis"), machines.node("one", OLD):
        pass
    with launched(machines, "one", NEW) as node:
        log = node.said.with_suffix(".err")
        until(lambda: "waiting_for_store" in log.read_text("utf-8"))
        assert not node.is_up()
        with redis_server(machines.folder / "redis"):
            assert node.process.wait(30) == 2
        assert named(NEW) in log.read_text("utf-8")


def test_a_worker_that_comes_while_the_store_is_away_leaves_the_pages_to_the_others(
    machines: Machines,
) -> None:
    with ExitStack() as stack:
        running = stack.enter_context(ExitStack())
        running.enter_context(redis_server(machines.folder / "redis"))
        ads = stack.enter_context(machines.node("one", OLD))
        running.close()
        ads.process.send_signal(1)  # SIGHUP: a new worker, which has no generation to serve
        until(lambda: "waiting_for_store" in ads.log)
        answers = [httpx.get(f"{ads.public}/slots/top") for _ in range(20)]
        assert {a.headers["x-ad-decision"].split(";")[0] for a in answers} == {"fill"}
        stack.enter_context(redis_server(machines.folder / "redis"))


def test_the_keys_of_a_store_are_listed_and_the_one_in_use_is_not_forgotten(
    machines: Machines, store: redis.Redis
) -> None:
    with machines.node("one", OLD):
        until(lambda: listed(machines)["keys"][0]["signs_on"])
        [key] = listed(machines)["keys"]
        assert (key["fingerprint"], key["here"]) == (named(OLD), "signs")
        refused = machines.command("one", "keys", "forget", named(OLD))
        assert refused.returncode == 1
        assert key["signs_on"][0] in refused.stderr
    assert known(store) == {named(OLD)}


def listed(machines: Machines) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(machines.command("one", "keys", "--format", "json").stdout)
    return answer
