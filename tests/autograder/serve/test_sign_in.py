"""Who may come in, while others try out a million links."""

from types import SimpleNamespace

import pytest

from autograder.serve.refusals import RefusedError
from autograder.serve.sign_in import FAILURES, SignIn, check_origin, form_key
from autograder.serve.throttle import MOST_KEYS
from autograder.serve.tokens import Role, Tokens
from tests.autograder.serve.bench import START


def request(token="", address="192.0.2.1", cookies=None, **headers):
    sent = {"authorization": f"Bearer {token}"} if token else {}
    return SimpleNamespace(
        client=SimpleNamespace(host=address), headers={**sent, **headers}, cookies=cookies or {},
    )  # fmt: skip


@pytest.fixture
def sign_in(bench):
    return SignIn(bench.service)


@pytest.fixture
def token(bench):
    return Tokens(bench.course).issue(["ada"], Role.STUDENT, START.replace(year=2100))["ada"]


def status(sign_in, *arguments, **options):
    try:
        return sign_in.person(request(*arguments, **options)).id
    except RefusedError as error:
        return error.status


def test_who_tries_out_links_waits_and_a_class_behind_the_same_address_does_not(sign_in, token):
    tried = [status(sign_in, f"wrong{number}") for number in range(FAILURES + 5)]
    assert tried == [401] * FAILURES + [429] * 5
    assert status(sign_in, token) == "ada", "a link that works, from the same address"
    assert status(sign_in, "wrong", "192.0.2.2") == 401 and status(sign_in) == 401


def test_tries_from_everywhere_cost_bounded_memory(sign_in, token):
    for number in range(MOST_KEYS + 100):
        status(sign_in, "wrong", f"address {number}")
    assert len(sign_in._failures._buckets) == MOST_KEYS and status(sign_in, token) == "ada"


def test_a_cookie_counts_as_a_header_does_and_roles_stay_apart(bench, sign_in, token):
    staff = Tokens(bench.course).issue(["smith"], Role.STAFF, START.replace(year=2100))["smith"]
    assert sign_in.student(request(cookies={"qlab_token": token})) == "ada"
    assert sign_in.staff(request(staff)) == "smith"
    for refused, status_ in (
        (lambda: sign_in.staff(request(token)), 404),
        (lambda: sign_in.student(request(staff)), 403),
    ):
        with pytest.raises(RefusedError) as error:
            refused()
        assert error.value.status == status_


def test_only_our_own_pages_change_anything(token):
    cookie = {"cookies": {"qlab_token": token}}
    key = form_key(request(**cookie))
    check_origin(request(token))
    check_origin(request(**cookie, **{"sec-fetch-site": "same-origin"}))
    check_origin(request(**cookie, origin="https://lab.example", host="lab.example"))
    check_origin(request(**cookie), key)
    for headers, sent in (
        ({"sec-fetch-site": "cross-site"}, key), ({"sec-fetch-site": "same-site"}, ""),
        ({"origin": "https://evil.example", "host": "lab.example"}, key), ({"origin": "null", "host": "x"}, key),
        ({}, ""), ({}, "f" * 64),
    ):  # fmt: skip
        with pytest.raises(RefusedError):
            check_origin(request(**cookie, **headers), sent)
