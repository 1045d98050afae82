"""Many settings measured one after the other: with progress, stopped at any time, resumed where it stopped."""

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
    """Measure each setting once; one that is among the results already is not measured again.

    Each result is kept as soon as it is there (a file is replaced as a whole), so an interrupt, Ctrl-C or a crash
    loses at most the measurement under way: call it again with the same results, and it goes on.

    Args:
        settings: by name.
        measure: from a setting to a number.
        results: a dictionary, which is filled, or a JSON file, which is written and read.
        of: what is measured, such as the network and the data; a file keeps it.
        progress: show a bar, on stdout.

    Returns:
        A number for each setting, in the order of the settings.

    Raises:
        ValueError: the file holds results of something else, or is no file of results.
    """
    found = _read(results, of) if isinstance(results, Path) else results
    missing = [name for name in settings if name not in found]
    for name in tqdm(missing, desc=of or "settings", unit="setting", file=sys.stdout, disable=not progress):
        found[name] = float(measure(settings[name]))
        if isinstance(results, Path):
            _write(results, of, found)
    return {name: found[name] for name in settings}


def _read(path: Path, of: str) -> Results:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
        known, values = content["of"], {name: float(value) for name, value in content["results"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no file of results: delete it, or choose another.") from error
    if known != of:
        raise ValueError(f"{path} holds results of {known!r}, not of {of!r}: delete it, or choose another.")
    return values


def _write(path: Path, of: str, results: Results) -> None:
    """Into a file beside it first: whoever is stopped while it writes finds the old one whole."""
    beside = path.with_name(path.name + ".part")
    beside.write_text(json.dumps({"of": of, "results": dict(results)}, indent=1) + "\n", "utf-8")
    os.replace(beside, path)  # noqa: PTH105  # atomic on every system
