"""The hook for a repository of one's own, as it stands in config/ci: real pushes are received."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.command import CAMPAIGN
from tests.docs.git_server import Repository, Server, bring_in, executable
from tests.docs.pages import ROOT
from tests.programs import needs

HOOK = ROOT / "config/ci/git-hook"


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


def test_a_subject_that_is_not_a_line_of_text_goes_live(
    clone: Repository, server: Server, bare: Path
) -> None:
    clone.commit("\ufeffThe\tautumn\u202e\n\nand why", coffee=CAMPAIGN)
    done = push(clone, server)
    assert (done.returncode, "NOT LIVE" in done.stderr) == (0, False), done.stderr
    assert server.live()["message"] == "The autumn\\u202e"


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
