"""Below a path, with a proxy that takes it off and with one that leaves it: every address on every page leads on."""

import re
from urllib.parse import urljoin, urlsplit

import pytest

from tests.autograder.classes import LAB
from tests.autograder.serve.small_class import TEACHER, small_class

ROOTS = ["", "/labs", "/a/b"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with small_class(tmp_path_factory.mktemp("below") / "course") as made:
        made.upload("ada")
        made.grade("ada", 7, answers={"q1": "def double(x): return x"})
        yield made


def get(browser, root, address, keeps):
    """What a browser gets for an address outside: uvicorn puts the path before whatever the proxy hands on."""
    handed_on = address if keeps else address.removeprefix(root)
    return browser.get(f"{root}{handed_on}")


@pytest.mark.parametrize("who", ["ada", TEACHER])
@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("root", ROOTS)
def test_all_addresses_lead_on(made, root, keeps, who):
    browser, seen, todo = made.client(who, root_path=root), set(), [f"{root}/"]
    while todo:
        address = todo.pop()
        if address in seen:
            continue
        seen.add(address)
        answer = get(browser, root, address, keeps)
        assert answer.status_code == 200, address
        if "text/html" in answer.headers["content-type"]:
            assert not re.search(r'(?:href|src|action)="(?:/|https?:)', answer.text), "all addresses are relative"
            found = re.findall(r'(?:href|src|data-now)="([^"#]+)"', answer.text)
            todo += [urlsplit(urljoin(address, each.replace("&amp;", "&"))).path for each in found if each != "data:,"]
    assert all(address.startswith(f"{root}/") for address in seen)
    expected = {"/lab/" if who == "ada" else "/staff/", "/static/", "/attempts/"}
    assert all(any(part in address for address in seen) for part in expected)


def test_forms_lead_back_below_the_path(made):
    browser = made.client("ada", root_path="/labs")
    page = browser.get(f"/labs/lab/{LAB}").text
    key = re.search(r'name="form_key" value="(\w+)"', page)[1]
    answer = browser.post("/labs/labs/sign-out", data={"form_key": key})
    assert urljoin("/labs/sign-out", answer.headers["location"]) == "/labs/"


def test_the_slash_at_the_end_is_added(made):
    answer = made.client(root_path="/a/labs").get("/a/labs/a/labs")
    assert urljoin("/a/labs", answer.headers["location"]) == "/a/labs/"
