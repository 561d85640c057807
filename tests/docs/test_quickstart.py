"""The quickstart, word by word: each command of docs/quickstart.md is run, and prints what it says.

Blocks marked `run` are run in order in one shell, those marked `serve` beside them, one after the
other. A block marked `prints` is what the block before it prints: `…` in a line stands for
anything, a line `…` for any lines. Only the ports are others.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import Block, blocks, page
from tests.stand_in import free_port

pytestmark = pytest.mark.usefixtures("unmeasured")

BLOCKS = [block for block in blocks(page("quickstart.md")) if block.mark]
RAN = "=== that was block"
# Served ads are written once a second.
SETTLE = "sleep 1.5\n"
# What was served before ends first: a person has one second terminal.
START = """\
kill $(jobs -p) 2> /dev/null && wait || true
({commands}) > ../serve.log 2>&1 &
for attempt in $(seq 300); do
  curl -sf http://127.0.0.1:8081/readyz > /dev/null && break
  sleep 0.1
done
"""
STOP = "trap 'trap - EXIT; kill $(jobs -p) 2> /dev/null; wait' EXIT\n"


def shell_script() -> str:
    """The whole of the quickstart, with a line between what its blocks print."""
    parts = ["set -eu\n", STOP]
    for number, block in enumerate(BLOCKS):
        if block.mark == "serve":
            parts.append(START.format(commands=f"exec {block.text.strip()}"))
        elif block.mark.startswith("run"):
            parts.append(SETTLE if block.mark == "run: settled" else "")
            parts.append(f"{block.text}printf '\\n{RAN} {number}\\n'\n")
    return "".join(parts)


def run(script: str, folder: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ADSERVER_")}
    public, admin = str(free_port()), str(free_port())
    environment |= {
        "PATH": f"{Path(sys.executable).parent}:{environment['PATH']}",
        "ADSERVER_PORT": public,
        "ADSERVER_ADMIN_PORT": admin,
    }
    done = subprocess.run(
        ["bash", "-c", script.replace(":8080", f":{public}").replace(":8081", f":{admin}")],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=90,
        check=False,
    )
    log = folder / "serve.log"
    said = done.stdout + done.stderr + (log.read_text("utf-8") if log.exists() else "")
    assert done.returncode == 0, said
    return done.stdout


def pattern(expected: str) -> re.Pattern[str]:
    lines = [
        r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r"\s*(?:\n|\Z)"
        for line in expected.splitlines()
    ]
    return re.compile("".join(lines))


def promised() -> dict[int, Block]:
    """What each block says that it prints, by its number."""
    return {
        number - 1: block
        for number, block in enumerate(BLOCKS)
        if block.mark == "prints" and BLOCKS[number - 1].mark.startswith("run")
    }


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """What each block has printed, by its number."""
    if not shutil.which("curl"):
        pytest.fail("the quickstart needs curl", pytrace=False)
    folder = tmp_path_factory.mktemp("quickstart")
    parts = re.split(rf"\n{RAN} (\d+)\n", run(shell_script(), folder))
    return {int(number): text for text, number in zip(parts[::2], parts[1::2], strict=False)}


def test_every_block_is_run(printed: dict[int, str]) -> None:
    ran = [number for number, block in enumerate(BLOCKS) if block.mark.startswith("run")]
    assert sorted(printed) == ran
    assert len(ran) > 8


@pytest.mark.parametrize("number", promised())
def test_a_command_of_the_quickstart_prints_what_the_page_says(
    number: int, printed: dict[int, str]
) -> None:
    expected = promised()[number].text
    assert pattern(expected).fullmatch(printed[number]), printed[number]


def test_a_page_that_says_something_else_would_be_noticed(printed: dict[int, str]) -> None:
    number, block = next((n, b) for n, b in promised().items() if "2 campaigns" in b.text)
    assert not pattern(block.text.replace("2 campaigns", "3 campaigns")).fullmatch(printed[number])
