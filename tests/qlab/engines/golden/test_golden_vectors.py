"""Golden vectors: the layers are the same everywhere, and every rule gives what its engine once gave."""

import functools
import hashlib
import lzma
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from qlab import engines
from qlab.arithmetic import output_stage
from qlab.engines import Cpu, Layer, litert, onnx_runtime
from qlab.engines.golden import KINDS, Recording, agreements, operations, record
from qlab.engines.golden.cases import LAYERS, OPERATIONS, OperationCase
from qlab.engines.golden.cases import draw as draw_case
from qlab.engines.golden.layers import FLAVORS, FORMS, SHAPES, draw, outputs, shape
from qlab.engines.golden.numbers import Numbers
from qlab.engines.golden.recording import offsets, versions
from qlab.engines.registry import BACKENDS
from qlab.engines.saturation import saturating_accumulator

FILES = sorted((Path(__file__).parent / "recordings").glob("*.xz"))
ENGINES = [name for backend in BACKENDS for name in backend.ENGINE_NAMES]
STEP = 29  # shares no factor with the numbers of forms, flavors and shapes: all of them have their turn
DIGESTS = {
    "linear": "9057ad8910b28947",
    "conv2d": "07a195b544191446",
    "grouped": "a08aa7e58ef9478d",
    "depthwise": "79d6c46d7d5ff7eb",
}
every_kind = pytest.mark.parametrize("kind", SHAPES)
# One process takes all recordings of a kind, one after the other: most of what rules compute is the same for each.
every_file_and_kind = pytest.mark.parametrize(
    ("file", "kind"),
    [
        pytest.param(file, kind, id=f"{kind}-{file.stem}", marks=pytest.mark.xdist_group(f"golden {kind}"))
        for kind in KINDS
        for file in FILES
    ],
)
recorded = functools.cache(Recording.read)
kept_case = functools.lru_cache(maxsize=max(KINDS.values()))(draw_case)


@pytest.fixture
def kept(monkeypatch):
    """Layers, and what rules have made of them, are kept for the next recording, which is of the same PyTorch."""
    assert len({recorded(file).versions["torch"] for file in FILES}) == 1, "a rule may differ from one to the next"
    monkeypatch.setattr("qlab.engines.golden.agreement.draw", kept_case)


@pytest.fixture(scope="module")
def avx2() -> Recording:
    return recorded(next(path for path in FILES if path.stem == "avx2"))


def flavored(flavor: str) -> list[int]:
    """The numbers of the layers of a flavor."""
    return [number for number in range(LAYERS) if list(FLAVORS)[number // FORMS % len(FLAVORS)] == flavor]


# The layers -----------------------------------------------------------------------------------------------------------


def test_the_random_numbers_are_splitmix64():
    # The first numbers for the seeds 0 and 1234567, as the authors' own program prints them.
    first = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC]
    assert Numbers(0).words(4).tolist() == first
    second = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    numbers = Numbers(1234567)
    assert [*numbers.words(2).tolist(), *numbers.words(3).tolist()] == second


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 255), (0, 2**32 - 1), (7, 7)])
def test_one_integer_is_the_next_of_many(low, high):
    one, many = Numbers(5), Numbers(5)
    drawn = [one.integer(low, high) for _ in range(200)]
    assert drawn == many.integers(low, high, (8, 25)).flatten().tolist()
    assert one.words(3).tolist() == many.words(3).tolist()
    assert low <= min(drawn) and max(drawn) <= high and (high - low > 300 or set(drawn) <= {*range(low, high + 1)})


def content(layer: Layer, x: torch.Tensor) -> bytes:
    scales = np.array(
        [layer.input_scale, *torch.as_tensor(layer.weight_scale).reshape(-1).tolist(), layer.output_scale]
    )
    bias = np.array([]) if layer.bias is None else layer.bias.numpy()
    zero_points = bytes([layer.input_zero_point, layer.output_zero_point, layer.relu])
    return b"".join(
        [layer.weights.numpy().tobytes(), scales.tobytes(), bias.tobytes(), zero_points, x.numpy().tobytes()]
    )


@every_kind
def test_the_layers_are_those_that_were_recorded(kind):
    digest = hashlib.sha256(b"".join(content(*draw(kind, number)) for number in range(0, LAYERS, STEP)))
    assert digest.hexdigest()[:16] == DIGESTS[kind]


@every_kind
def test_there_are_ten_thousand_cases(kind):
    assert sum(shape(kind, number)[0][0] for number in range(LAYERS)) >= 10_000


@every_kind
def test_scales_are_float32_and_outputs_are_as_many_as_said(kind):
    for number in range(0, LAYERS, STEP):
        layer, x = draw(kind, number)
        for scale in (layer.input_scale, layer.weight_scale, layer.output_scale):
            exact = torch.as_tensor(scale, dtype=torch.float64)
            assert torch.equal(exact.float().double(), exact)
        assert x.dtype == torch.float32 and engines.reference("litert", layer, x).numel() == outputs(kind, number)


@every_kind
def test_the_flavors_are_what_they_are_called(kind):
    ties, saturated, inside = [], [], []
    for number in range(0, LAYERS, STEP):
        layer, x = draw(kind, number)
        flavor = list(FLAVORS)[number // FORMS % len(FLAVORS)]
        codes = onnx_runtime.quantize(x, layer.input_scale, layer.input_zero_point)
        acc = layer.accumulator(codes)
        M = layer.input_scale * torch.as_tensor(layer.weight_scale, dtype=torch.float64) / layer.output_scale
        if flavor == "ties":
            ties.append((acc * M % 1 == 0.5).flatten())
        if flavor == "saturating":
            saturated.append((saturating_accumulator(layer, codes) != acc).flatten())
        inside.append(((acc * M).abs() < 200).flatten())
    assert torch.cat(ties).double().mean() > 0.1 and torch.cat(saturated).double().mean() > 0.3
    assert torch.cat(inside).double().mean() > 0.6


# The recordings -------------------------------------------------------------------------------------------------------


def test_the_files_are_small_and_every_engine_is_in_one():
    assert sum(path.stat().st_size for path in FILES) < 5e6
    recordings = [recorded(path) for path in FILES]
    assert {name for recording in recordings for name in recording.engines} == set(ENGINES)
    for recording in recordings:
        assert recording.counts == KINDS and set(recording.missing) | set(recording.engines) <= set(ENGINES)
        assert "torch" in recording.versions and recording.features[0]


@pytest.mark.usefixtures("kept")
@every_file_and_kind
def test_every_rule_gives_what_its_engine_gave(file, kind):
    found = agreements(recorded(file), kind, range(0, KINDS[kind], STEP))
    assert not [str(agreement) for agreement in found.values() if agreement.differ or not agreement.outputs]


@pytest.mark.slow
@pytest.mark.usefixtures("kept")
@every_file_and_kind
def test_every_rule_gives_all_that_its_engine_gave(file, kind):
    found = agreements(recorded(file), kind)
    assert not [str(agreement) for agreement in found.values() if agreement.differ]
    assert min(agreement.cases for agreement in found.values()) >= 10_000


def test_every_operation_was_recorded_wherever_it_is_offered(avx2):
    for kind in operations.KINDS:
        torchs_alone = kind == "adaptive average pool"
        assert avx2.offering(kind) == (ENGINES[:4] if torchs_alone else ENGINES)


# For each engine a rule that differs from its own in the last bits only.
PLANTED = {
    "fbgemm": output_stage.qnnpack,
    "qnnpack": onnx_runtime.onnxruntime_stage,
    "x86": onnx_runtime.onnxruntime_stage,
    "onednn": output_stage.fbgemm,
    "onnxruntime": output_stage.qnnpack,
    "litert": output_stage.qnnpack,
    "litert-optimized": litert.ties_up_of_product,
    "litert-reference": output_stage.double_rounding_ties_up,
}


@every_kind
def test_a_wrong_output_stage_shows(avx2, kind):
    def rules(engine, case, cpu):
        reference = case.rule(engine, cpu)
        # LiteRT's optimized linear layers follow the planted rule where they have one scale.
        stage = output_stage.fbgemm if reference.output_stage.name == PLANTED[engine].name else PLANTED[engine]
        return replace(reference, output_stage=stage)

    found = agreements(avx2, kind, flavored("near ties")[::2], rules=rules)
    assert not [str(agreement) for agreement in found.values() if not agreement.differ]


@every_kind
def test_sums_that_do_not_saturate_show(avx2, kind):
    def rules(engine, case, cpu):
        return replace(case.rule(engine, cpu), accumulate=Layer.accumulator)

    found = agreements(avx2, kind, flavored("saturating")[::4], rules=rules)
    saturating = {"fbgemm", "x86", "onnxruntime"} | ({"onednn"} if kind != "depthwise" else set())
    assert {name for name, agreement in found.items() if agreement.differ} == saturating


def test_a_file_is_held_to_the_rule_of_its_own_cpu(avx2):
    # Whatever this machine is: the same outputs, said to come from a CPU with VNNI, do not follow that CPU's rule.
    vnni = Cpu("x86_64", vnni=True, amx=False, avx512=True)
    found = agreements(replace(avx2, cpu=vnni, same={}), "linear", flavored("saturating")[::4])
    assert {name for name, agreement in found.items() if agreement.differ} == {"fbgemm", "x86", "onednn", "onnxruntime"}
    both = replace(avx2, same={"fbgemm": (vnni,)})
    assert agreements(both, "linear", flavored("saturating")[::4])["fbgemm"].differ == found["fbgemm"].differ


@every_file_and_kind
def test_engines_still_give_what_was_recorded(file, kind):
    # Where an engine of the recorded version runs on such a CPU: the generator and the file belong together.
    recording = recorded(file)
    names = [name for name in recording.offering(kind) if name in engines.available()]
    if Cpu.here() != recording.cpu or not versions(names).items() <= recording.versions.items():
        pytest.skip(f"recorded on {recording.cpu} with {recording.versions}")
    places = offsets(kind, KINDS[kind])
    for number in range(0, KINDS[kind], 3 * STEP):
        case = draw_case(kind, number)
        for name in names:
            codes = case.run(name).flatten().numpy()
            assert (codes == recording.codes[kind, name][places[number] : places[number + 1]]).all(), (name, number)


def test_a_recording_is_read_as_it_was_written(tmp_path):
    recording = record([engines.available()[0]], most=9)
    recording = replace(recording, same={recording.engines[0]: (recording.cpu,)})
    recording.write(tmp_path / "here.xz")
    read = Recording.read(tmp_path / "here.xz")
    assert replace(read, codes={}) == replace(recording, codes={})
    assert all((read.codes[key] == codes).all() for key, codes in recording.codes.items())
    assert (
        not agreements(read, "linear")[recording.engines[0]].differ
        or not engines.verify(recording.engines[0]).established
    )
    content = lzma.decompress((tmp_path / "here.xz").read_bytes())
    (tmp_path / "short.xz").write_bytes(lzma.compress(content[:-1]))
    with pytest.raises(
        ValueError, match="not a recording of this version's golden layers and operations: record it again"
    ):
        Recording.read(tmp_path / "short.xz")


def test_one_difference_is_counted_and_its_layer_named(avx2):
    key = ("linear", "fbgemm")
    codes = avx2.codes[key].copy()
    codes[offsets("linear", LAYERS)[58] + 3] ^= 1
    (planted,) = [
        a for a in agreements(replace(avx2, codes={**avx2.codes, key: codes}), "linear", [29, 58]).values() if a.differ
    ]
    assert planted.differ == 1 and planted.numbers == (58,)
    assert str(planted) == f"fbgemm, linear: 1 of {planted.outputs} recorded outputs differ; look at number 58"


# Operations -----------------------------------------------------------------------------------------------------------

OPERATION_DIGESTS = {
    "add": "6a5b4562be86f50f",
    "mul": "68ebdda5af059271",
    "concatenate": "9e2e4931744dbe5b",
    "clamp": "7a15d64443b20f51",
    "max pool": "f1d9968accb7f478",
    "average pool": "51a6e0b6099098cf",
    "global average pool": "d16d3c6f52872e5c",
    "adaptive average pool": "e67110dfc180e87d",
}


def operation_content(kind: str, number: int) -> bytes:
    operation, inputs = operations.draw(kind, number)
    grids = np.array([number for x in inputs for number in (x.scale, x.zero_point)], dtype=np.float64)
    return b"".join([repr(operation).encode(), grids.tobytes(), *(x.codes.numpy().tobytes() for x in inputs)])


@pytest.mark.parametrize("kind", operations.KINDS)
def test_the_operations_are_those_that_were_recorded(kind):
    digest = hashlib.sha256(b"".join(operation_content(kind, number) for number in range(0, OPERATIONS, STEP)))
    assert digest.hexdigest()[:16] == OPERATION_DIGESTS[kind]
    assert sum(operations.outputs(kind, number) for number in range(OPERATIONS)) >= 10_000


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["add", "mul", "concatenate", "average pool", "global average pool"])
def test_another_engines_rule_for_an_operation_shows(avx2, kind):
    # Of two other rules at least one, for some engines share their rule.
    differ = dict.fromkeys(avx2.offering(kind), 0)
    for planted in ("onnxruntime", "litert-reference"):

        def rules(engine, case, cpu, planted=planted):
            assert isinstance(case, OperationCase)
            return case.rule(planted, cpu)

        for engine, agreement in agreements(avx2, kind, rules=rules).items():
            differ[engine] += agreement.differ
    assert 0 not in differ.values(), differ
