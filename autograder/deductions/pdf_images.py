"""Counting the images of one PDF, in a process of its own that may use little: PDFs of strangers ask for any amount."""

import hashlib
import logging
import sys
from pathlib import Path
from typing import Any

SMALLEST = 100  # pixels: below are icons and lines
SECONDS = 20
MEMORY = 2**30
DEEPEST = 5  # forms in forms


def count_images(path: Path) -> int:
    """The different images that the pages of a PDF use, by their packed bytes; forms are looked into."""
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    found: set[bytes] = set()
    for page in PdfReader(path).pages:
        _images(page.get("/Resources"), found, depth=0)
    return len(found)


def _images(resources: Any, found: set[bytes], depth: int) -> None:
    objects = resources.get_object().get("/XObject") if resources is not None else None
    for entry in (objects.get_object() if objects is not None else {}).values():
        one = entry.get_object()
        if one.get("/Subtype") == "/Image" and min(one.get("/Width", 0), one.get("/Height", 0)) >= SMALLEST:
            found.add(hashlib.sha256(one._data).digest())
        elif one.get("/Subtype") == "/Form" and depth < DEEPEST:
            _images(one.get("/Resources"), found, depth + 1)


def _limited() -> None:
    """Little memory and time, where the system can do that."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


if __name__ == "__main__":
    _limited()
    print(count_images(Path(sys.argv[1])))
