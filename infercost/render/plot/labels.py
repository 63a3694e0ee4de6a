"""Where the labels of a chart stand: beside their points, on no line and on no other label."""

from collections.abc import Iterator
from itertools import pairwise, product
from math import hypot
from typing import NamedTuple

from infercost.chart import Chart
from infercost.render.plot.scale import Scale, scales

#: Width of a letter and height of a line, as shares of a chart's inside, and the gap to what they label.
LETTER, HEIGHT, GAP = 0.0115, 0.045, 0.012
#: Places along a line that a label keeps clear of, over the whole width.
STEPS = 150


class Label(NamedTuple):
    """A text and its bottom left corner, 0 to 1 from the bottom left of the chart's inside."""

    text: str
    left: float
    bottom: float

    def holds(self, x: float, y: float) -> bool:
        """Whether a place is under the text."""
        return self.left <= x <= self.left + LETTER * len(self.text) and self.bottom <= y <= self.bottom + HEIGHT

    def meets(self, other: "Label") -> bool:
        """Whether two texts overlap."""
        apart = LETTER * len(self.text if self.left <= other.left else other.text)
        return abs(self.left - other.left) < apart and abs(self.bottom - other.bottom) < HEIGHT


def labels(chart: Chart) -> list[Label]:
    """A place for each label that is to be written; none for those that find no room."""
    axes = scales(chart)
    drawn, found = list(_drawn(chart, axes)), list[Label]()
    for x, y, text in (value for line in chart.lines for value in line.said):
        places = _around(axes[0].place(x), axes[1].place(y), text)
        free = (label for label in places if not any(label.holds(*place) for place in drawn))
        if label := next((label for label in free if not any(map(label.meets, found))), None):
            found.append(label)
    return found


def _around(x: float, y: float, text: str) -> Iterator[Label]:
    """Places beside a point that lie inside, the nearest first."""
    for far, (right, up) in product((1, 2), ((1, -1), (-1, 1), (1, 1), (-1, -1))):
        left = x + GAP * far if right > 0 else x - GAP * far - LETTER * len(text)
        bottom = y + GAP * far if up > 0 else y - GAP * far - HEIGHT
        if left >= 0 and left + LETTER * len(text) <= 1 and bottom >= 0 and bottom + HEIGHT <= 1:
            yield Label(text, left, bottom)


def _drawn(chart: Chart, axes: tuple[Scale, Scale]) -> Iterator[tuple[float, float]]:
    """Places that lines and points cover."""
    for line in chart.lines:
        places = [(axes[0].place(x), axes[1].place(y)) for x, y, _ in line.values]
        yield from places
        for (left, low), (right, high) in pairwise(() if line.points else places):
            steps = int(hypot(right - left, high - low) * STEPS)
            for step in range(steps):
                yield left + (right - left) * step / steps, low + (high - low) * step / steps
