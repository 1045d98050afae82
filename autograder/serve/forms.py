"""Reads what forms send: small ones, and the one with a notebook in it, each with a limit."""

import asyncio
from collections.abc import AsyncGenerator
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from autograder.serve.refusals import RefusedError
from autograder.serve.sign_in import FIELD
from autograder.serve.uploads import Uploads

MOST_BYTES = 10_000  # of a form without a file
MOST_FIELDS = 10
SECONDS = 20.0
NO_FORM = "this form cannot be read: open its page again and send it once more."


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form without a file.

    Raises:
        RefusedError: it is none, or too large, or too slow.
    """
    content = b""
    try:
        async with asyncio.timeout(SECONDS):
            async for part in request.stream():
                content += part
                if len(content) > MOST_BYTES:
                    raise RefusedError(413, "this form is too large.")
        return dict(parse_qsl(content.decode(), max_num_fields=MOST_FIELDS))
    except (ValueError, ClientDisconnect) as error:
        raise RefusedError(400, NO_FORM) from error
    except TimeoutError as error:
        raise RefusedError(408, NO_FORM) from error


async def read_upload(request: Request, uploads: Uploads, student: str) -> tuple[bytes, str]:
    """The notebook in a form, and what the form sent as `form_key`.

    Raises:
        RefusedError: there is none, or it is too large, or too slow.
    """
    content = await uploads.read(request, student)
    try:
        parser = MultiPartParser(request.headers, _once(content), max_files=1, max_fields=MOST_FIELDS)
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise RefusedError(400, NO_FORM) from error
    try:
        file, key = form.get("notebook"), form.get(FIELD)
        if not isinstance(file, UploadFile) or not file.filename:
            raise RefusedError(400, "no file was chosen: choose your notebook, then press the button.")
        return await file.read(), key if isinstance(key, str) else ""
    finally:
        await form.close()


async def _once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content
