"""What a pass asks of a rank, by hand from the configs that publishers give: elements, parameters, bytes, FLOP."""

import pytest

from infercost.models.find import find_model
from infercost.models.model import Quantization
from infercost.replica.layout import Layout
from infercost.replica.sums import Sums, _kv_heads, _normed, _of_ffn, format_of


def sums(name: str, layout: Layout) -> Sums:
    return Sums(find_model(name).model, layout)


@pytest.mark.parametrize("tp", [1, 2, 4, 8])
def test_products_of_llama(tp: int) -> None:
    """32 layers 4,096 wide: 32 query heads and 8 KV heads of 128, 14,336 inside; four products a layer."""
    llama = sums("llama-3.1-8b", Layout(tp))
    (products,) = llama.products
    attention, inside = 4096 * (4096 + 2 * 1024) + 4096 * 4096, 3 * 4096 * 14336
    assert products.format == "bf16"
    assert products.number == 32 * 4
    assert products.params == 32 * (attention + inside) / tp
    assert products.weights == 2 * products.params
    assert products.inputs == 32 * (4096 + 4096 / tp + 4096 + 14336 / tp)
    assert products.outputs == 32 * ((4096 + 2 * 1024) / tp + 4096 + 2 * 14336 / tp + 4096)
    assert llama.head[1:] == (1, 4096 * 128_256 / tp, 2 * 4096 * 128_256 / tp, 4096, 128_256 / tp)
    assert llama.norms == 32 * 2 * 4096
    assert llama.prompt_elements == 32 * 128 * (32 + 2 * 8) / tp
    assert (llama.kv_heads, llama.depth, llama.caching) == (32 * 8 / tp, 32, 32)
    assert (llama.routed, llama.latent, llama.indexed, llama.stateful, llama.states) == ((), False, 0, 0, 0)
    assert (llama.exchanging, llama.normed, llama.streamed) == (0, 0, 0)


@pytest.mark.parametrize("tp", [1, 4])
def test_attention_of_llama(tp: int) -> None:
    """Keys and values of 2 bytes; four operations for each query head's pair of elements, half of the square."""
    llama = sums("llama-3.1-8b", Layout(tp))
    assert llama.decoding(1000) == (32 * 1000 * 2 * 8 * 128 * 2 / tp, 0.0)
    assert llama.prompting(1000, 0) == (32 * 500_000 * 4 * 32 * 128 / tp, 0.0)
    assert llama.prompting(1000, 3000) == (32 * (500_000 + 3_000_000) * 4 * 32 * 128 / tp, 0.0)


def test_sixteen_ranks_hold_each_of_eight_heads_twice() -> None:
    llama = sums("llama-3.1-8b", Layout(16))
    assert llama.kv_heads == 32
    assert llama.decoding(1000) == (32 * 1000 * 2 * 128 * 2, 0.0)
    (products,) = llama.products
    attention = (4096 * 4096 * 2 + 2 * 4096 * 2 * 1024) / 16
    assert products.params == 32 * (attention + 3 * 4096 * 14336 / 16)


def test_latents_of_deepseek() -> None:
    """61 layers, 128 heads over latents of 512 and 64 that turn; experts from the fourth layer on, in fp8 blocks."""
    deepseek = sums("deepseek-v3", Layout(8))
    assert deepseek.latent
    assert deepseek.decoding(1000) == (61 * 1000 * 576 * 2, 61 * 1000 * 2 * (576 + 512) * 128 / 8)
    assert deepseek.prompting(1000, 0) == (61 * 500_000 * 2 * (192 + 128) * 128 / 8, 0.0)
    products, router = deepseek.products
    assert (products.format, products.number) == ("fp8_block", 61 * 5 + 2 * (3 + 58))
    assert (router.format, router.number, router.params) == ("bf16", 58, 58 * 7168 * 256)
    (routed,) = deepseek.routed
    assert (routed.layers, routed.experts, routed.active, routed.input, routed.width) == (58, 256, 8, 7168, 2048 / 8)
    assert routed.params == 3 * 7168 * 2048 / 8
    # a scale of four bytes for each block of 128 x 128
    assert routed.weights == pytest.approx(routed.params * (1 + 4 / 128**2))
    assert (deepseek.kv_heads, deepseek.indexed) == (61, 0)
    assert sums("deepseek-v3.2", Layout(8)).indexed == 61
    assert sums("deepseek-v3", Layout(1, 1, 8)).exchanging == 58


def test_experts_of_mixtral() -> None:
    """Four groups of two ranks: attention and router are split over two, each rank has a whole expert."""
    mixtral = sums("mixtral-8x7b", Layout(2, 1, 8))
    (products,) = mixtral.products
    assert products.number == 32 * (2 + 1)
    assert products.params == 32 * ((4096 * 6144 + 4096 * 4096) / 2 + 4096 * 8)
    assert products.inputs == 32 * (4096 + 4096 / 2 + 4096)
    assert products.outputs == 32 * (6144 / 2 + 4096 + 8)
    (routed,) = mixtral.routed
    assert routed[1:] == (32, 8, 2, 3 * 4096 * 14336, 2 * 3 * 4096 * 14336, 4096, 14336, 3, 0, 0)
    assert mixtral.exchanging == 32


def test_states_of_qwen3_next() -> None:
    """Of 48 layers 36 keep a state of 32 heads of 128 x 128; 12 attend with 16 heads of 256 over two of KV."""
    qwen = sums("qwen3-next-80b-a3b", Layout(2))
    assert (qwen.depth, qwen.stateful, qwen.caching) == (48, 36, 12)
    assert qwen.states == 36 * 32 * 128 * 128 / 2
    assert qwen.kv_heads == 12
    assert qwen.decoding(1000) == (12 * 1000 * 2 * 256 * 2, 0.0)
    scores, states = qwen.prompting(1000, 0)
    assert scores == 12 * 500_000 * 4 * 16 * 256 / 2
    assert states == 6 * 1000 * qwen.states


@pytest.mark.parametrize(("tp", "copies", "heads"), [(1, 1, 8), (2, 1, 4), (8, 1, 1), (16, 2, 1)])
def test_kv_heads_of_a_rank(tp: int, copies: float, heads: float) -> None:
    """Llama has 8, split over the ranks; 16 ranks hold two copies of each."""
    (attention,) = {layer.attention for layer in find_model("llama-3.1-8b").model.layers}
    assert _kv_heads(attention, copies, tp) == heads


def test_a_norm_over_all_heads_is_as_long_as_they_are() -> None:
    (attention,) = {layer.attention for layer in find_model("llama-3.1-8b").model.layers}
    assert not _normed(attention)
    assert _normed(attention._replace(small=(32 + 8) * 128))
    assert not _normed(attention._replace(small=2 * 128))  # a norm of each head
    assert not _normed(attention._replace(small=(32 + 8) * 128, latent=True))


@pytest.mark.parametrize(
    ("name", "bits", "block", "format"),
    [
        ("bf16", 16, False, "bf16"),
        ("fp32", 32, False, "fp32"),
        ("fp8", 8.002, True, "fp8_block"),
        ("fp8", 8, False, "fp8"),
        ("q6_k", 6.5625, False, "fp8"),
        ("x", 6, False, "int4"),
        ("x", 10, False, "fp8"),
        ("x", 10.5, False, "bf16"),
        ("x", 20, False, "bf16"),
        ("x", 20.5, False, "fp32"),
        ("int8", 8, False, "int8"),
        ("w8a8", 8, False, "int8"),
        ("mxfp4", 4.25, False, "mxfp4"),
        ("nvfp4", 4.5, False, "nvfp4"),
        ("fp8 with experts of four bits", 4.25, False, "mxfp4"),
        ("awq", 4.16, False, "int4"),
    ],
)
def test_kernels_go_by_the_bits_of_a_part(name: str, bits: float, block: bool, format: str) -> None:
    model = find_model("llama-3.1-8b").model
    quantization = Quantization(name, bits, {})._replace(block=block)
    assert format_of(model._replace(quantization=quantization), "ffn") == format


def test_sums_are_made_once_unless_their_work_is_to_be_shown() -> None:
    model = find_model("llama-3.1-8b").model
    kept, anew = Sums(model, Layout()), Sums(model, Layout(), keeps=False)
    assert kept.products is kept.products
    assert "products" in vars(kept)
    assert anew.products is not anew.products
    assert "products" not in vars(anew)
    assert anew.products == kept.products
    assert kept.decoding(1000) is kept.decoding(1000)
    assert anew.decoding(1000) is not anew.decoding(1000)


@pytest.mark.parametrize("tp", [1, 4])
def test_a_table_that_is_the_head_too(tp: int) -> None:
    """Llama 3.2 1B in 8 bits, its table in 16: 128,256 words of 2,048; a head of its own has its own bits."""
    model = find_model("llama-3.2-1b").model
    tied = Sums(model._replace(quantization=Quantization("fp8", 8, {"embedding": 16})), Layout(tp))
    params = 2048 * 128_256 / tp
    assert tied.head == ("bf16", 1, params, 2 * params, 2048, 128_256 / tp)
    apart = model._replace(head=1000, quantization=Quantization("fp8", 16, {"head": 8}))
    assert Sums(apart, Layout(tp)).head[:4] == ("fp8", 1, 1000 / tp, 1000 / tp)


def test_layers_of_one_kind_among_others() -> None:
    """Kimi Linear: seven of 27 layers keep latents; Qwen3 has a norm for queries and keys of each head of 128."""
    kimi = sums("kimi-linear-48b-a3b", Layout())
    assert (kimi.latent, kimi.stateful, kimi.caching) == (True, 20, 7)
    qwen = sums("qwen3-8b", Layout())
    assert qwen.norms == 36 * (2 * 4096 + 2 * 128)
    assert qwen.normed == 0
    assert sums("olmoe-1b-7b", Layout()).normed == 16
    assert sums("mixtral-8x7b", Layout(1, 1, 2)).exchanging == 32
    assert sums("mixtral-8x7b", Layout(2, 1, 2)).exchanging == 0


def test_parts_of_every_token_beside_the_routed_experts() -> None:
    """DeepSeek-V3 on eight ranks: one shared expert of 2,048 in three matrices, a router of 256 outputs in 16 bits."""
    model = find_model("deepseek-v3").model
    dense, sparse = model.layers
    (ffn,) = _of_ffn(model, dense, Layout(8))
    assert (ffn.layers, ffn.params) == (3, 3 * 7168 * 18432 / 8)
    assert (ffn.inputs, ffn.outputs) == (7168 + 18432 / 8, 2 * 18432 / 8 + 7168)
    shared, router = _of_ffn(model, sparse, Layout(8))
    assert (shared.layers, shared.params) == (58, 3 * 7168 * 2048 / 8)
    assert (shared.inputs, shared.outputs) == (7168 + 2048 / 8, 2 * 2048 / 8 + 7168)
    assert (router.format, router.params, router.inputs, router.outputs) == ("bf16", 7168 * 256, 7168, 256)
