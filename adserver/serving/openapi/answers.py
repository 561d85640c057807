"""Every answer of every route: status, headers, and what its body is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from adserver.core.reasons import Discard, Reason
from adserver.serving.openapi.decisions import ref
from adserver.serving.refusals import ANSWERED

NAME = r"[^;\s]+"
EMPTY = "|".join(str(reason) for reason in Reason if reason is not Reason.WON)
DISCARDED = "|".join(map(str, Discard))

TEXT: dict[str, Any] = {"type": "string"}


def header(description: str, **schema: Any) -> dict[str, Any]:
    return {"required": True, "description": description, "schema": {**TEXT, **schema}}


HEADERS: dict[str, dict[str, Any]] = {
    "Access-Control-Allow-Origin": header("any page may ask", const="*"),
    "Access-Control-Expose-Headers": header(
        "what its scripts may read", const="X-Ad-Decision, X-Ad-Event"
    ),
    "Cache-Control": header("decisions and events are never stored", const="no-store"),
    "File-Cache-Control": header("how long it may be kept", pattern="^(public, max-age=|no-store)"),
    "X-Ad-Decision": header(
        "what was decided, and why",
        pattern=rf"^(fill; campaign={NAME}; creative={NAME}(; reason={Reason.SHED})?"
        rf"|empty; reason=({EMPTY})(; hint={NAME})?)$",
    ),
    "X-Ad-Event": header(
        "what became of the event",
        pattern=rf"^(accepted|pending|discarded; reason=({DISCARDED}))$",
    ),
    "Forged-Event": {
        **header("of a seal that is wrong", const=f"discarded; reason={Discard.FORGED}"),
        "required": False,
    },
    "Content-Security-Policy": header("what the document may do"),
    "Frame-Policy": {
        **header("what the page may do; not before the first apply, when it is empty"),
        "required": False,
    },
    "X-Content-Type-Options": header("the type is what it says", const="nosniff"),
    "As-Said": {
        **header("of a request that was read", const="nosniff"),
        "required": False,
    },
    "X-Ad-Refused": header(
        "why, and what to do",
        pattern=rf"^({'|'.join(sorted(ANSWERED))}); error=\"[^\"]+\"; hint=\"[^\"]+\"$",
    ),
    "Not-Read": {**header("of a request that was not read"), "required": False},
    "Allow": {**header("of a method that is none"), "required": False},
    "Accept-Encoding": {**header("of a body that is encoded", const="identity"), "required": False},
    "Cross-Origin-Resource-Policy": header("any page may show it", const="cross-origin"),
    "Referrer-Policy": header("others do not learn the address", const="no-referrer"),
    "Permissions-Policy": header("what the document may not ask for"),
    "X-DNS-Prefetch-Control": header("names are not looked up ahead", const="off"),
    "ETag": header("of the content", pattern='^"[0-9a-f]{16}"$'),
    "Retry-After": header("seconds", pattern="^[0-9]+$"),
    "Location": header("the creative's link, of the catalog alone", pattern="^https?://"),
    "Access-Control-Allow-Methods": header("what a page may send", const="GET, HEAD, POST"),
    "Access-Control-Allow-Headers": header("what it may say", const="Content-Type"),
    "Access-Control-Max-Age": header("seconds", pattern="^[0-9]+$"),
}
# Headers whose description depends on whose they are, by the name that goes over the wire.
SENT_AS = {
    "File-Cache-Control": "Cache-Control",
    "Forged-Event": "X-Ad-Event",
    "Frame-Policy": "Content-Security-Policy",
    "As-Said": "X-Content-Type-Options",
    "Not-Read": "X-Ad-Refused",
}

CORS = ("Access-Control-Allow-Origin", "Access-Control-Expose-Headers")
STORED_BY_NOBODY = (*CORS, "Cache-Control")


@dataclass(frozen=True, slots=True)
class Answer:
    """media: content type → schema of the body; none for an answer without one."""

    description: str
    headers: tuple[str, ...]
    media: tuple[tuple[str, dict[str, Any]], ...] = ()

    def described(self, *, with_body: bool) -> dict[str, Any]:
        made: dict[str, Any] = {
            "description": self.description,
            "headers": {
                SENT_AS.get(name, name): {"$ref": f"#/components/headers/{name}"}
                for name in self.headers
            },
        }
        if self.media and with_body:
            made["content"] = {kind: {"schema": schema} for kind, schema in self.media}
        return made


class Answers(dict[int, Answer]):
    """By status."""

    def described(self, *, with_body: bool) -> dict[str, Any]:
        made = {
            str(status): answer.described(with_body=with_body)
            for status, answer in sorted(self.items())
        }
        return {**made, "4XX": NOT_READ.described(with_body=True)}


def body(kind: str, schema: dict[str, Any] = TEXT) -> tuple[tuple[str, dict[str, Any]], ...]:
    return ((kind, schema),)


PICTURES = tuple((f"image/{kind}", TEXT) for kind in ("png", "jpeg", "gif", "webp", "avif"))
HTML, JSON = "text/html; charset=utf-8", "application/json"
PAGE = (*STORED_BY_NOBODY, "X-Content-Type-Options")
FILE = (*CORS, "File-Cache-Control", "X-Content-Type-Options", "Cross-Origin-Resource-Policy")

UNKNOWN_SLOT = Answer(
    "no such slot; the nearest name is the hint", (*STORED_BY_NOBODY, "X-Ad-Decision")
)
NO_TICKET = Answer("no ticket of ours", (*STORED_BY_NOBODY, "Forged-Event"))
NOTHING = Answer("there is none", STORED_BY_NOBODY)
LATER = Answer(
    "not now: the store or the disk is away, or there is too much to do",
    (*STORED_BY_NOBODY, "Retry-After"),
)
SAID_WHY = (*STORED_BY_NOBODY, "As-Said")
REFUSED = Answer(
    "a call that cannot be understood; no HTTP: without a body, and with X-Ad-Refused",
    (*SAID_WHY, "Not-Read"),
    body(JSON, ref("Refusal")),
)
# Without a body, whosever it was: one could be pasted into a page.
NOT_READ = Answer(
    "no HTTP, or over one of its limits: "
    + ", ".join(sorted({str(status) for status, _, _ in ANSWERED.values()})),
    (*STORED_BY_NOBODY, "X-Ad-Refused", "Allow", "Accept-Encoding"),
)
DECIDED = Answer("one decision per slot, in order", PAGE, body(JSON, ref("Decisions")))

SLOT = Answers(
    {
        200: Answer(
            "the ad, or what stands in its empty place", (*PAGE, "X-Ad-Decision"), body(HTML)
        ),
        404: UNKNOWN_SLOT,
    }
)
FRAME = Answers(
    {
        200: Answer(
            "a page with the ad, or with its empty place",
            (*PAGE, "X-Ad-Decision", "Frame-Policy"),
            body(HTML),
        ),
        404: UNKNOWN_SLOT,
    }
)
DECISIONS = Answers({200: DECIDED, 400: REFUSED})

EVENT = (*STORED_BY_NOBODY, "X-Ad-Event")
SHOWN = Answers(
    {200: Answer("a GIF of one pixel", EVENT, body("image/gif")), 404: NO_TICKET, 503: LATER}
)
BEACON = Answers({204: Answer("heard", EVENT), 404: NO_TICKET, 503: LATER})
LOOKED = Answers(
    {200: Answer("a good ticket; nothing is counted", STORED_BY_NOBODY), 404: NO_TICKET}
)
CLICK = Answers(
    {
        302: Answer("to the creative's link", (*EVENT, "Location")),
        404: NO_TICKET,
        503: LATER,
    }
)
LOOKED_AT_CLICK = Answers(
    {
        302: Answer("to the creative's link; nothing is counted", (*STORED_BY_NOBODY, "Location")),
        404: NO_TICKET,
        503: LATER,
    }
)
DOCUMENT = Answers(
    {
        200: Answer(
            "the document, sandboxed",
            (
                *PAGE,
                "Cross-Origin-Resource-Policy",
                "Content-Security-Policy",
                "Referrer-Policy",
                "Permissions-Policy",
                "X-DNS-Prefetch-Control",
            ),
            body(HTML),
        ),
        404: NO_TICKET,
        503: LATER,
    }
)
PICTURE = Answers(
    {
        200: Answer(
            "the picture, for ever",
            (*FILE, "Content-Security-Policy"),
            PICTURES,
        ),
        404: NOTHING,
        503: LATER,
    }
)
UNCHANGED = Answer(
    "as it is held", (*CORS, "File-Cache-Control", "Cross-Origin-Resource-Policy", "ETag")
)
STYLESHEET = Answers(
    {200: Answer("CSS", (*FILE, "ETag"), body("text/css; charset=utf-8")), 304: UNCHANGED}
)
TAG = Answers(
    {
        200: Answer("JavaScript", (*FILE, "ETag"), body("text/javascript; charset=utf-8")),
        304: UNCHANGED,
    }
)
PREFLIGHT = Answers(
    {
        204: Answer(
            "what a page may ask",
            (
                *STORED_BY_NOBODY,
                "Access-Control-Allow-Methods",
                "Access-Control-Allow-Headers",
                "Access-Control-Max-Age",
            ),
        )
    }
)
