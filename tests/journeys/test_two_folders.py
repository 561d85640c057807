"""Two people's folders and one store: who is slower is told; and a campaign gets another name while
its ads are on pages."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.journeys.figures import report
from tests.journeys.small_blog import campaign, write_blog, write_campaign
from tests.servers import adserver_running, command_line, own_environment, run_command, until

pytestmark = pytest.mark.usefixtures("unmeasured")


def test_of_two_who_apply_at_the_same_time_one_wins_and_one_is_told(
    tmp_path: Path, warm: Path
) -> None:
    ana = write_blog(tmp_path / "ana", ["top"], {"coffee": campaign("top")})
    bob = tmp_path / "bob"
    shutil.copytree(ana, bob)
    env = own_environment(ana, tmp_path, {"ADSERVER_REDIS": f"embedded:{tmp_path / 'var'}"})

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return run_command(tmp_path, env, *words, program=[warm])

    try:
        assert run("apply", "--yes", "-m", "first").returncode == 0
        assert run("plan", "--config", bob).returncode == 0
        for folder, weight in ((ana, 2), (bob, 3)):
            write_campaign(folder, "coffee", campaign("top", weight=weight))
        racing = {
            folder: subprocess.Popen(
                command_line("apply", "--yes", "-m", folder.name, "--config", folder),
                cwd=tmp_path,
                env={**env, "GIT_AUTHOR_NAME": folder.name},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for folder in (ana, bob)
        }
        said = {folder: (one.communicate(timeout=60)[1], one) for folder, one in racing.items()}
        codes = {folder: one.returncode for folder, (_, one) in said.items()}
        assert sorted(codes.values()) == [0, 4], said
        (winner,) = (folder for folder, code in codes.items() if code == 0)
        (loser,) = (folder for folder, code in codes.items() if code == 4)
        told = said[loser][0]
        assert f"Generation 2 is by {winner.name}@" in told
        assert f": {winner.name}" in told.splitlines()[1]
        again = run("apply", "--yes", "--config", loser)
        assert again.returncode == 4
        assert "weight" in run("plan", "--config", loser).stdout
        assert run("apply", "--yes", "--config", loser).returncode == 0
    finally:
        run("store", "stop")


@pytest.mark.timeout(180)
def test_a_renamed_campaign_goes_on_counting_and_its_old_name_begins_anew(
    tmp_path: Path, warm: Path
) -> None:
    config = write_blog(tmp_path / "config", ["top"], {"coffee": campaign("top")})
    with adserver_running(config, tmp_path, commands=[warm]) as ads:

        def shown() -> dict[str, str]:
            decision: dict[str, str] = ads.get("/decisions?slots=top").json()["decisions"][0]
            return decision

        def counted() -> dict[str, int]:
            return {one["campaign"]: one["impressions"] for one in report(ads)["rows"]}

        on_page, before = shown(), shown()
        ads.get(before["impression_url"])
        until(lambda: counted() == {"coffee": 1})
        (config / "campaigns" / "coffee.yaml").unlink()
        write_campaign(config, "tea", campaign("top", renamed_from="coffee"))
        planned = json.loads(ads.cli("plan", "--format", "json").stdout)
        assert planned["renamed"] == [{"from": "coffee", "to": "tea"}]
        assert ads.cli("apply", "--yes", "--wait").returncode == 0
        assert counted() == {"tea": 1}
        answer = ads.get(on_page["impression_url"])
        assert answer.headers["x-ad-event"] == "accepted"
        after = shown()
        assert after["campaign"] == "tea"
        ads.get(after["impression_url"])
        until(lambda: counted() == {"tea": 3})
        assert "Nothing to do" in ads.cli("plan").stdout
        write_campaign(config, "tea", campaign("top", renamed_from="coffee", state="paused"))
        write_campaign(config, "coffee", campaign("top"))
        assert ads.cli("apply", "--yes", "--wait").returncode == 0
        new = shown()
        assert new["campaign"] == "coffee"
        ads.get(new["impression_url"])
        until(lambda: counted() == {"coffee": 1, "tea": 3})
