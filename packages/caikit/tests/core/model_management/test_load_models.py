"""Loading models from everywhere, with every kind of component."""

from __future__ import annotations

import inspect
import io
import logging
import os
import pickle
import pydoc
import shutil
import threading
import uuid
import zipfile
from pathlib import Path
from typing import Any, ClassVar

import aconfig
import pytest

import caikit
from caikit.core import (
    MODEL_MANAGER,
    ModelManager,
    ModuleBase,
    ModuleConfig,
    ModuleLoader,
    ModuleSaver,
    module,
)
from caikit.core.model_management import (
    ModelFinderBase,
    ModelInitializerBase,
    model_finder_factory,
    model_initializer_factory,
)
from caikit.core.model_management.local_model_finder import LocalModelFinder
from caikit.core.model_management.local_model_initializer import LocalModelInitializer
from caikit.core.model_management.multi_model_finder import MultiModelFinder
from caikit.core.model_management.multi_model_initializer import MultiModelInitializer
from caikit.core.module_backends import BackendBase
from caikit.core.module_backends.backend_types import register_backend_type


class LoadTestBackend(BackendBase):
    backend_type = "LOADTEST"

    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self.registered: list[dict[str, Any]] = []

    def register_config(self, config: dict[str, Any]) -> None:
        self.registered.append(config)

    def start(self) -> None: ...
    def stop(self) -> None: ...


register_backend_type(LoadTestBackend)


@module(str(uuid.uuid4()), "Loaded", "0.0.1")
class LoadedModule(ModuleBase):
    def __init__(self, number: int = 0, **kwargs: Any) -> None:
        self.number = number
        self.kwargs = kwargs

    def save(self, model_path: str) -> None:
        with ModuleSaver(self, model_path) as saver:
            saver.update_config({"number": self.number})

    @classmethod
    def load(cls, model_path: str | ModuleConfig, **kwargs: Any) -> Any:
        if kwargs.get("broken"):
            raise RuntimeError("broken weights")
        return (
            kwargs["instead"]
            if "instead" in kwargs
            else cls(ModuleLoader(model_path).config.number, **kwargs)
        )


@module(base_module=LoadedModule, backend_type="LOADTEST", backend_config_override={"size": 3})
class LoadedElsewhere(LoadedModule):
    SUPPORTED_LOAD_BACKENDS = ["LOADTEST", "LOCAL"]

    @classmethod
    def load(cls, model_path: str | ModuleConfig, load_backend: Any = None) -> Any:
        return cls(7, backend=load_backend)


@pytest.fixture
def model_path(tmp_path: Path) -> str:
    path = str(tmp_path / "model")
    LoadedModule(5).save(path)
    return path


def config(**entries: Any) -> aconfig.Config:
    return aconfig.Config(entries, override_env_vars=False)


def zip_of(model_path: str, target: Path, prefix: str = "") -> str:
    with zipfile.ZipFile(target, "w") as archive:
        archive.write(f"{model_path}/config.yml", f"{prefix}config.yml")
        archive.writestr("__MACOSX/junk", "")
    return str(target)


def test_from_a_directory(model_path: str) -> None:
    for path in (model_path, f"{model_path}/"):
        model = caikit.load(path, extra=1)
        assert isinstance(model, LoadedModule)
        assert (model.number, model.kwargs) == (5, {"extra": 1})
        assert model.metadata["module_id"] == LoadedModule.MODULE_ID
        assert model.load_backend is not None
        assert model.load_backend.backend_type == "LOCAL"


@pytest.mark.parametrize("prefix", ["", "inner/"])
def test_from_archives(model_path: str, tmp_path: Path, prefix: str) -> None:
    archive = zip_of(model_path, tmp_path / "model.zip", prefix)
    content = Path(archive).read_bytes()
    for source in (archive, content, io.BytesIO(content)):
        model = caikit.load(source)
        assert isinstance(model, LoadedModule)
        assert model.number == 5


def test_archives_without_a_model(model_path: str, tmp_path: Path) -> None:
    deep = zip_of(model_path, tmp_path / "deep.zip", "a/b/")
    with pytest.raises(
        FileNotFoundError, match=r"Unable to locate archive config within top two levels of .*deep.zip"
    ):
        caikit.load(deep)
    with zipfile.ZipFile(tmp_path / "wide.zip", "w") as archive:
        archive.writestr("a/x", "")
        archive.writestr("b/x", "")
    with pytest.raises(FileNotFoundError, match=r"Unable to locate archive config due to nested dirs"):
        caikit.load(str(tmp_path / "wide.zip"))
    with pytest.raises(ValueError, match=r"expected a zip archive, got 3 other bytes"):
        caikit.load(b"abc")


def test_paths_without_a_model(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(
            FileNotFoundError, match=rf"Module load path `{path}` does not contain a `config.yml` file."
        ):
            caikit.load(str(path))
    with pytest.raises(TypeError):
        caikit.load(12)  # type: ignore[arg-type] # the mistake
    with pytest.raises(TypeError):
        caikit.load(str(tmp_path), load_singleton="yes")  # type: ignore[arg-type] # the mistake


def test_unknown_modules_cannot_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("module_id: nobody\n")
    with pytest.raises(ValueError, match=rf"Unable to load model from {tmp_path} with MODULE_ID nobody"):
        caikit.load(str(tmp_path))


@module(str(uuid.uuid4()), "Not loaded", "0.0.1")
class WithoutLoadModule(ModuleBase):
    pass


def test_a_module_without_load_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text(f"module_id: {WithoutLoadModule.MODULE_ID}", encoding="utf-8")
    expected = rf"Module {__name__}.WithoutLoadModule has no load\(model_path\)$"
    with pytest.raises(NotImplementedError, match=expected):
        caikit.load(str(tmp_path))


def test_what_is_no_model_is_refused(model_path: str) -> None:
    for instead in (None, (LoadedModule(),)):
        with pytest.raises(TypeError, match=r"variable `model` has type"):
            caikit.load(model_path, instead=instead)


def test_the_configured_load_path(model_path: str, temp_config: Any) -> None:
    temp_config({"load_path": str(Path(model_path).parent)})
    model = caikit.load("model")
    assert isinstance(model, LoadedModule)
    finder = LocalModelFinder(config(load_path=str(Path(model_path).parent)), "x")
    assert finder.find_model("model").number == 5


def test_an_expensive_load_is_not_repeated(model_path: str) -> None:
    with pytest.raises(RuntimeError, match=r"broken weights") as raised:
        caikit.load(model_path, broken=True)
    assert raised.value.__cause__ is None


class _TakesPath(ModuleBase):
    """What users write: no word about a ModuleConfig."""

    seen: ClassVar[list[Any]]

    def save(self, model_path: str) -> None:
        with ModuleSaver(self, model_path):
            pass

    @classmethod
    def _open(cls, model_path: Any, fail: bool) -> Any:
        cls.seen.append(type(model_path))
        with open(os.path.join(model_path, "config.yml")):
            pass
        if fail:
            raise RuntimeError("second")
        return cls()


def test_a_declared_path_is_all_that_is_given(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    @module(str(uuid.uuid4()), "Pathy", "0.0.1")
    class Pathy(_TakesPath):
        seen: ClassVar[list[Any]] = []

        @classmethod
        def load(cls, model_path: str, fail: bool = False) -> Pathy:
            return cls._open(model_path, fail)

    Pathy().save(str(tmp_path))
    caplog.clear()
    assert isinstance(caikit.load(str(tmp_path)), Pathy)
    assert Pathy.seen == [str]
    assert not caplog.records
    with pytest.raises(RuntimeError, match=r"second") as raised:
        caikit.load(str(tmp_path), fail=True)
    assert raised.value.__cause__ is None


def test_modules_that_want_a_path_get_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    @module(str(uuid.uuid4()), "UntypedPathy", "0.0.1")
    class UntypedPathy(_TakesPath):
        seen: ClassVar[list[Any]] = []

        @classmethod
        def load(cls, model_path, fail=False):  # type: ignore[no-untyped-def]  # as users may write it
            return cls._open(model_path, fail)

    UntypedPathy().save(str(tmp_path))
    caplog.clear()
    assert isinstance(caikit.load(str(tmp_path)), UntypedPathy)
    assert UntypedPathy.seen == [ModuleConfig, str]
    assert [record.levelname for record in caplog.records if record.levelno > logging.INFO] == []
    with pytest.raises(RuntimeError, match=r"second") as raised:
        caikit.load(str(tmp_path), fail=True)
    assert isinstance(raised.value.__cause__, TypeError)


def test_backends_by_priority(model_path: str) -> None:
    initializer = LocalModelInitializer(
        config(backend_priority=[{"type": "LOADTEST", "config": {"a": 1}}, {"type": "LOCAL"}]), "x"
    )
    backend = initializer.backends[0]
    assert isinstance(backend, LoadTestBackend)
    assert backend.config.a == 1
    assert {"size": 3} in backend.registered
    model = caikit.load(model_path, initializer=initializer)
    assert isinstance(model, LoadedElsewhere)
    assert model.kwargs == {"backend": backend}
    assert model.load_backend is backend
    assert [each.backend_type for each in initializer.backends] == ["LOADTEST", "LOCAL"]


def test_a_model_of_another_backend_is_not_for_every_implementation(model_path: str) -> None:
    path = Path(model_path, "config.yml")
    path.write_text(path.read_text() + "model_backend: LOADTEST\n")
    with pytest.raises(ValueError, match=r"Unable to load model"):
        caikit.load(model_path)
    assert caikit.load(
        model_path, initializer=LocalModelInitializer(config(backend_priority=[{"type": "LOADTEST"}]), "x")
    )
    nothing = LocalModelInitializer(config(backend_priority=[]), "x")
    assert nothing.init(ModuleConfig.load(model_path)) is None


def test_bad_backend_priorities() -> None:
    with pytest.raises(ValueError, match=r"All backend priority configs must have a 'type' field"):
        LocalModelInitializer(config(backend_priority=[{}]), "x")
    with pytest.raises(ValueError, match=r"Invalid backend \[NOPE\] found at backend_priority index \[1\]"):
        LocalModelInitializer(config(backend_priority=[{"type": "LOCAL"}, {"type": "NOPE"}]), "x")


def test_singletons(model_path: str, tmp_path: Path) -> None:
    manager = ModelManager()
    first = manager.load(model_path, load_singleton=True)
    assert manager.load(f"{model_path}/", load_singleton=True) is first
    assert manager.load(model_path) is not first
    assert manager.load(model_path, load_singleton=True, extra=1) is not first
    archive = zip_of(model_path, tmp_path / "model.zip")
    assert manager.load(archive, load_singleton=True) is manager.load(archive, load_singleton=True)
    content = Path(archive).read_bytes()
    assert manager.load(content, load_singleton=True) is manager.load(
        io.BytesIO(content), load_singleton=True
    )
    info = manager.get_singleton_model_cache_info()
    assert len(info) == 4
    assert info[model_path] is LoadedModule
    manager.clear_singleton_cache()
    assert manager.get_singleton_model_cache_info() == {}
    assert manager.load(model_path, load_singleton=True) is not first


def test_singletons_load_side_by_side(tmp_path: Path) -> None:
    meeting = threading.Barrier(2, timeout=5)

    @module(str(uuid.uuid4()), "Meeting", "0.0.1")
    class Meeting(LoadedModule):
        @classmethod
        def load(cls, model_path: str | ModuleConfig, **kwargs: Any) -> Any:
            meeting.wait()
            return cls()

    for name in "ab":
        Meeting().save(str(tmp_path / name))
    threads = [
        threading.Thread(
            target=MODEL_MANAGER.load, args=(str(tmp_path / name),), kwargs={"load_singleton": True}
        )
        for name in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not meeting.broken


def test_extract(model_path: str, tmp_path: Path) -> None:
    archive = zip_of(model_path, tmp_path / "model.zip")
    target = tmp_path / "target"
    assert caikit.core.extract(archive, str(target)) == str(target)
    (target / "config.yml").unlink()
    caikit.core.extract(archive, str(target))
    assert not (target / "config.yml").exists()
    caikit.core.extract(archive, str(target), force_overwrite=True)
    assert (target / "config.yml").exists()
    with pytest.raises(zipfile.BadZipFile):
        caikit.core.extract(f"{model_path}/config.yml", str(tmp_path / "other"))
    with pytest.raises(FileNotFoundError):
        caikit.core.extract(str(tmp_path / "missing.zip"), str(tmp_path / "other"))


def test_resolve_and_load(model_path: str) -> None:
    model = LoadedModule()
    assert caikit.core.resolve_and_load(model) is model
    assert isinstance(caikit.core.resolve_and_load(model_path), LoadedModule)
    with pytest.raises(ValueError, match=r"could not find model with name `nope`"):
        caikit.core.resolve_and_load("nope")
    with pytest.raises(TypeError):
        caikit.core.resolve_and_load(12)  # type: ignore[arg-type] # the mistake


class NamedFinder(ModelFinderBase):
    name = "NAMED-" + uuid.uuid4().hex

    def __init__(self, config: Any = None, instance_name: str = "") -> None:
        self.known = (config or {}).get("known", "known")

    def find_model(self, model_path: str, **kwargs: Any) -> ModuleConfig | None:
        if model_path == "bad":
            raise RuntimeError("finder is broken")
        return ModuleConfig({"module_id": LoadedModule.MODULE_ID}) if model_path == self.known else None


class NamedInitializer(ModelInitializerBase):
    name = "NAMED-" + uuid.uuid4().hex

    def __init__(self, config: Any = None, instance_name: str = "") -> None:
        self.number = (config or {}).get("number", 1)

    def init(self, model_config: ModuleConfig, **kwargs: Any) -> ModuleBase | None:
        return LoadedModule(self.number, **kwargs) if self.number else None


model_finder_factory.register(NamedFinder)
model_initializer_factory.register(NamedInitializer)


def test_components_by_name_and_by_value(temp_config: Any) -> None:
    name = uuid.uuid4().hex
    temp_config(
        {
            "model_management": {
                "finders": {name: {"type": NamedFinder.name, "config": {"known": "here"}}},
                "initializers": {name: {"type": NamedInitializer.name, "config": {"number": 9}}},
            }
        }
    )
    manager = ModelManager()
    model = manager.load("here", finder=name, initializer=name)
    assert isinstance(model, LoadedModule)
    assert model.number == 9
    assert manager.get_finder(name) is manager.get_finder(name)
    assert ModelManager().get_finder(name) is not manager.get_finder(name)
    assert isinstance(
        manager.load("known", finder=NamedFinder(), initializer=NamedInitializer()), LoadedModule
    )
    with pytest.raises(ValueError, match=r"Unable to find a ModuleConfig for nowhere"):
        manager.load("nowhere", finder=name, initializer=name)
    with pytest.raises(ValueError, match=r"value check failed: Unknown finder: zz"):
        manager.load("here", finder="zz")
    with pytest.raises(
        TypeError, match=r"variable `finder` has type `int` .* not in `\('str', 'ModelFinderBase'\)`"
    ):
        manager.load("here", finder=12)  # type: ignore[arg-type] # the mistake
    for get, label in (
        (manager.get_trainer, "trainer"),
        (manager.get_initializer, "initializer"),
        (manager.get_predictor, "predictor"),
    ):
        with pytest.raises(ValueError, match=rf"value check failed: Unknown {label}: zz"):
            get("zz")  # type: ignore[operator] # mypy sees a join of the methods


def test_module_backends_of_a_manager() -> None:
    manager = ModelManager()
    assert manager.get_module_backends(initialize=False) == []
    assert "LOCAL" in [backend.backend_type for backend in manager.get_module_backends()]
    assert manager.get_module_backends(initialize=False)
    manager.initialize_components()


def test_several_finders_and_initializers(
    temp_config: Any, model_path: str, caplog: pytest.LogCaptureFixture
) -> None:
    first, second, none, multi = (uuid.uuid4().hex for _ in range(4))
    temp_config(
        {
            "model_management": {
                "finders": {
                    first: {"type": NamedFinder.name, "config": {"known": "a"}},
                    second: {"type": NamedFinder.name, "config": {"known": "b"}},
                    multi: {"type": "MULTI", "config": {"finder_priority": [first, second, "default"]}},
                },
                "initializers": {
                    none: {"type": NamedInitializer.name, "config": {"number": 0}},
                    second: {"type": NamedInitializer.name, "config": {"number": 2}},
                    multi: {"type": "MULTI", "config": {"initializer_priority": [none, second]}},
                },
            }
        }
    )
    manager = ModelManager()
    for name in ("a", "b", model_path):
        model = manager.load(name, finder=multi, initializer=multi)
        assert isinstance(model, LoadedModule)
        assert model.number == 2
    with pytest.raises(ValueError, match=r"Unable to find a ModuleConfig for bad"):
        manager.load("bad", finder=multi)
    assert f"{first}: RuntimeError('finder is broken')" in caplog.text
    with pytest.raises(ValueError, match=r"Unable to load model from a with MODULE_ID"):
        manager.load(
            "a", finder=multi, initializer=MultiModelInitializer(config(initializer_priority=[none]), "x")
        )

    own = MultiModelFinder(config(finder_priority=[first], model_manager=manager), "x")
    assert own.find_model("a") is not None


@pytest.mark.parametrize(
    ("multi", "kind"), [(MultiModelFinder, "finder"), (MultiModelInitializer, "initializer")]
)
def test_bad_priorities(multi: Any, kind: str) -> None:
    key = f"{kind}_priority"
    with pytest.raises(TypeError):
        multi(config(), "x")
    with pytest.raises(TypeError):
        multi(config(**{key: [1]}), "x")
    with pytest.raises(ValueError, match=rf"Must provide at least one valid {kind}"):
        multi(config(**{key: []}), "x")
    with pytest.raises(ValueError, match=rf"Invalid {kind}s given in {key}: \['zz'\]"):
        multi(config(**{key: ["default", "zz"]}), "x")
    with pytest.raises(ValueError, match=rf"Cannot include self in multi {kind} priority"):
        multi(config(**{key: ["default"]}), "default")


def test_a_model_whose_archive_is_gone_still_works(model_path: str, tmp_path: Path) -> None:
    archive = zip_of(model_path, tmp_path / "model.zip")
    model = caikit.load(archive)
    shutil.rmtree(model_path)
    assert not Path(model.metadata["model_path"]).exists()


def test_the_functions_are_functions() -> None:
    names = ("extract", "get_model_future", "get_prediction_future", "load", "resolve_and_load", "train")
    for name in (*names, "start_prediction_job"):
        function = getattr(caikit.core, name)
        method = getattr(ModelManager, name)
        assert inspect.isfunction(function)
        assert pickle.loads(pickle.dumps(function)) is function
        parameters = list(inspect.signature(function).parameters.values())
        assert parameters == list(inspect.signature(method).parameters.values())[1:]
        assert len(pydoc.render_doc(function)) > 200
    for name in names:
        assert getattr(caikit, name) is getattr(caikit.core, name)


def test_a_model_travels_as_bytes() -> None:
    model = caikit.load(LoadedModule(6).as_bytes())
    assert isinstance(model, LoadedModule)
    assert model.number == 6


def test_two_initializers_of_one_type(model_path: str, temp_config: Any) -> None:
    plain, other = uuid.uuid4().hex, uuid.uuid4().hex
    temp_config(
        {
            "model_management": {
                "initializers": {
                    plain: {"type": "LOCAL", "config": {"backend_priority": [{"type": "LOCAL"}]}},
                    other: {"type": "LOCAL", "config": {"backend_priority": [{"type": "LOADTEST"}]}},
                }
            }
        }
    )
    manager = ModelManager()
    assert type(manager.load(model_path, initializer=plain)) is LoadedModule
    assert type(manager.load(model_path, initializer=other)) is LoadedElsewhere
