import os
import pickle
import sys

import pytest
import torch

from qlab import cli
from qlab.formats import floatsd
from qlab.torch_flow import files, grid_convert, grid_fake_quantize, inspect_state, ptq_grid
from tests.qlab.networks import BATCHES, DIGITS, mnist_net


@pytest.fixture(scope="module")
def quantized():
    return ptq_grid.post_quantized(mnist_net(), BATCHES)


@pytest.fixture(scope="module")
def saved(quantized, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "int8.pt"
    files.save(grid_convert.convert(quantized), path)
    return path


def test_a_model_is_read_back_with_its_grids(quantized, saved, tmp_path):
    int8 = grid_convert.convert(quantized)
    other = grid_convert.convert(ptq_grid.post_quantized(mnist_net(), BATCHES[:1], grid_fake_quantize.package_choice))
    files.load_into(other, saved)
    logits = [ptq_grid.accuracy(one, DIGITS.x_test, DIGITS.y_test, engine="qnnpack") for one in (int8, other)]
    assert logits[0] == logits[1]
    for name, weight in int8.state_dict().items():
        if isinstance(weight, torch.Tensor):
            assert torch.equal(torch.as_tensor(weight), torch.as_tensor(other.state_dict()[name])), name
    files.save(other, tmp_path / "again.pt")
    assert [row.on_grid for row in inspect_state.layer_rows(files.load(tmp_path / "again.pt"))] == [True] * 5


def test_every_entry_has_its_row(saved):
    rows = {row.name: row for row in inspect_state.state_rows(files.load(saved))}
    conv = rows["conv2.0.weight"]
    assert (conv.kind, conv.shape, conv.zero_point) == ("weight, qint8 per channel", (32, 16, 5, 5), "0")
    assert " .. " in conv.scale
    assert rows["conv2.0.bias"].kind == "bias, float32" and rows["conv2.0.bias"].shape == (32,)
    assert float(rows["conv2.0.scale"].scale) > 0 and rows["conv2.0.zero_point"].zero_point == "0"
    packed = rows["fc2._packed_params._packed_params[0]"]
    assert packed.kind == "packed weight, qint8 per tensor" and packed.scale.startswith("2^-")
    assert rows["fc2._packed_params._packed_params[1]"].kind == "packed bias, float32"
    assert rows["fc2._packed_params.dtype"].kind == "dtype"
    assert float(rows["quant.scale"].scale) > 0 and rows["quant.zero_point"].zero_point == "0"
    assert not [name for name in rows if "grids" in name]
    assert len(rows) == 2 + 3 * 4 + 2 * 5


def test_inspect_describes_a_model_on_its_grid(saved, capsys):
    cli.inspect(saved)
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "layer" and len(lines) == 5
    for line, name in zip(lines, ("conv1.0", "conv2.0", "conv3.0", "fc1", "fc2"), strict=True):
        assert line.startswith(name) and "FloatSD4 extended" in line and line.endswith("yes")
        assert "4 of 4" in line and " % " in line


def test_inspect_describes_a_model_after_torchs_own_convert(tmp_path, capsys):
    aware = ptq_grid.prepare_for_finetuning(mnist_net(), BATCHES)
    files.save(grid_convert.convert_stock(aware), tmp_path / "theirs.pt")
    cli.inspect(tmp_path / "theirs.pt")
    assert "weights are off the grid" in capsys.readouterr().out
    for row in inspect_state.layer_rows(files.load(tmp_path / "theirs.pt")):
        assert row.grid == floatsd.FLOATSD4_EXTENDED and not row.on_grid and row.bits_used > 4


@pytest.mark.parametrize("config", [
    grid_fake_quantize.package_choice,
    grid_fake_quantize.grid_config(floatsd.FLOATSD8, per_channel=True),
    grid_fake_quantize.grid_config(floatsd.FLOATSD8, per_channel=True, free_scale=True),
    grid_fake_quantize.grid_config(floatsd.apot(5), per_channel=True, free_scale=True),
])  # fmt: skip
def test_floats_on_a_grid_are_inspected_too(config, tmp_path):
    model = ptq_grid.post_quantized(mnist_net(), BATCHES, config)
    files.save(model, tmp_path / "floats.pt")
    rows = inspect_state.layer_rows(files.load(tmp_path / "floats.pt"))
    assert [row.on_grid for row in rows] == [True] * 5 and all(row.bits_used <= row.grid.bits for row in rows)
    with torch.no_grad():
        model.fc2.weight[0, :3] *= 1.001
    files.save(model, tmp_path / "moved.pt")
    *others, last = inspect_state.layer_rows(files.load(tmp_path / "moved.pt"))
    assert last.off_grid in (1, 2, 3) and all(row.on_grid for row in others)


def test_a_row_in_numbers():
    weight = torch._make_per_channel_quantized_tensor(
        torch.tensor([[0, 3, 4], [0, 1, -2]], dtype=torch.int8), torch.tensor([0.5, 0.25]), torch.tensor([0, 0]), 0
    )
    state = {"a.weight": weight, files.GRIDS: {"a": {"grid": "tiny", "values": [-2, -1, 0, 1, 2], "scale": None}}}
    (row,) = inspect_state.layer_rows(state)
    assert (row.layer, row.off_grid, row.on_grid, row.values_used, row.bits_used) == ("a", 2, False, 5, 3)
    assert row.zeros == pytest.approx(1 / 3) and row.scales.tolist() == [0.5, 0.25]
    assert inspect_state.as_table([row]).splitlines()[1].split("  ")[0] == "a"
    assert "2^-2 .. 2^-1" in inspect_state.as_table([row]) and "33.3 %" in inspect_state.as_table([row])


def test_a_plain_fp32_model_declares_nothing(tmp_path, capsys):
    torch.save(mnist_net().state_dict(), tmp_path / "fp32.pt")
    cli.inspect(tmp_path / "fp32.pt")
    assert capsys.readouterr().out.count("none declared") == 5


class Hostile:
    def __reduce__(self):
        return os.system, ("touch hostile",)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "cannot be read: No such file"),
        (lambda path: path.mkdir(), "cannot be read"),
        (lambda path: path.write_bytes(b""), "cannot be read"),
        (lambda path: path.write_text("a,b\n1,2\n"), "cannot be read safely"),
        (lambda path: path.write_bytes(pickle.dumps({"a.weight": Hostile()})), "cannot be read safely"),
        (lambda path: torch.save({"a.weight": Hostile()}, path), "cannot be read safely"),
        (lambda path: torch.save(mnist_net(), path), "cannot be read safely"),
        (lambda path: torch.save(torch.ones(3, 3), path), "holds no state dict"),
        (lambda path: torch.save({"epoch": 3}, path), "holds no state dict"),
        (lambda path: torch.save({
            "a.weight": torch.ones(2, 2), files.GRIDS: {"a": {"grid": 1}}
        }, path), "not what save"),
        (lambda path: torch.save({"a.weight": torch.ones(2, 2), files.GRIDS: 7}, path), "not what save"),
        (lambda path: torch.save({
            "a.weight": torch.ones(2, 2), files.GRIDS: {"a": {"grid": "g", "values": [1], "scale": None}}
        }, path), "not what save"),
        (lambda path: torch.save({
            "a.weight": torch.ones(2, 2), files.GRIDS: {"a": {"grid": "g", "values": [-1, 0, 1], "scale": 0.5}}
        }, path), "not what save"),
        (lambda path: torch.save({
            "a.weight": torch.ones(2, 2),
            files.GRIDS: {"a": {"grid": "g", "values": [-1, 0, 1], "scale": torch.ones(3)}},
        }, path), "a declares 3 scales"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_one_gets_a_sentence_and_exit_code_2(make, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "model.pt")
    monkeypatch.setattr(sys, "argv", ["qlab", "inspect", "model.pt"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    said = capsys.readouterr()
    assert stop.value.code == 2 and said.out == ""
    assert said.err.startswith("qlab: ") and said.err.count("\n") == 1 and says in said.err
    assert not (tmp_path / "hostile").exists()


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["inspect"], 2), (["draw"], 2), (["--help"], 0)])
def test_wrong_arguments_give_an_exit_code(arguments, code, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["qlab", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == code and "Traceback" not in capsys.readouterr().err
