"""Hostile creatives in a real browser: none reaches the page that it stands in, its host, or what
the page keeps in its reader's browser. Each attack has its control: the same document, unlocked."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, Error

from adserver.core.invalid import Mode, Rule
from adserver.serving.documents import DENIED
from adserver.serving.invalid import Invalid
from adserver.serving.robots import Robots
from tests.browser import as_readers_have_it
from tests.hostile_names import EVERYTHING
from tests.journeys.hostile import (
    BEFORE,
    OWNED,
    POPUP,
    Attack,
    Publisher,
    Seen,
    another_host,
    asked,
    looking,
    told,
)
from tests.servers import until
from tests.serving.test_hostile_names import wrapper
from tests.stand_in import TAG, Answer, Server

pytestmark = pytest.mark.usefixtures("unmeasured")

FORM = f"'<form action={OWNED}-form method=post target=_top></form>'"


def element(tag: str, **attributes: str) -> str:
    """Puts it into the document; over when it has loaded, or has failed to."""
    return (
        "{ const one = document.createElement('" + tag + "');"
        " const over = new Promise((done) => { one.onload = one.onerror = done; });"
        f" Object.assign(one, {attributes}); document.body.append(one);"
        " setTimeout(() => one.dispatchEvent(new Event('error')), 1000); return over; }"
    )


ATTACKS = [
    Attack("page", "parent.document.title = 'owned'", lambda seen: seen.page.title() == "owned"),
    Attack("top", f"{{ top.location = '{OWNED}-top'; }}", asked(f"{OWNED}-top"), leaves=True),
    Attack("open_top", f"{{ open('{OWNED}-open', '_top'); }}", asked(f"{OWNED}-open"), leaves=True),
    Attack(
        "form",
        f"{{ document.body.innerHTML = {FORM}; document.forms[0].submit(); }}",
        asked(f"{OWNED}-form"),
        leaves=True,
    ),
    Attack(
        "download",
        "{ const a = document.createElement('a'); a.href = '/file'; a.download = 'owned';"
        " document.body.append(a); a.click(); }",
        lambda seen: bool(seen.downloads),
    ),
    Attack("dialog", "alert('owned')", lambda seen: "owned" in seen.dialogs),
    Attack("cookie", "decodeURIComponent(document.cookie)", told("cookie")),
    Attack(
        "cookie_set", "{ document.cookie = 'owned=1'; }", lambda seen: "owned" in seen.cookies()
    ),
    Attack("local_storage", "localStorage.getItem('secret')", told("local_storage")),
    Attack("session_storage", "sessionStorage.getItem('secret')", told("session_storage")),
    Attack("databases", "(await indexedDB.databases())[0].name", told("databases")),
    Attack("caches", "(await caches.keys()).join()", told("caches")),
    Attack(
        "service_worker",
        "(await navigator.serviceWorker.register('/worker.js')).scope",
        told("service_worker", "http"),
    ),
    Attack("worker", "{ new Worker('/worker.js'); return 'begun'; }", told("worker", "begun")),
    Attack("neighbour", "parent.frames.private.document.body.innerText", told("neighbour", "the")),
    Attack("fetch", f"fetch('{OWNED}-fetch', {{credentials: 'include'}})", asked(f"{OWNED}-fetch")),
    Attack("image", element("img", src=f"{OWNED}-image"), asked(f"{OWNED}-image")),
    Attack("frame", element("iframe", src=f"{OWNED}-frame"), asked(f"{OWNED}-frame")),
    Attack("script", element("script", src=f"{OWNED}-script"), asked(f"{OWNED}-script")),
    Attack("style", element("link", rel="stylesheet", href="/owned-style"), asked("/owned-style")),
    Attack("object", element("object", data=f"{OWNED}-object"), asked(f"{OWNED}-object")),
    Attack("beacon", f"navigator.sendBeacon('{OWNED}-beacon')", asked(f"{OWNED}-beacon")),
    Attack("base", "document.baseURI", told("base", "evil"), "<base href='http://evil.example/'>"),
    Attack("fullscreen", "document.fullscreenEnabled", told("fullscreen", "true")),
    Attack("code", "eval('\"owned\"')", told("code", "owned")),
    Attack(
        "features",
        f"document.featurePolicy.allowedFeatures().filter((one) => {list(DENIED)}.includes(one))",
        told("features", "camera"),
    ),
    Attack("back", "{ history.back(); }", lambda seen: seen.page.url.endswith(BEFORE), leaves=True),
]


# As another site would have them. EVIL stands for its address.
OPENS = f"open('{OWNED}-popup') ? 'opened' : 'refused'"
TURNS = "{ location = 'EVIL/turned'; }"
LINK = "<!doctype html><a href='EVIL/popup' target=_blank rel=opener>x</a>"
LOADS = """(await Promise.all(['EVIL/declared', 'OTHER/undeclared'].map(
  (src) => new Promise((done) => {
    Object.assign(new Image(), {src, onload: done, onerror: done}); })))).length"""
NEVER = told("none", "none")
PEERS = """{ const peer = new (self.RTCPeerConnection || self.webkitRTCPeerConnection)(
  {iceServers: [{urls: 'stun:localhost:PORT'}, {urls: 'stun:127.0.0.1:PORT'}]});
  peer.createDataChannel('x'); await peer.setLocalDescription(await peer.createOffer()); }"""


CLICKS_ITSELF = "<!doctype html><script>location.href = '%%click%%';</script>"
CLICKED = """<!doctype html><a href='%%click%%'>in its frame</a>
<a target=_blank href='%%click%%'>in a window</a>"""
# Pending: nothing is on disk here.
LANDED_AND_COUNTS = {(302, "accepted"), (302, "pending")}


@pytest.fixture(scope="module")
def evil() -> Iterator[Server]:
    evil = Server()
    evil.pages["/popup"] = Answer(POPUP.encode())
    with evil.running():
        yield evil


@pytest.fixture(scope="module")
def stun() -> Iterator[socket.socket]:
    """Somebody who waits for peer connections."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stun:
        stun.bind(("127.0.0.1", 0))
        stun.setblocking(False)
        yield stun


@pytest.fixture(scope="module")
def publisher(
    tmp_path_factory: pytest.TempPathFactory, evil: Server, stun: socket.socket
) -> Iterator[Publisher]:
    def of(text: str) -> str:
        port = str(stun.getsockname()[1])
        text = text.replace("EVIL", evil.origin).replace("OTHER", another_host(evil))
        return text.replace("PORT", port)

    more = [
        Attack("popup", OPENS, asked(f"{OWNED}-popup")),
        Attack("turns", of(TURNS), NEVER),
        Attack("link", "", NEVER, body=of(LINK)),
        Attack("own_link", "", NEVER, body=LINK.replace("EVIL", "")),
        Attack("clicks_itself", "", NEVER, body=CLICKS_ITSELF),
        Attack("clicked", "", NEVER, body=CLICKED),
        Attack("peers", of(PEERS), NEVER),
        Attack("loads", of(LOADS), NEVER, loads_from=(evil.origin,)),
    ]
    publisher = Publisher(tmp_path_factory.mktemp("hostile"), ATTACKS + more)
    with publisher.running():
        yield publisher


def names(attacks: Iterable[Attack]) -> str:
    return ",".join(attack.name for attack in attacks)


ALL = names(ATTACKS)


@pytest.mark.parametrize("host", ["same", "another"])
def test_no_creative_gets_out_of_its_frame(
    publisher: Publisher, browser: Browser, evil: Server, host: str
) -> None:
    publisher.calls.clear()
    page = f"/locked/{ALL}"
    evil.pages[page] = Answer(publisher.locked(ALL).encode())
    evil.pages[BEFORE] = Answer(b"<!doctype html>")
    origin = publisher.origin if host == "same" else another_host(evil)
    with looking(browser, publisher.calls) as seen:
        seen.page.goto(f"{origin}{BEFORE}")
        seen.page.goto(f"{origin}{page}")
        until(lambda: len(seen.told) == len(ATTACKS))
        assert seen.page.evaluate(f"fetch('{BEFORE}').then(({{status}}) => status)") == 200
        assert [attack.name for attack in ATTACKS if attack.broke(seen)] == []
        assert seen.page.url == f"{origin}{page}"


@pytest.mark.parametrize(
    "unlocked",
    [[one for one in ATTACKS if not one.leaves], *([one] for one in ATTACKS if one.leaves)],
    ids=lambda attacks: attacks[0].name if len(attacks) == 1 else "those that stay",
)
def test_control_unlocked_they_get_out(
    publisher: Publisher, browser: Browser, unlocked: list[Attack]
) -> None:
    publisher.calls.clear()
    inside = {attack.name: attack for attack in unlocked}

    def all_out(seen: Seen) -> bool:
        with suppress(Error):  # the page is on its way to somewhere else
            seen.page.evaluate("0")  # lets the browser's messages in
            for name in [name for name, attack in inside.items() if attack.broke(seen)]:
                del inside[name]
        return not inside

    with looking(browser, publisher.calls) as seen:
        seen.page.goto(f"{publisher.origin}{BEFORE}")
        seen.page.goto(f"{publisher.origin}/unlocked/{names(unlocked)}", wait_until="commit")
        until(lambda: all_out(seen))


def test_a_document_opened_by_itself_is_of_no_origin(
    publisher: Publisher, browser: Browser
) -> None:
    [attack] = publisher.named("local_storage")
    look = "() => { try { return [origin, localStorage.length]; } catch { return [origin]; } }"
    said: list[str] = []
    with looking(browser, publisher.calls) as seen:
        seen.page.on("console", lambda message: said.append(message.text))
        seen.page.goto(publisher.address(attack))
        assert seen.page.evaluate(look) == ["null"]
        # The browser knows each word of its head.
        assert said == []
        seen.page.goto(f"{publisher.origin}/plain/{attack.name}")
        assert seen.page.evaluate(look) == [publisher.origin, 0], "control: without its head"


def test_no_window_opens_without_a_click(publisher: Publisher, browser: Browser) -> None:
    with as_readers_have_it(browser) as strict, looking(strict, publisher.calls) as seen:
        publisher.calls.clear()
        seen.page.goto(f"{publisher.origin}/locked/popup")
        until(lambda: seen.was_told("popup") == "refused")
        assert f"{OWNED}-popup" not in publisher.calls


def test_control_without_the_browsers_blocker_a_window_opens(
    publisher: Publisher, browser: Browser
) -> None:
    with looking(browser, publisher.calls) as seen:
        seen.page.goto(f"{publisher.origin}/locked/popup")
        until(lambda: seen.was_told("popup") == "opened")


@pytest.mark.parametrize(
    ("page", "owned"), [("locked/link", False), ("unlocked/own_link", True)], ids=["", "control"]
)
def test_a_window_that_was_clicked_open_cannot_move_the_page(
    publisher: Publisher, browser: Browser, page: str, owned: bool
) -> None:
    publisher.calls.clear()
    with looking(browser, publisher.calls) as seen:
        seen.page.goto(f"{publisher.origin}/{page}")
        with seen.page.expect_popup() as opened:
            seen.page.frame_locator("[data-src]").locator("a").click()
        opened.value.wait_for_function("document.title === 'tried'")
        if owned:
            seen.page.wait_for_url(f"**{OWNED}-by-popup")
        else:
            assert seen.page.evaluate("fetch('/fence').then(() => document.title)") == "Blog"
            assert f"{OWNED}-by-popup" not in publisher.calls


def test_a_page_that_says_whom_it_frames_keeps_a_frame_from_turning_elsewhere(
    publisher: Publisher, browser: Browser, evil: Server
) -> None:
    with looking(browser, publisher.calls) as seen:
        refused = "addEventListener('securitypolicyviolation', () => { window.refused = true; })"
        seen.page.add_init_script(refused)
        evil.calls.clear()
        seen.page.goto(f"{publisher.origin}/strict/turns")
        seen.page.wait_for_function("window.refused")
        assert evil.called("/turned") == []
        seen.page.goto(f"{publisher.origin}/locked/turns")
        until(lambda: evil.called("/turned"))  # control: a page that does not say it


@pytest.mark.parametrize(
    ("page", "loaded"),
    [
        ("locked", []),
        ("agreed", ["/declared"]),
        ("unlocked", ["/declared", "/undeclared"]),
    ],
)
def test_a_document_loads_what_is_declared_for_those_who_have_agreed(
    publisher: Publisher, browser: Browser, evil: Server, page: str, loaded: list[str]
) -> None:
    evil.calls.clear()
    with looking(browser, publisher.calls) as seen:
        seen.page.goto(f"{publisher.origin}/{page}/loads")
        until(lambda: seen.was_told("loads") == "2")
        assert sorted(call.path for call in evil.calls) == loaded


@pytest.fixture
def judged(publisher: Publisher) -> Iterator[Callable[[Mode], None]]:
    """Sets the mode of the rule about robots."""
    before, robots = publisher.state.invalid, Robots()

    def judge(mode: Mode) -> None:
        publisher.state.invalid = Invalid({Rule.ROBOTS: mode}, robots=robots)

    yield judge
    publisher.state.invalid = before


def test_a_creative_that_clicks_itself_does_not_count(
    publisher: Publisher, browser: Browser, judged: Callable[[Mode], None]
) -> None:
    def clicked() -> tuple[int, str]:
        publisher.clicks.clear()
        with looking(browser, publisher.calls) as seen:
            seen.page.goto(f"{publisher.origin}/locked/clicks_itself")
            until(lambda: len(publisher.clicks) == 1)
        return publisher.clicks[0]

    judged(Mode.DISCARD)
    assert clicked() == (302, "discarded; reason=bot")
    judged(Mode.OFF)
    assert clicked() in LANDED_AND_COUNTS, "control"


@pytest.mark.parametrize("link", ["in its frame", "in a window"])
def test_a_readers_click_on_a_link_in_a_frame_counts(
    publisher: Publisher, browser: Browser, judged: Callable[[Mode], None], link: str
) -> None:
    judged(Mode.DISCARD)
    publisher.clicks.clear()
    with looking(browser, publisher.calls) as seen:
        seen.page.goto(f"{publisher.origin}/locked/clicked")
        seen.page.frame_locator("[data-src]").get_by_text(link).click()
        until(lambda: len(publisher.clicks) == 1)
        assert publisher.clicks[0] in LANDED_AND_COUNTS


def arrived(stun: socket.socket) -> bool:
    try:
        return bool(stun.recv(4096))
    except BlockingIOError:
        return False


def test_a_document_makes_no_peer_connection(
    publisher: Publisher, browser: Browser, stun: socket.socket
) -> None:
    with looking(browser, publisher.calls) as seen:
        seen.page.goto(f"{publisher.origin}/agreed/peers")
        until(lambda: seen.was_told("peers") == "refused: TypeError")
        frame = seen.page.frames[-1]
        left = "Object.getOwnPropertyNames(self).filter((one) => /RTC/.test(one))"
        assert frame.evaluate(left) == []
        assert frame.evaluate("document.scripts.length") == 1, "the lock leaves nothing behind"
        assert not arrived(stun)
        seen.page.goto(f"{publisher.origin}/unlocked/peers")
        until(lambda: seen.was_told("peers") == "undefined")
        until(lambda: arrived(stun))  # control: without the lock it is there


@pytest.mark.parametrize(("path", "owned"), [("/names", False), ("/names-as-they-are", True)])
def test_words_of_a_text_creative_are_words_in_a_browser_too(
    publisher: Publisher, browser: Browser, path: str, owned: bool
) -> None:
    words = wrapper("text", EVERYTHING)
    publisher.calls.clear()
    publisher.pages["/names"] = f"<!doctype html><main>{words}</main><p id=after>After</p>"
    publisher.pages["/names-as-they-are"] = f"<!doctype html><main>{EVERYTHING}</main>"
    with looking(browser, publisher.calls) as seen:
        seen.page.goto(f"{publisher.origin}{path}")
        if owned:  # control: unescaped, one of them loads the page again and again
            until(lambda: publisher.calls.count(path) > 2)
            return
        for word in ("strong", "strong + span", "em"):
            assert seen.page.text_content(word) == EVERYTHING
        assert seen.page.evaluate("document.querySelector('main').children.length") == 1
        assert seen.page.evaluate("document.querySelectorAll('script, base, iframe').length") == 0
        assert seen.page.evaluate("document.getElementById('after').parentNode === document.body")
        assert seen.page.evaluate("window.owned") is None
        assert publisher.calls.count(path) == 1


LOOK = "() => [window.owned, document.documentElement.namespaceURI.endsWith('/svg')]"


def test_a_drawing_with_a_script_runs_nothing_wherever_it_is_opened(
    publisher: Publisher, browser: Browser
) -> None:
    publisher.calls.clear()
    image = f"<img src={publisher.drawing} onload='shown = 1'>"
    publisher.pages["/drawing"] = f"<!doctype html><title>Blog</title>{image}"
    with looking(browser, publisher.calls) as seen:
        seen.page.goto(f"{publisher.origin}/drawing")
        seen.page.wait_for_function("window.shown")
        seen.page.goto(f"{publisher.origin}{publisher.drawing}")
        assert seen.page.evaluate("origin") == "null"
        assert seen.page.evaluate(LOOK) == [None, True]
        fill = "getComputedStyle(document.querySelector('rect')).fill"
        assert seen.page.evaluate(fill) == "rgb(255, 0, 0)", "its own style holds"
        assert "/owned-by-svg" not in publisher.calls
        seen.page.goto(f"{publisher.origin}/plain.svg")
        assert seen.page.evaluate(LOOK) == [1, True], "control: without its head it runs"
        until(lambda: publisher.calls.count("/owned-by-svg") >= 2)


def test_the_tag_listens_to_nobodys_messages() -> None:
    source = TAG.read_text("utf-8")
    assert "addEventListener" in source
    assert "message" not in set(re.findall(r"addEventListener\('(\w+)'", source))
    assert "onmessage" not in source
