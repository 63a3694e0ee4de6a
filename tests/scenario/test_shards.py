"""Pieces of a whole add up to exactly the whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infercost.errors import BadValue
from infercost.render import export
from infercost.units import MOST, Shard, parse_shard


@pytest.mark.parametrize(
    ("text", "shard"),
    [("1/1", (1, 1)), ("3/8", (3, 8)), (" 8 / 8 ", (8, 8)), ("01/10", (1, 10)), (f"{MOST}/{MOST}", (MOST, MOST))],
)
def test_a_piece_is_read(text: str, shard: tuple[int, int]) -> None:
    assert parse_shard(text) == shard


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "1/8"),
        ("3", "1/8"),
        ("3/", "1/8"),
        ("-1/8", "1/8"),
        ("1.5/8", "1/8"),
        ("1/8/2", "1/8"),
        ("١/٨", "1/8"),  # Arabic digits
        ("0/8", "they are 1/8 to 8/8"),
        ("9/8", "they are 1/8 to 8/8"),
        ("1/0", "cut into 1 to 10,000,000"),
        ("1/10000001", "cut into 1 to 10,000,000"),
        ("1/" + "9" * 5000, "1/8"),
    ],
)
def test_what_is_no_piece_is_refused(text: str, hint: str) -> None:
    with pytest.raises(BadValue, match="shard: ") as refused:
        parse_shard(text)
    assert hint in refused.value.hint
    assert len(refused.value.what) < 100


def test_ten_units_in_four_pieces() -> None:
    assert [list(Shard(n, 4).of(10)) for n in range(1, 5)] == [[0, 1], [2, 3, 4], [5, 6], [7, 8, 9]]


@given(st.integers(0, 3000), st.integers(1, 300))
def test_the_pieces_are_the_whole_in_order(units: int, count: int) -> None:
    pieces = [Shard(number, count).of(units) for number in range(1, count + 1)]
    assert [unit for piece in pieces for unit in piece] == list(range(units))
    assert max(map(len, pieces)) - min(map(len, pieces)) <= 1


@given(st.integers(0, 10**15), st.integers(1, MOST), st.data())
def test_a_piece_starts_where_the_one_before_ends(units: int, count: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(1, count))
    first, piece, last = Shard(1, count).of(units), Shard(number, count).of(units), Shard(count, count).of(units)
    assert (first.start, last.stop) == (0, units)
    if number > 1:
        assert Shard(number - 1, count).of(units).stop == piece.start


@pytest.mark.parametrize("count", [1, 3, 7, 20])
def test_pieces_of_json_lines_joined_are_the_bytes_of_the_whole(count: int, tmp_path: Path) -> None:
    def unit(number: int) -> dict[str, Any]:
        return {"gpu": f"gpu-{number}", "batch": np.arange(5), "step_s": np.arange(5) / (number + 3)}

    for name, units in [("whole", range(11)), *((str(n), Shard(n, count).of(11)) for n in range(1, count + 1))]:
        export.write(map(unit, units), str(tmp_path / f"{name}.jsonl"))
    joined = b"".join((tmp_path / f"{n}.jsonl").read_bytes() for n in range(1, count + 1))
    assert joined == (tmp_path / "whole.jsonl").read_bytes()
    assert joined.count(b"\n") == 55
