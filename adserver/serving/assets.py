"""Files: pictures by content hash, `slots.css` and `tag.js`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from importlib import resources

from adserver.core.errors import StoreUnavailable
from adserver.serving.beacons import RETRY_AFTER
from adserver.serving.http import (
    CORS,
    NO_STORE,
    Head,
    Header,
    Receive,
    Scope,
    Send,
    answer,
    answer_empty,
    respond,
)
from adserver.serving.state import State
from adserver.serving.strip import more_of

FOREVER: Header = (b"cache-control", b"public, max-age=31536000, immutable")
# A new generation may bring new slots; a minute is what a page may lag behind, and a day is how
# long caches may keep a page's space reserved while we are away.
A_MINUTE: Header = (
    b"cache-control",
    b"public, max-age=60, stale-while-revalidate=600, stale-if-error=86400",
)
AN_HOUR: Header = (b"cache-control", b"public, max-age=3600")
ANY_ORIGIN: Header = (b"cross-origin-resource-policy", b"cross-origin")
# A picture that somebody opens as a page does nothing. SVG has styles, and pictures, of its own.
PICTURE_POLICY: Header = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
)
CSS = b"text/css; charset=utf-8"
JAVASCRIPT = b"text/javascript; charset=utf-8"


async def picture(state: State, _scope: Scope, _: Receive, send: Send, path: str) -> int:
    """path: `{digest}/{name}`; the digest finds it. The name is for people: pages that are open,
    or in somebody's cache, may have an older one of the same file."""
    digest, _slash, name = path.partition("/")
    good = is_digest(digest) and name and "/" not in name
    try:
        asset = await state.assets.get(digest) if good else None
    except StoreUnavailable:
        await answer_empty(send, 503, RETRY_AFTER)
        return 503
    if asset is None or not asset.media_type.startswith("image/"):
        await answer_empty(send, 404)
        return 404
    kind = asset.media_type.encode()
    await answer(send, 200, kind, asset.data, FOREVER, ANY_ORIGIN, PICTURE_POLICY)
    return 200


def is_digest(text: str) -> bool:
    return len(text) == 32 and text.isascii() and text.isalnum()


async def stylesheet(state: State, scope: Scope, _: Receive, send: Send, _rest: str) -> int:
    """`?frame`: for a slot that stands alone in an iframe."""
    served, body = state.live.served, b""
    if served is not None:
        framed = scope["query_string"] == b"frame"
        body = served.frame_stylesheet if framed else served.stylesheet
    if state.preview:
        return await file(scope, send, CSS, body + more_of("dev.css"), NO_STORE)
    return await file(scope, send, CSS, body, A_MINUTE)


async def tag(state: State, scope: Scope, _: Receive, send: Send, _rest: str) -> int:
    if state.preview:
        return await file(scope, send, JAVASCRIPT, tag_source() + more_of("dev.js"), NO_STORE)
    return await file(scope, send, JAVASCRIPT, tag_source(), AN_HOUR)


@lru_cache(maxsize=1)
def tag_source() -> bytes:
    return resources.files("adserver.serving").joinpath("static", "tag.js").read_bytes()


async def file(scope: Scope, send: Send, kind: bytes, body: bytes, life: Header) -> int:
    """A file that changes: with an ETag, so that asking again is cheap."""
    tag_value = b'"' + sha256(body).hexdigest()[:16].encode() + b'"'
    described = (life, ANY_ORIGIN, (b"etag", tag_value))
    if is_held(scope["headers"], tag_value):
        await respond(send, 304, Head([*CORS, *described], None))
        return 304
    await answer(send, 200, kind, body, *described)
    return 200


def is_held(headers: Iterable[Header], tag_value: bytes) -> bool:
    """Whether the client has it already. Compared weakly, as RFC 9110 (13.1.2) has it: proxies
    that compress make a tag weak."""
    said = b",".join(value for name, value in headers if name == b"if-none-match")
    tags = [one.strip() for one in said.split(b",")]
    return tags == [b"*"] or tag_value in [one.removeprefix(b"W/") for one in tags]
