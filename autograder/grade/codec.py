"""How values cross between the judge and a student's process: as plain typed data of limited size, never as pickle.

Unpickling runs whatever code the sender chose, and the sender may be a hostile notebook. So values become JSON data, in
which a value of a type that JSON does not have is a list that begins with the type's name; the bytes of tensors and
arrays are sent beside the JSON. `unpack` checks everything, because a student's process can send whatever it likes.
"""

import importlib
import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

MAX_MESSAGE = 64 * 2**20  # bytes of all tensors and arrays in a message
MAX_BUFFERS = 16 * 1024
MAX_NAMES = 1024  # handles, and values that cannot cross, per message: each makes the reader create a type
MAX_DEPTH = 40
MAX_ALIKE = 16  # keys of a dictionary with the same hash; chance makes two at most
MAX_INTEGER_BITS = 4096
MAX_DIMENSIONS = 32

DTYPES = {str(dtype).removeprefix("torch."): dtype for dtype in vars(torch).values() if isinstance(dtype, torch.dtype)}
CODES = {"qint8": torch.int8, "quint8": torch.uint8, "qint32": torch.int32}
QUANTIZED = {getattr(torch, name): codes for name, codes in CODES.items() if hasattr(torch, name)}
OURS = "qlab.torch_flow.integer_flow.tensors"  # codes with their scales, where PyTorch has no quantized dtypes any more
# A dtype of each size that numpy has, to read the bytes of all that it does not have.
READABLE = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64, 16: torch.complex128}
PLAIN_DTYPES = {name: dtype for name, dtype in DTYPES.items() if not name.startswith(("q", "bits"))}
ARRAY_DTYPE = re.compile("[<>|][biufc][0-9]{1,2}")


class WireError(Exception):
    """A message is not plain typed data within the limits; the text says what is wrong with it."""


@dataclass(frozen=True)
class Handle:
    """Stands for a function, class or other object that stays in the student's process.

    Attributes:
        number: by which the student's process finds the object again.
        kind: "function", "class", "module" (of torch) or "object".
        type_name: the name of its type there.
    """

    number: int
    kind: str
    type_name: str


class Opaque:
    """Stands for a value that cannot cross. Each gets a subclass of its own, named after the type of the value."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Buffers:
    """The bytes of a message's tensors and arrays, and how many names its text contains.

    Reading a message creates a type per name, so names are limited. Each buffer can only be taken once, so a short text
    cannot refer to one buffer a million times and fill the memory.
    """

    def __init__(self, buffers: Iterable[bytes] = ()):
        self.buffers: list[bytes | None] = list(buffers)
        self._size = 0
        self._names = 0

    def add(self, data: bytes) -> int:
        """Add bytes and return their index."""
        if len(self.buffers) >= MAX_BUFFERS:
            raise WireError(f"it contains more than {MAX_BUFFERS} tensors and arrays")
        self._size += len(data)
        if self._size > MAX_MESSAGE:
            raise WireError(f"it is larger than {MAX_MESSAGE // 2**20} MB")
        self.buffers.append(data)
        return len(self.buffers) - 1

    def take(self, index: Any) -> bytes:
        """Remove and return the bytes at an index."""
        data = self.buffers[index] if type(index) is int and index >= 0 else None
        if data is None:
            raise WireError("a value has no bytes of its own")
        self.buffers[index] = None
        return data

    def count_name(self) -> None:
        """Count a handle or an opaque value."""
        self._names += 1
        if self._names > MAX_NAMES:
            raise WireError(f"it contains more than {MAX_NAMES} functions, classes and other objects")


# Gives a handle for a value that stays on this side, or None if there is none for it.
MakeHandle = Callable[[Any], Handle | None]


def no_handle(value: Any) -> Handle | None:
    """Makes no handles, for the side that has none to give."""
    return None


def pack(value: Any, buffers: Buffers, make_handle: MakeHandle = no_handle, depth: int = 0) -> Any:
    """A value as JSON data; the bytes of tensors and arrays are added to `buffers`.

    Args:
        value: any object. What can neither cross nor get a handle becomes an opaque value on the other side.
        buffers: of the message.
        make_handle: gives handles for what stays on this side.
        depth: of nesting so far.

    Raises:
        WireError: nested too deeply (or within itself), too large, or an integer is too long.
    """
    if depth > MAX_DEPTH:
        raise WireError("it is nested too deeply")
    if value is None or type(value) in (bool, float, str):
        return value
    if isinstance(value, str):
        return _opaque(type(value).__name__, buffers)
    if type(value) is bytes:
        return ["bytes", buffers.add(value)]
    if isinstance(value, Tensor):
        return _pack_tensor(value, buffers)
    if (ours := sys.modules.get(OURS)) is not None and type(value) in (ours.Codes, ours.WeightCodes):
        return _pack_codes(value, buffers)
    if isinstance(value, np.ndarray | np.generic):
        return _pack_array(value, buffers)
    if isinstance(value, Integral):
        return _integer(int(value))
    if isinstance(value, Real | Decimal):  # a Decimal is a number, though no Real
        return float(value)
    if isinstance(value, list | tuple):
        name = "list" if isinstance(value, list) else "tuple"
        return [name, *(pack(item, buffers, make_handle, depth + 1) for item in value)]
    if isinstance(value, dict):
        items = value.items()
        return [
            "dict",
            *([pack(k, buffers, make_handle, depth + 1), pack(v, buffers, make_handle, depth + 1)] for k, v in items),
        ]
    handle = value if isinstance(value, Handle) else make_handle(value)
    if handle is not None:
        buffers.count_name()
        return ["handle", handle.number, handle.kind, handle.type_name]
    return _opaque(type(value).__name__, buffers)


def _opaque(name: str, buffers: Buffers) -> list[str]:
    buffers.count_name()
    return ["other", name]


def _integer(value: int) -> int:
    if value.bit_length() > MAX_INTEGER_BITS:
        raise WireError(f"an integer has {value.bit_length()} bits")
    return value


def _pack_tensor(value: Tensor, buffers: Buffers) -> list[Any]:
    tensor = value.detach()
    if tensor.layout != torch.strided:
        return _opaque(f"{tensor.layout} tensor", buffers)
    if tensor.is_nested or tensor.is_meta:
        return _opaque("tensor without memory", buffers)
    if tensor.numel() * tensor.element_size() > MAX_MESSAGE or not _is_shape(tensor.shape):
        raise WireError(f"a tensor of shape {tuple(tensor.shape)} is larger than {MAX_MESSAGE // 2**20} MB")
    try:
        quantized = QUANTIZED and tensor.is_quantized
        return _pack_quantized(tensor, buffers) if quantized else _pack_elements(tensor, buffers)
    except RuntimeError:  # torch has tensors without memory: of its function transforms, of freed storages, and others
        return _opaque("tensor without memory", buffers)


def _pack_elements(tensor: Tensor, buffers: Buffers) -> list[Any]:
    name = str(tensor.dtype).removeprefix("torch.")
    if name not in PLAIN_DTYPES:
        return _opaque(f"tensor of {name}", buffers)
    elements = tensor.cpu().resolve_conj().resolve_neg()
    elements = elements.as_strided(elements.shape, elements.stride())  # raises if the storage was made too small
    # numpy reads bytes by the strides; torch's contiguous does not for a single element, nor for dtypes below a byte.
    data = elements.view(READABLE[elements.element_size()]).numpy().tobytes()
    return ["tensor", name, list(tensor.shape), buffers.add(data)]


def _pack_quantized(tensor: Tensor, buffers: Buffers) -> list[Any]:
    if tensor.dtype not in QUANTIZED or tensor.qscheme() not in (torch.per_tensor_affine, torch.per_channel_affine):
        return _opaque(f"tensor of {str(tensor.dtype).removeprefix('torch.')}", buffers)
    codes = _pack_elements(tensor.int_repr(), buffers)
    if tensor.qscheme() == torch.per_tensor_affine:
        return ["quantized", codes, tensor.q_scale(), tensor.q_zero_point()]
    scales = _pack_elements(tensor.q_per_channel_scales(), buffers)
    points = _pack_elements(tensor.q_per_channel_zero_points(), buffers)
    return ["quantized", codes, scales, points, tensor.q_per_channel_axis()]


def _pack_codes(value: Any, buffers: Buffers) -> list[Any]:
    """qlab's own codes, in the same form as PyTorch's quantized tensors."""
    codes = _pack_tensor(value.int_repr(), buffers)
    if not getattr(value, "per_channel", False):
        return ["quantized", codes, float(value.q_scale()), int(value.q_zero_point())]
    scales, points = value.q_per_channel_scales(), value.q_per_channel_zero_points()
    return ["quantized", codes, _pack_tensor(scales, buffers), _pack_tensor(points, buffers), 0]


def _pack_array(value: "np.ndarray[Any, Any] | np.generic", buffers: Buffers) -> list[Any]:
    array = np.asarray(value)
    # Packages such as ml_dtypes add dtypes whose names plain numpy, on the other side, may not know.
    if not ARRAY_DTYPE.fullmatch(array.dtype.str) or np.dtype(array.dtype.str) != array.dtype:
        return _opaque(f"array of {array.dtype}", buffers)
    if array.nbytes > MAX_MESSAGE:
        raise WireError(f"an array of shape {array.shape} is larger than {MAX_MESSAGE // 2**20} MB")
    kind = "array" if isinstance(value, np.ndarray) else "number"
    return [kind, array.dtype.str, list(array.shape), buffers.add(array.tobytes())]


def unpack(data: Any, buffers: Buffers, depth: int = 0) -> Any:
    """The value from which `pack` made this data.

    Raises:
        WireError: `pack` would not make such data.
    """
    if depth > MAX_DEPTH + 1:
        raise WireError("a value is nested too deeply")
    if data is None or isinstance(data, bool | float):
        return data
    if isinstance(data, int):
        return _integer(data)
    if isinstance(data, str):
        return clean(data)
    if not isinstance(data, list):
        raise WireError("a value is not what it claims to be")
    try:
        kind, *fields = data
        return UNPACK[kind](fields, buffers, depth + 1)
    except WireError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, RuntimeError, OverflowError, AttributeError) as error:
        raise WireError("a value is not what it claims to be") from error


def clean(text: str) -> str:
    """Text as valid UTF-8: halves of surrogate pairs become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _items(fields: list[Any], buffers: Buffers, depth: int) -> list[Any]:
    return [unpack(item, buffers, depth) for item in fields]


def _unpack_dict(fields: list[Any], buffers: Buffers, depth: int) -> dict[Any, Any]:
    items = [(unpack(key, buffers, depth), unpack(value, buffers, depth)) for key, value in fields]
    # Each key is compared with all earlier ones of its hash: with n of them that takes n * n / 2 steps.
    alike = Counter(hash(key) for key, _ in items)
    if alike and max(alike.values()) > MAX_ALIKE:
        raise WireError(f"a dictionary has more than {MAX_ALIKE} keys with the same hash")
    return dict(items)


def _is_shape(shape: Any) -> bool:
    return len(shape) <= MAX_DIMENSIONS and all(type(n) is int and 0 <= n <= MAX_MESSAGE for n in shape)


def _shape(shape: Any) -> list[int]:
    if not _is_shape(shape):
        raise WireError("a shape is invalid")
    return list(shape)


def _unpack_tensor(fields: list[Any], buffers: Buffers, depth: int) -> Tensor:
    name, shape, index = fields
    dtype, shape, data = PLAIN_DTYPES[name], _shape(shape), buffers.take(index)
    if len(data) != math.prod(shape) * dtype.itemsize:
        raise WireError("a tensor does not have as many bytes as its shape and dtype say")
    if not data:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(data), dtype=torch.uint8).view(dtype).reshape(shape)


def _unpack_quantized(fields: list[Any], buffers: Buffers, depth: int) -> Any:
    codes, scale, zero_point = (unpack(item, buffers, depth) for item in fields[:3])
    if codes.dtype not in CODES.values():
        raise WireError("the codes of a quantized tensor have the wrong dtype")
    if len(fields) == 3:
        if not QUANTIZED:
            return importlib.import_module(OURS).tensor_from_codes(codes, float(scale), int(zero_point))
        return torch._make_per_tensor_quantized_tensor(codes, float(scale), int(zero_point))
    (axis,) = fields[3:]
    if not (0 <= axis < codes.dim()) or scale.shape != zero_point.shape or scale.shape != codes.shape[axis : axis + 1]:
        raise WireError("a quantized tensor does not have one scale per channel")
    if not QUANTIZED:
        return importlib.import_module(OURS).weight_from_codes(codes, scale, per_channel=True)
    tensor: Tensor = torch._make_per_channel_quantized_tensor(codes, scale.double(), zero_point.long(), axis)
    return tensor


def _unpack_array(fields: list[Any], buffers: Buffers, depth: int) -> "np.ndarray[Any, Any]":
    name, shape, index = fields
    if not isinstance(name, str) or not ARRAY_DTYPE.fullmatch(name):
        raise WireError("an array has a dtype that cannot cross")
    return np.frombuffer(bytearray(buffers.take(index)), dtype=np.dtype(name)).reshape(_shape(shape))


def _unpack_number(fields: list[Any], buffers: Buffers, depth: int) -> Any:
    return _unpack_array(fields, buffers, depth)[()]


def _unpack_handle(fields: list[Any], buffers: Buffers, depth: int) -> Handle:
    number, kind, type_name = fields
    buffers.count_name()
    if type(number) is not int or not isinstance(kind, str) or not isinstance(type_name, str):
        raise WireError("a handle is invalid")
    return Handle(number, clean(kind)[:40], clean(type_name)[:80])


def _unpack_opaque(fields: list[Any], buffers: Buffers, depth: int) -> Any:
    (name,) = fields
    buffers.count_name()
    return type(clean(name)[:80].replace("\0", ""), (Opaque,), {})()


def _unpack_bytes(fields: list[Any], buffers: Buffers, depth: int) -> bytes:
    (index,) = fields
    return buffers.take(index)


UNPACK: dict[str, Callable[[list[Any], Buffers, int], Any]] = {
    "list": _items,
    "tuple": lambda fields, buffers, depth: tuple(_items(fields, buffers, depth)),
    "dict": _unpack_dict,
    "tensor": _unpack_tensor,
    "quantized": _unpack_quantized,
    "array": _unpack_array,
    "number": _unpack_number,
    "bytes": _unpack_bytes,
    "handle": _unpack_handle,
    "other": _unpack_opaque,
}


def replace_instances(value: Any, kind: type, change: Callable[[Any], Any]) -> Any:
    """The value with every instance of a type replaced by `change` of it, also in lists, tuples and dictionaries."""
    if isinstance(value, kind):
        return change(value)
    if type(value) in (list, tuple):
        return type(value)(replace_instances(item, kind, change) for item in value)
    if type(value) is dict:
        return {key: replace_instances(item, kind, change) for key, item in value.items()}
    return value
