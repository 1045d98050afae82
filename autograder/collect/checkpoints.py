"""Jupyter's checkpoint copies: what it saved last, which is often older than the notebook beside it."""

import re

# Browsers and LMSs append a number to the name of a second file: lab1-checkpoint (1).ipynb, lab1-checkpoint-1.ipynb.
CHECKPOINT = re.compile(r".*-checkpoint(?:[ _-]?\(?\d+\)?)?\.ipynb(?:\.\w+)?", re.IGNORECASE | re.DOTALL)
ONLY_A_COPY = "the only notebook is a checkpoint copy, which may be older than the notebook: ask for that"


def is_checkpoint(name: str) -> bool:
    """Whether a notebook's name is one that Jupyter gives to its checkpoint copies."""
    return CHECKPOINT.fullmatch(name) is not None
