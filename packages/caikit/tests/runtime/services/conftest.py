"""A service built from module classes of the calling test."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from caikit.runtime.names import ServiceType


@pytest.fixture
def serve(temp_config: Callable[[dict[str, Any]], None]) -> Callable[..., Any]:
    """Builds the package of one service that has only the given modules, in a protobuf package of its own."""

    def build(*modules: type[Any], service_type: ServiceType = ServiceType.INFERENCE, **settings: Any) -> Any:
        from caikit.runtime.service_factory import ServicePackageFactory

        temp_config(
            {
                "runtime": {
                    "library": modules[0].__module__.partition(".")[0],
                    "service_generation": {
                        "package": f"tests.p{uuid.uuid4().hex}",
                        "domain": "Sample",
                        "module_guids": {"included": [module.MODULE_ID for module in modules]},
                        **settings,
                    },
                }
            }
        )
        return ServicePackageFactory.get_service_package(service_type)

    return build
