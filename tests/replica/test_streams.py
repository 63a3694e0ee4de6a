"""Residual streams of DeepSeek-V4: what mixing them takes, as timed alone and as part of a pass."""

import pytest

from infercost.replica.layout import Layout
from infercost.replica.work import Load
from tests.replica.test_sglang import timing


@pytest.mark.parametrize(
    ("part", "model", "tokens", "us"),
    [
        ("b200", "deepseek-v4-pro", 1, 29.1),
        ("b200", "deepseek-v4-pro", 1024, 109.8),
        ("b200", "deepseek-v4-pro", 16384, 1342.3),
        ("b200", "deepseek-v4-flash", 1024, 68.9),
        ("b200", "deepseek-v4-flash", 16384, 827.2),
        ("h200", "deepseek-v4-pro", 1, 28.7),
        ("h200", "deepseek-v4-pro", 1024, 152.7),
        ("h200", "deepseek-v4-pro", 16384, 2051.9),
    ],
)
def test_mixing_streams_alone(part: str, model: str, tokens: int, us: float) -> None:
    """A layer's four kernels in SGLang 0.5.14 and vLLM 0.24 (aiconfigurator-core 0.12.0, systems/data, mhc)."""
    one = timing(model, part, "vllm", Layout(8))
    moved = one.sums.streams / one.sums.streamed * tokens / one.chip.reach(one.chip.value("layers_streams_memory"))
    assert one.chip.value("layers_streams_launch") + moved == pytest.approx(us * 1e-6, rel=0.12)


def test_streams_are_launched_and_moved_in_every_layer() -> None:
    """61 layers of DeepSeek-V4-Pro: 26 us of launches and 401,408 bytes a token each, at 0.62 of the bandwidth."""
    one, other = (timing(model, "b200", "vllm", Layout(8)) for model in ("deepseek-v4-pro", "deepseek-v3"))
    assert (one.sums.streamed, one.sums.streams, other.sums.streamed) == (61, 61 * 401_408, 0)
    model = one.sums.model
    single = tuple(layer._replace(attention=layer.attention._replace(streams=0)) for layer in model.layers)
    none = one.on(model._replace(layers=single), one.sums.layout)
    mixed, plain = (each.pass_of(Load(100, 1000)).spent for each in (one, none))
    assert mixed[2] - plain[2] == pytest.approx(100 * 61 * 401_408 / (0.62 * one.chip.bandwidth))
    assert mixed[4] - plain[4] == pytest.approx(one.engine.launch_scale * 61 * 26e-6)
    assert (*mixed[:2], mixed[3]) == (*plain[:2], plain[3])
