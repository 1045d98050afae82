"""Counts the images of one PDF, in a process of its own with little memory and time.

A PDF from a stranger may be made to use up any amount of either.
"""

import hashlib
import logging
import sys
from pathlib import Path
from typing import Any

MIN_PIXELS = 100  # smaller images are icons and lines
MAX_SECONDS = 20
MAX_MEMORY = 2**30  # bytes
MAX_DEPTH = 5  # of forms within forms
PRINTED_NOTEBOOK = "(qlab pdf)"  # at the end of the title that `qlab pdf` gives a PDF


def count_images(path: Path) -> int:
    """How many different images the pages of a PDF use, forms included; equal compressed bytes are the same image.

    None count in a notebook that `qlab pdf` printed: its pictures are the lab's figures and plots, and what the student
    pasted is counted in the notebook itself.
    """
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    hashes: set[bytes] = set()
    reader = PdfReader(path)
    if str((reader.metadata or {}).get("/Title", "")).endswith(PRINTED_NOTEBOOK):
        return 0
    for page in reader.pages:
        _add_images(page.get("/Resources"), hashes, depth=0)
    return len(hashes)


def _add_images(resources: Any, hashes: set[bytes], depth: int) -> None:
    objects = resources.get_object().get("/XObject") if resources is not None else None
    for reference in (objects.get_object() if objects is not None else {}).values():
        item = reference.get_object()
        if item.get("/Subtype") == "/Image" and min(item.get("/Width", 0), item.get("/Height", 0)) >= MIN_PIXELS:
            hashes.add(hashlib.sha256(item._data).digest())
        elif item.get("/Subtype") == "/Form" and depth < MAX_DEPTH:
            _add_images(item.get("/Resources"), hashes, depth + 1)


def _limit_resources() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))


if __name__ == "__main__":
    _limit_resources()
    print(count_images(Path(sys.argv[1])))
