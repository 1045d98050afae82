"""Small notebooks to print."""

import json

import pytest

from qlab.check.outcome import Outcome
from qlab.check.render import notebook_data
from qlab.student.lab_copies import LabCopy


def markdown(source, **more):
    return {"cell_type": "markdown", "id": more.pop("id", "text"), "metadata": {}, "source": source, **more}


def code(source, *outputs, **metadata):
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": list(outputs), "execution_count": 1}


def printed(text):
    return {"output_type": "stream", "name": "stdout", "text": text}


def displayed(**data):
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {name.replace("__", "/"): text for name, text in data.items()},
    }


def card(question="Q1", **more):
    findings = {"holds": ("the scale",), "fails": ("the zero-point",), **more}
    outcome = Outcome(question, "get_scale_and_zero_point", 9, 15, **findings)
    return {"output_type": "execute_result", "metadata": {}, "execution_count": 1, "data": notebook_data(outcome)}


def check(*outputs):
    return code("q1.check(f)", *outputs, nbgrader={"grade": True, "solution": False, "grade_id": "q1-check"})


@pytest.fixture
def copy_with(tmp_path):
    """A student's copy of a lab that has these cells."""

    def made(*cells):
        raw = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"qlab": {"lab": "lab2_integer_only"}},
            "cells": list(cells),
        }
        path = tmp_path / "lab2_integer_only.ipynb"
        path.write_text(json.dumps(raw))
        return LabCopy("lab2_integer_only", path, raw)

    return made
