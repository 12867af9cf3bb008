"""What an exported graph does to raw values is what the preprocessing does outside."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch
from PIL import Image
from scipy.special import ndtri

from tutelage.data.part.series import SeriesPart, as_objects, interpolated
from tutelage.data.part.table import TablePart
from tutelage.data.part.texts import TextPart
from tutelage.data.prepare.base import Fitted
from tutelage.data.prepare.encode_words import BooleanEncoder, CategoryEncoder, WordsEncoder
from tutelage.data.prepare.framing import frame
from tutelage.data.prepare.image_intake import Resize
from tutelage.data.prepare.normal_quantile import normal_quantile
from tutelage.data.prepare.pretrained_texts import FittedPretrainedTexts
from tutelage.data.prepare.series import Series
from tutelage.data.prepare.series_intake import Filled
from tutelage.data.prepare.spellings import BLANK, LAST
from tutelage.data.prepare.table import Table
from tutelage.data.prepare.table_intake import TableIntake
from tutelage.data.prepare.texts import Texts
from tutelage.export.loaded import Loaded
from tutelage.floor.random_kernels import RandomKernels
from tutelage.floor.word_pairs import WordPairs
from tutelage.model.layers import scan as scans


def inside(intake: Any, part: Any) -> dict[str, np.ndarray]:
    """Return what the module makes of all rows, row by row."""
    module, found = intake.module(), []
    inputs = {one.name: one for one in intake.inputs}
    for _, raw in intake.feed(part):
        given = {name: torch.from_numpy(np.ascontiguousarray(inputs[name].coded(values))) for name, values in raw.items()}
        made = module(given)
        found += [{name: made[name][row].numpy() for name in made} for row in range(len(next(iter(raw.values()))))]
    return {name: as_objects([one[name] for one in found]) for name in found[0]}


def outside(fitted: Fitted, part: Any) -> dict[str, torch.Tensor]:
    rows = fitted.apply(part)
    made: dict[str, torch.Tensor] = fitted.finisher()(rows.take(torch.arange(len(rows))))
    return made


@pytest.mark.parametrize("framing", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("sizes", [(48, 31, 16, 24), (300, 420, 24, 32), (20, 9, 28, 28), (7, 200, 12, 8), (28, 28, 28, 28)])
def test_resizing_is_pillows_to_the_last_bit(sizes: tuple[int, int, int, int], framing: Any) -> None:
    height, width, *size = sizes
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    expected = frame(Image.fromarray(pixels), size=(size[0], size[1]), how=framing)
    found = Resize((size[0], size[1]), framing)({"image": torch.from_numpy(pixels)[None]})["image"][0]
    np.testing.assert_array_equal(found.numpy(), expected)


def test_normal_quantiles_are_exact() -> None:
    rank = np.r_[0.0, 1e-300, 1e-20, 1e-8, np.linspace(1e-4, 1 - 1e-4, 999), 1 - 1e-12, 1.0]
    np.testing.assert_allclose(normal_quantile(torch.from_numpy(rank)).numpy(), ndtri(rank), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("scale", ["quantile", "standard"])
def test_cells_become_the_same_numbers_and_codes(scale: Any) -> None:
    random = np.random.default_rng(0)
    count = 400
    days = np.datetime64("1899-11-03T05:00", "s") + (random.integers(0, 6_000_000_000, count)).astype("timedelta64[s]")
    columns = {
        "size": pa.array(np.where(random.random(count) < 0.1, np.nan, np.round(random.normal(size=count), 1))),
        "count": pa.array(random.integers(0, 9, count) ** 3),
        "form": pa.array([None if n % 9 == 0 else "abcd"[n % 4] for n in range(count)]),
        "code": pa.array(random.integers(0, 3, count)),
        "open": pa.array([None if n % 7 == 0 else n % 2 == 0 for n in range(count)]),
        "when": pa.array(days).cast(pa.timestamp("us")),
        "note": pa.array([f"{'Élan' if n % 3 else 'blue'} {n}, {'RED' if n % 4 else 'x'}" for n in range(count)]),
    }
    part = TablePart("train", pa.table(columns), "t.csv", np.arange(count), "", "")
    roles: Any = {"code": "category", "note": "category", "count": "number"}
    fitted = Table(scale=scale, columns=roles, rare=1).fit(part)
    found, expected = inside(fitted.intake(), part), outside(fitted, part)
    np.testing.assert_allclose(np.stack(list(found["number"])), expected["number"].numpy(), atol=1e-6)
    np.testing.assert_array_equal(np.stack(list(found["category"])), expected["category"].numpy())


def test_odd_cells_are_read_alike_inside_and_outside() -> None:
    words = ("istanbul", "\u03bf\u03b4\u03bf\u03c2", "gross", "m", "\u00e5", "\u00df", "k")
    notes = [
        "\u0130STANBUL",
        "I\u0307stanbul",
        "\u039f\u0394\u039f\u03a3",
        "gro\u017fs",
        "GROSS\n2",
        "m\u00b2",
        "m\u2167",
        "m_m",
        "\u1e9e",
        "\u212b \u212a",
        " ",
        None,
    ]
    answers = [" Yes ", "tRUE", "ye\u017f", "\u3000n\u2028", "1.0", "maybe", None, "0", "f alse", "N", "\x1cfalse\x85", "1x0"]
    forms = ["a", "", " ", None, "A", "unseen", "b", "1.0", "1", "-", "none", "a "]
    columns = {"note": notes, "answer": answers, "form": forms}
    part = TablePart("input", pa.table({name: pa.array(cells) for name, cells in columns.items()}), "", np.arange(12), "", "")
    for has_missing in (True, False):
        known = ("a", "b", "1", "none", *([] if has_missing else [""]))
        encoders = (
            WordsEncoder("note", words, has_missing),
            BooleanEncoder("answer", has_missing),
            CategoryEncoder("form", known, has_missing),
        )
        found = np.stack(list(inside(TableIntake(encoders, lambda part: None), part)["category"]))
        expected = np.stack([codes for one in encoders for codes in one.apply(part.column(one.name)).codes], axis=1)
        # An empty form is handed over like a missing one.
        assert np.argwhere(found != expected).tolist() == [[1 if has_missing else 3, found.shape[1] - 1]]


def test_blanks_and_capitals_are_those_of_arrow() -> None:
    characters = pa.array([chr(code) for code in range(1, LAST) if not 0xD800 <= code < 0xE000])
    assert pc.match_substring_regex(characters, BLANK).equals(pc.equal(pc.utf8_trim_whitespace(characters), ""))
    others = "".join(map(chr, range(LAST, 0x110000)))
    assert pc.utf8_lower(others).as_py() == others


@pytest.mark.parametrize("normalize", ["train", "series", "none"])
def test_series_with_gaps_become_the_same_values(normalize: Any) -> None:
    part = some_series()
    fitted = Series(normalize=normalize).fit(part)
    found, expected = inside(fitted.intake(), part), outside(fitted, part)
    for row, length in enumerate(part.lengths):
        values = found["series"][row][:length]
        np.testing.assert_allclose(values, expected["series"][row, :length].numpy(), atol=1e-5)
        assert found["mask"][row].sum() == length


def test_gaps_are_on_the_line_between_neighbors() -> None:
    nan = np.nan
    values = np.array([[nan, nan, nan], [1, nan, nan], [nan, nan, 5], [4, nan, nan], [nan, nan, nan]])
    raw = {"series": torch.from_numpy(values)[None], "series_length": torch.tensor([5])}
    found, _ = Filled((7.0, 8.0, 9.0))(raw)
    np.testing.assert_allclose(found[0].numpy(), interpolated(values, np.array([7.0, 8.0, 9.0])))


def test_texts_are_cut_into_the_same_tokens_by_the_file_that_travels() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    texts = np.array(["It isn't <br /> GOOD!", "", "<b>", "Sehr schön: ein Film, 很好 one two three four five six"], dtype=object)
    part = TextPart("train", texts, None, np.arange(4), "")
    fitted = Texts(length=5).fit(part)
    library = tokenizers.Tokenizer.from_str(fitted.tokenizer())
    for text, own in zip(texts, fitted.encode(list(texts)), strict=True):
        assert library.encode(text, add_special_tokens=False).ids == own.tolist()
    found, expected = inside(fitted.intake(), part), outside(fitted, part)
    for row in range(4):
        length = int(expected["mask"][row].sum())
        assert found["token"][row][:length].tolist() == expected["token"][row, :length].tolist()


def test_a_tokenizer_of_public_weights_marks_ends_and_neither_cuts_nor_pads() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "good": 3, "film": 4, "[UNK]": 5}
    theirs = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    theirs.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    theirs.enable_truncation(3)
    theirs.enable_padding(length=9)
    texts = ["good film", "", "film " * 12]
    fitted = FittedPretrainedTexts(theirs.to_str(), 8, "")
    part = TextPart("train", np.array(texts, dtype=object), None, np.arange(3), "")
    found, own = inside(fitted.intake(), part), fitted.cut(texts)
    given: list[dict[str, np.ndarray]] = []
    loaded = Loaded({"recipe": fitted.intake().recipe()}, lambda raw: given.append(dict(raw)) or {})  # type: ignore[func-returns-value]
    loaded.texts(texts)
    library = tokenizers.Tokenizer.from_str(fitted.tokenizer())
    assert library.encode(texts[2]).ids == [1, *[4] * 12, 2]
    assert own[0].tolist() == [1, 3, 4, 2]
    for row, tokens in enumerate(own):
        assert found["token"][row][found["mask"][row]].tolist() == tokens.tolist()
        assert given[0]["token"][row, : given[0]["token_length"][row]].tolist() == tokens.tolist()


def some_series() -> SeriesPart:
    random = np.random.default_rng(0)
    rows = [random.normal(size=(9 + number % 6, 2)).cumsum(axis=0) for number in range(20)]
    for number, row in enumerate(rows):
        row[random.random(row.shape) < 0.2 * (number % 2)] = np.nan
    return SeriesPart("train", as_objects(rows), np.arange(20) % 2, as_objects([str(n) for n in range(20)]), "")


@pytest.mark.parametrize("num_classes", [2, 0])
def test_random_kernels_answer_alike(num_classes: int) -> None:
    part = some_series()
    truth = np.arange(20) % 2 if num_classes else np.arange(20.0)
    fitted = RandomKernels(num_features=200).fit(part, truth, num_classes=num_classes, seed=0)
    found = np.stack(list(inside(fitted.intake(), part)["answers"]))
    np.testing.assert_allclose(found, fitted.answers(part), atol=1e-6)


@pytest.mark.parametrize("num_classes", [2, 3, 0])
def test_word_pairs_answer_alike(num_classes: int) -> None:
    texts = np.array([f"word{n % 5} is {'good' if n % 2 else 'bad'} !" for n in range(30)] + [""], dtype=object)
    part = TextPart("train", texts, None, np.arange(31), "")
    truth = np.arange(31) % num_classes if num_classes else np.arange(31.0)
    fitted = WordPairs(bits=10).fit(part, truth, num_classes=num_classes, seed=0)
    found = np.stack(list(inside(fitted.intake(), part)["answers"]))
    np.testing.assert_allclose(found, fitted.answers(part), rtol=1e-6, atol=1e-9)


def test_a_scan_by_doubling_is_the_scan() -> None:
    keep, add = torch.rand(2, 50, 3), torch.randn(2, 50, 3)
    torch.testing.assert_close(scans._doubled(keep, add), scans.scan(keep, add))
