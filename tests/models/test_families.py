"""One model of a family each, to the last parameter; what a file leaves out, and what it says by a null."""

import csv
from typing import Any

import pytest

from infercost.errors import BadFile, Missing
from infercost.models import counting
from infercost.models.families.config import parse_json
from infercost.models.families.table import read_model
from infercost.models.find import find_model, typed
from infercost.parts import catalog
from infercost.parts.files import read_mapping
from infercost.replica.layout import Layout, rank_weight_bytes
from infercost.replica.work import work_of
from tests.conftest import ROOT, in_yaml
from tests.models.test_config import read

CASES = {case["id"]: case for case in in_yaml("tests/data/family_counts.yaml")}


def model_of(name: str, **changes: Any) -> Any:
    data = {key: value for key, value in {**CASES[name]["config"], **changes}.items() if value is not ...}
    return read_model(data, name, "model test")


def windows(model: Any) -> dict[int, int]:
    """Layers by their window."""
    sizes = {layer.attention.window for layer in model.layers}
    return {size: sum(each.times for each in model.layers if each.attention.window == size) for size in sizes}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_parameters_to_the_last_one(case: dict[str, Any]) -> None:
    assert counting.total_params(model_of(case["id"])) == case["total"], case["source"]


DEEPSEEK = {
    "model_type": "deepseek_v3",
    "hidden_size": 7168,
    "intermediate_size": 18432,
    "num_hidden_layers": 61,
    "num_attention_heads": 128,
    "vocab_size": 129280,
}


def test_missing_keys_of_experts_and_latents_are_the_class_default() -> None:
    """DeepSeek-V3's class describes DeepSeek-V3, router biases included; Mixtral's class Mixtral 8x7B."""
    assert counting.total_params(read_model(DEEPSEEK, "d", "model test")) == 671_026_419_200
    mixtral = read(model_type="mixtral", vocab_size=32000, num_key_value_heads=...)
    assert counting.total_params(mixtral) == 46_702_792_704
    plain = counting.total_params(read_model({**DEEPSEEK, "q_lora_rank": None}, "d", "model test"))
    ranked = 7168 * 1536 + 1536 + 1536 * 128 * 192
    assert plain == 671_026_419_200 + 61 * (7168 * 128 * 192 - ranked)


#: Shapes alone; everything about experts, states and latents is what the class in transformers 5.23 says.
BY_CLASS = {
    "jamba-v0.1": ("jamba", 4096, 14336, 32, 32, 65536),
    "gpt-oss-120b": ("gpt_oss", 2880, 2880, 36, 64, 201088),
    "glm-5": ("glm_moe_dsa", 6144, 12288, 78, 64, 154880),
    "olmoe-1b-7b": ("olmoe", 2048, 1024, 16, 16, 50304),
    "minimax-m2.5": ("minimax_m2", 3072, 1536, 62, 48, 200064),
    "deepseek-v3.2": ("deepseek_v32", 7168, 18432, 61, 128, 129280),
    "qwen3-next-80b-a3b": ("qwen3_next", 2048, 5632, 48, 16, 151936),
}
TOTALS = {
    row["name"]: int(row["total_params"])
    for row in csv.DictReader((ROOT / "tests/data/model_counts.csv").read_text().splitlines())
}


@pytest.mark.parametrize("name", BY_CLASS)
def test_a_class_stands_for_the_model_that_it_describes(name: str) -> None:
    family, hidden, width, layers, heads, vocab = BY_CLASS[name]
    config = {"model_type": family, "hidden_size": hidden, "intermediate_size": width, "num_hidden_layers": layers}
    model = read_model({**config, "num_attention_heads": heads, "vocab_size": vocab}, name, "model test")
    assert counting.total_params(model) == TOTALS[name]


@pytest.mark.parametrize("key", ["q_lora_rank", "kv_lora_rank", "n_routed_experts", "first_k_dense_replace"])
def test_where_no_class_documents_a_default_the_key_is_named(key: str) -> None:
    latent = {"kv_lora_rank": 512, "q_lora_rank": 1536, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64}
    experts = {"n_routed_experts": 384, "num_experts_per_tok": 8, "first_k_dense_replace": 1, "v_head_dim": 128}
    config = {**DEEPSEEK, "model_type": "kimi_k2", **latent, **experts, "moe_intermediate_size": 2048}
    read_model(config, "k", "model test")
    del config[key]
    with pytest.raises(Missing, match=key if key != "n_routed_experts" else "num_local_experts"):
        read_model(config, "k", "model test")


def test_a_null_window_is_none_and_a_missing_one_the_class_default() -> None:
    assert windows(read(model_type="exaone4", sliding_window=None)) == {0: 32}
    assert windows(read(model_type="exaone4")) == {4096: 24, 0: 8}
    assert windows(read(model_type="mistral")) == {4096: 32}


def test_a_null_tie_is_the_family_default() -> None:
    tied = {"model_type": "qwen3_vl", "tie_word_embeddings": None}
    inner = {**CASES["ernie-4.5-0.3b"]["config"], "model_type": "qwen3_vl_text", "tie_word_embeddings": True}
    assert read_model({**tied, "text_config": inner}, "q", "model test").head == 0
    assert read(tie_word_embeddings=None).head > 0
    granite = {"model_type": "granitemoehybrid", "layer_types": ["attention"] * 32}
    assert read(**granite).head > 0
    assert read(**granite, tie_word_embeddings=True).head == 0


def test_indexers_by_frequency_are_those_that_a_list_names() -> None:
    """GLM-5.2 lists its indexers and says their frequency; either way leads to the same model."""
    data = read_mapping(str(catalog.shipped() / "models/glm-5.2.yaml"), "preset")["config"]
    listed = data.pop("indexer_types")
    often = {"index_topk_freq": 4, "index_skip_topk_offset": 3}
    model = read_model(typed({**data, "indexer_types": listed}), "g", "model test")
    assert read_model(typed({**data, **often}), "g", "model test") == model
    letters = "".join(word[0].upper() for word in listed)
    assert read_model(typed({**data, "index_topk_pattern": letters}), "g", "model test") == model


def test_prediction_modules_that_nobody_published_are_not_counted() -> None:
    """MiniMax-M2's config promises three; its checkpoints hold layers 0 to 61 alone (MiniMax-AI/MiniMax-M2.7 #16)."""
    data = read_mapping(str(catalog.shipped() / "models/minimax-m2.5.yaml"), "preset")["config"]
    promised = {"use_mtp": True, "num_mtp_modules": 3, "mtp_transformer_layers": 1}
    assert read_model(typed({**data, **promised}), "m", "model test").mtp_params == 0


def test_a_vision_tower_makes_the_checkpoint_whole() -> None:
    """Safetensors metadata of Llama-3.2-11B-Vision-Instruct, whose images are of 560 pixels."""
    model = model_of("llama-3.2-11b-vision", vision_config={"model_type": "mllama_vision_model", "image_size": 560})
    assert counting.total_params(model) + model.vision_params == 10_670_220_835


def test_layers_that_see_an_image_or_share_a_cache_leave_none() -> None:
    """32 of 40 layers of 2 x 8 x 128; of Gemma 3n's first 20, four see all and sixteen the last 512 tokens."""
    assert counting.growing_cache_bytes(model_of("llama-3.2-11b-vision")) == 32 * 2 * 8 * 128 * 2
    gemma = model_of("gemma-3n-e4b")
    assert counting.growing_cache_bytes(gemma) == 4 * 2 * 2 * 256 * 2
    assert counting.cache_bytes(gemma, 4096) == (4 * 4096 + 16 * 512) * 2 * 2 * 256 * 2


def test_a_shared_cache_is_kept_once_and_read_in_each_layer() -> None:
    """All 35 layers of Gemma 3n read, seven the whole context; every second of Hunyuan-Large's 64 keeps a cache."""
    gemma = model_of("gemma-3n-e4b")
    read = sum(each.times * counting.layer_cache_bytes_read(gemma, each.attention, 4096) for each in gemma.layers)
    assert read == (7 * 4096 + 28 * 512) * 2 * 2 * 256 * 2
    hunyuan = find_model("hunyuan-large").model
    twice = sum(each.times * counting.layer_cache_bytes_read(hunyuan, each.attention, 4096) for each in hunyuan.layers)
    assert twice == 2 * counting.cache_bytes(hunyuan, 4096)


def test_rows_that_are_looked_up_are_held_and_not_multiplied() -> None:
    """Gemma 3n: 35 tables of 262,144 rows of 256 that a step neither multiplies nor reads whole."""
    gemma, rows = model_of("gemma-3n-e4b"), 35 * 262_144 * 256
    assert counting.total_params(gemma) - counting.active_params(gemma) == rows
    assert counting.weight_bytes(gemma) - work_of(gemma, Layout()).bytes_read(1) == pytest.approx(2 * rows)
    assert rank_weight_bytes(gemma, Layout(2)) < counting.weight_bytes(gemma) - rows


def test_layers_listed_as_dense_have_no_experts() -> None:
    """K-EXAONE lists its layers; a list that names two more dense ones has the experts of two layers less."""
    dense_ones = [False] * 3 + [True] * 45
    fewer = model_of("k-exaone-236b-a23b", is_moe_layer=dense_ones)
    experts = 129 * 3 * 6144 * 2048 + 128 * 6144 + 128 - 3 * 6144 * 18432
    assert CASES["k-exaone-236b-a23b"]["total"] - counting.total_params(fewer) == 2 * experts


def test_a_block_that_layers_share_is_held_once_and_multiplied_in_each() -> None:
    """Zamba2-1.2B: one block in six layers, so five times more multiplied and read than is held; six caches."""
    zamba, block = model_of("zamba2-1.2b"), 3 * 4096 * 4096 + 4096 * 2048 + 3 * 2048 * 8192
    assert counting.active_params(zamba) - counting.total_params(zamba) == 5 * block
    assert work_of(zamba, Layout()).bytes_read(1) - counting.weight_bytes(zamba) == pytest.approx(2 * 5 * block)
    assert counting.growing_cache_bytes(zamba) == 6 * 2 * 32 * 128 * 2


@pytest.mark.parametrize("key", ["n_mamba_heads", "hybrid_layer_ids"])
def test_a_shared_block_without_its_keys_is_refused(key: str) -> None:
    with pytest.raises(Missing, match=key.replace("hybrid_layer_ids", "layers_block_type")):
        model_of("zamba2-1.2b", **{key: ...})


def test_windows_by_family() -> None:
    phi = read(model_type="phi3", hidden_size=3072, num_key_value_heads=32, sliding_window=2047)
    capped = sum(each.times * each.attention.cache * 2 * each.attention.window for each in phi.layers)
    assert capped == 2047 * 32 * 2 * 3072 * 2  # 0.805 GB a sequence
    half = {"num_hidden_layers": 28, "sliding_window": 4096, "max_window_layers": 14}
    for family in ("qwen2", "qwen3"):
        assert windows(read(model_type=family, use_sliding_window=True, **half)) == {0: 14, 4096: 14}
        assert windows(read(model_type=family, use_sliding_window=False, **half)) == {0: 28}
    types = ["full_attention", "sliding_attention"] * 16
    for family in ("mistral", "ministral"):
        assert windows(read(model_type=family, layer_types=types, sliding_window=1024)) == {0: 16, 1024: 16}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("layer_types", ["full_attention"] * 31),
        ("layer_types", ["full_attention"] * 31 + ["slidding"]),
        ("layer_types", "full_attention"),
        ("mlp_layer_types", ["sparse"] * 33),
        ("num_key_value_heads", "abc"),
        ("num_key_value_heads", -1),
        ("num_key_value_heads", 1.5),
        ("num_key_value_heads", True),
        ("num_key_value_heads", 0),
        ("head_dim", 0),
        ("head_dim", -1),
        ("hidden_size", 0),
        ("max_position_embeddings", "long"),
        ("max_position_embeddings", [4096]),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_key(key: str, value: Any) -> None:
    with pytest.raises(BadFile, match=key):
        read(**{key: value})


def test_a_letter_that_says_nothing_is_refused() -> None:
    with pytest.raises(BadFile, match="hybrid_override_pattern holds 'X'"):
        read(model_type="nemotron_h", hybrid_override_pattern="M" * 31 + "X")


def test_a_thinker_s_tower_is_seen_though_not_known() -> None:
    text = {**CASES["smollm3-3b"]["config"], "model_type": "qwen3_omni_moe_text"}
    thinker = {"text_config": text, "vision_config": {"model_type": "qwen3_omni_moe_vision_encoder"}}
    model = read_model({"model_type": "qwen3_omni_moe", "thinker_config": thinker}, "o", "model test")
    assert not model.vision_known
    assert model.layers[0].ffn.experts == 128


def test_more_experts_per_token_than_experts_are_refused() -> None:
    with pytest.raises(BadFile, match="num_experts_per_tok"):
        read(model_type="mixtral", num_local_experts=4, num_experts_per_tok=5)


def test_biases_that_the_file_states() -> None:
    """Llama: four matrices of attention, three of the feed-forward part; Qwen2 has no key and three biases."""
    plain, width = counting.total_params(read()), (32 + 8 + 8) * 128
    assert counting.total_params(read(attention_bias=True)) - plain == 32 * (width + 4096)
    assert counting.total_params(read(mlp_bias=True)) - plain == 32 * (2 * 14336 + 4096)
    assert counting.total_params(read(model_type="qwen2", attention_bias=True)) - plain == 32 * width


def test_a_byte_order_mark_is_survived_and_depth_is_not() -> None:
    assert parse_json('\ufeff{"a": 1}', "test") == {"a": 1}
    with pytest.raises(BadFile, match="nested deeper"):
        parse_json('{"a": ' * 900 + "1" + "}" * 900, "test")


@pytest.mark.parametrize(
    ("name", "groups"),
    [("deepseek-v3", (8, 4)), ("deepseek-v2", (8, 3)), ("glm-4.5", (0, 0)), ("mixtral-8x7b", (0, 0))],
)
def test_experts_of_a_token_lie_in_some_of_their_groups(name: str, groups: tuple[int, int]) -> None:
    """DeepSeek-V2, arXiv 2405.04434: at most 3 devices; V3, arXiv 2412.19437: at most 4 nodes; GLM-4.5: one group."""
    sparse = [layer.ffn for layer in find_model(name).model.layers if layer.ffn.experts]
    assert {(ffn.groups, ffn.token_groups) for ffn in sparse} == {groups}
