"""Fetching from servers on loopback: with and without Range, broken connections, wrong checksums, FTP, local files."""

import gzip
import hashlib
import http.server
import random
import re
import resource
import socket
import threading
from pathlib import Path

import pytest

from grover.runtime.errors import InputError
from grover.sources import download
from grover.sources.download import fetch

CONTENT = random.Random(1).randbytes(300_000)
MD5, SHA256 = hashlib.md5(CONTENT).hexdigest(), hashlib.sha256(CONTENT).hexdigest()
LISTING = f"{'0' * 32}  other.bin\n{MD5} *file.bin\n"


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; attributes of the server say how it misbehaves and record the ranges asked for."""

    def do_GET(self):
        server = self.server
        server.ranges.append(self.headers.get("Range"))
        if self.path == "/md5sum.txt":
            return self.answer(200, LISTING.encode())
        if self.path != "/file.bin":
            return self.send_error(404)
        if server.failures:
            return self.send_error(server.failures.pop(0))
        start = 0
        asked = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        unchanged = self.headers.get("If-Range", server.version) == server.version
        if asked and server.honours_range and unchanged:
            start = int(asked.group(1))
            if start >= len(server.content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(server.content)}")
                self.send_header("Content-Length", "0")
                return self.end_headers()
        self.answer(206 if start else 200, server.content[start:], start, server.break_after)

    def answer(self, status, body, start=0, break_after=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", self.server.version)
        if start:
            last = start + len(body)
            self.send_header("Content-Range", f"bytes {start}-{last - 1}/{last}")
        self.end_headers()
        self.wfile.write(body[:break_after])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.content, server.version, server.ranges, server.failures = CONTENT, '"1"', [], []
    server.honours_range, server.break_after = True, None
    server.url = f"http://127.0.0.1:{server.server_port}/file.bin"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def output(tmp_path):
    return tmp_path / "folder/out.bin"


def only(output):
    """The output is whole and nothing else lies beside it."""
    return output.read_bytes() == CONTENT and list(output.parent.iterdir()) == [output]


@pytest.mark.parametrize("options", [{}, {"md5": MD5}, {"sha256": SHA256.upper()}, {"md5": MD5, "sha256": SHA256}])
def test_download(server, output, options):
    fetch(server.url, output, **options)
    assert only(output)


@pytest.mark.parametrize("honours_range", [True, False])
def test_a_broken_connection_is_continued(server, output, honours_range):
    server.honours_range, server.break_after = honours_range, 120_000
    with pytest.raises(InputError, match="in 1 attempts.*ended after 120,000 of 300,000 bytes.*continues"):
        fetch(server.url, output, md5=MD5, retries=0)
    assert not output.exists() and Path(f"{output}.part").stat().st_size == 120_000
    server.break_after = None
    fetch(server.url, output, md5=MD5)
    assert only(output)
    assert server.ranges == [None, "bytes=120000-"]


def test_retries_continue_within_one_call(server, output):
    server.break_after = 120_000
    fetch(server.url, output, md5=MD5, retries=2, wait=0)
    assert only(output)
    assert server.ranges == [None, "bytes=120000-", "bytes=240000-"]


def test_a_part_of_another_version_is_not_continued(server, output):
    server.break_after, server.content = 120_000, bytes(300_000)
    with pytest.raises(InputError):
        fetch(server.url, output, retries=0)
    server.break_after, server.content, server.version = None, CONTENT, '"2"'
    fetch(server.url, output)
    assert only(output)


def test_a_part_of_another_address_is_not_continued(server, output):
    output.parent.mkdir()
    Path(f"{output}.part").write_bytes(b"something else")
    fetch(server.url, output)
    assert only(output)
    assert server.ranges == [None]


def test_a_complete_part_needs_no_byte_more(server, output):
    server.failures = []
    with pytest.raises(InputError):
        fetch(server.url, output, md5="0" * 32, retries=0)
    output.parent.mkdir(exist_ok=True)
    Path(f"{output}.part").write_bytes(CONTENT)
    Path(f"{output}.part.version").write_text(f'{{"url": "{server.url}", "version": "\\"1\\""}}')
    fetch(server.url, output, md5=MD5, retries=0)
    assert only(output)
    assert server.ranges[-1] == "bytes=300000-"


def test_an_overloaded_server_is_asked_again(server, output):
    server.failures = [503, 429]
    fetch(server.url, output, retries=2, wait=0)
    assert only(output)


def test_waits_double(server, output, monkeypatch):
    waits = []
    monkeypatch.setattr(download.time, "sleep", waits.append)
    server.failures = [503] * 9
    with pytest.raises(InputError, match="in 4 attempts, the last one ended with: the server answered 503"):
        fetch(server.url, output, retries=3, wait=25)
    assert waits == [25, 50, 60]


def test_a_disk_that_takes_no_more_is_no_failure_of_the_network(server, output):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            fetch(server.url, output, retries=3, wait=60)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(server.ranges) == 1 and not output.exists()
    fetch(server.url, output, md5=MD5)  # what has arrived is continued
    assert server.ranges[1].startswith("bytes=") and output.read_bytes() == CONTENT


def test_not_found_is_final(server, output):
    with pytest.raises(InputError, match="the server answered 404 Not Found; correct the address"):
        fetch(server.url.replace("file", "none"), output)
    assert len(server.ranges) == 1 and not output.exists()


def test_a_withheld_file_is_had_from_a_local_copy(server, output):
    server.failures = [403]
    with pytest.raises(InputError, match="the server answered 403 Forbidden; give the path of a local copy"):
        fetch(server.url, output)


def test_no_server(output):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/file.bin"
    with pytest.raises(InputError, match="in 2 attempts, the last one ended with: .*refused"):
        fetch(url, output, retries=1, wait=0)


def test_a_wrong_checksum_leaves_nothing(server, output):
    with pytest.raises(InputError, match=f"has md5 {MD5}, but {'0' * 32} was expected"):
        fetch(server.url, output, md5="0" * 32)
    assert list(output.parent.iterdir()) == []


def test_checksum_from_a_listing(server, output):
    fetch(server.url, output, checksum_url=server.url.replace("file.bin", "md5sum.txt"))
    assert only(output)
    server.content = b"other"
    with pytest.raises(InputError, match=f"but {MD5} was expected"):
        fetch(server.url, output, checksum_url=server.url.replace("file.bin", "md5sum.txt"))


def test_listings(tmp_path, output):
    source, listing = tmp_path / "file.bin", tmp_path / "sums"
    source.write_bytes(CONTENT)
    for text in (f"{SHA256}  ./file.bin\n", f"{SHA256}\n", LISTING):
        listing.write_text(text)
        fetch(str(source), output, checksum_url=str(listing))
    for text in ("", f"{MD5}  other\n", "404 not found\n"):
        listing.write_text(text)
        with pytest.raises(InputError, match="has no md5, sha256 or sum checksum for file.bin"):
            fetch(str(source), output, checksum_url=str(listing))
    with pytest.raises(InputError, match="listing .* does not exist"):
        fetch(str(source), output, checksum_url=str(tmp_path / "none"))


@pytest.mark.parametrize("address", ["{}", "file://{}"])
def test_a_local_file_is_verified_and_linked(tmp_path, output, address):
    source = tmp_path / "local file.bin"
    source.write_bytes(CONTENT)
    for _ in range(2):
        fetch(
            address.format(source).replace("file.bin", "file%2Ebin" if "://" in address else "file.bin"),
            output,
            md5=MD5,
        )
    assert output.is_symlink() and output.readlink() == source
    assert only(output)
    with pytest.raises(InputError, match="was expected"):
        fetch(str(source), output, sha256="0" * 64)


def test_a_relative_path_is_linked_absolutely(tmp_path, output, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("x").write_bytes(CONTENT)
    fetch("x", output)
    assert output.readlink() == tmp_path / "x"


def test_a_truncated_gzip_without_checksum_is_found(tmp_path, output, server):
    whole = gzip.compress(CONTENT)
    local = tmp_path / "x.gz"
    local.write_bytes(whole[:-2000])
    with pytest.raises(InputError, match="truncated or damaged gzip"):
        fetch(str(local), output)
    server.content = whole[:-2000]
    with pytest.raises(InputError, match="truncated or damaged gzip"):
        fetch(server.url, output)
    assert list(output.parent.iterdir()) == []
    local.write_bytes(whole)
    fetch(str(local), output)
    assert output.is_symlink()


@pytest.mark.parametrize("verified", [False, True])
def test_bytes_behind_a_gzip_file_are_refused_with_and_without_a_checksum(tmp_path, output, server, verified):
    local = tmp_path / "x.gz"
    local.write_bytes(gzip.compress(CONTENT) + b"trailing")
    server.content = local.read_bytes()
    checksum = {"sha256": hashlib.sha256(local.read_bytes()).hexdigest()} if verified else {}
    for url in (str(local), server.url):
        with pytest.raises(InputError, match=f"^{url} has other bytes behind its gzip data; fetch it again"):
            fetch(url, output, **checksum)
    assert list(output.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "options", "sentence"),
    [
        ("s3://bucket/file", {}, "use https, http, ftp, file:// or a plain path"),
        ("/none/such", {}, "/none/such does not exist"),
        ("/none/such", {"md5": "abc"}, "'abc' is no md5 checksum; give its 32 hexadecimal digits"),
        ("/none/such", {"sha256": MD5}, "is no sha256 checksum; give its 64"),
    ],
)
def test_bad_addresses_and_checksums(output, url, options, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        fetch(url, output, **options)
    assert not output.exists()


def ftp_session(listener, restarts, break_after):
    """Answer one FTP client: as much of the protocol as a download with resume takes."""
    control, _ = listener.accept()
    with control, control.makefile("r") as lines, socket.create_server(("127.0.0.1", 0)) as data:
        say = lambda text: control.sendall(f"{text}\r\n".encode())  # noqa: E731
        say("220 ready")
        start = 0
        for line in lines:
            word, _, rest = line.strip().partition(" ")
            if word == "EPSV":
                say(f"229 Extended (|||{data.getsockname()[1]}|)")
            elif word == "PASV":
                port = data.getsockname()[1]
                say(f"227 Passive (127,0,0,1,{port // 256},{port % 256})")
            elif word == "REST":
                start = int(rest)
                restarts.append(start)
                say("350 restarting")
            elif word == "RETR":
                connection, _ = data.accept()
                say("150 sending")
                with connection:
                    connection.sendall(CONTENT[start:][:break_after])
                say("226 done")
            else:
                say(
                    {"SIZE": f"213 {len(CONTENT)}", "MDTM": "213 20200101000000", "QUIT": "221 bye"}.get(word, "230 ok")
                )
            if word == "QUIT":
                return


def test_ftp_continues_too(output):
    restarts = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"ftp://127.0.0.1:{listener.getsockname()[1]}/pub/file.bin"

        def serve():
            for break_after in (100_000, None):
                ftp_session(listener, restarts, break_after)

        thread = threading.Thread(target=serve)
        thread.start()
        fetch(url, output, sha256=SHA256, retries=1, wait=0)
        thread.join()
    assert only(output)
    assert restarts == [100_000]
