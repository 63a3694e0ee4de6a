"""Families of newer classes, wrappers and spellings, each to the last parameter of a small model."""

import json
from pathlib import Path
from typing import Any

import pytest

from infercost.errors import BadFile, Missing
from infercost.models import counting
from infercost.models.families.table import read_model
from infercost.models.find import find_model
from tests.conftest import Run, in_yaml
from tests.models.test_config import LLAMA

SHAPES = {case["id"]: case for case in in_yaml("tests/data/family_shapes.yaml")}


def read(**config: Any) -> Any:
    return read_model(config, "m", "model test")


@pytest.mark.parametrize("case", SHAPES.values(), ids=SHAPES)
def test_parameters_to_the_last_one(case: dict[str, Any]) -> None:
    assert counting.total_params(read(**case["config"])) == case["total"]


#: The last layer sees all, with 2 KV heads of 64 in 16 bits.
AFMOE: dict[str, Any] = {
    "model_type": "afmoe", "hidden_size": 256, "head_dim": 64, "num_attention_heads": 8, "num_key_value_heads": 2,
    "num_hidden_layers": 4, "num_dense_layers": 1, "intermediate_size": 512, "moe_intermediate_size": 128,
    "num_experts": 8, "num_experts_per_tok": 2, "num_shared_experts": 1, "sliding_window": 256,
    "global_attn_every_n_layers": 4, "vocab_size": 1000, "max_position_embeddings": 8192,
    "tie_word_embeddings": False,
}  # fmt: skip


def test_gates_windows_and_experts_of_afmoe_by_hand() -> None:
    attention = 3 * 256 * 512 + 2 * 256 * 128 + 2 * 64
    sparse = 9 * 3 * 256 * 128 + 256 * 8 + 8
    by_hand = 2 * 1000 * 256 + 256 + 4 * (attention + 4 * 256) + 3 * 256 * 512 + 3 * sparse
    model = read(**AFMOE)
    assert counting.total_params(model) == by_hand == 5_405_464
    assert counting.growing_cache_bytes(model) == 2 * 2 * 64 * 2
    assert read(**AFMOE, layer_types=["sliding_attention"] * 3 + ["full_attention"]) == model


def test_trinity_mini_is_as_large_as_its_tensors() -> None:
    """26.124B in the safetensors of arcee-ai/Trinity-Mini, in llmfit's catalogue of hub files."""
    mini = read(
        model_type="afmoe", hidden_size=2048, head_dim=128, num_attention_heads=32, num_key_value_heads=4,
        num_hidden_layers=32, num_dense_layers=2, intermediate_size=6144, moe_intermediate_size=1024,
        num_experts=128, num_experts_per_tok=8, num_shared_experts=1, sliding_window=2048, vocab_size=200192,
        max_position_embeddings=131072, tie_word_embeddings=False,
    )  # fmt: skip
    assert counting.total_params(mini) == pytest.approx(26.124e9, rel=1e-4)


def test_muse_glimmer_s_cache_is_the_published_one() -> None:
    """7,072 bytes a token at q8_0 (8.5 bits) in the pull request that adds it to llama.cpp: 13 of 52 layers see all."""
    glimmer = read(
        model_type="muse_glimmer_text", hidden_size=6656, intermediate_size=19968, num_hidden_layers=52,
        num_attention_heads=32, vocab_size=202048, max_position_embeddings=131072,
    )  # fmt: skip
    assert counting.growing_cache_bytes(glimmer._replace(kv_bits=8.5)) == 7072


def test_chatglm3_is_as_large_as_its_tensors() -> None:
    """6,243,584,000 parameters in zai-org/chatglm3-6b."""
    glm = read(
        model_type="chatglm", hidden_size=4096, ffn_hidden_size=13696, num_layers=28, num_attention_heads=32,
        kv_channels=128, multi_query_attention=True, multi_query_group_num=2, padded_vocab_size=65024,
        add_qkv_bias=True, add_bias_linear=False, seq_length=8192,
    )  # fmt: skip
    assert counting.total_params(glm) == 6_243_584_000


def test_ling_lite_and_its_lightning_sister() -> None:
    """16.26B in the card of Ling-mini-2.0; 107.49B in the tensors of Ling-2.6-flash, its prediction layer counted."""
    mini = read(
        model_type="bailing_moe_v2", hidden_size=2048, intermediate_size=5120, num_hidden_layers=20,
        num_attention_heads=16, num_key_value_heads=4, head_dim=128, num_experts=256, num_experts_per_tok=8,
        num_shared_experts=1, moe_intermediate_size=512, first_k_dense_replace=1, use_qk_norm=True,
        moe_router_enable_expert_bias=True, vocab_size=157184, max_position_embeddings=32768,
    )  # fmt: skip
    assert counting.total_params(mini) == pytest.approx(16.26e9, rel=0.005)
    flash = read(
        model_type="bailing_hybrid", hidden_size=4096, intermediate_size=9216, num_hidden_layers=32,
        num_attention_heads=32, head_dim=128, num_experts=256, num_experts_per_tok=8, num_shared_experts=1,
        moe_intermediate_size=1024, first_k_dense_replace=1, q_lora_rank=1536, layer_group_size=8, group_norm_size=4,
        use_qk_norm=True, vocab_size=157184, num_nextn_predict_layers=1, max_position_embeddings=131072,
    )  # fmt: skip
    assert counting.total_params(flash) + flash.mtp_params == pytest.approx(107.494e9, rel=0.01)
    assert sum(layer.times for layer in flash.layers if layer.attention.state) == 28


@pytest.mark.parametrize(
    "words", [["deepseek_sparse_attention"] * 4, ["indexed_attention"] * 4, ["full_attention"] * 4, None]
)
def test_a_newer_word_for_a_layer_is_read(words: list[str] | None) -> None:
    """Latent attention behind an indexer on every second layer, by hand."""
    config = {
        "model_type": "glm_moe_dsa", "hidden_size": 512, "num_hidden_layers": 4, "num_attention_heads": 8,
        "num_key_value_heads": 8, "first_k_dense_replace": 1, "intermediate_size": 1024, "moe_intermediate_size": 256,
        "n_routed_experts": 8, "n_shared_experts": 1, "num_experts_per_tok": 2, "kv_lora_rank": 512,
        "q_lora_rank": 256, "qk_nope_head_dim": 192, "qk_rope_head_dim": 64, "v_head_dim": 256, "index_head_dim": 128,
        "index_n_heads": 8, "index_topk": 2048, "indexer_types": ["full", "shared", "full", "shared"],
        "vocab_size": 1024, "max_position_embeddings": 32768, "num_nextn_predict_layers": 0,
    }  # fmt: skip
    latent = 512 * 256 + 256 * 8 * 256 + 512 * 576 + 512 * 8 * (192 + 256) + 8 * 256 * 512 + 256 + 512
    indexer = 256 * 8 * 128 + 512 * 128 + 512 * 8 + 2 * 128
    sparse = 9 * 3 * 512 * 256 + 512 * 8 + 8
    by_hand = 2 * 1024 * 512 + 512 + 4 * (latent + 1024) + 2 * indexer + 3 * 512 * 1024 + 3 * sparse
    model = read(**config, **({"layer_types": words} if words else {}))
    assert counting.total_params(model) == by_hand == 29_257_752


def test_minimax_m3_in_the_spelling_of_its_wrapper_and_of_newer_files() -> None:
    """An indexer of 4 heads of 128 on two layers of three, by hand."""
    text: dict[str, Any] = {
        "hidden_size": 512, "num_hidden_layers": 3, "num_attention_heads": 8, "num_key_value_heads": 4,
        "head_dim": 128, "intermediate_size": 256, "dense_intermediate_size": 1024, "num_local_experts": 8,
        "num_experts_per_tok": 2, "n_shared_experts": 1, "vocab_size": 1000, "max_position_embeddings": 8192,
        "tie_word_embeddings": False,
    }  # fmt: skip
    attention = 2 * 512 * 1024 + 2 * 512 * 512 + 2 * 128
    indexer, sparse = 512 * 128 * 5 + 2 * 128, 9 * 3 * 512 * 256 + 512 * 8 + 8
    by_hand = 2 * 1000 * 512 + 512 + 3 * (attention + 2 * 512) + 2 * (indexer + sparse) + 3 * 512 * 1024
    words = ["full_attention", "minimax_m3_sparse", "minimax_m3_sparse"]
    newer = {**text, "layer_types": words, "mlp_layer_types": ["dense", "sparse", "sparse"]}
    section = {
        "use_sparse_attention": True, "sparse_attention_freq": [0, 1, 1], "sparse_num_index_heads": 4,
        "sparse_index_dim": 128, "sparse_topk_blocks": 16, "sparse_block_size": 128,
    }  # fmt: skip
    older = {**text, "moe_layer_freq": [0, 1, 1], "sparse_attention_config": section}
    models = [read(model_type="minimax_m3_vl", text_config=inside) for inside in (newer, older)]
    assert models[0] == models[1]
    assert counting.total_params(models[0]) == by_hand == 15_061_776
    assert {layer.attention.attended for layer in models[0].layers} == {0, 2048}


def test_a_word_that_says_nothing_is_still_refused() -> None:
    with pytest.raises(BadFile, match="layer_types holds 'fancy_attention'"):
        read(**{**LLAMA, "layer_types": ["fancy_attention"] * LLAMA["num_hidden_layers"]})


@pytest.mark.parametrize(
    "inside",
    [
        {"model_type": "llama_text"},
        {"model_type": "llama_language_model"},
        {"model_type": "my_llama", "architectures": ["LlamaForCausalLM"]},
        {"model_type": "", "architectures": ["LlamaModel"]},
    ],
)
@pytest.mark.parametrize("place", ["text_config", "llm_config", "language_config", "lm_config", "llm"])
def test_a_wrapper_is_what_is_inside(inside: dict[str, Any], place: str) -> None:
    inner = {**LLAMA, **inside}
    model = read(model_type="some_vl_chat", architectures=["SomeVLChatModel"], **{place: inner})
    assert counting.total_params(model) == counting.total_params(read(**LLAMA))


def test_a_wrapper_of_a_stranger_is_a_stranger() -> None:
    with pytest.raises(Missing, match="the model family 'plainly_new' is not known"):
        read(model_type="qwen3_vl", text_config={**LLAMA, "model_type": "plainly_new"})


def test_what_newer_files_say_layer_by_layer() -> None:
    wide = read(**LLAMA, per_layer_config={"00": {"intermediate_size": LLAMA["intermediate_size"] + 1}})
    assert counting.total_params(wide) - counting.total_params(read(**LLAMA)) == 3 * LLAMA["hidden_size"]


ENCODER: dict[str, Any] = {
    "model_type": "xlm-roberta", "architectures": ["XLMRobertaForSequenceClassification"], "hidden_size": 64,
    "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 256, "vocab_size": 1000,
    "max_position_embeddings": 514, "type_vocab_size": 1, "torch_dtype": "float32",
}  # fmt: skip


def test_an_encoder_by_hand() -> None:
    layer = 4 * (64 * 64 + 64) + 2 * 64 * 256 + 256 + 64 + 4 * 64
    head = 64 * 64 + 64 + 64 + 1
    by_hand = (1000 + 514 + 1) * 64 + 2 * 64 + 2 * layer + head
    model = read(**ENCODER)
    assert counting.total_params(model) == by_hand == 201_281
    assert counting.active_params(model) == by_hand - (1000 + 514 + 1) * 64
    assert counting.growing_cache_bytes(model) == 0
    # every token of a prompt sees all 10: twice the pairs of a causal model
    assert sum(each.times * each.attention.prefill_flops for each in model.layers) == 2 * 2 * 4 * 64


def test_bge_reranker_is_as_large_as_its_card_says() -> None:
    """567.75M: BAAI/bge-reranker-v2-m3."""
    large = {
        "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096,
        "vocab_size": 250002, "max_position_embeddings": 8194, "id2label": {"0": "LABEL_0"},
    }  # fmt: skip
    assert counting.total_params(read(**{**ENCODER, **large})) == pytest.approx(567.755e6, rel=1e-5)


def test_an_encoder_fits_and_decodes_nothing(tmp_path: Any, run: Run) -> None:
    import json

    path = tmp_path / "config.json"
    path.write_text(json.dumps(ENCODER))
    found = run("fit", "--gpu", "l4", "--model", str(path), "--json").json["results"]
    assert (found["fits"], found["kv_bytes_per_token"], found["total_params"]) == (True, None, 201_281)
    for command in ("userbase", "economies", "frontier", "sweep-batch"):
        said = run(command, "--gpu", "l4", "--model", str(path))
        assert (said.code, said.out) == (2, "")
        assert "reads whole texts and decodes no tokens" in " ".join(said.err.split())


INKLING: dict[str, Any] = {
    "model_type": "inkling_text", "hidden_size": 256, "num_hidden_layers": 6, "num_attention_heads": 8,
    "num_key_value_heads": 2, "head_dim": 32, "swa_num_attention_heads": 4, "swa_num_key_value_heads": 4,
    "swa_head_dim": 32, "d_rel": 16, "rel_extent": 1024, "sliding_window_size": 128, "sconv_kernel_size": 4,
    "dense_mlp_idx": 1, "dense_intermediate_size": 512, "intermediate_size": 64, "n_routed_experts": 8,
    "n_shared_experts": 2, "num_experts_per_tok": 2, "vocab_size": 1000, "max_position_embeddings": 8192,
}  # fmt: skip


def test_inkling_by_hand() -> None:
    """One layer of six sees all; keys, values and both outputs pass short convolutions of four."""
    kept = 2 * 64 + 2 * 256
    sees = 2 * 256 * 256 + 2 * 256 * 64 + 256 * 8 * 16 + 16 * 1024 + 4 * kept + 2 * 32
    near = 2 * 256 * 128 + 2 * 256 * 128 + 256 * 4 * 16 + 16 * 128 + 4 * (2 * 128 + 2 * 256) + 2 * 32
    dense, sparse = 3 * 256 * 512 + 1, 10 * 3 * 256 * 64 + 10 * 256 + 8 + 1
    by_hand = 2 * 1000 * 256 + 2 * 256 + sees + 5 * near + 6 * 2 * 256 + dense + 5 * sparse
    model = read(model_type="inkling_mm_model", text_config=INKLING)
    assert counting.total_params(model) == by_hand == 4_358_062
    assert counting.growing_cache_bytes(model) == 2 * 64 * 2
    assert {(each.times, each.attention.window) for each in model.layers} == {(1, 128), (4, 128), (1, 0)}


def test_dots3_note_by_hand() -> None:
    """Two layers of latents of 512 behind indexers, then windows with latents of 1,024, all with a gate a head."""
    config: dict[str, Any] = {
        "model_type": "dots3_note", "hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 8,
        "num_key_value_heads": 8, "q_lora_rank": 128, "kv_lora_rank": 512, "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64, "v_head_dim": 128, "index_n_heads": 4, "index_head_dim": 128,
        "swa_num_attention_heads": 4, "swa_q_lora_rank": 64, "swa_kv_lora_rank": 1024, "swa_head_dim": 256,
        "swa_qk_nope_head_dim": 192, "swa_v_head_dim": 128, "intermediate_size": 512, "moe_intermediate_size": 64,
        "n_routed_experts": 8, "n_shared_experts": 1, "num_experts_per_tok": 2, "first_k_dense_replace": 1,
        "vocab_size": 1000, "max_position_embeddings": 8192,
    }  # fmt: skip
    full = 256 * 128 + 128 + 128 * 8 * 192 + 256 * 576 + 512 + 512 * 8 * 256 + 8 * 128 * 256 + 64 + 256 * 8
    indexer = 128 * 4 * 128 + 256 * 128 + 256 * 4 + 2 * 128
    near = 256 * 64 + 64 + 64 * 4 * 256 + 256 * 1088 + 1024 + 1024 * 4 * 320 + 4 * 128 * 256 + 64 + 256 * 4
    sparse = 9 * 3 * 256 * 64 + 256 * 8 + 8
    by_hand = 2 * 1000 * 256 + 256 + 2 * (full + indexer) + 2 * near + 4 * 2 * 256 + 3 * 256 * 512 + 3 * sparse
    model = read(**config)
    assert counting.total_params(model) == by_hand
    assert sum(each.times for each in model.layers if each.attention.window == 512) == 2


#: Two windows, a past of pairs that layer 2 keeps and 3 reads, one of single tokens that 4 keeps and 5 reads.
V41: dict[str, Any] = {
    "model_type": "deepseek_v41_text", "hidden_size": 256, "num_hidden_layers": 6, "num_attention_heads": 4,
    "num_key_value_heads": 1, "head_dim": 64, "q_lora_rank": 32, "o_lora_rank": 16, "o_groups": 2,
    "sliding_window": 128, "compress_ratios": [0, 0, 2, 2, 1, 1, 0], "kv_source_layer_ids": [2, 4],
    "index_source_layer_ids": [2, 4, 5], "index_n_heads": 2, "index_head_dim": 32, "index_topk": 512, "hc_mult": 4,
    "engram_layer_ids": [1], "engram_num_embeddings": [5003], "engram_head_dim": 8, "engram_n_heads": 2,
    "engram_max_ngram_size": 3, "n_routed_experts": 8, "n_shared_experts": 1, "num_experts_per_tok": 2,
    "moe_intermediate_size": 64, "num_nextn_predict_layers": 1, "dspark_block_size": 5, "dspark_n_routed_experts": 4,
    "dspark_markov_rank": 16, "dspark_target_layer_ids": [3, 4, 5], "vocab_size": 1000,
    "max_position_embeddings": 65536, "tie_word_embeddings": False,
}  # fmt: skip


def test_deepseek_v41_by_hand() -> None:
    heads = 256 * 32 + 32 * 4 * 64 + 256 * 64 + 4 * 64 * 16 + 2 * 16 * 256 + 32 + 64 + 4
    streams, norms = 2 * (24 * 4 * 256 + 24 + 3), 2 * 256
    expert = 3 * 256 * 64
    layer = heads + streams + norms + 9 * expert + 8 * (256 + 2)
    queries, keys = 32 * 2 * 32 + 256 * 2, 32 * 64 + 32
    past = 3 * queries + 2 * keys + (2 * 256 * 64 + 64) + (256 * 64 + 64)
    engram = 5003 * 8 + 2 * 2 * 8 * 256 * 5 + 2 * 4 * 256
    model = read(**V41)
    assert counting.total_params(model) == 2 * 1000 * 256 + 256 + 6 * layer + past + engram
    draft = heads + streams + norms + 5 * expert + 4 * (256 + 2)
    ways = 3 * 256 * 256 + 256 + 256 + 2 * 1000 * 16 + 256 + 16
    assert model.mtp_params == draft + ways
    assert not model.mtp


def test_a_past_is_kept_once_and_read_by_every_layer_of_deepseek_v41() -> None:
    """At 4,096 tokens in 16 bits: six windows of 128, and 2,048 and 4,096 entries of 64 and of index keys in 17 B."""
    model = read(**V41)
    assert counting.growing_cache_bytes(model) == (64 * 2 + 17) / 2 + (64 * 2 + 17)
    assert counting.cache_bytes(model, 4096) == 6 * 128 * 64 * 2 + (2048 + 4096) * (64 * 2 + 17)
    read_bytes = (2 * 128 + 4 * (128 + 512)) * 64 * 2 + (2048 + 4096) * 17
    assert sum(each.times * counting.layer_cache_bytes_read(model, each.attention, 4096) for each in model.layers) == (
        read_bytes
    )
    scores = 4 * 4 * 64 * (2 * 128 + 4 * (128 + 512)) + (2048 + 4096) * 2 * 2 * 32
    assert counting.decode_attention_flops(model, 4096) == scores


def test_deepseek_v41_flash_keeps_the_bytes_a_token_of_its_card() -> None:
    """890 in FP4: entries of 512 with a scale for 16, index keys of 128 with one for 32; three layers in pairs."""
    model = find_model("deepseek-ai/DeepSeek-V4.1-Flash").model
    assert counting.growing_cache_bytes(model._replace(kv_bits=4 + 8 / 16)) == 890


def test_tables_of_n_grams_are_in_eight_bits_beside_an_input_table_in_sixteen() -> None:
    """DeepSeek-V4.1-Flash: 196,613,849,600 with a scale for 32, and 661,913,600."""
    model = find_model("deepseek-v4.1-flash").model
    held = 8 * counting.params_by_part(model)["embedding"]
    by_hand = 8 * (196_613_849_600 * 8.25 + 661_913_600 * 16)
    assert held * model.quantization.of("embedding") == pytest.approx(by_hand)
    assert read(**V41).quantization.of("embedding") == 16


def test_a_stack_that_runs_twice_multiplies_twice_and_keeps_two_caches() -> None:
    """Nanbeige: three layers, six times a cache of 2 KV heads of 64."""
    shape: dict[str, Any] = {
        "hidden_size": 256, "num_hidden_layers": 3, "num_attention_heads": 8, "num_key_value_heads": 2,
        "head_dim": 64, "intermediate_size": 512, "vocab_size": 1000, "max_position_embeddings": 8192,
        "tie_word_embeddings": False,
    }  # fmt: skip
    once, twice = read(model_type="llama", **shape), read(model_type="nanbeige", num_loops=2, **shape)
    layer = 2 * 256 * 512 + 2 * 256 * 128 + 3 * 256 * 512
    assert counting.total_params(twice) == counting.total_params(once) == 2 * 256_000 + 3 * (layer + 512) + 256
    assert counting.active_params(twice) - counting.active_params(once) == 3 * layer
    assert counting.growing_cache_bytes(twice) == 2 * counting.growing_cache_bytes(once) == 6 * 2 * 2 * 64 * 2


def test_values_by_experts_are_refused_with_what_is_missing() -> None:
    with pytest.raises(Missing, match="its values come from 4 experts"):
        read(**{**LLAMA, "model_type": "k2_horizon", "mova_num_experts": 4})


def test_tables_of_n_grams_are_looked_up_and_never_multiply() -> None:
    """16 heads of 1,000 rows of 16 on one layer of Qwen4-Exp."""
    shape: dict[str, Any] = {
        "model_type": "qwen4_exp_text", "hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 64, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
        "num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 64, "vocab_size": 1000,
        "shared_expert_intermediate_size": 64, "max_position_embeddings": 8192, "ngram_vocab_size_base": 1000,
    }  # fmt: skip
    plain, tables = read(**shape), read(**shape, ple_layer_ids=[2], ple_embed_dim=256)
    projections = 256 * 4 * 256 + 256 * 256
    vectors = 3 * 4 * 256 + 4 * 256 * 4
    more = counting.total_params(tables) - counting.total_params(plain)
    assert more == 16 * 1000 * 16 + projections + vectors
    assert counting.active_params(tables) - counting.active_params(plain) == projections + vectors


def test_step3_is_as_large_as_published() -> None:
    """321B with its tower of 5B, 38B active (its model card); the class defaults of vLLM's step3_vl.py are its own."""
    dims = {"hidden_size": 7168, "intermediate_size": 18432, "num_attention_heads": 64, "num_hidden_layers": 61}
    step3 = read(model_type="step3_text", vocab_size=128815, moe_intermediate_size=5120, max_seq_len=65536, **dims)
    attention = 7168 * (2048 + 2 * 256) + 2048 + 2048 * 64 * 256 + 64 * 256 * 7168 + 2 * 7168
    experts = 49 * 3 * 7168 * 5120 + 48 * 7168
    by_hand = 2 * 128815 * 7168 + 7168 + 61 * attention + 5 * 3 * 7168 * 18432 + 56 * experts
    assert counting.total_params(step3) == by_hand == pytest.approx(316e9, rel=0.002)
    assert counting.active_params(step3) == pytest.approx(38e9, rel=0.05)
    assert counting.growing_cache_bytes(step3) == 61 * 2 * 256 * 2


def test_families_that_engines_alone_have() -> None:
    """vLLM 0.33: PLaMo 3 has four norms and norms of heads, Orion norms with biases, TeleChat biases on the way out."""
    dims = {"hidden_size": 64, "intermediate_size": 160, "num_attention_heads": 4, "num_hidden_layers": 8}
    dims |= {"vocab_size": 100, "max_position_embeddings": 4096, "num_key_value_heads": 2}
    plain = 2 * 100 * 64 + 64 + 8 * (2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 160 + 2 * 64)
    plamo = read(model_type="plamo3", head_dim=16, tie_word_embeddings=False, sliding_window_pattern=4, **dims)
    assert counting.total_params(plamo) == plain + 8 * (2 * 64 + 2 * 16)
    assert [layer.times for layer in plamo.layers] == [6, 2]
    assert counting.total_params(read(model_type="orion", **dims)) == plain + 64 + 8 * 2 * 64
    assert counting.total_params(read(model_type="telechat2", **dims)) == plain + 8 * 2 * 64


@pytest.mark.parametrize(
    ("published", "within", "config"),
    [
        # 480B, 17B active in the model card of Snowflake/snowflake-arctic-instruct
        (480e9, 0.005, {"model_type": "arctic", "hidden_size": 7168, "intermediate_size": 4864, "num_hidden_layers": 35,
                        "num_attention_heads": 56, "num_key_value_heads": 8, "num_local_experts": 128,
                        "num_experts_per_tok": 2, "moe_layer_frequency": 1, "use_residual": True, "vocab_size": 32000,
                        "max_position_embeddings": 4096, "tie_word_embeddings": False}),
        # 314B in xai-org/grok-1
        (314e9, 0.006, {"model_type": "grok-1", "hidden_size": 6144, "intermediate_size": 32768, "vocab_size": 131072,
                        "num_hidden_layers": 64, "num_attention_heads": 48, "num_key_value_heads": 8, "num_experts": 8,
                        "num_experts_per_tok": 2, "max_position_embeddings": 8192}),
        # 7,721,324,544 tensors in Qwen/Qwen-7B
        (7.721e9, 1e-3, {"model_type": "qwen", "hidden_size": 4096, "intermediate_size": 22016, "vocab_size": 151936,
                         "num_hidden_layers": 32, "num_attention_heads": 32, "seq_length": 8192,
                         "tie_word_embeddings": False}),
    ],
)  # fmt: skip
def test_older_families_are_as_large_as_published(published: float, within: float, config: dict[str, Any]) -> None:
    assert counting.total_params(read(**config)) == pytest.approx(published, rel=within)


def test_encoder_decoders_are_counted_whole_and_cached_by_the_token(tmp_path: Path, run: Run) -> None:
    """openai/whisper-large-v3 has 1,543,490,560 parameters; its decoder keeps 1,500 positions of a sound a layer."""
    config = SHAPES["whisper-large-v3"]["config"]
    model = read(**config)
    assert counting.growing_cache_bytes(model) == 32 * 2 * 1280 * 2
    assert counting.cache_bytes(model, 448) == 32 * 2 * 1280 * 2 * (448 + 1500)
    assert model.max_context == 448
    assert counting.growing_cache_bytes(read(**SHAPES["t5"]["config"])) == 6 * 2 * 512 * 2
    (tmp_path / "config.json").write_text(json.dumps(config))
    held = run("fit", "--model", str(tmp_path / "config.json"), "--gpu", "l4", "--context", "448", "--json").json
    assert held["results"]["total_params"] == 1_543_490_560
    said = run("utilization", "--model", str(tmp_path / "config.json"), "--gpu", "l4")
    assert said.code == 2
    assert "encoder" in said.err
    assert "infercost fit" in said.err


def test_deepseek_ocr_s_own_file() -> None:
    """Attention of Llama in a class of latents, SAM and CLIP by their names alone.

    transformers 5.24.0 builds 3,335,504,128 parameters of the same sizes (its class of Unlimited OCR).
    """
    text = {
        "architectures": ["DeepseekV2ForCausalLM"], "first_k_dense_replace": 1, "hidden_size": 1280,
        "intermediate_size": 6848, "kv_lora_rank": None, "max_position_embeddings": 8192, "moe_intermediate_size": 896,
        "n_routed_experts": 64, "n_shared_experts": 2, "num_attention_heads": 10, "num_experts_per_tok": 6,
        "num_hidden_layers": 12, "num_key_value_heads": 10, "q_lora_rank": None, "qk_nope_head_dim": 0,
        "qk_rope_head_dim": 0, "use_mla": False, "v_head_dim": 0, "vocab_size": 129280,
    }  # fmt: skip
    vision = {"image_size": 1024, "mlp_ratio": 3.7362, "model_name": "deeplip_b_l", "model_type": "vision"}
    ocr = read(model_type="deepseek_vl_v2", language_config=text, vision_config=vision)
    assert counting.total_params(ocr) + ocr.vision_params == 3_335_504_128
    assert counting.growing_cache_bytes(ocr) == 12 * 2 * 1280 * 2
    assert ocr.vision_known


def test_ernie_vl_has_experts_for_text_and_for_images() -> None:
    """28B and 3B active by the name of ERNIE-4.5-VL-28B-A3B; keys with two values are of text and of images."""
    vl = read(
        model_type="ernie4_5_moe_vl", hidden_size=2560, intermediate_size=12288, num_hidden_layers=28,
        num_attention_heads=20, num_key_value_heads=4, vocab_size=103424, moe_num_experts=[64, 64],
        moe_intermediate_size=[1536, 512], moe_k=6, moe_layer_start_index=[1, 1], moe_layer_end_index=[29, 28],
        moe_layer_interval=1, moe_num_shared_experts=2, max_position_embeddings=131072,
        vision_config={
            "depth": 32, "embed_dim": 1280, "hidden_size": 1280, "mlp_ratio": 4, "num_heads": 16, "patch_size": 14,
            "model_type": "DFNRope_vision_transformer", "spatial_merge_size": 2,
        },
    )  # fmt: skip
    images = 27 * 64 * (3 * 2560 * 512 + 2560 + 1)
    assert vl.lookup == images
    # transformers 5.24.0 builds 29,399,294,336 of it, the biases of both routers among them
    assert counting.total_params(vl) + vl.vision_params == 29_399_294_336
    assert counting.active_params(vl) == pytest.approx(3.35e9, rel=0.01)


def test_plamo_2_by_hand() -> None:
    """The config of pfnet/plamo-2-1b; vLLM's plamo2.py at 002fb907: every second layer attends, four norms a layer."""
    plamo = read(
        model_type="plamo2", hidden_size=2048, hidden_size_per_head=128, intermediate_size=8192, mamba_d_conv=4,
        mamba_d_state=64, mamba_num_heads=32, mamba_step=2, num_attention_heads=16, num_hidden_layers=16,
        num_key_value_heads=1, vocab_size=100000, max_position_embeddings=10485760,
    )  # fmt: skip
    inner, rank = 32 * 128, 128
    mamba = 3 * 2048 * inner + inner * (rank + 128) + rank * 32 + 4 * inner + 3 * 32 + rank + 2 * 64
    attends = 2 * 2048 * 2048 + 2 * 2048 * 128 + 17 * 128
    layers = 8 * mamba + 8 * attends + 16 * (3 * 2048 * 8192 + 4 * 2048)
    assert counting.total_params(plamo) == 100000 * 2048 + 2048 + layers
    assert counting.growing_cache_bytes(plamo) == 8 * 2 * 128 * 2
    assert sum(layer.times * layer.attention.state for layer in plamo.layers) == 8 * inner * 64


def test_minicpm_v_is_what_its_version_says() -> None:
    """SigLIP-400M and Qwen2-7B, 8B in all by its name and card; queries, keys and values of the text width."""
    dims = {"hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28}
    dims |= {"num_key_value_heads": 4, "vocab_size": 151666, "max_position_embeddings": 32768}
    vision = {
        "hidden_size": 1152, "image_size": 980, "intermediate_size": 4304, "model_type": "siglip",
        "num_attention_heads": 16, "num_hidden_layers": 27, "patch_size": 14,
    }  # fmt: skip
    both = {"query_num": 64, "vision_config": vision, "tie_word_embeddings": False}
    model = read(model_type="minicpmv", version=2.6, **dims, **both)
    assert counting.total_params(model) == counting.total_params(read(model_type="qwen2", **dims))
    attends = 1152 * 3584 + 4 * 3584 * 3585 + 6 * 3584 + 3584 * 3584 + 64 * 3584
    siglip = 3 * 196 * 1152 + 1152 + 4900 * 1152 + 2 * 1152
    siglip += 27 * (4 * 1152 * 1153 + 2 * 1152 * 4304 + 4304 + 1152 + 4 * 1152)
    assert model.vision_params == siglip + attends
    assert counting.total_params(model) + model.vision_params == pytest.approx(8.1e9, rel=0.01)
    with pytest.raises(Missing, match="'minicpmv' is not known"):
        read(model_type="minicpmv", version=9.9, **dims)


@pytest.mark.parametrize("key", ["img_processor", "visual", "visual_tokenizer_config", "vit_config"])
def test_a_tower_of_images_under_a_key_of_its_own_is_said_not_to_be_known(key: str) -> None:
    assert not read(**{**LLAMA, key: {"width": 1664, "layers": 48}}).vision_known
    assert read(**{**LLAMA, key: None}).vision_known
