"""A model, or several, ready to be written: whatever its task is; not a component."""

from collections.abc import Mapping
from typing import Any

from tutelage.core.errors import RunError
from tutelage.export.averaged import averaged_rows
from tutelage.export.forecasts import forecast_graph
from tutelage.export.others import policy_graph, samples_graph, text_graph
from tutelage.export.outgoing import Outgoing, answers_of_rows
from tutelage.predictor.ensemble import Answerer, Ensemble, parts_of
from tutelage.task.sample_maker import SampleMaker

__all__ = ["outgoing"]


def outgoing(answerer: Answerer, *, facts: Mapping[str, Any]) -> Outgoing:
    """Return a model, ready to be written, from nothing but its own file.

    Raises:
        RunError: It cannot leave; with the reason.
    """
    task = parts_of(answerer)[0][0].task
    if task.continues_series:
        return forecast_graph(answerer, facts=facts)
    if isinstance(answerer, Ensemble):
        return averaged_rows(answerer, facts=facts)[0]
    if task.writes_text:
        return text_graph(answerer, facts=facts)
    if task.plays:
        return policy_graph(answerer, facts=facts)
    if isinstance(task, SampleMaker):
        return samples_graph(answerer, facts=facts)
    if not task.answers_rows:
        raise RunError(f"a model of task {getattr(task, 'kind', '')!r} cannot be exported yet.")
    return answers_of_rows(answerer, facts=facts)[0]
