"""Who the explorer answers: this machine, with the token, from its own page; nothing else."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.explore.asking import Asking, asking
from trialsim.errors import InputError
from trialsim.explore import open_explorer, start_with
from trialsim.explore.guard import HEADER, LARGEST_BODY, LOOPBACK
from trialsim.explore.session import Session

PATHS = ("/", "/assets/main.js", "/api/start", "/api/people", "/api/confirm/events?job=x")


@pytest.fixture(scope="module")
def one() -> Iterator[Asking]:
    with asking() as running:
        yield running


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", [None, "", "wrong", "é"])
def test_nothing_is_read_without_the_token(one: Asking, path: str, token: str | None) -> None:
    headers = one.headers(**{HEADER: token and token.encode().decode("latin-1")})
    assert one.send("GET", path, None, headers).status == 403


@pytest.mark.parametrize("path", ["/api/design", "/api/confirm", "/api/cancel", "/api/learn", "/api/nothing"])
@pytest.mark.parametrize("token", [None, "wrong"])
def test_nothing_is_asked_without_the_token(one: Asking, path: str, token: str | None) -> None:
    assert one.post(path, {}, **{HEADER: token}).status == 403


@pytest.mark.parametrize("host", [None, "evil.example", "127.0.0.1", "evil.example:8765", "localhost:1"])
def test_another_name_of_the_server_is_refused(one: Asking, host: str | None) -> None:
    assert one.get("/api/start", Host=host).status == 403
    assert one.post("/api/design", {"state": {}}, Host=host).status == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"])
def test_another_page_is_refused(one: Asking, origin: str) -> None:
    assert one.get("/api/start", Origin=origin).status == 403
    assert one.post("/api/design", {"state": {}}, Origin=origin).status == 403


def test_its_own_page_is_answered_by_its_cookie(one: Asking) -> None:
    guard = one.explorer.guard
    first = one.send("GET", f"/?token={guard.token}", None, one.headers(**{HEADER: None}))
    assert (first.status, first.headers["Location"]) == (303, "/")
    assert "HttpOnly" in first.headers["Set-Cookie"]
    assert "SameSite=Strict" in first.headers["Set-Cookie"]
    cookie = first.headers["Set-Cookie"].partition(";")[0]
    assert one.get("/", **{HEADER: None}, Cookie=cookie).status == 200
    own = f"http://{LOOPBACK}:{guard.port}"
    asked = {HEADER: None, "Cookie": cookie}
    assert one.post("/api/design", {"state": {}}, **asked, Origin=own).status == 200
    # A cookie alone says who asks, not from which page.
    assert one.post("/api/design", {"state": {}}, **asked).status == 403


@pytest.mark.parametrize(
    "path", ["/api/design", "/api/confirm", "/api/cancel", "/api/learn", "/api/protocol", "/api/whatif"]
)
def test_reading_changes_nothing(one: Asking, path: str) -> None:
    assert one.get(path).status == 404


@pytest.mark.parametrize(
    "path", ["/assets/../server.py", "/assets/%2e%2e/server.py", "/server.py", "/assets/"]
)
def test_no_other_file_is_given(one: Asking, path: str) -> None:
    assert one.get(path).status == 404


def test_every_answer_forbids_scripts_and_frames_of_others(one: Asking) -> None:
    for answer in (one.get("/"), one.get("/api/start"), one.get("/nothing"), one.get("/", Host="evil")):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


def test_what_is_no_question_is_refused(one: Asking) -> None:
    assert one.post("/api/design", {}, Content_Type="text/plain").status == 415
    assert one.send("POST", "/api/design", b"{", one.headers()).status == 400
    assert one.send("POST", "/api/design", b"[1]", one.headers()).status == 400
    assert one.send("POST", "/api/design", b"[" * 100_000, one.headers()).status == 400
    long = one.headers(Content_Length=str(LARGEST_BODY + 1))
    assert one.send("POST", "/api/design", None, long).status == 413
    assert one.send("POST", "/api/design", None, one.headers()).status == 411


@pytest.mark.parametrize(
    "state",
    [
        {"effect": "<script>alert(1)</script>"}, {"effect": None}, {"effect": True}, {"effect": [1]},
        {"<svg onload=alert(1)>": 1}, {"scale": "<b>"}, {"looks": 2.5}, {"looks": 99}, {"ratio": 0},
        {"power": 2}, {"alpha": 0}, {"effect": 0}, {"sd": -1}, {"dropout": 1}, {"effect": 1e-9}, "text", [1],
        {"scale": "survival", "hazard_ratio": 1}, {"scale": "binary", "control_rate": 7}, {"history": 0},
    ],
)  # fmt: skip
def test_numbers_that_cannot_be_are_refused_with_their_field(one: Asking, state: object) -> None:
    answer = one.post("/api/design", {"state": state})
    assert answer.status == 422, answer.text
    assert "<" not in answer.text
    assert answer.content["field"]


def test_a_hostile_title_stays_text_in_the_answer_and_in_the_protocol(one: Asking, tmp_path: Path) -> None:
    import tomllib

    hostile = '</title><script>alert(1)</script><svg onload=alert(2)> \u202e ]]"\n[design]\nalpha = 0.9'
    answer = one.post("/api/protocol", {"state": {}, "title": hostile})
    assert answer.headers["Content-Type"].startswith("application/json")
    made = tomllib.loads(answer.content["text"])
    assert made["title"] == hostile.strip()
    assert made["design"]["alpha"] == 0.025
    long = one.post("/api/protocol", {"state": {}, "title": "x" * 100_000}).content["text"]
    assert len(tomllib.loads(long)["title"]) == 200


def test_a_taken_port_gives_the_next_one() -> None:
    with asking() as first:
        taken = first.explorer.guard.port
        with asking(port=taken) as second:
            assert second.explorer.guard.port > taken
            assert second.explorer.wanted == taken
            assert second.explorer.guard.token != first.explorer.guard.token
            # The token of one start opens no other.
            assert second.get("/api/start", **{HEADER: first.explorer.guard.token}).status == 403


def test_it_listens_on_this_machine_alone(one: Asking) -> None:
    port = one.explorer.guard.port
    other = socket.gethostbyname(socket.gethostname())
    if other.startswith("127."):
        pytest.skip("this machine has no other address")
    with pytest.raises(OSError), socket.create_connection((other, port), timeout=2):
        pass


def test_no_free_port_is_refused() -> None:
    with pytest.raises(InputError) as refused, open_explorer(Session(start_with(None)), 70_000):
        pass
    assert refused.value.field == "--port"
