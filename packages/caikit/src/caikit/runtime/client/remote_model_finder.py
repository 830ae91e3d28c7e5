"""Finds models on other servers."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

import aconfig
import alog

from caikit.core.exceptions import error_handler
from caikit.core.model_management import ModelFinderBase
from caikit.interfaces.common.data_model import ConnectionInfo
from caikit.runtime.names import MODEL_MESH_MODEL_ID_KEY

from ._connections import GRPC, HTTP, is_encrypted, target_of
from ._credentials import Credentials
from ._discovery import Survey
from ._errors import reason_of
from ._model_infos import Ask, ask_via_grpc, ask_via_http
from .remote_config import RemoteModuleConfig
from .utils import refuse_unverified_grpc

__all__ = ["ModuleConnectionInfo", "RemoteModelFinder"]

log = alog.use_channel("RMTFIND")
error = error_handler.get(log)

_PLACE = "{}"
_HOST_PART = re.compile(r"[0-9A-Za-z_](?:[0-9A-Za-z._-]*[0-9A-Za-z_])?")
_POLLS_BEFORE_EXPIRY = 10
_SHORTEST_EXPIRY = 60.0
_MOST_NAMES = 10_000
_MOST_SHOWN = 10


@dataclass
class ModuleConnectionInfo:
    """Where a model is, and the id of its module."""

    conn: ConnectionInfo
    module_id: str


Models = dict[str, ModuleConnectionInfo]


@dataclass
class _Answer:
    """The models of one server."""

    models: Models
    time: float = field(default_factory=time.monotonic)


class RemoteModelFinder(ModelFinderBase):
    """Finder type REMOTE: models that other servers have loaded.

    Config:

    - `connection`: `ConnectionInfo` of the server; with `{}` in its `hostname`, which stands for the model's name,
      that of a server for each model
    - `remote_connections`: a list of more servers; the first one that has a model gets its calls
    - `protocol`: `grpc` (the default) or `http`
    - `model_key`: name of the metadata that tells the model over gRPC, `mm-model-id`
    - `discover_models`: whether to ask the servers for their models, true
    - `min_poll_time`: seconds between two rounds of questions, 30
    - `supported_models`: `{model name: module id}` for models on `connection` that are known without asking
    - `metadata`: names and values that go with every call, as metadata or headers
    - `token_file`: file with a bearer token for the header `authorization`; it is read again when it changes
    """

    name = "REMOTE"

    def __init__(self, config: aconfig.Config, instance_name: str) -> None:
        """Nothing is connected before the first model is looked for."""
        self._instance_name = instance_name
        self._connection_template: ConnectionInfo | None = None
        self._connections: dict[str, ConnectionInfo] = {}
        self._model_key: str = _value(config, "model_key", MODEL_MESH_MODEL_ID_KEY)
        self._protocol: str = _value(config, "protocol", GRPC)
        self._min_poll_time: float = _value(config, "min_poll_time", 30)
        self._discover_models: bool = _value(config, "discover_models", True)
        error.type_check("<COR72281544E>", str, protocol=self._protocol, model_key=self._model_key)
        error.type_check("<COR72281546E>", bool, discover_models=self._discover_models)
        error.type_check("<COR72281547E>", int, float, min_poll_time=self._min_poll_time)
        error.value_check(
            "<COR72281545E>",
            self._protocol in (GRPC, HTTP),
            f"Invalid protocol [{self._protocol}]: expected {GRPC} or {HTTP}",
        )
        self._metadata: Mapping[str, str] | None = config.get("metadata")
        self._token_file: str | None = config.get("token_file")
        self._credentials = Credentials(self._metadata, self._token_file)
        self._read_connections(config)
        self._static = self._read_supported_models(config)
        self._supported_models: Models = dict(self._static)
        self._found: Models = {}
        self._answers: dict[str, _Answer] = {}
        self._failures: dict[str, Exception] = {}
        self._rounds: dict[str | None, float] = {}
        self._state_lock = threading.RLock()
        self._discover_lock = threading.Lock()
        self._refreshing = threading.Lock()
        self._survey: Survey[Models] = Survey(self._take_answer, self._report_failure)

    def find_model(self, model_path: str, **__: Any) -> RemoteModuleConfig | None:
        """The configuration of the model that a server has under this name; None if there is none.

        A name that is not known leads to a new round of questions, at most one in `min_poll_time`. `ValueError`, with
        the reasons, if it is not known and not every server could be asked.
        """
        error.type_check("<COR72281548E>", str, model_path=model_path)
        self._forget_old_answers()
        known = self._supported_models.get(model_path)
        if known is None and self._discover_models:
            known = self._safe_discover(model_path).get(model_path)
        elif self._discover_models:
            self._refresh_later()
        if known is None:
            self._refuse_if_not_asked(model_path)
            return None
        return RemoteModuleConfig.load_from_module(
            known.module_id,
            known.conn,
            self._protocol,
            self._model_key,
            model_path,
            metadata=self._metadata,
            token_file=self._token_file,
        )

    # Discovery

    def _discover(self, model_name: str | None = None) -> Models:
        """Ask the servers for their models; returns what is found in time."""
        if self._protocol == HTTP:
            return self._discover_http_models(model_name)
        return self._discover_grpc_models(model_name)

    def _safe_discover(self, model_name: str | None = None) -> Models:
        """Discover, one round at a time and not too often; returns all known models."""
        with self._discover_lock:
            # Servers of a template have one model each.
            subject = model_name if self._connection_template is not None else None
            known = model_name is not None and model_name in self._supported_models
            if not known and self._is_due(subject):
                self._note_round(subject)
                found = self._discover(model_name)
                with self._state_lock:
                    self._found = dict(found)
                    self._gather()
            return self._supported_models

    def _discover_grpc_models(self, model_name: str | None) -> Models:
        return self._ask_servers(model_name, ask_via_grpc)

    def _discover_http_models(self, model_name: str | None) -> Models:
        return self._ask_servers(model_name, ask_via_http)

    def _get_conn_candidates(self, model_name: str | None) -> list[ConnectionInfo]:
        """The servers that may have a model, the most likely first."""
        rendered = None if model_name is None else self._render_conn_template(model_name)
        return [*([] if rendered is None else [rendered]), *self._connections.values()]

    def _render_conn_template(self, model_name: str) -> ConnectionInfo | None:
        """The connection to the server of one model, if there is a template and the name can be part of a host."""
        template = self._connection_template
        if template is None:
            return None
        if not _HOST_PART.fullmatch(model_name):
            log.warning("<COR72281549W>", "No host can have the name of the model %r", model_name)
            return None
        values = {**template.to_kwargs(), "hostname": template.hostname.replace(_PLACE, model_name)}
        return ConnectionInfo(**values)

    def _ask_servers(self, model_name: str | None, ask: Ask) -> Models:
        candidates = {target_of(self._protocol, each): each for each in self._get_conn_candidates(model_name)}
        self._survey.ask(
            {target: partial(self._models_of, ask, info) for target, info in candidates.items()},
            lambda: model_name is not None and model_name in self._supported_models,
        )
        with self._state_lock:
            answers = {
                target: self._answers[target].models for target in candidates if target in self._answers
            }
        found = _merged(answers.values())
        if model_name is not None and model_name not in found:
            _tell_what_there_is(model_name, answers)
        return found

    def _models_of(self, ask: Ask, info: ConnectionInfo) -> Models:
        return {
            model.name: ModuleConnectionInfo(info, model.module_id)
            for model in reversed(ask(info, self._credentials).models or ())
            if model.loaded and model.name and model.module_id
        }

    # What is known

    def _take_answer(self, target: str, models: Models) -> None:
        with self._state_lock:
            self._answers[target] = _Answer(models)
            self._failures.pop(target, None)
            self._gather()

    def _report_failure(self, target: str, problem: Exception) -> None:
        log.warning("<COR72281550W>", "Unable to discover the models of %s: %s", target, problem)
        with self._state_lock:
            if len(self._failures) >= _MOST_NAMES:
                self._failures.clear()
            self._failures[target] = problem

    def _refuse_if_not_asked(self, model_name: str) -> None:
        """A server that did not say what it has may have the model."""
        targets = dict.fromkeys(
            target_of(self._protocol, each) for each in self._get_conn_candidates(model_name)
        )
        with self._state_lock:
            failures = {target: self._failures[target] for target in targets if target in self._failures}
        if failures:
            reasons = "; ".join(f"{target}: {reason_of(problem)}" for target, problem in failures.items())
            message = f"value check failed: Unable to find a ModuleConfig for {model_name}: {reasons}"
            error("<COR72281556E>", ValueError(message), next(iter(failures.values())))

    def _gather(self) -> None:
        """Models that are configured come first, then those of the first server that has them."""
        ordered = [target_of(self._protocol, each) for each in self._connections.values()]
        targets = [*(target for target in self._answers if target not in ordered), *ordered]
        answers = [self._answers[target].models for target in targets if target in self._answers]
        self._supported_models = _merged([self._static, *answers, self._found])

    def _forget_old_answers(self) -> None:
        """A server that is silent for long has no models any more."""
        oldest = time.monotonic() - max(_SHORTEST_EXPIRY, _POLLS_BEFORE_EXPIRY * self._min_poll_time)
        with self._state_lock:
            old = [target for target, answer in self._answers.items() if answer.time < oldest]
            if old:
                for target in old:
                    del self._answers[target]
                self._found = {}
                self._gather()

    def _refresh_later(self) -> None:
        """Ask again in the background, when it is time to."""
        if self._connections and self._is_due(None) and self._refreshing.acquire(blocking=False):
            threading.Thread(target=self._refresh, name="caikit_refresh_models", daemon=True).start()

    def _refresh(self) -> None:
        try:
            self._safe_discover()
        finally:
            self._refreshing.release()

    def _is_due(self, subject: str | None) -> bool:
        return time.monotonic() - self._rounds.get(subject, float("-inf")) >= self._min_poll_time

    def _note_round(self, subject: str | None) -> None:
        if len(self._rounds) >= _MOST_NAMES:
            self._rounds.clear()
        self._rounds[subject] = time.monotonic()

    # Configuration

    def _read_connections(self, config: aconfig.Config) -> None:
        connection = _connection_info(config.get("connection"))
        if connection is not None and _PLACE in connection.hostname:
            self._connection_template = connection
        remote_connections = config.get("remote_connections") or []
        error.type_check("<COR72281551E>", list, remote_connections=remote_connections)
        for info in (connection, *map(_connection_info, remote_connections)):
            if info is None:
                continue
            if (
                self._protocol == GRPC
                and info.tls is not None
                and info.tls.enabled
                and info.tls.insecure_verify
            ):
                refuse_unverified_grpc()
            if self._token_file and not is_encrypted(info):
                log.warning("<COR72281552W>", "The token is sent to %s without encryption", info.hostname)
            if info is not self._connection_template:
                self._connections.setdefault(target_of(self._protocol, info), info)

    def _read_supported_models(self, config: aconfig.Config) -> Models:
        supported = config.get("supported_models") or {}
        error.type_check("<COR72281553E>", dict, supported_models=supported)
        error.type_check_all("<COR72281554E>", str, supported_models=[*supported, *supported.values()])
        if not supported:
            return {}
        connection = _connection_info(config.get("connection"))
        if connection is None:
            error("<NLP77334255E>", ValueError("supported_models need a connection, to which they belong"))
        models = {}
        for name, module_id in supported.items():
            info = connection if self._connection_template is None else self._render_conn_template(name)
            if info is not None:
                models[str(name)] = ModuleConnectionInfo(info, str(module_id))
        return models


def _tell_what_there_is(model_name: str, answers: Mapping[str, Models]) -> None:
    """What a caller may want to know of a name that is nowhere; servers that could not be asked are told before."""
    for target, models in answers.items():
        more = ["..."] if len(models) > _MOST_SHOWN else []
        shown = ", ".join([*islice(sorted(models), _MOST_SHOWN), *more]) or "none"
        log.warning("<COR72281558W>", "%s has no model %r; it has %s", target, model_name, shown)


def _merged(maps: Iterable[Models]) -> Models:
    """The first one to know a model decides."""
    merged: Models = {}
    for models in maps:
        for name, info in models.items():
            merged.setdefault(name, info)
    return merged


def _value(config: aconfig.Config, key: str, default: Any) -> Any:
    given = config.get(key)
    return default if given is None else given


def _connection_info(given: Any) -> ConnectionInfo | None:
    error.type_check("<COR72281555E>", dict, ConnectionInfo, allow_none=True, connection=given)
    if given is None or isinstance(given, ConnectionInfo):
        return given
    return ConnectionInfo(**given)
