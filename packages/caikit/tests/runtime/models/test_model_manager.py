"""The documented access to the models of a process."""

from __future__ import annotations

import pytest
from noted_models import write_model

import caikit
from caikit.core import ModuleBase
from caikit.runtime.model_management.factories import model_loader_factory, model_sizer_factory
from caikit.runtime.model_management.model_loader_base import ModelLoaderBase
from caikit.runtime.model_management.model_manager import ModelManager
from caikit.runtime.models import SHARED_STORE, SharedStore
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException


@pytest.fixture
def local_models(temp_config, models_dir):
    temp_config(
        {
            "runtime": {
                "local_models_dir": str(models_dir),
                "lazy_load_write_detection_period_seconds": 0,
                "lazy_load_local_models": False,
            }
        }
    )
    return models_dir


def test_the_instance_stands_for_the_shared_store(local_models):
    write_model(local_models, "m", text="shared")
    manager = ModelManager.get_instance()
    assert manager is ModelManager.get_instance()
    assert manager.loaded_models == {}
    store = SHARED_STORE.hold()
    try:
        assert list(manager.loaded_models) == ["m"]
        assert manager.loaded_models["m"].module().text == "shared"
        assert manager.retrieve_model("m").text == "shared"
        assert manager.store is store
    finally:
        assert SHARED_STORE.release(store)
    assert store.closed
    assert manager.loaded_models == {}


def test_the_shared_store_lives_as_long_as_its_last_holder(local_models):
    shared = SharedStore()
    first, second = shared.hold(), shared.hold()
    assert first is second
    shared.release()
    assert not first.closed
    shared.release()
    assert first.closed
    assert shared.hold() is not first
    shared.release()


def test_servers_with_other_models_get_another_store(temp_config, local_models, tmp_path):
    shared = SharedStore()
    write_model(local_models, "one")
    first = shared.hold()
    temp_config({"runtime": {"http": {"port": 1234}}})
    assert shared.hold() is first
    write_model(tmp_path / "others", "two")
    temp_config({"runtime": {"local_models_dir": str(tmp_path / "others")}})
    second = shared.hold(caikit.get_config())
    assert [list(first.models), list(second.models)] == [["one"], ["two"]]
    assert shared.current is second
    shared.release(second)
    assert (second.closed, shared.current) == (True, first)
    shared.release()
    assert not first.closed
    shared.release()
    assert (first.closed, shared.current) == (True, None)


def test_the_shared_store_survives_a_failed_start(temp_config, tmp_path, local_models):
    shared = SharedStore()
    temp_config({"runtime": {"local_models_dir": str(tmp_path / "nowhere"), "lazy_load_local_models": True}})
    with pytest.raises(ValueError, match="local_models_dir"):
        shared.hold()
    temp_config({"runtime": {"local_models_dir": str(local_models)}})
    shared.hold()
    shared.release()


def test_methods(make_store, models_dir):
    manager = ModelManager(make_store())
    path = write_model(models_dir.parent, "m", text="x")
    entry = manager.load_model("m", str(path), "t")
    assert manager.get_model_size("m") == entry.size() == manager.estimate_model_size("n", str(path), "t")
    assert manager.unload_model("m") == entry.size()
    assert manager.unload_model("m") == 0
    manager.deploy_model("d", {"config.yml": (path / "config.yml").read_bytes()})
    assert isinstance(manager.retrieve_model("d"), ModuleBase)
    manager.undeploy_model("d")
    write_model(models_dir, "new")
    manager.sync_local_models(wait=True)
    assert manager.loaded_models["new"].loaded()
    manager.unload_all_models()
    assert manager.loaded_models == {}
    manager.shut_down()
    with pytest.raises(CaikitRuntimeException) as caught:
        manager.load_model("m", str(path), "t")
    assert caught.value.status_code.name == "UNAVAILABLE"


def test_errors_are_runtime_exceptions(make_store):
    manager = ModelManager(make_store())
    for call, code in [
        (lambda: manager.retrieve_model("nope"), "NOT_FOUND"),
        (lambda: manager.retrieve_model(""), "INVALID_ARGUMENT"),
        (lambda: manager.get_model_size("nope"), "NOT_FOUND"),
        (lambda: manager.estimate_model_size("n", "/nope", "t"), "NOT_FOUND"),
        (lambda: manager.deploy_model("", {}), "INVALID_ARGUMENT"),
        (lambda: manager.undeploy_model("nope"), "NOT_FOUND"),
    ]:
        with pytest.raises(CaikitRuntimeException) as caught:
            call()
        assert caught.value.status_code.name == code


@pytest.mark.parametrize(
    ("model_type", "config", "factor"),
    [("any", {}, 10), ("special", {"model_size_multipliers": {"special": 2.5}}, 2.5)],
)
def test_model_mesh_sizes(temp_config, tmp_path, model_type, config, factor):
    temp_config({"inference_plugin": {"model_mesh": config}})
    (tmp_path / "weights").write_bytes(b"x" * 101)
    sizer = model_sizer_factory.construct(caikit.get_config().model_management.sizers.default, "default")
    assert sizer.get_model_size("m", str(tmp_path), model_type) == int(101 * factor)
    assert sizer.get_model_size("m", str(tmp_path / "weights"), model_type) == int(101 * factor)


def test_size_of_a_changed_model(tmp_path):
    sizer = model_sizer_factory.construct({"type": "DIRECTORY"})
    (tmp_path / "weights").write_bytes(b"x" * 10)
    assert sizer.get_model_size("m", str(tmp_path), "t") == 10
    (tmp_path / "weights").write_bytes(b"x" * 20)
    assert sizer.get_model_size("m", str(tmp_path), "t") == 20


def test_a_loader_of_ones_own(make_store, temp_config, local_models):
    class Named(ModuleBase):
        def __init__(self, name):
            super().__init__()
            self.model_name = name

    class NamingLoader(ModelLoaderBase):
        name = "TEST-NAMING"

        def __init__(self, config, instance_name):
            self.config = config

        def load_module_instance(self, model_path, model_id, model_type, finder=None, initializer=None):
            return Named(f"{model_id} of {model_type} by {finder}")

    model_loader_factory.register(NamingLoader)
    temp_config({"model_management": {"loaders": {"default": {"type": "TEST-NAMING"}}}})
    shared = SharedStore()
    store = shared.hold()
    try:
        entry = store.load("m", "nowhere", "kind", finder="me")
        assert entry.model().model_name == "m of kind by me"
        assert entry.size() == 0
    finally:
        shared.release()
