"""Signing in and out in a browser: the token of the personal link becomes a cookie that no script can read."""

import re

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from autograder.serve.forms import read_form
from autograder.serve.refusals import RefusedError
from autograder.serve.rendering import sign_in_page, to_page, wants_page
from autograder.serve.service import Service
from autograder.serve.sign_in import COOKIE, FIELD, SignIn, check_origin

TOKEN = re.compile(r"qlab_[A-Za-z0-9_-]{43}")
NOT_A_LINK = "that is no personal link: paste all of it, up to its last character."


def sessions(service: Service, sign_in: SignIn) -> APIRouter:
    """The routes sign-in and sign-out."""
    router = APIRouter(include_in_schema=False)

    @router.post("/sign-in")
    async def enter(request: Request) -> Response:
        check_origin(request)
        fields = await read_form(request)
        found = TOKEN.search(fields.get("link", "")[:1000])
        try:
            return await run_in_threadpool(_signed_in, service, sign_in, request, found[0] if found else "")
        except RefusedError as error:
            if error.status != 401 or not wants_page(request):
                raise
            return sign_in_page(request, NOT_A_LINK if found is None else error.sentence, 401)

    @router.post("/sign-out")
    async def leave(request: Request) -> Response:
        check_origin(request, (await read_form(request)).get(FIELD, ""))
        return without_cookie(request, to_page(request))

    return router


def _signed_in(service: Service, sign_in: SignIn, request: Request, token: str) -> Response:
    """The answer that sets the cookie, until the link expires.

    Raises:
        RefusedError: it is nobody's link, or too many wrong ones came from there.
    """
    person = sign_in.person(request, token)
    expires = service.tokens.issued(person.role)[person.id].expires
    answer: Response = to_page(request) if wants_page(request) else JSONResponse({"role": person.role})
    answer.set_cookie(
        COOKIE, token, expires=expires, path=_path(request), secure=request.url.scheme == "https", httponly=True,
        samesite="strict",
    )  # fmt: skip
    return answer


def without_cookie(request: Request, answer: Response) -> Response:
    """The answer, which also makes the browser forget who is signed in."""
    secure = request.url.scheme == "https"
    answer.delete_cookie(COOKIE, path=_path(request), secure=secure, httponly=True, samesite="strict")
    return answer


def _path(request: Request) -> str:
    return request.scope.get("root_path", "") or "/"
