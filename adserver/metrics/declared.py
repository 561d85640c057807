"""Every metric, named and explained."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

PREFIX = "adserver_"

REQUEST_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
DECISION_BUCKETS = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025)


class Type(StrEnum):
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    HIGHEST = "highest"  # a gauge of which a node shows its workers' highest
    LOWEST = "lowest"  # a gauge of which a node shows its workers' lowest
    SUM = "sum"  # a gauge of which a node shows its workers' sum
    STORE = "store"  # a gauge that the admin process reads from the store


@dataclass(frozen=True, slots=True)
class Declared:
    type: Type
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


METRICS: dict[str, Declared] = {
    "http_requests_total": Declared(
        Type.COUNTER, "Answered requests of the public port.", ("route", "method", "code")
    ),
    "http_request_duration_seconds": Declared(
        Type.HISTOGRAM, "From the request's head to its answer.", ("route",), REQUEST_BUCKETS
    ),
    "http_refused_total": Declared(
        Type.COUNTER, "Connections refused or ended before their time, by reason.", ("reason",)
    ),
    "http_connections": Declared(Type.SUM, "Open connections of the public port."),
    "http_connections_limit": Declared(
        Type.SUM, "Connections at which the one that has waited longest is closed for a new one."
    ),
    "decision_duration_seconds": Declared(
        Type.HISTOGRAM, "Deciding alone, all slots of a call.", (), DECISION_BUCKETS
    ),
    "decisions_total": Declared(
        Type.COUNTER, "Decisions: fill, house or empty.", ("slot", "outcome")
    ),
    "no_fill_total": Declared(
        Type.COUNTER, "Empty slots, by the furthest that any candidate came.", ("slot", "reason")
    ),
    "impressions_total": Declared(Type.COUNTER, "Impressions counted.", ("slot", "campaign")),
    "viewable_impressions_total": Declared(
        Type.COUNTER, "Viewable impressions counted.", ("slot", "campaign")
    ),
    "clicks_total": Declared(Type.COUNTER, "Clicks counted.", ("slot", "campaign")),
    "events_discarded_total": Declared(
        Type.COUNTER, "Events that did not count, by reason.", ("event", "slot", "reason")
    ),
    "events_would_discard_total": Declared(
        Type.COUNTER, "Events that rules in dry run would discard.", ("event", "slot", "reason")
    ),
    "address_rules_suspended": Declared(
        Type.HIGHEST,
        "1 while rules by address are suspended, as it is not known where readers are.",
    ),
    "events_without_address_total": Declared(
        Type.COUNTER, "Events from trusted peers that did not say for whom: no rule has an address."
    ),
    "robots_list_info": Declared(
        Type.HIGHEST, "1, with the version of the list of robots as a label.", ("version",)
    ),
    "context_ignored_total": Declared(
        Type.COUNTER, "Facts of requests that were not used, by reason.", ("reason",)
    ),
    "store_up": Declared(Type.LOWEST, "1 while the store answers every worker."),
    "clock_ahead_seconds": Declared(
        Type.HIGHEST, "How far the node's clock is ahead of the store's; behind if negative."
    ),
    "store_command_duration_seconds": Declared(
        Type.HISTOGRAM, "Calls to the store, by operation.", ("op",), REQUEST_BUCKETS
    ),
    "store_errors_total": Declared(Type.COUNTER, "Calls to the store that failed.", ("kind",)),
    "journal_events": Declared(
        Type.SUM, "Events in journals that are not yet known to be in the store."
    ),
    "journal_bytes": Declared(
        Type.SUM, "All journals of the node, those kept after shipping included."
    ),
    "journal_limit_bytes": Declared(Type.HIGHEST, "What all journals of the node may hold."),
    "journals_quarantined": Declared(
        Type.HIGHEST, "Journals, or parts of them, that wait for a person."
    ),
    "generation": Declared(Type.LOWEST, "The generation that every worker serves at least."),
    "snapshot_age_seconds": Declared(
        Type.HIGHEST, "Since the live generation was last known to be the one served."
    ),
    "generation_load_failures_total": Declared(
        Type.COUNTER, "Generations that could not be read or compiled."
    ),
    "assets_refused_total": Declared(
        Type.COUNTER, "Files of the store that are not what was applied, not served.", ("reason",)
    ),
    "country_database_build_timestamp_seconds": Declared(
        Type.LOWEST, "When the country database in use was made, by its own word."
    ),
    "country_database_failures_total": Declared(
        Type.COUNTER, "Times that the country database could not be used, by what.", ("what",)
    ),
    "event_loop_lag_seconds": Declared(
        Type.HIGHEST, "How late a worker's event loop ran its last timer."
    ),
    "overload_shed_probability": Declared(
        Type.HIGHEST, "How likely the busiest worker is to shed a request."
    ),
    "shed_total": Declared(
        Type.COUNTER,
        "Shed in overload: house or empty instead of a decision, or a beacon refused.",
        ("what",),
    ),
    "workers": Declared(Type.SUM, "Worker processes that are up."),
    "worker_restarts_total": Declared(
        Type.COUNTER, "Processes of the node started in place of another, by reason.", ("reason",)
    ),
    "reload_failures_total": Declared(
        Type.COUNTER, "What a SIGHUP did not change, as it could not, by what.", ("what",)
    ),
    "build_info": Declared(Type.HIGHEST, "1, with the version as a label.", ("version",)),
    "campaign_delivered": Declared(
        Type.STORE, "Counted so far, equal on every node.", ("campaign", "unit")
    ),
    "campaign_goal": Declared(
        Type.STORE, "What was bought; absent where no number was.", ("campaign", "unit")
    ),
    "campaign_delivered_ratio": Declared(
        Type.STORE, "Delivered so far, as a share of the goal.", ("campaign",)
    ),
    "campaign_expected_ratio": Declared(
        Type.STORE, "What should be delivered by now, as a share of the goal.", ("campaign",)
    ),
    "campaign_verdict": Declared(
        Type.STORE, "1 for how a campaign with a goal does now, 0 else.", ("campaign", "verdict")
    ),
    "campaign_state": Declared(
        Type.STORE, "1 for the campaign's state now, 0 for the others.", ("campaign", "state")
    ),
    "pauses": Declared(Type.STORE, "Pauses in force, of whatever kind: `adserver pause --list`."),
    "campaign_flight_end_timestamp_seconds": Declared(
        Type.STORE, "When the flight ends; absent for an open one.", ("campaign",)
    ),
    "campaign_info": Declared(
        Type.STORE, "1, with the campaign's facts as labels.", ("campaign", "advertiser", "tier")
    ),
}

BUCKETS = {name: declared.buckets for name, declared in METRICS.items()}
