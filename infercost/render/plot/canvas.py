"""Dots and letters in the cells of a terminal: eight dots of braille a cell, or one ASCII letter."""

from collections.abc import Iterable
from itertools import pairwise

#: Bits of the dots in a cell of braille: its two columns, from the top down.
_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BRAILLE = 0x2800
ACROSS, DOWN = len(_BITS), len(_BITS[0])


class Canvas:
    """Cells, drawn on with places between 0 and 1 that begin at the bottom left."""

    def __init__(self, width: int, height: int, ascii: bool) -> None:
        self.width, self.height, self.ascii = width, height, ascii
        self._dots: dict[tuple[int, int], tuple[int, str]] = {}
        self._letters: dict[tuple[int, int], str] = {}

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """The column and row of a place."""
        column, row = self._dot(x, y)
        return column // ACROSS, row // DOWN

    def line(self, places: Iterable[tuple[float, float]], glyph: str, every: int = 1) -> None:
        """Straight lines from place to place, of every so many dots; ``glyph`` draws them in ASCII."""
        dots = [self._dot(x, y) for x, y in places]
        path = [dots[0]]
        for (left, top), (right, bottom) in pairwise(dots):
            steps = max(abs(right - left), abs(bottom - top))
            path += [
                (left + round((right - left) * step / steps), top + round((bottom - top) * step / steps))
                for step in range(1, steps + 1)
            ]
        for column, row in path[::every]:
            cell = column // ACROSS, row // DOWN
            bits, _ = self._dots.get(cell, (0, ""))
            self._dots[cell] = bits | _BITS[column % ACROSS][row % DOWN], glyph

    def write(self, column: int, row: int, text: str) -> None:
        """A text from a cell to the right."""
        self._letters |= {(column + offset, row): letter for offset, letter in enumerate(text)}

    def write_beside(self, column: int, row: int, text: str) -> None:
        """A text beside a cell, where nothing else stands; not at all where there is no room."""
        for down in (0, 1, -1, 2, -2):
            for start in (column + 2 + abs(down), column - 1 - abs(down) - len(text)):
                if self._is_free(start, row + down, len(text)):
                    self.write(start, row + down, text)
                    return

    def rows(self) -> list[str]:
        """The cells as lines of text."""
        return ["".join(self._shown(column, row) for column in range(self.width)) for row in range(self.height)]

    def _is_free(self, start: int, row: int, length: int) -> bool:
        """Whether a text from a cell to the right is inside and stands alone."""
        if start < 0 or start + length > self.width or not 0 <= row < self.height:
            return False
        cells = {(column, row) for column in range(start - 1, start + length + 1)}
        return not cells & (self._letters.keys() | self._dots.keys())

    def _dot(self, x: float, y: float) -> tuple[int, int]:
        across, down = self.width * ACROSS - 1, self.height * DOWN - 1
        return min(max(round(x * across), 0), across), min(max(round((1 - y) * down), 0), down)

    def _shown(self, column: int, row: int) -> str:
        if letter := self._letters.get((column, row)):
            return letter
        bits, glyph = self._dots.get((column, row), (0, " "))
        return glyph if self.ascii else chr(_BRAILLE + bits) if bits else " "
