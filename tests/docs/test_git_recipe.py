"""The recipe for GitHub, as it stands in config/ci: its very steps are run, on a repository,
an sshd and a store that are real. Only GitHub itself is played."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.cli.command import CAMPAIGN, write_folder
from tests.docs.git_server import Repository, Server, bring_in
from tests.docs.pages import ROOT
from tests.programs import needs
from tests.servers import PATIENCE_SECONDS
from tests.ssh_server import HOST, PLANNING

RECIPE = ROOT / "config/ci/github.yml"
FAR = {"Install"}  # of another network than ours


def recipe() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(RECIPE.read_text("utf-8"))
    return found


def steps(job: str) -> list[dict[str, Any]]:
    return [one for one in recipe()["jobs"][job]["steps"] if "run" in one]


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
    second = clone.commit("\ufeffMuch\theavier", coffee=CAMPAIGN + "weight: 2\n")
    assert run_job(clone, "apply")[0] == 0
    assert (server.live()["commit"], server.live()["message"]) == (second, "Much heavier")


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
