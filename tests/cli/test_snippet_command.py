"""`adserver snippet` prints text to paste for a slot of the folder."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from click.testing import Result

from adserver.publishing.snippet import TARGETS
from tests.cli.command import CAMPAIGN, adserver, write_folder


def asked(folder: Path, *words: str) -> Result:
    return adserver("snippet", *words, "--config", folder)


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_has_its_text(tmp_path, target):
    result = asked(write_folder(tmp_path), "post-top", "--for", target)
    assert result.exit_code == 0
    assert "post-top" in result.stdout


def test_the_public_address_of_the_command_line_wins_over_that_of_the_site(tmp_path):
    folder = write_folder(tmp_path)
    with (folder / "site.yaml").open("a", encoding="utf-8") as site:
        site.write("server: https://ads.blog.example\n")
    assert "https://ads.blog.example/tag.js" in asked(folder, "post-top", "--for", "html").stdout
    words = ("post-top", "--for", "html", "--public-url", "https://cdn.example")
    assert "https://cdn.example/tag.js" in asked(folder, *words).stdout


def test_servers_without_a_public_address_reach_the_port_that_is_served(tmp_path):
    words = ("post-top", "--for", "wordpress", "--port", "9090")
    assert "http://127.0.0.1:9090" in asked(write_folder(tmp_path), *words).stdout


def test_an_unknown_slot_is_told_with_the_nearest(tmp_path):
    result = asked(write_folder(tmp_path), "post-tpo", "--for", "html")
    assert result.exit_code == 1
    assert "Did you mean 'post-top'?" in result.stderr


def test_a_campaign_with_errors_is_no_obstacle_but_broken_slots_are(tmp_path):
    folder = write_folder(tmp_path, brulerie=CAMPAIGN.replace("tier", "teir"))
    assert asked(folder, "post-top", "--for", "html").exit_code == 0
    (folder / "slots.yaml").write_text("post-top: {}\n", encoding="utf-8")
    result = asked(folder, "post-top", "--for", "html")
    assert result.exit_code == 1
    assert "slots.yaml:1" in result.stderr


def test_a_target_must_be_named_and_known(tmp_path):
    folder = write_folder(tmp_path)
    assert asked(folder, "post-top").exit_code == 2
    assert asked(folder, "post-top", "--for", "drupal").exit_code == 2


def test_what_is_no_public_address_is_a_matter_of_usage(tmp_path):
    words = ("post-top", "--for", "html", "--public-url", "ads.example")
    assert asked(write_folder(tmp_path), *words).exit_code == 2


def test_json_holds_the_text(tmp_path):
    result = asked(write_folder(tmp_path), "post-top", "--for", "html", "--format", "json")
    answer = orjson.loads(result.stdout)
    assert (answer["slot"], answer["for"]) == ("post-top", "html")
    assert "tag.js" in answer["snippet"]
