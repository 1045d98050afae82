"""JupyterLab, Notebook and Voila servers, each with settings of its own, and Chromium as the system has it."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import warm

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 60


def chromium() -> str | None:
    """Where Chromium lies; Playwright's own download is not needed."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def jupyter_lab(folder: Path, own: Path, *, theme: str = "JupyterLab Light") -> Iterator[str]:
    """JupyterLab on a folder; the address of its documents, to be completed by a file's name.

    Args:
        folder: what it serves.
        own: a folder for its settings and its log.
        theme: as JupyterLab names it.
    """
    settings = own / "settings"
    themes = settings / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    themes.parent.mkdir(parents=True, exist_ok=True)
    themes.write_text(json.dumps({"theme": theme}))
    more = {"JUPYTERLAB_SETTINGS_DIR": str(settings)}
    with jupyter_server("jupyterlab", folder, own, "--LabApp.news_url=None", environment=more) as address:
        yield f"{address}/doc/tree/{{}}?token=t&reset"


@contextmanager
def notebook_7(folder: Path, own: Path) -> Iterator[str]:
    """Notebook 7 on a folder; the address of its documents, to be completed by a file's name."""
    with jupyter_server("notebook", folder, own) as address:
        yield f"{address}/notebooks/{{}}?token=t"


@contextmanager
def jupyter_server(
    module: str, folder: Path, own: Path, *more: str, environment: dict[str, str] | None = None
) -> Iterator[str]:
    """A Jupyter server by its module's name; its address."""
    port = free_port()
    command = [*warm.command(), "-m", module, "--no-browser", f"--port={port}", "--IdentityProvider.token=t"]
    command += [f"--ServerApp.root_dir={folder}", "--allow-root", *more]
    with running(command, own, environment or {}, f"http://127.0.0.1:{port}/api?token=t"):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def running(command: list[str] | str, own: Path, environment: dict[str, str], ready: str) -> Iterator[None]:
    """A server's process from the moment that `ready` answers; Jupyter's own folders lie below `own`."""
    folders = {f"JUPYTER_{name}_DIR": str(own / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    with (own / "log").open("wb") as log:
        server = subprocess.Popen(
            command, shell=isinstance(command, str), env={**os.environ, **folders, **environment},
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            _wait_for(ready, server, own / "log")
            yield
        finally:
            server.terminate()
            server.wait(timeout=20)


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(10 * START_SECONDS):
        assert server.poll() is None, f"the server ended: {log.read_text('utf-8', 'replace')[-2000:]}"
        try:
            urllib.request.urlopen(address, timeout=1)
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the server did not start within {START_SECONDS} seconds")
