"""The table of families: the documents' worked example is a row that works."""

import re
from typing import Any

import pytest

from infercost.models import counting
from infercost.models.families import table
from infercost.models.families.table import ALIASES, FAMILIES, read_model
from tests.conftest import ROOT, in_yaml
from tests.models.test_config import LLAMA


def test_the_worked_example_is_a_row_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    row = re.search(r'^"smol3": (family.*),$', (ROOT / "docs/models.md").read_text(), re.MULTILINE)
    assert row
    namespace: dict[str, Any] = vars(table)
    monkeypatch.setitem(FAMILIES, "smol3", eval(row[1], dict(namespace)))
    model = read_model({**LLAMA, "model_type": "smol3"}, "smol3", "model smol3")
    llama = read_model(LLAMA, "llama", "model llama")
    assert counting.total_params(model) - counting.total_params(llama) == 32 * 2 * 128
    assert {(layer.attention.window, layer.times) for layer in model.layers} == {(4096, 24), (0, 8)}


def test_aliases_lead_to_rows() -> None:
    assert set(ALIASES.values()) <= set(FAMILIES)
    assert not set(ALIASES) & set(FAMILIES)


#: Defaults of configuration classes of huggingface/transformers at 008e5743 (deepseek_v3, ernie4_5_moe at 001f85b3,
#: gpt_oss at 02b8f42b), src/transformers/models: keys that a config.json may leave out.
CLASS_DEFAULTS: dict[str, dict[str, Any]] = {
    "mixtral": {"num_key_value_heads": 8, "num_local_experts": 8, "num_experts_per_tok": 2},
    "olmoe": {"num_experts": 64, "num_experts_per_tok": 8},
    "qwen2_moe": {
        "num_experts": 60, "num_experts_per_tok": 4, "moe_intermediate_size": 1408, "num_key_value_heads": 16,
        "shared_expert_intermediate_size": 5632, "qkv_bias": True, "decoder_sparse_step": 1,
    },
    "qwen3_moe": {
        "num_experts": 128, "num_experts_per_tok": 8, "moe_intermediate_size": 768, "num_key_value_heads": 4,
        "decoder_sparse_step": 1, "use_sliding_window": False,
    },
    "gpt_oss": {
        "num_local_experts": 128, "num_experts_per_tok": 4, "head_dim": 64, "num_key_value_heads": 8,
        "sliding_window": 128, "attention_bias": True,
    },
    "deepseek_v3": {
        "n_shared_experts": 1, "n_routed_experts": 256, "kv_lora_rank": 512, "q_lora_rank": 1536,
        "qk_rope_head_dim": 64, "v_head_dim": 128, "qk_nope_head_dim": 128, "num_experts_per_tok": 8,
        "first_k_dense_replace": 3, "moe_intermediate_size": 2048,
    },
    "ernie4_5_moe": {
        "num_key_value_heads": 4, "moe_intermediate_size": 1536, "moe_k": 6, "moe_num_experts": 64,
        "moe_num_shared_experts": 2, "moe_layer_start_index": 1, "moe_layer_interval": 1, "tie_word_embeddings": True,
    },
    "qwen3_next": {
        "num_key_value_heads": 2, "head_dim": 256, "linear_conv_kernel_dim": 4, "linear_key_head_dim": 128,
        "linear_value_head_dim": 128, "linear_num_key_heads": 16, "linear_num_value_heads": 32,
        "full_attention_interval": 4, "moe_intermediate_size": 512, "shared_expert_intermediate_size": 512,
        "num_experts_per_tok": 10, "num_experts": 512, "decoder_sparse_step": 1,
    },
}  # fmt: skip
#: Keys that every config.json has.
GIVEN = {
    "hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 8, "num_attention_heads": 16,
    "vocab_size": 32_000, "max_position_embeddings": 4096,
}  # fmt: skip


@pytest.mark.parametrize("family", CLASS_DEFAULTS)
def test_keys_that_a_file_leaves_out_are_those_of_its_class(family: str) -> None:
    short = {**GIVEN, "model_type": family}
    assert read_model(short, "m", "model m") == read_model({**short, **CLASS_DEFAULTS[family]}, "m", "model m")


@pytest.mark.parametrize(("interval", "sparse"), [(1, range(1, 8)), (2, (1, 3, 5, 7)), (3, (2, 5))])
def test_experts_of_ernie_come_in_intervals(interval: int, sparse: Any) -> None:
    """Layer i has them from the first such layer on where i + 1 is a multiple."""
    config = {**GIVEN, "model_type": "ernie4_5_moe", "moe_layer_interval": interval}
    model = read_model(config, "m", "model m")
    assert tuple(i for i, kind in enumerate(model.order) if model.layers[kind].ffn.experts) == tuple(sparse)


def test_every_fifth_layer_of_gemma_3n_sees_all_unless_it_says_otherwise() -> None:
    """Four of a window, one of none: layers 5, 10 and so on of the 30 of E2B."""
    cases = in_yaml("tests/data/family_counts.yaml")
    config = next(case["config"] for case in cases if case["id"] == "gemma-3n-e2b")
    model = read_model(config, "m", "model m")
    full = [i for i, kind in enumerate(model.order) if not model.layers[kind].attention.window]
    assert full == [4, 9, 14, 19, 24, 29]
