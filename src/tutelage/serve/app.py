"""The application: health, predict, a page to try it, and what it can do as OpenAPI."""

import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from tutelage.core.errors import DataError, RunError, TutelageError, UsageError
from tutelage.run.run import Run
from tutelage.serve.batching import Batcher, BusyError
from tutelage.serve.forms import FORMS, Form
from tutelage.serve.guard import Guard, problem
from tutelage.serve.pages import docs_page, try_page
from tutelage.serve.responses import html_response, json_response

__all__ = ["INSTALL", "make_app"]

INSTALL = "pip install 'tutelage[serve]'"
MOST_ROWS = 10_000
"""Rows of a request."""


def make_app(run: Run, *, token: str, most_bytes: int, host: str = "") -> Guard:
    """Return the application.

    Args:
        run: Whose model answers.
        token: What every request has to say; "" = nothing.
        most_bytes: Of a body.
        host: The name by which it may be asked without a token, beside numbers and `localhost`.

    Raises:
        RunError: The run's model does not answer for rows.
        UsageError: The framework is not installed.
    """
    form = form_of(run)
    try:
        from fastapi import FastAPI, Request
        from fastapi.concurrency import run_in_threadpool
    except ImportError as error:
        raise UsageError(f"serving needs {error.name}, which is not installed: {INSTALL}") from error
    batcher = Batcher(form, lambda source: records(run, source))

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        yield
        await batcher.close()

    # The framework's own pages load scripts from elsewhere.
    own: Any = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    app = FastAPI(title=f"Tutelage: {run.path.name}", version="1", lifespan=lifespan, **own)

    async def predict(request: Any) -> Any:
        """Answer for rows."""
        try:
            # Reading megabytes takes long enough for others to notice, so not in the thread that listens.
            rows = await run_in_threadpool(_rows, await request.body(), form)
            return json_response({"predictions": await batcher.submit(rows)})
        except BusyError:
            return json_response(problem("busy", "too many rows are waiting: try again in a moment"), 503)
        except TutelageError as error:
            # No row of a request is left out: whoever asks gets an answer for each.
            said = error.summary if isinstance(error, DataError) else error.message
            return json_response(problem(error.code, said, problems=error.record()["problems"]), 400)

    predict.__annotations__["request"] = Request

    app.add_api_route("/predict", predict, methods=["POST"], openapi_extra=_body_of(form), response_model=None)
    _add_pages(app, run, form)
    return Guard(app, token, most_bytes, host=host)


def _add_pages(app: Any, run: Run, form: Form) -> None:
    """Add what is asked for beside answers: health, what people open in a browser, and the form of what nobody foresaw."""
    from starlette.exceptions import HTTPException

    async def health() -> Any:
        """Tell that it answers; the only thing that needs no token."""
        return json_response({"status": "ok", "run": run.path.name})

    async def failed(_: Any, error: Exception) -> Any:
        """Answer in the usual form, whatever happened; the log has the rest."""
        return json_response(problem("internal", f"the server failed ({type(error).__name__}): its log says where"), 500)

    async def refused(request: Any, error: HTTPException) -> Any:
        """Say in the usual form that there is no such address, or that it is asked in another way."""
        told = f"{request.method} {request.url.path[:100]}: {error.detail.lower()}. What there is: /docs"
        return json_response(problem("address", told), error.status_code, headers=error.headers)

    async def openapi() -> Any:
        """Say what there is."""
        return json_response(app.openapi())

    async def docs() -> Any:
        """Say it to people."""
        return html_response(docs_page(app.openapi(), example=form.example))

    async def home() -> Any:
        """Let people try it."""
        return html_response(try_page(run.path.name, form.noun, columns=_columns(run)))

    app.add_exception_handler(Exception, failed)
    app.add_exception_handler(HTTPException, refused)
    app.add_api_route("/health", health, methods=["GET"], response_model=None)
    for path, page in (("/openapi.json", openapi), ("/docs", docs), ("/", home)):
        app.add_api_route(path, page, methods=["GET"], include_in_schema=False, response_model=None)


def form_of(run: Run) -> Form:
    """Return how rows of a run's model look.

    Raises:
        RunError: It does not answer for rows.
    """
    fitted = run.predictor.fitted
    name = "" if fitted is None or not run.decided.task.answers_rows else fitted.row_form
    if name not in FORMS:
        kind = getattr(run.decided.task, "kind", "")
        raise RunError(f"{run.path}: a model of task {kind!r} has no answer for a single row, so it cannot be served.")
    return FORMS[name]()


def records(run: Run, source: Any) -> list[dict[str, Any]]:
    """Return one record a row: the prediction, and the probability of each class."""
    found = run.prediction(source)
    told: list[dict[str, Any]] = [{"prediction": _finite(label)} for label in found.labels]
    if found.probabilities is not None:
        for record, row in zip(told, np.asarray(found.probabilities).tolist(), strict=True):
            record["probabilities"] = {str(name): _finite(share) for name, share in zip(found.classes, row, strict=True)}
    return told


def _finite(value: Any) -> Any:
    """Return null for what JSON cannot say."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _rows(body: bytes, form: Form) -> list[Any]:
    """Return the rows of a body.

    Raises:
        UsageError: It is not what is expected.
    """
    expected = f'expected JSON: {{"rows": [...]}}, each a {form.noun}'
    try:
        told = json.loads(body)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"the body is no JSON ({str(error)[:200]}); {expected}.") from None
    except ValueError:  # what Python says of a number of thousands of digits speaks of a setting of Python's
        raise UsageError("the body holds a number of more digits than any cell has. Give it shorter, or as a word.") from None
    if not isinstance(told, dict) or not isinstance(told.get("rows"), list):
        raise UsageError(f"{expected}.")
    if unknown := [str(key)[:100] for key in told if key != "rows"]:
        raise UsageError(f"unknown key {unknown[0]!r} beside `rows`; {expected}.")
    rows: list[Any] = told["rows"]
    if not 1 <= len(rows) <= MOST_ROWS:
        raise UsageError(f"{len(rows):,} rows, where 1 to {MOST_ROWS:,} are expected.")
    form.check_all(rows)
    return rows


def _body_of(form: Form) -> dict[str, Any]:
    """Return what OpenAPI says of the body."""
    rows = {"type": "array", "items": form.schema, "minItems": 1, "maxItems": MOST_ROWS}
    schema = {"type": "object", "required": ["rows"], "properties": {"rows": rows}, "additionalProperties": False}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _columns(run: Run) -> dict[str, tuple[str, ...]]:
    """Return the columns that a row needs, for the page, each with the words that it may be; () for numbers and texts."""
    fitted = run.predictor.fitted
    intake = None if fitted is None else fitted.intake()
    return {} if intake is None else {one.name: tuple(word for word in one.words or () if word) for one in intake.inputs}
