"""save and load: every bit comes back, a failing save leaves the old file, a hostile file is refused."""

import json
import os
import re
import stat
import struct
import sys
import threading

import numpy as np
import pytest

import bp_core as bp
from bp_core._file import write_whole
from support import DTYPES, assert_same_bits, make_network, run_python, uniform

SIZES = (7, 11, 5)  # numbers that stand for nothing else in a file
ATTRIBUTES = ("layer_sizes", "hidden", "output", "bias", "dtype", "n_parameters")


def saved(path, **options):
    net = make_network(SIZES, **{"hidden": "tanh", "output": "sigmoid", **options})
    net.save(path)
    return net


def taken_apart(path):
    """The header of a safetensors file and the bytes behind it."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def put_together(path, header, body):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def tensors(header):
    return sorted(name for name in header if name != "__metadata__")


def refused(path):
    with pytest.raises(ValueError, match=r".") as caught:
        bp.Network.load(path)
    return str(caught.value)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.safetensors"


# ---- there and back ----


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", ["unit", "layer", "none", ("layer", "none")])
@pytest.mark.parametrize("as_text", [False, True])
def test_every_bit_comes_back(bias, dtype, as_text, path):
    net = saved(path, bias=bias, dtype=dtype)
    twin = bp.Network.load(str(path) if as_text else path)
    for attribute in ATTRIBUTES:
        assert getattr(twin, attribute) == getattr(net, attribute)
    assert_same_bits(twin.get_parameters(), net.get_parameters())
    X, y = uniform(1, (20, 7)), uniform(2, (20, 5))
    assert_same_bits(twin.predict(X), net.predict(X))
    for network in (net, twin):
        bp.Trainer(network, seed=0).fit(X, y, epochs=2)
    assert_same_bits(twin.get_parameters(), net.get_parameters())


@pytest.mark.parametrize("layer_sizes", [(1, 1), (3, 2), (2, 3, 1), (5, 4, 3, 2, 1)])
def test_every_depth_comes_back(layer_sizes, path):
    hidden = ("relu", "gelu", "softsign")[: len(layer_sizes) - 2]
    net = make_network(layer_sizes, hidden=hidden, output="softmax")
    net.weights[0][0, 0] = -0.0
    net.weights[0][-1, -1] = 1e-45
    net.save(path)
    twin = bp.Network.load(path)
    assert tuple(twin.layer_sizes) == layer_sizes
    assert_same_bits(twin.get_parameters(), net.get_parameters())


def test_the_file_is_plain_safetensors(path):
    """Others can read it; it holds the parameters, without padding, and little else."""
    numpy_reader = pytest.importorskip("safetensors.numpy")
    net = saved(path)
    arrays = numpy_reader.load_file(path)
    assert sorted(a.shape for a in arrays.values()) == sorted(a.shape for a in (*net.weights, *net.biases))
    assert net.n_parameters * 4 < path.stat().st_size < net.n_parameters * 4 + 3000


def test_saving_again_replaces(path):
    saved(path, output="tanh")
    net = saved(path, dtype="float64")
    assert_same_bits(bp.Network.load(path).get_parameters(), net.get_parameters())
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


# ---- a save that fails ----


FULL_DISK = """
import resource, sys
import bp_core as bp

net = bp.Network((300, 300), seed=2)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
try:
    net.save(sys.argv[1])
except OSError as error:
    print("OSError", error.errno is not None, error.filename == sys.argv[1] and sys.argv[1] in str(error))
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
net.save(sys.argv[1] + "2")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize("exists", [True, False])
def test_a_full_disk(exists, path):
    """The old file stays, and nothing half-written beside it."""
    if exists:
        saved(path)
    before = path.read_bytes() if exists else None
    finished = run_python(FULL_DISK, path, cwd=path.parent)
    assert finished.stdout.split() == ["OSError", "True", "True"], finished.stderr
    assert (path.read_bytes() if path.exists() else None) == before
    expected = {path.name + "2"} | ({path.name} if exists else set())
    assert {entry.name for entry in path.parent.iterdir()} == expected
    assert bp.Network.load(f"{path}2").n_parameters == 300 * 301


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        saved(tmp_path / "no" / "net.safetensors")


def test_a_folder_in_place_of_the_file(tmp_path):
    with pytest.raises(OSError, match=r"."):
        saved(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_path_too_long(tmp_path):
    with pytest.raises(OSError, match=r"."):
        saved(tmp_path / ("n" * 5000))
    with pytest.raises(OSError, match=r"."):
        bp.Network.load(tmp_path / ("n" * 5000))
    assert list(tmp_path.iterdir()) == []


# ---- files that are no network ----


def test_no_file(path):
    with pytest.raises(FileNotFoundError):
        bp.Network.load(path)


def test_a_folder(tmp_path):
    with pytest.raises(OSError, match=r"."):
        bp.Network.load(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"PK\x03\x04 not this",
        b"\x80\x04\x95 a pickle?",
        b"\xff" * 100,
        struct.pack("<Q", 2) + b"{}",
        b"\0" * 4096,
    ],
)
def test_something_else(content, path):
    path.write_bytes(content)
    refused(path)


def test_every_truncation(path):
    saved(path)
    content = path.read_bytes()
    for size in [*range(64), *range(64, len(content), 97), len(content) - 1]:
        path.write_bytes(content[:size])
        refused(path)


@pytest.mark.parametrize("tail", [b"\0", b"\0" * 4, b"more"])
def test_bytes_behind_the_end(tail, path):
    saved(path)
    path.write_bytes(path.read_bytes() + tail)
    refused(path)


def test_a_tensor_missing_renamed_or_too_many(path):
    saved(path)
    header, body = taken_apart(path)
    for name in tensors(header):
        without = {key: value for key, value in header.items() if key != name}
        put_together(path, without, body)
        refused(path)
        put_together(path, {**without, name + "x": header[name]}, body)
        refused(path)
    empty = {"dtype": "F32", "shape": [0], "data_offsets": [len(body), len(body)]}
    put_together(path, {**header, "extra": empty}, body)
    refused(path)
    more = {"dtype": "F32", "shape": [1], "data_offsets": [len(body), len(body) + 4]}
    put_together(path, {**header, "extra": more}, body + b"\0" * 4)
    refused(path)


def test_a_tensor_of_another_shape(path):
    saved(path)
    header, body = taken_apart(path)
    for name in tensors(header):
        shape = header[name]["shape"]
        size = int(np.prod(shape))
        for other in (shape[::-1], [size], [1, *shape], [*shape, 1], [size, 1]):
            if other != shape:
                put_together(path, {**header, name: {**header[name], "shape": other}}, body)
                refused(path)


@pytest.mark.parametrize("dtype", ["I32", "U32", "F64", "F16", "BF16", "BOOL", "F23"])
def test_a_tensor_of_another_dtype(dtype, path):
    saved(path)
    header, body = taken_apart(path)
    for name in tensors(header):
        put_together(path, {**header, name: {**header[name], "dtype": dtype}}, body)
        refused(path)


def test_tensors_of_two_dtypes(path):
    """Well formed, but one array in float64 among float32."""
    saved(path)
    header, body = taken_apart(path)
    for chosen in tensors(header):
        changed, data = {"__metadata__": header["__metadata__"]}, b""
        for name in sorted(tensors(header), key=lambda name: header[name]["data_offsets"]):
            start, end = header[name]["data_offsets"]
            piece = np.frombuffer(body[start:end], "<f4").astype("<f8" if name == chosen else "<f4").tobytes()
            offsets = [len(data), len(data) + len(piece)]
            dtype = "F64" if name == chosen else "F32"
            changed[name] = {"dtype": dtype, "shape": header[name]["shape"], "data_offsets": offsets}
            data += piece
        put_together(path, changed, data)
        refused(path)


def test_a_key_that_comes_twice(path):
    saved(path)
    header, body = taken_apart(path)
    for name in tensors(header):
        entry = f"{json.dumps(name)}: {json.dumps(header[name])}"
        put_together(path, ("{" + entry + ", " + json.dumps(header)[1:]).encode(), body)
        refused(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite(bad, path):
    saved(path)
    header, body = taken_apart(path)
    for name in tensors(header):
        data = bytearray(body)
        start = header[name]["data_offsets"][0]
        data[start : start + 4] = np.float32(bad).tobytes()
        put_together(path, header, bytes(data))
        assert "finite" in refused(path)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "wrong", ["0", "-7", "8", "7.5", "4294967296", "18446744073709551623", "9" * 40, "1e3", '"7"', "null", "[7]"]
)
def test_sizes_in_the_metadata(size, wrong, path):
    saved(path)
    header, body = taken_apart(path)
    changed = 0
    for key, text in header["__metadata__"].items():
        other = re.sub(rf"(?<![\w.]){size}(?![\w.])", wrong, text)
        if other != text:
            changed += 1
            put_together(path, {**header, "__metadata__": {**header["__metadata__"], key: other}}, body)
            refused(path)
    assert changed, "the layer sizes stand in the metadata"


@pytest.mark.parametrize(
    ("name", "wrong"), [("tanh", "tahn"), ("tanh", "softmax"), ("sigmoid", ""), ("unit", "units"), ("unit", "none")]
)
def test_names_in_the_metadata(name, wrong, path):
    saved(path)
    header, body = taken_apart(path)
    text = json.dumps(header["__metadata__"])
    assert name in text
    put_together(path, {**header, "__metadata__": json.loads(text.replace(name, wrong))}, body)
    refused(path)


def test_metadata_missing_or_of_another_format(path):
    saved(path)
    header, body = taken_apart(path)
    put_together(path, {key: value for key, value in header.items() if key != "__metadata__"}, body)
    refused(path)
    put_together(path, {**header, "__metadata__": {}}, body)
    refused(path)
    put_together(path, {**header, "__metadata__": {"format": "pt"}}, body)
    refused(path)


def test_a_file_of_another_library(path):
    writer = pytest.importorskip("safetensors.numpy")
    writer.save_file({"weight": np.ones((3, 2), np.float32)}, path)
    refused(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read = []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    write_whole(path, b"content")
    reader.join(timeout=10)
    assert read == [b"content"]
    assert stat.S_ISFIFO(path.stat().st_mode)
