"""The page in a browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from chromium import Browser, needs_browser

pytestmark = needs_browser


@pytest.fixture
def page(browser: Browser, everything: Any) -> Browser:
    browser.driver.get(everything.url())
    browser.wait_for(lambda: len(browser.tabs()) == 9, "nine tabs")
    return browser


def test_nothing_comes_from_elsewhere(page: Browser) -> None:
    page.open_tab("Sentiment")
    addresses = {each for each in page.addresses() if not each.startswith(("data:", "blob:", "chrome"))}
    assert addresses
    # The log also has what other tests fetched, from pages on other ports.
    assert {each for each in addresses if not each.startswith("http://127.0.0.1:")} == set()


def test_chat_is_streamed(page: Browser) -> None:
    from selenium.webdriver.common.keys import Keys

    panel = page.open_tab("Conversational")
    page.driver.execute_script(
        """
        window.seen = [];
        const look = () => {
            const bots = document.querySelectorAll('.message.bot');
            const text = bots.length ? bots[bots.length - 1].innerText.trim() : '';
            if (text && text !== window.seen.at(-1)) window.seen.push(text);
        };
        new MutationObserver(look).observe(document.body, {childList: true, subtree: true, characterData: true});
        """
    )
    box = page.find("textarea", panel)[0]
    page.addresses()
    box.send_keys(Keys.ENTER)  # says nothing
    page.wait_for(
        lambda: any("/queue/join" in each for each in page.addresses()), "the page to ask the server"
    )
    box.send_keys("Tell me a story", Keys.ENTER)
    page.shows(panel, "Tell me a story", "happily ever after on one processor.")
    seen = page.driver.execute_script("return window.seen")
    whole = seen[-1]
    assert len(seen) > 2, "the answer came at once"
    assert all(len(one) < len(other) for one, other in pairwise(seen)), seen
    assert whole.startswith(seen[0][:10])
    assert page.wait_for(lambda: box.get_attribute("value") == "", "the text box to be emptied")
    next(each for each in page.find("button", panel) if each.text == "Clear").click()
    page.wait_for(lambda: not page.find(".message", panel), "an empty chat")


def test_what_is_typed_while_an_answer_comes(page: Browser) -> None:
    from selenium.webdriver.common.keys import Keys

    panel = page.open_tab("Conversational")
    box = page.find("textarea", panel)[0]
    page.driver.execute_script(
        """
        const box = arguments[0];
        const type = () => {
            const bot = document.querySelector('.message.bot');
            if (!bot || !bot.innerText.trim()) return;
            looking.disconnect();
            window.typed_after = bot.innerText.trim();
            box.value = 'Tell me a joke';
            box.dispatchEvent(new Event('input', {bubbles: true}));
        };
        const looking = new MutationObserver(type);
        looking.observe(document.body, {childList: true, subtree: true, characterData: true});
        """,
        box,
    )
    box.send_keys("Tell me a story", Keys.ENTER)
    page.shows(panel, "happily ever after on one processor.")
    assert "processor" not in page.driver.execute_script("return window.typed_after"), (
        "the answer came at once"
    )
    assert box.get_attribute("value") == "Tell me a joke"
    box.send_keys(Keys.ENTER)
    page.wait_for(lambda: len(page.find(".message.bot", panel)) == 2, "another answer")


def test_text_generation(page: Browser) -> None:
    panel = page.open_tab("TextGeneration")
    page.find("textarea", panel)[0].send_keys("The film")

    def answer() -> str:
        return str(page.find("textarea", panel)[1].get_attribute("value"))

    page.wait_for(lambda: answer().startswith("The film ") and " ms" in panel.text, "a longer text")


def test_summarization(page: Browser) -> None:
    panel = page.open_tab("Summarization")
    page.take_example(panel)
    wanted = "City closes old bridge until spring"
    page.wait_for(lambda: page.find("textarea", panel)[1].get_attribute("value") == wanted, "a headline")


def test_sentiment_while_typing(page: Browser) -> None:
    panel = page.open_tab("Sentiment")
    box = page.find("textarea, input[type=text], input:not([type])", panel)
    text = next(each for each in box if each.get_attribute("placeholder") == "Enter input text for Sentiment")
    text.send_keys("I am not feeling well today!")
    page.shows(panel, "NEGATIVE", "POSITIVE", "sentiment:")
    for _ in range(40):
        text.send_keys("\b")
    page.wait_for(lambda: "NEGATIVE" not in panel.text, "an empty form")


def test_sentences(page: Browser) -> None:
    panel = page.open_tab("SentenceSimilarity")
    page.take_example(panel)
    submit = next(each for each in page.find("button", panel) if each.text == "Submit")
    page.wait_for(lambda: page.find("textarea", panel)[2].get_attribute("value"), "three sentences")
    submit.click()
    page.shows(panel, "Source sentence: The cat sits on the mat.", "100%", "77%")


def test_embeddings(page: Browser) -> None:
    panel = page.open_tab("Embeddings")
    page.take_example(panel)
    page.shows(panel, "101", "29080", "102")


def test_upload_of_an_image(page: Browser, tmp_path: Path) -> None:
    from PIL import Image
    from selenium.webdriver.common.by import By

    panel = page.open_tab("ImageClassification")
    file = tmp_path / "red.png"
    Image.new("RGB", (200, 100), (210, 45, 40)).save(file)
    panel.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(str(file))
    page.shows(panel, "red", "image_classification:")


@pytest.mark.parametrize("damaged", [False, True])
def test_upload_of_something_else(damaged: bool, page: Browser, tmp_path: Path) -> None:
    from PIL import Image
    from selenium.webdriver.common.by import By

    panel = page.open_tab("ImageClassification")
    file = tmp_path / "fake.png"
    Image.effect_noise((100, 100), 50).save(file)
    file.write_bytes(file.read_bytes()[:2000] if damaged else b"no image")
    panel.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(str(file))
    found = "got a damaged one: image file is truncated" if damaged else "got a file that is none"
    page.wait_for(lambda: f"expected an image file such as PNG or JPEG, {found}" in page.text, "the reason")


@pytest.mark.parametrize("tab", ["ObjectDetection", "ImageSegmentation"])
def test_pictures(tab: str, page: Browser) -> None:
    panel = page.open_tab(tab)
    page.take_example(panel, 1)
    page.shows(panel, "circle", "triangle", " ms")
    assert len(page.find("img", panel)) > 1


def test_no_models_yet(browser: Browser, run_demo: Any, tmp_path: Path) -> None:
    with run_demo(tmp_path, RUNTIME_LOCAL_MODELS_DIR=str(tmp_path / "mine")) as demo:
        browser.driver.get(demo.url())
        browser.wait_for(lambda: f"example_models_extras to {tmp_path / 'mine'}." in browser.text, "a hint")


def test_models_that_come_and_go(
    browser: Browser, run_demo: Any, workplace: Callable[..., Path], add_model: Callable[[Path, str], None]
) -> None:
    folder = workplace("embeddings")
    with run_demo(folder) as demo:
        browser.driver.get(demo.url())
        browser.wait_for(lambda: browser.tabs() == ["Embeddings"], "one tab")
        add_model(folder, "summarization")
        browser.wait_for(lambda: browser.tabs() == ["Summarization", "Embeddings"], "another tab")
        shutil.rmtree(folder / "models" / "embeddings")
        browser.wait_for(lambda: browser.tabs() == ["Summarization"], "a tab less")


def test_models_that_nobody_can_load(browser: Browser, run_demo: Any, workplace: Callable[..., Path]) -> None:
    folder = workplace("summarization")
    reasons = {
        "module_id: [": "its config.yml is not YAML: ",
        "hf_model: x": "its config.yml has no module_id",
        "module_id: mine": "its config.yml names 'mine', which is no module of this demo",
    }
    for number, content in enumerate(reasons):
        (folder / "models" / f"broken-{number}").mkdir()
        (folder / "models" / f"broken-{number}" / "config.yml").write_text(content)
    with run_demo(folder) as demo:
        browser.driver.get(demo.url())
        browser.wait_for(lambda: browser.tabs() == ["Summarization"], "one tab")
        browser.wait_for(lambda: "Models" in browser.text, "the panel")
        next(each for each in browser.find("button") if each.text.startswith("Models")).click()
        browser.wait_for(lambda: all(reason in browser.text for reason in reasons.values()), "the reasons")


def test_a_backend_that_goes_away(
    browser: Browser, run_demo: Any, workplace: Callable[..., Path], free_port: Callable[[], int]
) -> None:
    folder, port = workplace("summarization"), str(free_port())
    with run_demo(folder, "--frontend", RUNTIME_PORT=port) as frontend:
        message = f"The backend at localhost:{port} does not answer."
        browser.driver.get(frontend.url())
        browser.wait_for(lambda: message in browser.text, "a message")
        for _ in range(2):
            with run_demo(folder, "--backend", RUNTIME_PORT=port):
                browser.wait_for(lambda: "Summarization" in browser.tabs(), "the tab")
                browser.wait_for(lambda: message not in browser.text, "no message")
                summarize(browser)
            browser.wait_for(lambda: message in browser.text, "a message")
        panel = browser.open_tab("Summarization")
        browser.take_example(panel, 2)
        browser.shows(panel, "⚠️ ")


def summarize(browser: Browser) -> None:
    """Two texts, so that the answer to the second is not one of before."""
    panel = browser.open_tab("Summarization")
    for example, word in ((0, "bridge"), (1, "Families")):
        browser.take_example(panel, example)
        browser.shows_in_box(panel, 1, word)
