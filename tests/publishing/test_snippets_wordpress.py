"""The snippet for WordPress, run by PHP on a stand-in of what it calls."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from adserver.publishing.snippet import snippet
from tests.factories import slot
from tests.programs import needs
from tests.publishing.pasted import (
    AD,
    BEACON,
    EXPECTED_HEADERS,
    PUBLIC,
    READER,
    SLOT,
    AdServer,
    filled,
    forwarded_headers_of,
    in_each_case,
    running,
    written,
)


@pytest.fixture
def server() -> Iterator[AdServer]:
    with running() as told:
        yield told


# What a snippet needs of WordPress, on PHP's own streams.
WORDPRESS = r"""<?php
error_reporting(E_ALL);
set_error_handler(function ($level, $message) { throw new ErrorException($message); });
$hooks = [];
function add_shortcode($name, $call) { global $hooks; $hooks[$name] = $call; }
function add_action($name, $call, $priority = 10, $count = 1) { add_shortcode($name, $call); }
function wp_enqueue_style($name, $url) { echo "[$url]"; }
function wp_unslash($value) { return stripslashes($value); }
function wp_json_encode($value) { return json_encode($value); }
function wp_parse_url($url) { return parse_url($url); }
function home_url() { return 'https://blog.example:8443/wp'; }
function get_bloginfo($what) { return 'fr-FR'; }
function is_feed() { return getenv('FEED') === '1'; }
function esc_url($url) { return htmlspecialchars($url); }
function esc_attr($text) { return htmlspecialchars($text); }
function is_wp_error($answer) { return $answer === null; }
function wp_remote_retrieve_response_code($answer) { return $answer['status']; }
function wp_remote_retrieve_body($answer) { return $answer['body']; }
function wp_remote_post($url, $options) {
    $lines = ['User-Agent: ' . $options['user-agent']];
    foreach ($options['headers'] as $name => $value) {
        if ($name !== 'User-Agent') { $lines[] = "$name: $value"; }
    }
    $stream = stream_context_create(['http' => [
        'method' => 'POST', 'header' => $lines, 'content' => $options['body'],
        'timeout' => $options['timeout'], 'ignore_errors' => true,
    ]]);
    try {
        $body = file_get_contents($url, false, $stream);
    } catch (ErrorException $error) {
        return null;
    }
    if ($body === false) { return null; }
    return ['status' => (int) explode(' ', $http_response_header[0])[1], 'body' => $body];
}
foreach (json_decode(getenv('READER'), true) as $name => $value) {
    $_SERVER['HTTP_' . strtoupper(str_replace('-', '_', $name))] = addslashes($value);
}
$_SERVER['REQUEST_URI'] = '/wp/2026/caf%C3%A9?utm=1';
require $argv[1];
"""


def wordpress(
    tmp_path: Path, server: AdServer, page: str = "echo adserver_slot('post-top');", feed: str = ""
) -> str:
    """What a page prints that has pasted the snippet."""
    (tmp_path / "ads.php").write_text(written("wordpress", server), encoding="utf-8")
    (tmp_path / "page.php").write_text(WORDPRESS + page, encoding="utf-8")
    done = subprocess.run(
        [needs("php"), tmp_path / "page.php", tmp_path / "ads.php"],
        capture_output=True,
        text=True,
        timeout=30,
        env=os.environ | {"READER": json.dumps(READER), "FEED": feed},
        check=True,
    )
    return done.stdout


def test_wordpress_takes_it_as_php(tmp_path):
    path = tmp_path / "ads.php"
    path.write_text(snippet("wordpress", SLOT, PUBLIC), encoding="utf-8")
    subprocess.run([needs("php"), "-l", path], capture_output=True, timeout=30, check=True)


@in_each_case
def test_wordpress_shows_the_ad_or_keeps_its_space(tmp_path, server, behaviour, expected):
    behaviour(server)
    assert wordpress(tmp_path, server) == expected


def test_wordpress_asks_once_a_page_and_for_the_page(tmp_path, server):
    filled(server)
    page = "echo adserver_slot('post-top'), $hooks['adserver'](['slot' => 'other']);"
    assert wordpress(tmp_path, server, page) == f'{AD}{BEACON}<div data-slot="other"></div>'
    assert server.asked == {
        "slots": ["post-top"],
        "context": {"url": "https://blog.example:8443/wp/2026/caf%C3%A9", "lang": "fr-FR"},
    }
    assert forwarded_headers_of(server) == EXPECTED_HEADERS


def test_wordpress_has_the_style_sheet_in_the_head_and_no_ads_in_feeds(tmp_path, server):
    assert wordpress(tmp_path, server, "$hooks['wp_enqueue_scripts']();") == "[/slots.css]"
    assert wordpress(tmp_path, server, feed="1") == ""


def test_wordpress_holds_values_of_any_kind():
    odd = slot("it's", title="x")
    assert r"['it\'s']" in snippet("wordpress", odd, PUBLIC)
