"""The image and the compose file: valid, small in what they may do, and nothing missing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from adserver.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
SERVICES = ["adserver", "backup", "redis", "prometheus", "grafana", "caddy"]
BUILT_HERE = {"adserver", "backup"}


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))
    return found


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"][name]
    return found


def instructions() -> list[str]:
    """The Dockerfile's, each in one line."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def instruction(name: str) -> list[str]:
    return [line.partition(" ")[2] for line in instructions() if line.startswith(name + " ")]


def test_the_compose_file_is_valid() -> None:
    command = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_services_are_the_ones_that_these_tests_know() -> None:
    assert list(compose()["services"]) == SERVICES


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_no_more_than_it_needs(name: str) -> None:
    assert service(name)["cap_drop"] == ["ALL"]
    assert service(name)["security_opt"] == ["no-new-privileges:true"]
    assert not service(name).get("privileged")
    assert service(name).get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])


@pytest.mark.parametrize("name", sorted(set(SERVICES) - BUILT_HERE))
def test_an_image_is_pinned_to_a_minor_version(name: str) -> None:
    assert re.search(r":v?\d+\.\d+", service(name)["image"])


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_exists_and_is_read_only(name: str) -> None:
    for mount in service(name).get("volumes", []):
        source, _, rest = mount.partition(":")
        if source.startswith("."):
            assert (ROOT / source).exists(), mount
            assert rest.endswith(":ro"), mount
        else:
            assert source in compose()["volumes"], mount


def test_only_the_proxy_is_reachable_from_other_machines_unless_asked() -> None:
    for name in set(SERVICES) - {"caddy"}:
        for port in service(name).get("ports", []):
            assert re.match(r"(\$\{\w+:-)?127\.0\.0\.1:", port), f"{name}: {port}"


def test_the_admin_port_is_not_published_and_asks_for_the_token() -> None:
    server = service("adserver")
    assert not [port for port in server["ports"] if "8081" in port]
    assert server["environment"]["ADSERVER_ADMIN_TOKEN_FILE"] == "/run/secrets/admin_token"
    assert {"admin_token", "secret_key"} <= set(server["secrets"])


def test_backups_are_made_when_asked_and_of_the_store_that_nodes_use() -> None:
    backup, server = service("backup"), service("adserver")
    assert (backup["profiles"], backup["restart"]) == (["backup"], "no")
    assert backup["command"][:2] == ["store", "backup"]
    assert backup["environment"]["ADSERVER_REDIS"] == server["environment"]["ADSERVER_REDIS"]
    [mount] = backup["volumes"]
    folder = mount.partition(":")[2]
    assert backup["command"][2] == folder
    assert any("--owner=10001" in line and f" {folder} " in line for line in instruction("RUN"))


def test_redis_keeps_every_count() -> None:
    command = service("redis")["command"]
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command
    assert compose()["networks"]["inside"]["internal"] is True


def test_redis_is_reached_by_those_alone_who_count() -> None:
    """It asks for no password."""
    assert service("redis")["networks"] == ["store"]
    assert compose()["networks"]["store"]["internal"] is True
    assert {name for name in SERVICES if "store" in service(name)["networks"]} == {
        "redis", *BUILT_HERE
    }  # fmt: skip


def test_the_rules_are_mounted_beside_the_configuration_that_names_them() -> None:
    folder = ROOT / "config" / "prometheus"
    named = yaml.safe_load((folder / "prometheus.yml").read_text("utf-8"))["rule_files"]
    assert named
    for name in ("prometheus.yml", *named):
        mount = f"./config/prometheus/{name}:/etc/prometheus/{name}:ro"
        assert mount in service("prometheus")["volumes"]


def test_prometheus_and_the_server_share_one_network_only() -> None:
    """The name would otherwise have two addresses, and a node would be scraped twice."""
    shared = set(service("prometheus")["networks"]) & set(service("adserver")["networks"])
    assert shared == {"inside"}


def test_make_secrets_makes_the_secrets_that_are_mounted() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    recipe = makefile.split("\nsecrets:")[1].split("\n\n")[0]
    for name, secret in compose()["secrets"].items():
        assert secret["file"] == f"./secrets/{name}"
        assert name in recipe
    assert "SECRETS_GROUP=" in recipe


def test_every_setting_in_the_files_exists() -> None:
    image = re.findall(r"ADSERVER_(\w+)=", " ".join(instruction("ENV")))
    composed = [
        name.removeprefix("ADSERVER_")
        for built in sorted(BUILT_HERE)
        for name in service(built)["environment"]
        if name.startswith("ADSERVER_")
    ]
    assert {name.lower() for name in [*image, *composed]} <= set(Settings.model_fields)


def test_the_nodes_own_files_lie_on_a_volume() -> None:
    """They must survive restarts, and the containers are read-only elsewhere."""
    server = service("adserver")
    state = server["environment"]["ADSERVER_STATE"]
    [volume] = [mount for mount in server["volumes"] if mount.endswith(f":{state}")]
    assert volume.partition(":")[0] in compose()["volumes"]
    assert f"ADSERVER_STATE={state}" in " ".join(instruction("ENV"))


def test_the_image_runs_as_a_user_that_may_write_to_its_data_alone() -> None:
    assert instruction("USER") == ["10001:10001"]
    assert instruction("VOLUME") == ["/data"]
    assert any("--owner=10001" in line and line.endswith("/data") for line in instruction("RUN"))


def test_the_image_has_nothing_without_a_hash() -> None:
    assert instruction("ADD") == []
    installs = [line for line in re.split(r"&&|\n", "\n".join(instruction("RUN"))) if "pip" in line]
    for line in installs:
        hashed = "--require-hashes" in line
        ours = "--no-deps" in line and ("--no-index" in line or "--no-build-isolation" in line)
        assert hashed or ours or "uninstall" in line, line
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert "hatchling==" in lock
    assert lock.count("==") <= lock.count("--hash=sha256:")


def test_what_the_image_copies_is_let_in() -> None:
    let_in = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    copied = {
        source
        for line in instruction("COPY")
        if not line.startswith("--from")
        for source in line.split()[:-1]
    }
    assert copied == let_in
    assert all((ROOT / source).exists() for source in copied)


def test_the_image_says_whether_it_is_alive() -> None:
    assert "/livez" in instruction("HEALTHCHECK")[0]
    assert instruction("ENTRYPOINT") == ['["adserver"]']
    assert instruction("EXPOSE") == ["8080 8081"]
