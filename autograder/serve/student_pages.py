"""The pages for students: the labs, a lab with its drop zone, an attempt with its marks."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from autograder.report.feedback import sections_of
from autograder.serve.access import partners, seen_by
from autograder.serve.api import AttemptId, LabName
from autograder.serve.attempt_receipt import has_receipt
from autograder.serve.course_view import LabView
from autograder.serve.downloads import upload_of
from autograder.serve.forms import read_upload
from autograder.serve.refusals import RefusedError
from autograder.serve.rendering import page, to_page
from autograder.serve.sentences import SHOWN, deadline, rules_of
from autograder.serve.service import Service
from autograder.serve.shown import ShownAttempt, shown_now
from autograder.serve.sign_in import SignIn, check_origin
from autograder.serve.standing import standing
from autograder.serve.tokens import Person, Role
from autograder.serve.uploads import Uploads


def student_pages(service: Service, sign_in: SignIn, uploads: Uploads) -> APIRouter:
    """The routes lab/… and attempts/…."""
    router = APIRouter(include_in_schema=False)

    @router.get("/lab/{lab}")
    def of_lab(request: Request, lab: LabName) -> Response:
        student = sign_in.student(request)
        return lab_page(service, request, student, service.intake.lab(lab))

    @router.post("/lab/{lab}")
    async def hand_in(request: Request, lab: LabName) -> Response:
        """Without scripts, the browser sends the notebook as a part of a form."""
        began = service.clock.now()
        student = await run_in_threadpool(sign_in.student, request)
        found = await run_in_threadpool(service.intake.lab, lab)
        try:
            content, key = await read_upload(request, uploads, student)
            check_origin(request, key)
            attempt, _ = await run_in_threadpool(service.submit, student, lab, content, began)
        except RefusedError as error:
            return await run_in_threadpool(lab_page, service, request, student, found, error)
        return to_page(request, f"attempts/{attempt.id}")

    @router.get("/attempts/{attempt_id}")
    def of_attempt(request: Request, attempt_id: AttemptId) -> Response:
        person = sign_in.person(request)
        return attempt_page(service, request, person, seen_by(service, person, attempt_id))

    @router.get("/attempts/{attempt_id}/file")
    def file(request: Request, attempt_id: AttemptId) -> Response:
        view = seen_by(service, sign_in.person(request), attempt_id)
        return upload_of(service.course, view.attempt)

    return router


def student_home(service: Service, request: Request, person: Person) -> Response:
    """The page with the labs."""
    state = service.view.state
    timezone = state.settings.timezone
    labs = [
        {"standing": standing(service, person.id, lab), "due": deadline(lab, person.id, timezone),
         "shown": SHOWN[lab.rules.show]}
        for lab in state.labs.values()
    ]  # fmt: skip
    return page(
        request, "home.html", person, scripts=("sign_in.js",), labs=labs, student=state.students[person.id],
        time=timezone.show,
    )  # fmt: skip


def lab_page(
    service: Service, request: Request, student: str, lab: LabView, refused: RefusedError | None = None
) -> Response:
    """The page of a lab; of what was sent there and refused, it says why."""
    state, own = service.view.state, service.attempts.of(lab.name, student)
    settings, together = state.settings, partners(service, lab.name, student)
    url = settings.serve.url or str(request.base_url).rstrip("/")
    values: dict[str, Any] = {
        "standing": standing(service, student, lab),
        "attempts": [shown_now(service, attempt) for attempt in reversed(own)],
        "rules": rules_of(lab, student, [state.students[each].name or each for each in together], settings.timezone),
        "refused": refused.sentence if refused else "",
        "time": settings.timezone.show,
        "place": settings.timezone.place,
        "command": f"qlab submit {lab.name.split('_')[0]} --to {url}",
    }
    status = refused.status if refused else 200
    return page(request, "lab.html", Person(student, Role.STUDENT), status=status, scripts=("hand_in.js",), **values)


def attempt_page(service: Service, request: Request, person: Person, view: ShownAttempt) -> Response:
    """The page of an attempt."""
    state = service.view.state
    lab, attempt = state.labs.get(view.attempt.lab), view.attempt
    values: dict[str, Any] = {
        "view": view,
        "title": lab.title if lab else attempt.lab,
        "has_lab": lab is not None,
        "sections": sections_of(service.course, view.marks) if view.marks is not None else [],
        "handing_in": _handing_in(view),
        "sender": state.students.get(attempt.student),
        "is_own": attempt.student == person.id and person.role == Role.STUDENT,
        "is_final": has_receipt(view),
        "time": state.settings.timezone.show,
        "place": state.settings.timezone.place,
    }
    return page(request, "attempt.html", person, scripts=("attempt.js",), **values)


def _handing_in(view: ShownAttempt) -> Sequence[str]:
    """How late it was, and why; nothing if a newer file counts already, which is still to be graded."""
    note = view.marks.handing_in if view.marks is not None else None
    if note is None or note.when is None or abs((note.when - view.attempt.received).total_seconds()) >= 1:
        return ()
    return note.for_student
