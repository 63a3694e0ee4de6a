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
        ("2x3090", "rtx-3090", 2),
        ("4x4090", "rtx-4090", 4),
        ("4x3090", "rtx-3090", 4),
        ("2x4070", "rtx-4070", 2),
        ("3090 x2", "rtx-3090", 2),
        ("3090x2", "rtx-3090", 2),
        ("2x 7900 XTX", "rx-7900-xtx", 2),
        ("7900 XTX x 2", "rx-7900-xtx", 2),
        ("7900 XT", "rx-7900-xt", 1),
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


@pytest.mark.parametrize("written", ["gtx 1090", "gtx 9999", "rx 9999", "rtx 9999", "9999 XT", "9999 xtx", "Max 9999"])
def test_the_x_of_a_card_is_no_sign_of_multiplication(written: str) -> None:
    with pytest.raises(UnknownName, match=f"'{written}'"):
        infercost.utilization(gpu=written, params="8B")
