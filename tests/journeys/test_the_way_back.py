"""What was live is live again on a node that serves: by a rollback, or of a lost folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.figures import report
from tests.journeys.small_blog import campaign, write_blog, write_campaign
from tests.publishing.campaign_folder import draw
from tests.servers import Running, adserver_running, until

pytestmark = pytest.mark.usefixtures("unmeasured")

DEMO = Path(__file__).parents[2] / "config"
PICTURE = "images/b-728x90.png"


def coffee(creative: str, **changes: Any) -> dict[str, Any]:
    return campaign("top", creatives=[{"id": creative, "text": {"headline": "Café"}}], **changes)


@pytest.fixture
def ads(tmp_path: Path, warm: Path) -> Iterator[Running]:
    config = write_blog(tmp_path / "config", ["top"], {"coffee": coffee("first")})
    with adserver_running(config, tmp_path, "--workers", "2", commands=[warm]) as ads:
        yield ads


def config_of(ads: Running) -> Path:
    return Path(ads.env["ADSERVER_CONFIG"])


def run(ads: Running, *words: str | Path) -> str:
    done = ads.cli(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def read_one(ads: Running) -> str:
    """A reader sees an ad; which creative."""
    answer = ads.get("/decisions?slots=top").json()["decisions"][0]
    assert ads.get(answer["impression_url"]).headers["x-ad-event"] == "accepted"
    return str(answer["creative"])


def impressions(ads: Running) -> list[int]:
    return [row["impressions"] for row in report(ads, "--by", "creative")["rows"]]


def test_a_rollback_is_served_and_its_counts_go_on(ads: Running) -> None:
    assert {read_one(ads) for _ in range(3)} == {"first"}
    write_campaign(config_of(ads), "coffee", coffee("second"))
    run(ads, "apply", "--yes", "--wait")
    old = ads.get("/decisions?slots=top").json()["decisions"][0]
    assert {read_one(ads) for _ in range(2)} == {"second"}
    said = run(ads, "rollback", "--yes", "--wait", "-m", "Friday night")
    assert "Generation 3 is live." in said
    assert "adserver export" in said
    assert {read_one(ads) for _ in range(4)} == {"first"}
    # What is on a page counts, and leads on, also when its campaign says something else by now.
    assert ads.get(old["impression_url"]).headers["x-ad-event"] == "accepted"
    assert ads.get(old["click_url"]).status_code == 302
    until(lambda: sorted(impressions(ads)) == [3, 7])
    history = json.loads(run(ads, "history", "--format", "json"))["generations"]
    assert [one["kind"] for one in history] == ["rollback", "apply", "apply"]
    assert history[0]["of"] == 1
    assert history[0]["message"] == "Friday night"


def test_after_a_rollback_the_folder_is_brought_back_by_an_export(ads: Running) -> None:
    config = config_of(ads)
    write_campaign(config, "coffee", coffee("second"))
    (config / "notes.txt").write_text("mine")
    run(ads, "apply", "--yes")
    run(ads, "rollback", "--yes")
    refused = ads.cli("export")
    assert refused.returncode == 1
    assert "campaigns/coffee.yaml differs" in refused.stderr
    run(ads, "export", "--overwrite")
    assert "first" in (config / "campaigns/coffee.yaml").read_text("utf-8")
    assert (config / "notes.txt").exists()
    assert "Nothing to do" in run(ads, "plan")


def test_a_folder_that_was_lost_is_brought_back_whole(ads: Running, tmp_path: Path) -> None:
    config = config_of(ads)
    (config / "images").mkdir()
    (config / PICTURE).write_bytes(draw(728, 90))
    banner = [{"id": "banner", "alt": "Café", "images": [PICTURE]}]
    write_campaign(config, "tea", campaign("top", creatives=banner))
    path = config / "campaigns/tea.yaml"
    path.write_text(f"# What Ana has agreed on, with é and ☕\n{path.read_text('utf-8')}", "utf-8")
    run(ads, "apply", "--yes", "--wait")
    before = {
        str(one.relative_to(config)): one.read_bytes()
        for one in config.rglob("*")
        if one.is_file() and ".adserver" not in one.parts
    }
    shutil.rmtree(config)
    run(ads, "export")
    after = {
        str(one.relative_to(config)): one.read_bytes()
        for one in config.rglob("*")
        if one.is_file() and ".adserver" not in one.parts
    }
    assert after == before
    assert "Nothing to do" in run(ads, "plan")


def test_a_campaign_that_was_renamed_has_its_old_name_and_its_counts_again(ads: Running) -> None:
    config = config_of(ads)
    assert read_one(ads) == read_one(ads) == "first"
    until(lambda: impressions(ads) == [2])
    (config / "campaigns/coffee.yaml").unlink()
    write_campaign(config, "roastery", coffee("first", renamed_from="coffee"))
    run(ads, "apply", "--yes", "--wait")
    assert read_one(ads) == "first"
    said = run(ads, "rollback", "--yes", "--wait")
    assert "> coffee (was roastery" in said
    assert read_one(ads) == "first"
    until(lambda: impressions(ads) == [4])
    [row] = report(ads, "--by", "campaign")["rows"]
    assert (row["campaign"], row["impressions"]) == ("coffee", 4)


def test_what_the_demonstration_has_applied_is_exported_as_it_is_served(
    tmp_path: Path, warm: Path
) -> None:
    (tmp_path / "demo").mkdir()
    with adserver_running(DEMO, tmp_path / "demo", command="demo", commands=[warm]) as demo:
        out = tmp_path / "out"
        run(demo, "export", out)
        assert demo.public in (out / "site.yaml").read_text("utf-8")
        assert "Nothing to do" in run(demo, "plan", "--config", out)
        [first] = json.loads(run(demo, "history", "--format", "json"))["generations"]
        assert (first["kind"], first["author"]) == ("demo", "demo")
