"""PT2E beside FX: the same steps and scales, and almost the same codes; where torchao is missing, one sentence."""

import os
import re
import subprocess
import sys

import pytest
import torch
from torch import nn

from qlab import torch_flow as tq
from qlab.torch_flow import pt2e
from tests.conftest import REPOSITORY, missing


class Residual(nn.Module):
    """Convolution, batch norm, ReLU, a plain addition, a pool and a linear layer."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn, self.relu = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()
        self.conv2, self.pool, self.head = nn.Conv2d(8, 8, 3, padding=1), nn.MaxPool2d(2), nn.Linear(8 * 16, 10)

    def forward(self, x):
        x = self.pool(self.relu(self.bn(self.conv1(x))))
        return self.head((x + self.conv2(x)).flatten(1))


def model() -> nn.Module:
    torch.manual_seed(0)
    built = Residual()
    built(torch.randn(64, 3, 8, 8))  # gives batch norm its statistics
    return built.eval()


BATCHES = [torch.rand(16, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) for seed in range(3)]
FRESH = torch.rand(50, 3, 8, 8, generator=torch.Generator().manual_seed(9))


@pytest.fixture(scope="module")
def converted():
    if not pt2e.available():
        missing("pt2e", pt2e.INSTALL_HINT)
    return pt2e.convert(pt2e.calibrate(pt2e.prepare(model(), (BATCHES[0],), qmax=127), BATCHES))


@pytest.fixture(scope="module")
def by_fx():
    with tq.selected("fbgemm"):
        mapping = tq.QConfigMapping().set_global(tq.minmax_qconfig("fbgemm"))
        observed = tq.prepare_fx(model(), mapping, (BATCHES[0],))
        with torch.no_grad():
            for batch in BATCHES:
                observed(batch)
        return tq.convert_fx(observed)


def test_the_converted_model_is_close_to_fp32(converted):
    with torch.no_grad():
        expected = model()(FRESH)
    outputs = pt2e.run(converted, FRESH)  # another batch size than the one of tracing
    assert not outputs.requires_grad and not torch.equal(outputs, expected)
    torch.testing.assert_close(outputs, expected, atol=0.05 * expected.abs().max().item(), rtol=0)


def test_scales_are_those_of_fx_and_codes_differ_next_to_ties_only(converted, by_fx):
    found = {comparison.name: comparison for comparison in pt2e.compare(by_fx, converted, FRESH)}
    assert list(found) == ["x", "conv1", "pool", "flatten"]
    assert [comparison.same_scale for comparison in found.values()] == [True] * 4
    assert found["x"].differ == 0 and found["x"].outputs == FRESH.numel()
    # One layer behind equal codes: the engine's rule and the float sum disagree by one code in few places.
    assert found["conv1"].outputs == 50 * 8 * 64 and found["conv1"].largest <= 1
    assert found["conv1"].differ < found["conv1"].outputs / 1000


def test_codes_are_the_models_own(converted):
    codes = pt2e.codes(converted, FRESH)
    q_x = codes["x"]
    assert q_x.codes.dtype == torch.uint8 and int(q_x.codes.max()) <= 127
    assert (q_x.dequantize() - FRESH).abs().max() < 0.51 * q_x.scale + (FRESH.max() - 127 * q_x.scale).clamp(min=0)


def test_fx_quantizes_the_sum_and_the_last_layer_as_well(by_fx):
    codes = pt2e.codes(by_fx, FRESH)
    assert list(codes)[:3] == ["x", "conv1", "pool"] and {"conv2", "head"} <= set(codes)
    assert [name for name in codes if name.startswith("add")]
    head = by_fx.get_submodule("head")
    assert (codes["head"].scale, codes["head"].zero_point) == (head.scale, head.zero_point)


def test_a_difference_is_counted(by_fx):
    changed = FRESH.clone()
    changed[0] += 0.5
    ours, theirs = pt2e.codes(by_fx, FRESH), pt2e.codes(by_fx, changed)
    assert torch.equal(ours["x"].codes[1:], theirs["x"].codes[1:])
    assert not torch.equal(ours["x"].codes[0], theirs["x"].codes[0])
    assert [comparison.differ for comparison in pt2e.compare(by_fx, by_fx, FRESH)] == [0] * len(ours)


def test_codes_beyond_the_calibrated_range_are_counted_apart(converted, by_fx):
    black_and_white = (FRESH > 0.5).float() * FRESH.max()  # inside the input's range, but the sums are larger
    x, conv1, *_ = pt2e.compare(by_fx, converted, black_and_white)
    assert x.beyond == x.differ == 0
    assert conv1.beyond > 0 and conv1.differ < conv1.outputs / 1000
    assert int(pt2e.codes(by_fx, black_and_white)["conv1"].codes.max()) > 127
    assert int(pt2e.codes(converted, black_and_white)["conv1"].codes.max()) == 127


def test_a_model_in_training_mode_is_refused(converted):
    with pytest.raises(ValueError, match=r"the model is in training mode: call model\.eval\(\) first"):
        pt2e.prepare(model().train(), (BATCHES[0],))


@pytest.mark.slow
def test_nothing_is_printed():
    if not pt2e.available():
        missing("pt2e", pt2e.INSTALL_HINT)
    steps = "pt2e.run(pt2e.convert(pt2e.calibrate(pt2e.prepare(model(), (FRESH,)), [FRESH])), FRESH)"
    code = f"from tests.qlab.torch_flow.test_pt2e import *; {steps}"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_without_torchao_it_says_so_in_one_sentence(monkeypatch):
    monkeypatch.setattr(pt2e, "find_spec", lambda name: None)
    assert not pt2e.available()
    for step in (lambda: pt2e.prepare(model(), (FRESH,)), lambda: pt2e.convert(None)):
        with pytest.raises(ImportError) as told:
            step()
        assert str(told.value) == 'torchao is not installed here: pip install "quantization-lab[pt2e]".'


def test_torch_flow_never_imports_torchao(tmp_path):
    (tmp_path / "torchao").mkdir()
    (tmp_path / "torchao" / "__init__.py").write_text("raise SystemExit('torchao was imported')")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(REPOSITORY)])}
    code = "import qlab.torch_flow, qlab.torch_flow.pt2e as p, sys; print(p.available(), 'torchao' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "True False\n", done.stderr


def test_a_torchao_that_does_not_work_is_told(monkeypatch):
    # torchao 0.18 itself imports torch.ao.quantization, which PyTorch will remove.
    def refused(name):
        raise ModuleNotFoundError("No module named 'torch.ao.quantization'")

    monkeypatch.setattr(pt2e, "find_spec", lambda name: object())
    monkeypatch.setattr(pt2e, "import_module", refused)
    told = f"torchao does not work with torch {torch.__version__}: No module named 'torch.ao.quantization'"
    with pytest.raises(ImportError, match=re.escape(told)):
        pt2e.prepare(model(), (FRESH,))
