"""A sweep over settings: with a progress bar, and resumable after an interruption."""

import json
import os
import sys
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

Setting = TypeVar("Setting")
Results = MutableMapping[str, float]


def sweep(
    settings: Mapping[str, Setting],
    measure: Callable[[Setting], float],
    results: Results | Path,
    *,
    of: str = "",
    progress: bool = True,
) -> dict[str, float]:
    """Measure each setting once; settings that are among the results already are not measured again.

    Each result is stored at once (a file is replaced as a whole), so Ctrl-C or a crash loses at most the measurement in
    progress: call `sweep` again with the same results, and it continues.

    Args:
        settings: by name.
        measure: maps a setting to a number.
        results: a dictionary, to which results are added, or a JSON file, which is read and written.
        of: what is measured, such as the network and the data; stored in the file to tell sweeps apart.
        progress: show a progress bar on stdout.

    Returns:
        One number per setting, in the order of the settings.

    Raises:
        ValueError: the file holds the results of something else, or is not a file of results.
    """
    measured = _read(results, of) if isinstance(results, Path) else results
    missing = [name for name in settings if name not in measured]
    for name in tqdm(missing, desc=of or "settings", unit="setting", file=sys.stdout, disable=not progress):
        measured[name] = float(measure(settings[name]))
        if isinstance(results, Path):
            _write(results, of, measured)
    return {name: measured[name] for name in settings}


def _read(path: Path, of: str) -> Results:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
        subject, values = content["of"], {name: float(value) for name, value in content["results"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not a file of results: delete it, or choose another one.") from error
    if subject != of:
        raise ValueError(f"{path} holds results of {subject!r}, not of {of!r}: delete it, or choose another one.")
    return values


def _write(path: Path, of: str, results: Results) -> None:
    """Write to a temporary file first, so that an interruption while writing leaves the old file intact."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(json.dumps({"of": of, "results": dict(results)}, indent=1) + "\n", "utf-8")
    os.replace(temporary, path)  # noqa: PTH105  # atomic on every system
