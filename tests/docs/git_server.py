"""A server with a store, and a clone of a repository of campaigns, for the recipes of config/ci."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.command import write_folder
from tests.docs.pages import page
from tests.programs import needs
from tests.servers import run_command

GH = """\
#!/bin/sh
echo "$@" >> "$HOME/gh.said"
cat "$RUNNER_TEMP/plan.md" >> "$HOME/gh.said"
"""


def key_of_plans() -> str:
    """What the page says of a key that can make plans alone."""
    [line] = re.findall(r"^(restrict,command=.*) ssh-ed25519 ", page("from-elsewhere.md"), re.M)
    return str(line)


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(0o755)


@dataclass(frozen=True, slots=True)
class Repository:
    """A clone of somebody's, and what programs have for an environment there."""

    folder: Path
    env: dict[str, str]

    def git(self, *words: str) -> str:
        done = self.try_git(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def try_git(self, *words: str) -> subprocess.CompletedProcess[str]:
        line = [needs("git"), "-C", str(self.folder), *words]
        return subprocess.run(line, env=self.env, capture_output=True, text=True, check=False)

    def commit(self, message: str, **campaigns: str) -> str:
        write_folder(self.folder, **campaigns)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")


@dataclass(frozen=True, slots=True)
class Server:
    folder: Path
    env: dict[str, str]
    path: Path
    program: Path

    def adserver(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return run_command(self.folder, self.env, *words, program=[self.program])

    def live(self) -> Any:
        done = self.adserver("history", "--last", "1", "--format", "json")
        return (json.loads(done.stdout)["generations"] or [None])[0]


def bring_in(clone: Repository, server: Server) -> str:
    """What is live, as a commit: how the page says to come back; the commit."""
    done = server.adserver("export", "--overwrite", "--config", clone.folder / "config")
    assert done.returncode == 0, done.stderr
    clone.git("add", "--all")
    clone.git("commit", "--quiet", "--message", "What is live")
    return clone.git("rev-parse", "HEAD")
