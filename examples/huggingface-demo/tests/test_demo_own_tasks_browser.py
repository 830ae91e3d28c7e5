"""Tasks that the demo does not know, in a browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chromium import Browser, needs_browser

pytestmark = needs_browser

TASKS = ["CountTask", "DescribeTask", "RepeatTask", "SumTask"]


@pytest.fixture
def page(browser: Browser, own_page: Any) -> Browser:
    browser.driver.get(own_page.url())
    browser.wait_for(lambda: browser.tabs() == TASKS, "a tab for each task")
    return browser


def open_form(page: Browser, task: str, model: str) -> Any:
    panel = page.open_tab(task)
    page.choose(panel, "Model ID", model)
    return panel


def test_values(page: Browser) -> None:
    panel = open_form(page, "RepeatTask", "repeater")
    page.fill(panel, "text:", "so")
    page.press(panel, "Run")
    page.answers(panel, {"text": "so so.", "number": 2})
    page.shows(panel, "repeater: ", " ms")

    page.part(panel, "loud:", "input[type=checkbox]").click()
    page.choose(panel, "end:", "false")
    page.fill(panel, "times:", "4")
    page.fill(panel, "factor:", "2.5")
    page.press(panel, "Run")
    page.answers(panel, {"text": "SO SO SO SO", "number": 10})

    page.choose(panel, "end:", "left out")
    page.fill(panel, "factor:", "")
    page.fill(panel, "times:", "0")
    page.press(panel, "Run")
    page.answers(panel, {"text": ".", "number": 0})

    page.fill(panel, "times:", "1.5")
    page.press(panel, "Run")
    page.shows(
        panel, "⚠️ times: expected a whole number from -9223372036854775808 to 9223372036854775807, got '1.5'"
    )


def test_stream_and_stop(page: Browser) -> None:
    panel = open_form(page, "CountTask", "counter")
    page.press(panel, "Run")
    page.shows(panel, "⚠️ up_to: expected a whole number, got nothing")
    page.fill(panel, "up_to:", "-3")
    page.press(panel, "Run")
    page.shows(panel, "⚠️ ", "expected 0 or more as up_to, got -3 in <this> *call*")

    page.fill(panel, "up_to:", "1000")
    page.fill(panel, "pause:", "0.2")
    page.press(panel, "Run")
    for number in (1, 2, 3):
        page.shows(panel, f'"number {number}"')
    page.press(panel, "Stop")
    page.shows(panel, "counter: ", " ms")
    assert '"number 3"' in panel.text
    assert '"number 100"' not in panel.text


def test_what_is_written_as_json(page: Browser, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By

    panel = open_form(page, "DescribeTask", "describer")
    example = page.part(panel, "person:", ".cm-content").text
    assert [line.strip() for line in example.splitlines()[:3]] == ["{", '"name": "text",', '"mood": "CALM",']
    file = tmp_path / "picture.png"
    file.write_bytes(b"12345")
    panel.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(str(file))
    page.shows(panel, "5.0 B")
    page.press(panel, "Run")
    person = {"name": "text", "mood": "CALM", "address": {"street": "text", "numbers": [1]}}
    page.answers(panel, {"person": person, "size": 5, "given": []})

    page.fill(panel, "person:", '{"name": "Ada",\n "mood" = "LOUD"}')
    page.press(panel, "Run")
    page.shows(
        panel, "⚠️ person: expected JSON, got something else at line 2, column 9: Expecting ':' delimiter"
    )

    page.fill(panel, "person:", '{"name": "Ada", "mood": "LOUD"}')
    page.fill(panel, "tags:", "one\ntwo")
    [each for each in page.find("button", panel) if each.text == "Example"][1].click()
    page.shows(panel, '"text": 1')
    page.press(panel, "Run")
    given = ["tags=['one', 'two']", "scores={'text': 1}"]
    page.answers(panel, {"person": {"name": "Ada", "mood": "LOUD"}, "size": 5, "given": given})


def test_two_ways_to_ask(page: Browser) -> None:
    panel = open_form(page, "SumTask", "adder")
    page.fill(panel, "numbers:", "1\n2\n3")
    page.press(panel, "Run")
    page.answers(panel, {"text": "3 numbers", "number": 6})
    page.press(panel, "Many requests")
    page.fill(panel, "requests:", '[{"numbers": 4}, {"numbers": 5}]')
    page.press(panel, "Run")
    page.answers(panel, {"text": "2 numbers", "number": 9})


def test_a_model_for_something_else(page: Browser) -> None:
    panel = open_form(page, "RepeatTask", "adder")
    page.shows(panel, "Its module is not known here, so it may be for another task.")
    page.press(panel, "Run")
    page.shows(panel, "⚠️ Model 'adder' does not support RepeatTaskPredict")
    page.wait_for(
        lambda: page.part(panel, "Model ID", "input").get_attribute("value") != "adder", "another model"
    )


def test_a_backend_that_goes_away(
    browser: Browser,
    own_models: dict[str, str],
    run_library: Any,
    run_demo: Any,
    free_port: Callable[[], int],
    tmp_path: Path,
) -> None:
    port = free_port()
    message = f"The backend at localhost:{port} does not answer."
    with run_demo(tmp_path, "--frontend", RUNTIME_PORT=str(port)) as demo:
        browser.driver.get(demo.url())
        browser.wait_for(lambda: message in browser.text, "a message")
        assert browser.tabs() == []
        with run_library("own_tasks", own_models, port):
            browser.wait_for(lambda: browser.tabs() == TASKS, "tabs of which the page has never heard")
            panel = open_form(browser, "CountTask", "counter")
            browser.fill(panel, "up_to:", "1000")
            browser.fill(panel, "pause:", "0.2")
            browser.press(panel, "Run")
            browser.shows(panel, '"number 1"')
        browser.shows(panel, '"number 1"', "⚠️ ")
        browser.wait_for(lambda: message in browser.text, "a message")
        browser.press(panel, "Run")
        browser.shows(panel, "⚠️ failed to connect to all addresses")
        with run_library("own_tasks", own_models, port) as folder:
            browser.wait_for(lambda: message not in browser.text, "no message")
            panel = open_form(browser, "RepeatTask", "repeater")
            browser.fill(panel, "text:", "so")
            browser.press(panel, "Run")
            browser.answers(panel, {"text": "so so.", "number": 2})
            for model in own_models:
                shutil.rmtree(folder / "models" / model)
            browser.wait_for(lambda: browser.tabs() == [], "no tab")


def test_another_backend(
    browser: Browser,
    own_models: dict[str, str],
    run_library: Any,
    run_demo: Any,
    workplace: Callable[..., Path],
    free_port: Callable[[], int],
    tmp_path: Path,
) -> None:
    port = str(free_port())
    folder = workplace("sentiment")
    with run_demo(tmp_path, "--frontend", RUNTIME_PORT=port) as demo:
        with run_demo(folder, "--backend", RUNTIME_PORT=port):
            browser.driver.get(demo.url())
            browser.wait_for(lambda: browser.tabs() == ["Sentiment"], "a tab that the page knows")
        with run_library("own_tasks", own_models, int(port)):
            browser.wait_for(lambda: browser.tabs() == TASKS, "tabs that it does not know")
        assert demo.stop() == 0
        assert "Traceback" not in demo.errors
