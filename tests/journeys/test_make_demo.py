"""The README's first command, in a copy of the project that nobody has set up."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.programs import needs
from tests.servers import until

PROJECT = Path(__file__).parents[2]
README = PROJECT / "README.md"
FIRST_SECONDS = 60.0  # with pip's cache filled: what is measured is not the network
AGAIN_SECONDS = 5.0
BLOG = re.compile(r"The blog +(http://\S+/)\s")
METRICS = re.compile(r"Metrics +(http://\S+/metrics)\s")
LEAVE_SECONDS = 30.0

pytestmark = [
    pytest.mark.skipif(
        "ADSERVER_QUICKSTART" not in os.environ and os.environ.get("CI") != "true",
        reason="INSTALLS EVERYTHING ANEW, a minute: set ADSERVER_QUICKSTART=1 to run it",
    ),
    pytest.mark.timeout(300),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What git has, or would have if everything were added."""
    listed = subprocess.run(
        [needs("git"), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    folder = tmp_path / "adserver"
    for name in filter(None, listed.stdout.split("\0")):
        if (PROJECT / name).is_file():  # not one that was removed and not yet committed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    return folder


@contextmanager
def make_demo(folder: Path) -> Iterator[tuple[str, str, float]]:
    """The blog's and the metrics' address, and the seconds until they were printed."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ADSERVER_")}
    environment.pop("VIRTUAL_ENV", None)
    said = folder.parent / "said"
    begun = time.monotonic()
    with said.open("wb") as output:
        process = subprocess.Popen(
            [needs("make"), "demo", "ARGS=--port 0 --admin-port 0"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        until(lambda: METRICS.search(said.read_text("utf-8")) or process.poll() is not None, 240)
        seconds = time.monotonic() - begun
        blog, metrics = (one.search(said.read_text("utf-8")) for one in (BLOG, METRICS))
        assert blog, said.read_text("utf-8")
        assert metrics
        yield blog[1], metrics[1], seconds
    finally:
        # As Ctrl-C does: to all that the command has started.
        os.killpg(process.pid, signal.SIGINT)
        process.wait(LEAVE_SECONDS)


@pytest.mark.alone
def test_make_demo_shows_the_blog_within_a_minute_and_the_second_time_at_once(copy: Path) -> None:
    assert re.search(r"^make demo\b", README.read_text("utf-8"), re.MULTILINE)
    with make_demo(copy) as (blog, metrics, seconds):
        page = httpx.get(blog)
        assert page.status_code == 200
        assert 'data-slot="home-top" data-campaign=' in page.text
        assert "adserver_build_info" in httpx.get(metrics).text
    assert seconds < FIRST_SECONDS
    assert (copy / "var" / "demo" / "store").is_dir()
    with make_demo(copy) as (blog, _, seconds):
        assert httpx.get(blog).status_code == 200
    assert seconds < AGAIN_SECONDS
