"""The wire: plain values arrive as they were sent, others are reported, and no bytes can do more than fail."""

import itertools
import json
import math
import operator
import resource
import socket
import struct
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch._subclasses import FakeTensorMode

from autograder.grade import codec, wire
from autograder.grade.codec import Buffers, Handle, Opaque, WireError, pack, unpack
from autograder.grade.wire import Channel, ChannelClosedError, ChannelTimeoutError

pytestmark = pytest.mark.filterwarnings("ignore:ComplexHalf", "ignore:torch.quantize_per")


def crossed(value, make_handle=codec.no_handle):
    """The value after a trip over a socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = threading.Thread(target=lambda: Channel(ours).send_encoded(wire.encode({"value": value}, make_handle)))
        sender.start()
        try:
            return Channel(theirs).receive(10)["value"]
        finally:
            sender.join()


def bits(tensor):
    """The tensor's elements as bytes, in order."""
    seen = tensor.detach().resolve_conj().resolve_neg()
    memory, size = bytes(seen.untyped_storage()), seen.element_size()
    indices = itertools.product(*map(range, seen.shape))
    places = [seen.storage_offset() + sum(map(operator.mul, index, seen.stride())) for index in indices]
    return b"".join(memory[place * size : (place + 1) * size] for place in places)


def same(a, b):
    """Whether two plain values are of the same type and bits all the way down."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b) or (math.isnan(a) and math.isnan(b))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a.items(), b.items(), strict=True))
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and a.shape == b.shape and bits(a) == bits(b)
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return a == b


# Plain values ---------------------------------------------------------------------------------------------------------

whole = st.integers(-(2**codec.MAX_INTEGER_BITS) + 1, 2**codec.MAX_INTEGER_BITS - 1)
leaves = st.none() | st.booleans() | whole | st.floats() | st.text() | st.binary(max_size=50)
keys = st.none() | st.booleans() | st.integers() | st.text() | st.tuples(st.integers(), st.text())
plain = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner),
    max_leaves=20,
)


@given(plain)
@example([0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 2**4096 - 1, -(2**4096 - 1), b"", "", (), [], {}])
@example({True: 1, 0: 2, None: 3, (1, ("a",)): 4, 2.5: 5, b"k": 6})
@example(["list", ["tuple", 1], ["tensor", "float32", [2], 0]])  # lists that look like encoded values
def test_plain_values_arrive_as_they_were_sent(value):
    assert same(crossed(value), value)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\udc80\udcff"])
def test_half_a_surrogate_pair_arrives_as_valid_text(text):
    came = crossed([text, {text: 1}])
    assert came[0] == text.encode("utf-8", "replace").decode() and "\ud800" not in came[1]
    json.dumps(came[0], ensure_ascii=False).encode()


def test_numbers_of_other_types_arrive_as_pythons():
    import enum

    class Colour(enum.IntEnum):
        RED = 3

    assert same(crossed([Colour.RED, Fraction(1, 4), Decimal("12.5")]), [3, 0.25, 12.5])
    assert same(crossed(OrderedDict(a=1)), {"a": 1})


# Arrays and numpy's numbers -------------------------------------------------------------------------------------------

kinds = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?"),
    hnp.complex_number_dtypes(endianness="?"),
)


@given(kinds.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_side=4))))
def test_arrays_of_every_kind(array):
    assert same(crossed(array), array)


@given(kinds.flatmap(lambda dtype: hnp.arrays(dtype, ())))
def test_numpy_scalars_of_every_kind(array):
    number = array[()]
    assert same(crossed(number), number)


@pytest.mark.parametrize("dtype", [np.longdouble, np.clongdouble])
def test_numpys_longest_floats(dtype):
    array = np.array([1, 2], dtype) / 3
    came = crossed(array)
    assert came.dtype == array.dtype and (came == array).all()  # their bytes contain padding


def test_views_of_arrays_and_their_subclasses():
    array = np.arange(24).reshape(2, 3, 4)
    for view in (array[:, ::-2], array.T, np.asfortranarray(array), np.broadcast_to(array[0], (5, 3, 4))):
        assert same(crossed(view), np.ascontiguousarray(view))
    assert crossed(array).flags.writeable


@pytest.mark.parametrize(
    "array", [np.array(["a"]), np.array([None]), np.array([1], "m8[s]"), np.zeros(2, [("a", "i4")]), np.array([b"a"])]
)
def test_arrays_without_numbers_become_opaque_with_their_dtype(array):
    assert type(crossed(array)).__name__ == f"array of {array.dtype}"


def test_arrays_of_a_packages_own_dtype_become_opaque():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for dtype in (ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.int4):
        assert isinstance(crossed(np.zeros(3, dtype)), Opaque)


# Tensors --------------------------------------------------------------------------------------------------------------


def random_tensor(dtype, shape):
    """A tensor of any dtype with random bits."""
    size = math.prod(shape) * dtype.itemsize
    data = torch.randint(0, 256, (size,), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    data = data % 2 if dtype == torch.bool else data
    return torch.empty(shape, dtype=dtype) if not size else data.view(dtype).reshape(shape)


ALL_DTYPES = sorted(codec.PLAIN_DTYPES)


def test_all_dtypes_are_tested():
    assert {"bool", "bfloat16", "uint16", "uint32", "uint64", "complex32", "float8_e4m3fn"} <= set(ALL_DTYPES)


@pytest.mark.parametrize("shape", [(), (3,), (2, 0, 3), (2, 3, 4)])
@pytest.mark.parametrize("name", ALL_DTYPES)
def test_tensors_of_every_dtype(name, shape):
    tensor = random_tensor(codec.PLAIN_DTYPES[name], shape)
    assert same(crossed(tensor), tensor)


@pytest.mark.parametrize("change", [lambda t: t.t(), lambda t: t[::2, 1::2], lambda t: t[:1].expand(7, -1)])
@pytest.mark.parametrize("name", ["bool", "int64", "bfloat16", "float8_e5m2", "complex64"])
def test_views_arrive_as_what_they_show(name, change):
    view = change(random_tensor(codec.PLAIN_DTYPES[name], (4, 6)))
    assert crossed(view).is_contiguous() and same(crossed(view), view.clone())


@st.composite
def views(draw):
    """Tensors of any dtype and strides, of which torch calls some contiguous that are not."""
    dtype = codec.PLAIN_DTYPES[draw(st.sampled_from(ALL_DTYPES))]
    shape = draw(st.lists(st.sampled_from([0, 1, 1, 2, 5]), max_size=4))
    view = random_tensor(dtype, shape).permute(draw(st.permutations(range(len(shape)))))
    for axis, size in enumerate(view.shape):
        first, step = draw(st.integers(0, size)), draw(st.integers(1, 3))
        view = view[(slice(None),) * axis + (slice(first, draw(st.integers(0, size)), step),)]
    ones = [draw(st.sampled_from([1, 3])) if size == 1 else size for size in view.shape]
    return view.expand(ones)


@given(views())
@settings(max_examples=400)
def test_tensors_of_any_strides_arrive_as_what_they_show(view):
    assert same(crossed(view), view)


def test_a_single_element_with_a_stride_arrives():
    # torch calls it contiguous, so nothing copied it, and its bytes were read with the stride of another shape.
    view = torch.arange(15.0).reshape(1, 3, 5).permute(0, 2, 1)[:, :1, :1]
    assert view.is_contiguous() and view.numel() == 1 and crossed(view).tolist() == [[[0.0]]]
    assert crossed(torch.arange(10.0)[::5][1:]).tolist() == [5.0]


def freed():
    tensor = torch.ones(3)
    tensor.untyped_storage().resize_(0)
    return tensor


def fake():
    with FakeTensorMode():
        return torch.ones(3)


def with_float_zero_points(dtype):
    scales, points = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.5, 0.25, 0.0])
    return torch.quantize_per_channel(torch.ones(3, 4), scales, points, 0, dtype)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (freed, "tensor without memory"),
        (fake, "tensor without memory"),
        (lambda: torch.ones(3, device="meta"), "tensor without memory"),
        (lambda: torch._efficientzerotensor(3), "tensor without memory"),
        (lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), "tensor without memory"),
        (lambda: torch.empty(3, dtype=torch.qint8), "tensor without memory"),
        (lambda: torch.empty(3, dtype=torch.bits8), "tensor of bits8"),
        (lambda: with_float_zero_points(torch.quint8), "tensor of quint8"),
        (lambda: with_float_zero_points(torch.quint4x2), "tensor of quint4x2"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_tensors_that_cannot_cross_become_opaque_and_say_what_they_are(make, name):
    assert type(crossed(make())).__name__ == name


def test_tensors_inside_a_function_transform_become_opaque():
    packed = []
    torch.func.vmap(lambda x: (packed.append(pack(x, Buffers())), x)[1])(torch.ones(2, 3))
    assert packed == [["other", "tensor without memory"]]


@pytest.mark.parametrize("shape", [(0, 2**40), (2**40, 0), (1,) * 33])
def test_shapes_that_the_judge_refuses_are_refused_before_they_are_sent(shape):
    with pytest.raises(WireError, match="a tensor of shape"):
        wire.encode({"value": torch.empty(shape)})


def test_conjugate_and_negative_views_arrive_as_what_they_show():
    x = torch.tensor([1 + 2j, -3 - 4j])
    assert x.conj().is_conj() and crossed(x.conj()).tolist() == [1 - 2j, -3 + 4j]
    negative = x.conj().imag
    assert negative.is_neg() and crossed(negative).tolist() == [-2.0, 4.0]


def test_tensors_arrive_without_gradients_and_share_no_memory():
    x = torch.ones(3, requires_grad=True)
    came = crossed([x, torch.nn.Parameter(x * 2), x * 3])
    assert not any(tensor.requires_grad for tensor in came) and [type(t) for t in came] == [torch.Tensor] * 3
    came[0] += 1  # a check may change what it receives
    assert x.tolist() == [1, 1, 1]


@pytest.mark.parametrize("dtype", [torch.qint8, torch.quint8, torch.qint32])
def test_tensors_quantized_per_tensor(dtype):
    tensor = torch.quantize_per_tensor(torch.randn(3, 4), 0.1, 3, dtype)
    came = crossed(tensor)
    assert came.dtype == dtype and came.qscheme() == tensor.qscheme()
    assert (came.q_scale(), came.q_zero_point()) == (tensor.q_scale(), tensor.q_zero_point())
    assert torch.equal(came.int_repr(), tensor.int_repr())


@pytest.mark.parametrize("axis", [0, 1])
def test_tensors_quantized_per_channel(axis):
    scales, points = torch.tensor([0.1, 0.2, 1e-3], dtype=torch.float64), torch.tensor([0, -3, 7])
    tensor = torch.quantize_per_channel(torch.randn(3, 3, 2), scales, points, axis, torch.qint8)
    came = crossed(tensor)
    assert came.qscheme() == torch.per_channel_affine and came.q_per_channel_axis() == axis
    assert torch.equal(came.q_per_channel_scales(), scales) and torch.equal(came.q_per_channel_zero_points(), points)
    assert torch.equal(came.int_repr(), tensor.int_repr())


# What does not cross --------------------------------------------------------------------------------------------------


class StudentsClass:
    pass


class Text(str):
    pass


@pytest.mark.parametrize(
    "value", [StudentsClass(), {1, 2}, range(3), print, StudentsClass, Text("a"), 1 + 2j, iter(())]
)
def test_values_that_cannot_cross_become_opaque_with_their_type(value):
    came = crossed([value])[0]
    assert isinstance(came, Opaque) and type(came).__name__ == type(value).__name__


def test_tensors_without_dense_elements_become_opaque_with_their_layout():
    assert "sparse" in type(crossed(torch.eye(3).to_sparse())).__name__
    assert "tensor" in type(crossed(torch.empty(3, device="meta"))).__name__


def test_objects_that_stay_become_handles():
    came = crossed([print, 1], lambda value: Handle(7, "function", "builtin"))
    assert came == [Handle(7, "function", "builtin"), 1]
    assert crossed(came[0]) == came[0]


def within_itself():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (within_itself(), "nested too deeply"),
        (2**5000, "5001 bits"),
        (torch.empty(1, dtype=torch.uint8).expand(2**26 + 1), "larger than 64 MB"),
        (np.broadcast_to(np.uint8(1), (2**26 + 1,)), "larger than 64 MB"),
        ([bytes(2**25), bytes(2**25), b"1"], "larger than 64 MB"),
        ([1.5] * 2_000_000, "4 MB of numbers and text"),
        ([np.int8(1)] * (codec.MAX_BUFFERS + 1), "tensors and arrays"),
        ([StudentsClass()] * (codec.MAX_NAMES + 1), "objects"),
    ],
)
def test_values_that_are_too_large_are_an_error(value, message):
    with pytest.raises(WireError, match=message):
        wire.encode({"value": value})


def test_a_list_of_many_single_numbers_crosses():
    # A loop over an image makes one tensor per pixel.
    assert len(crossed([torch.tensor(float(i)) for i in range(7840)])) == 7840


# What a hostile process may send --------------------------------------------------------------------------------------


def frame(text, buffers=(), length=None, sizes=None, count=None):
    """A frame as a process may send it: every length in its head can be a lie."""
    text = text if isinstance(text, bytes) else json.dumps(text).encode()
    sizes = [len(buffer) for buffer in buffers] if sizes is None else sizes
    head = wire.HEAD.pack(len(text) if length is None else length, len(sizes) if count is None else count)
    return head + b"".join(map(wire.LENGTH.pack, sizes)) + text + b"".join(buffers)


def received(data, seconds=2.0):
    """The message in these bytes, after which the process closes the connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:

        def send():
            with suppress(OSError):  # the reader may stop before the end
                theirs.sendall(data)
                theirs.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        try:
            return Channel(ours).receive(seconds)
        finally:
            ours.close()
            sender.join()


LIES = {
    "dtype that is none": ["tensor", "float33", [1], 0],
    "dtype that is another attribute": ["tensor", "nn", [1], 0],
    "quantized dtype": ["tensor", "qint8", [4], 0],
    "shape too large": ["tensor", "float32", [2], 0],
    "shape too small": ["tensor", "float16", [], 0],
    "shape negative": ["tensor", "float32", [-1], 0],
    "shape negative twice": ["tensor", "float32", [-1, -1], 0],
    "shape of truth values": ["tensor", "float32", [True], 0],
    "shape of floats": ["tensor", "float32", [1.0], 0],
    "shape huge": ["tensor", "float32", [2**62, 2**62], 0],
    "shape beyond 64 bits": ["tensor", "float32", [2**70], 0],
    "shape of many dimensions": ["tensor", "uint8", [1] * 200 + [4], 0],
    "shape no list": ["tensor", "float32", 1, 0],
    "shape a text": ["tensor", "float32", "1", 0],
    "bytes not there": ["tensor", "float32", [1], 5],
    "bytes from the end": ["tensor", "float32", [1], -1],
    "bytes by a text": ["tensor", "float32", [1], "0"],
    "bytes by a truth value": ["tensor", "float32", [1], False],
    "array of objects": ["array", "|O", [1], 0],
    "array of records": ["array", "f4,f4", [1], 0],
    "array of what is evaluated": ["array", "(1 2)f4", [1], 0],
    "array of text": ["array", "<U1", [1], 0],
    "array of odd width": ["array", "<f3", [1], 0],
    "array of no width": ["array", "<f0", [1], 0],
    "array of a time": ["array", "<M8[s]", [1], 0],
    "array with a negative side": ["array", "<f4", [-1], 0],
    "array with too many sides": ["array", "<f4", [1] * 65, 0],
    "array that is no multiple": ["array", "<f8", [1], 0],
    "array's dtype a list": ["array", ["<f4"], [1], 0],
    "kind that is none": ["pickle", "abc"],
    "kind a list": [["list"], 1],
    "kind null": [None],
    "no kind": [],
    "an object": {"list": 1},
    "handle with a text for number": ["handle", "1", "function", "f"],
    "handle with a list for kind": ["handle", 1, [], "f"],
    "handle too short": ["handle", 1],
    "other with a number": ["other", 5],
    "other with nothing": ["other"],
    "bytes of nothing": ["bytes"],
    "bytes too long": ["bytes", 0, 0],
    "key that is a list": ["dict", [["list"], 1]],
    "key that is a dictionary": ["dict", [["dict"], 1]],
    "pair of three": ["dict", [1, 2, 3]],
    "pair a number": ["dict", 1],
    "quantized out of numbers": ["quantized", 1, 1.0, 0],
    "quantized out of arrays": ["quantized", ["array", "<i4", [1], 0], 1.0, 0],
    "quantized out of floats": ["quantized", ["tensor", "float32", [1], 0], 1.0, 0],
    "quantized with a text": ["quantized", ["tensor", "int32", [1], 0], "x", 0],
    "quantized with a huge zero-point": ["quantized", ["tensor", "int32", [1], 0], 1.0, 2**100],
    "quantized with nan": ["quantized", ["tensor", "int32", [1], 0], 1.0, math.nan],
    "quantized on no axis": ["quantized", ["tensor", "int32", [1], 0], 1.0, 0, 5],
    "quantized on a wrong axis": ["quantized", ["tensor", "int8", [4], 0], ["tensor", "float64", [0], 1], 0, 7],
    "an integer too long": 2**5000,
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_value_is_an_error(lie):
    with pytest.raises(WireError):
        received(frame({"value": LIES[lie]}, [bytes(4)]))


@pytest.mark.parametrize(
    "data",
    [
        frame([1, 2]),
        frame("text"),
        frame(b"null"),
        frame(b"{"),
        frame(b"\xff\xfe{}"),
        frame(b"[" * 100_000),
        frame(b'{"a":' * 100_000),
        frame(b'{"a": ' + b"9" * 100_000 + b"}"),
        frame({"a": ["list"]}, length=2**32 - 1),
        frame({}, count=2**32 - 1),
        frame({}, sizes=[2**64 - 1]),
        frame({}, sizes=[2**63, 2**63]),
        frame({}, sizes=[2**25] * 3),
        frame({"a": json.loads("[" * 60 + "1" + "]" * 60)}),
    ],
)
def test_a_lying_frame_is_an_error(data):
    with pytest.raises(WireError):
        received(data)


@pytest.mark.parametrize("nested", ["list", "tuple", "dict"])
def test_deep_nesting_is_an_error(nested):
    value = 1
    for _ in range(200):
        value = ["dict", [1, value]] if nested == "dict" else [nested, value]
    with pytest.raises(WireError):
        received(frame({"value": value}))


@pytest.mark.parametrize("cut", range(0, 40, 3))
def test_a_message_cut_short_closes_the_channel(cut):
    whole = frame({"value": ["tensor", "float32", [2], 0]}, [bytes(8)])
    with pytest.raises(ChannelClosedError):
        received(whole[:cut])


def test_a_message_that_never_ends_times_out():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(frame({"a": 1})[:-1])
        started = time.monotonic()
        with pytest.raises(ChannelTimeoutError):
            Channel(ours).receive(0.2)
        assert time.monotonic() - started < 2


def test_a_message_that_drips_times_out():
    ours, theirs = socket.socketpair()
    stop = threading.Event()

    def drip():
        while not stop.wait(0.02):
            theirs.send(b"\0")

    with ours, theirs:
        dripping = threading.Thread(target=drip)
        theirs.sendall(wire.HEAD.pack(10_000, 0))
        dripping.start()
        try:
            with pytest.raises(ChannelTimeoutError):
                Channel(ours).receive(0.3)
        finally:
            stop.set()
            dripping.join()


def test_a_reader_that_does_not_read_does_not_block_the_sender():
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(ChannelTimeoutError):
        Channel(ours).send({"value": torch.zeros(2**22)}, 0.2)


def test_a_message_that_cannot_be_packed_sends_nothing():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with pytest.raises(WireError):
            Channel(ours).send({"value": within_itself()})
        Channel(ours).send({"value": 1})
        assert Channel(theirs).receive(1) == {"value": 1}


def test_keys_whose_hashes_are_alike_take_no_time():
    # Each would be compared with all before it: 40,000 of them took minutes.
    keys = [n * (2**61 - 1) for n in range(1, 40_000)]
    data = ["dict", *([key, 0] for key in keys)]
    started = time.process_time()
    with pytest.raises(WireError, match="keys with the same hash"):
        unpack(data, Buffers())
    assert time.process_time() - started < 5
    few = {n * (2**61 - 1): n for n in range(10)}
    assert crossed(few) == few


def test_a_buffer_can_only_be_used_once():
    # One array of 64 MB that a list refers to 100,000 times would take 6 TB.
    value = ["list", *(["array", "<f4", [1], 0] for _ in range(2))]
    with pytest.raises(WireError, match="bytes of its own"):
        received(frame({"value": value}, [bytes(4)]))


@pytest.mark.parametrize("named", [["other", "T{}"], ["handle", 0, "function", "T{}"]])
def test_the_number_of_types_per_message_is_limited(named):
    value = ["list", *([part.format(i) if isinstance(part, str) else part for part in named] for i in range(2000))]
    with pytest.raises(WireError, match="1024"):
        received(frame({"value": value}))


def test_a_text_full_of_small_values_takes_little_memory_and_time():
    bombs = [
        b"[" + b'["list"],' * 150_000 + b"1]",
        b'["list",' + b'["list"],' * 150_000 + b"1]",
        b"[" + b"{}," * 400_000,
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    for bomb in bombs:
        with pytest.raises(WireError):
            received(frame(b'{"value": ' + bomb + b', "x": ["tuple"}'), 10)
    received(frame(b'{"value": ' + bombs[1] + b"}"), 10)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600_000  # KB
    assert time.monotonic() - started < 15


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(["tensor", "float32", "<f4", "list", "quantized"])
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
        | st.tuples(st.sampled_from(sorted(codec.UNPACK)), st.lists(inner, max_size=4)).map(lambda p: [p[0], *p[1]])
    ),
    max_leaves=15,
)


@settings(max_examples=250)
@given(json_values, st.lists(st.binary(max_size=16), max_size=3))
def test_any_json_is_a_value_or_a_wire_error(data, buffers):
    try:
        value = unpack(data, Buffers(buffers))
    except WireError:
        return
    pack(value, Buffers())  # whatever unpacks can be packed


shapes = st.lists(st.sampled_from([0, 1, 2, 2**26, 2**40, -1, True]), max_size=6)


@settings(max_examples=300)
@given(st.sampled_from(["tensor", "array", "number"]), st.sampled_from([*ALL_DTYPES, "<f4", "|b1", ">c8"]), shapes)
def test_no_shape_makes_a_value_larger_than_what_was_sent(kind, dtype, shape):
    try:
        value = unpack([kind, dtype, shape, 0], Buffers([bytes(8)]))
    except WireError:
        return
    assert value.nbytes in (0, 8)


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_garbage_is_an_error(data):
    with pytest.raises((WireError, ChannelClosedError)):
        received(data, 1)


@settings(max_examples=200)
@given(st.data())
def test_a_message_with_a_few_wrong_bytes(data):
    value = {"a": [1, torch.ones(3), np.float32(2)], "b": ("x", b"yz", {1: None})}
    message = bytearray(wire.encode({"value": value}))
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    with suppress(WireError, ChannelClosedError):
        received(bytes(message), 1)
