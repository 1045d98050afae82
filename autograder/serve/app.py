"""The web application: routes, and how errors are told."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from autograder.errors import UserError
from autograder.serve.api import api
from autograder.serve.pages import pages
from autograder.serve.refusals import RefusedError
from autograder.serve.rendering import refusal_page, wants_page
from autograder.serve.security import SecurityHeaders
from autograder.serve.service import Service
from autograder.serve.sign_in import SignIn
from autograder.serve.sub_path import SubPath
from autograder.serve.unread import UnreadBody
from autograder.serve.uploads import Uploads
from qlab import __version__

OURS = "the server failed: nothing of what was accepted is lost; try again, and tell your teaching assistant."
log = logging.getLogger("autograder.serve")


def create_app(service: Service) -> FastAPI:
    """The application for one course; the service is closed when the application ends.

    Args:
        service: started already.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(service.close)

    app = FastAPI(
        title="autograder serve", version=__version__, lifespan=lifespan,
        docs_url=None, redoc_url=None, openapi_url="/api/openapi.json", redirect_slashes=False,
    )  # fmt: skip
    sign_in, uploads = SignIn(service), Uploads()
    app.include_router(api(service, sign_in, uploads))
    app.include_router(pages(service, sign_in, uploads))
    app.add_middleware(SubPath)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(UnreadBody)

    @app.exception_handler(RefusedError)
    async def refused(request: Request, error: RefusedError) -> Response:
        return refusal(request, error)

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> Response:
        sentence = {404: "there is no such page.", 405: "this address does not take that method."}
        text = sentence.get(error.status_code, str(error.detail))
        answer = refusal(request, RefusedError(error.status_code, text))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, _: RequestValidationError) -> Response:
        return refusal(request, RefusedError(422, "this address makes no sense to the server."))

    @app.exception_handler(UserError)
    async def course_problem(request: Request, error: UserError) -> Response:
        log.error("%s", error)  # the sentence may name paths of the server, which are not for students
        return refusal(request, RefusedError(503, OURS, 30))

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> Response:
        # Not the path itself, in which there may be the id of an attempt.
        log.error("%s %s failed", request.method, getattr(request.scope.get("route"), "path", "?"), exc_info=error)
        return refusal(request, RefusedError(500, OURS))

    return app


def refusal(request: Request, error: RefusedError) -> Response:
    """A refusal, as a program or a person gets it."""
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else {}
    if error.status in (408, 413):
        headers["Connection"] = "close"  # the rest of the body is not read
    if wants_page(request):
        answer = refusal_page(request, error)
        answer.headers.update(headers)
        return answer
    return JSONResponse({"detail": error.sentence}, error.status, headers)
