"""The report in a real browser: no error, no request to the outside, every figure shows.

GROVER_REPORT names a report to look at; without it one is rendered from made-up artefacts.
"""

import base64
import os
import re
import runpy
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from grover.report.compared.page import compare
from grover.report.compared.runs import open_runs
from grover.report.overview import summarise
from grover.report.page import build, render
from grover.report.parts import Results
from tests.browser.npm import axe_script
from tests.fakes.compared_runs import write as write_runs

pytestmark = pytest.mark.browser
TALLEST = 12_000  # pixels of the report with its sections folded
# faults that axe counts as serious or critical, with the first element of each
AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then(found => done(found.violations
  .filter(item => ["serious", "critical"].includes(item.impact))
  .map(item => `${item.id}: ${item.nodes.length} x ${item.nodes[0].html.slice(0, 200)} ${item.nodes[0].failureSummary}`)));
"""

FIGURES = """
document.querySelectorAll("details").forEach(item => { item.open = true; });
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
    results = Results(folder, files)
    sections = build(results, "run: test\n", palette="okabe-ito")
    html = render(sections, "GROVER: test", "snakemake results/test/", lambda *_: None, summarise(results, sections))
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


@pytest.fixture
def screen(opened, report):
    """The browser on the page as it opens, folded, on a screen of 1280 x 800 pixels; a function that sets its media."""
    browser = opened[0]
    size = {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def show(media: str = "", scheme: str = "light"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
        browser.get(report.as_uri())
        return browser

    yield show
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_first_screen_holds_the_run_the_verdict_and_four_figures(screen):
    browser = screen()
    ends = browser.execute_script(
        "return ['h1', 'p.verdict', '.panel:nth-child(1)', '.panel:nth-child(2)', '.panel:nth-child(3)', '.panel:nth-child(4)']"
        ".map(name => document.querySelector('#summary ' + name).getBoundingClientRect().bottom)"
    )
    assert len(ends) == 6 and max(ends) <= 800
    assert len(browser.find_elements(By.CSS_SELECTOR, "#summary .panel svg")) == 4
    assert 1 <= len(browser.find_elements(By.CSS_SELECTOR, "#summary dl.findings dd")) <= 8


def test_the_folded_report_is_short(screen):
    # beside the comparison with another species, which the demo has not
    height = "document.documentElement.scrollHeight - document.getElementById('transfer').offsetHeight"
    assert screen().execute_script(f"return {height}") <= TALLEST


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(screen, scheme):
    browser = screen(scheme=scheme)
    browser.set_script_timeout(120)
    background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", background))) < 128) == (scheme == "dark")
    browser.execute_script(axe_script().read_text(encoding="utf-8"))
    assert browser.execute_async_script(AXE) == []
    browser.execute_script(
        "document.querySelectorAll('details.more, .about details').forEach(item => { item.open = true; })"
    )
    assert browser.execute_async_script(AXE) == []


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    page = folder / "compared.html"
    page.write_text(compare(open_runs(list(write_runs(folder)))), encoding="utf-8")
    return page


def test_a_comparison_of_runs_has_its_figures_on_the_first_screen_and_no_fault(browser, asked, comparison):
    size = {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get_log("browser"), asked()
    browser.get(comparison.as_uri())
    ends = browser.execute_script(
        "return [...document.querySelectorAll('#summary .panel svg')].map(item => item.getBoundingClientRect().bottom)"
    )
    assert len(ends) == 4 and max(ends) <= 800
    assert all(drawn for *_, drawn in browser.execute_script(FIGURES))
    browser.set_script_timeout(120)
    browser.execute_script(axe_script().read_text(encoding="utf-8"))
    assert browser.execute_async_script(AXE) == []
    assert [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    assert [url for url in asked() if not url.startswith(("data:", comparison.as_uri()))] == []
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_term_shows_its_explanation_and_leads_to_the_glossary(screen):
    browser = screen()
    link = browser.find_element(By.CSS_SELECTOR, "a.term")
    browser.execute_script("arguments[0].focus()", link)
    shown = browser.execute_script("return getComputedStyle(arguments[0], '::after').content", link)
    assert link.get_attribute("data-tip")[:20] in shown
    browser.execute_script("arguments[0].click()", link)
    target = browser.find_element(By.ID, link.get_attribute("href").partition("#")[2])
    assert target.is_displayed()  # the glossary is unfolded


def test_a_table_is_copied_as_tab_separated_values(screen):
    browser = screen()
    text = browser.execute_script(
        "const table = document.querySelector('table'); return [asTsv(table), table.rows.length, table.rows[0].cells.length]"
    )
    lines = text[0].rstrip("\n").split("\n")
    assert len(lines) == text[1] > 1 and {line.count("\t") + 1 for line in lines} == {text[2]}


def test_a_figure_is_saved_with_the_colours_of_a_light_page(screen):
    browser = screen(scheme="dark")
    svg = browser.execute_script("return standalone(document.querySelector('figure svg'))")
    assert svg.startswith("<svg") and "rgb(35, 40, 47)" in svg and 'xmlns="http://www.w3.org/2000/svg"' in svg


def printed(browser) -> None:
    """Assert that no figure is cut between two pages of A4 with margins of 1 cm, or beyond their edge, and that Chromium prints them."""
    width, height = (round(inches * 96) for inches in (8.27 - 0.79, 11.69 - 0.79))
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    figures = browser.execute_script(
        "return [...document.querySelectorAll('figure')].map(item => { const box = item.getBoundingClientRect();"
        "return [item.id, box.height, box.right, item.scrollWidth - item.clientWidth, getComputedStyle(item).breakInside]; })"
    )
    assert figures
    for name, tall, right, beyond, breaks in figures:
        assert 0 < tall <= height and right <= width and beyond <= 1 and breaks == "avoid", name
    page = browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})
    assert base64.b64decode(page["data"]).startswith(b"%PDF")


def test_no_figure_is_cut_between_two_printed_pages(screen):
    printed(screen(media="print"))


def test_no_figure_of_a_comparison_is_cut(screen, comparison):
    browser = screen(media="print")
    browser.get(comparison.as_uri())
    printed(browser)


def test_a_narrow_screen_does_not_scroll_sideways(opened):
    browser = opened[0]
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    )
    width = browser.execute_script("return document.documentElement.scrollWidth")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert width <= 390
