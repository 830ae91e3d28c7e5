"""Whatever a signature looks like: the service is built, its interface compiles, and what is sent arrives."""

# ruff: noqa: UP006, UP007, UP035, UP045 - how a type is spelled is part of what is tested
from __future__ import annotations

import base64
import datetime
import enum
import json
import keyword
import re
import uuid
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Dict, List, Literal, Optional, Tuple, Union

import numpy as np
import pytest
import yaml
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

import caikit
from caikit.config import config as config_module
from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task
from caikit.core.data_model.json_dict import JsonDict
from caikit.runtime.dump_services import dump_grpc_services
from caikit.runtime.engine import Engine, Gate, Observer, RequestContext, WorkerPool
from caikit.runtime.heads.grpc import build_endpoints
from caikit.runtime.heads.http import HttpHead
from caikit.runtime.models import ModelStore
from caikit.runtime.service_factory import ServicePackageFactory
from caikit.runtime.services.bind import bind_operations
from caikit.runtime.transport.http_messages import HttpRequest

PACKAGE = "tests.random_signatures"
INCLUDES = str(resources.files("grpc_tools") / "_proto")
NOTHING = object()
received: list[dict[str, Any]] = []


@dataobject(PACKAGE)
class Stone(DataObjectBase):
    weight: int
    name: str


@dataobject(PACKAGE)
class Grain(enum.Enum):
    FINE = 1


@dataobject(PACKAGE)
class Found(DataObjectBase):
    count: int


@task(unary_parameters={"text": str}, unary_output_type=Found)
class RandomTask(TaskBase):
    pass


def stones():
    return st.builds(Stone, st.integers(-5, 5), st.sampled_from(["", "a", "é"]))


NUMBERS = {
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    np.int32: st.integers(-(2**31), 2**31 - 1),
    np.int64: st.integers(-(2**63), 2**63 - 1),
    np.uint32: st.integers(0, 2**32 - 1),
    np.uint64: st.integers(0, 2**64 - 1),
    np.float32: st.floats(allow_nan=False, allow_infinity=False, width=32),
    np.float64: st.floats(allow_nan=False, allow_infinity=False),
}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
WORDS = {str: TEXTS, bool: st.booleans(), bytes: st.binary(max_size=5)}
SINGLE = {
    **NUMBERS,
    **WORDS,
    datetime.datetime: st.datetimes(
        datetime.datetime(1990, 1, 1), datetime.datetime(2100, 1, 1), timezones=st.just(datetime.timezone.utc)
    ),
    JsonDict: st.dictionaries(
        TEXTS, st.none() | st.booleans() | TEXTS | st.lists(TEXTS, max_size=2), max_size=2
    ),
    Stone: stones(),
}
UNIONS = {
    Union[int, str]: st.integers(0, 9) | TEXTS,
    Union[str, Stone, bool]: TEXTS | stones() | st.booleans(),
    Union[List[str], List[int]]: st.lists(TEXTS, min_size=1, max_size=2)
    | st.lists(st.integers(0, 9), min_size=1, max_size=2),
    Union[int, List[Stone]]: st.integers(0, 9) | st.lists(stones(), min_size=1, max_size=2),
}
MEMBERS = dict(
    zip(
        UNIONS,
        [
            ("int", "str"),
            ("str", "stone", "bool"),
            ("str_sequence", "int_sequence"),
            ("int", "stone_sequence"),
        ],
        strict=True,
    )
)
NOT_SERVED = [
    Grain,
    Optional[Grain],
    object,
    list,
    Tuple[int, str],
    Literal["a"],
    List[List[str]],
    Dict[str, Stone],
    "NobodyKnowsThis",
]
AWKWARD = [
    "from_json",
    "message",
    "string",
    "repeated",
    "option",
    "self_",
    "_hidden",
    "aB",
    "a_b",
    "p_int",
    "p",
]


@dataclass(frozen=True)
class Drawn:
    """A parameter, and what is sent for it; NOTHING if it is left out."""

    name: str
    annotation: Any
    served: bool
    optional: bool
    value: Any


@st.composite
def parameters(draw):
    names = draw(
        st.lists(
            st.sampled_from(AWKWARD) | st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True),
            max_size=6,
            unique=True,
        )
    )
    return [
        draw(parameter(name))
        for name in names
        if not keyword.iskeyword(name) and name not in ("text", "self")
    ]


@st.composite
def parameter(draw, name):
    if draw(st.integers(0, 4)) == 0:
        return Drawn(name, draw(st.sampled_from(NOT_SERVED)), False, True, NOTHING)
    kind = draw(st.sampled_from(["single", "optional", "list", "map", "union"]))
    if kind == "union":
        annotation = draw(st.sampled_from(list(UNIONS)))
        values = UNIONS[annotation]
    else:
        annotation = draw(st.sampled_from(list(SINGLE if kind != "map" else {**NUMBERS, **WORDS})))
        values = SINGLE[annotation]
    if kind == "optional":
        annotation = Optional[annotation]
    elif kind == "list":
        annotation, values = List[annotation], st.lists(values, max_size=3)
    elif kind == "map":
        annotation, values = Dict[str, annotation], st.dictionaries(TEXTS, values, max_size=2)
    # A parameter that cannot travel makes each call fail, unless it has a default.
    optional = draw(st.booleans()) or name == "from_json"
    value = NOTHING if optional and draw(st.booleans()) else draw(values)
    return Drawn(name, annotation, True, optional, value)


def make_module(drawn):
    """A module whose `run` has these parameters; those without a default come first, as Python wants it."""
    required = [each for each in drawn if not each.optional]
    optional = [each for each in drawn if each.optional]
    source = ", ".join(
        ["self", "text", *(each.name for each in required), *(f"{each.name}=None" for each in optional)]
    )
    names: dict[str, Any] = {"received": received, "Found": Found}
    exec(
        f"def run({source}):\n"
        "    received.append({k: v for k, v in locals().items() if k != 'self'})\n"
        "    return Found(len(received))",
        names,
    )
    names["run"].__annotations__ = {
        "text": str,
        **{each.name: each.annotation for each in drawn},
        "return": Found,
    }
    load = classmethod(lambda cls, model_path, **kwargs: cls())
    cls = type("Random", (ModuleBase,), {"run": names["run"], "load": load, "__module__": __name__})
    return module(id=str(uuid.uuid4()), name="Random", version="0.0.1", task=RandomTask)(cls)


def settings_for(cls, folder):
    return {
        "runtime": {
            "library": __name__.partition(".")[0],
            "local_models_dir": str(folder),
            "lazy_load_write_detection_period_seconds": 0,
            "service_generation": {
                "package": f"tests.p{uuid.uuid4().hex}",
                "domain": "Random",
                "enable_training": False,
                "enable_inference_jobs": False,
                "module_guids": {"included": [cls.MODULE_ID]},
            },
        }
    }


def compiled(folder: Path, name: str) -> Any:
    """The class that a client would have for this message, from the interface files alone."""
    package = name.rpartition(".")[0]
    output = folder / "descriptors"
    file = f"{package.replace('.', '_')}.proto"
    command = ["protoc", f"-I{folder}", f"-I{INCLUDES}", "--include_imports", f"-o{output}", file]
    assert protoc.main(command) == 0
    pool = descriptor_pool.DescriptorPool()
    for each in descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes()).file:
        pool.Add(each)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def described(message, package):
    """Fields by number, without the name of the package."""
    descriptor = message.DESCRIPTOR
    return sorted(
        (
            each.number,
            each.name,
            each.type,
            each.is_repeated,
            each.message_type and each.message_type.full_name.replace(package, "<package>"),
            each.containing_oneof and not is_synthetic(each.containing_oneof) and each.containing_oneof.name,
        )
        for each in descriptor.fields
    )


def is_synthetic(oneof):
    """Those of optional fields have names that nobody uses."""
    return len(oneof.fields) == 1 and oneof.name.lstrip("X").startswith("_")


def as_json(value):
    """A value in the words of JSON; dates and bytes are text there."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case datetime.datetime():
            return value.isoformat()
        case DataObjectBase():
            return json.loads(value.to_json())
        case list():
            return [as_json(each) for each in value]
        case dict():
            return {key: as_json(each) for key, each in value.items()}
        case _:
            return value


def plain(value):
    """A value for comparison: what is equal to it may have another type."""
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=datetime.timezone.utc) if value.tzinfo is None else value
    if isinstance(value, DataObjectBase):
        return value.to_dict()
    if isinstance(value, list | tuple) or hasattr(value, "tolist"):
        return [plain(each) for each in (value if isinstance(value, list | tuple) else value.tolist())]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value


@pytest.fixture
def workers():
    pool = WorkerPool(1)
    yield pool
    assert pool.close(5)


# The fixtures hold for all examples: each has names of its own.
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=parameters())
def test_what_is_sent_arrives(drawn, tmp_path, workers):
    cls = make_module(drawn)
    with config_module.preserved():
        build_and_call(cls, drawn, tmp_path, workers)


def build_and_call(cls, drawn, tmp_path, workers):
    folder = tmp_path / cls.MODULE_ID
    (folder / "models" / "m").mkdir(parents=True)
    (folder / "models" / "m" / "config.yml").write_text(yaml.safe_dump({"module_id": cls.MODULE_ID}))
    fields = []
    for _ in range(2):
        made = settings_for(cls, folder / "models")
        caikit.configure(config_dict=made)
        package = ServicePackageFactory.get_service_package(ServicePackageFactory.ServiceType.INFERENCE)
        assert (
            ServicePackageFactory.get_service_package(ServicePackageFactory.ServiceType.INFERENCE) is package
        )
        name = made["runtime"]["service_generation"]["package"]
        if clash(drawn):
            assert list(package.caikit_rpcs) == []
            return
        fields.append(described(package.messages.RandomTaskRequest, name))
    assert fields[0] == fields[1]
    assert {each[1] for each in fields[0] if not each[5]} == {
        "text",
        *(each.name for each in drawn if travels(each) and not is_union(each)),
    }

    dump_grpc_services(str(folder / "protos"), write_modules_file=False, consolidate=True)
    client = compiled(folder / "protos", f"{name}.RandomTaskRequest")
    assert described(client, name) == fields[1]

    sent = {
        "text": "t",
        **{each.name: each.value for each in drawn if each.value is not NOTHING and travels(each)},
    }
    note(f"sent: {sent}")
    request = package.caikit_rpcs["RandomTaskPredict"].request.data_class(**sent)
    store = ModelStore.from_config()
    store.start()
    try:
        operations = bind_operations(store=store)
        engine = Engine(gate=Gate(workers), observer=Observer())
        received.clear()

        endpoint = build_endpoints(engine, operations)[f"/{name}.RandomService/RandomTaskPredict"]
        body = client.FromString(request.to_binary_buffer()).SerializeToString()
        endpoint.answer(RequestContext(headers={"mm-model-id": "m"}), body)
        check(drawn, sent, received.pop(), empty_is_absent=True)

        head = HttpHead(engine, operations, title="", version="", description="")
        path = "/api/v1/task/random"
        values = {key: as_json(value) for key, value in sent.items() if key != "text"}
        content = json.dumps({"model_id": "m", "inputs": "t", **({"parameters": values} if values else {})})
        answer = head.endpoints["POST", path].answer(
            RequestContext(headers={}),
            HttpRequest("POST", path, b"", b"application/json"),
            content.encode(),
        )
        assert answer.status == 200, answer.body
        check(drawn, sent, received.pop(), empty_is_absent=False)
    finally:
        store.close()


def check(drawn, sent, got, *, empty_is_absent):
    assert got.pop("text") == "t"
    for each in drawn:
        expected = sent.get(each.name)
        if empty_is_absent and expected in ([], {}) and each.optional and not is_union(each):
            expected = {} if re.search("JsonDict|Stone", str(each.annotation)) and expected == {} else None
        assert plain(got[each.name]) == plain(expected), each.name


def travels(each):
    return each.served and each.name != "from_json"


def is_union(each):
    return each.annotation in UNIONS


def clash(drawn):
    """Names that one message cannot have together: a union's members have names made of its own."""
    fields = [each.name for each in drawn if travels(each) and not is_union(each)]
    unions = [each for each in drawn if travels(each) and is_union(each)]
    fields += [f"{each.name}_{member}" for each in unions for member in MEMBERS[each.annotation]]
    names = ["text", *fields, *(each.name for each in unions)]
    in_json = [re.sub("_(.)", lambda match: match[1].upper(), field) for field in fields]
    # What a field is called in JSON may be the name of nothing else, not even that of a union.
    taken = names + [each for each, field in zip(in_json, fields, strict=True) if each != field]
    return len(set(taken)) < len(taken)
