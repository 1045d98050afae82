"""A diagnosis of the installation: is everything there that the labs need? Each problem comes with its fix."""

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qlab.student import installation

LEAST_MEMORY = 10**9  # bytes; the labs stay below, torch loaded
LEAST_DISK = 3 * 10**8
OLDEST = (3, 11)


@dataclass(frozen=True)
class Finding:
    """The result of examining one thing.

    Attributes:
        what: the thing, in a few words.
        state: its state.
        fix: what to do about it; empty if nothing has to be done.
    """

    what: str
    state: str
    fix: str = ""


def examine(folder: Path) -> Iterator[Finding]:
    """Examine one thing after another; an error while examining is a finding too."""
    exams: tuple[Callable[[Path], Iterator[Finding]], ...] = (
        *(_python, _installation, _packages, _engines, _data, _space, _jupyter),
    )
    for exam in exams:
        try:
            yield from exam(folder)
        except Exception as error:
            yield Finding(
                exam.__name__.strip("_"), f"{type(error).__name__}: {error}", "install qlab again: pip install ."
            )


def _python(_: Path) -> Iterator[Finding]:
    description = f"{platform.python_version()} in {sys.prefix}, {platform.system()} {platform.machine()}"
    old = sys.version_info[:2] < OLDEST
    yield Finding("Python", description, f"install Python {OLDEST[0]}.{OLDEST[1]} or newer" if old else "")


def _installation(_: Path) -> Iterator[Finding]:
    import qlab

    version = installation.installed()
    again = f"{installation.UNINSTALL}, then install the course's wheel again: pip install --force-reinstall WHEEL"
    if not version:
        yield Finding("qlab", f"{qlab.__version__}, not installed: it runs from {Path(qlab.__file__).parent}")
    else:
        stale = f"the files are those of {qlab.__version__}: install the course's wheel again"
        yield Finding("qlab", f"{installation.DISTRIBUTION} {version}", "" if version == qlab.__version__ else stale)
    if beside := installation.former():
        whose = "our own from before 0.2" if installation.former_is_ours() else "another project's"
        yield Finding("a distribution qlab", f"{beside}, {whose}, shares files with ours", again)


def _packages(_: Path) -> Iterator[Finding]:
    from packaging.requirements import Requirement

    for text in importlib.metadata.requires(installation.DISTRIBUTION) or ():
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        install = f"pip install '{requirement.name}{requirement.specifier}'"
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(requirement.name, "missing", install)
            continue
        fits = requirement.specifier.contains(version, prereleases=True)
        yield Finding(requirement.name, version, "" if fits else f"too old or too new: {install}")


def _engines(_: Path) -> Iterator[Finding]:
    from qlab import engines

    yield Finding("CPU", str(engines.Cpu.here()))
    for name in engines.available():
        yield Finding(f"engine {name}", str(engines.verify(name)).removeprefix(f"{name}: "))
    for name, why in engines.missing().items():
        yield Finding(f"engine {name}", f"not available: {why}")  # no fix needed: the labs work without it


def _data(_: Path) -> Iterator[Finding]:
    from qlab.experiments import data

    yield Finding("data digits", f"{len(data.load('digits').x_train):,} training images, embedded")
    for name in ("fashion_mnist", "mnist", "cifar10"):
        try:
            yield Finding(f"data {name}", f"{len(data.load(name).x_train):,} training images")
        except data.DataError:
            yield Finding(f"data {name}", "not available; no lab needs it")
    if (folder := os.environ.get("QLAB_DATA")) and not Path(folder).is_dir():
        yield Finding(
            "QLAB_DATA", f"points to {folder}, which is not a folder", "set it to the folder with the data, or unset it"
        )


def _space(folder: Path) -> Iterator[Finding]:
    import psutil  # type: ignore[import-untyped]

    free = psutil.virtual_memory().available
    close = "close other programs, especially notebooks: each kernel uses its own memory"
    yield Finding("free memory", f"{free / 1e9:.1f} GB", close if free < LEAST_MEMORY else "")
    disk = shutil.disk_usage(folder).free
    yield Finding(
        "free disk",
        f"{disk / 1e9:.1f} GB",
        "free some space: a notebook that cannot be saved is lost" if disk < LEAST_DISK else "",
    )
    writable = os.access(folder, os.W_OK)
    yield Finding(
        "this folder",
        "is writable" if writable else "is not writable",
        "" if writable else "copy the labs to a folder of your own",
    )


def _jupyter(_: Path) -> Iterator[Finding]:
    from jupyter_client.kernelspec import KernelSpecManager

    kernels = KernelSpecManager().find_kernel_specs()
    kernel_folder = kernels.get("python3", "")
    if not kernel_folder:
        yield Finding("Jupyter's Python kernel", "missing", "python -m ipykernel install --sys-prefix")
        return
    own = Path(kernel_folder).is_relative_to(sys.prefix)
    fix = "" if own else "it may belong to another Python: python -m ipykernel install --sys-prefix"
    yield Finding("Jupyter's Python kernel", kernel_folder, fix)
