"""The example proxy: nginx accepts it, and pages get their ads, or come without them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from tests.programs import needs
from tests.stand_in import AdServer, Answer, Server, free_port

EXAMPLE = Path(__file__).parents[2] / "config" / "nginx" / "adserver.conf"
PATIENCE_SECONDS = 20
PAGE = b'<p>Before</p><!--# include virtual="/_slot/post-top?section=tech&lang=fr" --><p>After</p>'
AD = b'<aside data-slot="post-top" data-campaign="coffee">Coffee</aside>'

MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type text/html;
    include {folder}/adserver.conf;
}}
"""


def configure(folder: Path, example: str) -> list[str]:
    """The command that runs nginx with the example, in a folder of its own."""
    (folder / "adserver.conf").write_text(example)
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
    return [needs("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]


def test_nginx_accepts_the_example(tmp_path: Path) -> None:
    command = [*configure(tmp_path, EXAMPLE.read_text("utf-8")), "-t"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def proxied(folder: Path, site: Server, ads: str) -> Iterator[str]:
    """The proxy's address, before a site and an ad server at `ads` (host:port)."""
    port = free_port()
    example = EXAMPLE.read_text("utf-8")
    for old, new in (
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("server 127.0.0.1:8080;", f"server {ads};"),
        ("server 127.0.0.1:3000;", f"server {site.origin.removeprefix('http://')};"),
    ):
        assert example.count(old) == 1, old
        example = example.replace(old, new)
    process = subprocess.Popen(configure(folder, example), stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        until_open(address)
        yield address
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def until_open(address: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            get(address + "/favicon.ico")
        except HTTPError:
            return
        except (URLError, ConnectionError):
            assert time.monotonic() < end, "nginx did not start"


def get(address: str, **headers: str) -> bytes:
    request = Request(address, headers={"Host": "www.example.org", **headers})
    with urlopen(request, timeout=PATIENCE_SECONDS) as answer:
        body: bytes = answer.read()
        return body


@pytest.fixture
def blog() -> Iterator[Server]:
    site = Server()
    site.pages["/articles/one"] = Answer(PAGE)
    with site.running():
        yield site


@pytest.fixture
def ads() -> Iterator[AdServer]:
    ads = AdServer()
    ads.pages["/slots/post-top"] = Answer(AD)
    with ads.running():
        yield ads


def test_a_page_gets_its_ad_on_the_way(tmp_path: Path, blog: Server, ads: AdServer) -> None:
    with proxied(tmp_path, blog, ads.origin.removeprefix("http://")) as address:
        page = get(
            address + "/articles/one?utm=x",
            Referer="https://elsewhere.example/",
            Cookie="session=1",
            **{"User-Agent": "Phone Mobi", "Accept-Language": "fr"},
        )
    assert page == b"<p>Before</p>" + AD + b"<p>After</p>"
    (call,) = ads.called("/slots/")
    assert call.query == {"section": ["tech"], "lang": ["fr"]}
    assert call.headers["referer"] == "http://www.example.org/articles/one?utm=x"
    assert call.headers["user-agent"] == "Phone Mobi"
    assert call.headers["accept-language"] == "fr"
    assert "cookie" not in call.headers
    assert blog.called("/articles/")[0].headers["cookie"] == "session=1"


FORGED = {
    "X-Forwarded-For": "203.0.113.9",
    "CF-IPCountry": "FR",
}


def test_readers_do_not_say_where_they_are(tmp_path: Path, blog: Server, ads: AdServer) -> None:
    with proxied(tmp_path, blog, ads.origin.removeprefix("http://")) as address:
        get(address + "/articles/one", **FORGED)
        get(address + "/ads/decisions?slots=post-top", **FORGED)
    assert [call.path for call in ads.calls] == ["/slots/post-top", "/decisions"]
    for call in ads.calls:
        assert call.headers["x-forwarded-for"] == "127.0.0.1"
        assert "cf-ipcountry" not in call.headers


def test_every_place_that_asks_the_ad_server_says_where_the_reader_is() -> None:
    asking = [
        one.partition("}")[0]
        for one in EXAMPLE.read_text("utf-8").split("location ")
        if "proxy_pass http://adserver/" in one
    ]
    assert len(asking) == 2
    for one in asking:
        assert "proxy_set_header X-Forwarded-For $remote_addr;" in one
        assert 'proxy_set_header CF-IPCountry "";' in one


# All that servers answer with. A 304 has no text; a 408 that is intercepted costs the page.
NEVER_PASTED = [
    *range(300, 304), 305, 307, 308, *range(400, 408), *range(409, 419), *range(421, 427), 428, 429,
    431, 451, *range(500, 509), 510, 511, *range(520, 528), 530,
]  # fmt: skip


@pytest.mark.parametrize("status", NEVER_PASTED)
def test_every_answer_but_an_ad_is_left_out(pages_of: tuple[str, AdServer], status: int) -> None:
    address, ads = pages_of
    ads.pages["/slots/post-top"] = Answer(b'{"error": "no", "hint": "none"}', status=status)
    assert get(address + "/articles/one") == b"<p>Before</p><p>After</p>"


def test_control_what_is_answered_with_200_is_not(pages_of: tuple[str, AdServer]) -> None:
    address, ads = pages_of
    ads.pages["/slots/post-top"] = Answer(AD)
    assert get(address + "/articles/one") == b"<p>Before</p>" + AD + b"<p>After</p>"


@pytest.fixture(scope="module")
def pages_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, AdServer]]:
    """One proxy before one blog and one ad server, which a test may change."""
    site, ads = Server(), AdServer()
    site.pages["/articles/one"] = Answer(PAGE)
    with (
        site.running(),
        ads.running(),
        proxied(
            tmp_path_factory.mktemp("nginx"), site, ads.origin.removeprefix("http://")
        ) as address,
    ):
        yield address, ads


@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_page_comes_without_an_ad_that_there_is_not(
    tmp_path: Path, blog: Server, ads: AdServer, status: int
) -> None:
    ads.pages["/slots/post-top"] = Answer(b"Something went wrong", status=status)
    with proxied(tmp_path, blog, ads.origin.removeprefix("http://")) as address:
        assert get(address + "/articles/one") == b"<p>Before</p><p>After</p>"


def test_a_page_comes_without_ads_while_the_ad_server_is_away(tmp_path: Path, blog: Server) -> None:
    with proxied(tmp_path, blog, f"127.0.0.1:{free_port()}") as address:
        assert get(address + "/articles/one") == b"<p>Before</p><p>After</p>"


def test_everything_else_of_the_ad_server_is_below_its_prefix(
    tmp_path: Path, blog: Server, ads: AdServer
) -> None:
    with proxied(tmp_path, blog, ads.origin.removeprefix("http://")) as address:
        get(address + "/ads/decisions?slots=post-top", Cookie="session=1")
        assert get(address + "/_slot/post-top") == b""
    (call,) = ads.calls
    assert call.path == "/decisions"
    assert "cookie" not in call.headers
