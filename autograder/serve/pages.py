"""The pages of the server, put together: for everybody, for students, for teachers."""

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from autograder.serve.refusals import RefusedError
from autograder.serve.rendering import sign_in_page
from autograder.serve.service import Service
from autograder.serve.sessions import sessions, without_cookie
from autograder.serve.sign_in import SignIn, token_of
from autograder.serve.staff_pages import staff_home, staff_pages
from autograder.serve.student_pages import student_home, student_pages
from autograder.serve.tokens import Role
from autograder.serve.uploads import Uploads
from autograder.serve.wall_pages import wall_pages

STATIC = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".js": "text/javascript"}
NAMES = {path.name for path in STATIC.iterdir() if path.suffix in TYPES}


def pages(service: Service, sign_in: SignIn, uploads: Uploads) -> APIRouter:
    """The routes that answer people."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def home(request: Request) -> Response:
        """The first page: to sign in, or what there is for whoever is signed in."""
        try:
            person = sign_in.person(request)
        except RefusedError as error:
            if error.status != 401:
                raise
            problem = error.sentence if token_of(request) else ""
            return without_cookie(request, sign_in_page(request, problem))
        build = staff_home if person.role == Role.STAFF else student_home
        return build(service, request, person)

    @router.get("/static/{name}")
    def static(name: str) -> Response:
        """A script or style sheet of the pages."""
        if name not in NAMES:
            raise RefusedError(404, "there is no such page.")
        path = STATIC / name
        return FileResponse(path, media_type=TYPES[path.suffix], headers={"Cache-Control": "no-cache"})

    router.include_router(sessions(service, sign_in))
    router.include_router(student_pages(service, sign_in, uploads))
    router.include_router(staff_pages(service, sign_in))
    router.include_router(wall_pages(service, sign_in))
    return router
