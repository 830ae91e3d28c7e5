"""A module that an earlier build served must not be missing."""

from __future__ import annotations

import json
import uuid

import pytest

from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task
from caikit.runtime.models import ModelStore
from caikit.runtime.service_factory import ServicePackageFactory
from caikit.runtime.services.bind import bind_operations


@dataobject("tests.backwards_compatibility")
class Kept(DataObjectBase):
    text: str


@task(unary_parameters={"text": str}, unary_output_type=Kept)
class KeepTask(TaskBase):
    pass


@module(id=str(uuid.uuid4()), name="Keep", version="0.0.1", task=KeepTask)
class Keep(ModuleBase):
    def run(self, text: str) -> Kept:
        return Kept(text)


@pytest.fixture
def build(temp_config, tmp_path):
    """The RPCs of a server whose earlier build is in a file with this content."""

    def build_operations(previous):
        path = tmp_path / "prev_modules.json"
        if previous is not None:
            path.write_text(json.dumps({"included_modules": previous}))
        temp_config(
            {
                "runtime": {
                    "library": __name__,
                    "local_models_dir": "",
                    "service_generation": {
                        "package": f"tests.p{uuid.uuid4().hex}",
                        "domain": "Keep",
                        "module_guids": {"included": [Keep.MODULE_ID]},
                        "backwards_compatibility": {
                            "enabled": True,
                            "prev_modules_path": str(path),
                            "current_modules_path": str(tmp_path / "modules.json"),
                        },
                    },
                }
            }
        )
        return [operation.name for operation in bind_operations(store=ModelStore.from_config())]

    return build_operations


def test_no_module_is_missing(build):
    assert "KeepTaskPredict" in build({"KeepTask": {Keep.MODULE_ID: "whatever"}})
    assert "KeepTaskPredict" in build({})


def test_a_module_is_missing(build):
    with pytest.raises(ValueError, match=r"BREAKING CHANGE! Found unsupported module.*'gone'"):
        build({"KeepTask": {Keep.MODULE_ID: "a", "gone": "b"}})
    with pytest.raises(ValueError, match="BREAKING CHANGE"):
        ServicePackageFactory.get_service_package(ServicePackageFactory.ServiceType.JOB_INFERENCE)
    # Trainings have no callers that would miss a module.
    assert ServicePackageFactory.get_service_package(ServicePackageFactory.ServiceType.TRAINING)


def test_there_is_no_earlier_build(build):
    with pytest.raises(ValueError, match=r"prev_modules_path .* is not a valid file path"):
        build(None)


def test_what_one_build_writes_the_next_one_reads(build, tmp_path):
    build({})
    ServicePackageFactory.get_service_package(
        ServicePackageFactory.ServiceType.INFERENCE, write_modules_file=True
    )
    written = json.loads((tmp_path / "modules.json").read_text())["included_modules"]
    assert list(written) == ["KeepTask"]
    assert "KeepTaskPredict" in build(written)
