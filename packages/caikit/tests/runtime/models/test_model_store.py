"""Loading, use and unloading of models."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from noted_models import GATES, LOADS, NOTE_ID, eventually, loads_of, write_model

from caikit.runtime.engine.batching import BatchSettings
from caikit.runtime.engine.cancel import CancelToken
from caikit.runtime.engine.context import RequestContext
from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.status import Status
from caikit.runtime.models import ModelState
from caikit.runtime.models.metrics import ModelMetrics
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException


def test_boot_loads_every_entry_of_the_directory(make_store, models_dir):
    write_model(models_dir, "one", text="1")
    write_model(models_dir, "two", text="2")
    store = make_store()
    assert list(store.models) == ["one", "two"]
    with store.use("two") as model:
        assert model.text == "2"


def test_boot_drops_models_that_fail_and_starts_anyway(make_store, models_dir):
    write_model(models_dir, "good")
    write_model(models_dir, "bad", fail="runtime")
    (models_dir / "empty").mkdir()
    (models_dir / "a_file").write_text("x")
    store = make_store()
    assert list(store.models) == ["good"]


def test_batches_of_an_id_are_told_to_be_those_of_a_type(make_store, models_dir, caplog):
    for name in ("one", "default", "standalone-model"):
        write_model(models_dir, name)
    with caplog.at_level("WARNING"):
        make_store(
            batching=tuple((name, BatchSettings(4, 0.0)) for name in ("one", "default", "standalone-model"))
        )
    told = [record.msg["args"] for record in caplog.records if "runtime.batching" in record.getMessage()]
    assert told == [("one", "one", "standalone-model")]


def test_the_error_of_a_failed_boot_load_is_told_to_requests(make_store, models_dir):
    write_model(models_dir, "bad", fail="runtime")
    store = make_store()
    with pytest.raises(
        RequestError, match=r"^Model bad failed to load. Nested error: out of luck$"
    ) as caught:
        store.use("bad")
    assert caught.value.status is Status.INTERNAL


def test_boot_without_loading(make_store, models_dir):
    write_model(models_dir, "one")
    store = make_store(load_new_local_models=False)
    assert store.models == {}
    with pytest.raises(RequestError, match=r"^Model 'one' not loaded$"):
        store.use("one")


def test_boot_need_not_wait(make_store, models_dir):
    write_model(models_dir, "slow", gate="boot-slow")
    store = make_store(wait_for_initial_loads=False)
    assert store.models["slow"].state is ModelState.LOADING
    assert store.infos()[0].loaded is False
    GATES.setdefault("boot-slow", threading.Event()).set()
    with store.use("slow"):
        assert store.infos()[0].loaded is True


def test_missing_directory_is_only_fatal_for_lazy_loading(make_store, tmp_path):
    missing = str(tmp_path / "nowhere")
    assert make_store(local_models_dir=missing).models == {}
    with pytest.raises(ValueError, match=r"runtime\.local_models_dir"):
        make_store(local_models_dir=missing, lazy_load=True)


def test_hidden_entries_are_no_models(make_store, models_dir):
    write_model(models_dir, ".hidden")
    assert make_store(lazy_load=True, poll_period=0).models == {}


@pytest.mark.parametrize("model_id", ["", None])
def test_a_model_id_is_required(make_store, model_id):
    with pytest.raises(RequestError, match=r"^Missing required model ID$") as caught:
        make_store().use(model_id)
    assert caught.value.status is Status.INVALID_ARGUMENT


@pytest.mark.parametrize("lazy", [False, True])
def test_unknown_model(make_store, lazy):
    store = make_store(lazy_load=lazy, poll_period=0)
    with pytest.raises(RequestError) as caught:
        store.use("nope")
    assert caught.value.status is Status.NOT_FOUND


@pytest.mark.parametrize(
    "model_id",
    ["../outside", "..", ".", "/etc", "a/b", "a\\b", ".hidden", "a\nb", "a\0b", "x" * 256, "\ud800", "C:\\x"],
)
@pytest.mark.parametrize("lazy", [False, True])
def test_model_ids_are_names_and_never_paths(make_store, models_dir, model_id, lazy):
    write_model(models_dir.parent, "outside")
    store = make_store(lazy_load=lazy, poll_period=0)
    with pytest.raises(RequestError) as caught:
        store.use(model_id)
    assert caught.value.status is Status.INVALID_ARGUMENT
    assert loads_of(models_dir.parent / "outside") == 0


def test_load_from_any_path(make_store, tmp_path):
    path = write_model(tmp_path, "elsewhere", text="x")
    store = make_store()
    entry = store.load("mine", str(path), "some-type")
    assert (entry.id(), entry.path(), entry.type(), entry.loaded()) == ("mine", str(path), "some-type", True)
    assert entry.module() is entry.model()
    assert store.load("mine", "/ignored", "ignored") is entry


def test_a_failed_load_is_told_and_leaves_nothing(make_store):
    store = make_store()
    with pytest.raises(
        RequestError, match=r"^Model x not found. Nested error: Module load path `/nope/zz` does not"
    ):
        store.load("x", "/nope/zz", "t")
    assert store.models == {}


@pytest.mark.parametrize(
    ("fail", "status", "text"),
    [
        ("value", Status.NOT_FOUND, "Model m not found. Nested error: bad weights"),
        ("runtime", Status.INTERNAL, "Model m failed to load. Nested error: out of luck"),
        ("exit", Status.INTERNAL, "Model m failed to load. Nested error: 3"),
    ],
)
def test_load_errors(make_store, tmp_path, fail, status, text):
    path = write_model(tmp_path, "m", fail=fail)
    with pytest.raises(RequestError) as caught:
        make_store().load("m", str(path), "t")
    assert (caught.value.status, caught.value.message) == (status, text)


def test_every_caller_gets_an_error_of_its_own(make_store, models_dir):
    write_model(models_dir, "bad", fail="runtime")
    store = make_store()
    errors = []
    for _ in range(2):
        with pytest.raises(RequestError) as caught:
            store.use("bad")
        errors.append(caught.value)
    assert errors[0].id != errors[1].id
    assert isinstance(errors[1].__cause__, RuntimeError)


def test_a_runtime_exception_keeps_its_status(make_store, tmp_path):
    path = write_model(tmp_path, "m", fail="own status")
    with pytest.raises(CaikitRuntimeException, match=r"^no licence$") as caught:
        make_store().load("m", str(path), "t")
    assert caught.value.status_code is Status.PERMISSION_DENIED


def test_retries(make_store, tmp_path):
    path = write_model(tmp_path, "m", fail="runtime")
    store = make_store()
    with pytest.raises(RequestError):
        store.load("m", str(path), "t", retries=2)
    assert loads_of(path) == 3


def test_many_requests_share_one_load(make_store, models_dir):
    path = write_model(models_dir, "shared", gate="shared")
    store = make_store(lazy_load=True, poll_period=0, load_new_local_models=False)

    def use() -> int:
        with store.use("shared") as model:
            return id(model)

    with ThreadPoolExecutor(16) as pool:
        answers = [pool.submit(use) for _ in range(16)]
        eventually(lambda: loads_of(path))
        GATES.setdefault("shared", threading.Event()).set()
        assert len({answer.result(5) for answer in answers}) == 1
    assert loads_of(path) == 1


def test_models_load_in_parallel_within_the_limit(make_store, models_dir):
    for name in "abc":
        write_model(models_dir, name, gate="parallel")
    make_store(load_threads=2, wait_for_initial_loads=False)
    mine = {str(models_dir / name) for name in "abc"}
    eventually(lambda: len(mine.intersection(LOADS)) == 2)
    time.sleep(0.05)
    assert len(mine.intersection(LOADS)) == 2
    GATES.setdefault("parallel", threading.Event()).set()
    eventually(lambda: mine.issubset(LOADS))


def test_a_model_in_use_survives_its_unloading(make_store, models_dir):
    write_model(models_dir, "busy", text="still here")
    store = make_store()
    lease = store.use("busy")
    assert store.unload("busy") > 0
    assert store.models == {}
    with pytest.raises(RequestError):
        store.use("busy")
    assert lease.model.text == "still here"


def test_unloading_frees_the_model(make_store, models_dir):
    write_model(models_dir, "big")
    store = make_store()
    with store.use("big") as model:
        alive = weakref.ref(model)
        del model
        store.unload("big")
        gc.collect()
        assert alive() is not None
    eventually(lambda: gc.collect() >= 0 and alive() is None)


def test_unloading_an_unknown_model_is_no_error(make_store):
    assert make_store().unload("nope") == 0


def test_unloading_waits_for_a_running_load_and_drops_it(make_store, models_dir):
    write_model(models_dir, "slow", gate="unload-slow")
    store = make_store(wait_for_initial_loads=False)
    entry = store.models["slow"]
    unloading = threading.Thread(target=store.unload, args=("slow",))
    unloading.start()
    eventually(lambda: not store.models)
    GATES.setdefault("unload-slow", threading.Event()).set()
    unloading.join(5)
    assert entry.peek() is None


def test_sizes(make_store, models_dir):
    path = write_model(models_dir, "m")
    (path / "weights").write_bytes(b"x" * 100)
    store = make_store()
    size = 100 + (path / "config.yml").stat().st_size
    assert store.size("m") == store.estimate_size("new", str(path), "t") == size
    with pytest.raises(RequestError, match=r"^Unable to retrieve the size of model 'zz'; it is unregistered"):
        store.size("zz")
    with pytest.raises(RequestError, match=r"^Failed to estimate size of model 'n',file '/nope' not found$"):
        store.estimate_size("n", "/nope", "t")


def test_infos(make_store, models_dir):
    path = write_model(models_dir, "m", text="t")
    write_model(models_dir, "n")
    store = make_store()
    info = store.infos(["m"])[0]
    assert (info.model_path, info.name, info.loaded, info.module_id) == (str(path), "m", True, NOTE_ID)
    assert (info.metadata, info.module_metadata) == ({"text": "t"}, {"name": "Note", "version": "1.2.3"})
    assert [each.name for each in store.infos()] == ["m", "n"]
    with pytest.raises(RequestError, match=r"^Model nope is not loaded$") as caught:
        store.infos(["m", "nope"])
    assert caught.value.status is Status.NOT_FOUND


def _waiting_request(**settings) -> RequestContext:
    return RequestContext(headers={}, **settings)


def test_a_cancelled_request_stops_waiting(make_store, models_dir):
    write_model(models_dir, "slow", gate="cancel")
    store = make_store(wait_for_initial_loads=False)
    token = CancelToken()
    threading.Timer(0.05, token.cancel).start()
    with pytest.raises(RequestError) as caught:
        store.use("slow", _waiting_request(cancel=token))
    assert caught.value.status is Status.CANCELLED


def test_a_request_waits_no_longer_than_its_deadline(make_store, models_dir):
    write_model(models_dir, "slow", gate="deadline")
    store = make_store(wait_for_initial_loads=False)
    with pytest.raises(RequestError) as caught:
        store.use("slow", _waiting_request(deadline=time.monotonic() + 0.05))
    assert caught.value.status is Status.DEADLINE_EXCEEDED


def test_close_wakes_waiting_requests_and_ends_all_threads(make_store, models_dir):
    write_model(models_dir, "slow", gate="close")
    store = make_store(wait_for_initial_loads=False, lazy_load=True, poll_period=60)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(store.use, "slow")
        time.sleep(0.05)
        started = time.monotonic()
        assert store.close(0.1) is False
        assert time.monotonic() - started < 2
        with pytest.raises(RequestError) as caught:
            answer.result(5)
    assert caught.value.status is Status.UNAVAILABLE
    GATES.setdefault("close", threading.Event()).set()
    assert store.close(5) is True
    with pytest.raises(RequestError):
        store.load("late", "x", "t")


def test_users_are_counted(make_store, models_dir):
    write_model(models_dir, "m")
    store = make_store()
    entry = store.models["m"]
    first, second = store.use("m"), store.use("m")
    assert entry.users == 2
    first.release()
    first.release()
    assert entry.users == 1
    second.release()
    assert entry.users == 0


def test_a_lost_lease_is_returned(make_store, models_dir):
    write_model(models_dir, "m")
    store = make_store()
    lease = store.use("m")
    assert store.models["m"].users == 1
    del lease
    assert store.models["m"].users == 0


def test_symlinked_models_are_served(make_store, models_dir, tmp_path):
    path: Path = write_model(tmp_path / "volume", "m", text="linked")
    (models_dir / "m").symlink_to(path)
    with make_store().use("m") as model:
        assert model.text == "linked"


def test_metrics(make_store, models_dir, tmp_path):
    write_model(models_dir, "m")
    write_model(models_dir, "bad", fail="runtime")
    store = make_store()
    store.load("other", str(write_model(tmp_path, "x")), "some-type")
    store.unload("other")
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for metric in ModelMetrics(lambda: [store]).collect()
        for sample in metric.samples
    }
    local = "standalone-model"
    assert samples["total_loaded_models", local, "m"] == 1
    assert samples["total_loaded_models_size", local] == store.size("m")
    assert samples["load_model_duration_seconds_count", local] == 1
    assert samples["load_model_duration_seconds_sum", local] > 0
    assert samples["caikit_core_load_model_duration_seconds_count", "some-type"] == 1
    assert samples["load_model_exception_count_total", local] == 1
    assert ("total_loaded_models", "some-type", "other") not in samples
