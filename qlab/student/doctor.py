"""Is everything here that the labs need? Each problem comes with its fix."""

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
    """Something that was looked at.

    Attributes:
        what: it, in a few words.
        found: how it is.
        fix: what to do about it; empty where it is well, or where nothing has to be done.
    """

    what: str
    found: str
    fix: str = ""


def examine(folder: Path) -> Iterator[Finding]:
    """Look at one thing after the other; whatever goes wrong while looking is a finding too."""
    looks: tuple[Callable[[Path], Iterator[Finding]], ...] = (
        *(_python, _installation, _packages, _engines, _data, _room, _jupyter),
    )
    for look in looks:
        try:
            yield from look(folder)
        except Exception as error:
            yield Finding(
                look.__name__.strip("_"), f"{type(error).__name__}: {error}", "install qlab again: pip install ."
            )


def _python(_: Path) -> Iterator[Finding]:
    found = f"{platform.python_version()} in {sys.prefix}, {platform.system()} {platform.machine()}"
    old = sys.version_info[:2] < OLDEST
    yield Finding("Python", found, f"install Python {OLDEST[0]}.{OLDEST[1]} or newer" if old else "")


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
        yield Finding(f"engine {name}", str(engines.standing(name)).removeprefix(f"{name}: "))
    for name, why in engines.missing().items():
        yield Finding(f"engine {name}", f"not here: {why}")  # the labs go on without it


def _data(_: Path) -> Iterator[Finding]:
    from qlab.experiments import data

    yield Finding("data digits", f"{len(data.load('digits').x_train):,} training images, embedded")
    for name in ("fashion_mnist", "mnist", "cifar10"):
        try:
            yield Finding(f"data {name}", f"{len(data.load(name).x_train):,} training images")
        except data.DataError:
            yield Finding(f"data {name}", "not here; no lab needs it")
    if (folder := os.environ.get("QLAB_DATA")) and not Path(folder).is_dir():
        yield Finding(
            "QLAB_DATA", f"names {folder}, which is no folder", "set it to the folder with the data, or unset it"
        )


def _room(folder: Path) -> Iterator[Finding]:
    import psutil  # type: ignore[import-untyped]

    free = psutil.virtual_memory().available
    close = "close other programs, notebooks above all: each kernel holds its own memory"
    yield Finding("free memory", f"{free / 1e9:.1f} GB", close if free < LEAST_MEMORY else "")
    disk = shutil.disk_usage(folder).free
    yield Finding(
        "free disk",
        f"{disk / 1e9:.1f} GB",
        "make room: a notebook that cannot be saved is lost" if disk < LEAST_DISK else "",
    )
    writable = os.access(folder, os.W_OK)
    yield Finding(
        "this folder",
        "can be written to" if writable else "cannot be written to",
        "" if writable else "copy the labs to a folder of your own",
    )


def _jupyter(_: Path) -> Iterator[Finding]:
    from jupyter_client.kernelspec import KernelSpecManager

    kernels = KernelSpecManager().find_kernel_specs()
    found = kernels.get("python3", "")
    if not found:
        yield Finding("Jupyter's Python kernel", "missing", "python -m ipykernel install --sys-prefix")
        return
    ours = Path(found).is_relative_to(sys.prefix)
    fix = "" if ours else "it may be another Python's: python -m ipykernel install --sys-prefix"
    yield Finding("Jupyter's Python kernel", found, fix)
