"""The interactive scatter in a real browser: what a reader points at, filters and copies is what lies there, without a network.

Four of its points are the corners of a square, so that their places on the canvas are known beforehand.
"""

import runpy
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from grover.report.page import render
from grover.report.parts import Results, Scatter, Section
from grover.report.scatter import Plane, prepare
from grover.report.sections import region_map
from grover.report.style import PALETTES, use_palette

pytestmark = pytest.mark.browser
TESTS = Path(__file__).parents[1]
MARGIN = 12  # pixels between the outermost points and the edge
NASTY = '<script>alert("x")</script>'
CORNERS = {"low left": (-1, 1), "low right": (1, 1), "high left": (-1, -1), "high right": (1, -1)}


def square() -> dict:
    regions = pd.DataFrame({"chrom": ["chr1", "chr1", "chr1", "chrX"], "start": [0, 1000, 2000, 155_000_000]})
    regions["end"] = regions["start"] + 500
    tracks = pd.DataFrame(
        {
            "repeat_class": ["SINE", "SINE", NASTY, "none"],
            "gene": [True, False, True, False],
            "timing": [0.0, 1.0, np.nan, 2.0],
        }
    )
    points = np.array([[0.0, 0], [3, 0], [0, 3], [3, 3]])
    embeddings = {"UMAP, mean": Plane(points, "no unit"), "PCA, mean": Plane(points[::-1] / 7, "PC1 and PC2")}
    return prepare(regions, embeddings, tracks, "hg19")


def write(path: Path, data: dict) -> str:
    section = Section("map", "Map", parts=["A map.", Scatter("moving", data, "A caption.", "umap.parquet")])
    path.write_text(render([section], "GROVER: test", "snakemake results/test/", lambda *_: None), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    use_palette("okabe-ito")
    return write(tmp_path_factory.mktemp("square") / "report.html", square())


@pytest.fixture
def page(browser, address):
    browser.get(address)
    return Page(browser)


class Page:
    """What a reader does with the scatter, and what it then shows."""

    def __init__(self, browser):
        self.browser = browser
        browser.execute_script("for (const each of document.querySelectorAll('details')) each.open = true")
        self.canvas = self.one("canvas")
        browser.execute_script("document.querySelector('.scatter').scrollIntoView({behavior: 'instant'})")

    def one(self, selector: str):
        return self.browser.find_element(By.CSS_SELECTOR, f".scatter {selector}")

    def choose(self, name: str, text: str) -> None:
        Select(self.one(f".scatter-{name}")).select_by_visible_text(text)

    def press(self, name: str) -> None:
        rows = self.browser.find_elements(By.CSS_SELECTOR, ".scatter-legend button")
        next(row for row in rows if row.find_element(By.TAG_NAME, "span").text == name).click()

    def state(self, name: str) -> str | None:
        # after the frame that draws it
        return self.browser.execute_async_script(
            "const [name, done] = arguments; requestAnimationFrame(() => requestAnimationFrame(() =>"
            " done(document.querySelector('.scatter').dataset[name])))",
            name,
        )

    def copied(self, corner: str) -> str:
        """Click a corner; the position that the page then says it has dealt with."""
        before = self.state("picked")
        self.point(corner).click().perform()
        return WebDriverWait(self.browser, 10).until(lambda _: (now := self.state("picked")) != before and now)

    def place(self, corner: str) -> tuple[int, int]:
        """A corner of the square as an offset from the middle of the canvas."""
        half = min(self.canvas.size["width"], self.canvas.size["height"]) / 2 - MARGIN
        return tuple(round(sign * half) for sign in CORNERS[corner])

    def point(self, corner: str):
        return ActionChains(self.browser, duration=0).move_to_element_with_offset(self.canvas, *self.place(corner))

    def colour(self, corner: str) -> list[int]:
        self.state("shown")
        script = """
        const [canvas, x, y] = arguments, ratio = devicePixelRatio, box = canvas.getBoundingClientRect();
        const at = [(box.width / 2 + x) * ratio, (box.height / 2 + y) * ratio].map(Math.round);
        return [...canvas.getContext("2d").getImageData(...at, 1, 1).data].slice(0, 3);
        """
        return self.browser.execute_script(script, self.canvas, *self.place(corner))


def near(found: list[int], colour: str) -> bool:
    """Whether a pixel has a colour, but for the page that shines through."""
    return np.abs(np.array(found) - np.array(to_rgb(colour)) * 255).max() < 50


def test_pointing_shows_the_interval_and_every_track(page):
    page.point("high left").perform()
    assert page.state("region") == "chr1:2001-2500"
    assert page.one(".scatter-tip").text == f"chr1:2,001–2,500\nrepeat class: {NASTY}"
    assert page.one(".scatter-interval").text == "chr1:2,001–2,500"
    said = [item.text for item in page.browser.find_elements(By.CSS_SELECTOR, ".scatter-details div")]
    assert said == [f"repeat class\n{NASTY}", "gene\nyes", "timing\nno data"]
    page.point("high right").perform()
    assert page.state("region") == "chrX:155000001-155000500"
    ActionChains(page.browser, duration=0).move_to_element(page.canvas).perform()
    assert page.state("region") == "" and not page.one(".scatter-tip").is_displayed()


def test_a_track_colours_the_points(page):
    blue, red = PALETTES["okabe-ito"][:2]
    assert near(page.colour("low left"), blue) and near(page.colour("low right"), blue)
    assert near(page.colour("high left"), red) and near(page.colour("high right"), "#c4c9d0")
    page.choose("track", "timing")
    assert page.state("track") == "timing"
    # viridis goes from purple to yellow
    assert near(page.colour("low left"), "#440154") and near(page.colour("high right"), "#fde725")
    assert near(page.colour("high left"), "#c4c9d0")
    assert "0.02" in page.one(".scatter-ends").text and "1.98" in page.one(".scatter-ends").text


def test_another_embedding_moves_the_points(page):
    page.choose("embedding", "PCA, mean")
    page.point("low left").perform()
    assert page.state("region") == "chrX:155000001-155000500"
    assert page.one(".scatter-axes").text == "PC1 and PC2"


def test_a_click_on_a_category_shows_only_it(page):
    assert page.state("shown") == "4"
    page.press(NASTY)
    assert page.state("shown") == "1" and near(page.colour("low left"), "#ffffff")
    assert not near(page.colour("high left"), "#ffffff")
    page.point("low left").perform()
    assert page.state("region") in (None, "")
    page.press("SINE")
    assert page.state("shown") == "3" and page.one(".scatter-count").text == "3 of 4 regions shown"
    page.press("SINE")
    page.press(NASTY)
    assert page.state("shown") == "4"


def test_another_track_filters_too_and_the_legend_counts_what_passes(page):
    page.choose("only", "gene: none")
    assert page.state("shown") == "2"
    counts = [row.text.split("\n") for row in page.browser.find_elements(By.CSS_SELECTOR, ".scatter-legend button")]
    assert counts == [["SINE", "1"], [NASTY, "0"], ["none", "1"]]
    page.press("SINE")
    assert page.state("shown") == "1"
    page.one(".scatter-all").click()
    assert page.state("shown") == "4" and not page.one(".scatter-all").is_enabled()


def test_the_keyboard_reaches_the_legend_and_the_view(page):
    row = page.one(".scatter-legend button")
    row.send_keys(Keys.ENTER)
    assert page.state("shown") == "2" and row.get_attribute("aria-pressed") == "true"
    row.send_keys(Keys.SPACE)
    assert page.state("shown") == "4" and row.get_attribute("aria-pressed") == "false"
    page.canvas.send_keys("+")
    assert near(page.colour("low left"), "#ffffff")
    page.canvas.send_keys("0")
    assert not near(page.colour("low left"), "#ffffff")


def test_a_click_copies_the_position_and_links_to_the_browser_of_the_assembly(page):
    assert page.copied("low right") == "chr1:1001-1500"
    status = page.one(".scatter-status")
    assert status.text.startswith("Copied chr1:1001-1500.") and status.get_attribute("aria-live") == "polite"
    link = urlsplit(status.find_element(By.TAG_NAME, "a").get_attribute("href"))
    assert (link.netloc, link.path) == ("genome.ucsc.edu", "/cgi-bin/hgTracks")
    assert parse_qs(link.query) == {"db": ["hg19"], "position": ["chr1:1001-1500"]}
    assert pasted(page.browser) == "chr1:1001-1500"


def test_without_the_clipboard_of_new_browsers_the_old_way_copies(page):
    page.browser.execute_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    assert page.copied("low left") == "chr1:1-500" and page.one(".scatter-status").text.startswith("Copied chr1:1-500.")
    assert pasted(page.browser) == "chr1:1-500"
    page.browser.execute_script("document.execCommand = () => false")
    assert page.copied("low right") == "chr1:1001-1500"
    assert "does not let a page copy; here it is: chr1:1001-1500" in page.one(".scatter-status").text


def pasted(browser) -> str:
    """What the clipboard holds. The page neither scrolls nor keeps the field: the next click is on the map where it was."""
    browser.execute_script(
        "const area = document.body.appendChild(document.createElement('textarea'));"
        "area.id = 'paste'; Object.assign(area.style, {position: 'fixed', top: 0, left: 0})"
    )
    area = browser.find_element(By.ID, "paste")
    area.send_keys(Keys.CONTROL, "v")
    text = area.get_property("value")
    browser.execute_script("arguments[0].remove()", area)
    return text


def test_the_wheel_zooms_where_the_pointer_is_dragging_moves_and_a_button_resets(page):
    # the wheel downwards belongs to the page while the whole map is in view
    wheel(page, 300)
    assert near(page.colour("low left"), PALETTES["okabe-ito"][0])
    page = Page(page.browser)
    wheel(page, -600)
    page.point("high right").perform()
    assert page.state("region") == "chrX:155000001-155000500"
    assert near(page.colour("low left"), "#ffffff")
    drag = ActionChains(page.browser, duration=20).move_to_element(page.canvas).click_and_hold().move_by_offset(-60, 40)
    drag.release().perform()
    assert page.state("picked") is None
    x, y = page.place("high right")
    ActionChains(page.browser, duration=0).move_to_element_with_offset(page.canvas, x - 60, y + 40).perform()
    assert page.state("region") == "chrX:155000001-155000500"
    page.one(".scatter-reset").click()
    page.point("low left").perform()
    assert page.state("region") == "chr1:1-500"


def wheel(page, amount: int) -> None:
    box = page.browser.execute_script("return document.querySelector('canvas').getBoundingClientRect().toJSON()")
    x, y = page.place("high right")
    event = {"x": box["x"] + box["width"] / 2 + x, "y": box["y"] + box["height"] / 2 + y, "deltaX": 0, "deltaY": amount}
    page.browser.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseWheel"} | event)
    page.state("shown")


def test_the_canvas_follows_a_dark_page_and_hides_in_print(page):
    for scheme, colour in (("dark", "#1d2126"), ("light", "#ffffff")):
        page.browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        )
        page.state("shown")
        page.press("none")  # the low left corner is empty now
        assert near(page.colour("low left"), colour)
        page.press("none")
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    hidden = not page.one(".scatter-bar").is_displayed()
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert hidden


def test_tokens_have_scales_and_the_keyboard_goes_from_point_to_point(browser, tmp_path):
    values = np.array([[2.0, 0.1], [1.0, 0.4], [3.0, 0.2], [np.nan, 0.3]])
    planes = {
        "share by length": Plane(values, "Across length.", ("length (bases)", "share")),
        "UMAP": Plane(np.arange(8.0).reshape(4, 2), "no unit"),
    }
    tracks = pd.DataFrame({"gc": [0.0, 0.5, 1.0, 0.5]})
    data = prepare(pd.DataFrame({"name": ["AA", "C", "GGG", NASTY]}), planes, tracks, noun="token")
    browser.get(write(tmp_path / "report.html", data))
    page = Page(browser)
    assert page.state("shown") == "3" and page.one(".scatter-count").text == "3 of 4 tokens shown"
    visited = []
    for key in ("n", "n", "n", "n", "p"):
        page.canvas.send_keys(key)
        visited.append(page.state("region"))
    assert visited == ["C", "AA", "GGG", "C", "GGG"]
    assert page.one(".scatter-status").text == "GGG, gc: 1" and page.one(".scatter-tip").text == "GGG\ngc: 1"
    page.canvas.send_keys(Keys.ENTER)
    WebDriverWait(browser, 10).until(lambda _: page.state("picked") == "GGG")
    # the scales are drawn over the card, left of and below the points
    ink = "const image = document.querySelector('canvas').getContext('2d').getImageData(0, 0, 55, 400).data; return image.some(v => v < 90)"
    assert browser.execute_script(ink)
    page.choose("embedding", "UMAP")
    assert page.state("shown") == "4"
    page.canvas.send_keys("p")
    assert page.state("region") == NASTY and NASTY in page.one(".scatter-tip").text
    assert not browser.execute_script(ink)
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_no_link_without_an_assembly(browser, tmp_path):
    browser.get(write(tmp_path / "report.html", square() | {"assembly": ""}))
    page = Page(browser)
    assert page.copied("low right") == "chr1:1001-1500"
    assert page.browser.find_elements(By.CSS_SELECTOR, ".scatter-status a") == []


def test_twenty_thousand_points_and_a_silent_console(browser, asked, tmp_path):
    files = runpy.run_path(str(TESTS / "fakes/region_map.py"))["write"](tmp_path, np.random.default_rng(0), 20_000, 20)
    section = region_map.section(Results(tmp_path, files))
    section.parts = ["A map."] + [part for part in section.parts if isinstance(part, Scatter)]
    path = tmp_path / "report.html"
    path.write_text(render([section], "GROVER: test", "snakemake ", lambda *_: None), encoding="utf-8")
    browser.get_log("browser"), asked()
    browser.get(path.as_uri())
    page = Page(browser)
    assert page.state("points") == page.state("shown") == "20000"
    times = {"first": page.state("redraw")}
    for track in ("gc", "chromatin state"):
        page.choose("track", track)
        times[track] = page.state("redraw")
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    )
    width, times["phone"] = browser.execute_script("return document.documentElement.scrollWidth"), page.state("redraw")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    print("milliseconds of a redraw of 20,000 points:", times)
    assert width <= 390
    assert [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    assert [url for url in asked() if not url.startswith(("data:", path.as_uri()))] == []
