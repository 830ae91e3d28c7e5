"""The adapter between sessions of `requests` and their connections."""

from __future__ import annotations

import ssl
from typing import Any

import requests
from requests.adapters import HTTPAdapter


class PatientAdapter(HTTPAdapter):
    """Waits as long as the session says, where a request does not say it."""

    def __init__(self, *, timeout: float | None, ssl_context: ssl.SSLContext | None, **settings: Any) -> None:
        self._timeout = timeout or None
        self._ssl_context = ssl_context
        super().__init__(**settings)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **{**kwargs, **self._tls()})

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, **{**kwargs, **self._tls()})

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
