"""A benchmark says what is missing before it starts anything, and ends what it has started."""

from __future__ import annotations

import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks import needs as module
from benchmarks import store
from benchmarks.needs import ended_by_sigterm, needs

NEEDED = [
    ("__main__", "wrk"),
    ("cluster_nodes", "wrk, nginx, redis-server"),
    ("cost", "valgrind, strace"),
    ("growth", "wrk"),
    ("instructions", "valgrind, strace"),
    ("limits", "wrk, redis-server"),
    ("store", "wrk"),
]


@pytest.fixture
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "DAEMONS", str(tmp_path))


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize(("name", "missing"), NEEDED)
def test_a_benchmark_says_what_to_install(
    name: str, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was started")

    benchmark = import_module(f"benchmarks.{name}")
    monkeypatch.setattr(sys, "argv", [name])
    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(SystemExit) as ended:
        benchmark.main()
    assert str(ended.value).startswith(f"{missing} {'are' if ',' in missing else 'is'} not")
    assert str(ended.value).endswith(f"apt install {missing.replace(',', '')})")


@pytest.mark.usefixtures("nothing_installed")
def test_without_redis_the_store_is_valkey_and_that_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert store.programs(None) == ("valkey-server",)
    assert "Valkey alone is measured" in capsys.readouterr().out
    assert store.programs(["valkey-server"]) == ["valkey-server"]
    with pytest.raises(SystemExit, match="redis-server is not installed"):
        store.programs(["redis-server"])


def test_what_is_there_is_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "redis-server"
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    needs("redis-server")
    assert store.programs(None) == store.PROGRAMS


def test_sigterm_ends_what_was_started() -> None:
    ended = []

    def benchmark() -> None:
        with ended_by_sigterm():
            try:
                signal.raise_signal(signal.SIGTERM)
            finally:
                ended.append("node")

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as said:
        benchmark()
    assert (said.value.code, ended) == (128 + signal.SIGTERM, ["node"])
    assert signal.getsignal(signal.SIGTERM) is before
