"""The directory of local models: loading on demand, the watch, deployment."""

from __future__ import annotations

import copy
import os
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from noted_models import GATES, NOTE_ID, eventually, loads_of, names_in, write_model

import caikit
from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.status import Status
from caikit.runtime.models import ModelState, StoreSettings

CONFIG = yaml.safe_dump({"module_id": NOTE_ID, "text": "deployed"}).encode()


def lazy(make_store, **settings):
    return make_store(**{"lazy_load": True, "poll_period": 0, **settings})


def test_a_request_loads_its_model(make_store, models_dir):
    store = lazy(make_store)
    write_model(models_dir, "late", text="hi")
    assert store.models == {}
    with store.use("late") as model:
        assert model.text == "hi"
    assert list(store.models) == ["late"]


def test_folders_of_the_working_directory_are_no_models(make_store, tmp_path, monkeypatch):
    store = lazy(make_store)
    write_model(tmp_path, "private")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match="Model 'private' not loaded"):
        store.use("private")


def test_a_model_is_served_as_soon_as_it_is_there(make_store, models_dir):
    store = lazy(make_store)
    with pytest.raises(RequestError, match=r"^Model 'm' is not found$"):
        store.use("m")
    (models_dir / "m").mkdir()
    with pytest.raises(RequestError, match=r"^Model m not found"):
        store.use("m")
    assert store.models == {}
    write_model(models_dir, "m")
    with store.use("m"):
        pass


def test_a_failure_is_remembered_until_the_files_change(make_store, models_dir):
    path = write_model(models_dir, "m", fail="runtime")
    store = lazy(make_store, load_new_local_models=False)
    for _ in range(3):
        with pytest.raises(RequestError, match="out of luck"):
            store.use("m")
    assert loads_of(path) == 1
    write_model(models_dir, "m", text="fixed at last")
    with store.use("m") as model:
        assert model.text == "fixed at last"


def test_a_file_that_gets_its_name_at_last_is_a_change(make_store, models_dir):
    store = lazy(make_store)
    config = models_dir / "m" / "config.yml"
    draft = config.with_name(".config.tmp")
    write_model(models_dir, "m")
    config.rename(draft)
    store.sync_local_models(wait=True)
    assert store.models == {}
    draft.rename(config)
    store.sync_local_models(wait=True)
    assert list(store.models) == ["m"]


def test_lazy_loads_are_retried(make_store, models_dir):
    path = write_model(models_dir, "m", fail="value")
    store = lazy(make_store, retries=2, load_new_local_models=False)
    with pytest.raises(RequestError):
        store.use("m")
    assert loads_of(path) == 3


def test_a_model_that_is_being_written_is_not_loaded(make_store, models_dir):
    path = write_model(models_dir, "growing")
    stop = threading.Event()

    def write() -> None:
        with (path / "weights").open("wb") as file:
            while not stop.wait(0.002):
                file.write(b"x" * 10)
                file.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        eventually(lambda: (path / "weights").exists())
        # Longer than a busy machine keeps the writer from writing.
        store = lazy(make_store, write_detection_period=0.15)
        assert store.models == {}
        with pytest.raises(RequestError, match="still being written") as caught:
            store.use("growing")
        assert caught.value.status is Status.UNAVAILABLE
    finally:
        stop.set()
        writer.join()
    assert loads_of(path) == 0
    with store.use("growing"):
        pass


def test_who_asks_is_not_told_where_the_files_are(make_store, models_dir):
    path = write_model(models_dir, "m", fail="place")
    store = lazy(make_store, load_new_local_models=False)
    with pytest.raises(RequestError) as caught:
        store.use("m")
    assert caught.value.message == "Model m failed to load. Nested error: nothing good in m/config.yml"
    assert str(path) in str(caught.value.__cause__)


def test_a_model_whose_writer_has_paused_is_not_broken(make_store, models_dir):
    path = write_model(models_dir, "paused", fail="runtime")
    stop = threading.Event()

    def go_on() -> None:
        # As soon as the half of it was tried in vain.
        while not loads_of(path) and not stop.wait(0.01):
            pass
        while not stop.wait(0.01):
            write_model(models_dir, "paused", fail="runtime", text="x" * (time.monotonic_ns() % 100))

    writer = threading.Thread(target=go_on)
    writer.start()
    try:
        store = lazy(make_store, write_detection_period=0.08, retries=2)
        with pytest.raises(RequestError, match="still being written") as caught:
            store.use("paused")
        assert caught.value.status is Status.UNAVAILABLE
    finally:
        stop.set()
        writer.join()


def test_write_detection_watches_all_models_at_once(make_store, models_dir):
    for number in range(10):
        write_model(models_dir, f"m{number}")
    started = time.monotonic()
    store = make_store(write_detection_period=0.2)
    assert time.monotonic() - started < 1.0
    assert len(store.models) == 10


def test_the_watch_finds_new_models_and_drops_vanished_ones(make_store, models_dir):
    store = make_store(lazy_load=True, poll_period=0.02)
    path = write_model(models_dir, "new")
    eventually(lambda: "new" in store.models and store.models["new"].loaded())
    path.rename(models_dir.parent / "moved")
    eventually(lambda: store.models == {})
    with pytest.raises(RequestError):
        store.use("new")


def test_the_watch_does_not_load_where_that_is_off(make_store, models_dir):
    store = make_store(lazy_load=True, poll_period=0.02, load_new_local_models=False)
    path = write_model(models_dir, "new")
    time.sleep(0.1)
    assert store.models == {}
    assert loads_of(path) == 0


def test_the_watch_pauses_after_a_failure_and_notices_a_repair(make_store, models_dir):
    store = make_store(lazy_load=True, poll_period=0.02)
    path = write_model(models_dir, "m", fail="runtime")
    eventually(lambda: loads_of(path))
    time.sleep(0.1)
    assert loads_of(path) == 1
    write_model(models_dir, "m", text="repaired and longer")
    eventually(lambda: "m" in store.models and store.models["m"].loaded())


def test_the_watch_ends_with_the_directory(make_store, models_dir, tmp_path):
    make_store(lazy_load=True, poll_period=0.01)
    watches = [thread for thread in threading.enumerate() if thread.name == "caikit_model_watch"]
    models_dir.rename(tmp_path / "away")
    eventually(lambda: not all(thread.is_alive() for thread in watches))
    models_dir.mkdir()


def test_models_from_other_places_do_not_vanish(make_store, models_dir, tmp_path):
    store = make_store()
    store.load("elsewhere", str(write_model(tmp_path, "x")), "t")
    store.load("renamed", str(write_model(models_dir, "x")), "t")
    store.sync_local_models()
    assert {"elsewhere", "renamed"} <= set(store.models)


def test_deploy(make_store, models_dir):
    store = make_store()
    entry = store.deploy("new", [("config.yml", CONFIG), ("sub/a.bin", b"abc")])
    assert (entry.id(), entry.path(), entry.size()) == ("new", str(models_dir / "new"), len(CONFIG) + 3)
    with store.use("new") as model:
        assert model.text == "deployed"
    assert (models_dir / "new" / "sub" / "a.bin").read_bytes() == b"abc"
    assert names_in(models_dir) == ["new"]


def test_a_deployed_model_that_fails_stays_visible_until_it_was_asked_for(make_store):
    store = make_store()
    store.deploy("bad", [("x", b"no config")])
    eventually(lambda: store.models["bad"].state is ModelState.FAILED)
    info = store.infos(["bad"])[0]
    assert (info.name, info.loaded, info.model_path, info.size) == ("bad", False, None, None)
    with pytest.raises(RequestError, match=r"^Model bad not found. Nested error"):
        store.use("bad")
    with pytest.raises(RequestError, match=r"^Model bad is not loaded$"):
        store.infos(["bad"])


def test_deploy_twice(make_store):
    store = make_store()
    store.deploy("m", [("config.yml", CONFIG)])
    with pytest.raises(RequestError, match=r"^Model 'm' already exists$") as caught:
        store.deploy("m", [("config.yml", CONFIG)])
    assert caught.value.status is Status.ALREADY_EXISTS


def test_deploy_over_a_model_from_elsewhere(make_store, models_dir, tmp_path):
    store = make_store()
    store.load("m", str(write_model(tmp_path, "x")), "t")
    with pytest.raises(RequestError, match=r"^Model 'm' already exists$"):
        store.deploy("m", [("config.yml", CONFIG)])
    assert names_in(models_dir) == []


def test_deploy_over_a_model_that_vanished(make_store, models_dir):
    path = write_model(models_dir, "m", text="old")
    store = make_store()
    path.rename(models_dir.parent / "away")
    store.deploy("m", [("config.yml", CONFIG)])
    with store.use("m") as model:
        assert model.text == "deployed"


def test_one_of_many_deployments_wins(make_store, models_dir):
    store = make_store()

    def deploy(number: int) -> bool:
        try:
            store.deploy("m", [("config.yml", CONFIG), ("number", b"%d" % number)])
        except RequestError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(deploy, range(8))) == 1
    assert names_in(models_dir) == ["m"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", "Must provide at least one model_files entry and all must be valid file names"),
        (" ", "Must provide at least one model_files entry and all must be valid file names"),
        (None, "Must provide at least one model_files entry and all must be valid file names"),
        ("/etc/xx", "Cannot use absolute paths for model files: /etc/xx"),
        ("C:\\xx", "Cannot use absolute paths for model files: C:\\xx"),
        ("../../escaped.txt", "Invalid model file name"),
        ("sub/../../escaped.txt", "Invalid model file name"),
        ("..", "Invalid model file name"),
        ("sub\\..\\x", "Invalid model file name"),
        ("sub//x", "Invalid model file name"),
        ("a/" * 33 + "x", "expected at most 1024 bytes and 32 folders"),
        ("a/" * 2000 + "x", "expected at most 1024 bytes and 32 folders"),
        ("/".join(["a" * 250] * 5), "expected at most 1024 bytes and 32 folders"),
        ("a" * 256, "Invalid model file name"),
        ("x\0y", "Invalid model file name"),
        ("config.yml/x", "is also the name of another file or folder"),
        ("config.yml", "is also the name of another file or folder"),
        ("./config.yml", "is also the name of another file or folder"),
    ],
)
def test_bad_file_names_write_nothing(make_store, models_dir, name, text):
    store = make_store()
    with pytest.raises(RequestError) as caught:
        store.deploy("m", [("config.yml", CONFIG), (name, b"x")])
    assert text in caught.value.message
    assert caught.value.status is Status.INVALID_ARGUMENT
    assert names_in(models_dir) == []
    assert names_in(models_dir.parent) == ["models"]


@pytest.mark.parametrize("model_id", ["../escaped", "/abs", ".hidden", "a/b", ".."])
def test_deploy_and_undeploy_refuse_paths_as_ids(make_store, models_dir, model_id):
    (models_dir.parent / "escaped").mkdir()
    store = make_store()
    for act in (lambda: store.deploy(model_id, [("config.yml", CONFIG)]), lambda: store.undeploy(model_id)):
        with pytest.raises(RequestError) as caught:
            act()
        assert caught.value.status is Status.INVALID_ARGUMENT
    assert names_in(models_dir.parent) == ["escaped", "models"]


@pytest.mark.parametrize("model_id", ["", " ", None])
def test_deploy_and_undeploy_need_an_id(make_store, model_id):
    store = make_store()
    with pytest.raises(RequestError, match=r"^Must provide model_id$"):
        store.deploy(model_id, [("config.yml", CONFIG)])
    with pytest.raises(RequestError, match=r"^Must provide model_id$"):
        store.undeploy(model_id)


def test_deploy_needs_a_directory(make_store):
    with pytest.raises(RequestError, match=r"runtime\.local_models_dir") as caught:
        make_store(local_models_dir=None).deploy("m", [("config.yml", CONFIG)])
    assert caught.value.status is Status.UNKNOWN


def test_a_deployment_that_cannot_be_saved_leaves_nothing(make_store, models_dir):
    # together with names that are allowed, longer than any path can be
    models_dir = models_dir.joinpath(*["d" * 200] * 16)
    models_dir.mkdir(parents=True)
    store = make_store(local_models_dir=str(models_dir))
    with pytest.raises(
        RequestError, match=r"^Unable to save model \(OSError\): File name too long$"
    ) as caught:
        store.deploy("m", [("config.yml", CONFIG), ("/".join(["d" * 250] * 4), b"x")])
    assert caught.value.status is Status.INVALID_ARGUMENT
    assert names_in(models_dir) == []
    store.deploy("m", [("config.yml", CONFIG)])


def test_undeploy(make_store, models_dir):
    store = make_store()
    store.deploy("m", [("config.yml", CONFIG)])
    with store.use("m") as model:
        store.undeploy("m")
        assert model.text == "deployed"
    assert store.models == {}
    assert names_in(models_dir) == []
    with pytest.raises(RequestError, match=r"^Cannot undeploy unknown model m$") as caught:
        store.undeploy("m")
    assert caught.value.status is Status.NOT_FOUND
    store.deploy("m", [("config.yml", CONFIG)])
    with store.use("m"):
        pass


def test_only_one_undeploys_a_model(make_store, models_dir):
    store = make_store()

    def undeploy(barrier) -> Status | None:
        barrier.wait(10)
        try:
            store.undeploy("m")
        except RequestError as error:
            return error.status
        return None

    with ThreadPoolExecutor(4) as pool:
        for _ in range(50):
            store.deploy("m", [("config.yml", CONFIG)])
            barrier = threading.Barrier(4)
            outcomes = [each.result(20) for each in [pool.submit(undeploy, barrier) for _ in range(4)]]
            assert sorted(map(str, outcomes)) == sorted(map(str, [None, *[Status.NOT_FOUND] * 3]))
    assert names_in(models_dir) == []


def test_undeploy_follows_no_link(make_store, models_dir, tmp_path):
    target = write_model(tmp_path / "volume", "m")
    (models_dir / "m").symlink_to(target)
    make_store().undeploy("m")
    assert names_in(models_dir) == []
    assert (target / "config.yml").exists()


def test_undeploy_while_the_model_is_loading(make_store, models_dir):
    store = make_store()
    config = yaml.safe_dump({"module_id": NOTE_ID, "label": "undeploy-gate", "gate": "undeploy"}).encode()
    store.deploy("m", [("config.yml", config)])
    store.undeploy("m")
    assert store.models == {}
    GATES.setdefault("undeploy", threading.Event()).set()


def test_plain_files_are_no_models_for_our_own_finder(make_store, models_dir):
    write_model(models_dir, "folder")
    with zipfile.ZipFile(models_dir / "archive", "w") as archive:
        archive.write(models_dir / "folder" / "config.yml", "config.yml")
    (models_dir / "config.yml").write_text("module_id: none\n")
    (models_dir / "README").write_text("About these models")
    store = make_store(files_are_models=False)
    assert sorted(store.models) == ["archive", "folder"]
    assert store.load_totals()["standalone-model"].failures == 0


def test_files_may_be_models_for_other_finders():
    config = caikit.get_config()
    assert not StoreSettings.from_config(config).files_are_models
    other = copy.deepcopy(config)
    other.model_management.finders.default.type = "MINE"
    assert StoreSettings.from_config(other).files_are_models


def test_what_a_killed_deployment_has_left_is_removed_at_the_start(make_store, models_dir):
    old, young, other = (models_dir / name for name in (".deploy-0a1b", ".undeploy-2c3d", ".deploy-notes"))
    for folder in (old, young, other):
        folder.mkdir()
        (folder / "weights").write_bytes(b"half")
        if folder is not young:
            os.utime(folder, (1, 1))
    make_store().start()
    assert (old.exists(), young.exists(), other.exists()) == (False, True, True)
