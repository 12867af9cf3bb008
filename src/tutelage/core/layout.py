"""Every file name inside a run folder, in one place."""

__all__ = [
    "BEST",
    "BORN",
    "CHECKPOINT_SUFFIX",
    "DATA",
    "ENV",
    "EVENTS",
    "FORMATS",
    "LAST",
    "LOGS",
    "MANIFEST",
    "METRICS",
    "PLAN",
    "PREDICTOR",
    "RECIPE",
    "REPORT",
    "RESULT",
    "STEPS",
]

RECIPE = "recipe.toml"
PLAN = "plan.json"
ENV = "env.json"
DATA = "data.json"
EVENTS = "events.jsonl"
METRICS = "metrics.jsonl"
RESULT = "result.json"
REPORT = "report.html"
MANIFEST = "manifest.jsonl"
BEST = "best"
LAST = "last"
STEPS = "steps"
PREDICTOR = "predictor.safetensors"
CHECKPOINT_SUFFIX = ".safetensors"

BORN = (RECIPE, ENV, DATA, PLAN)
"""Written before the first step, and never changed."""
LOGS = (EVENTS, METRICS)
"""Grow by whole lines."""

FORMATS = {ENV: "env-1", DATA: "data-1", RESULT: "result-1"}
"""What these say under `format`; plan, recipe, checkpoints, predictors and manifest have theirs where they are read."""
