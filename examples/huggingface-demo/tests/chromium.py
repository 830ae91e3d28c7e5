"""A browser, and what tests look for in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_browser = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="the Debian packages chromium and chromium-driver are not here"
    ),
]

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1280,1000",
]
SECONDS = 60


class Browser:
    def __init__(self) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in FLAGS:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        self.driver.set_page_load_timeout(SECONDS)

    def find(self, selector: str, within: Any = None) -> list[Any]:
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.common.by import By

        try:
            found = (within or self.driver).find_elements(By.CSS_SELECTOR, selector)
            return [element for element in found if element.is_displayed()]
        except StaleElementReferenceException:
            return []

    def wait_for(self, check: Callable[[], Any], what: str) -> Any:
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.support.ui import WebDriverWait

        waiting = WebDriverWait(self.driver, SECONDS, 0.1, [StaleElementReferenceException])
        return waiting.until(lambda driver: check(), f"{what}; the page shows:\n{self.text}")

    @property
    def text(self) -> str:
        return str(self.driver.execute_script("return document.body.innerText"))

    def tabs(self) -> list[str]:
        """The names of all tabs; those for which the window is too narrow are in a menu."""
        script = "return [...document.querySelectorAll('[role=tab], .overflow-dropdown button')].map(t => t.innerText.trim())"
        return list(dict.fromkeys(filter(None, self.driver.execute_script(script))))

    def open_tab(self, name: str) -> Any:
        def named(selector: str) -> Any:
            return next((each for each in self.find(selector) if each.text.strip() == name), None)

        def button() -> Any:
            found = named("button[role=tab]")
            if found is None and (menu := self.find(".overflow-menu > button")):
                menu[0].click()
                found = named(".overflow-dropdown button")
            return found

        self.wait_for(button, f"a tab {name}").click()
        return self.wait_for(lambda: self.find(f"#tab-{name}"), f"the form of {name}")[0]

    def take_example(self, panel: Any, number: int = 0) -> None:
        self.wait_for(lambda: self.find(".gallery-item, tr.tr-body", panel), "examples")[number].click()

    def shows(self, panel: Any, *texts: str) -> None:
        self.wait_for(lambda: all(text in panel.text for text in texts), f"{texts} in the tab")

    def shows_in_box(self, panel: Any, number: int, text: str) -> None:
        self.wait_for(
            lambda: text in (self.find("textarea", panel)[number].get_attribute("value") or ""),
            f"{text} in a box",
        )

    def press(self, panel: Any, text: str) -> None:
        self.wait_for(
            lambda: next((each for each in self.find("button", panel) if each.text.strip() == text), None),
            f"a button {text}",
        ).click()

    def part(self, panel: Any, label: str, selector: str) -> Any:
        """Of the block whose label begins like this."""

        def found() -> Any:
            blocks = (each for each in self.find(".block", panel) if each.text.strip().startswith(label))
            return next((part for block in blocks for part in self.find(selector, block)), None)

        return self.wait_for(found, f"{selector} of {label}")

    def fill(self, panel: Any, label: str, text: str) -> None:
        """A box for text, numbers or JSON."""
        from selenium.webdriver.common.keys import Keys

        box = self.part(panel, label, "textarea, input[type=number], .cm-content")
        box.click()
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(Keys.BACKSPACE)
        self.driver.execute_cdp_cmd("Input.insertText", {"text": text})

    def choose(self, panel: Any, label: str, option: str) -> None:
        self.part(panel, label, "input[role=combobox]").click()
        self.wait_for(lambda: self.find(f'[role=option][aria-label="{option}"]'), f"the choice {option}")[
            0
        ].click()

    def answers(self, panel: Any, value: Any) -> None:
        """Shows it as JSON."""

        def shown() -> bool:
            texts = (each.text for each in self.find("[data-testid=json] .json-holder", panel))
            return any(text and json.loads(text) == value for text in texts)

        self.wait_for(shown, f"the answer {value}")

    def addresses(self) -> set[str]:
        """Of everything that was fetched."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [event["params"] for event in events if event["method"] == "Network.responseReceived"]
        return {each["response"]["url"] for each in sent}
