"""`tutelage generate RUN`: let a language model write, or a generator make samples."""

import argparse
import json
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

from tutelage.cli.generate_samples import generate_samples
from tutelage.cli.out_file import check_out_file, say_new_folder
from tutelage.core.durable import write_durably
from tutelage.core.errors import UsageError
from tutelage.core.names import from_address
from tutelage.core.outlet import flush, one_line, say, say_json, tell, warn
from tutelage.data.source.corpus_files import read_corpus
from tutelage.run.generate import Generation, Wanted, refuse_agent
from tutelage.run.run import Run

__all__ = ["run"]

STANDARD_INPUT = "-"
EXPECTED = "Name a text file, or - for standard input."
MOST_PROMPT_BYTES = 64 * 2**20
"""Of a prompt that has no size, as what comes from a pipe: many times what a model looks back on."""


def run(arguments: argparse.Namespace) -> int:
    """Write the texts as they come where there is one, else one after another when all are done."""
    if arguments.out:
        check_out_file(arguments.out, [arguments.prompt_file] if arguments.prompt_file else [])
    opened = Run.open(arguments.run, tell=warn)
    refuse_agent(opened.path, opened.decided.task)
    if opened.makes_samples:
        return generate_samples(opened, arguments)
    if arguments.out and Path(arguments.out).suffix not in (".txt", ".json"):
        raise UsageError(f"--out {arguments.out}: expected a name that ends in .txt or .json.")
    if arguments.label is not None:
        raise UsageError(f"--label {arguments.label}: a language model knows no classes. Leave it out.")
    usual = Wanted(seed=arguments.seed)
    given = {name: getattr(arguments, name) for name in ("num", "length", "temperature", "top_k", "top_p", "seed")}
    wishes = {name: getattr(usual, name) if value is None else value for name, value in given.items()}
    wishes["prompt"] = _prompt(arguments.prompt_file) if arguments.prompt_file else arguments.prompt or ""
    generation = opened.generation(**wishes)
    for note in generation.notes:
        tell(f"Note: {one_line(note)}")
    if wishes["num"] == 1 and not arguments.out and not arguments.json:
        _stream(generation)
        return 0
    texts = generation.texts()
    if arguments.out:
        written = json.dumps(texts, indent=1) + "\n" if arguments.out.endswith(".json") else _one_below_another(texts)
        say_new_folder(arguments.out)
        write_durably(Path(arguments.out), written.encode("utf-8", "replace"))
        tell(f"{len(texts):,} {'text' if len(texts) == 1 else 'texts'} in {arguments.out}")
    if arguments.json:
        say_json({"run": arguments.run, **wishes, "prompt": generation.prompt, "texts": texts})
    elif not arguments.out:
        say(_one_below_another(texts), end="")
    return 0


def _prompt(file: str) -> str:
    """Return a prompt as it stands in a file, or on standard input (`-`), line ends and all.

    Raises:
        UsageError: There is no such file, it cannot be read, or it does not end.
        DataError: It is empty, or no text.
    """
    path = Path(from_address(file))
    if file != STANDARD_INPUT and path.is_file():
        return _read(path, file)
    # What can be read once only, as standard input and pipes, is written down first: all of it is looked at before it is a text.
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "prompt"
        try:
            with nullcontext(sys.stdin.buffer) if file == STANDARD_INPUT else path.open("rb") as stream:
                content = stream.read(MOST_PROMPT_BYTES + 1)
            if len(content) > MOST_PROMPT_BYTES:
                raise UsageError(f"--prompt-file {file}: more bytes than {MOST_PROMPT_BYTES:,}. Give the last part of it.")
            copy.write_bytes(content)
        except FileNotFoundError:
            raise UsageError(f"--prompt-file {file}: no such file. {EXPECTED}") from None
        except OSError as error:
            raise UsageError(f"--prompt-file {file}: it cannot be read ({error.strerror or error}). {EXPECTED}") from error
        return _read(copy, file)


def _read(path: Path, file: str) -> str:
    """Return the text of a file."""
    try:
        return read_corpus([path], name="prompt")[0].text
    except OSError as error:
        raise UsageError(f"--prompt-file {file}: it cannot be read ({error.strerror or error}). {EXPECTED}") from error


def _stream(generation: Generation) -> None:
    """Write one text token by token."""
    say(generation.prompt, end="")
    for (piece,) in generation.pieces:
        if piece:
            say(piece, end="")
            flush()
    say("")


def _one_below_another(texts: list[str]) -> str:
    """Return texts with a line above each that numbers it, where there are several."""
    if len(texts) == 1:
        return f"{texts[0]}\n"
    return "".join(f"--- {number} of {len(texts)} ---\n{text}\n" for number, text in enumerate(texts, start=1))
