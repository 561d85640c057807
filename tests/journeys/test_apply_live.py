"""A node that is changed, killed, stopped and left by its store, while readers keep asking."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from tests.journeys.figures import report, total
from tests.journeys.readers import readers_who_come, readers_who_stay
from tests.journeys.small_blog import campaign, write_blog, write_campaign
from tests.programs import needs
from tests.servers import (
    PUBLIC,
    Running,
    adserver_running,
    command_line,
    own_environment,
    run_command,
    until,
)
from tests.stand_in import free_port

pytestmark = pytest.mark.usefixtures("unmeasured")

WORKERS = 2
READERS = 16
RESTARTS = 5
SLOT = "/slots/top"
CREATIVE = re.compile("creative=(.+)")
SERVED_EVERYWHERE_SECONDS = 2.0
SLOT_SECONDS = 0.1
# One refused look at the store, as long as its client waits (0.5 s), and what queues before it.
SHOWN_SECONDS = 1.5
# 20 ms and the way there and back, on a machine that does other things as well.
CLICK_SECONDS = 0.1


@pytest.fixture
def ads(tmp_path: Path) -> Iterator[Running]:
    """A node of the test's own, to change and to end."""
    with running_in(tmp_path) as ads:
        yield ads


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One node for all that a node must take without being another afterwards."""
    with running_in(tmp_path_factory.mktemp("lasting")) as ads:
        yield ads


@contextmanager
def running_in(folder: Path) -> Iterator[Running]:
    config = write_blog(folder / "config", ["top"], {"coffee": coffee("first")})
    with adserver_running(config, folder, "--workers", str(WORKERS)) as ads:
        yield ads


def coffee(creative: str, **changes: Any) -> dict[str, Any]:
    return campaign("top", creatives=[{"id": creative, "text": {"headline": "Café"}}], **changes)


def config_of(ads: Running) -> Path:
    return Path(ads.env["ADSERVER_CONFIG"])


def status(ads: Running) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(ads.cli("status", "--format", "json").stdout)
    return answer


def workers_of(ads: Running) -> list[int]:
    """The node's processes in the order of their start, but for the first, which is the admin's."""
    parent = ads.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text("ascii").split()
    return [int(pid) for pid in children][1:]


@pytest.mark.alone
def test_an_apply_is_served_by_every_worker_within_two_seconds_and_fails_no_request(
    ads: Running,
) -> None:
    with readers_who_stay(ads, SLOT, WORKERS, READERS // WORKERS) as readers:
        write_campaign(config_of(ads), "coffee", coffee("second"))
        begun = time.monotonic()
        done = ads.cli("apply", "--yes", "--wait", "--format", "json")
        waited = time.monotonic()
        assert done.returncode == 0, done.stderr
        readers.go_on()
    assert readers.failed == []
    assert {one.status for one in readers.seen} == {200}
    nodes = json.loads(done.stdout)["nodes"]
    assert len(nodes) == WORKERS
    assert all(node["seconds"] < SERVED_EVERYWHERE_SECONDS for node in nodes)
    shown = [(one, CREATIVE.search(one.decision)) for one in readers.seen]
    old = [one for one, found in shown if found and found[1] == "first"]
    new = [one for one, found in shown if found and found[1] == "second"]
    assert len(old) + len(new) == len(readers.seen)
    assert begun < min(one.at for one in new)
    assert max(one.at for one in old) - min(one.at for one in new) < SERVED_EVERYWHERE_SECONDS
    assert max(one.at for one in old) < waited
    assert len({one.writer for one in new}) == WORKERS


def test_a_folder_with_three_mistakes_changes_nothing(lasting: Running, tmp_path: Path) -> None:
    shown = lasting.get("/decisions?slots=top").json()["decisions"][0]
    lasting.get(shown["impression_url"])
    before, counted, live = status(lasting), report(lasting), total(lasting, "generation")
    mistaken = {
        "coffee": coffee("second", link="javascript:alert(1)"),
        "tea": campaign("nowhere"),
        "milk": coffee("first", tier="gold"),
    }
    folder = write_blog(tmp_path, ["top"], mistaken)
    done = lasting.cli("apply", "--yes", "--config", folder)
    assert done.returncode == 1
    places = re.findall(r"campaigns/(\w+)\.yaml:(\d+):(\d+): error: ", done.stderr)
    assert sorted(file for file, _, _ in places) == ["coffee", "milk", "tea"]
    for file, line, column in places:
        text = (folder / "campaigns" / f"{file}.yaml").read_text("utf-8")
        written = text.splitlines()[int(line) - 1][int(column) - 1 :]
        assert written in {"javascript:alert(1)", "nowhere", "gold"}
    assert status(lasting)["generation"] == before["generation"] == live
    assert total(lasting, "generation") == live
    assert report(lasting)["total"]["impressions"] == counted["total"]["impressions"] > 0
    assert "creative=first" in lasting.get(SLOT).headers["x-ad-decision"]
    again = lasting.get(shown["impression_url"])
    assert again.headers["x-ad-event"] == "discarded; reason=duplicate"


def test_a_worker_that_is_killed_is_replaced_while_the_others_answer(lasting: Running) -> None:
    with readers_who_come(lasting, SLOT, READERS) as readers:
        *others, victim = workers_of(lasting)
        killed = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        until(lambda: victim not in workers_of(lasting) and len(workers_of(lasting)) == WORKERS)
        until(lambda: total(lasting, "workers") == WORKERS)
        readers.go_on()
    assert set(others) < set(workers_of(lasting))
    assert "process_died" in lasting.log
    # Only what it had taken and not answered is lost, and the others were never silent.
    assert len(readers.failed) <= READERS
    assert all(at - killed < 1 for at, _ in readers.failed)
    assert readers.longest_silence < 1
    assert {one.status for one in readers.seen} == {200}


@pytest.mark.parametrize("kind", ["coming", "staying"])
def test_sighup_replaces_every_worker_and_fails_no_request(lasting: Running, kind: str) -> None:
    reading = (
        readers_who_come(lasting, SLOT, READERS)
        if kind == "coming"
        else readers_who_stay(lasting, SLOT, WORKERS, READERS // WORKERS)
    )
    with reading as readers:
        for _ in range(RESTARTS):
            replace_workers(lasting)
            readers.go_on()
    assert readers.failed == []
    assert {one.status for one in readers.seen} == {200}
    assert len({one.writer for one in readers.seen}) > RESTARTS
    until(lambda: total(lasting, "workers") == WORKERS)


def replace_workers(ads: Running) -> None:
    before = workers_of(ads)
    ads.process.send_signal(signal.SIGHUP)
    until(lambda: not set(before) & set(workers_of(ads)))
    assert len(workers_of(ads)) == WORKERS


def test_sigterm_drains_and_what_was_answered_is_in_the_store(ads: Running) -> None:
    with readers_who_come(ads, SLOT, READERS) as readers:
        ads.process.send_signal(signal.SIGTERM)
        assert ads.process.wait(30) == 0
    answered = len(readers.seen)
    assert {one.status for one in readers.seen} == {200}
    assert report(ads)["total"]["served"] == answered


def store_pid(ads: Running) -> int:
    with redis.Redis.from_url(ads.redis) as store:
        return int(store.info("server")["process_id"])


def halt(pid: int) -> None:
    """Stopped: it takes what is sent and answers nothing."""
    os.kill(pid, signal.SIGSTOP)
    until(lambda: Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "T")


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def timed(ads: Running, path: str) -> tuple[httpx.Response, float]:
    begun = time.monotonic()
    return ads.get(path), time.monotonic() - begun


@pytest.mark.alone
@pytest.mark.parametrize("away", [halt, kill])
def test_while_the_store_is_away_slots_answer_beacons_count_and_clicks_land(
    ads: Running, away: Any
) -> None:
    decisions = [ads.get("/decisions?slots=top").json()["decisions"][0] for _ in range(4)]
    assert ads.get(decisions[0]["impression_url"]).headers["x-ad-event"] == "accepted"
    pid = store_pid(ads)
    ads.process.send_signal(signal.SIGSTOP)  # who would start a killed store again at once
    away(pid)
    try:
        for one in decisions[1:]:
            shown, seconds = timed(ads, one["impression_url"])
            assert (shown.status_code, shown.headers["x-ad-event"]) == (200, "accepted")
            assert seconds < SHOWN_SECONDS
        landed, seconds = timed(ads, decisions[1]["click_url"])
        assert landed.status_code == 302
        assert landed.headers["x-ad-event"] in {"accepted", "pending"}
        assert landed.headers["location"] == "https://shop.example/landing"
        assert seconds < CLICK_SECONDS
        answers = [timed(ads, SLOT) for _ in range(100)]
        assert all("fill; campaign=coffee" in a.headers["x-ad-decision"] for a, _ in answers)
        assert sorted(seconds for _, seconds in answers)[94] < SLOT_SECONDS
        # A worker that has just begun tells the admin process of itself within a second.
        ready = {
            "ready": True,
            "generation": 1,
            "store": "away",
            "workers": WORKERS,
        }
        until(lambda: ads.client.get(f"{ads.admin}/readyz").json() == ready)
    finally:
        if away is halt:
            os.kill(pid, signal.SIGCONT)
        ads.process.send_signal(signal.SIGCONT)
    until(lambda: report(ads)["total"]["impressions"] == len(decisions))
    until(lambda: report(ads)["total"]["clicks"] == 1)
    assert (store_pid(ads) == pid) is (away is halt)
    until(lambda: report(ads)["total"]["served"] == len(decisions) + len(answers))


def test_a_store_that_hangs_is_waited_for_and_not_doubled(lasting: Running) -> None:
    """Two of them would write the same files. The node looks for its store once a second."""
    pid = store_pid(lasting)
    halt(pid)
    try:
        until(lambda: "store_not_started" in lasting.log)
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: total(lasting, "store_up") == 1)
    assert store_pid(lasting) == pid


def test_serve_waits_for_a_store_that_is_not_there_yet_and_says_so(tmp_path: Path) -> None:
    port = free_port()
    config = write_blog(tmp_path / "config", ["top"], {"coffee": coffee("first")})
    env = own_environment(config, tmp_path, {"ADSERVER_REDIS": f"redis://127.0.0.1:{port}"})
    said, log = tmp_path / "serve.out", tmp_path / "serve.err"
    with said.open("wb") as output, log.open("wb") as errors:
        node = subprocess.Popen(
            command_line("serve"), cwd=tmp_path, env=env, stdout=output, stderr=errors
        )
    try:
        until(lambda: "waiting_for_store" in log.read_text("utf-8"))
        assert node.poll() is None
        assert said.read_text("utf-8") == ""
        store = start_redis(port, tmp_path)
        try:
            public = until(lambda: PUBLIC.search(said.read_text("utf-8")))[1]
            applied = run_command(tmp_path, env, "apply", "--yes", "--wait")
            assert applied.returncode == 0, applied.stderr
            assert "fill; campaign=coffee" in httpx.get(public + SLOT).headers["x-ad-decision"]
            node.terminate()
            assert node.wait(30) == 0
        finally:
            store.terminate()
            store.wait()
    finally:
        if node.poll() is None:
            node.kill()
        node.wait()


def start_redis(port: int, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [needs("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
