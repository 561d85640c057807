"""SVG as a picture: what draws is taken, and whatever links, loads, runs or explodes is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.assets import SVG, picture_kind
from adserver.core.catalog import Size
from adserver.publishing.findings import Complaint
from adserver.publishing.svg import MAX_DEPTH, MAX_ELEMENTS, read_svg

OPEN = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def svg(content: str = "", attributes: str = 'width="728" height="90"', before: str = "") -> bytes:
    return f"{before}{OPEN} {attributes}>{content}</svg>".encode()


def code(data: bytes) -> str:
    found = read_svg(data, "b.svg")
    return found.code if isinstance(found, Complaint) else str(found)


GOOD = [
    "",
    "<title>Un café</title><desc>&lt;b&gt; &amp; &#233;</desc>",
    '<g fill="none"><path d="M0 0L1 1z"/><text x="1">Café <tspan>noir</tspan></text></g>',
    '<defs><linearGradient id="a"><stop stop-color="red"/></linearGradient>'
    '<linearGradient id="b" xlink:href="#a"/></defs><rect fill="url(#b)"/>',
    "<style>.a{fill:url(#b);font:12px/1 sans-serif}</style><linearGradient id='b'/>",
    "<style><![CDATA[@media (max-width: 3px) { rect { fill: red } }]]></style>",
    '<symbol id="s"><circle r="1"/></symbol><use href="#s"/><use href="#s" x="9"/>',
    '<path d="M0 0h700" stroke-dasharray="1 6" style="stroke-width:3"/><text>Café</text>',
    '<style>.a{stroke-dasharray:4,4}</style><rect class="a" width="100%" height="9"/>',
    '<style>.a{mix-blend-mode:multiply;opacity:.5}</style><path class="a" d="M0 0"/>',
    '<pattern id="p"><path d="M0 0"/></pattern><pattern id="q" href="#p"/><rect fill="url(#q)"/>',
    '<clipPath id="c"><rect/></clipPath><mask id="m"><rect/></mask>'
    '<g clip-path="url(#c)"><rect mask="url(#m)"/></g>',
    '<filter id="f"><feGaussianBlur stdDeviation="2"/></filter><rect filter="url(#f)"/>',
    '<rect style="fill:rgb(1,2,3);transform:rotate(3deg)" xml:space="preserve" data-x="1"/>',
]


@pytest.mark.parametrize("content", GOOD)
def test_a_drawing_is_a_picture(content: str) -> None:
    assert code(svg(content)) == "728x90"
    assert picture_kind(svg(content)) == SVG


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="728" height="90"', "728x90"),
        ('width="728px" height=" 90.0 "', "728x90"),
        ('viewBox="0 0 320 100"', "320x100"),
        ('viewBox="-5,-5, 320 100" width="100%" height="100%"', "320x100"),
        ('width="728" height="90" viewBox="0 0 7 9"', "728x90"),
        ('width="10cm" height="3cm"', "bad_image"),
        ('width="728" height="0"', "bad_image"),
        ('width="728.5" height="90"', "bad_image"),
        ('viewBox="0 0 320"', "bad_image"),
        ("", "bad_image"),
    ],
)
def test_its_size_is_in_whole_pixels(attributes: str, size: str) -> None:
    assert code(svg("", attributes)) == size


BAD = [
    "<script>alert(1)</script>",
    "<script href='x.js'/>",
    "<g><svg><script/></svg></g>",
    "<handler xmlns='http://www.w3.org/2001/xml-events'/>",
    "<foreignObject><p xmlns='http://www.w3.org/1999/xhtml'>x</p></foreignObject>",
    "<p xmlns='http://www.w3.org/1999/xhtml'>x</p>",
    "<iframe xmlns='http://www.w3.org/1999/xhtml' src='/'/>",
    "<rect onload='x()'/>",
    "<rect ONCLICK='x()'/>",
    "<rect xmlns:x='urn:x' x:onclick='x()'/>",
    "<a href='https://evil.example'><rect/></a>",
    "<a xlink:href='javascript:x()'><rect/></a>",
    "<animate attributeName='href' values='javascript:x()'/>",
    "<set attributeName='onmouseover' to='x()'/>",
    "<animateTransform/>",
    "<discard/>",
    "<image href='https://evil.example/x.png'/>",
    "<image href='//evil.example/x.png'/>",
    "<image href='x.png'/>",
    f"<image href='{PIXEL}' width='1' height='1'/>",
    "<image href='data:image/svg+xml;base64,PHN2Zz4='/>",
    "<image href='data:text/html,x'/>",
    f"<use href='{PIXEL}'/>",
    "<use href='other.svg#a'/>",
    "<use xlink:href='data:image/svg+xml,x#a'/>",
    "<feImage href='#a'/>",
    "<textPath href='https://evil.example/#a'/>",
    "<rect fill='url(https://evil.example/x.svg#a)'/>",
    "<rect style='fill:url(&quot;//evil.example/#a&quot;)'/>",
    "<rect style='background:URL( x.png )'/>",
    "<rect style='fill:url(#a'/>",
    "<rect style='fill:\\75rl(https://evil.example)'/>",
    "<rect fill='\\75rl(x)'/>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<style>@import url(https://evil.example/x.css);</style>",
    "<style>@IMPORT 'x'</style>",
    "<style>@font-face{font-family:x;src:url(https://evil.example/x.woff)}</style>",
    "<style>a{background:image-set('https://evil.example/x.png' 1x)}</style>",
    "<style>a{background:image('x.png')}</style>",
    "<style>a{-moz-binding:x}</style>",
    "<style>a{width:expression(x())}</style>",
    "<style>@imp<![CDATA[ort 'x']]></style>",
    "<style>rect{fill:url(#p)}</style><pattern id='p'><rect/></pattern>",
    # Read in one go, however it is written.
    f"<style>a{{fill:url({' ' * 300_000}</style>",
    f"<style>{'url(' * 100_000}</style>",
    f"<style>{'src ' * 100_000}(</style>",
    f"<rect fill='{'url( ' * 50_000}'/>",
    f"<style>{'animation' * 100_000}:</style>",
    f"<style>{'-animation' * 90_000}</style><script/>",
    f"<style>{'animation' * 100_000}</style><script/>",
    f"<rect width='{' ' * 900_000}x'/><script/>",
    f"<rect stroke-dasharray='{'px   ' * 180_000}x'/>",
    "<style>@keyframes x{to{fill:red}}</style>",
    "<style>@-webkit-KEYFRAMES x{to{fill:red}}</style>",
    "<style>rect{animation: x 1s infinite}</style>",
    "<style>rect{animation/**/-name/**/: x}</style>",
    "<rect style='animation-name:x'/>",
    "<rect xml:base='https://evil.example/'/>",
    "<?xml-stylesheet href='https://evil.example/x.css'?>",
    "<use href='#a'/><g id='a'><use href='#a'/></g>",
    "<g id='a'><use href='#a'/></g>",
    "<mask id='a'><rect fill='url(#b)'/></mask><mask id='b'><rect fill='url(#a)'/></mask>",
    "<g>" * MAX_DEPTH + "</g>" * MAX_DEPTH,
    "<g/>" * MAX_ELEMENTS,
    "".join(f"<g id='n{n}'><use href='#n{n + 1}'/></g>" for n in range(200)) + "<g id='n200'/>",
    "<g id='b0'><rect/></g>"
    + "".join(f"<g id='b{n + 1}'>" + f"<use href='#b{n}'/>" * 10 + "</g>" for n in range(9)),
]  # fmt: skip


@pytest.mark.parametrize("content", BAD, ids=lambda content: content[:60])
def test_what_is_more_than_a_drawing_is_refused(content: str) -> None:
    assert code(svg(content)) == "svg_refused"


@pytest.mark.parametrize(
    "before",
    [
        "<!DOCTYPE svg>",
        "<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'http://evil.example/svg11.dtd'>",
        "<!DOCTYPE svg [<!ENTITY a 'x'><!ENTITY b '&a;&a;&a;'>]>",
        "<!DOCTYPE svg [<!ENTITY % a SYSTEM 'file:///etc/passwd'> %a;]>",
        "<?xml-stylesheet href='x.css'?>",
    ],
)
def test_nothing_stands_before_it_that_says_more(before: str) -> None:
    assert code(svg("", before=before)) == "svg_refused"
    assert code(svg("", before=f"<?xml version='1.0'?>{before}")) == "svg_refused"


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", "728x90"), ("UTF-8", "728x90")]
    + [(name, "svg_refused") for name in ("iso-8859-1", "utf-7", "us-ascii", "utf-16")],
)
def test_no_other_encoding_is_declared(encoding: str, said: str) -> None:
    assert code(svg("é", before=f"<?xml version='1.0' encoding='{encoding}'?>")) == said


def filters(primitive: str, shapes: int) -> str:
    return f"<filter id='f'>{primitive}</filter>" + "<rect filter='url(#f)'/>" * shapes


LONG_TEXT = f"<text id='t'>{'A' * 70_000}</text>"
LONG_PATH = f"<path id='t' d='M0 0{'h1' * 100_000}'/>"
GRADIENT = "<linearGradient id='l'><stop/><stop/></linearGradient>"
DASHED = "<path d='M0 0h{length}' stroke-dasharray='{dashes}'/>"
RULED = "<style>path{stroke-dasharray:.1}</style>"

# What a browser takes seconds to draw, and a small one of its kind, which is drawn at once.
HEAVY = {
    "text, used": (LONG_TEXT + "<use href='#t'/>" * 4_500, LONG_TEXT + "<use href='#t'/>"),
    "text": (f"<text>{'A' * 900_000}</text>", f"<text>{'A' * 100_000}</text>"),
    "path, used": (LONG_PATH + "<use href='#t'/>" * 20, LONG_PATH + "<use href='#t'/>" * 5),
    "gradients": (
        GRADIENT + "<rect fill='url(#l)'/>" * 4_500,
        GRADIENT + "<rect fill='url(#l)'/>" * 1_500,
    ),
    "gradients of a style": (
        f"<style>rect{{fill:url(#l)}}</style>{GRADIENT}" + "<rect/>" * 4_500,
        f"<style>rect{{fill:url(#l)}}</style>{GRADIENT}" + "<rect/>" * 1_500,
    ),
    "filters": (filters("<feTurbulence/>", 80), filters("<feTurbulence/>", 8)),
    "blurs": (filters("<feGaussianBlur/>", 200), filters("<feGaussianBlur/>", 50)),
    "masks": (
        "<mask id='m'><rect/></mask>" + "<rect mask='url(#m)'/>" * 4_000,
        "<mask id='m'><rect/></mask>" + "<rect mask='url(#m)'/>" * 500,
    ),
    "blends": (
        "<rect style='mix-blend-mode:multiply'/>" * 4_000,
        "<rect style='mix-blend-mode:multiply'/>" * 500,
    ),
    "dashes": (DASHED.format(length=90, dashes=".0001"), DASHED.format(length=90, dashes="1")),
    "a mile of dashes": (
        DASHED.format(length="9e6", dashes="4 4"),
        DASHED.format(length="9e4", dashes="4 4"),
    ),
    "dashes of a style": (
        RULED + "<path d='M0 0h99999'/>" * 9,
        RULED + "<path d='M0 0h99'/>" * 9,
    ),
    "styles": (
        f"<style>{'g * rect.x,' * 2_000}a{{}}</style>" + "<rect/>" * 4_000,
        f"<style>{'g * rect.x,' * 200}a{{}}</style>" + "<rect/>" * 4_000,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", HEAVY)
def test_what_takes_a_browser_long_to_draw_is_refused(kind: str) -> None:
    heavy, light = HEAVY[kind]
    assert code(svg(heavy)) == "svg_refused"
    assert code(svg(light)) == "728x90", "control: as such it may be there"


@pytest.mark.parametrize(
    "content",
    [
        # At each of thousands of points, one within the other.
        "<marker id='m'><path d='M0 0h1'/></marker>",
        "<pattern id='p'/><pattern id='q'><rect fill='url(#p)'/></pattern>",
        "<mask id='a'><g clip-path='url(#b)'/></mask><clipPath id='b'/>",
        "<mask id='a'><rect filter='url(#b)'/></mask><filter id='b'/>",
        "<mask id='a'><use href='#b'/></mask><g id='b'><rect mask='url(#c)'/></g><mask id='c'/>",
        # What a style could do to each element.
        "<style>rect{filter:blur(9px)}</style>",
        "<style>rect{filter:drop-shadow(0 0 9px red)}</style>",
        "<rect filter='blur(9px)'/>",
        "<style>text{text-shadow:0 0 9px red}</style>",
        "<style>path{d:path('M0 0h9')}</style>",
        "<style>rect{clip-path:polygon(0 0, 1px 1px)}</style>",
        "<style>rect:has(* + *){fill:red}</style>",
        # Dashes along what cannot be measured here.
        "<g stroke-dasharray='4'><text>x</text></g>",
        "<style>.a{stroke-dasharray:4}</style><text>x</text>",
        "<path d='M0 0' stroke-dasharray='1e-9'/>",
        "<path d='M0 0' stroke-dasharray='1%'/>",
        "<path d='M0 0' style='stroke-dasharray:var(--x)'/>",
        "<path d='M0 0' style='stroke-dasharray/**/:.0001'/>",
        "<path d='M0 0' stroke-dasharray='4' vector-effect='non-scaling-stroke'/>",
        "<path d='M0 0Q9 9 9 0T99 0' stroke-dasharray='4'/>",
        "<rect stroke-dasharray='4' width='99em'/>",
        "<rect stroke-dasharray='4' style='width:99999px'/>",
        "<svg viewBox='0 0 1e9 1e9'><rect stroke-dasharray='4' width='100%'/></svg>",
        "<path d='M0 0h9' pathLength='9999'/>",
    ],
)  # fmt: skip
def test_what_cannot_be_weighed_is_refused(content: str) -> None:
    assert code(svg(content)) == "svg_refused"


@pytest.mark.parametrize(
    "data",
    [
        b"<svg/>",
        b"<html xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>",
        b"<g xmlns='http://www.w3.org/2000/svg'/>",
    ],
)
def test_only_a_root_of_svg_is_svg(data: bytes) -> None:
    assert code(data) == "svg_refused"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        svg()[:-3],
        svg("<rect>"),
        svg("&nbsp;"),
        svg("&x;"),
        svg("é").decode().encode("latin-1"),
        svg().decode().encode("utf-16"),
        svg("<rect a='1' a='2'/>"),
    ],
)
def test_what_cannot_be_read_is_damaged(data: bytes) -> None:
    assert code(data) == "bad_image"


def test_it_is_said_what_and_what_to_do() -> None:
    found = read_svg(svg("<script/>"), "images/b.svg")
    assert found == Complaint(
        "svg_refused",
        "`images/b.svg` is SVG and holds the element `script`, which a picture may not",
        "export it as plain, optimised SVG, or as PNG or WebP with a @2x beside it",
    )


@given(st.text(max_size=30))
def test_anything_is_read_or_told(text: str) -> None:
    for data in (text.encode("utf-8", "replace"), svg(text), svg("", attributes=text)):
        assert isinstance(read_svg(data, "b.svg"), Size | Complaint)
