"""A running explorer, and requests to it that no browser would send."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialsim.explore import open_explorer, start_with
from trialsim.explore.guard import HEADER, LOOPBACK
from trialsim.explore.server import Explorer
from trialsim.explore.session import Session


@dataclass(frozen=True)
class Answer:
    """Status, headers and content of an answer."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def content(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Asking:
    """A client of an explorer, which has its token."""

    explorer: Explorer

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send exactly these headers."""
        there = http.client.HTTPConnection(LOOPBACK, self.explorer.guard.port, timeout=120)
        there.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        given = headers if headers is not None else self.headers()
        for name, value in given.items():
            there.putheader(name, value)
        if body is not None and "Content-Length" not in given:
            there.putheader("Content-Length", str(len(body)))
        there.endheaders(body)
        found = there.getresponse()
        answer = Answer(found.status, dict(found.getheaders()), found.read().decode())
        there.close()
        return answer

    def headers(self, **changed: str | None) -> dict[str, str]:
        """Return the headers that are let through, with some changed or, by None, left out."""
        usual: dict[str, str | None] = {
            "Host": f"{LOOPBACK}:{self.explorer.guard.port}",
            HEADER: self.explorer.guard.token,
            "Content-Type": "application/json",
        }
        every = usual | {name.replace("_", "-"): value for name, value in changed.items()}
        return {name: value for name, value in every.items() if value is not None}

    def post(self, path: str, question: object, **changed: str | None) -> Answer:
        """Ask a question."""
        return self.send("POST", path, json.dumps(question).encode(), self.headers(**changed))

    def get(self, path: str, **changed: str | None) -> Answer:
        """Read."""
        return self.send("GET", path, None, self.headers(**changed))


@contextmanager
def asking(path: Path | None = None, port: int = 0) -> Iterator[Asking]:
    """Start an explorer in a thread, and end it."""
    with open_explorer(Session(start_with(path)), port) as explorer:
        thread = threading.Thread(target=explorer.serve, daemon=True)
        thread.start()
        try:
            yield Asking(explorer)
        finally:
            explorer.stop()
            thread.join(10)
