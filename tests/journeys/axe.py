"""axe-core, which looks for what keeps people with disabilities out: fetched once, then kept."""

from __future__ import annotations

import os
import subprocess
import tarfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.programs import needs

VERSION = "4.10.3"
SHA256 = "0f2b4d7dcdf7d1219df8d1959ad68e565f51d14c3f0d88bb71cd59abeb956292"
FETCH_SECONDS = 60
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]

# In every frame, before the page: an ad's frame has an origin of its own, which axe has to allow.
SET_UP = "\n;axe.configure({allowedOrigins: ['<unsafe_all_origins>']});"
RUN = "(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}})"


def axe_source(folder: Path) -> str:
    """The script, for `add_init_script`. folder: where it is kept."""
    package = folder / f"axe-core-{VERSION}.tgz"
    if not package.is_file():
        fetch(folder)
    assert sha256(package.read_bytes()).hexdigest() == SHA256, f"{package} is not what it was"
    with tarfile.open(package) as archive:
        script = archive.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode() + SET_UP


def fetch(folder: Path) -> None:
    done = subprocess.run(
        [needs("npm"), "pack", "--silent", f"axe-core@{VERSION}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=FETCH_SECONDS,
        check=False,
    )
    if done.returncode == 0:
        return
    message = f"axe-core COULD NOT BE FETCHED: accessibility has not been tested\n{done.stderr}"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def complaints(page: Page) -> list[str]:
    """`rule: selectors` of everything that breaks a rule, in the page and its frames."""
    found: dict[str, Any] = page.evaluate(RUN, RULES)
    assert found["passes"], "no rule has looked at anything"
    return [
        f"{rule['id']}: {[node['target'] for node in rule['nodes']]}"
        for rule in found["violations"]
    ]
