"""The connection itself: what goes over it, and each way in which it can fail, as one sentence."""

import datetime
import ipaddress
import ssl
import traceback

import httpx
import pytest

from qlab.student.errors import StudentError
from qlab.student.server import client
from qlab.student.server.client import Server
from qlab.student.server.personal_token import Token
from qlab.student.server.problems import BusyError, LostError, NotSignedInError
from qlab.student.server.sign_ins import SignIn
from tests.qlab.student.server import fake_server
from tests.qlab.student.server.fake_server import TOKEN, FakeServer, says

BODY = b'{"cells": []}'


def connected(address, token=TOKEN):
    return Server(SignIn(address, Token(token)))


def upload(server):
    return connected(server.address).upload("lab1", BODY)


def test_the_token_travels_in_the_header_alone(server):
    attempt, new = upload(server)
    ((method, path, headers, body),) = server.requests
    assert (method, path, body) == ("POST", "/labs/api/labs/lab1/attempts", BODY) and new and attempt.number == 1
    assert headers["Authorization"] == f"Bearer {TOKEN}" and headers["Content-Type"] == "application/x-ipynb+json"
    assert [name for name, value in headers.items() if TOKEN in value] == ["Authorization"] and TOKEN not in path


def test_the_same_file_twice_is_one_attempt(server):
    assert [(attempt.number, new) for attempt, new in (upload(server), upload(server))] == [(1, True), (1, False)]


@pytest.mark.parametrize("lab", ["../../etc", "a b", "ü?x#y"])
def test_the_name_of_a_lab_stays_one_part_of_the_address(server, lab):
    connected(server.address).upload(lab, BODY)
    assert server.requests[0][1].count("/") == 5 and "?" not in server.requests[0][1]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(server, status):
    with FakeServer() as other:
        other.serve_in_thread()
        server.faults = [says(status, "", Location=f"{other.address}/#{TOKEN}")]
        with pytest.raises(
            StudentError, match=r"sends you on to http://127.0.0.1:.* your token does not go along"
        ) as told:
            upload(server)
        assert other.requests == [] and len(server.requests) == 1 and TOKEN not in str(told.value)
        other.shutdown()


REFUSALS = [
    (400, {"detail": "this is a PDF, not a notebook"}, "^this is a PDF, not a notebook.$"),
    (403, {"detail": "The deadline has passed on Monday."}, "^The deadline has passed on Monday.$"),
    (403, "<html>nginx</html>", "ask the course whether the deadline has passed"),
    (404, {"detail": "There is no lab called lab1, only lab2."}, "^There is no lab called lab1, only lab2.$"),
    (404, {"detail": "Not Found"}, "is not the course's server: check the address"),
    (404, "<html>nginx</html>", "is not the course's server: check the address"),
    (405, {"detail": "Method Not Allowed"}, "is not the course's server"),
    (413, "<html>nginx</html>", "too large for the server: clear the outputs"),
    (413, {"detail": "It has 60 MB: clear the outputs."}, "^It has 60 MB: clear the outputs.$"),
    (422, {"detail": [{"loc": ["path"]}]}, "is not the course's server"),
    (500, "oops", "has failed .500.: try again"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "sentence"), REFUSALS)
def test_every_refusal_is_one_sentence(server, status, body, sentence):
    server.faults = [says(status, body)]
    with pytest.raises(StudentError, match=sentence):
        upload(server)


def test_an_unknown_token_is_told_with_how_to_get_another(server):
    with pytest.raises(NotSignedInError, match=r"ask the course for a new personal link and run `qlab sign-in`"):
        connected(server.address, "qlab_" + "z" * 43).attempts_left()


@pytest.mark.parametrize(
    ("status", "body", "headers", "sentence", "seconds"),
    [
        (429, {"detail": "You have no attempts left today."}, {"Retry_After": "7000"},
         "^You have no attempts left today; run the command again in 2 hours.$", 7000),
        (429, "", {}, "too much in a short time; run the command again in a few minutes", None),
        (503, {"detail": "The disk is full."}, {}, "^The disk is full; run the command again in a", None),
        (502, "<html>", {}, "is down .502.: try again in a few minutes", None),
    ],
)  # fmt: skip
def test_a_busy_server_says_how_long_to_wait(server, status, body, headers, sentence, seconds):
    server.faults = [says(status, body, **headers)]
    with pytest.raises(BusyError, match=sentence) as told:
        upload(server)
    assert told.value.seconds == seconds


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", '"text"', "null", b"\xff\xfe", b"[" * 100_000])
def test_garbage_is_not_the_courses_server(server, body):
    server.faults = [says(200, body)]
    with pytest.raises(StudentError, match="is not the course's server"):
        upload(server)


def test_an_endless_answer_is_cut_off(server, monkeypatch):
    monkeypatch.setattr(client, "LARGEST", 10_000)
    server.faults = [says(200, b"1" * 200_000)]
    with pytest.raises(StudentError, match="is not the course's server"):
        upload(server)


@pytest.mark.parametrize("fault", [fake_server.reset, fake_server.cut_off, fake_server.reset_after_accepting])
def test_a_lost_connection_is_told_as_one(server, fault):
    server.faults = [fault]
    with pytest.raises(LostError, match="was lost: run the command again; the same file is never counted twice"):
        upload(server)


def test_a_slow_answer_ends_the_wait(server, monkeypatch):
    monkeypatch.setattr(client, "TIMEOUT", httpx.Timeout(0.1, connect=5))
    server.faults = [fake_server.slow(0.5)]
    with pytest.raises(LostError, match="took too long to answer"):
        upload(server)


def test_an_answer_that_trickles_ends_the_wait(server, monkeypatch):
    monkeypatch.setattr(client, "LONGEST", -1)
    with pytest.raises(LostError, match="took too long to answer"):
        upload(server)


def test_nobody_answers():
    with FakeServer() as gone:
        address = gone.address
    with pytest.raises(LostError, match=r"nothing answers at 127.0.0.1:\d+: check the address"):
        connected(address).attempts_left()


def test_a_host_that_does_not_exist(no_names):
    with pytest.raises(LostError, match=r"there is no quant.invalid: check the address and your internet connection"):
        connected("https://quant.invalid/labs").attempts_left()


def test_a_server_without_tls_behind_https(server):
    with pytest.raises(StudentError, match="does not speak https: check the address and its port; nothing was sent"):
        connected(server.address.replace("http", "https")).attempts_left()
    assert server.requests == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate that nobody has signed, for another host."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


def test_tls_is_verified_and_a_networks_own_certificates_can_be_named(certificate, monkeypatch):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with FakeServer(context) as server:
        server.serve_in_thread()
        with pytest.raises(StudentError, match=r"certificate of 127.0.0.1:.* cannot be verified .*; nothing was sent"):
            upload(server)
        assert server.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert upload(server)[1]
        server.shutdown()


def test_a_large_notebook_is_refused_while_it_is_sent(server):
    server.refuses_early = True
    with pytest.raises(StudentError, match="too large for the server: clear the outputs"):
        connected(server.address).upload("lab1", b" " * 30_000_000)


def test_a_traceback_with_local_variables_does_not_show_the_token(server, monkeypatch):
    def bug(response):
        raise RuntimeError("a bug")

    monkeypatch.setattr(client, "_body", bug)
    sign_in = SignIn(server.address, Token(TOKEN))
    with pytest.raises(RuntimeError) as raised:
        Server(sign_in).upload("lab1", BODY)
    told = "".join(traceback.TracebackException.from_exception(raised.value, capture_locals=True).format())
    assert "a bug" in told and "headers = " in told and TOKEN not in told


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "ftp://proxy", "127.0.0.1:port"])
def test_settings_that_httpx_does_not_take_are_told(proxy, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(StudentError, match="network settings cannot be used"):
        connected("https://quant.example.invalid").attempts_left()


def test_a_proxy_that_does_not_exist_is_named(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with pytest.raises(LostError, match="check the address and the proxy in HTTPS_PROXY"):
        connected("https://quant.example.invalid").attempts_left()
    with pytest.raises(LostError, match=r"nothing answers at \[::1\]:1: check|cannot be reached"):  # not by the proxy
        connected("http://[::1]:1").attempts_left()


@pytest.mark.parametrize("address", ["https://" + "a" * 64 + ".edu", "https://a..edu", "https://\u2024.edu"])
def test_a_host_that_cannot_be_one_is_told(address, no_names):
    with pytest.raises(StudentError, match=r"is not an address|there is no "):
        connected(address).attempts_left()


def test_certificates_that_are_not_there_are_told(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/own.pem")
    with pytest.raises(StudentError, match=r"network settings cannot be used: .* SSL_CERT_FILE"):
        connected("https://quant.example.invalid").attempts_left()


def test_settings_of_the_network_that_are_wrong_are_told(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "nonsense://user:secret@proxy")
    with pytest.raises(StudentError, match="network settings cannot be used: check the variables HTTPS_PROXY") as told:
        connected("http://quant.example.edu").attempts_left()
    assert "secret" not in str(told.value)


def test_a_proxy_is_used_but_not_for_this_computer(server, monkeypatch):
    with FakeServer() as proxy:
        proxy.serve_in_thread()
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.server_address[1]}")
        assert upload(server)[1] and proxy.requests == []
        with pytest.raises(StudentError):
            connected("http://quant.example.edu/labs").attempts_left()
        assert proxy.requests[0][1] == "http://quant.example.edu/labs/api/labs"
        proxy.shutdown()


def test_logs_do_not_hold_the_token(server, caplog):
    with caplog.at_level("DEBUG"):
        upload(server)
    assert caplog.records and TOKEN not in caplog.text
