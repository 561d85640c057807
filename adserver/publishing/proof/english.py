"""The words of a proof in English; values stand in braces."""

from __future__ import annotations

from collections.abc import Mapping

from adserver.core.reasons import Discard

WORDS: Mapping[str, str] = {
    "title": "Proof of delivery",
    "and": "{first} and {last}",
    "moment": "{day} at {time} ({zone})",
    "hours": "{number} hours",
    "minutes": "{number} minutes",
    "seconds": "{number} seconds",
    # What was agreed.
    "agreed": "What was agreed",
    "publisher": "Publisher",
    "advertiser": "Advertiser",
    "paid_by": "Paid for by",
    "order": "Order",
    "campaign": "Campaign",
    "campaigns": "Campaigns",
    "flight": "Flight",
    "flight_days": "from {first} to {last}, both included ({zone})",
    "flight_day": "{first} ({zone})",
    "flight_moments": "from {first} to {last}",
    "flight_from": "from {first}, without an end",
    "flight_until": "until {last}",
    "flight_open": "without dates",
    "window": "Period of this proof",
    "window_both": "from {first} to {last}",
    "window_from": "from {first}",
    "window_until": "until {last}",
    "tier": "Tier",
    "tier_sponsorship": "sponsorship: a share of the traffic, before all others",
    "tier_standard": "standard: a number, spread over the flight",
    "tier_remnant": "remnant: what others have not bought, the best price first",
    "tier_house": "house: the publisher’s own advertisement",
    "goal": "Goal",
    "goal_none": "no number was bought",
    "goal_share": "{share} of the traffic that it may have",
    "buffer": "Buffer",
    "buffer_is": "{share} beyond the goal may be delivered as a precaution; it is not billed",
    "limits": "Limits",
    "limit_day": "at most {many} a day",
    "limit_total": "at most {many} in all",
    "limit_reader": "at most {many} a browser and {period}",
    # One of it, and several.
    "impressions_many": "{number} impression|{number} impressions",
    "clicks_many": "{number} click|{number} clicks",
    "period_hour": "hour",
    "period_day": "day",
    "period_week": "week",
    "period_month": "month",
    "period_flight": "flight",
    "price": "Price",
    "price_none": "none was agreed",
    "price_cpm": "{amount} per thousand impressions (CPM)",
    "price_cpc": "{amount} per click (CPC)",
    "price_flat": "{amount} for the whole flight",
    "unknown": (
        "This campaign is no longer live, and no kept generation has it. Its creatives, flight,"
        " price, order and goal are as they last were; who paid, its tier, buffer, limits and"
        " pacing can no longer be told."
    ),
    "gone": "This campaign is no longer live; it is shown as it last was.",
    # Whether figures can change.
    "final": "Final since {final}.",
    "final_why": "What came from readers after {closes} is not in it.",
    "provisional": "Provisional until {final}.",
    "provisional_open": "Provisional: the campaign has no end yet.",
    "as_of": "These figures are as of {now}.",
    "running_why": (
        "Ads may be shown, or have been handed out and still be seen, until {closes}; a server"
        " that is cut off may bring what it has counted until {final}."
    ),
    "arriving_why": (
        "Nothing more can be shown that counts. A server that is cut off may still bring what"
        " it had counted before."
    ),
    "heard": "All servers that are known had brought what they counted until {through}.",
    "heard_all": "All servers that are known have brought all that they counted for it.",
    "unheard": "What servers may still have to bring is not known.",
    # Figures.
    "figures": "Figures",
    "served": "Handed out",
    "gross": "Gross impressions",
    "impressions": "Impressions (net)",
    "viewable": "Viewable impressions",
    "clicks": "Clicks",
    "unmatched": "of these, unmatched",
    "ctr": "Click rate",
    "revenue": "Amount",
    "billed": "Billed are the {goal} of the goal, of {count} that were delivered.",
    "total": "Total",
    "nothing": "Nothing was counted in this period.",
    "creatives": "What was shown",
    "creative": "Creative",
    "leads_to": "leads to",
    "text_creative": "A text, set by each page in its own type",
    "html_creative": (
        "An HTML document of {width} × {height} pixels, {weight}: {name}. It runs by itself and"
        " may load more, so it is not shown here; its content is named by {digest}."
    ),
    "html_loads": "It may load from {hosts}.",
    "html_lost": (
        "An HTML document of {width} × {height} pixels: {name}. It is no longer kept; its"
        " content was named by {digest}."
    ),
    "picture_lost": (
        "A picture of {width} × {height} pixels: {name}. It is no longer kept; its content was"
        " named by {digest}."
    ),
    "picture_heavy": (
        "A picture of {width} × {height} pixels, {weight}: {name}. It is too heavy for this"
        " document; its content is named by {digest}."
    ),
    "picture_size": "{width} × {height} pixels",
    "by_day": "By day",
    "day": "Day",
    "by_slot": "By place",
    "slot": "Place",
    "by_site": "By site",
    "site": "Site",
    "site_none": "a page of none of the sites",
    "slot_none": "a place that is not known any more",
    "days_of": "Days are those of {zone}.",
    # What does not count.
    "discarded": "What does not count",
    "discarded_is": (
        "Gross impressions are all that came with a good ticket; net ones are those that count."
        " What does not count is listed here, each with its reason."
    ),
    "discarded_impressions": "Impressions",
    "reason": "Reason",
    "definition": "What it means",
    "nothing_of": "Other reasons, for which nothing was discarded here:",
    "forged_too": "Of no campaign, and therefore in no figure:",
    # How it was counted.
    "method": "How it was counted",
    "method_impression": (
        "An impression is counted when the ad has begun to render in the reader’s browser,"
        " which then says so by a request of its own. That an ad was handed out counts"
        " nothing."
    ),
    "method_viewable": (
        "It is viewable when half of it (of an ad above 242,500 square pixels 30%) was in view"
        " for one second without a break. Only the publisher’s browser tag tells; of ads that"
        " are placed otherwise, none is reported as viewable. It counts only where its"
        " impression does."
    ),
    "method_click": ("A click is counted when the ad’s link is followed through the server."),
    "method_unmatched": (
        "Clicks of ads without a counted impression count, and are also shown apart, as unmatched."
    ),
    "method_unmatched_discarded": (
        "Clicks of ads without a counted impression that were discarded, as unmatched: {count};"
        " those that counted are also shown apart."
    ),
    "method_once": (
        "Each ad that is handed out carries a signed ticket, valid for {life}: its impression,"
        " its viewable impression and its clicks count once each, at their first arrival on any"
        " server. What is acknowledged is on disk before."
    ),
    "method_amount": (
        "The amount is exact and rounded to the cent once. It stops at the goal: what is"
        " delivered beyond it, with or without a buffer, is not billed. A flat price is earned"
        " evenly over the flight."
    ),
    "method_terms": (
        "Impression, viewable impression and click are defined after the terms of the IAB and"
        " the Media Rating Council (begin to render; half in view for one second). Neither has"
        " audited or accredited these counts."
    ),
    "method_privacy": "Readers have no identifier, and no address of theirs is kept.",
    # Where it comes from.
    "origin": "Where this comes from",
    "generation": "Set-up in force: generation {first}, applied on {since}.",
    "generations": (
        "Set-up in force: generations {first} to {last}, the first applied on {since}, the last"
        " on {until}."
    ),
    "generations_lost": "What was in force before generation {first} is no longer known.",
    "generations_none": "Which generations were in force is no longer known.",
    "made": "Made on {now} by adserver {version}.",
    "digest": "Digest of the figures (SHA-256):",
    "digest_why": (
        "Two proofs with the same digest have the same figures. The publisher obtains it again by:"
    ),
}

DISCARDED: Mapping[str, str] = {
    Discard.DUPLICATE: "the same event of the same ad had been counted before",
    Discard.EXPIRED: "it came more than {life} after the ad was handed out",
    Discard.LAPSED: (
        "it came so late that its place within the goal or limit had been given to another"
        " reader, and none was left"
    ),
    Discard.FORGED: "it had no ticket that this server has signed",
    Discard.BOT: "it came from a known robot, or a script had clicked by itself",
    Discard.PREFETCH: "the browser had loaded the page in advance, without showing it",
    Discard.INTERNAL: "it came from the publisher’s own staff",
    Discard.RATE_LIMITED: "it was one of too many from one place in a short time",
    Discard.FOREIGN_PAGE: "it came from a page that is none of the publisher’s sites",
    Discard.UNMATCHED: "it was a click of an ad without a counted impression",
    Discard.PREVIEW: "it was of a preview, not of a page that readers see",
    Discard.CONSENT: "it came without the consent that the publisher asks for",
}
