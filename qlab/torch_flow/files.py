"""Saving a quantized model with the grids that its layers declare, and loading it safely."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from qlab.engines.pytorch import selected
from qlab.formats.floatsd import Grid
from qlab.torch_flow.api import quiet
from qlab.torch_flow.grid_convert import declared_grids

GRIDS = "qlab.grids"
State = dict[str, Any]


class FileError(Exception):
    """A file cannot be read or holds something else; the message is one sentence that names the file."""


def save(model: nn.Module, path: Path | str) -> None:
    """Save a model's state dict with one extra entry, `qlab.grids`: the grid that each layer declares, in plain values.

    Args:
        model: from `convert`, `convert_stock` or `post_quantized`; other models declare nothing.
        path: of the file.
    """
    state = model.state_dict()  # not copied into a plain dict: torch needs the metadata attached to this one
    state[GRIDS] = {
        name: {"grid": grid.name, "values": list(grid.values), "scale": scale}
        for name, (grid, scale) in declared_grids(model).items()
    }
    with quiet():
        torch.save(state, path)


def load(path: Path | str) -> State:
    """Load the entries of a state dict, including `qlab.grids`, without executing any code from the file.

    Raises:
        FileError: the file does not exist, cannot be read safely, or holds no state dict.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or 'it was not written by torch.save'}.") from error
    except Exception as error:  # a damaged or hostile file can make torch raise anything
        raise FileError(
            f"{path} cannot be read safely: it is damaged, or holds more than tensors and plain values."
        ) from error
    if not isinstance(state, dict) or not any(weight_in(name, entry) is not None for name, entry in state.items()):
        raise FileError(
            f"{path} holds no state dict with weights: save one with qlab.torch_flow.files.save(model, path)."
        )
    return state


def load_into(model: nn.Module, path: Path | str, *, engine: str = "qnnpack") -> None:
    """Load a file into a model of the same architecture, converted for the same engine; errors as for `load`."""
    state = load(path)
    grids = declared_in(state)
    state.pop(GRIDS, None)
    with selected(engine), quiet():
        model.load_state_dict(state)
    for name, (grid, _) in grids.items():
        setattr(model.get_submodule(name), "grid", grid)  # noqa: B010  # a module's types know tensors only


def weight_in(name: object, entry: object) -> Tensor | None:
    """The weight in an entry: a tensor named weight with at least two dimensions, or the first of packed params."""
    tensor = entry[0] if isinstance(entry, tuple) and entry and str(name).endswith("_packed_params") else entry
    if isinstance(tensor, Tensor) and tensor.dim() >= 2 and (tensor is not entry or str(name).endswith(".weight")):
        return tensor
    return None


def declared_in(state: Mapping[str, Any]) -> dict[str, tuple[Grid, Tensor | None]]:
    """The grid that each layer of a file declares, and the scale of a float weight; FileError if they are malformed."""
    try:
        return {str(layer): _declaration(entry) for layer, entry in state.get(GRIDS, {}).items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise FileError(f"the entry {GRIDS} is not what save writes: {error}.") from error


def _declaration(entry: Mapping[str, Any]) -> tuple[Grid, Tensor | None]:
    scale = entry["scale"]
    if scale is not None and (not isinstance(scale, Tensor) or scale.dim() != 1):
        raise ValueError("a scale is a tensor of one dimension, or None")
    return Grid(str(entry["grid"]), tuple(int(value) for value in entry["values"])), scale
