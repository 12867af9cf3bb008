"""A sentence with words of the command line says the same as arguments of Python."""

import ast
from pathlib import Path

import pytest

import tutelage
from tutelage.core import setting
from tutelage.core.setting import write_setting
from tutelage.planning.python_words import ARGUMENTS, in_python

WRITER = Path(setting.__file__)
SAID = {
    "train anew: --set optim.lr=...": 'train anew: optim={"lr": ...}',
    "(try --set optim.lr= a tenth of it)": '(try optim={"lr": ...} a tenth of it)',
    "a smaller rate (--set optim.lr=...).": 'a smaller rate (optim={"lr": ...}).',
    "--set class_weights=balanced; and more": 'class_weights="balanced"; and more',
    "--set metrics=balanced_accuracy,loss.": 'metrics="balanced_accuracy,loss".',
    "such as --set prepare.size=64.": 'such as prepare={"size": 64}.',
    "--set source.kind=table": 'source_settings={"kind": "table"}',
    "--target COLUMN says it": 'target="COLUMN" says it',
    "--time-column says which": "time_column says which",
    "or a smaller --horizon.": "or a smaller horizon.",
    "(otherwise: --text none)": '(otherwise: text="none")',
    "Train longer: --steps 1000, or --time 3m.": 'Train longer: steps=1000, or time="3m".',
    "less training: --steps, --epochs or --time": "less training: steps, epochs or time",
    '  --target "column 3"   holds 0.0': '  target="column 3"   holds 0.0',
    "say --task forecast --horizon N. More": 'say task="forecast" horizon=N. More',
    '--on-bad-data skip, in Python on_bad_data="skip" (they': 'on_bad_data="skip" (they',
    "times: --time-column (in Python time_column).": "times: time_column.",
    "To mend it: tutelage verify runs/a-001 --repair": "To mend it: tutelage verify runs/a-001 --repair",
    "tutelage train a.csv --set floor=none": "tutelage train a.csv --set floor=none",
    "for predict --coverage": "for predict --coverage",
}


@pytest.mark.parametrize("text", SAID)
def test_a_remedy_is_an_argument(text: str) -> None:
    assert in_python(text) == SAID[text]


def test_a_written_setting_is_the_argument_that_sets_it() -> None:
    assert in_python(write_setting("columns", "a.b (cm)", value="dropped")) == 'columns={"a.b (cm)": "dropped"}'


def test_an_estimator_takes_most_in_its_settings() -> None:
    text = "Take --set optim.lr=0.1, --steps 9, --text note or --set split.validation=0.2."
    assert in_python(text, is_estimator=True) == (
        'Take settings={"optim": {"lr": 0.1}}, steps=9, settings={"source_settings": {"text": "note"}} or '
        'settings={"split": {"validation": 0.2}}.'
    )


def test_no_message_keeps_a_word_that_python_has_otherwise() -> None:
    package, words = Path(tutelage.__file__).parent, tuple(f"--{word} " for word in ARGUMENTS)
    # What writes such a setting is the one place that leaves it open.
    texts = [path.read_text(encoding="utf-8") for path in package.rglob("*.py") if path.parent.name != "cli" and path != WRITER]
    told = [
        written(node)
        for text in texts
        if any(word in text for word in words)
        for node in ast.walk(ast.parse(text))
        if is_text(node)
    ]
    found = [text for text in told if any(word in text for word in words) and "tutelage" not in text]
    assert found
    assert not [text for text in found if any(word in in_python(text) for word in words)]


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def written(node: ast.AST) -> str:
    """Return a text of the source on one line, with a name where it puts something in."""
    pieces = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(piece.value) if isinstance(piece, ast.Constant) else "x" for piece in pieces).replace("\n", " ")
