"""Pictures become one that moves; what cannot be read, or has another size, is left out."""

import base64
import io

import pytest
from PIL import Image

from tutelage.report.animation import animated


def png(shade: int, *, side: int = 6) -> str:
    buffer = io.BytesIO()
    Image.new("L", (side, side), shade).save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def test_each_picture_is_a_frame_in_its_order() -> None:
    with Image.open(io.BytesIO(base64.b64decode(animated([png(10), "no picture", png(99, side=7), png(20), png(30)])))) as film:
        shades = []
        for number in range(3):
            film.seek(number)
            shades.append(film.convert("L").getpixel((0, 0)))
        assert (getattr(film, "n_frames", 1), shades) == (3, [10, 20, 30])


@pytest.mark.parametrize("pngs", [[], ["AAAA", "\ud800", ""], [png(1)]])
def test_less_than_two_pictures_do_not_move(pngs: list[str]) -> None:
    assert animated(pngs) == ""
