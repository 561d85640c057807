"""HTML creatives: what they may load, and what they may not hold."""

from __future__ import annotations

import pytest

from adserver.publishing.documents import check_document, read_source
from adserver.publishing.findings import Complaint, Findings

CLICK = '<a href="%%click%%">x</a>'


def check(text: str, *sources: str) -> Findings:
    findings = Findings("b.html")
    check_document(text, sources, findings)
    return findings


def codes(text: str, *sources: str) -> list[str]:
    return [problem.code for problem in check(text + CLICK, *sources).problems]


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ('<img src="https://a.test/x.png">', "a.test"),
        ("<img src=HTTPS://A.TEST/x.png>", "a.test"),
        ('<script src="//a.test/x.js"></script>', "a.test"),
        ('<img srcset="data:x 1x, https://a.test/x.png 2x">', "a.test"),
        ('<link rel=stylesheet href="https://a.test/x.css">', "a.test"),
        ('<video poster="https://a.test/x.png"></video>', "a.test"),
        ('<object data="https://a.test/x"></object>', "a.test"),
        ('<svg><image xlink:href="https://a.test/x"/></svg>', "a.test"),
        ("<p style=\"background: url('https://a.test/x.png')\">", "a.test"),
        ("<style>@import 'https://a.test/x.css';</style>", "a.test"),
        ("<style>p { background: url( https://a.test/x.png ) }</style>", "a.test"),
        ('<img src="https://a.test:8443/x.png">', "a.test:8443"),
        ('<img src="https://cdn.example@a.test/x.png">', "cdn.example@a.test"),
    ],
)
def test_a_host_that_is_not_declared_is_an_error(text: str, host: str) -> None:
    (problem,) = check(text + CLICK, "https://cdn.example").problems
    assert problem.code == "undeclared_host"
    assert problem.hint == f'add "https://{host}" to `loads_from`'


@pytest.mark.parametrize(
    "text",
    [
        '<img src="https://cdn.example/x.png">',
        '<img src="https://cdn.example:443/x.png">',
        '<img src="https://a.b.wide.example/x.png">',
        '<img src="//cdn.example/x.png">',
        '<img src="data:image/gif;base64,R0lG">',
        '<svg><use href="#a"/></svg>',
        '<a href="https://anywhere.test/">x</a>',
        "<style>p { background: url(data:image/gif;base64,R0lG) }</style>",
        "<p>url(https://a.test/x.png)</p>",
        '<!-- <img src="https://a.test/x.png"> -->',
    ],
)
def test_what_is_declared_or_loads_nothing_is_fine(text: str) -> None:
    assert codes(text, "https://cdn.example", "https://*.wide.example") == []


@pytest.mark.parametrize("host", ["wide.example", "notwide.example", "wide.example.test"])
def test_a_wildcard_is_for_subdomains_only(host: str) -> None:
    text = f'<img src="https://{host}/x.png">'
    assert codes(text, "https://*.wide.example") == ["undeclared_host"]


def test_plain_http_is_never_loaded() -> None:
    assert codes('<img src="http://cdn.example/x">', "https://cdn.example") == ["undeclared_host"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<script>new RTCPeerConnection()</script>", ["reaching_out"]),
        ("<p onclick='new webkitRTCPeerConnection'>", ["reaching_out"]),
        ("<script>new WebTransport('https://x.test')</script>", ["reaching_out"]),
        ("<script>myRTCPeerConnections()</script>", []),
        ("<script>link.rel = 'preconnect'</script>", ["reaching_out"]),
        ("<script>link.rel = 'DNS-prefetch'</script>", ["reaching_out"]),
        ("<script>preconnected()</script>", []),
    ],
)
def test_what_reaches_hosts_that_nobody_declared_is_pointed_out(text: str, said: list[str]) -> None:
    assert codes(text) == said
    assert not check(text).failed


def test_a_call_ahead_is_pointed_out_of_a_declared_host_too() -> None:
    """Without consent a document loads nothing of it, and its browser calls it all the same."""
    link = '<link rel="preconnect" href="https://cdn.example/">'
    assert codes(link, "https://cdn.example") == ["reaching_out"]
    said = [one.message for one in check(link, "https://cdn.example").problems]
    assert "the document names `preconnect`: a browser calls that host before consent" in said


def test_a_relative_address_cannot_be_loaded() -> None:
    assert codes('<img src="b.png">') == ["relative_load"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<base href=/>", "base_refused"),
        ("<BASE target=_top>", "base_refused"),
        ('<meta http-equiv="Refresh" content="0">', "refresh_refused"),
        ("<p>%%nothing%%</p>", "unknown_macro"),
        ("<p %%slot%%>", "misplaced_macro"),
        ("<![unheard[ x ]]>", "bad_html"),
    ],
)
def test_what_a_document_may_not_hold_is_refused(text: str, code: str) -> None:
    assert code in codes(text)


HIDDEN = "<base href=//e.test><img src=https://e.test/x>"


@pytest.mark.parametrize(
    "text",
    [
        f"<!-->{HIDDEN}-->",
        f"<!--->{HIDDEN}-->",
        f"<!-- --!>{HIDDEN}-->",
        f'<!-- -- ><p title="-->{HIDDEN}">',
        f'<!-- --\n><p title="-->{HIDDEN}">',
        f"<![CDATA[>{HIDDEN}]]>",
        f"<svg><![CDATA[>{HIDDEN}]]></svg>",
        "<![if IE]>x<![endif]>",
        f"<?x {HIDDEN}?>",
        "<!x>",
        "<!ELEMENT br EMPTY>",
        # An end that only browsers see.
        f"<textarea><!-- </textarea>{HIDDEN} -->",
        f"<title><!-- </title>{HIDDEN} --></title>",
        f'<noscript><p title="</noscript>{HIDDEN}"></p></noscript>',
        f"<iframe><!-- </iframe>{HIDDEN} --></iframe>",
        f"<script/><!--</script>{HIDDEN}-->",
        f"<script></script x>{HIDDEN}<!-- </script> -->",
        f"<style></style/>{HIDDEN}</style>",
        f"<xmp><!-- </xmp>{HIDDEN} --></xmp>",
        "<plaintext>",
        f"{'<svg>' * 50_000}{'</mi>' * 50_000}",
        # An end that only html.parser sees.
        f"<script><!--<script></script>--><!--</script>{HIDDEN}-->",
        f"<script></ script><!-- </script>{HIDDEN}-->",
        f"</p title='><!--' >{HIDDEN}-->",
        "</ p>",
        # Values.
        f'<p a=="><!--">{HIDDEN}-->',
        f'<p a=="{HIDDEN}">',
        f'<p a=x\xa0b="{HIDDEN}">',
        f'<p a=x\x0bb="{HIDDEN}">',
        f'<p a"="{HIDDEN}">',
        "<base/ /=>",
        # Raw text that is none in a drawing.
        f"<svg><style>{HIDDEN}</style></svg>",
        f"<svg><foreignObject></svg></foreignObject><style>{HIDDEN}</style>",
        f"<math><style>{HIDDEN}</style></math>",
        f"<svg><script><!-- </script>{HIDDEN}--></script></svg>",
    ],
)  # fmt: skip
def test_what_browsers_read_in_another_way_is_refused(text: str) -> None:
    assert "ambiguous_html" in codes(text, "https://e.test")


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE html><html lang=fr><head><title>a <b> c</title></head><body>",
        '<!doctype html PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">',
        "<!-- --><!----><!-- a - b -- c <!-- d > --->",
        "<!--[if mso]><p>x</p><![endif]-->",
        "<a  href='data:x'\n\tclass = x/ hidden data-a=\"1\"data-b>x</a >",
        "<br/><br /><img src=data:,x/>",
        "<p title='a > b <c> \u00a0'>3 < 4 && 5 <3 &lt;b></p>",
        "<script><!--\nif (a<b && c</d/) x('<p>', '<!-- ');\n//--></script>",
        "<script>x('<script>')</script><SCRIPT></Script>",
        "<style>a > b { content: '<' }</style>",
        "<noscript><img src='data:,x'></noscript>",
        "<svg viewBox='0 0 1 1'><title>a</title><style>.a{fill:red}</style><path d='M0 0'/></svg>"
        "<script>a<b</script>",
        "<svg/><style>a::before{content:'<b>'}</style>",
        "<textarea>a < b</textarea><iframe></iframe>",
        "</>",
    ],
)  # fmt: skip
def test_what_is_written_as_it_should_be_is_not(text: str) -> None:
    assert codes(text) == []


def test_a_problem_has_the_line_of_the_document() -> None:
    findings = check(f'<p>\n  <img src="https://a.test/">\n  %%nope%%\n{CLICK}')
    assert [(p.line, p.column) for p in findings.problems] == [(2, 3), (3, 3)]


@pytest.mark.parametrize("macro", ["click", "CLICK_URL_UNESC", "CLICK_URL_ESC"])
def test_every_spelling_of_the_click_will_do(macro: str) -> None:
    assert not check(f'<a href="%%{macro}%%">x</a>').problems


def test_a_document_without_a_way_out_is_pointed_out() -> None:
    (problem,) = check("<p>x</p>").problems
    assert (problem.code, problem.severity) == ("no_click_macro", "warning")


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("https://cdn.example", "https://cdn.example"),
        ("https://CDN.example/", "https://cdn.example"),
        ("https://*.example", "https://*.example"),
        ("https://cdn.example:8443", "https://cdn.example:8443"),
        ("https://été.example", "https://xn--t-9fab.example"),
    ],
)
def test_a_source_is_a_host(text: str, source: str) -> None:
    assert read_source(text) == source


@pytest.mark.parametrize(
    "text",
    ["cdn.example", "http://cdn.example", "https://*", "https://*.", "https://a.*.example",
     "https://a.example/path", "https://a.example; script-src *", "https://a.example 'unsafe-eval'",
     "*", "data:", "https://a.example:99999", "https://u@a.example", ""],
)  # fmt: skip
def test_a_source_is_nothing_else(text: str) -> None:
    assert isinstance(read_source(text), Complaint)
