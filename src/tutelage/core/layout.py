"""Every file name inside a run folder, in one place."""

__all__ = [
    "BEST",
    "CHECKPOINT_SUFFIX",
    "DATA",
    "ENV",
    "EVENTS",
    "LAST",
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
BEST = "best"
LAST = "last"
STEPS = "steps"
PREDICTOR = "predictor.safetensors"
CHECKPOINT_SUFFIX = ".safetensors"
