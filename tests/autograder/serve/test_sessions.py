"""Signing in by a link: what the cookie is, who is let in, and that neither guesses nor other sites get anywhere."""

import re

import pytest

from autograder.serve.sign_in import COOKIE
from tests.autograder.classes import LAB
from tests.autograder.serve.small_class import TEACHER, small_class

OURS = {"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with small_class(tmp_path_factory.mktemp("sessions") / "course") as made:
        yield made


def sign_in(browser, link, **headers):
    return browser.post("/sign-in", data={"link": link}, headers={**OURS, **headers})


@pytest.mark.parametrize("who", ["ada", TEACHER])
def test_a_link_becomes_a_cookie_that_no_script_can_read(made, who):
    browser = made.client()
    answer = sign_in(browser, f"https://quant.example.edu/labs/#{made.tokens[who]} ")
    assert (answer.status_code, answer.headers["location"]) == (303, "./")
    cookie = answer.headers["set-cookie"]
    assert made.tokens[who] in cookie and "HttpOnly" in cookie and "samesite=strict" in cookie.lower()
    assert "Path=/;" in cookie and "expires=" in cookie and "Secure" not in cookie
    assert who in browser.get("/").text


def test_a_script_gets_json(made):
    answer = sign_in(made.client(), made.tokens["ada"], Accept="*/*")
    assert (answer.status_code, answer.json()) == (200, {"role": "student"})


def test_the_cookie_is_secure_and_belongs_to_the_path_that_a_proxy_hands_on(made):
    browser = made.client(root_path="/labs")
    browser.base_url = "https://testserver/"
    cookie = sign_in(browser, made.tokens["ada"], Origin="https://testserver").headers["set-cookie"]
    assert "Secure" in cookie and "Path=/labs;" in cookie


@pytest.mark.parametrize(("link", "sentence"), [
    ("", "That is no personal link"),
    ("qlab_short", "That is no personal link"),
    ("qlab_" + "a" * 43, "Sign in with your personal link"),
])  # fmt: skip
def test_a_wrong_link_is_told_in_a_sentence(made, link, sentence):
    answer = sign_in(made.client(), link)
    assert answer.status_code == 401 and sentence in answer.text and "set-cookie" not in answer.headers


def test_guesses_by_this_way_are_limited(tmp_path):
    with small_class(tmp_path / "course") as made:
        browser = made.client()
        codes = [sign_in(browser, f"qlab_{'a' * 40}{number:03}").status_code for number in range(25)]
        assert codes[:20] == [401] * 20 and codes[20:] == [429] * 5


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "null", "Sec-Fetch-Site": "same-site"},
])  # fmt: skip
def test_another_site_signs_nobody_in_or_out(made, headers):
    for address in ("/sign-in", "/sign-out"):
        answer = made.client("ada").post(address, data={"link": made.tokens["bob"]}, headers=headers)
        assert answer.status_code == 403 and "set-cookie" not in answer.headers
    answer = made.client().post("/sign-in", data={"link": made.tokens["bob"]})
    assert answer.status_code == 403, "it does not say where it comes from"


def test_signing_out_needs_the_key_of_the_form(made):
    browser = made.client("ada")
    assert browser.post("/sign-out", data={"form_key": "0" * 64}).status_code == 403
    key = re.search(r'name="form_key" value="(\w+)"', browser.get("/").text)[1]
    answer = browser.post("/sign-out", data={"form_key": key})
    assert answer.status_code == 303 and f'{COOKIE}=""' in answer.headers["set-cookie"]


def test_a_cookie_that_does_not_work_any_more_is_taken_back(made):
    browser = made.client()
    browser.cookies.set(COOKIE, "qlab_" + "b" * 43)
    answer = browser.get("/")
    assert answer.status_code == 200 and "new one if it does not work" in answer.text
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]


def test_every_page_but_the_first_needs_somebody(made):
    for address in (f"/lab/{LAB}", "/attempts/x", "/attempts/x/file", f"/staff/{LAB}", f"/wall/{LAB}"):
        answer = made.client().get(address)
        assert answer.status_code == 401 and "Personal link" in answer.text
    assert made.client().get("/").status_code == 200


@pytest.mark.parametrize(("content", "status"), [
    (b"link=" + b"a" * 20_000, 413), (b"\xff\xfe", 400), (b"&".join([b"a=1"] * 50), 400),
])  # fmt: skip
def test_a_form_that_is_none_is_refused(made, content, status):
    headers = {**OURS, "Content-Type": "application/x-www-form-urlencoded"}
    answer = made.client().post("/sign-in", content=content, headers=headers)
    assert answer.status_code == status and 'role="alert"' in answer.text
