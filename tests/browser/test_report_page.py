"""The report in a real browser: no error, no request to the outside, every figure shows.

GROVER_REPORT names a report to look at; without it one is rendered from made-up artefacts.
"""

import os
import runpy
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from grover.report.page import build, render
from grover.report.parts import Results

pytestmark = pytest.mark.browser

FIGURES = """
return [...document.querySelectorAll("figure")].map(figure => {
  const picture = figure.querySelector("svg, img"), box = picture.getBoundingClientRect();
  const drawn = picture.tagName === "IMG" ? picture.naturalWidth > 0 : picture.querySelectorAll("path").length > 2;
  const inner = [...picture.querySelectorAll("image")].every(item => item.getBoundingClientRect().width > 0);
  return [figure.id, box.width, box.height, drawn && inner];
});
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    if "GROVER_REPORT" in os.environ:
        path = Path(os.environ["GROVER_REPORT"]).resolve()
        assert path.is_file(), f"GROVER_REPORT: {path} does not exist"
        return path
    folder = tmp_path_factory.mktemp("run")
    files = runpy.run_path(str(Path(__file__).parents[1] / "fakes/results.py"))["write"](folder)
    page = folder / "report.html"
    html = render(
        build(Results(folder, files), "run: test\n", palette="okabe-ito"),
        "GROVER: test",
        "snakemake results/test/",
        lambda *_: None,
    )
    page.write_text(html, encoding="utf-8")
    return page


@pytest.fixture(scope="module")
def opened(browser, asked, report):
    """The browser on the page, and the addresses that the page asked for."""
    browser.get(report.as_uri())
    return browser, asked()


def test_the_console_is_silent(opened):
    assert [entry for entry in opened[0].get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []


def test_nothing_is_asked_of_the_outside(opened, report):
    outside = [url for url in opened[1] if not url.startswith(("data:", report.as_uri()))]
    assert report.as_uri() in opened[1] and outside == []


def test_every_figure_shows(opened):
    figures = opened[0].execute_script(FIGURES)
    assert figures
    for name, width, height, drawn in figures:
        assert width > 100 and height > 50 and drawn, name


def test_navigation_leads_to_every_section(opened):
    for link in opened[0].find_elements(By.CSS_SELECTOR, "nav a.section"):
        target = link.get_attribute("href").partition("#")[2]
        assert opened[0].find_element(By.ID, target).is_displayed()


def test_a_narrow_screen_does_not_scroll_sideways(opened):
    browser = opened[0]
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    )
    width = browser.execute_script("return document.documentElement.scrollWidth")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert width <= 390
