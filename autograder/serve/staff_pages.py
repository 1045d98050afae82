"""The pages for teachers: all labs, who has handed in what in one of them, one student's attempts."""

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from autograder.course_folder.roster import Student
from autograder.serve.api import LabName
from autograder.serve.downloads import submission_of
from autograder.serve.overview import NOTHING, STATES, Overview, Row
from autograder.serve.refusals import RefusedError
from autograder.serve.rendering import page
from autograder.serve.service import Service
from autograder.serve.shown import shown_now
from autograder.serve.sign_in import SignIn
from autograder.serve.tokens import Person, Role


def staff_pages(service: Service, sign_in: SignIn) -> APIRouter:
    """The routes staff/…."""
    router = APIRouter(include_in_schema=False)
    overview = Overview(service)

    @router.get("/staff/{lab}")
    def of_lab(
        request: Request, lab: LabName, who: str = Query("", max_length=200), state: str = Query("", max_length=30)
    ) -> Response:
        person, found = Person(sign_in.staff(request), Role.STAFF), service.intake.lab(lab)
        rows, timezone = overview.rows(lab), service.view.state.settings.timezone
        counts = {name: sum(row.state == name for row in rows) for name in STATES}
        return page(
            request, "staff_lab.html", person, lab=found, rows=[row for row in rows if _is_wanted(row, who, state)],
            counts=counts, students=len(rows), nothing=NOTHING, who=who, state=state, states=STATES,
            problems=problems(service), time=timezone.show, place=timezone.place,
        )  # fmt: skip

    @router.get("/staff/{lab}/{student}")
    def of_student(request: Request, lab: LabName, student: str) -> Response:
        person, found = Person(sign_in.staff(request), Role.STAFF), service.intake.lab(lab)
        who, timezone = _student(service, student), service.view.state.settings.timezone
        row = next(row for row in overview.rows(lab) if row.student.id == student)
        views = [shown_now(service, each, to_staff=True) for each in reversed(service.attempts.of(lab, student))]
        return page(
            request, "staff_student.html", person, lab=found, student=who, views=views, row=row,
            own_deadline=found.deadline(student), time=timezone.show, place=timezone.place,
        )  # fmt: skip

    @router.get("/staff/{lab}/{student}/file")
    def file(request: Request, lab: LabName, student: str) -> Response:
        sign_in.staff(request)
        return submission_of(service.course, service.intake.lab(lab).name, _student(service, student).id)

    return router


def staff_home(service: Service, request: Request, person: Person) -> Response:
    """The page with all labs."""
    state, waiting = service.view.state, service.attempts.unfinished()
    labs = [
        {
            "lab": lab,
            "handed_in": len({each[0].student for each in service.attempts.of_lab(lab.name)} & state.students.keys()),
            "waiting": sum(attempt.lab == lab.name for attempt in waiting),
        }
        for lab in state.labs.values()
    ]
    timezone = state.settings.timezone
    return page(
        request, "staff.html", person, scripts=("sign_in.js",), labs=labs, students=len(state.students),
        problems=problems(service), time=timezone.show, place=timezone.place,
    )  # fmt: skip


def problems(service: Service) -> list[str]:
    """What is wrong with the service now, in sentences."""
    found = (service.problem, service.queue.problem, service.view.problem, service.clock.problem)
    return [problem for problem in found if problem]


def _is_wanted(row: Row, who: str, state: str) -> bool:
    words = who.casefold().split()
    text = f"{row.student.id} {row.student.name} {row.student.group} {row.student.section}".casefold()
    return state in ("", row.state) and all(word in text for word in words)


def _student(service: Service, student: str) -> Student:
    found = service.view.state.students.get(student)
    if found is None:
        raise RefusedError(404, "nobody on the roster has this id.")
    return found
