"""The parent of a node's processes, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
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

    def flag(self, name: str, *, up: bool = True) -> None:
        """Change what processes do that start from now on."""
        file = self._diary.with_name(name)
        file.touch() if up else file.unlink()

    def counted(self, what: str) -> int:
        """What the parent says of it when it has ended."""
        words = [word for role, word, _ in self.diary if role == "parent"]
        return sum(int(word.partition("=")[2]) for word in words if word.startswith(f"{what}="))

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


def living(node: Node, role: str) -> list[int]:
    return [pid for pid in node.of(role, "up") if alive(pid)]


def test_a_replacement_that_cannot_start_leaves_the_old_ones_serving(tmp_path: Path) -> None:
    with running("node", tmp_path) as node:
        before = [node.ready().of(role, "up") for role in ("worker-0", "worker-1")]
        node.flag("broken")
        node.tell(signal.SIGHUP)
        until(lambda: node.of("parent", "kept"))
        node.flag("broken", up=False)
        ticks = len(node.of("parent", "ticked"))
        until(lambda: len(node.of("parent", "ticked")) > ticks + 5)
        # Neither told to leave, nor doubled by one that was started after all.
        assert [node.of(role, "up") for role in ("worker-0", "worker-1")] == before
        assert not node.of("worker-0", "told")
        node.tell(signal.SIGHUP)
        until(lambda: node.of("parent", "replaced"))
        said = node.stop()
        assert "replacement_failed" in said
        assert (node.counted("workers"), node.counted("replaced"), node.counted("died")) == (
            1,
            2,
            0,
        )


def test_a_replacement_that_never_becomes_ready_is_given_up(tmp_path: Path) -> None:
    with running("node", tmp_path, "3.0") as node:
        node.ready().flag("mute")
        node.tell(signal.SIGHUP)
        until(lambda: node.of("parent", "kept"))
        [old, mute] = node.of("worker-0", "up")
        assert (alive(old), alive(mute)) == (True, False)
        said = node.stop()
        assert "process_never_ready" in said


def test_one_that_was_restarted_and_never_becomes_ready_is_replaced(tmp_path: Path) -> None:
    with running("node", tmp_path, "3.0") as node:
        node.ready().flag("mute")
        os.kill(node.of("worker-0", "up")[0], signal.SIGKILL)
        until(lambda: len(node.of("worker-0", "up")) == 3)
        node.stop()
        assert (node.counted("died"), node.counted("hung")) == (1, 1)


def test_a_sighup_during_a_sighup_is_another_round(tmp_path: Path) -> None:
    with running("node", tmp_path) as node:
        node.ready().flag("mute")
        node.tell(signal.SIGHUP)
        until(lambda: len(node.of("worker-0", "up")) == 2)
        for _ in range(3):  # which are one
            node.tell(signal.SIGHUP)
        node.flag("mute", up=False)
        os.kill(node.of("worker-0", "up")[1], signal.SIGKILL)  # else it would be waited for
        until(lambda: node.of("parent", "kept") and node.of("parent", "replaced"))
        assert len(node.of("parent", "reloads")) == 2
        until(lambda: len(living(node, "worker-0")) == len(living(node, "worker-1")) == 1)
        node.stop()
        assert node.counted("replaced") == 2


def test_a_reload_may_ask_for_a_second_round(tmp_path: Path) -> None:
    with running("node", tmp_path) as node:
        node.ready().flag("twice")
        node.tell(signal.SIGHUP)
        until(lambda: len(node.of("parent", "replaced")) == 2)
        assert len(node.of("worker-1", "up")) == 3
        node.stop()


def test_a_sigterm_during_a_sighup_is_a_stop(tmp_path: Path) -> None:
    with running("node", tmp_path) as node:
        node.ready().flag("mute")
        node.tell(signal.SIGHUP)
        until(lambda: len(node.of("worker-0", "up")) == 2)
        node.stop()
        assert not any(alive(pid) for _, _, pid in node.diary)


@pytest.mark.parametrize("role", ["worker-0", "worker-1", "admin"])
def test_one_that_dies_during_a_replacement_is_there_once_afterwards(
    tmp_path: Path, role: str
) -> None:
    with running("node", tmp_path) as node:
        node.ready().flag("mute")
        node.tell(signal.SIGHUP)
        until(lambda: len(node.of("worker-0", "up")) == 2)
        # The one whose turn it is, the one behind it, and one that is not in question.
        os.kill(node.of(role, "up")[0], signal.SIGKILL)
        ticks = len(node.of("parent", "ticked"))
        until(lambda: len(node.of("parent", "ticked")) > ticks + 5)
        node.flag("mute", up=False)
        for mute in node.of("worker-0", "up")[1:]:
            os.kill(mute, signal.SIGKILL)
        for one in node.of(role, "up")[1:]:
            if alive(one):
                os.kill(one, signal.SIGKILL)
        until(lambda: node.of("parent", "kept"))
        roles = ("worker-0", "worker-1", "admin")
        until(lambda: all(len(living(node, one)) == 1 for one in roles))
        ticks = len(node.of("parent", "ticked"))
        until(lambda: len(node.of("parent", "ticked")) > ticks + 5)
        assert all(len(living(node, one)) == 1 for one in roles)
        node.stop()


def test_a_replaced_one_that_does_not_leave_is_killed(tmp_path: Path) -> None:
    with running("stubborn", tmp_path) as node:
        [old] = node.ready().of("stubborn", "up")
        node.tell(signal.SIGHUP)
        until(lambda: len(node.of("stubborn", "up")) == 2 and not alive(old))
        assert "process_killed" in node.stop()


def test_a_sighup_for_everybody_of_that_name_replaces_each_worker_once(tmp_path: Path) -> None:
    with running("rereading", tmp_path) as node:
        node.ready()
        for _, word, pid in node.diary:
            if word == "up":
                os.kill(pid, signal.SIGHUP)
        node.tell(signal.SIGHUP)
        until(lambda: node.of("parent", "replaced"))
        assert node.of("admin", "rereads")
        assert len(node.of("admin", "up")) == 1
        assert "process_died" not in node.stop()


def test_one_that_hangs_is_replaced_and_says_where(tmp_path: Path) -> None:
    with running("beating", tmp_path) as node:
        [hung] = node.ready().of("heart", "up")
        os.kill(hung, signal.SIGUSR1)
        until(lambda: len(node.of("heart", "up")) == 2)
        assert not alive(hung)
        said = node.stop()
        assert "process_hung" in said
        assert "in hang_here" in said
        assert (node.counted("hung"), node.counted("died")) == (1, 0)


def test_one_that_stands_still_is_replaced_though_it_cannot_say_where(tmp_path: Path) -> None:
    with running("beating", tmp_path) as node:
        [stopped] = node.ready().of("heart", "up")
        os.kill(stopped, signal.SIGSTOP)
        until(lambda: len(node.of("heart", "up")) == 2)
        assert "process_hung" in node.stop()


def test_control_nobody_looks_at_hearts_that_are_not_listened_to(tmp_path: Path) -> None:
    with running("not-listened", tmp_path) as node:
        [hung] = node.ready().of("heart", "up")
        os.kill(hung, signal.SIGUSR1)
        ticks = len(node.of("parent", "ticked"))
        until(lambda: len(node.of("parent", "ticked")) > ticks + 30)
        assert alive(hung)
        assert node.of("heart", "up") == [hung]


def test_a_machine_that_stood_still_has_no_hung_processes(tmp_path: Path) -> None:
    with running("beating", tmp_path) as node:
        [heart] = node.ready().of("heart", "up")
        everybody = {node.process.pid, *(pid for _, word, pid in node.diary if word == "up")}
        for pid in everybody:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(2.5)  # longer than a heart may stand still; there is nothing to wait for
        for pid in everybody:
            os.kill(pid, signal.SIGCONT)
        ticks = len(node.of("parent", "ticked"))
        until(lambda: len(node.of("parent", "ticked")) > ticks + 25)
        assert node.of("heart", "up") == [heart]
        assert "process_hung" not in node.stop()


@pytest.mark.parametrize("scenario", ["node", "silent"])
def test_who_is_killed_as_a_parent_leaves_nobody_behind(tmp_path: Path, scenario: str) -> None:
    """Also not those that have not begun to look who their parent is."""
    with running(scenario, tmp_path) as node:
        roles = {"node": 3, "silent": 2}[scenario]
        until(lambda: len([word for _, word, _ in node.diary if word == "up"]) == roles)
        node.tell(signal.SIGKILL)
        until(lambda: not any(alive(pid) for _, _, pid in node.diary))


def test_the_door_is_closed_before_anybody_leaves_and_gone_when_they_have(tmp_path: Path) -> None:
    with running("node", tmp_path) as node:
        node.ready().stop()
        words = [f"{role} {word}" for role, word, _ in node.diary]
        order = ["parent leaves", "worker-0 told", "worker-0 left", "parent alone", "admin told"]
        assert [word for word in words if word in order] == order


def test_where_there_is_no_room_for_another_process_the_old_ones_serve_on(tmp_path: Path) -> None:
    with running("node", tmp_path) as node:
        [before] = node.ready().of("worker-0", "up")
        node.flag("full")
        node.tell(signal.SIGHUP)
        until(lambda: node.of("parent", "kept"))
        assert alive(before)
        said = node.stop()
        assert "process_not_started" in said
        assert node.counted("workers") == 1


def test_one_that_died_is_started_as_soon_as_there_is_room(tmp_path: Path) -> None:
    with running("node", tmp_path) as node:
        [crashed] = node.ready().of("worker-0", "up")
        node.flag("full")
        os.kill(crashed, signal.SIGKILL)
        ticks = len(node.of("parent", "ticked"))
        until(lambda: len(node.of("parent", "ticked")) > ticks + 5)
        node.flag("full", up=False)
        until(lambda: len(node.of("worker-0", "up")) == 2)
        assert "process_not_started" in node.stop()


def test_a_node_without_room_for_its_processes_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "full").touch()
    with running("node", tmp_path) as node:
        code, said = node.end()
        assert code == 1
        assert "process_not_started" in said


def test_what_fails_in_the_parent_is_told_and_ends_nobody(tmp_path: Path) -> None:
    with running("node", tmp_path) as node:
        node.ready().flag("odd")
        ticks = len(node.of("parent", "ticked"))
        until(lambda: len(node.of("parent", "ticked")) > ticks + 2)
        assert all(len(living(node, role)) == 1 for role in ("admin", "worker-0", "worker-1"))
        assert "nobody had thought of this" in node.stop()
