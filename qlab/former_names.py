"""The names that modules had before version 0.2: labs released before then use them in imports and in strings.

Importing a former name returns the very module that is used today, never a second copy of it.
"""

import importlib
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

FORMER = {
    "accumulate": "arithmetic.accumulator",
    "analysis": "ptq.metrics",
    "bias_correction": "ptq.bias_correction",
    "clipping": "calibration.range_search",
    "comparison": "ptq.layer_sqnr",
    "contracts": "arithmetic.validation",
    "data": "experiments.data",
    "depthwise": "experiments.depthwise",
    "equalization": "ptq.equalization",
    "fake_quantize": "arithmetic.fake_quantize",
    "fixed_point": "arithmetic.fixed_point",
    "floatsd": "formats.floatsd",
    "floatsd.bits": "formats.floatsd.codec",
    "floatsd.grid": "formats.floatsd.grid",
    "floatsd.rounding": "formats.floatsd.rounding",
    "floatsd.scales": "formats.floatsd.scales",
    "floatsd.shift_add": "formats.floatsd.shift_add",
    "fusion": "ptq.fusion",
    "layers": "arithmetic.layers",
    "mobilenet": "experiments.mobilenet",
    "models": "experiments.models",
    "observers": "calibration.observers",
    "qparams": "arithmetic.qparams",
    "quantize": "arithmetic.quantize",
    "ranges": "arithmetic.ranges",
    "requantize": "arithmetic.requantize",
    "rules": "arithmetic.output_stage",
    "sensitivity": "ptq.sensitivity",
    "sweep": "ptq.sweep",
    "torch_flow.contents": "torch_flow.inspect_state",
    "torch_flow.functions": "torch_flow.api",
    "torch_flow.grids": "torch_flow.grid_fake_quantize",
    "torch_flow.on_grid": "torch_flow.grid_convert",
    "torch_flow.post_quantize": "torch_flow.ptq_grid",
    "torch_flow.ptq": "torch_flow.ptq_static",
    "training": "experiments.training",
}


def today(former: str) -> str | None:
    """Where the module of a former name ("floatsd.bits") is today, both without "qlab."; None for every other name."""
    package, _, module = former.rpartition(".")
    if former not in FORMER and package in FORMER:
        # A package that has moved is found under both names: its other modules must not be loaded once per name.
        return f"{FORMER[package]}.{module}"
    return FORMER.get(former)


class FormerNames(MetaPathFinder, Loader):
    """Finds modules of qlab under the names that they had before version 0.2."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A spec that loads today's module; None for other names."""
        package, _, name = fullname.partition(".")
        return ModuleSpec(fullname, self) if package == "qlab" and today(name) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Today's module; its real spec is saved for `exec_module`."""
        module = importlib.import_module(f"qlab.{today(spec.name.removeprefix('qlab.'))}")
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Run nothing again; only restore the module's own spec, which the import system has just replaced."""
        if module.__spec__ is not None and module.__spec__.loader is self:
            module.__spec__ = module.__spec__.loader_state
