"""Saved models: their files, their config.yml, what a loaded model knows."""

# ruff: noqa: PT012 - the failure happens inside of the context that is tested

from __future__ import annotations

import copy
import io
import os
import pickle
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

import caikit
from caikit.core import ModuleBase, ModuleConfig, ModuleLoader, ModuleSaver, YAMLSerializer, module


@module(str(uuid.uuid4()), "Saved", "1.2.3")
class SavedModule(ModuleBase):
    def __init__(self, number: Any = 1, parts: dict[str, ModuleBase] | None = None) -> None:
        self.number = number
        self.parts = parts or {}

    def save(self, model_path: str, fail: bool = False, **kwargs: Any) -> None:
        with ModuleSaver(self, model_path=model_path) as saver:
            saver.update_config({"number": self.number})
            for name, part in self.parts.items():
                saver.save_module(part, name)
            if fail:
                raise RuntimeError("no space left")

    @classmethod
    def load(cls, model_path: str | ModuleConfig) -> SavedModule:
        """Load it."""
        loader = ModuleLoader(model_path)
        parts = {name: loader.load_module(name) for name in loader.config.module_paths or {}}
        return cls(loader.config.number, parts)


@module(str(uuid.uuid4()), "Child", "0.0.1")
class ChildModule(SavedModule):
    @classmethod
    def load(cls, model_path: str | ModuleConfig) -> SavedModule:
        return super().load(model_path)


def files_in(path: Path) -> list[str]:
    return [entry.name for entry in path.iterdir()]


def read(path: Path) -> dict[str, Any]:
    content = yaml.safe_load((path / "config.yml").read_text())
    assert isinstance(content, dict)
    return content


def test_the_config_of_a_saved_model(tmp_path: Path) -> None:
    model_path = tmp_path / "deep" / "model"
    SavedModule({"b": (1, 2), "a": {"x"}}).save(str(model_path))
    text = (model_path / "config.yml").read_text()
    content = read(model_path)
    assert list(content) == sorted(content)
    assert content["name"] == "Saved"
    assert content["version"] == "1.2.3"
    assert content["module_id"] == SavedModule.MODULE_ID
    assert content["module_class"] == SavedModule.MODULE_CLASS
    assert content["number"] == {"a": {"x"}, "b": [1, 2]}
    assert uuid.UUID(content["tracking_id"])
    assert {"created", "saved"} <= set(content)
    assert content[f"{SavedModule.__module__.partition('.')[0]}_version"] == "0.0.0"
    assert "model_path" not in text
    assert files_in(model_path) == ["config.yml"]


def test_metadata_survives_load_and_save(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    SavedModule(1).save(str(first))
    (first / "config.yml").write_text((first / "config.yml").read_text() + "unknown: {a: [1]}\n")
    model = SavedModule.load(str(first))
    assert model.metadata["unknown"] == {"a": [1]}
    assert model.metadata["model_path"] == str(first)
    assert model.metadata["module_id"] == SavedModule.MODULE_ID

    before = copy.deepcopy(model.metadata)
    model.number = 2
    model.save(str(second))
    assert model.metadata == before
    old, new = read(first), read(second)
    assert new["number"] == 2
    assert {key: value for key, value in old.items() if key not in ("saved", "number")} == {
        key: value for key, value in new.items() if key not in ("saved", "number")
    }
    assert new["saved"] >= old["saved"]


def test_the_version_of_the_library_is_refreshed(tmp_path: Path) -> None:
    library = SavedModule.__module__.partition(".")[0]
    SavedModule(1).save(str(tmp_path))
    content = read(tmp_path)
    content[f"{library}_version"] = "9.9.9"
    (tmp_path / "config.yml").write_text(yaml.safe_dump(content))
    SavedModule.load(str(tmp_path)).save(str(tmp_path / "again"))
    assert read(tmp_path / "again")[f"{library}_version"] == "0.0.0"


def test_the_library_can_be_configured(tmp_path: Path, temp_config: Any) -> None:
    name = f"lib{uuid.uuid4().hex}"
    temp_config({"libraries": {name: {"version": "4.5.6", "module_path": SavedModule.__module__}}})
    saver = ModuleSaver(SavedModule(), str(tmp_path))
    assert (saver.library_name, saver.library_version) == (name, "4.5.6")


def test_children_that_call_their_parents_load_know_their_config(tmp_path: Path) -> None:
    ChildModule(3).save(str(tmp_path))
    model = ChildModule.load(model_path=str(tmp_path))
    assert model.metadata["module_id"] == ChildModule.MODULE_ID
    assert ChildModule.load(ModuleConfig.load(str(tmp_path))).metadata["number"] == 3
    assert ChildModule.load.__name__ == "load"
    assert SavedModule.load.__doc__ == "Load it."


def test_models_without_config_have_no_metadata(tmp_path: Path) -> None:
    class Anything(ModuleBase):
        @classmethod
        def load(cls, *args: Any, result: Any = None) -> Any:
            return cls() if result is None else result

    assert Anything.load(str(tmp_path)).metadata == {}
    assert Anything.load().metadata == {}
    assert Anything.load(str(tmp_path), result="text") == "text"


def test_replacing_load_is_announced(caplog: pytest.LogCaptureFixture) -> None:
    class Replaced(ModuleBase):
        pass

    Replaced.load = classmethod(lambda cls, path: "mine")  # type: ignore[method-assign,assignment] # the topic
    assert Replaced.load("x") == "mine"
    assert "breaks the persistence of metadata" in caplog.text


def test_a_failed_save_leaves_no_config(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), ModuleSaver(SavedModule(), str(tmp_path / "new")) as saver:
        (Path(saver.model_path) / "part.bin").write_text("half")
        raise RuntimeError
    assert files_in(tmp_path / "new") == ["part.bin"]


def test_a_config_that_cannot_be_written_leaves_no_config(tmp_path: Path) -> None:
    with pytest.raises(yaml.representer.RepresenterError):
        SavedModule(object()).save(str(tmp_path))
    assert files_in(tmp_path) == []


def test_without_exist_ok_a_directory_must_be_new(tmp_path: Path) -> None:
    new = tmp_path / "new"
    with pytest.raises(RuntimeError), ModuleSaver(SavedModule(), str(new), exist_ok=False) as saver:
        saver.add_dir("parts")
        raise RuntimeError
    assert not new.exists()
    with pytest.raises(FileExistsError), ModuleSaver(SavedModule(), str(tmp_path), exist_ok=False):
        pass
    assert tmp_path.exists()


def test_a_model_is_incomplete_while_it_is_saved_over(tmp_path: Path) -> None:
    SavedModule(1).save(str(tmp_path))
    with ModuleSaver(SavedModule(2), str(tmp_path)) as saver:
        assert not (tmp_path / "config.yml").exists()
        saver.update_config({"number": 2})
    assert files_in(tmp_path) == ["config.yml"]
    assert SavedModule.load(str(tmp_path)).number == 2


def test_a_failure_before_anything_changed_keeps_the_former_model(tmp_path: Path) -> None:
    SavedModule(1).save(str(tmp_path))
    with pytest.raises(RuntimeError, match=r"no space left"):
        SavedModule(2).save(str(tmp_path), fail=True)
    assert SavedModule.load(str(tmp_path)).number == 1
    with pytest.raises(RuntimeError), ModuleSaver(SavedModule(2), str(tmp_path)):
        (tmp_path / "weights").write_text("new")
        raise RuntimeError
    assert not (tmp_path / "config.yml").exists()


def test_paths_inside_of_a_model(tmp_path: Path) -> None:
    external = tmp_path / "ext.txt"
    external.write_text("text")
    model_path = tmp_path / "model"
    with ModuleSaver(SavedModule(), f"{model_path}/") as saver:
        assert saver.model_path == str(model_path)
        assert saver.add_dir("emb", "data") == ("data/emb", f"{model_path}/data/emb")
        relative, absolute = saver.add_dir("emb")
        assert relative == "./emb"
        assert os.path.isdir(absolute)
        assert os.path.isdir(os.path.join(model_path, relative))
        relative, absolute = saver.copy_file(str(external))
        assert relative == "././ext.txt"
        assert Path(absolute).read_text() == "text"
        relative, absolute = saver.save_object({"a": 1}, "o.yml", YAMLSerializer(), "objs")
        assert (relative, absolute) == ("objs/o.yml", f"{model_path}/objs/o.yml")
        assert yaml.safe_load(Path(absolute).read_text()) == {"a": 1}
        with pytest.raises(FileNotFoundError, match=r"Attempted to add `.*/nope` but is not a regular file."):
            saver.copy_file(str(tmp_path / "nope"))
        with pytest.raises(TypeError, match=r"`object` does not extend `ObjectSerializer`"):
            saver.save_object({}, "x", object())  # type: ignore[arg-type] # the mistake


def test_modules_inside_of_a_model(tmp_path: Path) -> None:
    one, two = SavedModule(1), SavedModule(2)
    with ModuleSaver(SavedModule(0), str(tmp_path)) as saver:
        assert saver.save_module(one, "sub/one") == ("./sub/one", f"{tmp_path}/./sub/one")
        relative, absolute = saver.save_module_list({"l1": one, "l2": two}, "many")
        assert (relative, absolute) == (["./l1", "./l2"], [f"{tmp_path}/./l1", f"{tmp_path}/./l2"])
        with pytest.raises(TypeError, match=r"`int` does not extend `ModuleBase`"):
            saver.save_module(3, "x")  # type: ignore[arg-type] # the mistake
    assert read(tmp_path)["module_paths"] == {"sub/one": "./sub/one", "many": ["./l1", "./l2"]}

    loader = ModuleLoader(str(tmp_path))
    loaded = loader.load_module("sub/one")
    assert isinstance(loaded, SavedModule)
    assert loaded.number == 1
    assert [part.metadata["number"] for part in loader.load_module_list("many")] == [1, 2]
    assert loader.load_args("version", "nothing") == ("1.2.3", None)
    assert loader.load_arg("name") == "Saved"
    with pytest.raises(KeyError, match=r"Missing required x key in config.module_paths!"):
        loader.load_module("x")
    with pytest.raises(TypeError):
        loader.load_module_list("sub/one")


def test_a_model_without_sub_modules_says_so(tmp_path: Path) -> None:
    SavedModule().save(str(tmp_path))
    loader = ModuleLoader(str(tmp_path))
    with pytest.raises(KeyError, match=r"Missing `module_paths` in module config!"):
        loader.load_module("a")
    with pytest.raises(KeyError, match=r"Missing `module_paths` in workflow config!"):
        loader.load_module_list("a")


@pytest.mark.parametrize("path", ["../other", "..", "sub/../../other", "/etc", "./../other"])
def test_modules_outside_of_the_model_are_not_loaded(tmp_path: Path, path: str) -> None:
    SavedModule(1).save(str(tmp_path / "other"))
    with ModuleSaver(SavedModule(0), str(tmp_path / "model")) as saver:
        saver.config["module_paths"] = {"one": path, "many": [path]}
    loader = ModuleLoader(str(tmp_path / "model"))
    for load in (lambda: loader.load_module("one"), lambda: loader.load_module_list("many")):
        with pytest.raises(ValueError, match=rf"expected a path inside of the model .*, got `{path}`"):
            load()


def test_archives_write_nothing_outside_of_their_folder(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zip_file:
        zip_file.writestr("config.yml", f"module_id: {SavedModule.MODULE_ID}\nnumber: 1\n")
        for name in ("../escaped", "/tmp/escaped-by-caikit-test", "a/../../../escaped", "C:\\escaped"):
            zip_file.writestr(name, "x")
    loaded = caikit.load(archive.getvalue())
    assert isinstance(loaded, SavedModule)
    assert not Path("/tmp/escaped-by-caikit-test").exists()
    assert not Path(loaded.metadata["model_path"]).parent.joinpath("escaped").exists()


PUBLISHED = """\
__main___version: 0.0.0
created: '2023-11-20 21:43:42.893677'
extra:
  a:
  - 1
  - 2
labels: !!set
  one: null
  two: null
module_class: some_library.modules.Old
module_id: {module_id}
module_paths:
  many:
  - ./l1
  part: ./part
n: 7
name: Nm
none: null
number: 5
saved: '2023-11-20 21:43:42.893693'
tracking_id: b43a8081-4b32-41c6-b98d-972b9b4e2362
version: 0.9.0
"""


def test_a_model_that_the_published_toolkit_wrote(tmp_path: Path) -> None:
    for folder in ("", "part", "l1"):
        (tmp_path / folder).mkdir(exist_ok=True)
        text = PUBLISHED if not folder else "module_id: {module_id}\nnumber: 6\n"
        (tmp_path / folder / "config.yml").write_text(text.format(module_id=OldModule.MODULE_ID))

    model = caikit.load(str(tmp_path))
    assert isinstance(model, OldModule)
    assert (model.number, model.labels, model.parts) == (5, {"one", "two"}, [6, 6])
    assert model.metadata["created"] == "2023-11-20 21:43:42.893677"

    model.save(str(tmp_path / "again"))
    before, after = read(tmp_path), read(tmp_path / "again")
    changed = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    assert changed == {"saved", f"{OldModule.__module__.partition('.')[0]}_version", "module_paths"}
    assert (
        (tmp_path / "again" / "config.yml").read_text().startswith("__main___version: 0.0.0\ncreated: '2023")
    )


@module(str(uuid.uuid4()), "Old", "1.0.0")
class OldModule(ModuleBase):
    def __init__(self, config: ModuleConfig, parts: list[int]) -> None:
        self.number, self.labels, self.parts = config.number, config.labels, parts

    def save(self, model_path: str, *args: Any, **kwargs: Any) -> None:
        with ModuleSaver(self, model_path) as saver:
            saver.config.pop("module_paths", None)

    @classmethod
    def load(cls, model_path: str | ModuleConfig, *args: Any, **kwargs: Any) -> OldModule:
        loader = ModuleLoader(model_path)
        if loader.config.module_paths is None:
            return cls(loader.config, [])
        parts = [loader.load_module("part"), *loader.load_module_list("many")]
        return cls(loader.config, [part.number for part in parts if isinstance(part, OldModule)])


def test_numpy_scalars_are_saved_as_numbers(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    SavedModule({"a": numpy.float32(0.5), "b": [numpy.int64(3)]}).save(str(tmp_path))
    assert read(tmp_path)["number"] == {"a": 0.5, "b": [3]}


def test_the_config_of_a_model(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("module_id: abc\nnested: {a: {b: 1}}\nPATH: here\n")
    config = ModuleConfig.load(str(tmp_path))
    assert config.module_id == "abc"
    assert config.nested.a.b == 1
    assert config["PATH"] == "here"
    assert config.missing is None
    assert config.model_path == str(tmp_path)
    assert ModuleConfig.load(config) is config
    for twin in (copy.deepcopy(config), pickle.loads(pickle.dumps(config))):
        assert isinstance(twin, ModuleConfig)
        assert twin == config
        assert twin.nested.a.b == 1
    config.save(str(tmp_path / "copy"))
    assert "model_path" not in read(tmp_path / "copy")


@pytest.mark.parametrize("key", ["model_path", "Model_Path"])
def test_reserved_keys_are_refused(key: str) -> None:
    with pytest.raises(KeyError, match=r"Do not add `model_path` as top-level key in `config.yml`"):
        ModuleConfig({key: "x"})


@pytest.mark.parametrize("text", ["", "a: 1\n", "- 1\n"])
def test_a_config_needs_an_id(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yml").write_text(text)
    with pytest.raises(KeyError, match=r"No module_id found in config at"):
        ModuleConfig.load(str(tmp_path))


def test_older_names_of_the_id(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("workflow_id: w\nblock_id: b\n")
    assert ModuleConfig.load(str(tmp_path)).module_id == "b"


def test_paths_without_config(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for path in (str(tmp_path), str(file), str(tmp_path / "missing")):
        with pytest.raises(
            FileNotFoundError, match=rf"Module path `{path}` is not a directory with a `config.yml` file."
        ):
            ModuleConfig.load(path)
    with pytest.raises(TypeError):
        ModuleConfig.load(12)  # type: ignore[arg-type] # the mistake


def test_a_model_as_bytes(tmp_path: Path) -> None:
    model = SavedModule(7, {"sub": SavedModule(8)})
    with zipfile.ZipFile(io.BytesIO(model.as_bytes())) as archive:
        assert {"config.yml", "sub/config.yml"} <= set(archive.namelist())
    for source in (model.as_bytes(), model.as_file_like_object()):
        loaded = caikit.load(source)
        assert isinstance(loaded, SavedModule)
        assert loaded.number == 7
        assert loaded.parts["sub"].metadata["number"] == 8


def alias_bomb(levels: int) -> str:
    lines = ["module_id: x", "a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels + 1)]
    return "\n".join(lines)


def alias_chain(levels: int) -> str:
    lines = ["module_id: x", "a0: &a0 [1]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, levels + 1)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (alias_bomb(9), "expected aliases that stand for at most 100000 nodes or 10 times what is written"),
        (alias_chain(200), "expected at most 100 levels of nesting"),
        ("module_id: x\na: " + "[" * 100_000, "expected at most 100 levels of nesting"),
        ("module_id: x\na: " + "{a: " * 200 + "1" + "}" * 200, "expected at most 100 levels of nesting"),
        ("module_id: x\na: &a [1, [*a]]", "the node with the anchor &a contains itself"),
    ],
    ids=["bomb", "chain", "open", "nested", "cycle"],
)
def test_a_config_that_is_far_larger_than_its_text(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "config.yml").write_text(text)
    with pytest.raises(ValueError, match=f"Invalid `config.yml`: {problem}"):
        ModuleConfig.load(str(tmp_path))


def test_anchors_in_a_config(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text(
        "module_id: x\nbase: &base {a: 1, b: &two 2}\nmore: {<<: *base, b: 3, c: *two}\nbig: &big ["
        + "1, " * 20_000
        + "1]\nagain: [*big, *big, *big]\n"
    )
    config = ModuleConfig.load(str(tmp_path))
    assert config.more == {"a": 1, "b": 3, "c": 2}
    assert [len(each) for each in config.again] == [20_001] * 3
    with pytest.raises(yaml.YAMLError):
        (tmp_path / "config.yml").write_text("module_id: *nothing")
        ModuleConfig.load(str(tmp_path))


def test_the_version_of_an_installed_library(tmp_path: Path) -> None:
    class Elsewhere(SavedModule):
        pass

    Elsewhere.__module__ = "yaml.somewhere"
    saver = ModuleSaver(Elsewhere(), tmp_path)
    assert (saver.library_name, saver.library_version) == ("yaml", "0.0.0")
    Elsewhere.__module__ = "pytest"
    saver = ModuleSaver(Elsewhere(), tmp_path)
    assert (saver.library_name, saver.library_version) == ("pytest", pytest.__version__)


def test_a_saver_can_be_made_before_it_is_entered(tmp_path: Path) -> None:
    model_path = tmp_path / "model"
    saver = ModuleSaver(SavedModule(), model_path=str(model_path))
    saver.config["direct"] = 1
    assert not model_path.exists()
    with saver as entered:
        assert entered is saver
        assert model_path.is_dir()
        assert not (model_path / "config.yml").exists()
    assert read(model_path)["direct"] == 1


def test_arguments_of_a_sub_module_are_handed_on(tmp_path: Path) -> None:
    with ModuleSaver(SavedModule(), str(tmp_path)) as saver:
        with pytest.raises(RuntimeError, match="no space left"):
            saver.save_module(SavedModule(), "part", fail=True)
        with pytest.raises(RuntimeError, match="no space left"):
            saver.save_module_list({"part": SavedModule()}, "parts", fail=True)
        for modules, key in (([SavedModule()], "parts"), ({"part": 5}, "parts"), ({}, 5)):
            with pytest.raises(TypeError):
                saver.save_module_list(modules, key)  # type: ignore[arg-type] # the mistakes


def test_a_sub_module_can_be_shared(tmp_path: Path) -> None:
    with ModuleSaver(SavedModule(0), str(tmp_path)) as saver:
        saver.save_module(SavedModule(1), "part")
    loader = ModuleLoader(str(tmp_path))
    shared = loader.load_module("part", load_singleton=True)
    assert loader.load_module("part", load_singleton=True) is shared
    assert loader.load_module("part") is not shared


def test_the_environment_changes_no_config_of_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBER", "99")
    SavedModule(1).save(str(tmp_path))
    assert ModuleConfig.load(str(tmp_path)).number == 1


def test_any_argument_with_path_in_its_name_is_the_path(tmp_path: Path) -> None:
    class Named(ModuleBase):
        @classmethod
        def load(cls, *args: Any, other: int = 0, saved_path_of_it: str = "", **kwargs: Any) -> Any:
            return cls()

    SavedModule(5).save(str(tmp_path))
    assert Named.load(other=1, saved_path_of_it=str(tmp_path)).metadata["number"] == 5
    assert Named.load(other=1).metadata == {}


def test_the_config_is_read_once_per_load(tmp_path: Path) -> None:
    class Reading(ModuleBase):
        @classmethod
        def load(cls, model_path: str | ModuleConfig, *args: Any, **kwargs: Any) -> Any:
            number = ModuleLoader(model_path).config.number
            (tmp_path / "config.yml").unlink()
            return cls() if number == 6 else None

    SavedModule(6).save(str(tmp_path))
    assert Reading.load(str(tmp_path)).metadata["number"] == 6
