"""The Git recipe, as it stands in config/ci: its very steps are run, on a repository, an sshd and a
store that are real. Only GitHub itself is played."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.command import CAMPAIGN, write_folder
from tests.docs.pages import ROOT, page
from tests.programs import needs
from tests.servers import PATIENCE_SECONDS, own_environment, run_command
from tests.ssh_server import HOST, PLANNING, sshd_running

RECIPE = ROOT / "config/ci/github.yml"
HOOK = ROOT / "config/ci/git-hook"
FAR = {"Install"}  # of another network than ours
GH = """\
#!/bin/sh
echo "$@" >> "$HOME/gh.said"
cat "$RUNNER_TEMP/plan.md" >> "$HOME/gh.said"
"""


def recipe() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(RECIPE.read_text("utf-8"))
    return found


def steps(job: str) -> list[dict[str, Any]]:
    return [one for one in recipe()["jobs"][job]["steps"] if "run" in one]


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


@pytest.fixture
def server(tmp_path: Path, warm: Path) -> Iterator[Server]:
    """A machine with a store that `adserver` reaches, and an `ssh` that reaches the machine."""
    folder = tmp_path / "server"
    (folder / "ssh").mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin/adserver").symlink_to(warm)
    env = own_environment(folder, folder, {})
    del env["ADSERVER_CONFIG"]
    env["PATH"] = f"{folder / 'bin'}:{os.environ['PATH']}"
    said = {k: v for k, v in env.items() if k.startswith(("ADSERVER_", "PATH"))}
    with sshd_running(folder / "ssh", said, key_of_plans()) as ssh:
        (ssh.path / "adserver").symlink_to(warm)
        executable(ssh.path / "gh", GH)
        yield (made := Server(folder, env, ssh.path, warm))
    made.adserver("store", "stop")


@pytest.fixture
def clone(server: Server, tmp_path: Path) -> Repository:
    """On a machine of GitHub's, that has no store."""
    for name in ("repository", "home", "temp"):
        (tmp_path / name).mkdir()
    base = {k: v for k, v in os.environ.items() if not k.startswith(("ADSERVER_", "GIT_"))}
    env = base | {
        "HOME": str(tmp_path / "home"),
        "PATH": f"{server.path}:{base['PATH']}",
        "ADSERVER_REDIS": "redis://127.0.0.1:1",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "user.name",
        "GIT_CONFIG_VALUE_0": "Ana Lopez",
        "GIT_CONFIG_KEY_1": "user.email",
        "GIT_CONFIG_VALUE_1": "ana@blog.example",
    }
    made = Repository(tmp_path / "repository", env)
    made.git("init", "--quiet", "--initial-branch", "main")
    return made


def run_job(clone: Repository, job: str, **said: str) -> tuple[int, str]:
    """Its steps, as GitHub runs them, up to the first that fails; what they said."""
    told = Path(clone.env["HOME"]) / "github.env"
    told.write_text("")
    env = clone.env | {
        "HOST": f"ssh://{HOST}",
        "HOST_KEYS": "ads-server ssh-ed25519 AAAA",
        "KEY": "a key",
        "GITHUB_ENV": str(told),
        "GITHUB_REPOSITORY": "comptoir/campaigns",
        "PULL_REQUEST": "7",
        "RUNNER_TEMP": str(Path(clone.env["HOME"]).parent / "temp"),
        **said,
    }
    text, code = "", 0
    for step in steps(job):
        always = "cancelled()" in step.get("if", "")
        by_hand = said.get("EXPECT") and "inputs.expect == ''" in step.get("if", "")
        if step["name"] in FAR or by_hand or (code and not always):
            continue
        line = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        env |= dict(line.split("=", 1) for line in told.read_text().splitlines())
        done = subprocess.run(
            line,
            cwd=clone.folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        text += done.stdout + done.stderr
        code = code or done.returncode
    return code, text


def test_the_workflow_is_one_and_runs_nothing_of_strangers() -> None:
    command = ["-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run(
        [sys.executable, *command, str(RECIPE)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    for job in recipe()["jobs"].values():
        assert [one["uses"] for one in job["steps"] if "uses" in one] == ["actions/checkout@v4"]
        # What a pull request says is never a part of a script.
        assert not [one["run"] for one in job["steps"] if "${{" in one.get("run", "")]


def test_a_pull_request_shows_its_plan_and_what_is_merged_goes_live(
    clone: Repository, server: Server
) -> None:
    needs("jq")
    first = clone.commit("The autumn", coffee=CAMPAIGN)
    code, said = run_job(clone, "plan")
    assert code == 0, said
    comment = (Path(clone.env["HOME"]) / "gh.said").read_text("utf-8")
    assert "pr comment 7 --repo comptoir/campaigns --edit-last --create-if-none" in comment
    assert "\n+ coffee\n" in comment
    assert server.live() is None
    # Nobody gets out of the fence with a name.
    (clone.folder / "config/images").mkdir()
    (clone.folder / "config/images/`````.png").symlink_to("nowhere")
    code, said = run_job(clone, "plan")
    assert code == 0, said
    comment = (Path(clone.env["HOME"]) / "gh.said").read_text("utf-8")
    assert (comment.count("\n``````diff\n"), comment.endswith("\n``````\n")) == (1, True)
    (clone.folder / "config/images/`````.png").unlink()
    code, said = run_job(clone, "apply")
    assert code == 0, said
    live = server.live()
    assert (live["commit"], live["message"]) == (first, "The autumn")
    assert live["author"].startswith("Ana Lopez@")
    second = clone.commit("Heavier", coffee=CAMPAIGN + "weight: 2\n")
    assert run_job(clone, "apply")[0] == 0
    assert server.live()["commit"] == second


def test_the_key_of_plans_makes_plans_whatever_it_is_asked(
    clone: Repository, server: Server
) -> None:
    clone.commit("The autumn", coffee=CAMPAIGN)
    code, said = run_job(clone, "plan", HOST=f"ssh://{PLANNING}")
    assert (code, "\n+ coffee\n" in said) == (0, True), said
    line = (server.program, "apply", "--yes", "--via", f"ssh://{PLANNING}")
    done = subprocess.run(line, cwd=clone.folder, env=clone.env, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"was asked for `adserver apply` and runs `adserver plan`" in done.stderr
    assert server.live() is None


def test_a_pull_request_with_a_mistake_fails_at_its_line(clone: Repository) -> None:
    clone.commit("Oh", coffee="tier: gold\n")
    code, said = run_job(clone, "plan")
    assert code == 1
    assert "::error file=config/campaigns/coffee.yaml,line=1" in said
    assert not (Path(clone.env["HOME"]) / "github.env").read_text()


def test_what_was_made_elsewhere_is_not_undone(clone: Repository, server: Server) -> None:
    needs("jq")
    clone.commit("The autumn", coffee=CAMPAIGN)
    assert run_job(clone, "apply")[0] == 0
    friday = write_folder(server.folder / "friday", coffee=CAMPAIGN + "weight: 9\n")
    assert server.adserver("apply", "--yes", "--config", friday).returncode == 0
    clone.commit("Monday", coffee=CAMPAIGN + "weight: 2\n")
    code, said = run_job(clone, "apply")
    assert code == 1
    assert "::error::Generation 2 was not made from this branch." in said
    assert server.live()["generation"] == 2
    code, said = run_job(clone, "apply", EXPECT="1")
    assert code == 4, said
    code, said = run_job(clone, "apply", EXPECT="2")
    assert code == 0, said
    assert server.live()["generation"] == 3


def bring_in(clone: Repository, server: Server) -> str:
    """What is live, as a commit: how the page says to come back; the commit."""
    done = server.adserver("export", "--overwrite", "--config", clone.folder / "config")
    assert done.returncode == 0, done.stderr
    clone.git("add", "--all")
    clone.git("commit", "--quiet", "--message", "What is live")
    return clone.git("rev-parse", "HEAD")


def test_what_was_gone_back_to_is_brought_in_and_later_merges_pass(
    clone: Repository, server: Server
) -> None:
    needs("jq")
    clone.commit("The autumn", coffee=CAMPAIGN)
    assert run_job(clone, "apply")[0] == 0
    clone.commit("Heavier", coffee=CAMPAIGN + "weight: 2\n")
    assert run_job(clone, "apply")[0] == 0
    assert server.adserver("rollback", "--yes").returncode == 0
    back = bring_in(clone, server)
    code, said = run_job(clone, "apply")
    assert code == 0, said
    live = server.live()
    assert (live["generation"], live["kind"], live["commit"]) == (3, "rollback", back)
    clone.commit("Heavier still", coffee=CAMPAIGN + "weight: 3\n")
    code, said = run_job(clone, "apply")
    assert code == 0, said
    assert server.live()["generation"] == 4


@pytest.fixture
def bare(server: Server, clone: Repository, tmp_path: Path) -> Path:
    """A repository on the server, with the hooks; the clone pushes to it."""
    folder = tmp_path / "campaigns.git"
    clone.git("init", "--quiet", "--bare", "--initial-branch", "main", str(folder))
    for name in ("pre-receive", "post-receive"):
        executable(folder / "hooks" / name, HOOK.read_text("utf-8"))
    clone.git("remote", "add", "origin", str(folder))
    return folder


def push(clone: Repository, server: Server) -> subprocess.CompletedProcess[str]:
    """Hooks run with the environment of the server."""
    kept = ("GIT_CONFIG", "HOME")
    env = server.env | {k: v for k, v in clone.env.items() if k.startswith(kept)}
    return Repository(clone.folder, env).try_git("push", "--quiet", "origin", "HEAD:main")


def test_a_push_goes_live_and_says_so(clone: Repository, server: Server, bare: Path) -> None:
    first = clone.commit("The autumn", coffee=CAMPAIGN)
    done = push(clone, server)
    assert done.returncode == 0, done.stderr
    assert "remote: + coffee" in done.stderr
    assert "remote: Generation 1 is live." in done.stderr
    live = server.live()
    assert (live["commit"], live["message"]) == (first, "The autumn")
    assert live["author"].startswith("Ana Lopez@")
    clone.commit("Heavier", coffee=CAMPAIGN + "weight: 2\n")
    assert push(clone, server).returncode == 0
    assert server.live()["generation"] == 2
    assert not (bare / "worktrees").exists() or not any((bare / "worktrees").iterdir())


def test_a_push_with_a_mistake_is_refused(clone: Repository, server: Server, bare: Path) -> None:
    clone.commit("Oh", coffee="tier: gold\n")
    done = push(clone, server)
    assert done.returncode != 0
    assert "config/campaigns/coffee.yaml:1:" in done.stderr
    assert "pre-receive hook declined" in done.stderr
    assert server.live() is None


def test_a_push_that_would_undo_something_is_refused(
    clone: Repository, server: Server, bare: Path
) -> None:
    clone.commit("The autumn", coffee=CAMPAIGN)
    assert push(clone, server).returncode == 0
    clone.commit("Heavier", coffee=CAMPAIGN + "weight: 2\n")
    assert push(clone, server).returncode == 0
    assert server.adserver("rollback", "--yes").returncode == 0
    clone.commit("Heavier still", coffee=CAMPAIGN + "weight: 3\n")
    done = push(clone, server)
    assert done.returncode != 0
    assert "Generation 3 was not made from this branch." in done.stderr
    assert server.live()["generation"] == 3


def test_what_was_gone_back_to_is_brought_in_and_later_pushes_pass(
    clone: Repository, server: Server, bare: Path
) -> None:
    clone.commit("The autumn", coffee=CAMPAIGN)
    assert push(clone, server).returncode == 0
    clone.commit("Heavier", coffee=CAMPAIGN + "weight: 2\n")
    assert push(clone, server).returncode == 0
    assert server.adserver("rollback", "--yes").returncode == 0
    back = bring_in(clone, server)
    done = push(clone, server)
    assert done.returncode == 0, done.stderr
    assert "Nothing to do" in done.stderr
    live = server.live()
    assert (live["generation"], live["commit"]) == (3, back)
    clone.commit("Heavier still", coffee=CAMPAIGN + "weight: 3\n")
    done = push(clone, server)
    assert done.returncode == 0, done.stderr
    assert server.live()["generation"] == 4


# A store that is away from the moment on at which something is to go live.
AWAY = """\
#!/bin/sh
[ "$1" != apply ] || [ -e "{folder}/there" ] || set -- "$@" --redis redis://127.0.0.1:1
exec {program} "$@"
"""


def test_what_was_pushed_and_did_not_go_live_is_told_with_the_way_to_it(
    clone: Repository, server: Server, bare: Path
) -> None:
    (server.folder / "bin/adserver").unlink()
    away = AWAY.format(folder=server.folder, program=server.program)
    executable(server.folder / "bin/adserver", away)
    first = clone.commit("The autumn", coffee=CAMPAIGN)
    done = push(clone, server)
    lines = [one.removeprefix("remote:").strip() for one in done.stderr.splitlines()]
    assert f"NOT LIVE: {first} is in refs/heads/main, but is not live" in done.stderr
    command = [one for one in lines if one][-1]
    assert command.startswith(f"cd '{bare}' && echo - {first} refs/heads/main | ")
    assert server.live() is None
    assert not (bare / "worktrees").exists() or not any((bare / "worktrees").iterdir())
    (server.folder / "there").touch()
    line = [needs("sh"), "-c", command]
    again = subprocess.run(line, env=server.env, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "NOT LIVE" not in again.stderr
    assert server.live()["commit"] == first


def test_what_an_archive_would_leave_out_is_looked_at_as_well(
    clone: Repository, server: Server, bare: Path
) -> None:
    (clone.folder / ".gitattributes").write_text("config/campaigns/tea.yaml export-ignore\n")
    clone.commit("Oh", coffee=CAMPAIGN, tea="tier: gold\n")
    done = push(clone, server)
    assert done.returncode != 0
    assert "config/campaigns/tea.yaml:1:" in done.stderr
    clone.commit("The autumn", tea=CAMPAIGN)
    done = push(clone, server)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("remote: + tea") == 2


def test_other_branches_are_nobodys_business_and_main_stays(
    clone: Repository, server: Server, bare: Path
) -> None:
    clone.commit("Draft", coffee="tier: gold\n")
    env = server.env | clone.env
    done = Repository(clone.folder, env).try_git("push", "--quiet", "origin", "HEAD:draft")
    assert done.returncode == 0, done.stderr
    clone.commit("The autumn", coffee=CAMPAIGN)
    assert push(clone, server).returncode == 0
    done = Repository(clone.folder, server.env).try_git("push", "--quiet", "origin", ":main")
    assert done.returncode != 0
    assert server.live()["generation"] == 1
