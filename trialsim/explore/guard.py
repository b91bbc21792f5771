"""Who may ask: this machine alone, with the token of this start, from the page that this server gave."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import Message

    Headers = Mapping[str, str] | Message[str, str]

LOOPBACK = "127.0.0.1"
HEADER = "X-Trialsim-Token"
LARGEST_BODY = 262_144
# Only files of this server run or are shown, nothing is sent elsewhere, and nobody may frame the page.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Guard:
    """The rules of one start of the server.

    Parameters
    ----------
    port : int
        Where it listens.
    token : str
        Drawn at each start; whoever has it may ask.
    """

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names of this server: any other in ``Host`` is somebody else's name for this address."""
        return tuple(f"{name}:{self.port}" for name in (LOOPBACK, "localhost"))

    @property
    def cookie(self) -> str:
        """Name of the cookie; with the port, since browsers share cookies between ports."""
        return f"trialsim_explore_{self.port}"

    @property
    def address(self) -> str:
        """What is printed: the page with its token."""
        return f"http://{LOOPBACK}:{self.port}/?token={self.token}"

    def set_cookie(self) -> str:
        """Return the header that hands the token to the browser, unseen by scripts and by other sites."""
        return f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict"

    def refusal(self, method: str, headers: Headers, given: str | None = None) -> str | None:
        """Return why a request is refused, None if it is not.

        Parameters
        ----------
        method : str
            ``GET`` or ``POST``.
        headers : mapping
            Of the request.
        given : str, optional
            Token in the address, on the first visit alone.

        Examples
        --------
        >>> guard = Guard(8000, "secret")
        >>> guard.refusal("GET", {"Host": "evil.example"})
        'the Host header names another server'
        >>> guard.refusal("GET", {"Host": "localhost:8000", "X-Trialsim-Token": "secret"}) is None
        True
        """
        if headers.get("Host", "").lower() not in self.hosts:
            return "the Host header names another server"
        origin = headers.get("Origin")
        if origin is not None and origin not in {f"http://{host}" for host in self.hosts}:
            return "the request comes from another page"
        by_header = self._is_token(headers.get(HEADER))
        if not (by_header or self._is_token(given) or self._is_token(self._in_cookie(headers))):
            return "the token of this start is missing or wrong: open the address that the terminal shows"
        if method != "GET" and not by_header and origin is None:
            return "the request does not say from which page it comes"
        return None

    def _in_cookie(self, headers: Headers) -> str | None:
        try:
            found = SimpleCookie(headers.get("Cookie", "")).get(self.cookie)
        except CookieError:
            return None
        return None if found is None else found.value

    def _is_token(self, given: str | None) -> bool:
        return given is not None and hmac.compare_digest(given.encode(), self.token.encode())
