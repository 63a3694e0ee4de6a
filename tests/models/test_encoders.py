"""Encoders and embedders whose own keys change their parts, to the last parameter."""

from typing import Any

import pytest

from infercost.errors import Missing
from infercost.models import counting
from infercost.models.families.table import read_model

BASE: dict[str, Any] = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12}
ATTENTION = 4 * 768 * 768
NORMS = 2 * 2 * 768


def read(**config: Any) -> Any:
    return read_model(config, "m", "model test")


def test_jina_s_bert_has_gates_and_no_positions() -> None:
    """137M in jinaai/jina-embeddings-v2-base-en: a pair of matrices without biases in, one with a bias out."""
    jina = read(
        model_type="bert", architectures=["JinaBertModel"], feed_forward_type="geglu", position_embedding_type="alibi",
        intermediate_size=3072, vocab_size=30528, type_vocab_size=2, max_position_embeddings=8192, **BASE,
    )  # fmt: skip
    layer = ATTENTION + 4 * 768 + 3 * 768 * 3072 + 768 + NORMS
    by_hand = (30528 + 2) * 768 + 2 * 768 + 12 * layer + 768 * 768 + 768
    assert counting.total_params(jina) == by_hand == 137_368_320


def test_nomic_embed_v2_has_experts_in_every_second_layer() -> None:
    """475M, 305M of them for a token, in the card of nomic-ai/nomic-embed-text-v2-moe."""
    nomic = read(
        model_type="nomic_bert", architectures=["NomicBertModel"], n_embd=768, n_layer=12, n_head=12, n_inner=3072,
        vocab_size=250048, n_positions=2048, type_vocab_size=1, activation_function="gelu", qkv_proj_bias=True,
        mlp_fc1_bias=True, mlp_fc2_bias=True, rotary_emb_fraction=1.0, num_experts=8, moe_top_k=2,
        moe_every_n_layers=2, num_shared_experts=0,
    )  # fmt: skip
    pair = 2 * 768 * 3072
    dense, sparse = pair + 3072 + 768, 8 * pair + 8 * 768 + 768
    by_hand = (250048 + 1) * 768 + 2 * 768 + 12 * (ATTENTION + 4 * 768 + NORMS) + 6 * (dense + sparse)
    assert counting.total_params(nomic) == by_hand == 475_292_928
    assert counting.active_params(nomic) + 250049 * 768 == by_hand - 6 * 6 * pair == pytest.approx(305e6, rel=2e-3)
    assert [layer.ffn.experts for layer in nomic.layers] == [0, 8]


def test_experts_that_a_family_is_not_known_with_are_not_passed_over() -> None:
    with pytest.raises(Missing, match="has 8 experts, and bert is known without any"):
        read(model_type="bert", intermediate_size=3072, vocab_size=30528, num_experts=8, moe_top_k=2, **BASE)


MISTRAL: dict[str, Any] = {
    "model_type": "mistral", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 32000, "max_position_embeddings": 32768,
}  # fmt: skip


def test_a_decoder_s_class_without_a_task_has_no_head() -> None:
    """7,110,660,096 in the files of intfloat/e5-mistral-7b-instruct, whose class is MistralModel."""
    layer = 2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336 + 2 * 4096
    without = 32000 * 4096 + 32 * layer + 4096
    e5 = read(**MISTRAL, architectures=["MistralModel"])
    assert counting.total_params(e5) == without == 7_110_660_096
    assert e5.prefill_only
    mistral = read(**MISTRAL, architectures=["MistralForCausalLM"])
    assert counting.total_params(mistral) == without + 32000 * 4096
    assert not mistral.prefill_only


@pytest.mark.parametrize("name", ["MistralBidirectionalModel", "LlavaModel"])
def test_a_class_of_another_name_says_nothing_of_a_head(name: str) -> None:
    assert not read(**MISTRAL, architectures=[name]).prefill_only
