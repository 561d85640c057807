"""What each key of the files means, in the words of docs/campaigns.md, for editors to show.

Keys of a mapping within a file are written with points: `goal.share`, `creatives.text.cta`. A test
holds each sentence to its line of the docs.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SITE: Mapping[str, str] = MappingProxyType(
    {
        "name": "the publisher",
        "sites": (
            "the sites whose pages count, by a name for reports. A page of none of them is "
            "`(none)` in `report --by site`"
        ),
        "timezone": "the zone of every day, hour and report",
        "currency": "the unit of every price",
        "language": "the language of pages that do not say theirs",
        "label": "the word above every ad, by language; the site's own language must have one",
        "breakpoint": "windows narrower than this get the mobile size",
        "context": "facts that pages may tell about themselves; others are ignored and counted",
        "server": (
            "the public address of this server, beginning of every address in its answers; "
            "`--public-url` wins"
        ),
        "context.one_of": "the only values; they compare regardless of case",
        "context.many": "a page may have several",
    }
)

SLOTS: Mapping[str, str] = MappingProxyType(
    {
        "title": "what people call the place: in the ad's accessible name",
        "sizes": (
            "the space reserved per kind of screen, in CSS pixels; with one of the two, it holds "
            "for both"
        ),
        "on_empty": (
            "what to do when nobody has bought the place: `house` shows a campaign of `tier: "
            "house` (and keeps the space if there is none), `reserve` keeps the space, "
            "`collapse` takes it away"
        ),
    }
)

CAMPAIGN: Mapping[str, str] = MappingProxyType(
    {
        "advertiser": "who is advertised; said in “about this ad”",
        "paid_by": "who pays, if that is somebody else; said in “about this ad”",
        "order": "your own reference, printed in reports",
        "state": (
            "`draft` is checked and never shown, `paused` is not shown for now; to stop something "
            "at once there is `adserver pause`"
        ),
        "tier": ("who comes first: `sponsorship`, `standard`, `remnant`, `house`, in this order"),
        "goal": (
            "what is bought: of a sponsorship its share, of a standard campaign how many "
            "impressions or clicks"
        ),
        "buffer": "delivered beyond the goal, and never billed",
        "max_per_day": (
            "at most so many a day, by the campaign's clock, in the goal's unit. Never exceeded"
        ),
        "max_total": (
            "at most so many impressions, for campaigns without such a goal. Never exceeded"
        ),
        "pacing": (
            "how a goal is spread: `even` over its flight, as the traffic of its slots is; "
            "`asap` as soon as it can be had"
        ),
        "renamed_from": "the name that it had: its counts go on under the new one, once",
        "flight": "its dates",
        "timezone": "the zone of its flight and hours",
        "hours": "when it runs within the flight",
        "frequency": "how often one browser sees it at most",
        "price": (
            "what it is worth, in the site's currency; one of `cpm`, `cpc`, `flat`. House "
            "campaigns have none"
        ),
        "weight": (
            "its share of the turns among campaigns of its tier, in the remnant tier among those "
            "of its price: 2 comes up twice as often as 1"
        ),
        "slots": "where it may stand: names, or patterns in which `*` is any run of characters",
        "targeting": "which pages and readers it wants",
        "competes_in": (
            "trades of which a page shows one advertiser only; two campaigns of one advertiser "
            "do not compete. Trades compare regardless of case"
        ),
        "roadblock": (
            "`true`: all its slots of a page's call, or none. It needs a creative for each, as "
            "none stands on a page twice"
        ),
        "link": "where a click leads",
        "utm": (
            "adds `utm_source` (the site's name), `utm_medium=display`, `utm_campaign`, "
            "`utm_content` (the creative) to the link, where it has none of its own"
        ),
        "pixels": (
            "third parties' impression pixels, loaded only with the visitor's consent and never "
            "against GPC or DNT"
        ),
        "creatives": "what is shown",
        "goal.share": (
            "of all requests of its slots that it may have by its targeting, flight and hours, "
            "it gets that share"
        ),
        "goal.impressions": "so many impressions (net), in its flight",
        "goal.clicks": "so many clicks (net), in its flight",
        "flight.first_day": "the first day, from its midnight",
        "flight.last_day": "the last day, included",
        "flight.from": "the first minute",
        "flight.until": "the minute at which it ends, not included",
        "flight.timezone": "the flight's own zone, instead of the campaign's",
        "frequency.impressions": "so many times at most",
        "frequency.per": "in so long a time",
        "targeting.site": "which of your sites the page is of",
        "targeting.url": "the page's address, without query and fragment",
        "targeting.lang": (
            "the page's language; of a page that does not say it, the reader's first"
        ),
        "targeting.country": (
            "what the page says, else a trusted proxy or the operator's database, two letters"
        ),
        "targeting.device": "what the reader looks at it with",
        "price.cpm": "per thousand impressions (net)",
        "price.cpc": "per click (net)",
        "price.flat": (
            "for the whole flight, earned evenly over its time; a flight with an open end earns "
            "nothing in reports"
        ),
        "creatives.id": "its name in reports, unique in the campaign",
        "creatives.weight": (
            "its share of the campaign's turns, among the creatives that fit the place"
        ),
        "creatives.link": "its own link",
        "creatives.utm": "its own `utm`",
        "creatives.images": (
            "files in the folder. Sizes are read from the files; a name that ends in a size "
            "(`-728x90.png`) must tell the truth. `…@2x.png` is the same picture at exactly "
            "twice the pixels, for dense screens"
        ),
        "creatives.alt": "in words what the picture says",
        "creatives.text": "the words",
        "creatives.text.headline": "the first line",
        "creatives.text.body": "a sentence more",
        "creatives.text.cta": "the call to act",
        "creatives.html": "the file",
        "creatives.size": "the space it needs",
        "creatives.loads_from": (
            "hosts that it may load from, with the visitor's consent and never against GPC or "
            "DNT; an undeclared one is an error"
        ),
    }
)
