"""Connections over TLS that share the context of their process (`store.tls`).

Apart from it, as redis-py takes a tenth of a second to import, and most commands only look at an
address.
"""

from __future__ import annotations

import ssl
from typing import Any

from redis.asyncio.connection import SSLConnection
from redis.asyncio.sentinel import SentinelManagedConnection


class TlsConnection(SSLConnection):
    def __init__(self, *, context: ssl.SSLContext, **options: Any) -> None:
        super().__init__(ssl_check_hostname=context.check_hostname, **options)
        self.ssl_context.context = context


class SentinelTlsConnection(SentinelManagedConnection, TlsConnection):
    """To the master that the sentinels name."""
