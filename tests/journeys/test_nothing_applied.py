"""A server that was started before the first `apply`: up, empty, and saying what it waits for."""

from __future__ import annotations

from pathlib import Path

from tests.journeys.small_blog import campaign, write_blog
from tests.servers import adserver_running, until


def test_before_the_first_apply_slots_are_empty_and_the_log_says_why(tmp_path: Path) -> None:
    config = write_blog(tmp_path / "config", ["top"], {"coffee": campaign("top")})
    with adserver_running(config, tmp_path, apply=False) as ads:
        empty = ads.get("/slots/top")
        assert (empty.status_code, empty.content) == (200, b"")
        assert empty.headers["x-ad-decision"] == "empty; reason=no_campaign"
        assert ads.client.get(f"{ads.admin}/readyz").status_code == 503
        assert "nothing_to_serve" in ads.log
        applied = ads.cli("apply", "--yes")
        assert applied.returncode == 0, applied.stderr
        until(lambda: "fill; campaign=coffee" in ads.get("/slots/top").headers["x-ad-decision"])
        until(lambda: ads.client.get(f"{ads.admin}/readyz").status_code == 200)
