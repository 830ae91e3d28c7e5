"""Remote models as objects: their class, their trainings, their connections, and many threads at once."""

from __future__ import annotations

import contextlib
import copy
import gc
import inspect
import pickle
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
import requests

from caikit.core import ModuleBase
from caikit.core.data_model import DataStream, JobStatus
from caikit.core.registries import module_registry
from caikit.interfaces.common.data_model import ConnectionInfo
from caikit.interfaces.runtime.data_model import ModelPointer
from caikit.runtime.client import RemoteModelInitializer, RemoteModuleBase, RemoteModuleConfig
from caikit.runtime.client.utils import construct_grpc_channel, construct_requests_session
from caikit.runtime.names import ServiceType
from caikit.runtime.service_generation.data_stream_source import make_data_stream_source
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

PROTOCOLS = ["grpc", "http"]
Remote = Callable[..., Any]


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def person(golden: SimpleNamespace) -> Any:
    return golden.data.Person("Ann")


def wait_until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        gc.collect()
        time.sleep(0.01)


def sockets_to(port: int) -> int:
    """How many established connections this process has to a port of this machine."""
    wanted = f":{port:04X}"
    mine = set()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            mine.add(str(entry.readlink()))
    count = 0
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[2].endswith(wanted) and f"socket:[{fields[9]}]" in mine:
                count += 1
    return count


needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


# Classes #####################################################################


def test_the_class_of_a_remote_model(golden: SimpleNamespace, remote: Remote, protocol: str) -> None:
    original, model = golden.greet.Greeter, remote("greeter", protocol)
    cls = type(model)
    assert issubclass(cls, RemoteModuleBase)
    assert issubclass(cls, ModuleBase)
    assert (f"{original.MODULE_ID}-remote", "Greeter Remote") == (cls.MODULE_ID, cls.MODULE_NAME)
    assert (cls.MODULE_VERSION, cls.BACKEND_TYPE, cls.tasks) == ("0.0.0", "LOCAL", original.tasks)
    assert issubclass(module_registry()[cls.MODULE_ID], RemoteModuleBase)
    for name in ("run", "run_stream_out", "run_stream_in", "run_bidi"):
        assert inspect.signature(getattr(model, name)) == inspect.signature(getattr(original(), name)), name
        assert getattr(cls, name).__name__ == name
    assert list(inspect.signature(model.train).parameters) == list(
        inspect.signature(original.train).parameters
    )
    task = golden.tasks.GreetTask
    flavours = [
        (one, other, signature.method_name) for one, other, signature in cls.get_inference_signatures(task)
    ]
    assert sorted(flavours) == [
        (False, False, "run"),
        (False, True, "run_stream_out"),
        (True, False, "run_stream_in"),
        (True, True, "run_bidi"),
    ]


def test_attributes_that_are_documented(remote: Remote, protocol: str) -> None:
    model = remote("greeter", protocol, max_session_age=5)
    assert (model._model_name, model._protocol, model._model_key) == ("greeter", protocol, "mm-model-id")
    assert isinstance(model._connection, ConnectionInfo)
    assert model._tls is model._connection.tls
    assert (model._conn_channel, model._current_conn_time, model._max_conn_delta) == (None, None, 5)
    resource = model._grpc_channel if protocol == "grpc" else model._http_session
    assert isinstance(resource, grpc.Channel if protocol == "grpc" else requests.Session)
    assert model._conn_channel is resource
    assert model._current_conn_time is not None
    port = model._connection.port
    assert model._get_remote_target() == (
        f"localhost:{port}" if protocol == "grpc" else f"http://localhost:{port}"
    )
    assert model._get_streaming_arguments(a=1, b=DataStream.from_iterable([]), c=iter([]), d=[]) == ["b", "c"]
    assert model.metadata == {}
    assert model.training is None


def test_the_configuration_of_a_remote_model(golden: SimpleNamespace, client: Remote) -> None:
    client(connection={"hostname": "h"})
    info = ConnectionInfo("h", 1)
    greeter = golden.greet.Greeter
    for reference in (greeter.MODULE_ID, greeter, greeter()):
        config = RemoteModuleConfig.load_from_module(reference, info, "grpc", "key", "name")
        assert config.module_id == f"{greeter.MODULE_ID}-remote"
        assert config.module_name == "Greeter Remote"
        assert (config.connection, config.protocol, config.model_key) == (info, "grpc", "key")
        assert config.model_path == "name"
        ((task, methods),) = config.task_methods
        assert task is golden.tasks.GreetTask
        assert [method.rpc_name for method in methods] == [
            "GreetTaskPredict",
            "ServerStreamingGreetTaskPredict",
            "ClientStreamingGreetTaskPredict",
            "BidiStreamingGreetTaskPredict",
        ]
        assert methods[0].request_dm_name.endswith("GreetTaskRequest")
        assert methods[0].response_dm_name.endswith("Greeting")
        assert methods[0].signature.method_name == "run"
        assert config.train_method.rpc_name == "GreetTaskGreeterTrain"
    assert RemoteModuleConfig.reserved_keys == []
    with pytest.raises(KeyError, match="Unknown module reference nope"):
        RemoteModuleConfig.load_from_module("nope", info, "grpc", "key", "name")
    again = RemoteModuleConfig.load_from_module(f"{greeter.MODULE_ID}-remote", info, "grpc", "key", "name")
    assert again.module_id == f"{greeter.MODULE_ID}-remote"
    copied = copy.deepcopy(config)
    assert type(RemoteModelInitializer({}, "x").init(copied)) is type(
        RemoteModelInitializer({}, "y").init(config)
    )


def test_modules_without_tasks_or_training(golden: SimpleNamespace, client: Remote) -> None:
    client(connection={"hostname": "h"})
    info = ConnectionInfo("h", 1)
    config = RemoteModuleConfig.load_from_module(golden.misc.NoTask, info, "grpc", "key", "name")
    assert (config.task_methods, config.train_method) == ([], None)
    model = RemoteModelInitializer({}, "x").init(config)
    with pytest.raises(NotImplementedError):
        model.run()
    hidden = RemoteModuleConfig.load_from_module(golden.echo.Hidden, info, "grpc", "key", "name")
    assert hidden.train_method is None


def test_the_initializer_leaves_other_models_alone(golden: SimpleNamespace) -> None:
    from caikit.core import ModuleConfig

    assert (
        RemoteModelInitializer({}, "x").init(ModuleConfig({"module_id": golden.greet.Greeter.MODULE_ID}))
        is None
    )


def test_a_library_that_is_not_configured(client: Remote, golden: SimpleNamespace, temp_config: Any) -> None:
    manager = client(
        connection={"hostname": "h", "port": 1},
        supported_models={"a": golden.greet.Greeter.MODULE_ID},
        discover_models=False,
    )
    temp_config({"runtime": {"library": "json"}})
    with pytest.raises(
        ValueError, match=r"no message caikit.runtime.Json.GreetTaskRequest: does runtime.library name"
    ):
        manager.load("a").run(None)


def test_parts_may_be_replaced(
    golden: SimpleNamespace, servers: Callable[..., Any], client: Remote, person: Any
) -> None:
    """The documented seams: the target, the connection, the requests."""
    client(connection={"hostname": "h"})
    connection = servers("plain").connection("grpc")
    config = RemoteModuleConfig.load_from_module(
        golden.greet.Greeter,
        ConnectionInfo("nowhere.invalid", 1, timeout=10),
        "grpc",
        "mm-model-id",
        "greeter",
    )
    base = RemoteModelInitializer({}, "x").construct_module_class(config)
    made = []

    class Own(base):  # type: ignore[misc,valid-type]  # the class is made at run time
        def _get_remote_target(self) -> str:
            return f"localhost:{connection['port']}"

        def remote_method_request(
            self, method: Any, service_type: ServiceType, *args: Any, **kwargs: Any
        ) -> Any:
            made.append((method.rpc_name, service_type))
            return super().remote_method_request(method, service_type, *args, **kwargs)

    class OwnChannel(Own):
        @property
        def _grpc_channel(self) -> grpc.Channel:
            return self._get_remote_object(lambda: construct_grpc_channel(self._get_remote_target()))

    arguments = (config.connection, "grpc", "mm-model-id", "greeter")
    for cls in (Own, OwnChannel):
        assert cls(*arguments).run(person).text == "Hello Ann"
    assert made == [("GreetTaskPredict", ServiceType.INFERENCE)] * 2
    direct = Own(*arguments)
    assert (
        direct._request_via_grpc(config.task_methods[0][1][0], ServiceType.INFERENCE, person).text
        == "Hello Ann"
    )


def test_renaming_for_http(golden: SimpleNamespace) -> None:
    given = {
        "choice_str": "x",
        "a_flag": True,
        "an_int": None,
        "mood": "HAPPY",
        "js": {"kept": None},
        "list_obj": [{"name": None}],
    }
    renamed = RemoteModuleBase._rename_union_sequence_types(given, golden.data.Everything)
    assert renamed == {"choice": "x", "named_choice": True, "mood": 1, "js": {"kept": None}, "list_obj": [{}]}


# Trainings ###################################################################


def test_a_training_can_be_watched_and_cancelled(
    golden: SimpleNamespace, remote: Remote, protocol: str
) -> None:
    model = remote("greeter", protocol)
    trained = model.train([golden.data.TrainRecord(1, "a")], sleep=30.0)
    assert trained._model_name.startswith("greeter-")
    training = trained.training
    wait_until(lambda: training.status is JobStatus.RUNNING)
    assert training.get_info().submission_time is not None
    with pytest.raises(TimeoutError):
        training.wait(0.1)
    training.cancel()
    training.wait(5)
    assert training.status is JobStatus.CANCELED
    with pytest.raises(CaikitRuntimeException, match="was cancelled"):
        training.load()


def test_a_training_that_fails(golden: SimpleNamespace, remote: Remote, protocol: str) -> None:
    training = remote("greeter", protocol).train([golden.data.TrainRecord(1, "a")], fail="value").training
    training.wait(10)
    assert training.status is JobStatus.ERRORED
    assert "bad value" in str(training.get_info().errors[0])
    with pytest.raises(CaikitRuntimeException, match="bad value"):
        training.result()


def test_data_and_models_of_a_training(golden: SimpleNamespace, remote: Remote, protocol: str) -> None:
    """Streams and lists travel with the request, models by name, files are those of the server."""
    model = remote("party", protocol)
    source, people = make_data_stream_source(str), make_data_stream_source(golden.data.Person)
    data: dict[str, Any] = {
        "strings": DataStream.from_iterable(["a", "b"]),
        "ints": [1, 2],
        "floats": iter([0.5]),
        "bools": (True,),
        "people": people(data_stream=people.JsonData(data=[golden.data.Person("Ann")])),
    }
    either = source(data_stream=source.JsonData(data=["x"]))
    for base in (remote("greeter", protocol), "greeter", ModelPointer("greeter")):
        training = model.train(**data, base=base, either=either, u_list=[1], rate=0.1).training
        training.wait(10)
        assert training.get_info().errors is None, training.get_info()
        data["floats"] = [0.5]
    for wrong in ({"base": golden.greet.Greeter()}, {"ints": 5}, {"strings": "abc"}):
        with pytest.raises(TypeError, match="expected"):
            model.train(**{**data, "base": "greeter", **wrong})


# Connections #################################################################


@needs_proc
def test_models_of_one_server_share_a_connection(
    servers: Callable[..., Any], remote: Remote, protocol: str, person: Any
) -> None:
    port = servers("plain").ports[protocol]
    gc.collect()
    wait_until(lambda: sockets_to(port) == 0)
    models = [remote(name, protocol, retries=2) for name in ("greeter", "polite", "greeter")]
    for model in models:
        model.run(person=person)
    assert len({id(model._conn_channel) for model in models}) == 1
    assert sockets_to(port) == 1
    models.pop().close()
    models[0].run(person=person)
    assert sockets_to(port) == 1
    del model
    models.clear()
    wait_until(lambda: sockets_to(port) == 0)


@needs_proc
@pytest.mark.parametrize("age", [0, 0.2])
def test_connections_have_an_age(
    servers: Callable[..., Any], remote: Remote, protocol: str, person: Any, age: float
) -> None:
    port = servers("plain").ports[protocol]
    model = remote("greeter", protocol, max_session_age=age)
    seen = set()
    for _ in range(3):
        stream = iter(model.run_stream_out(person, count=5, sleep=0.05))
        next(stream)
        seen.add(id(model._grpc_channel if protocol == "grpc" else model._http_session))
        # A stream is completed on the connection that it began on.
        assert len(list(stream)) == 4
        model.run(person)
        assert sockets_to(port) <= 2
    assert len(seen) >= 2 or age == 0
    del model, stream
    wait_until(lambda: sockets_to(port) == 0)


def test_a_closed_model(remote: Remote, protocol: str, person: Any) -> None:
    with remote("greeter", protocol) as model:
        stream = iter(model.run_stream_out(person, count=3, sleep=0.02))
        next(stream)
    assert [item.text for item in stream] == ["Hello Ann 1", "Hello Ann 2"]
    for call in (lambda: model.run(person), lambda: list(model.run_stream_out(person))):
        with pytest.raises(RuntimeError, match="'greeter' is closed"):
            call()
    model.close()


@needs_proc
def test_a_stream_that_nobody_wants_any_more(
    servers: Callable[..., Any], remote: Remote, protocol: str, person: Any
) -> None:
    port = servers("plain").ports[protocol]
    before = threading.active_count()
    for _ in range(20):
        stream = remote("greeter", protocol).run_stream_out(person, count=100_000)
        assert next(iter(stream)).text == "Hello Ann 0"
        del stream
    wait_until(lambda: sockets_to(port) == 0)
    wait_until(lambda: threading.active_count() <= before)


@needs_proc
def test_a_model_that_is_collected_in_the_middle_of_a_stream(
    servers: Callable[..., Any], remote: Remote, protocol: str, person: Any
) -> None:
    model = remote("greeter", protocol)
    gone = weakref.ref(model)
    items = iter(model.run_stream_out(person, count=5, sleep=0.02))
    next(items)
    del model
    gc.collect()
    assert [item.text for item in items][-1] == "Hello Ann 4"
    del items
    wait_until(lambda: gone() is None)
    wait_until(lambda: sockets_to(servers("plain").ports[protocol]) == 0)


@needs_proc
def test_a_request_stream_that_the_server_stops_reading(
    golden: SimpleNamespace, servers: Callable[..., Any], remote: Remote, protocol: str
) -> None:
    before = threading.active_count()
    model = remote("greeter", protocol)

    def people() -> Any:
        while True:
            yield golden.data.Person("Ann")

    items = iter(model.run_bidi(people(), fail="value"))
    assert next(items).text == "Hello Ann"
    with pytest.raises(CaikitRuntimeException, match="bad value"):
        list(items)
    items = iter(model.run_bidi(people()))
    next(items)
    del items, model
    wait_until(lambda: threading.active_count() <= before)
    wait_until(lambda: sockets_to(servers("plain").ports[protocol]) == 0)


def test_answers_interleave_with_requests(golden: SimpleNamespace, remote: Remote, protocol: str) -> None:
    answered = threading.Event()

    def people() -> Any:
        yield golden.data.Person("Ann")
        assert answered.wait(5)
        yield golden.data.Person("Bob")

    items = iter(remote("greeter", protocol).run_bidi(people()))
    assert next(items).text == "Hello Ann"
    answered.set()
    assert [item.text for item in items] == ["Hello Bob"]


def test_each_pass_over_a_stream_is_a_call(remote: Remote, protocol: str, person: Any) -> None:
    stream = remote("greeter", protocol).run_stream_out(person, count=2)
    assert [item.text for item in stream] == [item.text for item in stream] == ["Hello Ann 0", "Hello Ann 1"]


def test_streams_are_lazy(remote: Remote, protocol: str, person: Any) -> None:
    items = iter(remote("greeter", protocol).run_stream_out(person, count=5, sleep=0.2))
    next(items)
    first = time.monotonic()
    list(items)
    # Had all been waited for before the first, the others would be there at once.
    assert time.monotonic() - first >= 0.4


@needs_proc
def test_many_threads_on_one_model(
    golden: SimpleNamespace, servers: Callable[..., Any], remote: Remote, protocol: str
) -> None:
    model = remote("greeter", protocol, max_session_age=0.3)

    def call(number: int) -> bool:
        person = golden.data.Person(f"P{number}")
        if number % 4 == 0:
            return [item.text for item in model.run_stream_out(person, count=2)] == [
                f"Hello P{number} 0",
                f"Hello P{number} 1",
            ]
        return bool(model.run(person, times=2).text == f"Hello P{number} Hello P{number}")

    with ThreadPoolExecutor(64) as pool:
        assert all(pool.map(call, range(256)))
    model.close()
    wait_until(lambda: sockets_to(servers("plain").ports[protocol]) == 0)


# Remote models that are served once more ##################################


@pytest.fixture
def front(
    client: Remote, temp_config: Any, protocol: str, tmp_path: Path
) -> Iterator[Callable[[dict[str, Any]], int]]:
    """Serves the greeter behind a connection as the model `front`; returns the port."""
    from caikit.runtime.grpc_server import RuntimeGRPCServer
    from caikit.runtime.http_server import RuntimeHTTPServer
    from caikit.runtime.model_management.model_manager import ModelManager

    head = RuntimeGRPCServer if protocol == "grpc" else RuntimeHTTPServer
    with contextlib.ExitStack() as stack:

        def serve(connection: dict[str, Any]) -> int:
            behind = client(connection=connection, protocol=protocol)
            temp_config(
                {
                    "runtime": {
                        "local_models_dir": str(tmp_path),
                        "server_thread_pool_size": 2,
                        "grpc": {"port": 0, "host": "127.0.0.1", "unix_socket_path": ""},
                        "http": {"port": 0, "host": "127.0.0.1"},
                        "metrics": {"enabled": False},
                    }
                }
            )
            server = stack.enter_context(head())
            manager = ModelManager.get_instance()
            stack.callback(manager.unload_all_models)
            initializer = RemoteModelInitializer({}, "x")
            manager.load_model(
                "front", "greeter", "standalone-model", finder=behind.finder(), initializer=initializer
            )
            return int(server.port)

        yield serve


def test_a_server_may_stand_in_front_of_another(
    golden: SimpleNamespace,
    servers: Callable[..., Any],
    client: Remote,
    front: Callable[[dict[str, Any]], int],
    protocol: str,
) -> None:
    info = {"hostname": "127.0.0.1", "port": front(servers("plain").connection(protocol)), "timeout": 10}
    person = golden.data.Person("Ann")
    with client(connection=info, protocol=protocol).load("front") as model:
        assert f"{golden.greet.Greeter.MODULE_ID}-remote" == model.MODULE_ID
        assert model.run(person).text == "Hello Ann"
        assert [item.text for item in model.run_stream_out(person)][-1] == "Hello Ann 2"
        assert model.run_stream_in([person, person]).text == "Hello Ann, Ann"
        assert [item.text for item in model.run_bidi([person])] == ["Hello Ann"]
        with pytest.raises(CaikitRuntimeException, match="core says FORBIDDEN") as caught:
            model.run(person, fail="core:FORBIDDEN")
        assert caught.value.status_code is grpc.StatusCode.PERMISSION_DENIED


def test_who_leaves_the_front_is_not_waited_for_behind_it(
    golden: SimpleNamespace,
    start: Callable[..., Any],
    client: Remote,
    front: Callable[[dict[str, Any]], int],
    protocol: str,
) -> None:
    """With two threads in front and two behind, a third call is answered only if the others have ended everywhere."""
    behind = start(server_thread_pool_size=2)
    port = front(behind.connection(protocol, timeout=60))
    person = golden.data.Person("Ann")
    load = client(connection={"hostname": "127.0.0.1", "port": port, "timeout": 0.3}, protocol=protocol).load
    hurried = load("front")

    def slowly() -> Iterator[Any]:
        for _ in range(600):
            time.sleep(0.05)
            yield person

    calls: list[Callable[[], Any]] = [
        lambda: hurried.run(person, sleep=30),
        lambda: list(hurried.run_stream_out(person, sleep=0.05, count=600)),
        lambda: hurried.run_stream_in(slowly()),
        lambda: list(hurried.run_bidi(slowly())),
    ]
    for call in calls * 3:
        with pytest.raises(CaikitRuntimeException) as caught:
            call()
        assert caught.value.status_code is grpc.StatusCode.DEADLINE_EXCEEDED
    patient = {"hostname": "127.0.0.1", "port": port, "timeout": 5}
    with client(connection=patient, protocol=protocol).load("front") as model:
        assert model.run(person).text == "Hello Ann"


# Channels and sessions #######################################################


def test_channels(servers: Callable[..., Any], certs: Callable[[str], str]) -> None:
    from caikit.interfaces.common.data_model import ConnectionTlsInfo

    channel = construct_grpc_channel(
        f"localhost:{servers('plain').ports['grpc']}", options={"grpc.x": 1}, retries=3
    )
    assert isinstance(channel, grpc.Channel)
    channel.close()
    with pytest.raises(ValueError, match="GRPC does not support insecure TLS"):
        construct_grpc_channel("localhost:1", tls=ConnectionTlsInfo(enabled=True, insecure_verify=True))


def test_sessions(fake: SimpleNamespace, caplog: pytest.LogCaptureFixture) -> None:
    stop = threading.Event()

    def answer(sock: Any, request: bytes) -> None:
        if request.startswith(b"GET /slow"):
            stop.wait(5)
        sock.sendall(fake.answer(503 if request.startswith(b"GET /busy") else 200, b"{}"))

    server = fake.serve(answer)
    url = f"http://127.0.0.1:{server.port}"
    with construct_requests_session({"pool_maxsize": 2, "max_response_bytes": 5}, None, 0.3, 2) as session:
        assert session.get(url).json() == {}
        with pytest.raises(requests.exceptions.ConnectionError, match="timed out"):
            session.get(f"{url}/slow")
        asked = len(server.requests)
        assert session.get(f"{url}/busy").status_code == 503
        assert len(server.requests) == asked + 3
    with construct_requests_session({"what": 1}, timeout=0.3) as session, pytest.raises(requests.Timeout):
        session.get(f"{url}/slow")
    stop.set()


def test_exceptions_travel(remote: Remote, protocol: str, person: Any) -> None:
    with pytest.raises(CaikitRuntimeException) as caught:
        remote("greeter", protocol).run(person, fail="value")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.status_code, again.message, again.id) == (
        caught.value.status_code,
        caught.value.message,
        caught.value.id,
    )
