"""The server answers as `predict` does, refuses with a reason, and gives nothing without the token but health."""

import asyncio
import base64
import io
import json
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tutelage
from tutelage.core.errors import TutelageError, UsageError
from tutelage.run.run import Run
from tutelage.serve import app, forms, server
from tutelage.serve.app import make_app, records
from tutelage.serve.batching import Batcher
from tutelage.serve.forms import FORMS
from tutelage.serve.guard import Guard
from tutelage.serve.server import allow_connections, choose_token, make_server, serve

fastapi = pytest.importorskip("fastapi")
httpx = pytest.importorskip("httpx")
TOKEN = "secret"
SAID = {"Authorization": f"Bearer {TOKEN}"}
REQUESTS = 1_000
"""Requests at once over real sockets."""
ROWS = [{"size": 0.1 * number, "form": "xyz"[number % 3]} for number in range(24)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    random = np.random.default_rng(0)
    table = {
        "size": [random.normal() + 2 * (i % 2) for i in range(60)],
        "form": ["xyz"[i % 3] for i in range(60)],
        "answer": [["no", "yes"][i % 2] for i in range(60)],
    }
    out = tmp_path_factory.mktemp("serve") / "run"
    return tutelage.train(table, target="answer", steps=4, quiet=True, out=out)


def ask(run: Run, *requests: tuple[str, str, dict[str, Any]], token: str = TOKEN, most_bytes: int = 2**20) -> list[Any]:
    async def all_of_them() -> list[Any]:
        transport = httpx.ASGITransport(app=make_app(run, token=token, most_bytes=most_bytes))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await asyncio.gather(*(client.request(method, path, **more) for method, path, more in requests))

    return asyncio.run(all_of_them())


def told(reply: Any) -> str:
    return str(reply.json()["error"]["message"])


def test_nothing_is_given_without_the_token_but_health(run: Run) -> None:
    wrong = {"headers": {"Authorization": "Bearer other"}}
    paths = [("GET", "/"), ("GET", "/docs"), ("GET", "/openapi.json"), ("POST", "/predict"), ("GET", "/other")]
    replies = ask(run, *((method, path, more) for method, path in paths for more in ({}, wrong)))
    assert {reply.status_code for reply in replies} == {401}
    (health,) = ask(run, ("GET", "/health", {}))
    assert health.json() == {"status": "ok", "run": run.path.name}


def test_a_browser_may_say_the_token_in_the_address_of_a_page_and_not_elsewhere(run: Run) -> None:
    with_token = {"params": {"token": TOKEN}}
    page, docs, schema, rows = ask(
        run, ("GET", "/", with_token), ("GET", "/docs", with_token), ("GET", "/openapi.json", with_token),
        ("POST", "/predict", {**with_token, "json": {"rows": ROWS[:1]}}),
    )  # fmt: skip
    assert page.status_code == docs.status_code == schema.status_code == 200
    assert rows.status_code == 401
    assert 'data-column="size"' in page.text
    assert all(f'<option value="{word}">' in page.text for word in "xyz")
    assert '<option value="">' not in page.text
    assert "curl -H" in docs.text
    assert "http://" not in page.text.replace("http://www.w3.org", "")
    assert "https://" not in page.text + docs.text
    assert "/predict" in schema.json()["paths"]


def test_answers_are_those_of_predict_however_many_ask_at_once(run: Run) -> None:
    replies = ask(run, *(("POST", "/predict", {"headers": SAID, "json": {"rows": [row]}}) for row in ROWS))
    expected = run.prediction({name: [row[name] for row in ROWS] for name in ("size", "form")})
    assert expected.probabilities is not None
    for reply, label, shares in zip(replies, expected.labels, expected.probabilities, strict=True):
        (found,) = reply.json()["predictions"]
        assert found["prediction"] == label
        np.testing.assert_allclose([found["probabilities"][name] for name in ("no", "yes")], shares, atol=1e-6)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "no JSON"),
        (b"[1]", "expected JSON"),
        (b'{"rows": []}', "0 rows"),
        (b'{"rows": [7]}', "found a number"),
        (b'{"rows": [{"size": [1], "form": "x"}]}', "column 'size'"),
        (b'{"rows": [{"size": 1}]}', "problem"),
        (b'{"rows": [{"size": 1, "form": "x"}, {"size": 1}]}', "other columns"),
        (b"[" * 100_000, "no JSON"),
        (b'{"rows": [{"size": ' + b"9" * 6_000 + b', "form": "x"}]}', "more digits than any cell has"),
        (b'{"rows": [{"size": 1e999, "form": "x"}]}', "1 problem found in the data, before anything was done with it."),
    ],
)
def test_malformed_bodies_are_refused_with_a_reason(run: Run, body: bytes, reason: str) -> None:
    (reply,) = ask(run, ("POST", "/predict", {"headers": SAID, "content": body}))
    assert reply.status_code == 400
    assert reason in told(reply)
    assert "--on-bad-data" not in told(reply), "whoever asks over HTTP has no command line"


def test_an_address_that_is_none_is_refused_in_the_usual_form(run: Run) -> None:
    none, other = ask(run, ("GET", "/nothing", {"headers": SAID}), ("GET", "/predict", {"headers": SAID}))
    assert (none.status_code, other.status_code) == (404, 405)
    assert told(none) == "GET /nothing: not found. What there is: /docs"
    assert told(other) == "GET /predict: method not allowed. What there is: /docs"
    assert other.headers["allow"] == "POST"


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(run: Run) -> None:
    async def pieces() -> Any:
        for _ in range(30):
            yield b" " * 100

    said = ("POST", "/predict", {"headers": SAID, "content": b" " * 2_000})
    unsaid = ("POST", "/predict", {"headers": SAID, "content": pieces()})
    for reply in ask(run, said, unsaid, most_bytes=1_000):
        assert reply.status_code == 413
        assert "1,000 bytes" in told(reply)


def test_a_size_of_thousands_of_digits_is_refused(run: Run) -> None:
    said = {"headers": {**SAID, "Content-Length": "9" * 5_000}, "content": b"{}"}
    (reply,) = ask(run, ("POST", "/predict", said))
    assert reply.status_code == 413


def test_a_whole_number_beyond_floats_is_no_row_of_numbers() -> None:
    with pytest.raises(UsageError, match="numbers are expected"):
        FORMS["numbers"]().check([10**400])


def test_a_bad_request_spoils_none_that_came_with_it(run: Run) -> None:
    bad = {"rows": [{"size": "wide", "form": "x"}]}
    replies = ask(run, *(("POST", "/predict", {"headers": SAID, "json": body}) for body in ({"rows": ROWS[:2]}, bad)))
    assert [reply.status_code for reply in replies] == [200, 400]
    assert "wide" in json.dumps(replies[1].json())


def test_requests_that_wait_are_answered_together() -> None:
    seen: list[int] = []

    def answer(source: Any) -> list[dict[str, Any]]:
        seen.append(len(source))
        time.sleep(0.01)
        return [{"prediction": text} for text in source]

    async def many() -> list[Any]:
        batcher = Batcher(FORMS["text"](), answer)
        found = await asyncio.gather(*(batcher.submit([str(number)]) for number in range(100)))
        await batcher.close()
        return found

    found = asyncio.run(many())
    assert [one[0]["prediction"] for one in found] == [str(number) for number in range(100)]
    assert len(seen) <= 4


def test_texts_are_never_taken_for_paths(tmp_path: Path) -> None:
    file = tmp_path / "secret.txt"
    file.write_text("hidden", encoding="utf-8")
    with FORMS["text"]().source([str(file)]) as source:
        assert isinstance(source, np.ndarray)


def test_pictures_are_image_files_as_base64() -> None:
    form, buffer = FORMS["picture"](), io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "PNG")
    text = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    form.check(text)
    with form.source([text]) as (path,):
        assert path.read_bytes() == buffer.getvalue()
    assert not path.exists()
    with pytest.raises(UsageError, match="base64"):
        form.check("no picture!")


def test_small_files_of_many_pixels_are_refused_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    Image.new("1", (400, 400)).save(buffer, "PNG")
    picture = base64.b64encode(buffer.getvalue()).decode()
    monkeypatch.setattr(forms, "MOST_PIXELS", 400_000)
    FORMS["picture"]().check_all([picture] * 2)
    with pytest.raises(UsageError, match="480,000 pixels in 3 pictures, where 400,000"):
        FORMS["picture"]().check_all([picture] * 3)


@pytest.mark.parametrize("row", [[10**400], ["1"], [1, "x"], [[1, 2], [3]], {"a": 1}, [], 7])
def test_what_is_no_list_of_numbers_is_refused(row: Any) -> None:
    for noun in ("numbers", "series"):
        with pytest.raises(UsageError, match=r"where (a list of )?numbers"):
            FORMS[noun]().check_all([row])


def test_numbers_of_one_request_have_one_size_and_keep_their_kind() -> None:
    form = FORMS["numbers"]()
    with form.source([[1, 2], [3, 4]]) as source:
        assert source.dtype.kind == "i"
    with pytest.raises(UsageError, match=r"row 1 has the sizes \(3,\), where row 0 has \(2,\)"), form.source([[1, 2], [1, 2, 3]]):
        pass
    assert form.key([[1, 2]]) != form.key([[0.5, 2]])


def test_a_cell_means_the_same_whoever_else_asks() -> None:
    asked = [{"c": 1.0}, {"c": "x"}, {"c": None}, {"c": 0.5}, {"c": True}]
    with FORMS["row"]().source(asked) as columns:
        assert columns["c"] == ["1", "x", None, "0.5", "True"]


def test_cells_that_people_type_are_read_as_those_of_a_file(run: Run) -> None:
    typed = [{"size": str(row["size"]), "form": row["form"]} for row in ROWS]
    (reply,) = ask(run, ("POST", "/predict", {"headers": SAID, "json": {"rows": typed}}))
    (as_numbers,) = ask(run, ("POST", "/predict", {"headers": SAID, "json": {"rows": ROWS}}))
    assert reply.json() == as_numbers.json()


def test_without_a_token_no_other_site_may_ask(run: Run) -> None:
    rows = json.dumps({"rows": ROWS[:1]})
    json_said = {"Content-Type": "application/json"}
    simple, other, own, health = ask(
        run, ("POST", "http://localhost/predict", {"content": rows, "headers": {"Content-Type": "text/plain"}}),
        ("POST", "http://evil.example/predict", {"content": rows, "headers": json_said}),
        ("POST", "http://127.0.0.1:80/predict", {"content": rows, "headers": json_said}),
        ("GET", "http://evil.example/health", {}), token="",
    )  # fmt: skip
    assert [one.status_code for one in (simple, other, own, health)] == [415, 403, 200, 200]
    assert "evil.example" in told(other)


def test_bytes_that_wait_are_bounded_together() -> None:
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await asyncio.sleep(0.01)

    async def two() -> None:
        guard = Guard(app, "", 100, most_held=150)
        scope = {"type": "http", "path": "/health", "method": "POST", "headers": []}

        async def receive() -> Any:
            return {"type": "http.request", "body": b" " * 90}

        async def send(message: Any) -> None:
            sent.append(message)

        await asyncio.gather(guard(scope, receive, send), guard(scope, receive, send))
        await guard(scope, receive, send)

    asyncio.run(two())
    assert [message["status"] for message in sent if "status" in message] == [503]


def test_numbers_without_end_are_answered_as_null() -> None:
    class Found:
        labels, probabilities, classes = [float("nan"), 2.0], None, ()

    class Other:
        def prediction(self, source: Any) -> Any:
            return Found

    assert records(Other(), None) == [{"prediction": None}, {"prediction": 2.0}]  # type: ignore[arg-type]


def test_names_that_no_utf8_can_say_are_answered(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "caf\udce9"
    monkeypatch.setattr(
        app, "records", lambda run, source: [{"prediction": name, "probabilities": {name: 1.0}}] * len(source["size"])
    )
    monkeypatch.setattr(app, "_columns", lambda run: {name: (name,)})
    (answer, page, docs) = ask(
        run,
        ("POST", "/predict", {"json": {"rows": ROWS[:1]}, "headers": SAID}),
        ("GET", f"/?token={TOKEN}", {}),
        ("GET", "/openapi.json", {"headers": SAID}),
    )
    assert answer.json()["predictions"][0]["prediction"] == name
    assert (page.status_code, docs.status_code) == (200, 200)
    assert "caf?" in page.text


def test_a_token_has_to_fit_into_a_header(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--token"):
        choose_token("pässword")
    monkeypatch.setenv("TUTELAGE_TOKEN", "from-outside")
    assert choose_token("") == "from-outside"
    assert choose_token("own") == "own"
    assert not choose_token("none")


def test_a_model_without_answers_for_rows_is_not_served(run: Run) -> None:
    class Other:
        path = run.path
        predictor = run.predictor

        class decided:  # noqa: N801
            class task:  # noqa: N801
                kind, answers_rows = "generate", False

    with pytest.raises(TutelageError, match="cannot be served"):
        make_app(Other(), token="", most_bytes=1)  # type: ignore[arg-type]


def test_rows_are_counted_as_in_the_list_and_odd_keys_are_named(run: Run) -> None:
    wrong = [{"size": 1.0, "form": "x"}, {"size": {}, "form": "x"}]
    word = [{"size": 1.0, "form": "x"}, {"size": "old", "form": "x"}]
    first, second, third, fourth = ask(
        run,
        ("POST", "/predict", {"json": {"rows": wrong}, "headers": SAID}),
        ("POST", "/predict", {"json": {"rows": word}, "headers": SAID}),
        ("POST", "/predict", {"json": {"rows": ROWS[:1], "coverage": 0.9}, "headers": SAID}),
        ("POST", "/predict", {"json": {"inputs": ROWS[:1]}, "headers": SAID}),
    )
    assert told(first).startswith("row 1: column 'size'")
    assert second.json()["error"]["problems"][0]["where"] == "input data row 1, column size"
    assert told(third).startswith("unknown key 'coverage' beside `rows`")
    assert told(fourth).startswith("expected JSON")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the framework leaves its socket open
def test_a_port_that_is_taken_is_told_once(run: Run, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(server, "allow_connections", lambda: asked.append(True))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"cannot listen at 127.0.0.1, port {number}"):
            serve(run, port=number)
    assert "Address already in use" not in "".join(capfd.readouterr())
    assert asked, "as many files as connections have to be asked for before it listens"


@pytest.mark.parametrize(("soft", "hard", "most"), [(1024, -1, 4352), (1024, 2000, 2000), (9000, 9000, 9000), (-1, -1, 4352)])
def test_as_many_files_as_connections_are_allowed(soft: int, hard: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: limits.append(wanted))
    assert allow_connections() == most
    assert limits[-1] == ((most, hard) if len(limits) > 1 else (soft, hard))
    assert (len(limits) > 1) == (0 <= soft < most)


@pytest.fixture
def port(run: Run) -> Iterator[int]:
    pytest.importorskip("uvicorn")
    # Client and server are one process here: each connection has two ends.
    if 0 < allow_connections() < 2 * REQUESTS + 200:
        pytest.skip("too few files may be open (ulimit -n)")
    served = make_server(make_app(run, token=TOKEN, most_bytes=2**20), host="127.0.0.1", port=0)
    socket = served.config.bind_socket()
    thread = threading.Thread(target=served.run, kwargs={"sockets": [socket]})
    thread.start()
    while not served.started and thread.is_alive():
        time.sleep(0.01)
    yield socket.getsockname()[1]
    served.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


def post(rows: list[dict[str, Any]]) -> bytes:
    body = json.dumps({"rows": rows}).encode()
    said = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n"
    return said.encode() + body


async def reply(reader: asyncio.StreamReader) -> tuple[int, Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    (length,) = (int(line.split(":")[1]) for line in head.splitlines() if line.startswith("content-length:"))
    return int(head.split()[1]), json.loads(await reader.readexactly(length))


@pytest.mark.slow
def test_a_thousand_requests_at_once_over_real_sockets(run: Run, port: int) -> None:
    """Each has a connection of its own, and all are open before the first asks."""

    async def many() -> list[tuple[int, Any]]:
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(REQUESTS)]
        for number, (_, writer) in enumerate(opened):
            writer.write(post([ROWS[number % 24]]))
        replies = await asyncio.wait_for(asyncio.gather(*(reply(reader) for reader, _ in opened)), 120)
        for _, writer in opened:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in opened))
        return replies

    replies = asyncio.run(many())
    expected = run.prediction({name: [row[name] for row in ROWS] for name in ("size", "form")})
    assert {status for status, _ in replies} == {200}
    assert [told["predictions"][0]["prediction"] for _, told in replies] == [expected.labels[n % 24] for n in range(REQUESTS)]


@pytest.mark.slow
def test_a_connection_that_rests_for_a_while_is_still_answered(run: Run, port: int) -> None:
    """Clients keep theirs for 5 s as a rule: a server that closes it at that moment loses their next request."""

    async def twice() -> list[tuple[int, Any]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        replies = []
        for rest in (0, 7):
            await asyncio.sleep(rest)
            writer.write(post(ROWS[:1]))
            replies.append(await reply(reader))
        writer.close()
        await writer.wait_closed()
        return replies

    first, second = asyncio.run(twice())
    assert first == second
    assert first[0] == 200


def test_the_page_says_all_that_a_refusal_says(run: Run) -> None:
    page, refused = ask(
        run,
        ("GET", f"/?token={TOKEN}", {}),
        ("POST", "/predict", {"json": {"rows": [{"size": "old", "form": "x"}]}, "headers": SAID}),
    )
    (problem,) = refused.json()["error"]["problems"]
    assert "column size" in problem["where"]
    assert set(problem) <= {"where", "found", "remedy"}
    assert "told.error.problems" in page.text
    assert "{ where, found, remedy }" in page.text
