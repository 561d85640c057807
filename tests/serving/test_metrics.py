"""Metrics: counted as integers, added up over workers, explained when asked."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from adserver.metrics.declared import METRICS, Type
from adserver.metrics.exposition import DumpCollector, add_up, without_gauges
from adserver.metrics.meter import MAX_CAMPAIGN_LABELS, OTHER, Meter, label_campaigns

REQUEST = ("/slots", "GET", "200")


def shown(*dumps) -> str:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(DumpCollector(add_up(dumps)))
    return generate_latest(registry).decode()


def counted(times: int = 1, **gauges: float) -> Meter:
    meter = Meter()
    if times:
        meter.counts["http_requests_total"][REQUEST] += times
    for name, value in gauges.items():
        meter.gauges[name][()] = value
    return meter


def test_every_metric_has_its_explanation_even_before_it_is_counted() -> None:
    text = shown(Meter().dump())
    for name, declared in METRICS.items():
        family = name.removesuffix("_total") if declared.type is Type.COUNTER else name
        assert f"# HELP adserver_{family}" in text
        assert declared.help.endswith(".")


def test_what_two_workers_counted_is_added() -> None:
    text = shown(counted(2).dump(), counted(3).dump())
    assert 'adserver_http_requests_total{code="200",method="GET",route="/slots"} 5.0' in text


def test_each_gauge_is_added_up_by_its_own_rule() -> None:
    one = counted(0, store_up=1, snapshot_age_seconds=0.5, workers=1, generation=8)
    other = counted(0, store_up=0, snapshot_age_seconds=9.5, workers=1, generation=7)
    assert dict(add_up([one.dump(), other.dump()])) == {
        "store_up": [((), 0)],
        "snapshot_age_seconds": [((), 9.5)],
        "workers": [((), 2)],
        "generation": [((), 7)],
    }


def test_what_the_store_says_is_the_same_on_every_node_and_never_summed() -> None:
    said = {"campaign_delivered": [(("a", "impressions"), 7)]}
    assert add_up([said, said]) == said


def test_a_histogram_has_cumulated_buckets_a_count_and_a_sum() -> None:
    meter = Meter()
    for seconds in (0.0001, 0.0005, 0.003, 99.0):
        meter.observe("http_request_duration_seconds", ("/slots",), seconds)
    text = shown(meter.dump(), meter.dump())
    start = 'adserver_http_request_duration_seconds_bucket{le="%s",route="/slots"} %s'
    assert start % ("0.0005", 4.0) in text
    assert start % ("0.005", 6.0) in text
    assert start % ("2.5", 6.0) in text
    assert start % ("+Inf", 8.0) in text
    assert 'adserver_http_request_duration_seconds_count{route="/slots"} 8.0' in text
    assert 'adserver_http_request_duration_seconds_sum{route="/slots"} 198.0072' in text


def test_a_series_is_present_at_zero_and_its_first_event_is_an_increase() -> None:
    meter = Meter()
    meter.present("clicks_total", ("post-top", "a"))
    meter.present("store_command_duration_seconds", ("count",))
    text = shown(meter.dump())
    assert 'adserver_clicks_total{campaign="a",slot="post-top"} 0.0' in text
    assert 'adserver_store_command_duration_seconds_count{op="count"} 0.0' in text
    meter.counts["clicks_total"]["post-top", "a"] += 1
    meter.present("clicks_total", ("post-top", "a"))
    assert 'adserver_clicks_total{campaign="a",slot="post-top"} 1.0' in shown(meter.dump())


def test_what_outlives_a_worker_is_what_it_counted_not_what_it_was() -> None:
    meter = counted(2, store_up=1, workers=1)
    meter.observe("decision_duration_seconds", (), 0.1)
    assert set(without_gauges(meter.dump())) == {"http_requests_total", "decision_duration_seconds"}


def test_labels_with_signs_of_the_format_stay_one_label() -> None:
    meter = Meter()
    meter.counts["clicks_total"]['po"st\n', "a\\b"] += 1
    assert r'adserver_clicks_total{campaign="a\\b",slot="po\"st\n"} 1.0' in shown(meter.dump())


VALUES = st.lists(st.tuples(st.text(max_size=4), st.floats(0, 10)), max_size=8)


@given(st.lists(VALUES, max_size=3))
def test_a_dump_that_travelled_as_json_adds_up_to_the_same(workers) -> None:
    dumps = []
    for seen in workers:
        meter = Meter()
        for label, value in seen:
            meter.counts["clicks_total"][label, label] += 1
            meter.observe("http_request_duration_seconds", (label,), value)
            meter.gauges["event_loop_lag_seconds"][()] = value
        dumps.append(meter.dump())
    travelled = [orjson.loads(orjson.dumps(dump)) for dump in dumps]
    assert add_up(travelled) == add_up(dumps)
    assert shown(*travelled) == shown(*dumps)
    events = sum(len(seen) for seen in workers)
    assert sum(count for _, count in add_up(dumps).get("clicks_total", [])) == events


@pytest.mark.parametrize("many", [0, 1, MAX_CAMPAIGN_LABELS, MAX_CAMPAIGN_LABELS + 3])
def test_campaigns_past_the_limit_share_a_label(many: int) -> None:
    campaigns = [f"c{n:04}" for n in range(many)]
    labels = label_campaigns(campaigns, [])
    shown = [labels[name] for name in campaigns]
    assert shown[:MAX_CAMPAIGN_LABELS] == campaigns[:MAX_CAMPAIGN_LABELS]
    assert set(shown[MAX_CAMPAIGN_LABELS:]) <= {OTHER}


def test_campaigns_that_run_have_labels_before_those_that_do_not() -> None:
    running = [f"z{n:04}" for n in range(MAX_CAMPAIGN_LABELS - 1)]
    labels = label_campaigns(running, ["b", "a"])
    assert all(labels[name] == name for name in running)
    assert (labels["a"], labels["b"]) == ("a", OTHER)
