"""The engines capped to AVX2 in a process of its own: pairs of products saturate, as on an older CPU.

But for fbgemm's kernels for small groups, which heed no cap: they saturate only where the CPU has no VNNI.
"""

import json
import os
import subprocess
import sys

import pytest

from qlab import engines
from qlab.engines import pytorch
from tests.conftest import REPOSITORY
from tests.qlab.engines.test_torch_engines import measured

CAPS = {"FBGEMM_ENABLE_INSTRUCTIONS": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2", "OMP_NUM_THREADS": "1"}

SCRIPT = """
import json, torch
from qlab import engines
from qlab.arithmetic import accumulator, byte_products
from qlab.engines import pytorch
from tests.qlab.engines.layers import KINDS, drawn

report = {"cpu": str(engines.Cpu.here()), "int_mm": byte_products.int_mm_is_right(), "engines": {}}
for engine in pytorch.available():
    total = exact = 0
    generator = torch.Generator().manual_seed(5)
    for kind in KINDS:
        layer, x = drawn(kind, generator, outputs=20_000)
        total += engines.compare(engine, layer, x).mismatches
        codes = pytorch.quantize_input(x, layer.input_scale, layer.input_zero_point)
        reference = engines.reference_for(engine, layer)
        exact += int((engines.run(engine, layer, x) != reference.output_codes(layer, layer.accumulator(codes))).sum())
    verification = engines.verify(engine)
    report["engines"][engine] = [total, exact, verification.established, str(verification)]
x = torch.full((64, 512), 255, dtype=torch.uint8)  # so many that int8 instructions would be chosen
w = torch.full((64, 512), 127, dtype=torch.int8)
report["exact"] = accumulator.linear_accumulator(x, w).unique().tolist()
print(json.dumps(report))
"""


@pytest.fixture(scope="module")
def capped():
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=REPOSITORY,
        env={**os.environ, **CAPS, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    return json.loads(process.stdout.splitlines()[-1])


@pytest.mark.slow
def test_the_cap_is_reported(capped):
    assert "fbgemm capped to AVX2" in capped["cpu"] and "oneDNN capped to AVX2" in capped["cpu"]


@pytest.mark.skipif(not engines.Cpu.here().x86, reason="rules are measured on x86 only")
@pytest.mark.parametrize("engine", pytorch.available())
@pytest.mark.slow
def test_saturating_engines_equal_their_model(capped, engine):
    mismatches, beside_exact, established, message = capped["engines"][engine]
    if not established and not measured(engines.Cpu.here()):
        pytest.skip(f"{mismatches} outputs differ; {message}")
    assert mismatches == 0 and established, message
    # That the cap took hold shows: sums that saturate are not the exact ones. qnnpack adds in 32 bits everywhere.
    assert (beside_exact > 1000) == (engine != "qnnpack")


def test_the_exact_accumulator_stays_exact(capped):
    assert capped["exact"] == [512 * 255 * 127]


@pytest.mark.skipif(not engines.Cpu.here().vnni, reason="without VNNI there is nothing to take away")
def test_a_capped_int_mm_is_detected(capped):
    assert not capped["int_mm"]
