"""Below a path of its own, such as /labs: a proxy may take that path off before it hands a request on, or leave it."""

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class SubPath:
    """Takes the path off once more if the proxy left it, since uvicorn puts it before every request's own."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        root = scope.get("root_path", "")
        if scope["type"] == "http" and root:
            if scope["path"] in (root, root * 2):  # the slash is missing, and relative addresses need it
                await RedirectResponse(f"{root.rpartition('/')[2]}/", 307)(scope, receive, send)
                return
            if scope["path"].startswith(f"{root * 2}/"):
                scope = {**scope, "path": scope["path"][len(root) :]}
        await self._app(scope, receive, send)
