"""Which services are bound, and the fixed ones."""

from __future__ import annotations

import pytest
import yaml
from bound_lib import BoundGreeter, BoundPerson

from caikit.interfaces.common.data_model import File
from caikit.interfaces.runtime.data_model import ModelInfo
from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.operation import Kind, Layout
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

CONFIG = yaml.safe_dump({"module_id": BoundGreeter.MODULE_ID, "greeting": "Deployed"}).encode()
INFO = {"GetModelsInfo", "GetRuntimeInfo"}


def kinds(service) -> set[Kind]:
    return {operation.kind for operation in service.operations.values()}


def test_everything_is_served_by_default(service):
    assert kinds(service) == set(Kind)


def test_without_training(make_service):
    service = make_service(service_generation={"enable_training": False})
    assert Kind.TRAINING not in kinds(service)
    assert "GetTrainingStatus" not in service.operations
    assert "DeployModel" in service.operations


def test_without_jobs(make_service):
    service = make_service(service_generation={"enable_inference_jobs": False})
    assert kinds(service) == set(Kind) - {Kind.JOB}


def test_only_info(make_service):
    service = make_service(
        service_generation={
            "enable_inference_jobs": False,
            "enable_inference": False,
            "enable_training": False,
        }
    )
    assert set(service.operations) == INFO


def test_jobs_need_inference(make_service):
    with pytest.raises(
        CaikitRuntimeException, match=r"^Inference Jobs require enabling the Inference"
    ) as caught:
        make_service(service_generation={"enable_inference": False})
    assert caught.value.status_code.name == "INVALID_ARGUMENT"


def test_models_info(service):
    answer = service.call("GetModelsInfo", model_ids=["polite", "greeter"])
    assert [info.name for info in answer.models] == ["polite", "greeter"]
    assert answer.models[1].module_id == BoundGreeter.MODULE_ID
    assert len(service.call("GetModelsInfo").models) == 7
    with pytest.raises(RequestError, match=r"^Model nope is not loaded$"):
        service.call("GetModelsInfo", model_ids=["nope"])
    route = service.operations["GetModelsInfo"].http
    assert (route.path, route.layout, route.compact) == ("/info/models", Layout.QUERY, True)


def test_runtime_info(make_service):
    service = make_service(version_info={"runtime_image": "1.2.3", "python_packages": {"foo": "9.9"}})
    info = service.call("GetRuntimeInfo")
    assert info.runtime_version == "1.2.3"
    assert info.python_packages["foo"] == "9.9"
    assert info.python_packages["caikit"]
    assert all(name == "foo" or name.startswith("caikit") for name in info.python_packages)


def test_runtime_info_of_all_packages(make_service):
    service = make_service(version_info={"python_packages": {"all": True}})
    info = service.call("GetRuntimeInfo")
    assert info.runtime_version == ""
    assert "pytest" in info.python_packages
    assert "all" not in info.python_packages


def test_deploy_and_undeploy(service, tmp_path):
    files = [File(data=CONFIG, filename="config.yml")]
    info = service.call("DeployModel", model_id="new", model_files=files)
    assert info == ModelInfo(
        model_path=str(tmp_path / "models" / "new"), name="new", size=info.size, loaded=False
    )
    assert info.size == 10 * len(CONFIG)
    assert service.call("BoundGreetTaskPredict", "new", person=BoundPerson("Ann")).text == "Deployed Ann"
    assert service.call("GetModelsInfo", model_ids=["new"]).models[0].loaded
    assert service.call("UndeployModel", model_id="new").model_id == "new"
    with pytest.raises(RequestError, match=r"^Cannot undeploy unknown model new$"):
        service.call("UndeployModel", model_id="new")


def test_deploy_nothing(service):
    with pytest.raises(RequestError, match=r"^Must provide model_id$"):
        service.call("DeployModel")
    with pytest.raises(RequestError, match=r"^Must provide at least one model_files entry"):
        service.call("DeployModel", model_id="x")
    with pytest.raises(RequestError, match=r"^Must provide at least one model_files entry"):
        service.operations["DeployModel"].work(service.context(), {"model_id": "x", "model_files": None})
