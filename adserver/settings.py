"""Settings, read once from the command line and `ADSERVER_*`, handed over as plain values.

No module below the wiring reads the environment. Lists in the environment are comma-separated.
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from adserver.core.internal import Network, read_network, read_patterns
from adserver.core.invalid import Mode, Rule, read_modes
from adserver.core.rate_limits import read_limits

DAY_SECONDS = 86_400
# A name, all names below one, or an address; IPv6 in brackets, as in a Host header.
HOST_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\]")


class Settings(BaseSettings):
    """Each field is an option of the commands that use it, and `ADSERVER_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="ADSERVER_", frozen=True, extra="ignore")

    config: Path = Field(Path("config"), description="folder of site.yaml, slots.yaml, campaigns/")
    redis: str = Field(
        "embedded:./var",
        description="embedded:DIR, redis://, unix://, redis+sentinel:// or redis+cluster://; "
        "rediss for TLS",
        repr=False,  # it may have a password
    )
    namespace: str = Field(
        "adserver",
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="prefix of every Redis key; keeps two installations in one Redis apart",
    )
    state: Path = Field(
        Path("var"), description="folder of the node's own files; must survive restarts"
    )
    host: str = Field("127.0.0.1", description="address of the public port")
    port: int = Field(8080, ge=0, le=65_535, description="public port; 0 takes a free one")
    admin_host: str = Field("127.0.0.1", description="address of the admin port")
    admin_port: int = Field(8081, ge=0, le=65_535, description="admin port; 0 takes a free one")
    workers: int = Field(1, ge=1, le=64, description="worker processes")
    public_url: str = Field("", description="begins every address we emit; empty: root-relative")
    trusted_peers: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="networks whose `visitor`, X-Forwarded-For and country header are believed"
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="hosts that the public port answers to, such as *.blog.example; any if empty",
    )
    max_connections: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="connections of each worker; 0: as many as open files allow, at most 8,192",
    )
    country_header: str = Field(
        "",
        pattern="^[A-Za-z0-9-]{0,64}$",
        description="header in which trusted peers say the reader's country, such as CF-IPCountry",
    )
    country_database: Path | None = Field(
        None, description="MaxMind database that says the reader's country where nobody else does"
    )
    secret_key: SecretStr = Field(
        SecretStr(""), description="signing keys, comma-separated; the first signs"
    )
    secret_key_file: Path | None = Field(None, description="file of signing keys, one a line")
    admin_token_file: Path | None = Field(None, description="file of the admin port's bearer token")
    admin_allow: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="networks that may read the admin port"
    )
    ticket_life: int = Field(
        DAY_SECONDS, ge=60, le=7 * DAY_SECONDS, description="seconds during which events count"
    )
    rules: Annotated[tuple[tuple[Rule, Mode], ...], NoDecode] = Field(
        (),
        description="rules against invalid traffic and their modes (off, dry_run, discard), such "
        "as unknown_agents=dry_run",
    )
    internal_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="networks of your own, whose events are discarded as internal"
    )
    internal_agents: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="user agents of your own, such as LeComptoirMonitor; * is anything"
    )
    rate_limits: Annotated[tuple[tuple[str, int], ...], NoDecode] = Field(
        (),
        description="limits of rate_limited and clicks_many_campaigns that differ from the "
        "default, such as click.address.minute=30",
    )
    suspend_rules: str = Field(
        "auto",
        pattern="^(auto|never)$",
        description="auto: rules by address are suspended where most events seem to come through "
        "a proxy that is not trusted; never: there is none",
    )
    journal_sync: str = Field(
        "always",
        pattern="^(always|interval)$",
        description="always: an answer survives a power cut; interval: a crash, and a second's "
        "events are at the mercy of the power",
    )
    journal_mebibytes: int = Field(
        1024, ge=16, le=1024 * 1024, description="MiB of journals; then events are refused"
    )
    shedding: str = Field(
        "on",
        pattern="^(on|off)$",
        description="on: a worker that cannot keep up answers some slots without deciding; off: "
        "whoever asks then waits, for as long as it takes",
    )
    log_format: str = Field("auto", pattern="^(auto|json|text)$", description="auto, json or text")

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def read_hosts(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        for name in value:
            if not HOST_NAME.fullmatch(name):
                raise ValueError(
                    f"{name!r} is no host; expected a name such as ads.example or *.ads.example, "
                    "without https:// and port"
                )
        return tuple(value)

    @field_validator("trusted_peers", "admin_allow", mode="before")
    @classmethod
    def read_networks(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        return tuple(ip_network(part, strict=False) for part in value)

    @field_validator("internal_networks", mode="before")
    @classmethod
    def read_own_networks(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        return tuple(read_network(str(part)) for part in value)

    @field_validator("rate_limits", mode="before")
    @classmethod
    def read_rate_limits(cls, value: Any) -> Any:
        return tuple(read_limits(value).items()) if isinstance(value, str) else value

    @field_validator("internal_agents", mode="before")
    @classmethod
    def read_agents(cls, value: Any) -> Any:
        return tuple(read_patterns(value)) if isinstance(value, str) else value

    @field_validator("rules", mode="before")
    @classmethod
    def read_rules(cls, value: Any) -> Any:
        return tuple(read_modes(value)) if isinstance(value, str) else value
