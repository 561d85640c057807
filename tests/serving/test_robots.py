"""Known robots: how many of a list that the rules were not made from, and nobody else."""

from __future__ import annotations

import json
import re
from importlib.metadata import distribution
from pathlib import Path

import pytest
import re2

from adserver.core.events import Kind
from adserver.core.invalid import Mode, Rule
from adserver.core.reasons import Discard
from adserver.core.ticket import Ticket
from adserver.serving.invalid import Invalid
from adserver.serving.robot_words import LEFT_OUT, PEOPLE, WORDS
from adserver.serving.robots import LIST, MAX_AGENT_BYTES, PACKAGE, Robots, known
from tests import agents

GOOGLE = b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
PHONE = (
    b"Mozilla/5.0 (Linux; Android 14; %b) AppleWebKit/537.36 (KHTML, like Gecko) "
    b"Chrome/142.0.0.0 Mobile Safari/537.36"
)
# What Matomo files under devices, and is a program on them.
PROGRAMS = re.compile(rb"^(?:WhatsApp|Wget|otg)/")


@pytest.fixture(scope="module")
def robots() -> Robots:
    return Robots()


@pytest.fixture(scope="module")
def kept(request: pytest.FixtureRequest) -> Path:
    cache = request.config.cache
    assert cache is not None
    return cache.mkdir("agents")


@pytest.fixture(scope="module")
def machines(kept: Path) -> list[bytes]:
    return agents.robots(kept)


@pytest.fixture(scope="module")
def devices(kept: Path) -> list[bytes]:
    return [one for one in agents.devices(kept) if not PROGRAMS.search(one)]


def test_nine_in_ten_robots_of_another_projects_list_are_known(
    robots: Robots, machines: list[bytes], record_property
) -> None:
    assert len(machines) > 1_000
    caught = sum(map(robots.is_robot, machines)) / len(machines)
    record_property("robots caught", round(caught, 4))
    assert caught >= 0.90


def test_with_the_rule_off_none_of_them_is_discarded(robots: Robots, machines: list[bytes]) -> None:
    """The control of the number above, as a beacon would be judged."""
    ticket = Ticket(1, 1, 1, 1, 1, 1, 0, 1, 1, 0)

    def discarded(invalid: Invalid) -> float:
        scopes = ({"headers": [(b"user-agent", one)]} for one in machines)
        judged = [invalid.judge(scope, ticket, Kind.IMPRESSION).discard for scope in scopes]
        return judged.count(Discard.BOT) / len(judged)

    assert discarded(Invalid({Rule.ROBOTS: Mode.OFF}, robots=robots)) == 0.0
    assert discarded(Invalid(robots=robots)) >= 0.90


def test_the_list_alone_would_not_do(machines: list[bytes]) -> None:
    """The control of the words: four in ten of these robots are not on it."""
    listed = re2.compile("|".join(f"(?:{one['pattern']})" for one in known()))
    caught = sum(bool(listed.search(one.decode("latin-1"))) for one in machines)
    assert caught / len(machines) < 0.7


def test_nobody_who_reads_with_a_browser_of_today_is_taken_for_one(
    robots: Robots, kept: Path
) -> None:
    people = agents.browsers(kept)
    assert len(people) >= 500
    assert [one for one in people if robots.is_robot(one)] == []


def test_nobody_is_for_the_phone_television_console_or_car_that_they_have(
    robots: Robots, devices: list[bytes]
) -> None:
    assert len(devices) > 30_000
    assert [one for one in devices if robots.looks_like_one(one)] == []


def test_rules_that_are_not_as_careful_lose_people(robots: Robots, devices: list[bytes]) -> None:
    """The control: among these agents are those by which a bad rule can be told."""
    assert sum(b"bot" in one.lower() for one in devices) > 50, "a rule that looks for `bot`"
    assert sum(robots._match(one) is not None for one in devices) > 50, "ours without PEOPLE"


@pytest.mark.parametrize(
    "agent",
    [
        GOOGLE,
        b"curl/8.5.0",
        b"python-requests/2.32.3",
        b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        b"HeadlessChrome/142.0.0.0 Safari/537.36",
        b"SomethingNew-Crawler/0.1 (+https://new.example/about)",
        b"nobody-has-seen-this-bot",
        b"PostmanRuntime/7.36.1",
        b"insomnia/8.4",
        b"ApacheBench/2.3",
        b"kube-probe/1.27",
        b"Prometheus/2.48",
        b"NewRelicPinger/1.0",
        b"Bluesky Cardyb/1.1",
        b"lua-resty-http/0.17 (Lua) ngx_lua/10026",
        b"gobuster/3.6",
        b"Zombie.js/6",
        b"Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041",
        b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        b"Chrome/142.0.0.0 Safari/537.36 Rendertron",
        b"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, "
        b"like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; "
        b"+http://www.google.com/bot.html)",
    ],
)
def test_robots_are_known_by_list_and_by_word(robots: Robots, agent: bytes) -> None:
    assert robots.is_robot(agent)
    assert robots.is_robot(agent), "the second time from memory"


@pytest.mark.parametrize(
    "agent",
    [
        b"",
        PHONE % b"CUBOT NOTE 50",
        PHONE % b"Spider 8",
        PHONE % b"M bot 54 Build/NRD90M",
        PHONE % b"ViewSonic V500 Build/KVT49L",
        PHONE % b"RMX6688 Build/AP3A.240617.008",
        b"Lynx/2.9.0 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.8.3",
        b"w3m/0.5.3+git20230121",
        b"Links (2.29; Linux 6.1.0 x86_64; GNU C 12.2; text)",
        b"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
        b"Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/537.0;FBCR/Vodafone.de;FBLC/de_DE]",
        b"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
        b"Gecko) Version/18.0 Mobile/15E148 Safari/605.1 NAVER(inapp; search; 2000; 12.3; 15PRO)",
        b"Mozilla/5.0 (PlayStation 5/SmartTV) AppleWebKit/605.1.15 (KHTML, like Gecko)",
        b"Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
        b"Mozilla/5.0",
    ],
)
def test_people_are_not(robots: Robots, agent: bytes) -> None:
    assert not robots.is_robot(agent)


def test_what_is_behind_the_limit_is_not_read(robots: Robots) -> None:
    long = b"Mozilla/5.0 (X11; Linux x86_64) ".ljust(MAX_AGENT_BYTES, b"x")
    assert not robots.is_robot(long + b" Googlebot/2.1")
    assert robots.is_robot(long[: -len(GOOGLE)] + GOOGLE)


def test_crawlers_are_on_the_list_and_ask_on_behalf_of_nobody(robots: Robots) -> None:
    assert robots.is_crawler(GOOGLE)
    assert not robots.is_crawler(b"python-requests/2.32.3"), "a publisher's own server"
    assert not robots.is_crawler(b"WordPress/6.8; https://blog.example"), "the same"
    assert not robots.is_crawler(b"nobody-has-seen-this-bot")
    assert not robots.is_crawler(PHONE % b"CUBOT NOTE 50")


def test_robots_are_still_known_after_agents_that_are_made_to_take_long(robots: Robots) -> None:
    for piece in (b"(linux;" + b"android " * 200, b"compatible; " * 90, bytes(range(256)) * 4):
        assert isinstance(robots.is_robot(piece), bool)
    assert robots.is_robot(GOOGLE + b" ")


def test_what_is_left_out_of_the_list_is_still_on_it() -> None:
    path = Path(str(distribution(PACKAGE).locate_file(LIST)))
    assert {one["pattern"] for one in json.loads(path.read_text("utf-8"))} >= LEFT_OUT


def test_every_pattern_is_one_that_re2_reads() -> None:
    """RE2 has nothing that would take longer than the length of what it reads."""
    for pattern in (*(one["pattern"] for one in known()), *WORDS, *PEOPLE):
        re2.compile(pattern)
    for pattern in (r"(a)\1", "(?=a)"):
        with pytest.raises(re2.error):
            re2.compile(pattern)
