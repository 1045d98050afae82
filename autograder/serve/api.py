"""The interface for programs: `qlab submit` and the pages' own script use it."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from autograder.course_folder.serve_rules import Show
from autograder.serve.access import find_attempt
from autograder.serve.attempt_receipt import receipt_name, receipt_of
from autograder.serve.downloads import download
from autograder.serve.refusals import RefusedError
from autograder.serve.service import Service
from autograder.serve.shown import ShownAttempt, shown_now
from autograder.serve.sign_in import SignIn, check_origin
from autograder.serve.uploads import Uploads

NOTEBOOK_TYPES = ("application/x-ipynb+json", "application/json", "application/octet-stream")
LabName = Annotated[str, Path(max_length=100)]
AttemptId = Annotated[str, Path(max_length=100)]


class Refusal(BaseModel):
    """Why something is refused, in a sentence that names the fix."""

    detail: str


class AttemptBody(BaseModel):
    """An attempt.

    Attributes:
        id: for its addresses.
        lab, number: of which lab, counted from 1.
        file: the SHA-256 of the notebook.
        received: when, in UTC.
        state: "waiting", "grading", "graded", "no mark", "superseded" or "not counted".
        place: in the queue; 1 is the next.
        message: what has become of it, in a sentence.
        points, out_of: null if there are none yet, or the course does not show them.
        outcomes: what the checks said.
        page: the address of its page, relative to the server's.
    """

    id: str
    lab: str
    number: int
    file: str
    received: str
    state: str
    place: int | None
    message: str
    points: float | None
    out_of: float | None
    outcomes: list[dict[str, Any]]
    page: str


class LabBody(BaseModel):
    """A lab.

    Attributes:
        lab, title: its name and its heading.
        due: the deadline, in UTC; null if there is none.
        yours: the student's own deadline, in UTC.
        attempts_left: today; null if there is no limit.
        show: "full", "points" or "received".
    """

    lab: str
    title: str
    due: str | None
    yours: str | None
    attempts_left: int | None
    show: Show


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Refusal} for status in statuses}


def api(service: Service, sign_in: SignIn, uploads: Uploads) -> APIRouter:
    """The routes below api/."""
    router = APIRouter(prefix="/api")
    notebook_body = {
        "requestBody": {
            "required": True,
            "content": {NOTEBOOK_TYPES[0]: {"schema": {"type": "string", "format": "binary"}}},
        }
    }

    @router.get("/labs", responses=_refusals(401, 403, 429))
    def labs(request: Request) -> list[LabBody]:
        """The labs that can be handed in."""
        student = sign_in.student(request)
        return [_lab_body(service, student, name) for name in service.view.state.labs]

    @router.post(
        "/labs/{lab}/attempts",
        status_code=201,
        response_model=AttemptBody,
        openapi_extra=notebook_body,
        responses={200: {"model": AttemptBody}, **_refusals(400, 401, 403, 404, 408, 413, 415, 422, 429, 503)},
    )
    async def submit(request: Request, lab: LabName) -> JSONResponse:
        """Hand in a notebook: its bytes are the body. The same file once more is the same attempt (200)."""
        began = service.clock.now()
        # In a thread: reading the course may wait for the gradebook, and nobody else should.
        student = await run_in_threadpool(sign_in.student, request)
        check_origin(request)
        await run_in_threadpool(service.intake.lab, lab)  # before the body is read
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in NOTEBOOK_TYPES:
            raise RefusedError(415, f"send the notebook's bytes as the body, with Content-Type: {NOTEBOOK_TYPES[0]}.")
        content = await uploads.read(request, student)
        attempt, is_new = await run_in_threadpool(service.submit, student, lab, content, began)
        view = await run_in_threadpool(shown_now, service, attempt)
        return JSONResponse(attempt_body(view).model_dump(), 201 if is_new else 200)

    @router.get("/attempts/{attempt_id}", responses=_refusals(401, 404, 429))
    def attempt(request: Request, attempt_id: AttemptId) -> AttemptBody:
        """An attempt of one's own; teachers see everybody's."""
        return attempt_body(find_attempt(service, sign_in, request, attempt_id))

    @router.get(
        "/attempts/{attempt_id}/receipt",
        response_class=Response,
        responses={200: {"content": {"application/json": {}}}, **_refusals(401, 404, 429)},
    )
    def receipt(request: Request, attempt_id: AttemptId) -> Response:
        """The signed receipt of an attempt; `autograder receipt verify` says whether one is genuine."""
        view = find_attempt(service, sign_in, request, attempt_id)
        return download(receipt_of(service, view), receipt_name(view.attempt), "application/json")

    return router


def attempt_body(view: ShownAttempt) -> AttemptBody:
    """An attempt as programs get it."""
    attempt = view.attempt
    return AttemptBody(
        id=attempt.id,
        lab=attempt.lab,
        number=attempt.number,
        file=attempt.file,
        received=attempt.received.isoformat(),
        state=view.state,
        place=view.place,
        message=view.message,
        points=view.points,
        out_of=view.out_of,
        outcomes=[outcome.to_json() for outcome in view.outcomes],
        page=f"attempts/{attempt.id}",
    )


def _lab_body(service: Service, student: str, name: str) -> LabBody:
    lab = service.view.state.labs[name]
    left = service.intake.attempts_left(lab, service.attempts.of(name, student), service.clock.now())
    due, yours = lab.due, lab.deadline(student)
    return LabBody(
        lab=name,
        title=lab.title,
        due=due.isoformat() if due else None,
        yours=yours.isoformat() if yours else None,
        attempts_left=left,
        show=lab.rules.show,
    )
