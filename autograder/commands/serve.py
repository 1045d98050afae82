"""autograder serve: students hand in over HTTP and have the official mark at once."""

from typing import Annotated

import typer

from autograder.commands.app import CourseOption, app
from autograder.course_folder.layout import DEFAULT_COURSE, Course
from autograder.errors import UserError


@app.command()
def serve(
    course: CourseOption = DEFAULT_COURSE,
    host: Annotated[str, typer.Option(help="The address to listen at; keep it local behind a proxy.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen at.", min=0, max=65535)] = 8000,
    proxy: Annotated[
        list[str] | None,
        typer.Option(help="The address of a proxy whose X-Forwarded-For is believed, such as 127.0.0.1."),
    ] = None,
    workers: Annotated[int, typer.Option(help="How many to grade at a time; 0 is one per core.", min=0)] = 0,
    scheduler: Annotated[str, typer.Option(help="A Dask cluster to grade on, such as tcp://host:8786.")] = "",
    no_sandbox: Annotated[
        bool, typer.Option("--no-sandbox", help="Run students' code with your own rights: only for people you trust.")
    ] = False,
) -> None:
    """Take notebooks and show the official mark at once. Example: autograder serve --port 8000.

    Make personal links first: autograder roster --links. What to show, deadlines and attempts stand in rules.toml.
    """
    place = Course.at(course, create=False)
    try:
        import fastapi  # noqa: F401
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is missing: pip install -e '.[serve]' installs what serve needs.") from error
    from autograder.serve.queue import GraderOptions
    from autograder.serve.server import Address, run

    run(place, Address(host, port, tuple(proxy or ())), GraderOptions(scheduler, workers, not no_sandbox))
