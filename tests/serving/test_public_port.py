"""What holds for every address of the public port, on a real server."""

from __future__ import annotations

import re
import socket
from urllib.parse import urlsplit

import httpx
import pytest

from tests.servers import Running, until
from tests.serving.tickets import decided, said, ticket

# Always


def every_kind_of_answer(ads: Running) -> list[tuple[str, str]]:
    one = ticket(ads)
    return [
        ("GET", "/slots/words"),
        ("GET", "/slots/unsold"),
        ("GET", "/slots/absent"),
        ("GET", "/decisions?slots=words"),
        ("GET", "/decisions"),
        ("GET", f"/i/{one}"),
        ("POST", f"/v/{one}"),
        ("GET", f"/c/{one}"),
        ("GET", "/i/nonsense"),
        ("GET", f"/h/{ticket(ads, 'rich')}"),
        ("GET", "/frame/words"),
    ]


def test_decisions_and_events_are_never_stored(ads: Running) -> None:
    for method, path in every_kind_of_answer(ads):
        assert ads.request(method, path).headers["cache-control"] == "no-store", path


def test_any_page_may_ask_without_credentials_and_read_the_headers(ads: Running) -> None:
    files = [("GET", "/slots.css"), ("GET", "/tag.js"), ("GET", "/assets/x/y")]
    for method, path in [*every_kind_of_answer(ads), *files]:
        headers = ads.request(method, path, headers={"origin": "https://blog.example"}).headers
        assert headers["access-control-allow-origin"] == "*", path
        assert headers["access-control-expose-headers"] == "X-Ad-Decision, X-Ad-Event", path
        assert "access-control-allow-credentials" not in headers
        assert "set-cookie" not in headers


@pytest.mark.parametrize("path", ["/decisions", "/slots/words", "/i/x", "/tag.js"])
def test_a_browser_may_ask_whether_it_may_ask(ads: Running, path: str) -> None:
    asked = {"origin": "https://blog.example", "access-control-request-method": "POST"}
    answer = ads.request("OPTIONS", path, headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "Content-Type"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/slots/words", "GET, HEAD"),
        ("POST", "/c/x", "GET, HEAD"),
        ("DELETE", "/i/x", "GET, HEAD, POST"),
        ("PUT", "/decisions", "GET, HEAD, POST"),
    ],
)
def test_another_method_is_told_which_it_may_be(
    ads: Running, method: str, path: str, allowed: str
) -> None:
    answer = ads.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize("path", ["/slots/words", "/frame/words", "/tag.js", "/slots.css"])
def test_head_answers_as_get_would_without_the_body(ads: Running, path: str) -> None:
    looked, read = ads.request("HEAD", path), ads.get(path)
    assert looked.status_code == 200
    assert looked.content == b""
    assert looked.headers["content-length"] == read.headers["content-length"]


def test_elsewhere_there_is_nothing(ads: Running) -> None:
    for path in ("/", "/admin", "/metrics", "/readyz", "/slots", "/favicon.ico"):
        assert ads.get(path).status_code in {400, 404}, path


def raw_status(ads: Running, target: bytes, *headers: bytes) -> int:
    """The status of a request that no client library would send."""
    address = urlsplit(ads.public)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        lines = [b"GET " + target + b" HTTP/1.1", b"Host: h", b"Connection: close", *headers]
        connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
        first = connection.makefile("rb").readline()
    return int(first.split()[1])


HOSTILE = [
    b"/slots/" + b"x" * 20_000,
    b"/slots/words?" + b"a=b&" * 5_000,
    b"/slots/words?" + b"&".join(b"p%d=1" % n for n in range(65)),
    b"/slots/words?url=%00%ff%fe&lang[]=fr&lang[a]=b&=&&;",
    b"/slots/words?url=https://[::1&device=%f0%9f%92%a9",
    b"/slots/words?exclude=" + b"," * 4_000,
    b"/slots/%2e%2e/%2e%2e/etc/passwd",
    b"/slots/../../etc/passwd",
    b"/slots/%00",
    b"/slots/%ff%fe",
    b"/slots/%0d%0aSet-Cookie:%20a=b",
    b"/slots/\xc3\xa9",
    b"/frame/%3Cscript%3E",
    b"/decisions?slots=" + b"%2C" * 1_000,
    b"/decisions?slots=%ff,%00,words",
    b"/assets/%2e%2e%2f%2e%2e/x",
    b"/assets/" + b"a" * 32,
    b"/i/" + b"A" * 56,
    b"/c/" + b"-" * 56,
    b"/h/%2F%2F",
    b"//slots//words",
    b"/%",
    b"*",
    b"http://evil.example/slots/words",
    b"/slots.css?" + b"\x7f",
]


@pytest.mark.parametrize("target", HOSTILE, ids=lambda target: ascii(target[:40]))
def test_nothing_that_a_page_can_send_is_an_error_of_ours(ads: Running, target: bytes) -> None:
    assert raw_status(ads, target) < 500


@pytest.mark.parametrize(
    "header",
    [
        b"Referer: \xff\xfe",
        b"Referer: https://[",
        b"User-Agent: " + b"x" * 8_000,
        b"Accept-Language: ;q=,,;q=nan,\xe9",
        b"Sec-Purpose: \x80",
        b"If-None-Match: \xff",
        b"Host: evil.example",
        b"X-Forwarded-For: 127.0.0.1",
    ],
    ids=ascii,
)
def test_no_header_is_an_error_of_ours(ads: Running, header: bytes) -> None:
    for target in (b"/slots/words", b"/decisions?slots=words", b"/slots.css"):
        assert raw_status(ads, target, header) in {200, 400}


def test_nothing_of_all_that_was_a_defect(ads: Running) -> None:
    """Whatever the other tests of this file have sent."""
    assert ads.get("/slots/picture").status_code == 200  # it may be the first of them
    until(lambda: 'route="/slots"' in ads.metrics())
    assert not re.search(r'http_requests_total{code="5', ads.metrics())
    assert "Traceback" not in ads.log


# Addresses


def test_without_a_public_address_every_one_is_relative_to_the_root(ads: Running) -> None:
    html = ads.get("/slots/picture", headers={"host": "evil.example"}).text
    assert "evil" not in html
    addresses = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert addresses
    assert all(address.startswith("/") for address in addresses)


def test_with_a_public_address_every_one_begins_with_it(behind_proxy: Running) -> None:
    html = behind_proxy.get("/slots/picture").text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert addresses
    assert all(address.startswith("https://www.example/ads/") for address in addresses)
    [one] = decided(behind_proxy.get("/decisions?slots=words"))
    assert one["click_url"].startswith("https://www.example/ads/c/")


def test_a_proxy_may_pass_the_path_of_the_public_address_on_or_strip_it(
    behind_proxy: Running,
) -> None:
    for prefix in ("", "/ads"):
        assert behind_proxy.get(f"{prefix}/slots/words").status_code == 200
        one = ticket(behind_proxy)
        assert said(behind_proxy.get(f"{prefix}/i/{one}")) == "accepted"
    assert behind_proxy.get("/adslots/words").status_code == 404
    assert behind_proxy.get("/ads").status_code == 404


# Before any apply, and on the admin port


def test_before_any_apply_it_is_up_and_not_ready_and_the_first_one_changes_that(
    unapplied: Running,
) -> None:
    answer = unapplied.get("/slots/words")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["x-ad-decision"] == "empty; reason=no_campaign"
    assert httpx.get(f"{unapplied.admin}/livez").status_code == 200
    ready = httpx.get(f"{unapplied.admin}/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)

    assert unapplied.cli("apply", "--yes").returncode == 0
    until(lambda: unapplied.get("/slots/words").headers["x-ad-decision"].startswith("fill"), 2.0)
    until(lambda: httpx.get(f"{unapplied.admin}/readyz").status_code == 200)


def test_it_is_ready_with_what_it_serves(ads: Running) -> None:
    ready = httpx.get(f"{ads.admin}/readyz")
    assert ready.status_code == 200
    assert ready.json() == {"ready": True, "generation": 1, "store": "up", "workers": 1}
