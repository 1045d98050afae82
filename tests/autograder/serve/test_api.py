"""The interface for programs: what it answers, to whom, and that it is as its description says."""

import json

import httpx
import pytest
from fastapi.testclient import TestClient

from autograder.serve.app import create_app
from autograder.serve.tokens import Role, Tokens
from tests.autograder.classes import LAB
from tests.autograder.serve.bench import START, notebook

TYPE = {"Content-Type": "application/x-ipynb+json"}
URL = f"/api/labs/{LAB}/attempts"


@pytest.fixture
def client(bench):
    """Somebody of these ids signed in; nobody without one."""
    client = TestClient(create_app(bench.service), raise_server_exceptions=False)
    tokens = Tokens(bench.course)

    def signed_in(who="", role=Role.STUDENT, **headers):
        token = tokens.issue([who], role, START.replace(year=2100))[who] if who else ""
        client.headers = httpx.Headers({"Authorization": f"Bearer {token}", **headers} if who else headers)
        return client

    return signed_in


def test_handing_in_and_the_mark(bench, client):
    ada = client("ada")
    made = ada.post(URL, content=notebook(1), headers=TYPE)
    assert made.status_code == 201 and made.json()["state"] == "waiting"
    assert ada.post(URL, content=notebook(1), headers=TYPE).status_code == 200, "a repeated request is the same attempt"
    bench.settle()
    found = ada.get(f"/api/attempts/{made.json()['id']}").json()
    assert (found["state"], found["number"], found["lab"]) == ("graded", 1, LAB) and found["out_of"] == 35
    assert [lab["lab"] for lab in ada.get("/api/labs").json()] == [LAB]


def test_nobody_sees_anybody_elses(bench, client):
    made = client("ada").post(URL, content=notebook(1), headers=TYPE).json()
    for address in (f"/api/attempts/{made['id']}", f"/attempts/{made['id']}", f"/attempts/{made['id']}/file"):
        assert client("bob").get(address).status_code == 404
        assert client().get(address).status_code == 401
    assert client("smith", Role.STAFF).get(f"/api/attempts/{made['id']}").json()["id"] == made["id"]


@pytest.mark.parametrize(
    ("content", "headers", "status", "says"),
    [
        (b"hello", TYPE, 400, "damaged"),
        (b"", TYPE, 400, "empty"),
        (b"[" * 100_000, TYPE, 400, "deep"),
        (b'{"cells": ' + b"[" * 100_000, TYPE, 400, "deep"),
        (b'{"cells": [%s{}], "nbformat": 4}' % (b"{}," * 100_000), TYPE, 400, "100,001 cells"),
        (b'{"cells": [], "nbformat": 4}', TYPE, 400, "no cells"),
        (b'{"cells": [1, null, "x"], "nbformat": 4}', TYPE, 400, "no cells"),
        (b'{"cells": 5, "nbformat": 4}', TYPE, 400, "no list of cells"),
        (b"\xff\xfe" + "{}".encode("utf-16-le"), TYPE, 400, "UTF-8"),
        (b"PK\x03\x04" + b"x" * 100, TYPE, 400, "zip|archive"),
        (notebook(1), {"Content-Type": "text/html"}, 415, "Content-Type"),
        (notebook(1), {}, 415, "Content-Type"),
    ],
    ids=range(12),
)
def test_what_is_no_notebook_is_refused_in_a_sentence(bench, client, content, headers, status, says):
    import re

    answer = client("ada").post(URL, content=content, headers=headers)
    assert answer.status_code == status and re.search(says, answer.json()["detail"]), answer.json()
    assert bench.states("ada") == [] and not list((bench.course.root / "served").rglob("*.ipynb"))


def test_a_notebook_with_a_link_in_it_is_refused(bench, client):
    ada = client("ada")
    token = ada.headers["Authorization"].split()[1]
    answer = ada.post(URL, content=notebook(f'"https://example.edu/#{token}"'), headers=TYPE)
    assert answer.status_code == 400 and "personal link" in answer.json()["detail"] and token not in answer.text
    assert ada.post(URL, content=notebook(f'"{token[:-1]}"'), headers=TYPE).status_code == 201, "a part of one is none"


@pytest.mark.parametrize(
    "lab", ["lab9", "..", "../../etc", "%2e%2e", "a\x00b", "x" * 5000, f"{LAB}/..", "é", LAB.upper()]
)
def test_the_name_of_a_lab_leads_nowhere_else(bench, client, lab):
    from urllib.parse import quote

    answer = client("ada").post(f"/api/labs/{quote(lab, safe='')}/attempts", content=notebook(1), headers=TYPE)
    assert answer.status_code in (404, 405, 422) and "detail" in answer.json()
    assert {path.name for path in (bench.course.root / "served").iterdir() if path.is_dir()} <= {"attempts", "inbox"}


@pytest.mark.parametrize("attempt", ["x", "..", "../../tokens.json", "%00", "a" * 5000])
def test_an_id_that_is_none_is_nobodys(client, attempt):
    assert client("ada").get(f"/api/attempts/{attempt}").status_code in (404, 422)


def test_a_page_of_another_site_hands_nothing_in(bench, client):
    token = client("ada").headers["Authorization"].split()[1]
    browser = client()
    browser.cookies.set("qlab_token", token)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        assert browser.post(URL, content=notebook(1), headers={**TYPE, **headers}).status_code == 403
    assert bench.states("ada") == []
    assert browser.post(URL, content=notebook(1), headers={**TYPE, "Sec-Fetch-Site": "same-origin"}).status_code == 201


def test_every_answer_has_the_headers(client):
    for answer in (client().get("/"), client().get("/nowhere"), client("ada").get("/api/labs"), client("ada").put("/")):
        assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_a_bug_is_told_without_its_details(bench, client, monkeypatch):
    monkeypatch.setattr(bench.service.intake, "accept", lambda *_: 1 / 0)
    answer = client("ada").post(URL, content=notebook(1), headers=TYPE)
    assert answer.status_code == 500 and "nothing of what was accepted is lost" in answer.json()["detail"]


def test_who_left_the_course_gets_nothing_more(bench, client):
    ada = client("ada")
    assert ada.get("/api/labs").status_code == 200
    state = bench.service.view._state
    bench.service.view._state = type(state)(state.settings, {"bob": state.students["bob"]}, state.labs)
    assert (
        ada.get("/api/labs").status_code == 401 and ada.post(URL, content=notebook(1), headers=TYPE).status_code == 401
    )


@pytest.mark.slow
def test_it_is_as_its_description_says(bench, client):
    """No error of the server, no status, type or body that the description does not name."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis import checks as they

    checks = [
        they.not_a_server_error, they.status_code_conformance, they.content_type_conformance,
        they.response_headers_conformance, they.response_schema_conformance,
    ]  # fmt: skip

    ada = client("ada")
    application, sent = create_app(bench.service), {**ada.headers, "Sec-Fetch-Site": "same-origin"}
    attempt = ada.post(URL, content=notebook(1), headers=TYPE).json()["id"]
    bench.settle()
    description = schemathesis.openapi.from_asgi("/api/openapi.json", application)
    operations = [result.ok() for result in description.get_all_operations()]
    assert len(operations) >= 4
    known = {"lab": LAB, "attempt_id": attempt}
    for operation in operations:

        @settings(max_examples=20, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(case=operation.as_strategy())
        def conforms(case):
            for name in case.path_parameters or {}:
                if len(str(case.path_parameters[name])) % 2:  # about every second time, something that there is
                    case.path_parameters[name] = known[name]
            # Whether bytes are a notebook is more than a description can say, so "valid" ones may be refused.
            case.call_and_validate(headers=sent, checks=checks)

        conforms()


def test_the_description_names_every_status_of_handing_in(client):
    operation = client("ada").get("/api/openapi.json").json()["paths"]["/api/labs/{lab}/attempts"]["post"]
    statuses = {int(status) for status in operation["responses"]}
    assert {200, 201, 400, 401, 403, 404, 408, 413, 415, 422, 429, 503} <= statuses
    assert json.dumps(operation).count("binary") == 1
