"""Answers on file: right ones get all points, wrong ones lose some and are called what named.toml says."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch

import qlab
from autograder.collect.sample_class import WrittenAnswer
from autograder.release.lint.lab_source import LabSource, check_of
from qlab.check import Outcome


def lacks(lab: LabSource) -> Iterator[str]:
    """What the answers on file lack."""
    asked = {question.id.lower() for question in lab.questions if check_of(question) in lab.checks}
    for question in sorted(asked):
        mine = [answer for answer in lab.answers if answer.question == question]
        for kind, right in (("right", True), ("wrong", False)):
            if not any(answer.right == right for answer in mine):
                yield f"{question}: no {kind} answer is on file: add one to samples/answers/{question}.py."
    for answer in lab.answers:
        if answer.question not in asked:
            yield f"samples/answers/{answer.question}.py answers no question of the lab that has a test cell."
        elif told := answer_lacks(lab, answer):
            yield told
    on_file = {(answer.question, answer.name) for answer in lab.answers}
    for question, names in lab.names.items():
        for name in names:
            if (question, name) not in on_file:
                yield f"named.toml names the answer “{name}” of {question}, which is not on file."


def answer_lacks(lab: LabSource, answer: WrittenAnswer) -> str:
    """What is wrong with what the check says about an answer; "" if nothing is."""
    where = f"{answer.question}: the {'right' if answer.right else 'wrong'} answer on file “{answer.name}”"
    try:
        outcome = check_written(lab, answer)
    except Exception as error:  # the cell itself, which a student would have seen fail
        return f"{where} does not run ({type(error).__name__}: {error})."
    if outcome is None:
        return f"{where}: its test cell does not end with the check."
    points = f"gets {outcome.points:g} of {outcome.out_of:g} points"
    if answer.right:
        return "" if outcome.right and outcome.points == outcome.out_of else f"{where} {points}: {outcome.fails[0]}."
    if outcome.right or (outcome.out_of and outcome.points >= outcome.out_of):
        return f"{where} {points}: add a case that it fails."
    called, name = " + ".join(outcome.mistakes), lab.names.get(answer.question, {}).get(answer.name)
    if name is None:
        return f"{where} is called “{called}”, and named.toml does not say whether that is right."
    if called != name:
        return f"{where} is called “{called}” by the check but “{name}” by named.toml."
    return ""


def check_written(lab: LabSource, answer: WrittenAnswer, earlier: Mapping[str, Any] | None = None) -> Outcome | None:
    """What the check says about an answer on file: its cell runs in this process, among the lab's provided functions.

    Args:
        lab, answer: see there.
        earlier: what stands in place of provided functions, by the name that students give them.
    """
    names: dict[str, Any] = {"torch": torch, "F": torch.nn.functional, "qlab": qlab}
    names |= {question.names[0]: question.provided for question in lab.questions if question.provided is not None}
    names |= earlier or {}
    exec(compile(answer.source, f"{answer.question}: {answer.name}", "exec"), names)
    return lab.outcome(answer.question, names)
