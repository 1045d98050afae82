"""What can cross between the judge and a student's process: plain typed data of limited size, never pickle.

As JSON data, in which values of other types than JSON's are lists that begin with their type's name; the bytes of
tensors and arrays stand beside it. Whoever unpacks checks everything: a student's process may send what it likes.
"""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

LARGEST_MESSAGE = 64 * 2**20  # bytes of all tensors and arrays in a message
MOST_BUFFERS = 16 * 1024
MOST_NAMES = 1024  # of handles, and of values that cannot cross
DEEPEST = 40
LONGEST_INTEGER = 4096  # bits
MOST_DIMENSIONS = 32

DTYPES = {str(dtype).removeprefix("torch."): dtype for dtype in vars(torch).values() if isinstance(dtype, torch.dtype)}
QUANTIZED = {torch.qint8: torch.int8, torch.quint8: torch.uint8, torch.qint32: torch.int32}
PLAIN_DTYPES = {name: dtype for name, dtype in DTYPES.items() if not name.startswith(("q", "bits"))}
ARRAY_DTYPE = re.compile("[<>|][biufc][0-9]{1,2}")


class WireError(Exception):
    """What came or should go is not plain typed data within the limits; the message says what is wrong with it."""


@dataclass(frozen=True)
class Handle:
    """A function, class or other object that stays in the student's process; here it is only a name for it.

    Attributes:
        number: by which the student's process finds it again.
        kind: "function", "class", "module" (of torch) or "object".
        type_name: of its type there.
    """

    number: int
    kind: str
    type_name: str


class Opaque:
    """Stands for a value that cannot cross; the name of its class is the name of the value's type."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Parts:
    """What lies behind a message's text: the bytes of its tensors and arrays; and how many names stand in the text.

    Whoever reads makes a type for each name, and takes the bytes of each value once: a short message stays small.
    """

    def __init__(self, buffers: Iterable[bytes] = ()):
        self.buffers: list[bytes | None] = list(buffers)
        self._size = 0
        self._names = 0

    def add(self, data: bytes) -> int:
        """Their place."""
        if len(self.buffers) >= MOST_BUFFERS:
            raise WireError(f"it holds more than {MOST_BUFFERS} tensors and arrays")
        self._size += len(data)
        if self._size > LARGEST_MESSAGE:
            raise WireError(f"it is larger than {LARGEST_MESSAGE // 2**20} MB")
        self.buffers.append(data)
        return len(self.buffers) - 1

    def take(self, place: Any) -> bytes:
        """The bytes at a place, which are not there any more."""
        data = self.buffers[place] if type(place) is int and place >= 0 else None
        if data is None:
            raise WireError("a value has no bytes of its own")
        self.buffers[place] = None
        return data

    def name(self) -> None:
        """Count a name."""
        self._names += 1
        if self._names > MOST_NAMES:
            raise WireError(f"it holds more than {MOST_NAMES} functions, classes and other objects")


Keep = Callable[[Any], Handle | None]


def no_handle(value: Any) -> Handle | None:
    """Keep nothing: for a side that hands out no handles."""
    return None


def pack(value: Any, parts: Parts, keep: Keep = no_handle, depth: int = 0) -> Any:
    """A value as JSON data; bytes of tensors and arrays are added to `parts`.

    Args:
        keep: gives a handle for what stays on this side.

    Raises:
        WireError: nested too deeply (or within itself), or an integer that is too long.
    """
    if depth > DEEPEST:
        raise WireError("it is nested too deeply")
    if value is None or type(value) in (bool, float, str):
        return value
    if isinstance(value, str):
        return _other(type(value).__name__, parts)
    if type(value) is bytes:
        return ["bytes", parts.add(value)]
    if isinstance(value, Tensor):
        return _pack_tensor(value, parts)
    if isinstance(value, np.ndarray | np.generic):
        return _pack_array(value, parts)
    if isinstance(value, Integral):
        return _whole(int(value))
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, list | tuple):
        name = "list" if isinstance(value, list) else "tuple"
        return [name, *(pack(item, parts, keep, depth + 1) for item in value)]
    if isinstance(value, dict):
        items = value.items()
        return ["dict", *([pack(k, parts, keep, depth + 1), pack(v, parts, keep, depth + 1)] for k, v in items)]
    handle = value if isinstance(value, Handle) else keep(value)
    if handle is not None:
        parts.name()
        return ["handle", handle.number, handle.kind, handle.type_name]
    return _other(type(value).__name__, parts)


def _other(name: str, parts: Parts) -> list[str]:
    parts.name()
    return ["other", name]


def _whole(value: int) -> int:
    if value.bit_length() > LONGEST_INTEGER:
        raise WireError(f"an integer has {value.bit_length()} bits")
    return value


def _pack_tensor(value: Tensor, parts: Parts) -> list[Any]:
    tensor = value.detach()
    if tensor.layout != torch.strided or tensor.device.type == "meta":
        return _other(f"{tensor.layout} tensor", parts)
    if tensor.numel() * tensor.element_size() > LARGEST_MESSAGE:
        raise WireError(f"a tensor of shape {tuple(tensor.shape)} is larger than {LARGEST_MESSAGE // 2**20} MB")
    tensor = tensor.cpu()
    if tensor.is_quantized:
        return _pack_quantized(tensor, parts)
    flat = tensor.resolve_conj().resolve_neg().contiguous().reshape(-1)
    name = str(tensor.dtype).removeprefix("torch.")
    return ["tensor", name, list(tensor.shape), parts.add(flat.view(torch.uint8).numpy().tobytes())]


def _pack_quantized(tensor: Tensor, parts: Parts) -> list[Any]:
    codes = _pack_tensor(tensor.int_repr(), parts)
    if tensor.qscheme() == torch.per_tensor_affine:
        return ["quantized", codes, tensor.q_scale(), tensor.q_zero_point()]
    scales = _pack_tensor(tensor.q_per_channel_scales(), parts)
    points = _pack_tensor(tensor.q_per_channel_zero_points(), parts)
    return ["quantized", codes, scales, points, tensor.q_per_channel_axis()]


def _pack_array(value: "np.ndarray[Any, Any] | np.generic", parts: Parts) -> list[Any]:
    array = np.asarray(value)
    # Packages add types of their own, whose names numpy alone does not know.
    if not ARRAY_DTYPE.fullmatch(array.dtype.str) or np.dtype(array.dtype.str) != array.dtype:
        return _other(f"array of {array.dtype}", parts)
    if array.nbytes > LARGEST_MESSAGE:
        raise WireError(f"an array of shape {array.shape} is larger than {LARGEST_MESSAGE // 2**20} MB")
    kind = "array" if isinstance(value, np.ndarray) else "number"
    return [kind, array.dtype.str, list(array.shape), parts.add(array.tobytes())]


def unpack(data: Any, parts: Parts, depth: int = 0) -> Any:
    """The value that `pack` made this of.

    Raises:
        WireError: it is nothing that `pack` would make.
    """
    if depth > DEEPEST + 1:
        raise WireError("a value is nested too deeply")
    if data is None or isinstance(data, bool | float):
        return data
    if isinstance(data, int):
        return _whole(data)
    if isinstance(data, str):
        return clean(data)
    if not isinstance(data, list):
        raise WireError("a value is not what it says it is")
    try:
        kind, *rest = data
        return UNPACK[kind](rest, parts, depth + 1)
    except WireError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, RuntimeError, OverflowError, AttributeError) as error:
        raise WireError("a value is not what it says it is") from error


def clean(text: str) -> str:
    """Text that can be written down: halves of surrogate pairs cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _items(rest: list[Any], parts: Parts, depth: int) -> list[Any]:
    return [unpack(item, parts, depth) for item in rest]


def _unpack_dict(rest: list[Any], parts: Parts, depth: int) -> dict[Any, Any]:
    return {unpack(key, parts, depth): unpack(value, parts, depth) for key, value in rest}


def _shape(shape: Any) -> list[int]:
    if len(shape) > MOST_DIMENSIONS or not all(type(n) is int and 0 <= n <= LARGEST_MESSAGE for n in shape):
        raise WireError("a shape is not one")
    return list(shape)


def _unpack_tensor(rest: list[Any], parts: Parts, depth: int) -> Tensor:
    name, shape, place = rest
    dtype, shape, data = PLAIN_DTYPES[name], _shape(shape), parts.take(place)
    if len(data) != math.prod(shape) * dtype.itemsize:
        raise WireError("a tensor has not as many bytes as its shape and dtype say")
    if not data:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(data), dtype=torch.uint8).view(dtype).reshape(shape)


def _unpack_quantized(rest: list[Any], parts: Parts, depth: int) -> Tensor:
    codes, scale, zero_point = (unpack(item, parts, depth) for item in rest[:3])
    if codes.dtype not in QUANTIZED.values():
        raise WireError("a quantized tensor has codes of another type")
    if len(rest) == 3:
        return torch._make_per_tensor_quantized_tensor(codes, float(scale), int(zero_point))
    (axis,) = rest[3:]
    if not (0 <= axis < codes.dim()) or scale.shape != zero_point.shape or scale.shape != codes.shape[axis : axis + 1]:
        raise WireError("a quantized tensor has not one scale a channel")
    made: Tensor = torch._make_per_channel_quantized_tensor(codes, scale.double(), zero_point.long(), axis)
    return made


def _unpack_array(rest: list[Any], parts: Parts, depth: int) -> "np.ndarray[Any, Any]":
    name, shape, place = rest
    if not isinstance(name, str) or not ARRAY_DTYPE.fullmatch(name):
        raise WireError("an array has a dtype that cannot cross")
    return np.frombuffer(bytearray(parts.take(place)), dtype=np.dtype(name)).reshape(_shape(shape))


def _unpack_number(rest: list[Any], parts: Parts, depth: int) -> Any:
    return _unpack_array(rest, parts, depth)[()]


def _unpack_handle(rest: list[Any], parts: Parts, depth: int) -> Handle:
    number, kind, type_name = rest
    parts.name()
    if type(number) is not int or not isinstance(kind, str) or not isinstance(type_name, str):
        raise WireError("a handle is not one")
    return Handle(number, clean(kind)[:40], clean(type_name)[:80])


def _unpack_other(rest: list[Any], parts: Parts, depth: int) -> Any:
    (name,) = rest
    parts.name()
    return type(clean(name)[:80].replace("\0", ""), (Opaque,), {})()


def _unpack_bytes(rest: list[Any], parts: Parts, depth: int) -> bytes:
    (place,) = rest
    return parts.take(place)


UNPACK: dict[str, Callable[[list[Any], Parts, int], Any]] = {
    "list": _items,
    "tuple": lambda rest, parts, depth: tuple(_items(rest, parts, depth)),
    "dict": _unpack_dict,
    "tensor": _unpack_tensor,
    "quantized": _unpack_quantized,
    "array": _unpack_array,
    "number": _unpack_number,
    "bytes": _unpack_bytes,
    "handle": _unpack_handle,
    "other": _unpack_other,
}


def replaced(value: Any, kind: type, change: Callable[[Any], Any]) -> Any:
    """The value with whatever is of a kind changed, in lists, tuples and dictionaries too."""
    if isinstance(value, kind):
        return change(value)
    if type(value) in (list, tuple):
        return type(value)(replaced(item, kind, change) for item in value)
    if type(value) is dict:
        return {key: replaced(item, kind, change) for key, item in value.items()}
    return value
