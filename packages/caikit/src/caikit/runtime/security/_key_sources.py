"""Where the keys that verify tokens come from, and how they are renewed."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from functools import partial
from typing import Protocol

import alog

from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.guard import UndecidedError
from caikit.runtime.engine.status import Status
from caikit.runtime.utils.watched_files import MadeFromFiles, read_limited

from ._fetch import FETCH_SECONDS, fetch, shown
from ._key_set import KeySet, parse_key_set
from ._settings import SECTION, JwtSettings

log = alog.use_channel("SECURITY")

# A token that names an unknown key makes us ask for new ones, but not more often than this.
_ASKING_PAUSE_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0
_MOST_WAITING = 8
_END_SECONDS = 1.0
_FETCHING = "The keys of tokens are being fetched: try again"


class KeySource(Protocol):
    def get(self) -> KeySet:
        """The keys in use; raises RequestError while there are none."""

    def ask(self) -> None:
        """Called for a key that is not among them; raises UndecidedError when it may be there in a moment."""

    def close(self) -> None: ...


def open_key_source(settings: JwtSettings) -> KeySource:
    return UrlKeys(settings) if settings.from_url else FileKeys(settings)


class FileKeys:
    """Keys in a file, which are read again when it was replaced."""

    def __init__(self, settings: JwtSettings) -> None:
        where = f"{SECTION}.jwt.jwks"
        try:
            self._keys = MadeFromFiles(
                [settings.jwks],
                lambda: parse_key_set(read_limited(settings.jwks), frozenset(settings.algorithms)),
                on_change=lambda: log.info("<RUN61240011I>", "Read the keys of %s again", where),
                on_failure=lambda error: log.error(
                    "<RUN61240012E>", "The new keys of %s cannot be used, those in use stay: %s", where, error
                ),
            )
        except (OSError, ValueError) as error:
            raise ValueError(f"{where}: {error}") from error

    def get(self) -> KeySet:
        return self._keys.get()

    def ask(self) -> None:
        """The file was looked at already."""

    def close(self) -> None:
        """Nothing is open."""


class UrlKeys:
    """Keys behind a URL, fetched in a thread of its own: at the start, periodically, and when one is missing."""

    def __init__(self, settings: JwtSettings) -> None:
        self._settings = settings
        self._parse = partial(parse_key_set, allowed=frozenset(settings.algorithms))
        self._keys: KeySet | None = None
        self._content = b""
        self._failures = 0
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._closed = False
        # Done when the fetch that is wanted or under way has ended, well or badly.
        self._fetched: Future[None] | None = Future()
        self._waiting = 0
        self._ask_again_at = 0.0
        self._thread = threading.Thread(target=self._run, name="caikit_keys", daemon=True)
        self._wait_for_first(self._fetched)

    def get(self) -> KeySet:
        if self._keys is None:
            self.ask()
            raise RequestError(Status.UNAVAILABLE, _FETCHING)
        return self._keys

    def ask(self) -> None:
        with self._lock:
            if self._fetched is None:
                if self._closed or time.monotonic() < self._ask_again_at:
                    return
                self._ask_again_at = time.monotonic() + _ASKING_PAUSE_SECONDS
                self._fetched, self._waiting = Future(), 0
                self._wanted.set()
            self._waiting += 1
            if self._waiting > _MOST_WAITING:
                raise RequestError(Status.UNAVAILABLE, _FETCHING)
            raise UndecidedError(_FETCHING, self._fetched)

    def close(self) -> None:
        self._closed = True
        self._wanted.set()
        self._thread.join(_END_SECONDS)

    def _wait_for_first(self, fetched: Future[None]) -> None:
        done = threading.Event()
        fetched.add_done_callback(lambda _: done.set())
        self._thread.start()
        done.wait(FETCH_SECONDS)

    def _run(self) -> None:
        while not self._closed:
            self._wanted.clear()
            self._fetch()
            fetched = self._end_fetch()
            if fetched is not None:
                fetched.set_result(None)
            self._wanted.wait(self._pause())

    def _fetch(self) -> None:
        with self._lock:
            if self._fetched is None:
                self._fetched, self._waiting = Future(), 0
        try:
            content = fetch(self._settings.jwks, self._settings.ca)
            if content != self._content:
                # The same content must stay the same object: tokens that it verified need not be verified again.
                self._keys = self._parse(content)
                self._content = content
        except Exception as error:
            self._failures += 1
            log.error(
                "<RUN61240013E>",
                "Cannot get the keys of tokens at %s, %s; next attempt in %g seconds: %s",
                shown(self._settings.jwks),
                "there are none" if self._keys is None else "those in use stay",
                self._pause(),
                error,
            )
        else:
            if self._failures:
                log.info("<RUN61240014I>", "The keys of tokens at %s are back", shown(self._settings.jwks))
            self._failures = 0

    def _end_fetch(self) -> Future[None] | None:
        with self._lock:
            fetched, self._fetched = self._fetched, None
            if self._failures:
                self._ask_again_at = max(self._ask_again_at, time.monotonic() + self._pause())
            return fetched

    def _pause(self) -> float:
        """Seconds until the next fetch: longer after each failure."""
        if not self._failures:
            return self._settings.refresh_seconds
        return float(min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** min(self._failures - 1, 10)))
