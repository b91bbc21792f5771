"""The server of the explorer: files of the page, answers as JSON, and the events of a simulation."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from trialsim.errors import InputError, TrialsimError
from trialsim.explore.guard import LARGEST_BODY, LOOPBACK, SECURITY, Guard
from trialsim.explore.session import Session

FIRST_PORT = 8765
MOST_PORTS = 50
_KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_SLOWEST_SECONDS = 60.0


@cache
def asset(name: str) -> bytes | None:
    """Return a file of the page; None if the page has no such file."""
    folder = files("trialsim.explore") / "assets"
    known = {one.name for one in folder.iterdir() if one.name.rpartition(".")[2] in _KINDS}
    return (folder / name).read_bytes() if name in known else None


class _Handler(BaseHTTPRequestHandler):
    """One request; every one is refused unless the guard lets it pass."""

    guard: ClassVar[Guard]
    session: ClassVar[Session]
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "trialsim", ""
    timeout = _SLOWEST_SECONDS

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        given = parse_qs(asked.query).get("token", [None])[0] if asked.path == "/" else None
        if (why := self.guard.refusal("GET", self.headers, given)) is not None:
            self._json(HTTPStatus.FORBIDDEN, {"problem": why})
        elif given is not None:
            self._start(HTTPStatus.SEE_OTHER, "text/plain", 0,
                        {"Location": "/", "Set-Cookie": self.guard.set_cookie()})  # fmt: skip
        elif asked.path == "/api/confirm/events":
            self._events(parse_qs(asked.query).get("job", [""])[0])
        elif asked.path in self.session.reads:
            self._answer(lambda: self.session.reads[asked.path]())
        else:
            self._file(asked.path)

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        if (why := self.guard.refusal("POST", self.headers)) is not None:
            self.close_connection = True
            self._json(HTTPStatus.FORBIDDEN, {"problem": why})
            return
        answer = self.session.answers.get(path)
        if answer is None:
            self.close_connection = True
            self._json(HTTPStatus.NOT_FOUND, {"problem": "there is no such question"})
            return
        body = self._body()
        if body is not None:
            self._answer(lambda: answer(body))

    def _body(self) -> dict[str, Any] | None:
        """Return the JSON object that was sent; None where the request was refused for it."""
        length = self.headers.get("Content-Length", "")
        problem = None
        if self.headers.get_content_type() != "application/json":
            problem = (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")
        elif not length.isdigit():
            problem = (HTTPStatus.LENGTH_REQUIRED, "say how long the question is")
        elif int(length) > LARGEST_BODY:
            problem = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"send at most {LARGEST_BODY:,} bytes")
        else:
            try:
                found = json.loads(self.rfile.read(int(length)))
            except (ValueError, RecursionError):
                found = None
            if isinstance(found, dict):
                return found
            problem = (HTTPStatus.BAD_REQUEST, "send a JSON object")
        self.close_connection = True
        self._json(problem[0], {"problem": problem[1]})
        return None

    def _answer(self, compute: Any) -> None:
        """Send what is computed; a refusal says field and mend, and a fault is said on the terminal."""
        try:
            self._json(HTTPStatus.OK, compute())
        except InputError as refusal:
            self._json(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                {"problem": refusal.problem, "field": refusal.field, "mend": refusal.mend},
            )
        except TrialsimError as refusal:
            self._json(HTTPStatus.UNPROCESSABLE_ENTITY, {"problem": str(refusal)})
        except (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError) as fault:
            sys.stderr.write(f"The explorer could not answer {self.path}: {type(fault).__name__}: {fault}\n")
            self._json(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                {"problem": "this could not be computed; the terminal says why"},
            )

    def _file(self, path: str) -> None:
        name = "index.html" if path == "/" else path.removeprefix("/assets/")
        content = asset(name) if "/" not in name else None
        if content is None:
            self._json(HTTPStatus.NOT_FOUND, {"problem": "there is no such page"})
            return
        self._start(HTTPStatus.OK, _KINDS[name.rpartition(".")[2]], len(content))
        self.wfile.write(content)

    def _events(self, job: str) -> None:
        """Stream the events of a simulation until it ends, or until the page goes away."""
        events = self.session.events_of(job)
        if events is None:
            self._json(HTTPStatus.NOT_FOUND, {"problem": "there is no such simulation"})
            return
        self.close_connection = True
        self._start(HTTPStatus.OK, "text/event-stream", None, {"Connection": "close"})
        for event in events:
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
            self.wfile.flush()

    def _json(self, status: HTTPStatus, content: Mapping[str, Any]) -> None:
        text = json.dumps(content, allow_nan=False).encode()
        self._start(status, "application/json", len(text))
        self.wfile.write(text)

    def _start(
        self, status: HTTPStatus, kind: str, length: int | None, more: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        text = "" if kind == "image/svg+xml" else "; charset=utf-8"
        self.send_header("Content-Type", f"{kind}{text}")
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in (*SECURITY.items(), *(more or {}).items()):
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Say nothing of a request: its address may hold the token."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Else a port that another program listens on could be taken beside it.
    allow_reuse_address = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a page that went away while it was answered; say anything else in one line."""
        fault = sys.exc_info()[1]
        if not isinstance(fault, OSError):
            sys.stderr.write(f"The explorer failed: {type(fault).__name__}: {fault}\n")


@dataclass
class Explorer:
    """A running explorer.

    Parameters
    ----------
    guard : Guard
        Its address and token.
    session : Session
        What it answers.
    wanted : int
        The port that was asked for; the guard has the one that was free.
    """

    guard: Guard
    session: Session
    wanted: int
    _server: _Server

    def serve(self) -> None:
        """Answer until `stop` is called from another thread, or the program is interrupted."""
        self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """End `serve`."""
        self._server.shutdown()


@contextmanager
def open_explorer(session: Session, port: int = FIRST_PORT) -> Iterator[Explorer]:
    """Open the explorer on a port of this machine, or on the next free one; close it at the end.

    Parameters
    ----------
    session : Session
        What it answers.
    port : int
        Where it shall listen; 0 for any.

    Returns
    -------
    context manager of Explorer
        Open, and not yet serving.

    Raises
    ------
    InputError
        None of the next ports is free.

    Examples
    --------
    >>> from trialsim.explore import start_with
    >>> with open_explorer(Session(start_with(None)), port=0) as explorer:
    ...     explorer.guard.address.partition("?")[2][:6]
    'token='
    """
    server = _first_free(port)
    guard = Guard(int(server.server_address[1]))
    server.RequestHandlerClass = type("Handler", (_Handler,), {"guard": guard, "session": session})
    try:
        yield Explorer(guard, session, port, server)
    finally:
        server.server_close()
        session.close()


def _first_free(port: int) -> _Server:
    for place in [0] if port == 0 else range(port, min(port + MOST_PORTS, 65_536)):
        try:
            return _Server((LOOPBACK, place), _Handler)
        except (OSError, socket.gaierror):
            continue
    raise InputError(
        f"and the {MOST_PORTS} after it are taken", field="--port", value=port, mend="give another one"
    )
