"""The outputs that a student's process says a cell had: only what a notebook stores, and only what people can see."""

from typing import Any

from autograder.grade.limits import PICTURE_SHARE
from autograder.text import visible

EXTRA_OUTPUT = 50_000  # characters that a traceback may add to what a cell may print


def valid_outputs(value: Any, limit: int) -> list[dict[str, Any]]:
    """The valid outputs. The process limits them itself, but a student's code could have changed its list of them."""
    outputs, left = [], limit + EXTRA_OUTPUT + 0.0
    for item in value if isinstance(value, list) else []:
        output = _output(item) if isinstance(item, dict) else None
        if output is not None and (left := left - size_of(output)) >= 0:
            outputs.append(output)
    return outputs


def size_of(output: dict[str, Any]) -> float:
    """Characters of an output, those of pictures at one hundredth."""
    pictures = sum(len(text) for mime, text in output.get("data", {}).items() if "image" in mime)
    return len(str(output)) - pictures + pictures / PICTURE_SHARE


def _output(item: dict[Any, Any]) -> dict[str, Any] | None:
    """An output with only those fields that a notebook has, as people may see it; None if it is not one."""
    match item:
        # Each value's class is checked first: comparing an array with a text would give an array, which has no truth.
        case {"output_type": str("stream"), "name": str("stdout" | "stderr" as name), "text": str(text)}:
            return {"output_type": "stream", "name": name, "text": visible(text)}
        case {"output_type": str("error"), "ename": str(name), "evalue": str(value), "traceback": list(lines)}:
            texts = [visible(line) for line in lines if isinstance(line, str)]
            return {"output_type": "error", "ename": visible(name), "evalue": visible(value), "traceback": texts}
        case {"output_type": str("execute_result" | "display_data" as kind), "data": dict(data)}:
            content = {visible(m): visible(t) for m, t in data.items() if isinstance(m, str) and isinstance(t, str)}
            count = {"execution_count": None} if kind == "execute_result" else {}
            return {"output_type": kind, "data": content, "metadata": {}, **count}
    return None
