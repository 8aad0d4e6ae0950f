"""igv.js opens the session, reads the values that were written, and asks nothing of the outside."""

import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from selenium.webdriver.support.ui import WebDriverWait

from grover.genome.assembly import Genome
from grover.genome.bases import decode
from grover.genome.twobit_writer import write_twobit
from grover.interpretation.hub import ASSEMBLY, JSON, REGIONS, Hub, hub_texts
from grover.interpretation.track_values import TRACKS
from grover.intervals.bigwig_writer import write_bigbed, write_bigwig
from tests.browser.npm import igv_script

pytestmark = pytest.mark.browser
LENGTH, START, SIZE = 5_000, 1_000, 600
PAGE = """<!doctype html><meta charset="utf-8"><title>igv</title><div id="igv"></div>
<script type="module">
import igv from "./igv.esm.js";
window.igv = igv;
</script>"""
OPEN = """
const [options, done] = arguments;
igv.removeAllBrowsers();
igv.createBrowser(document.getElementById("igv"), {...options, loadDefaultGenomes: false, queryParametersSupported: false})
  .then(browser => { window.browser = browser; done("opened"); }, error => done(String(error)));
"""
# all features of the tracks at the locus, those of a logo one by one
FEATURES = """
const [start, end, done] = arguments;
const tracks = browser.tracks.flatMap(track => track.tracks || [track]);
const read = track => track.getFeatures("chr1", start, end, 1);
Promise.all(tracks.filter(track => track.config && track.config.url).map(async track =>
  [track.config.url, (await read(track)).map(each => [each.start, each.end, each.value])]
)).then(done, error => done(String(error)));
"""
BASES = """
const [start, end, done] = arguments;
browser.genome.getSequence("chr1", start, end).then(done, error => done(String(error)));
"""


class Handler(SimpleHTTPRequestHandler):
    """Answers requests for parts of a file, as every web server does and the standard library's does not."""

    def do_GET(self):
        asked = self.headers.get("Range", "")
        path = self.translate_path(self.path)
        if not asked.startswith("bytes="):
            return super().do_GET()
        with open(path, "rb") as stream:
            content = stream.read()
        first, _, last = asked.removeprefix("bytes=").partition("-")
        part = content[int(first) : int(last) + 1 if last else None]
        self.send_response(206)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)
        return None

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A folder with a hub, and the values in it."""
    folder = tmp_path_factory.mktemp("hub")
    rng = np.random.default_rng(0)
    np.save(folder / "sequence.npy", rng.integers(0, 4, LENGTH, dtype=np.uint8))
    (folder / "segments.bed").write_text(f"chr1\t0\t{LENGTH}\ts\n")
    genome, lengths = Genome(folder / "sequence.npy", folder / "segments.bed"), {"chr1": LENGTH}
    values = {name: rng.normal(0, 0.5, SIZE).astype(np.float32) for name in TRACKS}
    for name, each in values.items():
        write_bigwig(folder / f"{name}.bw", lengths, [("chr1", START, each)])
    write_bigbed(folder / REGIONS, lengths, [("chr1", START, START + SIZE, "locus")])
    write_twobit(folder / ASSEMBLY, genome, lengths)
    locus = ("chr1", START + 100, START + 200)
    for name, text in hub_texts(Hub("test", "test", "bpe-60", "me@example.org", TRACKS, locus)).items():
        (folder / name).write_text(text)
    (folder / "index.html").write_text(PAGE)
    (folder / "igv.esm.js").write_bytes(igv_script().read_bytes())
    return folder, values, genome


@pytest.fixture(scope="module")
def page(browser, hub):
    """The browser on a page of the folder, which a server of this test gives out."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(hub[0])))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    browser.get(address + "/index.html")
    WebDriverWait(browser, 60).until(lambda opened: opened.execute_script("return window.igv !== undefined"))
    browser.set_script_timeout(60)
    yield browser, address
    server.shutdown()


def test_the_session_opens_with_the_assembly_and_all_values(page, hub, asked):
    browser, address = page
    _, values, genome = hub
    assert browser.execute_async_script(OPEN, {"sessionURL": JSON}) == "opened"
    found = dict(browser.execute_async_script(FEATURES, START, START + SIZE))
    assert set(found) == {f"{name}.bw" for name in TRACKS} | {REGIONS}
    for name, each in values.items():
        features = np.array(found[f"{name}.bw"])
        assert np.array_equal(features[:, 0], START + np.arange(SIZE))
        np.testing.assert_allclose(features[:, 2], each, rtol=1e-6)
    assert [row[:2] for row in found[REGIONS]] == [[START, START + SIZE]]
    assert browser.execute_async_script(BASES, START, START + 50) == decode(genome.codes[START : START + 50])
    locus = browser.execute_script("return browser.referenceFrameList[0].getLocusString()")
    assert locus.replace(",", "") == f"chr1:{START + 101}-{START + 200}"
    severe = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert [message for message in severe if "favicon" not in message] == []
    assert [url for url in asked() if not url.startswith((address, "data:", "blob:"))] == []


def test_the_session_lists_regions_logo_entropy_and_log_probability(hub):
    session = json.loads((hub[0] / JSON).read_text())
    assert [track["name"] for track in session["tracks"]] == ["Scored regions", "Logo", "Entropy", "Log-probability"]
