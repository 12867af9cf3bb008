"""A sentence with words of the command line says the same as arguments of Python."""

import ast
from pathlib import Path

import pytest

import tutelage
from tutelage.core.setting import write_setting
from tutelage.planning.python_words import ARGUMENTS, in_python

SAID = {
    "train anew: --set optim.lr=...": 'train anew: optim={"lr": ...}',
    "(try --set optim.lr= a tenth of it)": '(try optim={"lr": ...} a tenth of it)',
    "a smaller rate (--set optim.lr=...).": 'a smaller rate (optim={"lr": ...}).',
    "--set class_weights=balanced; and more": 'class_weights="balanced"; and more',
    "--set metrics=balanced_accuracy,loss.": 'metrics="balanced_accuracy,loss".',
    "such as --set prepare.size=64.": 'such as prepare={"size": 64}.',
    "--set source.kind=table": 'source_settings={"kind": "table"}',
    "or a smaller --set split.validation and split.test.": 'or a smaller split={"validation": ...} and split.test.',
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


@pytest.mark.parametrize("text", ["the column 'a --text b' is odd", "file 'x --seed 3.csv': cannot be read"])
def test_a_name_that_somebody_gave_stays_as_it_is(text: str) -> None:
    assert in_python(text) == text


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
    texts = [path.read_text(encoding="utf-8") for path in package.rglob("*.py") if path.parent.name != "cli"]
    told = [line for text in texts if any(word in text for word in words) for line in messages(ast.parse(text))]
    found = [text for text in told if any(word in text for word in words) and "tutelage" not in text]
    assert found
    assert not [text for text in found if any(word in in_python(text) for word in words)]


def messages(node: ast.AST) -> list[str]:
    """Return the texts of a source, each on one line, with a name where it puts something in; without those of typed words."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        told = node.value
    elif isinstance(node, ast.JoinedStr):
        told = "".join(str(piece.value) if isinstance(piece, ast.Constant) else "x" for piece in node.values)
    else:
        return [line for inner in ast.iter_child_nodes(node) for line in messages(inner)]
    is_typed = told.startswith("--set ") or ">>>" in told
    return [] if is_typed else [told.replace("\n", " ")]
