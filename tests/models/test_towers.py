"""Vision towers to the last parameter, under every name that files have for them."""

from typing import Any

import pytest

from infercost.errors import Missing
from infercost.models.counting import total_params
from infercost.models.families.config import Config
from infercost.models.families.table import read_model
from infercost.models.families.towers import audio_params, vision_params
from infercost.models.find import find_model
from tests.conftest import in_yaml
from tests.models.test_config import LLAMA

CASES = in_yaml("tests/data/tower_counts.yaml")


def tower(inside: dict[str, Any], hidden: int, **outside: Any) -> int | None:
    text = {**LLAMA, "hidden_size": hidden}
    return vision_params(Config({**outside, "text_config": text, "vision_config": inside}, "config test"))


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_parameters_to_the_last_one(case: dict[str, Any]) -> None:
    inside, hidden = case["vision_config"], case["hidden_size"]
    assert tower(inside, hidden) == case["total"]
    nameless = {key: value for key, value in inside.items() if key != "model_type"}
    assert tower(nameless, hidden, model_type=case["id"]) == case["total"]


WRAPPED = in_yaml("tests/data/wrapper_counts.yaml")


@pytest.mark.parametrize("case", WRAPPED, ids=[case["id"] for case in WRAPPED])
def test_what_leads_to_the_text_is_the_whole_model_s(case: dict[str, Any]) -> None:
    config = Config({**case["config"], "text_config": {**LLAMA, "hidden_size": 128}}, "config test")
    counts = vision_params(config), audio_params(config)
    assert None not in counts
    assert sum(count or 0 for count in counts) == case["total"]


@pytest.mark.parametrize("key", ["encoder_config", "acoustic_tokenizer_encoder_config"])
def test_a_tower_under_a_key_of_its_own_is_said_not_to_be_known(key: str) -> None:
    config = Config({"model_type": "granite_speech", key: {"num_layers": 10}, "text_config": LLAMA}, "config test")
    assert (vision_params(config), audio_params(config)) == (0, None)


@pytest.mark.parametrize("name", ["qwen3_5", "qwen3_5_vision", "qwen3_5_moe_vision"])
def test_a_small_tower_by_hand(name: str) -> None:
    """Patches of 16 x 16 over 2 frames, 576 positions, 4 blocks, and a merger of 4 patches to a width of 512."""
    block = 4 * 256 * 256 + 4 * 256 + 2 * 256 * 1024 + 1024 + 256 + 4 * 256
    merger = 2 * 256 + 1024 * 1024 + 1024 + 1024 * 512 + 512
    inside = {
        "model_type": name, "depth": 4, "hidden_size": 256, "intermediate_size": 1024, "in_channels": 3,
        "patch_size": 16, "temporal_patch_size": 2, "spatial_merge_size": 2, "out_hidden_size": 512,
        "num_position_embeddings": 576, "deepstack_visual_indexes": [],
    }  # fmt: skip
    assert tower(inside, 512) == 3 * 2 * 16 * 16 * 256 + 256 + 576 * 256 + 4 * block + merger == 5_274_880


def test_internvl_s_own_files_have_biases_that_the_converted_ones_lack() -> None:
    inside = {
        "model_type": "intern_vit_6b", "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24,
        "image_size": 448, "patch_size": 14, "qkv_bias": True, "qk_normalization": False, "norm_type": "layer_norm",
    }  # fmt: skip
    (converted,) = (case["total"] for case in CASES if case["id"] == "internvl")
    assert tower(inside, 4096) == converted + 24 * 3 * 1024


def test_no_tower_is_none_and_another_is_not_known() -> None:
    assert vision_params(Config(LLAMA, "config test")) == 0
    assert tower({"model_type": "moonvit3d", "hidden_size": 1024}, 4096) is None


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("kimi-k2.5", 471_143_920),
        ("qwen2.5-vl-7b", 676_550_144),
        ("llama-4-scout", 871_932_416),
        ("llama-4-maverick", 871_932_416),
        ("minimax-m3", 865_567_232),
        ("qwen3.8-27b", 460_730_096),
        ("qwen3.8-27b-fp8", 460_730_096),
    ],
)
def test_presets_of_multimodal_models_hold_their_tower(name: str, total: int) -> None:
    model = find_model(name).model
    assert (model.vision_params, model.vision_known) == (total, True)


def test_gemma_4_hears_by_blocks_counted_by_hand() -> None:
    """304,824,608 in the tower for sound of Gemma 4 E4B, and a matrix to the text; 12B has one matrix from frames."""
    start = 9 * 128 + 128 + 9 * 128 * 32 + 32 + 32 * 32 * 1024
    block = 5 * 1024 * 1024 + 128 + 2 * (8 * 1024 * 1024 + 2 * 1024) + 3 * 1024 * 1024 + 5 * 1024 + 2 * 1024 + 3 * 1024
    by_hand = start + 12 * block + 1024 * 1536 + 1536
    assert by_hand == 304_824_608
    text = {**LLAMA, "hidden_size": 2560}
    config = {"text_config": text, "audio_config": {"model_type": "gemma4_audio"}}
    assert audio_params(Config(config, "config test")) == by_hand + 1536 * 2560
    frames = {"text_config": text, "audio_config": {"model_type": "gemma4_unified_audio"}}
    assert audio_params(Config(frames, "config test")) == 640 * 2560


def test_a_tower_for_sound_that_is_not_known_is_said() -> None:
    config = {**LLAMA, "audio_config": {"model_type": "some_audio"}}
    assert audio_params(Config(config, "config test")) is None
    assert not read_model(config, "m", "model test").vision_known


def test_minimax_m3_is_its_own_tower_under_the_name_of_another() -> None:
    """The published file calls it clip_vision_model."""
    inside = {
        "model_type": "clip_vision_model", "hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32,
        "patch_size": 14, "img_token_compression_config": {"spatial_merge_size": 2, "temporal_patch_size": 2},
    }  # fmt: skip
    assert tower(inside, 6144, model_type="minimax_m3_vl") == 865_567_232


def test_kimi_vl_is_as_large_as_published() -> None:
    """16.4B tensors in moonshotai/Kimi-VL-A3B-Instruct; MoonViT of 413M and a merger, as vLLM's kimi_vl.py has them."""
    text = {
        "model_type": "deepseek_v3", "hidden_size": 2048, "intermediate_size": 11264, "moe_intermediate_size": 1408,
        "num_hidden_layers": 27, "num_attention_heads": 16, "num_key_value_heads": 16, "n_shared_experts": 2,
        "n_routed_experts": 64, "num_experts_per_tok": 6, "kv_lora_rank": 512, "q_lora_rank": None,
        "qk_rope_head_dim": 64, "v_head_dim": 128, "qk_nope_head_dim": 128, "first_k_dense_replace": 1,
        "vocab_size": 163840, "max_position_embeddings": 131072, "tie_word_embeddings": False,
    }  # fmt: skip
    seen = {
        "model_type": "moonvit", "hidden_size": 1152, "init_pos_emb_height": 64, "init_pos_emb_width": 64,
        "intermediate_size": 4304, "merge_kernel_size": [2, 2], "num_hidden_layers": 27, "patch_size": 14,
    }  # fmt: skip
    model = read_model({"model_type": "kimi_vl", "text_config": text, "vision_config": seen}, "m", "model test")
    block = 4 * 1152 * 1153 + 1152 * 4304 * 2 + 4304 + 1152 + 4 * 1152
    tower = 3 * 196 * 1152 + 1152 + 64 * 64 * 1152 + 27 * block + 2 * 1152
    assert model.vision_params == tower + 2 * 1152 + 4609 * 4608 + 4609 * 2048
    assert total_params(model) + model.vision_params == pytest.approx(16.41e9, rel=2e-3)


@pytest.mark.parametrize(
    ("name", "inside", "layer"),
    [
        # llava-hf/llava-1.5-7b-hf and llava-v1.6-mistral-7b-hf save of the text what differs from its class
        ("llava", {"model_type": "llama", "vocab_size": 32064}, 4 * 4096**2 + 3 * 4096 * 11008),
        (
            "llava_next",
            {"model_type": "mistral", "vocab_size": 32064, "sliding_window": None},
            (2 * 4096 + 2 * 1024) * 4096 + 3 * 4096 * 14336,
        ),
    ],
)
def test_a_wrapped_text_part_has_the_defaults_of_its_class(name: str, inside: dict[str, Any], layer: int) -> None:
    model = read_model({"model_type": name, "text_config": inside}, "m", "model test")
    assert total_params(model) == 2 * 32064 * 4096 + 32 * (layer + 2 * 4096) + 4096
    with pytest.raises(Missing, match="num_hidden_layers"):
        read_model(inside, "m", "model test")
