"""Files of text as they come: compressed, in several encodings, with any line ends; and what is no text."""

import bz2
import gzip
import lzma
import struct
import zlib

import pytest

from grover.runtime.errors import InputError
from grover.runtime.text import check_whole, open_bytes, open_compressed, open_text

TEXT = "chr1\t1\t2\tInterféron\nchr2\t3\t4\tx\n"
PACK = {"plain": bytes, "gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


def bgzip(data, size=20):
    """The blocks of a bgzip file, as section 4.1 of the SAM specification has them, with the empty one at the end."""

    def block(piece):
        packer = zlib.compressobj(wbits=-15)
        packed = packer.compress(piece) + packer.flush()
        head = struct.pack("<4BI2BH2BHH", 31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, len(packed) + 25)
        return head + packed + struct.pack("<II", zlib.crc32(piece), len(piece))

    return [*(block(data[i : i + size]) for i in range(0, len(data), size)), block(b"")]


@pytest.fixture
def save(tmp_path):
    def save(content):
        path = tmp_path / "file"
        path.write_bytes(content)
        return path

    return save


def lines(path):
    with open_text(path) as stream:
        return list(stream)


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_way_to_write_a_text_is_read_alike(save, pack, encoding, end):
    data = TEXT.replace("\n", end).encode(encoding)
    data = b"\xff\xfe" + data if encoding == "utf-16-le" else data
    assert lines(save(pack(data))) == TEXT.splitlines(keepends=True)


def test_a_line_in_latin1_leaves_the_others_in_utf8(save):
    assert lines(save("é\n".encode() + "é\n".encode("latin-1") + "ß\n".encode())) == ["é\n", "é\n", "ß\n"]


def test_blocks_of_bgzip_are_joined_and_one_cut_between_two_is_refused(save):
    blocks = bgzip(TEXT.encode())
    assert lines(save(b"".join(blocks))) == TEXT.splitlines(keepends=True)
    assert gzip.decompress(b"".join(blocks[:-1])).decode() == TEXT  # as whole a gzip file as any
    with pytest.raises(InputError, match="is a truncated or damaged gzip file; fetch it again"):
        lines(save(b"".join(blocks[:-1])))


@pytest.mark.parametrize(("kind", "pack"), [*PACK.items()][1:])
def test_damage_is_one_sentence_by_every_opener(save, kind, pack):
    whole = pack(b"".join(b"chr1\t%d\n" % (i * i) for i in range(20_000)))
    for content in (whole[:-20], whole[: len(whole) // 2], whole[:400] + b"wrong" + whole[405:]):
        path = save(content)
        for opener in (open_text, open_bytes, open_compressed):
            sentence = f"file is a truncated or damaged {kind} file; fetch it again"
            with pytest.raises(InputError, match=sentence), opener(path) as stream:
                stream.read()
        with pytest.raises(InputError, match=f"^SOURCE is a truncated or damaged {kind} file; fetch it again"):
            check_whole(path, "SOURCE")
    check_whole(save(whole), "SOURCE")


def test_other_bytes_behind_a_gzip_file_are_named_and_zeros_are_padding(save):
    whole = gzip.compress(TEXT.encode())
    for content in (whole + b"trailing", whole + b"\n", whole * 2 + b"<html>"):
        path = save(content)
        for read in (lines, lambda path: check_whole(path, path)):
            with pytest.raises(
                InputError, match="file has other bytes behind its gzip data; fetch it again, or cut them off"
            ):
                read(path)
    assert lines(save(whole + bytes(9))) == TEXT.splitlines(keepends=True)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\x28\xb5\x2f\xfd\x04\x00", "is compressed by zstd; decompress it by `zstd -d`, or give it as gzip"),
        (b"PK\x03\x04\x14\x00", "is a zip archive or an Excel file"),
        (gzip.compress(b"BAM\1\0\0", mtime=0), "is a BAM file; convert it"),
        (gzip.compress(b"BCF\2\2", mtime=0), "is a BCF file; convert it by `bcftools view"),
        (b"\x26\xfc\x8f\x88\x04\x00", "is a bigWig"),
        (b"\n<!DOCTYPE html>\n<html>", "is a web page"),
        (gzip.compress(b"\xef\xbb\xbf<HTML>", mtime=0), "is a web page"),
        (b"chr1\0\1\2", "is a binary file and no text"),
        ("chr1".encode("utf-32"), "is a binary file and no text"),
    ],
)
def test_what_is_no_text_is_named(save, content, sentence):
    path = save(content)
    for opener in (open_text, open_bytes):
        with pytest.raises(InputError, match=f"file {sentence}"), opener(path):
            pass


@pytest.mark.parametrize("start", ["BZh1\t5\t9\n", "BAM1\t5\t9\n", "PK\t5\t9\n"])
def test_names_that_look_like_the_mark_of_another_format_are_text(save, start):
    assert lines(save(start.encode())) == [start]


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "utf-8-sig", "latin-1", "utf-16"])
def test_bytes_are_utf8_without_a_mark_and_with_one_end_of_lines(save, encoding):
    text = ">a\r\nAC\rA\r\rC\n\n" + "é" * (encoding != "ascii")
    path = save(gzip.compress(text.encode(encoding)))
    with open(path, "rb") as raw, open_bytes(path, raw) as stream:
        assert stream.readline() + stream.read() == text.replace("\r\n", "\n").replace("\r", "\n").encode()
        assert raw.tell() == path.stat().st_size


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
def test_what_lies_across_two_blocks_is_whole(save, encoding):
    """Characters of two bytes and ends of lines of two, at every place within the blocks."""
    for before in range(3):
        text = "x" * before + "é \r\n\r\n\ré" * 40_000
        with open_bytes(save(text.encode(encoding))) as stream:
            found = b"".join(iter(lambda: stream.read(1001), b""))
        assert found.decode() == text.replace("\r\n", "\n").replace("\r", "\n")


def test_what_the_reader_itself_raises_is_not_taken_for_damage(save):
    path = save(gzip.compress(b"a\n"))
    with pytest.raises(OSError, match="No space left"), open_text(path):
        raise OSError(28, "No space left on device")
    with pytest.raises(InputError, match="does not exist; correct the path"), open_text(path.with_name("none")):
        pass
    with pytest.raises(InputError, match="cannot be read: Is a directory"), open_text(path.parent):
        pass
