"""A lab whose training sees few images: for tests of whether a lab runs, not of what its networks learn."""

import nbformat
from nbformat.notebooknode import NotebookNode

IMAGES = 64
FIRST_CELL = f"""def brief_training():
    from dataclasses import replace
    from qlab.experiments import training
    usual = training._train
    def brief(model, data, *others):
        few = replace(data, x_train=data.x_train[:{IMAGES}], y_train=data.y_train[:{IMAGES}])
        return usual(model, few, *others)
    training._train = brief
brief_training()"""


def with_brief_training(notebook: NotebookNode) -> NotebookNode:
    """The notebook with a first cell by which every training takes a few images of its data only."""
    return with_first_cell(notebook, FIRST_CELL, "brief-training")


def with_first_cell(notebook: NotebookNode, source: str, cell_id: str) -> NotebookNode:
    """The notebook with one more code cell before all others."""
    first = nbformat.v4.new_code_cell(source, id=cell_id)
    changed: NotebookNode = nbformat.from_dict({**notebook, "cells": [first, *notebook.cells]})
    return changed
