"""A page of the docs whose commands are run, and which shows what they print.

    make transcript     runs them and writes what has changed into the page

The page's `console` blocks hold commands behind `$`, each with its output below it. They run in
order, in one folder, beside a server of their own. Between them, `<!-- readers: 200 -->` stands
for so many readers of the page's slot, each of whom the ad is shown to; `clicks=7` of them click.
What differs from run to run (moments, durations, digests) is masked when two runs are compared,
so that the page only changes where the program does.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.docs.pages import DOCS
from tests.servers import READER, Running, adserver_running, until

HERE = Path(sys.executable).parent
PAGE = DOCS / "from-price-to-proof.md"
SLOT = "post-top"
PUBLIC, ADMIN = "http://127.0.0.1:8080", "http://127.0.0.1:8081"
PERSON, MACHINE = "nadia", "desk"
COLUMNS = 100

STEP = re.compile(
    r"^<!-- readers: (?P<readers>\d+)(?: clicks=(?P<clicks>\d+))? -->$"
    r"|^```console\n(?P<block>.*?)^```$"
    r"|^<!-- file: (?P<file>[\w./-]+) -->\n```yaml\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
DAY = r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) "
MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
MASKS = (
    (
        re.compile(rf"(?:{DAY})?\d{{1,2}} {MONTH}(?: \d{{4}})?(?: \d\d:\d\d)?|{DAY}\d\d:\d\d"),
        "DATE",
    ),
    (re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?"), "DATE"),
    (re.compile(r"\b\d\d:\d\d(?::\d\d)?\b"), "TIME"),
    (re.compile(r"\b\d+(?:\.\d+)? (?:ms|s|min|h|d|days?|hours?)\b"), "DURATION"),
    (re.compile(r"\b[0-9a-f]{7,64}\+?"), "DIGEST"),
    (re.compile(r"\b(desk)[:-]\w+(?:[:-]\w+)*"), r"\1"),
    (re.compile(r"[─━]+"), "─"),
    (re.compile(r"\s+"), " "),
)


@dataclass(frozen=True, slots=True)
class Command:
    """line: as it is typed. said: what it prints, with a line end."""

    line: str
    said: str


def commands(block: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, _, said = part.partition("\n")
        while line.endswith("\\"):
            more, _, said = said.partition("\n")
            line = f"{line}\n{more}"
        yield Command(line, said)


def masked(text: str) -> str:
    for pattern, word in MASKS:
        text = pattern.sub(word, text)
    return text.strip()


def written(page: str, folder: Path, programs: Path = HERE) -> str:
    """The page with what its commands print now; what says the same as before stays as it was.

    programs: the folder with the command `adserver`.
    """
    config = folder / "config"
    (config / "campaigns").mkdir(parents=True)
    steps = [*STEP.finditer(page)]
    first = next(n for n, step in enumerate(steps) if step["block"])
    for step in steps[:first]:
        write_file(folder, step)
    with adserver_running(config, folder, "--workers", "1", apply=False) as ads:
        shell = Shell(folder, ads, programs)
        parts, at = [], 0
        for number, step in enumerate(steps):
            parts.append(page[at : step.start()])
            at = step.end()
            if step["block"]:
                parts.append(f"```console\n{shell.replayed(step['block'])}```")
                continue
            parts.append(step[0])
            if step["readers"]:
                send_readers(ads, int(step["readers"]), int(step["clicks"] or 0))
                shell.asked += int(step["readers"])
            elif number > first:
                write_file(folder, step)
        return "".join([*parts, page[at:]])


def write_file(folder: Path, step: re.Match[str]) -> None:
    path = folder / step["file"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(step["text"], "utf-8")


def send_readers(ads: Running, many: int, clicks: int) -> None:
    """One after the other, each waiting until the ad is counted."""
    with httpx.Client(base_url=ads.public, headers={"user-agent": READER}) as client:
        for number in range(many):
            url = f"https://blog.example/2026/{number}"
            asked = client.get("/decisions", params={"slots": SLOT, "url": url}).json()
            [decision] = asked["decisions"]
            if decision["filled"]:
                client.get(decision["impression_url"])
                if number < clicks:
                    client.get(decision["click_url"])


class Shell:
    """Runs what a reader of the page would type, in their folder, and shows it as they would see
    it: with the usual ports, and another machine's name.

    asked: how often an ad was asked for. Counts are written once a second; no command that shows
    them is run before they are there.
    """

    def __init__(self, folder: Path, ads: Running, programs: Path) -> None:
        self._folder = folder
        self._ads = ads
        self.asked = 0
        self._ports = ((ads.public, PUBLIC), (ads.admin, ADMIN))
        self._environment = {
            **{k: v for k, v in ads.env.items() if k not in ("ADSERVER_CONFIG", "NO_COLOR")},
            "PATH": f"{programs}:{os.environ['PATH']}",
            "GIT_AUTHOR_NAME": PERSON,
            "COLUMNS": str(COLUMNS),
            "LANG": "C.UTF-8",
        }

    def replayed(self, block: str) -> str:
        return "".join(f"$ {one.line}\n{self._kept_or_new(one)}" for one in commands(block))

    def _kept_or_new(self, one: Command) -> str:
        said = self.run(one.line)
        return one.said if masked(one.said) == masked(said) else said

    def run(self, line: str) -> str:
        if line.startswith(("adserver status", "adserver report")):
            until(lambda: self._counted() == self.asked)
        self.asked += line.startswith("curl")
        for real, shown in self._ports:
            line = line.replace(shown, real)
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        return self._as_shown(done.stdout)

    def _counted(self) -> int:
        said = json.loads(self._ads.cli("status", "--format", "json").stdout)
        return sum(int(slot["requests"]) for slot in said["slots"])

    def _as_shown(self, said: str) -> str:
        for real, shown in self._ports:
            said = said.replace(real, shown)
        said = said.replace(socket.gethostname(), MACHINE).replace(f"{self._folder}/", "")
        lines = "\n".join(line.rstrip() for line in said.splitlines())
        return f"{lines}\n" if lines else ""


def main() -> None:
    before = PAGE.read_text("utf-8")
    with tempfile.TemporaryDirectory() as tmp:
        after = written(before, Path(tmp))
    PAGE.write_text(after, "utf-8")
    sys.stdout.write("written\n" if after != before else "nothing has changed\n")


if __name__ == "__main__":
    main()
