"""The parent of a node's processes, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adserver.serving.supervisor import FIRST_DELAY_SECONDS
from tests.servers import PATIENCE_SECONDS, until

Entry = tuple[str, str, int]  # role, word, process


class Node:
    """A supervisor in a process of its own, and the diary of what happened to all of them."""

    def __init__(self, process: subprocess.Popen[str], diary: Path) -> None:
        self.process = process
        self._diary = diary

    @property
    def diary(self) -> list[Entry]:
        lines = (line.split() for line in self._diary.read_text().splitlines())
        return [(role, word, int(pid)) for role, word, pid in lines]

    def of(self, role: str, word: str) -> list[int]:
        return [pid for one, what, pid in self.diary if (one, what) == (role, word)]

    def ready(self) -> Node:
        until(lambda: self.of("parent", "ready"))
        return self

    def tell(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[int, str]:
        said, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, said

    def stop(self) -> str:
        self.tell(signal.SIGTERM)
        code, said = self.end()
        assert code == 0
        return said


@contextmanager
def running(scenario: str, folder: Path, *arguments: str) -> Iterator[Node]:
    diary = folder / "diary"
    diary.touch()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.serving.supervised", scenario, str(diary), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    node = Node(process, diary)
    try:
        yield node
    finally:
        for _, _, pid in node.diary:
            if Path(f"/proc/{pid}/status").is_file() and pid != process.pid and alive(pid):
                os.kill(pid, signal.SIGKILL)
        if process.poll() is None:
            process.kill()
        process.communicate()


def alive(pid: int) -> bool:
    """Running, and one of ours: process ids are given again."""
    try:
        return b"tests.serving.supervised" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_everybody_runs_before_it_says_that_it_is_ready(tmp_path: Path) -> None:
    with running("node", tmp_path) as node:
        node.ready()
        before = [role for role, word, _ in node.diary if word in {"up", "ready"}]
        assert sorted(before[:3]) == ["admin", "worker-0", "worker-1"]
        assert before[3] == "parent"
        node.stop()


@pytest.mark.parametrize("role", ["admin", "worker-1"])
def test_a_process_that_crashed_is_replaced(tmp_path: Path, role: str) -> None:
    with running("node", tmp_path) as node:
        [crashed] = node.ready().of(role, "up")
        os.kill(crashed, signal.SIGKILL)
        until(lambda: len(node.of(role, "up")) == 2)
        assert not alive(crashed)
        others = {"admin", "worker-0", "worker-1"} - {role}
        assert all(len(node.of(other, "up")) == 1 for other in others)
        said = node.stop()
        assert "process_died" in said
        assert f"again_in={FIRST_DELAY_SECONDS}" in said


def test_those_that_serve_leave_before_the_others_are_told(tmp_path: Path) -> None:
    with running("node", tmp_path) as node:
        node.ready().stop()
        words = [(role, word) for role, word, _ in node.diary if word in {"told", "left", "ends"}]
        assert set(words[:2]) == {("worker-0", "told"), ("worker-1", "told")}
        assert set(words[2:4]) == {("worker-0", "left"), ("worker-1", "left")}
        assert words[4:] == [("admin", "told"), ("admin", "left"), ("parent", "ends")]


def test_ctrl_c_is_a_stop_that_the_parent_decides(tmp_path: Path) -> None:
    with running("node", tmp_path) as node:
        node.ready()
        for _, word, pid in node.diary:
            if word == "up":
                os.kill(pid, signal.SIGINT)  # as the terminal sends it to all of them
        node.tell(signal.SIGINT)
        assert node.end()[0] == 0
        assert len(node.of("admin", "left")) == 1


def test_on_sighup_each_worker_is_replaced_when_the_new_one_is_up(tmp_path: Path) -> None:
    with running("node", tmp_path) as node:
        node.ready().tell(signal.SIGHUP)
        until(lambda: node.of("worker-0", "left") and node.of("worker-1", "left"))
        for role in ("worker-0", "worker-1"):
            events = [(word, pid) for one, word, pid in node.diary if one == role]
            old, new = node.of(role, "up")
            assert [word for word, pid in events if pid == old] == ["up", "told", "left"]
            assert events.index(("up", new)) < events.index(("told", old))
        assert len(node.of("admin", "up")) == 1
        said = node.stop()
        assert "process_died" not in said


def test_one_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    with running("stubborn", tmp_path) as node:
        [pid] = node.ready().of("stubborn", "up")
        said = node.stop()
        assert f"pid={pid}" in said
        assert "process_killed" in said
        assert len(node.of("admin", "left")) == 1
        assert not alive(pid)


def test_what_cannot_start_ends_it_with_an_error_and_leaves_nobody_behind(tmp_path: Path) -> None:
    with running("failing", tmp_path) as node:
        code, said = node.end()
        assert code == 1
        assert "it cannot start" in said
        assert node.of("parent", "ready") == []
        assert not any(alive(pid) for _, _, pid in node.diary if pid != node.process.pid)


def test_one_that_never_becomes_ready_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    with running("silent", tmp_path, "0.3") as node:
        assert node.end()[0] == 1


def test_a_stop_while_it_starts_is_a_stop(tmp_path: Path) -> None:
    with running("silent", tmp_path) as node:
        until(lambda: node.of("silent", "up"))
        node.tell(signal.SIGTERM)
        assert node.end()[0] == 0


def test_what_is_to_run_once_runs_once(tmp_path: Path) -> None:
    with running("once", tmp_path) as node:
        until(lambda: len(node.of("parent", "ticked")) >= 2)
        assert "process_died" not in node.stop()
        assert len(node.of("short", "ran")) == 1


def test_one_that_dies_again_and_again_is_started_less_and_less_often(tmp_path: Path) -> None:
    with running("short-lived", tmp_path) as node:
        until(lambda: len(node.of("short", "ran")) == 3)
        said = node.stop()
        assert f"again_in={FIRST_DELAY_SECONDS}" in said
        assert f"again_in={FIRST_DELAY_SECONDS * 2}" in said


def test_children_do_not_outlive_what_they_belong_to(tmp_path: Path) -> None:
    with running("node", tmp_path) as node:
        node.ready().stop()
        assert not any(alive(pid) for _, _, pid in node.diary)
