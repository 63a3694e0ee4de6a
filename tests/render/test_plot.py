"""Every form of a picture, read back: text, PNG, SVG, the page in a browser, the Vega-Lite specification."""

import json
import re
import shutil
import struct
import subprocess
import sys
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

import infercost
from infercost.errors import BadValue, Missing
from infercost.picture import Axis, Bar, Bars, Chart, Line
from infercost.render import ENDINGS, ending_of, to_lines, to_picture
from infercost.render.drawing import COLOURS, Scale, axis_text, labels, scales, style, tick_text
from infercost.render.terminal import render
from infercost.report import Report

LINES = Chart(
    "A line of slope one: a <bound> & $1 to $100",
    Axis("users & friends"),
    Axis("USD per million tokens", "USD"),
    (
        Line("every hour", (1.0, 10.0, 100.0), (1.0, 10.0, 100.0), ("one", "ten", "hundred")),
        Line("floor", (1.0, 100.0), (1.0, 1.0), limit=True),
        Line("here", (10.0,), (3.0,), ("batch 10",), points=True),
    ),
)
PICTURES = (
    LINES,
    Bars(
        "Two parts: an estimate",
        Axis("memory", "B", log=False),
        (Bar("weights", 40e9), Bar("cache", 20e9, 40e9)),
        ("memory of the device", 80e9),
    ),
    Bars("Speed", Axis("tokens/s", "", log=False), (Bar("one", 20.0, mark=40.0), Bar("two", 10.0)), marked="the bound"),
)
REPORT = Report(command="utilization", verdict="What <it> is.", inputs=(), charts=PICTURES)


def shown(picture: Chart | Bars, ascii: bool = False) -> list[str]:
    return render(picture, 80, ascii).splitlines()


@pytest.mark.parametrize("ascii", [True, False])
def test_a_line_of_slope_one_goes_from_corner_to_corner(ascii: bool) -> None:
    rows = [row for row in shown(LINES._replace(lines=LINES.lines[:1]), ascii) if re.search("[|+│┤]", row)]
    drawn = [re.split(r"[|+│┤]", row, maxsplit=1)[1] for row in rows[:16]]
    starts = [len(row) - len(row.lstrip()) for row in drawn]
    assert starts == sorted(starts, reverse=True)
    assert starts[-1] == 2  # 3% of the axis is left free
    assert len(drawn[0]) - starts[-1] > 60
    steps = {left - right for left, right in pairwise(starts[:-1])}
    assert steps <= {4, 5}  # 70 columns over 16 rows


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.title)
def test_text_fits_its_width_and_ascii_is_ascii(picture: Chart | Bars) -> None:
    assert max(map(len, shown(picture))) <= 80
    assert max(map(len, shown(picture, ascii=True))) <= 80
    assert "\n".join(shown(picture, ascii=True)).isascii()
    assert max(map(len, render(picture, 60).splitlines())) <= 60


def test_text_names_its_axes_lines_and_points() -> None:
    text = "\n".join(shown(LINES))
    for said in ("USD per million tokens", "users & friends", "─●─ every hour", "... floor", "▲  here", "▲ batch 10"):
        assert said in text
    assert re.search(r"^ +1 +2 +5 +10 +20 +50 +100$", text, re.MULTILINE)
    assert re.search(r"^ +\$10 ┤", text, re.MULTILINE)


def test_bars_stand_where_they_begin_and_are_as_long_as_they_are() -> None:
    first, second, said = shown(PICTURES[1], ascii=True)[2:]
    start = first.index("#")
    width = 2 * first.count("#")  # 40 of 80 GB
    assert first.count("#") == 2 * second.count("#")
    assert second.index("#") - start == first.count("#")
    assert abs(said.rindex("|") - start - width) <= 1
    assert "memory of the device 80 GB |" in said


def test_a_mark_stands_at_its_value() -> None:
    one, two, said = shown(PICTURES[2], ascii=True)[2:]
    assert one.rindex("|") - one.index("#") == pytest.approx(2 * one.count("#"), abs=1)
    assert "|" not in two
    assert said == "  | the bound"


@pytest.mark.parametrize(
    ("low", "high", "log", "texts"),
    [
        (1, 1e6, True, "1 10 100 1k 10k 100k 1M"),
        (0.9, 30, True, "1 2 5 10 20"),
        (1e-6, 1e12, True, "1e-06 0.001 1 1k 1M 1B 1T"),
        (70, 76, True, "70 71 72 73 74 75 76"),
        (0, 81, False, "0 20 40 60 80"),
        (-0.1, 1.1, False, "0 0.2 0.4 0.6 0.8 1"),
    ],
)
def test_ticks_are_round_and_few(low: float, high: float, log: bool, texts: str) -> None:
    assert [text for _, text in Scale(Axis("", "", log), low, high).ticks(7)] == texts.split()


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1e-5, "share", "0.001%"),
        (0.5, "share", "50%"),
        (1e4, "USD", "$10k"),
        (0.1, "USD", "$0.1"),
        (1e-3, "s", "1 ms"),
        (1e15, "FLOP/s", "1 PFLOP/s"),
        (2e9, "", "2B"),
        (3, "x", "3x"),
    ],
)
def test_a_tick_is_written_as_people_write_it(value: float, unit: str, text: str) -> None:
    assert tick_text(value, unit) == text


def test_an_axis_says_its_unit_where_its_ticks_do_not() -> None:
    assert axis_text(Axis("balance", "FLOP/B")) == "balance, FLOP/B"
    assert axis_text(Axis("memory", "B")) == "memory"


def test_labels_stand_on_no_line_and_on_no_other_label() -> None:
    near = Line("b", (10.0, 11.0), (10.0, 11.0), ("one point", "its neighbour"), points=True)
    chart = LINES._replace(lines=(*LINES.lines[:2], near))
    one, other = labels(chart)
    assert not one.meets(other)
    assert {one.text, other.text} == {"one point", "its neighbour"}
    assert {one.colour, other.colour} == {style(near, 2)[0]}  # of the third line
    alone = labels(LINES._replace(lines=(near,)))
    assert {label.colour for label in alone} == {""}
    for share in (n / 1000 for n in range(1001)):  # the line of slope one
        x, y = (axis.place(100**share) for axis in scales(chart))
        assert not one.holds(x, y)
        assert not other.holds(x, y)
    corner = Line("c", (100.0,), (100.0,), ("too long for any place " * 5,), points=True)
    assert labels(LINES._replace(lines=(LINES.lines[0], corner))) == []


def test_a_specification_holds_every_value_and_its_axes() -> None:
    spec = json.loads(to_picture(REPORT, ".vl.json"))
    assert spec["$schema"] == "https://vega.github.io/schema/vega-lite/v5.json"
    lines, parts, marked = spec["vconcat"]
    values = [(value["line"], value["x"], value["y"]) for value in lines["data"]["values"]]
    assert values == [(line.name, x, y) for line in LINES.lines for x, y, _ in line.values]
    assert [value["label"] for value in lines["data"]["values"] if value.get("said")] == ["batch 10"]
    assert lines["encoding"]["x"]["scale"]["type"] == "log"
    assert lines["encoding"]["y"]["title"] == "USD per million tokens"
    assert [value["to"] for value in parts["data"]["values"]] == [40e9, 60e9]
    assert parts["layer"][0]["encoding"]["x"]["title"] == "memory, B"
    assert [value.get("mark") for value in marked["data"]["values"]] == [40.0, None]


def test_a_png_has_its_size_and_its_colours() -> None:
    from matplotlib.image import imread

    made = to_picture(REPORT, ".png")
    assert made.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", made[16:24])
    assert width == 1200  # 8 inches of 150 dots
    pixels = imread(BytesIO(made))[..., :3]
    assert pixels.shape[:2] == (height, width)
    inked = (pixels < 0.9).any(axis=2)
    assert 0.01 < inked.mean() < 0.5
    assert inked[:, : width // 2].any()
    assert inked[:, width // 2 :].any()
    for colour in (COLOURS[0], COLOURS[2]):  # the line and the point; what is a limit is grey
        wanted = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        assert (abs(pixels - wanted) < 0.02).all(axis=2).sum() > 100


def test_an_svg_is_text_and_the_same_in_every_run() -> None:
    made = to_picture(REPORT, ".svg")
    texts = {"".join(element.itertext()).strip() for element in ElementTree.fromstring(made).iter()}
    assert {LINES.title, "$10", "100", "users & friends", "every hour", "batch 10", "80 GB"} <= texts
    code = (
        "import sys\nfrom tests.render.test_plot import REPORT, to_picture\n"
        "sys.stdout.buffer.write(to_picture(REPORT, '.svg'))\nassert 'matplotlib.pyplot' not in sys.modules"
    )
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=Path(__file__).parents[2], check=True)
    assert again.stdout == made
    assert b"<dc:date>" not in made


@pytest.mark.parametrize("ending", [".png", ".svg"])
def test_without_matplotlib_the_extra_is_named(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(Missing, match="matplotlib") as error:
        to_picture(REPORT, ending)
    assert error.value.hint == "pip install 'infercost[plot]'"


def test_an_answer_without_charts_is_refused() -> None:
    with pytest.raises(BadValue, match="no picture"):
        to_lines(Report(command="validate", verdict="", inputs=()))


def test_an_ending_is_found_in_any_case_and_another_refused() -> None:
    assert [ending_of(f"a{ending.upper()}") for ending in ENDINGS] == list(ENDINGS)
    with pytest.raises(BadValue, match=r"a\.json") as error:
        ending_of("a.json")
    assert all(ending in error.value.hint for ending in ENDINGS)


class Page(HTMLParser):
    """What a page says: the data of its values, its text, and what it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.values: list[tuple[str, float | None, float]] = []
        self.loads: list[str] = []
        self.metas: list[str] = []
        self.heads: list[str] = []
        self.outputs: list[str] = []
        self.place = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.place = tag
        said = dict(attrs)
        self.loads += [tag for name in ("src", "href") if name in said]
        if name := said.get("data-line"):
            x = said.get("data-x")
            self.values.append((name, None if x is None else float(x), float(said["data-y"] or "nan")))
        if tag == "meta":
            self.metas.append(said.get("content") or "")
        if tag == "output":
            self.outputs.append("")

    def handle_endtag(self, _tag: str) -> None:
        self.place = ""

    def handle_data(self, data: str) -> None:
        if self.place == "h2":
            self.heads.append(data)
        if self.place == "output":
            self.outputs[-1] += data


def drawn_values() -> list[tuple[str, float | None, float]]:
    found: list[tuple[str, float | None, float]] = []
    for picture in PICTURES:
        if isinstance(picture, Chart):
            found += [(line.name, x, y) for line in picture.lines for x, y, _ in line.values]
        else:
            found += [(bar.name, None, bar.value) for bar in picture.bars]
    return found


def test_a_page_stands_alone_and_holds_every_value() -> None:
    text = to_picture(REPORT, ".html").decode()
    page = Page(text)
    assert page.values == drawn_values()
    assert page.loads == []
    assert "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'" in page.metas
    assert "a &lt;bound&gt; &amp; $1" in text
    assert "What &lt;it&gt; is." in text


def test_a_page_has_the_numbers_the_work_and_the_sources() -> None:
    report = infercost.utilization(gpu="h100-note", params=1.6e12, charts=True, steps=True)
    text = to_picture(report, ".html").decode()
    assert Page(text).heads == ["To know", "The work", "Inputs and sources"]
    for said in ("26.67 ms", "<td>critical batch</td>", "B* = F × η_c × R / (W × η_m × f)", "gpu.memory_bandwidth"):
        assert said in text


#: Points at the second value of the first picture, and at the first bar of the second.
POINTING = """<script>
for (const [picture, value] of [[0, 1], [1, 0]]) {
  const svg = document.querySelectorAll("svg.chart")[picture];
  const box = svg.querySelectorAll(".value")[value].getBoundingClientRect();
  const at = {clientX: box.x + box.width / 2, clientY: box.y + box.height / 2};
  svg.dispatchEvent(new PointerEvent("pointermove", at));
}
console.error("heard");
fetch("https://example.invalid/").catch(() => document.body.insertAdjacentHTML("beforeend", "<h2>kept in</h2>"));
</script></body>"""
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --enable-logging=stderr --v=0 --virtual-time-budget=2000 --dump-dom"
)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium in PATH to open the page in")
def test_a_browser_shows_the_value_that_is_pointed_at(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    text = to_picture(REPORT, ".html").decode()
    path.write_text(text.replace("</body>", POINTING))
    command = [str(BROWSER), *QUIET.split(), f"--user-data-dir={tmp_path / 'profile'}", path.as_uri()]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120)
    page = Page(said.stdout)
    assert page.values == drawn_values()
    assert page.outputs == ["every hour: $10.00 at 10, ten", "weights  40 GB", ""]
    assert page.heads[-1] == "kept in"  # the page's own policy let nothing out
    complaints = [line for line in said.stderr.splitlines() if "CONSOLE" in line and "example.invalid" not in line]
    assert len(complaints) == 1
    assert "heard" in complaints[0]  # only what the test itself complained of
