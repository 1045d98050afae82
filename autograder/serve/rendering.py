"""Answers for people: HTML pages, whose addresses are relative because only a proxy knows the rest of them."""

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse

from autograder.pages import render_page
from autograder.serve.refusals import RefusedError
from autograder.serve.sign_in import form_key
from autograder.serve.tokens import Person

TITLES = {
    401: "Sign in",
    403: "That is not allowed",
    404: "There is no such page",
    413: "The file is too large",
    429: "Too often",
}


def path_below(request: Request) -> str:
    """The path of a page below the server's own, beginning with a slash."""
    path, root = request.scope["path"], request.scope.get("root_path", "")
    return str(path[len(root) :] if root and path.startswith(f"{root}/") else path)


def to_root(request: Request) -> str:
    """The way from a page to the server's first page, as a relative address that ends with a slash."""
    return "../" * (path_below(request).count("/") - 1) or "./"


def page(
    request: Request, template: str, person: Person | None, *, status: int = 200, scripts: tuple[str, ...] = (),
    **values: Any,
) -> HTMLResponse:  # fmt: skip
    """A page.

    Args:
        request: which asks for it.
        template: the name of a file in templates/serve/.
        person: who is signed in; None for nobody.
        status: HTTP's status code.
        scripts: names of files in static/.
        values: what the template shows; all text in them is escaped.
    """
    shell = {"root": to_root(request), "person": person, "form_key": form_key(request), "scripts": scripts}
    return HTMLResponse(render_page(f"serve/{template}", **shell, **values), status)


def to_page(request: Request, address: str = "") -> RedirectResponse:
    """After a form: the browser opens another page.

    Args:
        request: which sent the form.
        address: of the page, relative to the server's first page; "" for that itself.
    """
    return RedirectResponse(to_root(request) + address, 303)


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks, and no program."""
    return not path_below(request).startswith("/api/") and "text/html" in request.headers.get("accept", "")


def refusal_page(request: Request, error: RefusedError) -> HTMLResponse:
    """A refusal, as a person sees it; who is not signed in can do it right there."""
    if error.status == 401:
        return sign_in_page(request, error.sentence, 401)
    title = TITLES.get(error.status, "That did not work")
    return page(request, "refusal.html", None, status=error.status, title=title, sentence=error.sentence)


def sign_in_page(request: Request, problem: str = "", status: int = 200) -> HTMLResponse:
    """The page on which people sign in.

    Args:
        request: which asks for it.
        problem: why they have to; "" if they have not tried.
        status: HTTP's status code.
    """
    return page(request, "sign_in.html", None, status=status, scripts=("sign_in.js",), problem=problem)
