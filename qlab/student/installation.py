"""What the package qlab was installed from, and what happens to an older or a foreign distribution beside it.

Up to version 0.1 our distribution was called qlab, as another project's on PyPI is. Both put their files into the same
folder, so whichever is uninstalled later takes the other's files along: it has to go before ours is installed.
"""

import re
import subprocess
import sys
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path, PurePosixPath

DISTRIBUTION = "quantization-lab"
FORMER = "qlab"
WHEEL = re.compile(r"quantization_lab-([^-]+)-.*\.whl")
UNINSTALL = f"pip uninstall -y {FORMER}"


def installed() -> str:
    """The version of our distribution; "" where qlab runs from a folder that was not installed."""
    return _version(DISTRIBUTION)


def former() -> str:
    """The version of a distribution called qlab that is installed here; "" where there is none."""
    return _version(FORMER)


def former_is_ours() -> bool:
    """Whether the distribution called qlab is our own, from before version 0.2."""
    try:
        points = metadata.distribution(FORMER).entry_points
    except metadata.PackageNotFoundError:
        return False
    return any(point.value == "qlab.cli:main" for point in points)


def from_a_clone() -> bool:
    """Whether qlab is used where its source lies, as after pip install -e."""
    return not {"site-packages", "dist-packages"} & set(Path(__file__).parts)


def wheel_in(archive: Path) -> tuple[str, bytes] | None:
    """Name and content of our wheel in a lab's zip; None where there is none."""
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            if WHEEL.fullmatch(PurePosixPath(name).name):
                return PurePosixPath(name).name, opened.read(name)
    return None


def is_newer(wheel: str) -> bool:
    """Whether a wheel's version is higher than the installed one."""
    from packaging.version import Version

    match = WHEEL.fullmatch(wheel)
    return match is not None and Version(match[1]) > Version(installed() or "0")


def take_wheel(archive: Path) -> str:
    """Install the wheel of a lab's zip where it is newer, or where a distribution called qlab has to go first.

    Nothing is downloaded: the wheel alone is installed, and packages that it needs besides are left to `qlab doctor`.

    Returns:
        A sentence that says what happened; "" where nothing had to be done.
    """
    wheel = wheel_in(archive)
    if wheel is None or not (former() or is_newer(wheel[0])):
        return ""
    name, content = wheel
    if from_a_clone():
        return f"this release comes with {name}, but qlab runs from a clone here: update the clone (git pull, make)."
    with tempfile.TemporaryDirectory(prefix="qlab-wheel-") as scratch:
        path = Path(scratch) / name
        path.write_bytes(content)
        steps = [["uninstall", "-y", FORMER]] if former() else []
        for step in [*steps, ["install", "--no-deps", "--no-index", "--force-reinstall", str(path)]]:
            pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", *step]
            if subprocess.run(pip, capture_output=True, check=False).returncode:
                return (
                    f"{name} could not be installed: unzip it from {archive.name}, run {UNINSTALL}, pip install {name}."
                )
    return f"{name} is installed; restart the kernel, and run qlab doctor if anything is missing."


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
