"""Network and model files: safetensors with the structure in its metadata, written whole, read with distrust.

A file holds the tensors ``weights.0``, ``biases.0``, ... and three entries of metadata: ``format``,
``format_version`` and ``structure``, a JSON object of the constructor's arguments; a model's has a fourth,
``model``, a JSON object of what belongs to its network. Everything is checked against the structure
before any array is made.
"""

import contextlib
import errno
import json
import os
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Real = NDArray[Any]
NETWORK, MODEL = "bp_core.network", "bp_core.model"
KINDS = {NETWORK: ("network", "Network.load"), MODEL: ("model", "Model.load")}
"""What a format is called, and what loads it."""

VERSION = "1"
STRUCTURE_KEYS = {"layer_sizes", "hidden", "output", "bias", "dtype"}
MAX_HEADER = 1 << 24
"""Bytes of header that are read at most."""

DTYPE_CODES = {"float32": "F32", "float64": "F64"}


# --------------------------------------------------------------------- saving
class Contents(NamedTuple):
    """What a file holds: the constructor's arguments, the parameters, and of a model what belongs to it."""

    structure: dict[str, Any]
    weights: Sequence[Real]
    biases: Sequence[Real]
    model: dict[str, Any] | None = None


def save(path: str | os.PathLike[str], contents: Contents) -> None:
    """Write a network or model file, in one piece or not at all."""
    from safetensors.numpy import save as to_bytes

    tensors = {}
    for l, (W, b) in enumerate(zip(contents.weights, contents.biases, strict=True)):
        tensors[f"weights.{l}"] = np.ascontiguousarray(W)
        if b.size:
            tensors[f"biases.{l}"] = np.ascontiguousarray(b)
    kind = NETWORK if contents.model is None else MODEL
    metadata = {"format": kind, "format_version": VERSION, "structure": json.dumps(contents.structure)}
    if contents.model is not None:
        metadata["model"] = json.dumps(contents.model, allow_nan=False)
    write_whole(path, to_bytes(tensors, metadata))


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Replace a file's content once the new one is on the disk; on any failure the old one stays."""
    target = os.path.realpath(os.fspath(path))
    folder = os.path.dirname(target)
    if os.path.isdir(target):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if os.path.exists(target) and not os.path.isfile(target):  # a pipe or a device is written to, not replaced
        with open(os.fspath(path), "wb") as file:
            file.write(content)
        return
    try:
        _write_beside(target, content)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, os.fspath(path)) from None  # the user's name, not the temporary
    _sync_folder(folder)


def _write_beside(target: str, content: bytes) -> None:
    """Write to a temporary file in the same folder, and give it the name once all of it is on the disk."""
    handle, temporary = _open_temporary(os.path.dirname(target))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(target):
            os.chmod(temporary, os.stat(target).st_mode & 0o777)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _open_temporary(folder: str) -> tuple[int, str]:
    """A new file that no other process has, with the permissions of any new file."""
    path = os.path.join(folder, f".{os.urandom(8).hex()}.part")
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666), path


def _sync_folder(folder: str) -> None:
    """Make the new name durable, where a folder can be opened and synced; the file itself is safe already."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# -------------------------------------------------------------------- loading
def read_format(path: str | os.PathLike[str]) -> str | None:
    """Return what a file says it is, NETWORK or MODEL; None where it says neither."""
    with open(os.fspath(path), "rb") as file:
        metadata = _read_header(file, path).get("__metadata__")
    found = metadata.get("format") if isinstance(metadata, dict) else None
    return found if isinstance(found, str) and found in KINDS else None


def load(path: str | os.PathLike[str], kind: str) -> Contents:
    """Read a file of one kind, NETWORK or MODEL."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    with open(os.fspath(path), "rb") as file:
        header = _read_header(file, path)
        metadata = header.pop("__metadata__", None)
        structure = _check_metadata(metadata, kind, path)
        model = _read_object(metadata["model"]) if kind == MODEL else None
        expected = _expected_shapes(structure, path)
        _check_tensors(header, expected, DTYPE_CODES[structure["dtype"]], path)
        file.seek(0)
        content = file.read()
    try:
        tensors = from_bytes(content)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    for name, array in tensors.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{path} is damaged: {name} holds a number that is not finite")
    n_layers = len(structure["layer_sizes"]) - 1
    weights = [tensors[f"weights.{l}"] for l in range(n_layers)]
    none = np.empty(0, structure["dtype"])
    return Contents(structure, weights, [tensors.get(f"biases.{l}", none) for l in range(n_layers)], model)


def _read_header(file: Any, path: object) -> dict[str, Any]:
    """The JSON header: 8 bytes of length, then the object, each key once."""
    size = os.fstat(file.fileno()).st_size
    prefix = file.read(8)
    length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 0
    if not 2 <= length <= min(size - 8, MAX_HEADER):
        raise ValueError(f"{path} is no network or model file of bp_core, or is cut short")
    try:
        header = json.loads(file.read(length).decode("utf-8"), object_pairs_hook=_once)
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise ValueError(f"{path} is no network or model file of bp_core: {error}") from None
    if not isinstance(header, dict):
        raise ValueError(f"{path} is no network or model file of bp_core: its header is no object")
    _check_extent(header, size - 8 - length, path)
    return header


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A dictionary; raise if a key comes twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("its header names an entry twice")
    return found


def _check_extent(header: dict[str, Any], size: int, path: object) -> None:
    """Raise unless the tensors fill the rest of the file exactly, none lying over another."""
    spans = []
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
        if not (isinstance(offsets, list) and len(offsets) == 2 and all(type(x) is int for x in offsets)):
            raise ValueError(f"{path} is damaged: {name!r} has no place in the file")
        spans.append(tuple(offsets))
    at = 0
    for start, end in sorted(spans):
        if start != at or end <= start:
            raise ValueError(f"{path} is damaged: its arrays overlap or leave gaps")
        at = end
    if at != size:
        raise ValueError(f"{path} is damaged or cut short: {size} bytes of arrays where its header says {at}")


def _check_metadata(metadata: object, kind: str, path: object) -> dict[str, Any]:
    """The structure, once format, version and its keys are right."""
    if not isinstance(metadata, dict) or metadata.get("format") != kind:
        found = metadata.get("format") if isinstance(metadata, dict) else None
        name = KINDS[kind][0]
        if isinstance(found, str) and found in KINDS:
            other, loader = KINDS[found]
            raise ValueError(f"{path} is a {other} file, no {name} file; load it with bp_core.{loader}")
        raise ValueError(f"{path} is no {name} file of bp_core (format {found!r}; expected {kind!r})")
    if metadata.get("format_version") != VERSION:
        raise ValueError(f"{path} has format version {metadata.get('format_version')!r}; this bp_core reads {VERSION}")
    structure = _read_object(metadata.get("structure"))
    if structure is None or set(structure) != STRUCTURE_KEYS or not _are_names(structure):
        raise ValueError(f"{path} is damaged: its structure is not one of a network")
    if kind == MODEL and _read_object(metadata.get("model")) is None:
        raise ValueError(f"{path} is damaged: it does not describe its model")
    return structure


def _read_object(text: object) -> dict[str, Any] | None:
    """A JSON object, each key once; None for anything else."""
    try:
        found = json.loads(text, object_pairs_hook=_once)  # type: ignore[arg-type]
    except (RecursionError, TypeError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _are_names(structure: dict[str, Any]) -> bool:
    """Whether output is a name and hidden a list of names; whether they are known, the constructor says."""
    hidden = structure["hidden"]
    return isinstance(structure["output"], str) and isinstance(hidden, list) and all(isinstance(x, str) for x in hidden)


def _expected_shapes(structure: dict[str, Any], path: object) -> dict[str, list[int]]:
    """Name and shape of every array that the structure means."""
    sizes, modes = structure["layer_sizes"], structure["bias"]
    if not isinstance(sizes, list) or len(sizes) < 2 or not all(type(n) is int and n >= 1 for n in sizes):
        raise ValueError(f"{path} is damaged: layer_sizes is {sizes!r}; expected two or more sizes from 1 up")
    if (
        not isinstance(modes, list)
        or len(modes) != len(sizes) - 1
        or not set(map(str, modes)) <= {"none", "layer", "unit"}
    ):
        raise ValueError(f"{path} is damaged: bias is {modes!r}; expected a mode for each of {len(sizes) - 1} layers")
    if not isinstance(structure["dtype"], str) or structure["dtype"] not in DTYPE_CODES:
        raise ValueError(f"{path} is damaged: dtype is {structure['dtype']!r}; expected float32 or float64")
    shapes = {}
    for l, mode in enumerate(modes):
        shapes[f"weights.{l}"] = [sizes[l], sizes[l + 1]]
        if mode != "none":
            shapes[f"biases.{l}"] = [sizes[l + 1] if mode == "unit" else 1]
    return shapes


def _check_tensors(header: dict[str, Any], expected: dict[str, list[int]], code: str, path: object) -> None:
    """Raise unless the file holds exactly the expected arrays, of one dtype."""
    missing, extra = sorted(set(expected) - set(header)), sorted(set(header) - set(expected))
    if missing or extra:
        raise ValueError(f"{path} is damaged: arrays missing {missing}, not expected {extra}")
    for name, shape in expected.items():
        found = header[name]
        if found.get("shape") != shape or found.get("dtype") != code:
            raise ValueError(
                f"{path} is damaged: {name} is {found.get('dtype')} {found.get('shape')}; expected {code} {shape}"
            )
