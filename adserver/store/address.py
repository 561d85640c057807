"""Addresses of a store, as `--redis` takes them; what is wrong with one is told to a person.

    redis://[USER:PASSWORD@]HOST[:PORT][/DB]                      one server
    unix:///PATH                                                  one server, by its socket
    redis+sentinel://[USER:PASSWORD@]HOST[:PORT],…/NAME[/DB]      sentinels, and their master's name
    redis+cluster://[USER:PASSWORD@]HOST[:PORT],…                 some nodes of a Cluster

`rediss` for `redis` is TLS, to sentinels too. Passwords are percent-encoded, and are in no error
and no log: `shown` is what may be printed of an address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote

from adserver.core.errors import SettingsError
from adserver.store.keys import CLUSTER_SHARDS
from adserver.store.tls import Tls

EMBEDDED = "embedded:"
SERVER, SOCKET, SENTINEL, CLUSTER = "redis", "unix", "redis+sentinel", "redis+cluster"
FORMS = {
    SERVER: "redis://[USER:PASSWORD@]HOST[:PORT][/DB]",
    SOCKET: "unix:///PATH",
    SENTINEL: "redis+sentinel://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT]/NAME[/DB]",
    CLUSTER: "redis+cluster://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT]",
}
PORTS = {SENTINEL: 26_379}
REDIS_PORT = 6_379
# More addresses than anybody's sentinels; each that does not answer costs its time-out.
MAX_HOSTS = 64

ADDRESS = re.compile(
    r"(?P<scheme>[a-z+]+)://(?:(?P<login>[^/]*)@)?(?P<hosts>[^/?@]*)(?P<path>/[^?]*)?"
    r"(?:\?(?P<options>.*))?"
)
HOST = re.compile(r"(?:\[(?P<literal>[0-9A-Fa-f:.%]+)\]|(?P<name>[^:\[\]\s]+))(?::(?P<port>\d+))?")
# Whatever may be one, in an address that may be mistyped: what stands before an @, and each
# option's value but for those that are known to be none.
SECRETS = (
    (re.compile(r"^([a-z+]*:?/*).*@"), r"\1***@"),
    (re.compile(r"([?&](?!ssl_|db=|sentinel_user=)[^=&]*=)[^&]*"), r"\1***"),
)
FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
TLS_OPTIONS = (*FILES, "ssl_check_hostname")
YES_OR_NO = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Address:
    """kind: one of FORMS. login, sentinel_login: arguments of redis-py's connections."""

    kind: str
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    name: str = ""
    db: int = 0
    login: dict[str, str] = field(default_factory=dict, repr=False)
    sentinel_login: dict[str, str] = field(default_factory=dict, repr=False)
    tls: Tls | None = None


def shards_of(url: str) -> int:
    """Over how many shards the counts of a `--redis` value are spread."""
    return CLUSTER_SHARDS if re.match(r"rediss?\+cluster:", url) else 1


def anchored(url: str, folder: Path) -> str:
    """A `--redis` value that means the same wherever it is read: its files are those that it
    would have meant in `folder`."""
    if url.startswith(EMBEDDED):
        return f"{EMBEDDED}{folder / url.removeprefix(EMBEDDED)}"
    where, mark, options = url.partition("?")
    parts = (option.partition("=") for option in options.split("&"))
    kept = (
        f"{name}={quote(str(folder / unquote(value)))}" if name in FILES else f"{name}{sign}{value}"
        for name, sign, value in parts
    )
    return f"{where}{mark}{'&'.join(kept)}"


def shown(url: str) -> str:
    """The address without its passwords."""
    for secret, instead in SECRETS:
        url = secret.sub(instead, url)
    return url


def read_address(url: str) -> Address:
    """SettingsError says what is wrong, without the password."""
    try:
        return parse(url)
    except ValueError as error:
        raise SettingsError(f"--redis {shown(url)!r} {error}") from None


def parse(url: str) -> Address:
    """ValueError goes on where the address has ended: "… has no host"."""
    found = ADDRESS.fullmatch(url)
    scheme, tls = without_tls(found["scheme"] if found else "")
    if found is None or scheme not in FORMS or (tls and scheme == SOCKET):
        expected = ", ".join(FORMS.values())
        raise ValueError(
            f"is not an address of a store; expected embedded:DIR, {expected}; rediss for TLS"
        )
    behind = (found["hosts"] if scheme == SOCKET else found["path"] or "") + (
        "" if found["login"] else found["options"] or ""
    )
    if "@" in behind:
        # What stands before it may be a part of a password: it must not be shown as anything else.
        raise ValueError(
            "has an @ that ends no USER:PASSWORD; expected / ? @ in them as %2F %3F %40"
        )
    options = read_options(scheme, tls, found["options"] or "")
    path = (found["path"] or "").rstrip("/") if scheme != SOCKET else found["path"] or ""
    name, db = read_path(scheme, path)
    return Address(
        kind=scheme,
        hosts=read_hosts(scheme, found["hosts"]),
        path=path if scheme == SOCKET else "",
        name=name,
        db=read_db(scheme, options.get("db", db)),
        login=read_login(found["login"] or ""),
        sentinel_login=login_of(
            options.get("sentinel_user", ""), options.get("sentinel_password", "")
        ),
        tls=read_tls(options) if tls else None,
    )


def without_tls(scheme: str) -> tuple[str, bool]:
    tls = scheme.startswith("rediss")
    return (scheme.replace("rediss", "redis", 1) if tls else scheme), tls


def read_hosts(scheme: str, text: str) -> tuple[tuple[str, int], ...]:
    if scheme == SOCKET:
        if text:
            raise ValueError(f"names a host; expected {FORMS[SOCKET]} with three slashes")
        return ()
    hosts = tuple(read_host(one, PORTS.get(scheme, REDIS_PORT), scheme) for one in text.split(","))
    if len(hosts) > (1 if scheme == SERVER else MAX_HOSTS):
        raise ValueError(
            f"names {len(hosts)} hosts; expected one, or {FORMS[SENTINEL]}, or {FORMS[CLUSTER]}"
            if scheme == SERVER
            else f"names {len(hosts)} hosts, more than {MAX_HOSTS}"
        )
    return hosts


def read_host(text: str, port: int, scheme: str) -> tuple[str, int]:
    found = HOST.fullmatch(text)
    if found is None:
        raise ValueError(
            f"has {text!r} where a host was expected: {FORMS[scheme]}"
            if text
            else f"lacks a host; expected {FORMS[scheme]}"
        )
    port = int(found["port"] or port)
    if not 0 < port < 65_536:
        raise ValueError(f"has the port {port}; expected 1 to 65535")
    return found["literal"] or found["name"], port


def read_path(scheme: str, path: str) -> tuple[str, str]:
    """The master's name and the number of the database, "" where they are not there."""
    _, *parts = path.split("/") if scheme != SOCKET else [""]
    match scheme, parts:
        case ("unix", []) if path != "/" and path:
            return "", ""
        case ("redis" | "redis+cluster", []):
            return "", ""
        case ("redis", [db]):
            return "", db
        case ("redis+sentinel", [name, *rest]) if name and len(rest) <= 1:
            return unquote(name), "".join(rest)
    missing = {
        SOCKET: "lacks the socket's path",
        SENTINEL: "lacks the name that the sentinels have for the master",
    }
    raise ValueError(
        f"{missing.get(scheme, f'has {path!r} behind the host')}; expected {FORMS[scheme]}"
    )


def read_db(scheme: str, text: str) -> int:
    if not text:
        return 0
    if not text.isdecimal():
        raise ValueError(f"has the database {text!r}; expected a number such as 0")
    return int(text)


def read_login(text: str) -> dict[str, str]:
    user, _, password = text.partition(":")
    return login_of(unquote(user), unquote(password))


def login_of(user: str, password: str) -> dict[str, str]:
    if user and not password:
        raise ValueError("has a user without a password; expected USER:PASSWORD@")
    given = {"username": user, "password": password}
    return {name: value for name, value in given.items() if value}


def read_options(scheme: str, tls: bool, text: str) -> dict[str, str]:
    allowed = [
        *(["db"] if scheme in (SERVER, SOCKET) else []),
        *(["sentinel_user", "sentinel_password"] if scheme == SENTINEL else []),
        *(TLS_OPTIONS if tls else []),
    ]
    options = dict(parse_qsl(text, keep_blank_values=True))
    for name in options:
        if name in TLS_OPTIONS and not tls:
            raise ValueError(f"has {name} without TLS; expected rediss… for redis…")
        if name not in allowed:
            known = ", ".join(allowed) or "none"
            raise ValueError(f"has the option {name!r}; expected of these: {known}")
    return options


def read_tls(options: dict[str, str]) -> Tls:
    for name in FILES:
        if name in options and not Path(options[name]).is_file():
            raise ValueError(f"has {name}={options[name]}, and there is no such file")
    if ("ssl_certfile" in options) != ("ssl_keyfile" in options):
        raise ValueError("has one of ssl_certfile and ssl_keyfile; expected both, or neither")
    check = options.get("ssl_check_hostname", "yes")
    if check not in YES_OR_NO:
        raise ValueError(f"has ssl_check_hostname={check}; expected yes or no")
    ca, certificate, key = (options.get(name, "") for name in FILES)
    return Tls(ca, certificate, key, YES_OR_NO[check])
