"""What every Containerfile keeps to."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from caikit.config import get_config
from images.build import NAMES
from images.containerfile import image_config, pairs, read_stages

ROOT = Path(__file__).parents[2]
LIBRARIES = {
    "caikit-computer-vision": "caikit_computer_vision",
    "caikit-nlp": "caikit_nlp",
    "caikit-runtime": None,
}


def containerfile(name: str) -> Path:
    return ROOT / "images" / name / "Containerfile"


def environment(name: str) -> dict[str, str]:
    (rest,) = read_stages(containerfile(name))[-1].all("ENV")
    return pairs(rest)


def test_there_is_one_for_the_runtime_and_each_library() -> None:
    assert set(NAMES) == set(LIBRARIES)


@pytest.mark.parametrize("name", NAMES)
def test_only_the_first_stage_runs_anything(name: str) -> None:
    build, final = read_stages(containerfile(name))
    assert build.name == "packages"
    assert {instruction for instruction, _ in final.instructions} == {
        *("LABEL", "COPY", "ENV", "WORKDIR", "VOLUME", "EXPOSE", "USER", "STOPSIGNAL", "HEALTHCHECK"),
        "ENTRYPOINT",
    }
    assert all(rest.startswith("--from=packages ") for rest in final.all("COPY"))
    (run,) = build.all("RUN")
    assert "--no-index" in run
    assert "unchecked-hash" in run


@pytest.mark.parametrize("name", NAMES)
def test_the_base_is_an_argument(name: str) -> None:
    build, final = read_stages(containerfile(name))
    assert build.base == final.base
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+\.\d+-slim-\w+", final.base)
    both = read_stages(containerfile(name), {"PYTHON_IMAGE": "small@sha256:1"})
    assert [stage.base for stage in both] == ["small@sha256:1"] * 2
    other = read_stages(containerfile(name), {"PYTHON_IMAGE": "small", "BUILD_IMAGE": "large"})
    assert [stage.base for stage in other] == ["large", "small"]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_run_as_a_user_and_can_be_asked_how_it_is(name: str) -> None:
    config = image_config(read_stages(containerfile(name), {"VERSION": "1.2.3"})[-1])
    assert re.fullmatch(r"[1-9]\d+:0", config["User"])  # a number, so that platforms see that it is not root
    python = config["Entrypoint"][0]
    assert config["Entrypoint"] == [python, "-m", "caikit.runtime"]
    assert config["Healthcheck"]["Test"] == ["CMD", python, "-m", "caikit_health_probe"]
    runtime = get_config().runtime
    ports = (runtime.http.port, runtime.grpc.port, runtime.metrics.port)
    assert set(config["ExposedPorts"]) == {f"{port}/tcp" for port in ports}
    assert config["StopSignal"] == "SIGTERM"
    labels = {key.rpartition(".")[2]: value for key, value in config["Labels"].items()}
    assert (labels["title"], labels["version"], labels["licenses"]) == (name, "1.2.3", "Apache-2.0")
    assert labels["description"]


@pytest.mark.parametrize("name", NAMES)
def test_its_environment_consists_of_settings_that_there_are(name: str) -> None:
    config = get_config()
    paths = {
        "RUNTIME_LIBRARY": config.runtime.library,
        "RUNTIME_LOCAL_MODELS_DIR": config.runtime.local_models_dir,
        "RUNTIME_TRAINING_OUTPUT_DIR": config.runtime.training.output_dir,
        "RUNTIME_VERSION_INFO_RUNTIME_IMAGE": config.runtime.version_info.runtime_image,
    }
    given = environment(name)
    assert {key for key in given if key.startswith("RUNTIME_")} <= set(paths)
    assert given.get("RUNTIME_LIBRARY") == LIBRARIES[name]
    volume = json.loads(read_stages(containerfile(name))[-1].all("VOLUME")[0])[0]
    for key in ("RUNTIME_LOCAL_MODELS_DIR", "RUNTIME_TRAINING_OUTPUT_DIR"):
        assert given[key].startswith(f"{volume}/")


@pytest.mark.parametrize("name", NAMES)
def test_what_it_installs_exists(name: str) -> None:
    for requirement in read_stages(containerfile(name))[0].values["REQUIREMENTS"].split():
        package, _, extras = requirement.rstrip("]").partition("[")
        project = (ROOT / "packages" / package / "pyproject.toml").read_text()
        offered = project.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
        assert set(extras.split(",")) <= set(re.findall(r"^([\w-]+) = ", offered, re.MULTILINE))


def test_they_differ_only_in_what_they_serve() -> None:
    first, *others = (containerfile(name).read_text().splitlines() for name in NAMES)
    own = re.compile(r"^ARG REQUIREMENTS|image\.(title|description)|RUNTIME_(LIBRARY|VERSION)|PYTHONPATH")
    for other in others:
        different = [
            line for lines in zip(first, other, strict=True) if len(set(lines)) > 1 for line in lines
        ]
        assert [line for line in different if not own.search(line)] == []


def test_the_page_runs_them_as_they_are_meant() -> None:
    page = (ROOT / "docs" / "guides" / "images.md").read_text()
    compose, deployment = map(
        yaml.safe_load, re.findall(r"^```yaml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    )
    service = compose["services"]["caikit"]
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    config = image_config(read_stages(containerfile("caikit-nlp"))[-1])
    ports = {f"{port['containerPort']}/tcp" for port in container["ports"]}
    assert ports == set(config["ExposedPorts"])
    assert {f"{port.partition(':')[2]}/tcp" for port in service["ports"]} <= ports
    assert container["volumeMounts"][0]["mountPath"] in config["Volumes"]
    assert (service["read_only"], container["securityContext"]["readOnlyRootFilesystem"]) == (True, True)
    slowest = get_config().runtime.grpc.server_shutdown_grace_period_seconds
    assert pod["terminationGracePeriodSeconds"] > slowest
    assert int(service["stop_grace_period"].rstrip("s")) > slowest
    _, _, version = container["image"].partition(":")
    assert f'version = "{version}"' in (ROOT / "packages" / "caikit-nlp" / "pyproject.toml").read_text()
