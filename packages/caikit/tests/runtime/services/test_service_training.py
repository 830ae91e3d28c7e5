"""Train RPCs and their requests."""

import uuid

import pytest
import requests

from caikit.core import (
    MODEL_MANAGER,
    DataObjectBase,
    ModuleBase,
    ModuleSaver,
    TaskBase,
    dataobject,
    module,
    task,
)
from caikit.core.data_model import DataStream
from caikit.core.data_model._codec import decode_given
from caikit.runtime.grpc_server import RuntimeGRPCServer
from caikit.runtime.http_server import RuntimeHTTPServer
from caikit.runtime.names import ServiceType
from caikit.runtime.service_factory import get_train_params, get_train_request

PACKAGE = "tests.service_training"


@dataobject(PACKAGE)
class Row(DataObjectBase):
    number: int


@task(unary_parameters={"row": Row}, unary_output_type=Row)
class LearnTask(TaskBase):
    pass


@task(unary_parameters={"row": Row}, unary_output_type=Row)
class LaterTask(TaskBase):
    pass


class Learner(ModuleBase):
    def run(self, row: Row) -> Row:
        return row

    @classmethod
    def train(
        cls,
        rows: DataStream[Row],
        words: DataStream[str] | None = None,
        either: DataStream[int] | list[int] | None = None,
        base: ModuleBase | None = None,
        steps: int = 3,
        **kwargs,
    ) -> "Learner":
        return cls()


class Child(Learner):
    pass


class Untrained(ModuleBase):
    def run(self, row: Row) -> Row:
        return row


class Bare(Untrained):
    @classmethod
    def train(cls) -> "Bare":
        return cls()


class Odd(Untrained):
    @classmethod
    def train(cls, rows: DataStream[Row], odd: object, deep: list[list[str]] | None = None) -> "Odd":
        return cls()


class Renamed(Bare):
    TRAIN_RPC_NAME = "TeachRenamedTrain"

    def save(self, model_path):
        with ModuleSaver(self, model_path=model_path):
            pass


class HeirOfRenamed(Renamed):
    pass


class Misnamed(Bare):
    TRAIN_RPC_NAME = "Teach"


def made(cls, *tasks):
    return module(id=str(uuid.uuid4()), name="Learn", version="0.0.1", tasks=list(tasks or [LearnTask]))(cls)


LEARNER, CHILD, UNTRAINED = made(Learner, LearnTask, LaterTask), made(Child), made(Untrained)
BARE, ODD = made(Bare), made(Odd)
RENAMED, HEIR, MISNAMED = made(Renamed, LaterTask, LearnTask), made(HeirOfRenamed), made(Misnamed)


@pytest.fixture
def train(serve):
    return lambda *modules: serve(*modules, service_type=ServiceType.TRAINING)


def field_types(message):
    return {
        field.name: field.message_type.full_name if field.message_type else field.type
        for field in message.DESCRIPTOR.fields
    }


def test_request_and_parameters(train):
    package = train(LEARNER)
    prefix = package.descriptor.full_name.rpartition(".")[0]
    assert field_types(package.messages.LearnTaskLearnerTrainRequest) == {
        "model_name": 9,
        "output_path": "caikit_data_model.common.S3Path",
        "parameters": f"{prefix}.LearnTaskLearnerTrainParameters",
    }
    assert field_types(package.messages.LearnTaskLearnerTrainParameters) == {
        "rows": f"{prefix}.DataStreamSourceRow",
        "words": f"{prefix}.DataStreamSourceStr",
        "either": f"{prefix}.DataStreamSourceInt",
        "base": "caikit_data_model.runtime.ModelPointer",
        "steps": 3,
    }
    presence = {
        field.name: field.has_presence and field.containing_oneof is not None
        for field in package.messages.LearnTaskLearnerTrainParameters.DESCRIPTOR.fields
    }
    assert presence == {"rows": False, "words": True, "either": True, "base": True, "steps": True}


def test_the_first_task_names_the_rpc(train, caplog):
    class Twofold(Learner):
        @classmethod
        def train(cls, steps: int = 3) -> "Twofold":
            return cls()

    twofold = made(Twofold, LearnTask, LaterTask)
    assert list(train(twofold).caikit_rpcs) == ["LearnTaskTwofoldTrain"]
    assert caplog.text.count("several tasks") == 1
    train(twofold)
    assert caplog.text.count("several tasks") == 1


def test_parameters_with_names_of_methods_of_messages_are_left_out(train, caplog):
    class Clashing(Untrained):
        @classmethod
        def train(
            cls, rows: DataStream[Row], to_json: int = 1, from_proto: str = "", get_proto_class: str = ""
        ):
            return cls()

    clashing = made(Clashing)
    package = train(clashing)
    message = package.messages.LearnTaskClashingTrainParameters
    assert list(field_types(message)) == ["rows"]
    for name in ("to_json", "from_proto", "get_proto_class"):
        assert f"parameter '{name}' of {__name__}.{Clashing.__qualname__}.train is left out" in caplog.text


def test_other_names_of_messages_are_fields(train):
    class Named(Untrained):
        @classmethod
        def train(cls, fields: str, full_name: str, backend: str, value: str, proto: str = "") -> "Named":
            return cls()

    message = train(made(Named)).messages.LearnTaskNamedTrainParameters
    given = message(fields="a", full_name="b", backend="c", value="d", proto="e").SerializeToString()
    names = ["fields", "full_name", "backend", "value", "proto"]
    data_class = DataObjectBase.get_class_for_proto(message())
    assert decode_given(data_class, given) == dict(zip(names, "abcde", strict=True))


def test_only_modules_with_a_train_of_their_own(train):
    assert list(train(CHILD, UNTRAINED, LEARNER).caikit_rpcs) == [
        "LearnTaskChildTrain",
        "LearnTaskLearnerTrain",
    ]


def test_a_train_without_parameters_has_an_empty_message(train):
    assert field_types(train(BARE).messages.LearnTaskBareTrainParameters) == {}


def test_an_unsupported_parameter_is_left_out_and_reported(train, caplog):
    package = train(ODD, BARE)
    assert list(field_types(package.messages.LearnTaskOddTrainParameters)) == ["rows"]
    assert sorted(package.caikit_rpcs) == ["LearnTaskBareTrain", "LearnTaskOddTrain"]
    assert "parameter 'odd' of" in caplog.text
    assert "Odd.train" in caplog.text


def test_request_classes_by_module(train):
    from caikit.runtime.service_factory import get_train_params, get_train_request

    package = train(LEARNER)
    assert get_train_request(LEARNER).get_proto_class() is package.messages.LearnTaskLearnerTrainRequest
    parameters = get_train_params(LEARNER)(steps=4)
    assert get_train_request(LEARNER)(model_name="m", parameters=parameters).parameters.steps == 4


def test_an_empty_training_service(train):
    package = train(UNTRAINED)
    assert package.caikit_rpcs == {}
    assert package.descriptor.name == "SampleTrainingService"


def test_a_class_may_name_its_rpc(train, caplog):
    package = train(RENAMED, HEIR, MISNAMED)
    assert [method.name for method in package.descriptor.methods] == [
        "LearnTaskHeirOfRenamedTrain",
        "TeachRenamedTrain",
    ]
    for found, message in (
        (get_train_request(RENAMED), package.messages.TeachRenamedTrainRequest),
        (get_train_params(RENAMED), package.messages.TeachRenamedTrainParameters),
    ):
        assert found.get_proto_class().DESCRIPTOR is message.DESCRIPTOR
    assert (
        "Misnamed.TRAIN_RPC_NAME: expected letters and digits that end in Train, got 'Teach'" in caplog.text
    )
    assert "TeachRenamedTrain is named after" not in caplog.text


def configure_servers(temp_config, tmp_path, transport):
    temp_config(
        {
            "runtime": {
                "transport": transport,
                "training": {"output_dir": str(tmp_path)},
                "grpc": {"port": 0, "host": "127.0.0.1", "unix_socket_path": ""},
                "http": {"port": 0, "host": "127.0.0.1"},
                "metrics": {"enabled": False},
            }
        }
    )


@pytest.mark.parametrize("transport", ["standard", "native"])
def test_a_training_under_a_name_that_was_chosen(train, temp_config, tmp_path, transport):
    package = train(RENAMED)
    configure_servers(temp_config, tmp_path, transport)
    with RuntimeGRPCServer() as one, RuntimeHTTPServer() as two, one.make_local_channel() as channel:
        call = package.stub_class(channel).TeachRenamedTrain
        assert call(package.messages.TeachRenamedTrainRequest(model_name="a"), timeout=5).model_name == "a"
        url = f"http://127.0.0.1:{two.port}/api/v1/TeachRenamedTrain"
        answer = requests.post(url, json={"model_name": "b"}, timeout=5)
        assert (answer.status_code, answer.json()["model_name"]) == (200, "b")


@pytest.mark.parametrize("transport", ["native", "standard"])
def test_a_model_that_could_not_be_saved_is_not_trained(train, temp_config, tmp_path, transport):
    package = train(BARE)
    configure_servers(temp_config, tmp_path, transport)
    with RuntimeGRPCServer() as one, RuntimeHTTPServer() as two, one.make_local_channel() as channel:
        call = package.stub_class(channel).LearnTaskBareTrain
        url = f"http://127.0.0.1:{two.port}/api/v1/LearnTaskBareTrain"
        started = [
            call(package.messages.LearnTaskBareTrainRequest(model_name="a"), timeout=5).training_id,
            requests.post(url, json={"model_name": "b"}, timeout=5).json()["training_id"],
        ]
        for training_id in started:
            MODEL_MANAGER.get_model_future(training_id).wait()
            url = f"http://127.0.0.1:{two.port}/management/trainings"
            status = requests.get(url, params={"training_id": training_id}, timeout=5).json()
            assert status["state"] == "ERRORED"
            assert status["reasons"] == [
                f"Module {__name__}.Bare has no save(model_path): a trained model would be lost"
            ]
