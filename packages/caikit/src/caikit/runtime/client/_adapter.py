"""The adapter between sessions of `requests` and their connections."""

from __future__ import annotations

import ssl
from functools import partial
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool

from caikit.runtime.engine import end_early

from ._cut import cut


class PatientAdapter(HTTPAdapter):
    """Waits as long as the session says, where a request does not say it."""

    def __init__(self, *, timeout: float | None, ssl_context: ssl.SSLContext | None, **settings: Any) -> None:
        self._timeout = timeout or None
        self._ssl_context = ssl_context
        super().__init__(**settings)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **{**kwargs, **self._tls()})
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **{**kwargs, **self._tls()})
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> requests.Response:
        return super().send(request, stream, self._timeout if timeout is None else timeout, *args, **kwargs)

    def _tls(self) -> dict[str, Any]:
        return {} if self._ssl_context is None else {"ssl_context": self._ssl_context}


def _interruptible(pool: Any) -> Any:
    """The same kind of pool, with connections that a cancelled request ends."""

    class Connection(pool.ConnectionCls):  # type: ignore[misc] # one of two
        def connect(self) -> None:
            super().connect()
            end_early(partial(cut, self))

        def request(self, *args: Any, **kwargs: Any) -> None:
            end_early(partial(cut, self))
            super().request(*args, **kwargs)

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


_POOLS = {"http": _interruptible(HTTPConnectionPool), "https": _interruptible(HTTPSConnectionPool)}
