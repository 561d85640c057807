"""Nothing is ever dialled but the store: not by the server, nor by any command.

All of it runs in a network without a route, where it works, and under the eyes of strace, which
sees whatever is tried all the same."""

from __future__ import annotations

import re
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

from tests.journeys.offline import NOWHERE
from tests.programs import needs

ROOT = Path(__file__).parents[2]
APART = ("--net", "--map-root-user")
WATCHING = ("-f", "-qq", "--seccomp-bpf", "--signal=none", "--trace=connect,sendto,sendmsg")
PROGRAM = (sys.executable, "-m", "tests.journeys.offline")
# How strace writes an address: inet_addr("192.0.2.1"), inet_pton(AF_INET6, "::1", …).
ADDRESS = re.compile(r'sin6?_addr=?.*?inet_(?:addr\(|pton\(AF_INET6, )"([^"]+)"')


def dialled(folder: Path, *words: str) -> set[str]:
    """The addresses beyond this machine that the program and its children have tried to reach."""
    seen = folder / "seen"
    done = subprocess.run(
        [
            needs("unshare"),
            *APART,
            needs("strace"),
            *WATCHING,
            f"--output={seen}",
            *PROGRAM,
            *words,
        ],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    text = seen.read_text("utf-8", "replace")
    assert "AF_UNIX" in text or words == ("--dial",), "what strace has seen cannot be read"
    return {one for one in ADDRESS.findall(text) if not ip_address(one).is_loopback}


def test_nothing_but_the_store_is_dialled(tmp_path: Path) -> None:
    assert dialled(tmp_path, str(tmp_path)) == set()


def test_a_program_that_dials_is_seen(tmp_path: Path) -> None:
    assert dialled(tmp_path, "--dial") == {NOWHERE[0]}
