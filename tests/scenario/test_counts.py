"""An accelerator and its count as people write them."""

import pytest

import infercost
from infercost.errors import UnknownName


@pytest.mark.parametrize(
    ("written", "name", "count"),
    [
        ("h100:8", "h100-sxm", 8),
        ("8xH100", "h100-sxm", 8),
        ("8 x h100-sxm", "h100-sxm", 8),
        ("h100x8", "h100-sxm", 8),
        ("h100*2", "h100-sxm", 2),
        ('2x "RTX 4090"', "rtx-4090", 2),
        ("2 × RTX 4090", "rtx-4090", 2),
        ("mi300xx8", "mi300x", 8),
        ("mi300x", "mi300x", 1),
    ],
)
def test_a_count_is_read_before_a_name_and_after_it(written: str, name: str, count: int) -> None:
    inputs = {item.key: item.value for item in infercost.utilization(gpu=written, params="8B").inputs}
    assert (inputs["gpu"], inputs["gpus"]) == (name, count)


def test_a_name_that_is_none_is_asked_back() -> None:
    with pytest.raises(UnknownName, match="no accelerator preset is called 'h1000'"):
        infercost.utilization(gpu="8xh1000", params="8B")
