"""The pages of the wall; a script asks for its numbers again and again."""

from dataclasses import asdict

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from autograder.serve.api import LabName
from autograder.serve.refusals import RefusedError
from autograder.serve.rendering import page
from autograder.serve.service import Service
from autograder.serve.sign_in import SignIn
from autograder.serve.tokens import Person, Role
from autograder.serve.wall import Wall


def wall_pages(service: Service, sign_in: SignIn) -> APIRouter:
    """The routes wall/…."""
    router = APIRouter(include_in_schema=False)
    wall = Wall(service)

    @router.get("/wall/{lab}")
    def of_lab(
        request: Request, lab: LabName, question: str = Query("", max_length=100), name: str = Query("", max_length=500)
    ) -> Response:
        """The wall; without scripts, a link asks for an example by its question and name."""
        person = Person(sign_in.staff(request), Role.STAFF)
        found, example, hint = service.intake.lab(lab), "", ""
        if name:
            try:
                example, hint = wall.example(lab, (question, name))
            except RefusedError as error:
                hint = error.sentence
        return page(
            request, "wall.html", person, scripts=("wall.js",), lab=found, wall=wall.view(lab), example=example,
            hint=hint, name=name, question=question,
        )  # fmt: skip

    @router.get("/wall/{lab}/now")
    def now(request: Request, lab: LabName) -> Response:
        """The numbers of the wall."""
        sign_in.staff(request)
        return JSONResponse(asdict(wall.view(service.intake.lab(lab).name)))

    @router.get("/wall/{lab}/example")
    def example(
        request: Request, lab: LabName, question: str = Query(max_length=100), name: str = Query(max_length=500)
    ) -> Response:
        """An answer with a mistake, without names."""
        sign_in.staff(request)
        text, hint = wall.example(service.intake.lab(lab).name, (question, name))
        return JSONResponse({"text": text, "hint": hint})

    return router
