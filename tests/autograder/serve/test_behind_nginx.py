"""The server behind a real nginx, with the site of docs/deploy and a certificate that it signs itself."""

import http.client
import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.autograder.conftest import LAB
from tests.autograder.serve.running import ANY_CERTIFICATE, ask, enrol, mark, serving, submissions, upload
from tests.conftest import REPOSITORY, missing

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serve")]

SITE = REPOSITORY / "docs" / "deploy" / "nginx.conf"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
MAIN = """daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/main.log;
events {{ worker_connections 768; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""
WRONG = "qlab_" + "x" * 43


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def write_certificate(folder: Path) -> None:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "privkey.pem").write_bytes(key.private_bytes(*private))


def site(folder: Path, plain: int, secure: int, server: int) -> str:
    """The file of docs/deploy, with this machine's ports and paths in place of the ones to be filled in."""
    text = SITE.read_text("utf-8")
    changes = {
        r"listen 80;": f"listen 127.0.0.1:{plain};",
        r"listen 443 ssl http2;": f"listen 127.0.0.1:{secure} ssl http2;",
        r"listen \[::\]:.*;": "",
        r"server 127\.0\.0\.1:8000;": f"server 127.0.0.1:{server};",
        r"/etc/letsencrypt/live/quant\.example\.edu/": f"{folder}/",
        r"/var/log/nginx/": f"{folder}/",
    }
    for pattern, replacement in changes.items():
        text, count = re.subn(pattern, replacement, text)
        assert count, pattern
    return text


@dataclass
class Proxied:
    """A server behind nginx.

    Attributes:
        folder: nginx's.
        url: the server's address for people.
        plain: nginx's port without TLS.
        secure: nginx's port with TLS.
        direct: the server's own port.
        tokens: by student.
        notebooks: to hand in.
    """

    folder: Path
    url: str
    plain: int
    secure: int
    direct: int
    tokens: dict[str, str]
    notebooks: list[bytes]


@contextmanager
def nginx(folder: Path, plain: int, secure: int, server: int) -> Iterator[None]:
    write_certificate(folder)
    (folder / "site.conf").write_text(site(folder, plain, secure, server))
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
    words = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    tested = subprocess.run([*words, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        try:
            for _ in range(200):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", secure)) == 0:
                        break
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.communicate(timeout=30)


@pytest.fixture(scope="module")
def proxied(released, tmp_path_factory) -> Iterator[Proxied]:
    if not Path(NGINX).is_file():
        missing("nginx", "apt-get install nginx")
    folder = tmp_path_factory.mktemp("nginx")
    folder.chmod(0o755)
    course = type(released)(folder / "course")
    shutil.copytree(released.root, course.root)
    tokens = enrol(course, "ada", "bob", "cyd", "dan")
    plain, secure, direct = free_port(), free_port(), free_port()
    url = f"https://localhost:{secure}/labs"
    (course.root / "rules.toml").write_text(f'[serve]\nurl = "{url}"\n')
    notebooks = list(submissions(course, folder).values())
    with serving(course, "--port", direct, "--proxy", "127.0.0.1"), nginx(folder, plain, secure, direct):
        yield Proxied(folder, url, plain, secure, direct, tokens, notebooks)


def test_an_upload_over_the_interface_is_graded(proxied):
    answer = upload(proxied.url, proxied.tokens["ada"], proxied.notebooks[0])
    assert answer.status == 201 and answer.headers["Strict-Transport-Security"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and "default-src 'none'" in str(answer.headers)
    assert mark(proxied.url, proxied.tokens["ada"], answer.json["id"])["state"] == "graded"
    labs = ask(f"{proxied.url}/api/labs", Authorization=f"Bearer {proxied.tokens['ada']}").json
    assert [lab["lab"] for lab in labs] == [LAB]


def test_a_browser_signs_in_and_stays_below_the_path(proxied):
    origin = f"https://localhost:{proxied.secure}"
    page = ask(f"{proxied.url}/", Accept="text/html")
    assert page.status in (200, 401) and b"sign" in page.body.lower()
    for address in re.findall(rb'(?:href|src|action)="([^"#]*)"', page.body):
        assert not address.startswith(b"/") or address.startswith(b"/labs/"), address
    entered = ask(
        f"{proxied.url}/sign-in", f"link={proxied.tokens['bob']}".encode(), Origin=origin, Accept="text/html",
        Content_Type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert entered.status in (200, 303), entered
    cookie = entered.headers["Set-Cookie"]
    assert re.search(r"Path=/labs/?(;|$)", cookie) and "Secure" in cookie and "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    if entered.status == 303:
        target = entered.headers["Location"]
        assert not target.startswith(("http:", "//")) and (not target.startswith("/") or target.startswith("/labs/"))
    inside = ask(f"{proxied.url}/", Accept="text/html", Cookie=cookie.split(";")[0])
    assert inside.status == 200 and b"Linear quantization" in inside.body
    foreign = ask(
        f"{proxied.url}/sign-in", f"link={proxied.tokens['bob']}".encode(), Origin="https://evil.example",
        Content_Type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert foreign.status == 403


def test_a_form_hands_in_too(proxied):
    origin = f"https://localhost:{proxied.secure}"
    entered = ask(
        f"{proxied.url}/sign-in", f"link={proxied.tokens['cyd']}".encode(), Origin=origin, Accept="text/html",
        Content_Type="application/x-www-form-urlencoded",
    )  # fmt: skip
    cookie = entered.headers["Set-Cookie"].split(";")[0]
    page = ask(f"{proxied.url}/lab/{LAB}", Accept="text/html", Cookie=cookie).body.decode()
    key = re.search(r'name="form_key"[^>]*value="([^"]+)"', page)[1]
    parts = [
        b'--xx\r\nContent-Disposition: form-data; name="form_key"\r\n\r\n' + key.encode(),
        b'--xx\r\nContent-Disposition: form-data; name="notebook"; filename="a.ipynb"\r\n\r\n' + proxied.notebooks[1],
    ]
    body = b"\r\n".join([*parts, b"--xx--\r\n"])
    kind = "multipart/form-data; boundary=xx"
    sent = ask(f"{proxied.url}/lab/{LAB}", body, Cookie=cookie, Origin=origin, Content_Type=kind, Accept="text/html")
    assert sent.status == 303, sent
    target = sent.headers["Location"]
    assert re.search(r"attempts/[\w-]{20,}$", target)
    attempt = target.rpartition("/")[2]
    assert mark(proxied.url, proxied.tokens["cyd"], attempt)["state"] == "graded"


def test_a_body_that_is_too_large_is_refused_by_nginx_and_by_us(proxied):
    token = proxied.tokens["ada"]
    by_us = upload(proxied.url, token, b" " * (10 * 2**20 + 1))
    assert by_us.status == 413 and "larger than 10 MB" in by_us.json["detail"]
    assert by_us.headers["Content-Security-Policy"]
    connection = http.client.HTTPSConnection("localhost", proxied.secure, context=ANY_CERTIFICATE, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Length": str(2 * 2**30), "Content-Type": "application/json"}
    connection.request("POST", f"/labs/api/labs/{LAB}/attempts", None, headers)  # no byte of the 2 GB is sent
    answer = connection.getresponse()
    assert answer.status == 413 and "larger than 10 MB" in json.loads(answer.read())["detail"]
    assert answer.headers.get("Content-Security-Policy") is None  # so that one was nginx's
    connection.close()


def test_a_refusal_arrives_though_the_body_was_not_read(proxied):
    # nginx said that there was no server: we had closed the connection while it still sent.
    content = b" " * (9 * 2**20)
    assert upload(proxied.url, WRONG, content).status == 401
    nowhere = ask(f"{proxied.url}/api/labs/none/attempts", content, Authorization=f"Bearer {proxied.tokens['ada']}")
    assert nowhere.status == 404 and "there is no lab “none”" in nowhere.json["detail"]
    assert upload(f"http://127.0.0.1:{proxied.direct}", WRONG, content).status == 401


def wrong_link(port: int, source: str, path: str = "", secure: bool = True, **headers: str) -> int:
    """The status of a request with a wrong token that comes from an address of this machine."""
    address = ("localhost" if secure else "127.0.0.1", port)
    kind, options = (
        (http.client.HTTPSConnection, {"context": ANY_CERTIFICATE}) if secure else (http.client.HTTPConnection, {})
    )
    connection = kind(*address, timeout=30, source_address=(source, 0), **options)
    connection.request("GET", f"{path}/api/labs", headers={"Authorization": f"Bearer {WRONG}", **headers})
    status = connection.getresponse().status
    connection.close()
    return status


def test_wrong_links_are_counted_by_the_clients_address_which_nobody_can_write_into_a_header(proxied):
    def through_nginx(source: str, said: str) -> int:
        return wrong_link(proxied.secure, source, "/labs", **{"X-Forwarded-For": said})

    statuses = [through_nginx("127.0.0.77", f"10.0.0.{number}") for number in range(25)]
    assert statuses[0] == 401 and statuses[-1] == 429
    assert through_nginx("127.0.0.78", "127.0.0.77") == 401  # somebody else is not limited, whatever the header says
    # Past nginx, only the proxy's own address is believed.
    said = [
        wrong_link(proxied.direct, "127.0.0.79", secure=False, **{"X-Forwarded-For": f"10.1.0.{number}"})
        for number in range(25)
    ]
    assert said[-1] == 429
    assert upload(proxied.url, proxied.tokens["ada"], proxied.notebooks[0]).status == 200


def test_without_tls_and_without_the_slash_one_is_sent_on(proxied):
    plain = ask(f"http://localhost:{proxied.plain}/labs/api/labs")
    assert plain.status == 301 and plain.headers["Location"] == "https://localhost/labs/api/labs"
    bare = ask(proxied.url)
    assert bare.status == 308 and bare.headers["Location"] == f"{proxied.url}/"


def test_slow_clients_wait_in_nginx_and_others_are_served(proxied):
    head = f"POST /labs/api/labs/{LAB}/attempts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(40):  # more than the server reads at a time
            connection = stack.enter_context(socket.create_connection(("localhost", proxied.secure)))
            slow = stack.enter_context(ANY_CERTIFICATE.wrap_socket(connection, server_hostname="localhost"))
            slow.sendall(head.encode())
        assert _connections(proxied.direct) < 40
        assert upload(proxied.url, proxied.tokens["dan"], proxied.notebooks[2]).status == 201


def test_idle_connections_of_one_address_are_given_up_for_others(proxied):
    """A thousand of them are more than nginx can have; it is Debian's number of connections."""
    with ExitStack() as stack:
        for _ in range(1000):
            address = ("127.0.0.1", proxied.secure)
            stack.enter_context(socket.create_connection(address, source_address=("127.0.0.77", 0)))
        assert ask(f"{proxied.url}/api/labs", Authorization=f"Bearer {proxied.tokens['dan']}").status == 200


def test_slow_uploads_of_one_address_are_limited_and_others_are_served(proxied):
    head = f"POST /labs/api/labs/{LAB}/attempts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(256):
            address = ("127.0.0.1", proxied.secure)
            connection = stack.enter_context(socket.create_connection(address, source_address=("127.0.0.88", 0)))
            slow = stack.enter_context(ANY_CERTIFICATE.wrap_socket(connection, server_hostname="localhost"))
            slow.sendall(head.encode())
        until_counted = time.monotonic() + 30
        while (status := wrong_link(proxied.secure, "127.0.0.88", "/labs")) != 429 and time.monotonic() < until_counted:
            time.sleep(0.1)
        assert status == 429
        assert ask(f"{proxied.url}/api/labs", Authorization=f"Bearer {proxied.tokens['dan']}").status == 200


def _connections(port: int) -> int:
    """How many connections to a port of this machine are open."""
    return sum(each.laddr and each.laddr.port == port and each.status == "ESTABLISHED"
               for each in psutil.net_connections("tcp"))  # fmt: skip


def test_no_log_of_nginx_holds_a_secret(proxied):
    attempt = upload(proxied.url, proxied.tokens["ada"], proxied.notebooks[0]).json["id"]
    logs = "".join(path.read_text() for path in proxied.folder.glob("*.log"))
    assert "GET /labs/api/attempts/..." in logs and f"POST /labs/api/labs/{LAB}/attempts" in logs
    assert attempt not in logs and not [token for token in proxied.tokens.values() if token[5:20] in logs]


def test_a_server_that_is_away_is_a_sentence(released, tmp_path):
    if not Path(NGINX).is_file():
        missing("nginx", "apt-get install nginx")
    secure = free_port()
    with nginx(tmp_path, free_port(), secure, free_port()):
        answer = upload(f"https://localhost:{secure}/labs", WRONG, b"{}")
    assert answer.status == 503 and answer.headers["Retry-After"] == "30"
    assert answer.json["detail"].startswith("the server is being started: nothing was accepted")
