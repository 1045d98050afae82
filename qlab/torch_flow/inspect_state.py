"""Inspecting a saved model: every entry of its state dict, and the grid of each layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from qlab.formats.floatsd import Grid
from qlab.tables import Column, table_lines
from qlab.torch_flow import api as tq
from qlab.torch_flow.files import GRIDS, FileError, declared_in, weight_in
from qlab.torch_flow.integer_flow.tensors import WeightCodes

# Every entry ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """An entry of a state dict.

    Attributes:
        name: its key.
        kind: a description.
        shape: of the tensor; () for a number.
        scale, zero_point: of a quantized weight, as text; if the entry itself is a scale or zero-point, its value.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    scale: str = ""
    zero_point: str = ""


def state_rows(state: Mapping[str, Any]) -> list[Row]:
    """One row per entry of a state dict; packed params become weight and bias, and `qlab.grids` is skipped."""
    rows = []
    for name, entry in state.items():
        if isinstance(entry, tuple):
            rows += [_row(f"{name}[{place}]", part, "packed ") for place, part in enumerate(entry) if part is not None]
        elif name != GRIDS and not name.endswith(OF_CODES):
            rows.append(_row(name, _as_codes(state, name, entry)))
    return rows


# qlab's own flow saves a weight's codes as a plain tensor, with these beside it.
OF_CODES = (".weight_scale", ".weight_zero_point")


def _as_codes(state: Mapping[str, Any], name: str, weight: Any) -> Any:
    """A weight as codes with their scales, where the file has scales beside it; else the entry itself."""
    scale = state.get(f"{name}_scale") if name.endswith(".weight") else None
    return weight if scale is None else WeightCodes(weight, scale.double().reshape(-1), scale.dim() > 0)


def _row(name: str, entry: Any, packed: str = "") -> Row:
    if not isinstance(entry, Tensor | WeightCodes):
        return Row(name, type(entry).__name__, (), "", "")
    shape, last = tuple(entry.shape), name.rsplit(".", 1)[-1]
    if getattr(entry, "is_quantized", False):
        how = "per channel" if len(scales_of(entry)) > 1 or _per_channel(entry) else "per tensor"
        kind = f"{packed}weight, {str(entry.dtype).removeprefix('torch.')} {how}"
        return Row(name, kind, shape, _numbers(scales_of(entry)), _numbers(_zero_points(entry)))
    assert isinstance(entry, Tensor)
    kind = f"{packed}{'bias' if packed else last}, {str(entry.dtype).removeprefix('torch.')}"
    value = _numbers(entry.flatten()) if entry.numel() == 1 else ""
    return Row(name, kind, shape, value if last == "scale" else "", value if last == "zero_point" else "")


# Every layer ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LayerRow:
    """A layer's weight as the file describes it.

    Attributes:
        layer: its name.
        grid: the declared grid; None if there is none.
        scales, zero_points: one entry, or one per channel; empty for a float weight without a declared scale.
        zeros: the share of weights that are 0.
        values_used: how many distinct integers occur (or floats, for a float weight without a scale).
        off_grid: how many weights are not on the declared grid; None if no grid is declared.
    """

    layer: str
    grid: Grid | None
    scales: Tensor
    zero_points: Tensor
    zeros: float
    values_used: int
    off_grid: int | None

    @property
    def bits_used(self) -> int:
        """The fewest bits that can number the integers that occur."""
        return max(self.values_used - 1, 1).bit_length()

    @property
    def on_grid(self) -> bool | None:
        """Whether every weight is on the declared grid; None if no grid is declared."""
        return None if self.off_grid is None else self.off_grid == 0


def layer_rows(state: Mapping[str, Any]) -> list[LayerRow]:
    """One row for each layer of a state dict with a weight of at least two dimensions.

    Raises:
        FileError: the entry `qlab.grids` is not what `save` writes.
    """
    declared = declared_in(state)
    rows = []
    for name, entry in state.items():
        if (weight := weight_in(name, entry)) is not None:
            layer = name.removesuffix("._packed_params._packed_params").removesuffix(".weight")
            weight = _as_codes(state, name, weight)
            rows.append(_layer_row(layer, weight, *declared.get(layer, (None, None))))
    return rows


def _layer_row(layer: str, weight: Any, grid: Grid | None, scale: Tensor | None) -> LayerRow:
    nothing = torch.zeros(0)
    if scale is not None and len(scale) not in (1, len(weight)):
        raise FileError(f"{layer} declares {len(scale)} scales, but its weight has {len(weight)} output channels.")
    if getattr(weight, "is_quantized", False):
        scales, zero_points = scales_of(weight), _zero_points(weight)
        integers = weight.int_repr().long() - _first_dimension(zero_points, weight)
        off_grid = None if grid is None else int((~grid.on_grid(integers)).sum())
    elif scale is None:
        scales, zero_points, integers, off_grid = nothing, nothing, weight, None
    else:
        scales, zero_points, by = scale.flatten(), torch.zeros_like(scale.flatten()), _first_dimension(scale, weight)
        integers = torch.round(weight / by)
        exact = integers * by == weight
        off_grid = None if grid is None else int((~(exact & grid.on_grid(integers))).sum())
    zeros = (integers == 0).float().mean().item()
    return LayerRow(layer, grid, scales, zero_points, zeros, len(set(integers.flatten().tolist())), off_grid)


def as_table(rows: list[LayerRow], width: int = 1_000) -> str:
    """The rows as aligned text that is no wider than `width` characters, and a line per layer that is off its grid."""
    cells = []
    for row in rows:
        grid = row.grid.name if row.grid else "none declared"
        bits = f"{row.bits_used} of {row.grid.bits}" if row.grid else f"{row.bits_used}"
        on = {None: "-", 0: "yes"}.get(row.off_grid, "no")
        numbers = (_numbers(row.scales), _numbers(row.zero_points), f"{100 * row.zeros:.1f} %", bits)
        cells.append((row.layer, grid, *numbers, on))
    names = ("layer", "grid", "scale", "Z", "zeros", "bits", "on the grid")
    heading, lines = table_lines([Column(name) for name in names], cells, width)
    notes = [f"{row.layer}: {row.off_grid:,} weights are off the grid" for row in rows if row.off_grid]
    return "\n".join([*filter(None, [heading]), *lines, *notes])


# Small parts ----------------------------------------------------------------------------------------------------------


def scales_of(weight: Any) -> Tensor:
    """The scales of a quantized tensor: a single one, or one per channel; float64."""
    if not _per_channel(weight):
        return torch.tensor([weight.q_scale()], dtype=torch.float64)
    scales: Tensor = weight.q_per_channel_scales()
    return scales


def _zero_points(weight: Any) -> Tensor:
    return weight.q_per_channel_zero_points() if _per_channel(weight) else torch.tensor([weight.q_zero_point()])


def _per_channel(weight: Any) -> bool:
    return weight.qscheme() in (tq.per_channel_affine, tq.per_channel_symmetric)


def _first_dimension(values: Tensor, weight: Any) -> Tensor:
    return values.reshape(-1, *[1] * (weight.dim() - 1))


def _numbers(values: Tensor) -> str:
    """One number, or the smallest and the largest of several; powers of two are written as 2^e."""
    if not values.numel():
        return "-"
    low, high = values.min().item(), values.max().item()
    return _number(low) if low == high else f"{_number(low)} .. {_number(high)}"


def _number(value: float) -> str:
    if isinstance(value, int) or value == 0:
        return f"{value:.0f}"
    fraction, exponent = torch.frexp(torch.tensor(value, dtype=torch.float64))
    return f"2^{int(exponent) - 1}" if fraction == 0.5 else f"{value:.4g}"
