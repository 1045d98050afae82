"""The one jinja environment: renders the pages in templates/, and fills numbers into the texts of labs."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from autograder.text import visible

TEMPLATES = Path(__file__).parent / "templates"


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        # Pages quote what students wrote. The text of a lab is our own, and Markdown, so it is taken as it is.
        autoescape=jinja2.select_autoescape(["html"], default_for_string=False),
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
    )


def _shown(value: Any) -> Any:
    """Text without invisible characters that a browser would obey; all else as it is."""
    return visible(value) if type(value) is str else value


def render_page(template: str, **values: Any) -> str:
    """A page as one self-contained HTML file: no script, and nothing to load over the network.

    Args:
        template: the name of a file in templates/, such as "feedback.html".
        values: what the template shows; all text in them is escaped.
    """
    return _environment().get_template(template).render(values)


def fill_in(text: str, values: Mapping[str, Any]) -> str:
    """A text with `{{ name }}` replaced by the value of that name, without escaping.

    Raises:
        jinja2.TemplateError: the text uses a name that has no value.
    """
    return _environment().from_string(text).render(values)
