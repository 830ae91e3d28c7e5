"""The work behind the RPCs that deploy and describe models."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import caikit
from caikit.interfaces.runtime.data_model import (
    ModelInfo,
    ModelInfoResponse,
    RuntimeInfoResponse,
    UndeployModelRequest,
)

from .bind_inference import Work

if TYPE_CHECKING:
    from caikit.runtime.engine.context import RequestContext
    from caikit.runtime.models import ModelStore


def model_management_work(store: ModelStore) -> dict[str, Work]:
    """The functions that serve the RPCs of ModelManagement."""

    def deploy(context: RequestContext, given: Mapping[str, Any]) -> ModelInfo:
        files = [(file.filename, file.data) for file in given.get("model_files") or ()]
        entry = store.deploy(given.get("model_id") or "", files)
        return ModelInfo(model_path=store.shown_path(entry), name=entry.id(), size=entry.size(), loaded=False)

    def undeploy(context: RequestContext, given: Mapping[str, Any]) -> UndeployModelRequest:
        model_id = given.get("model_id") or ""
        store.undeploy(model_id)
        return UndeployModelRequest(model_id=model_id)

    return {"DeployModel": deploy, "UndeployModel": undeploy}


def info_work(store: ModelStore, config: Any) -> dict[str, Work]:
    """The functions that serve the RPCs of InfoService."""
    version_info = config.runtime.version_info or {}

    def models_info(context: RequestContext, given: Mapping[str, Any]) -> ModelInfoResponse:
        return ModelInfoResponse(models=store.infos(given.get("model_ids") or None))

    def runtime_info(context: RequestContext, given: Mapping[str, Any]) -> RuntimeInfoResponse:
        configured = dict(version_info.get("python_packages") or {})
        everything = bool(configured.pop("all", False))
        return RuntimeInfoResponse(
            runtime_version=version_info.get("runtime_image") or "",
            python_packages={
                **{name: str(version) for name, version in configured.items()},
                **_installed(everything),
            },
        )

    return {"GetModelsInfo": models_info, "GetRuntimeInfo": runtime_info}


@cache
def _installed(everything: bool) -> dict[str, str]:
    """{import name: version} of the installed packages; reading all their metadata takes a while."""
    from importlib import metadata

    found = {"caikit": caikit.__version__}  # also where it runs without having been installed
    for name, distributions in sorted(metadata.packages_distributions().items()):
        if everything or name.startswith("caikit"):
            found[name] = metadata.version(distributions[0])
    return found
