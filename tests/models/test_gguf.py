"""GGUF headers, written by the format's own package."""

import struct
from math import prod
from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf.constants import GGML_QUANT_SIZES

from infercost.errors import BadFile, Missing
from infercost.models import counting
from infercost.models.find import find_model
from infercost.models.gguf import TYPE_BITS, Header, Tensor, _part, config_of, read_header

HIDDEN, WIDTH, LAYERS, VOCAB, HEADS, KV = 64, 96, 2, 100, 4, 2


def test_bits_are_those_of_the_format() -> None:
    assert {int(kind): 8 * size / block for kind, (block, size) in GGML_QUANT_SIZES.items()} == TYPE_BITS


def write(path: Path, architecture: str = "llama") -> str:
    """A tiny Llama with its vocabulary, f16 matrices and f32 norms."""
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(WIDTH)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV)
    writer.add_context_length(2048)
    writer.add_token_list([f"token {i}" for i in range(VOCAB)])
    half = HIDDEN // HEADS * KV
    shapes = {"token_embd": (VOCAB, HIDDEN), "output_norm": (HIDDEN,), "output": (VOCAB, HIDDEN)}
    for i in range(LAYERS):
        shapes |= {
            f"blk.{i}.attn_norm": (HIDDEN,),
            f"blk.{i}.ffn_norm": (HIDDEN,),
            f"blk.{i}.attn_q": (HIDDEN, HIDDEN),
            f"blk.{i}.attn_k": (half, HIDDEN),
            f"blk.{i}.attn_v": (half, HIDDEN),
            f"blk.{i}.attn_output": (HIDDEN, HIDDEN),
            f"blk.{i}.ffn_gate": (WIDTH, HIDDEN),
            f"blk.{i}.ffn_up": (WIDTH, HIDDEN),
            f"blk.{i}.ffn_down": (HIDDEN, WIDTH),
        }
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", np.zeros(shape, np.float32 if "norm" in name else np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return str(path)


def test_counts_equal_the_tensors(tmp_path: Path) -> None:
    path = write(tmp_path / "tiny.gguf")
    header = read_header(path)
    model = find_model(path).model
    assert counting.total_params(model) == sum(prod(tensor.shape) for tensor in header.tensors)
    stored = sum(prod(tensor.shape) * tensor.bits / 8 for tensor in header.tensors)
    assert sum(counting.weight_bytes_by_part(model).values()) == pytest.approx(stored)
    assert model.layers[0].attention.kv_heads == KV
    assert model.quantization.of("norms") == 32


def test_each_part_has_the_bits_of_its_own_tensors(tmp_path: Path) -> None:
    """Outputs of attention are no head, biases no matrices: bytes of each part by hand."""
    q8, f16, f32 = 8.5 / 8, 2, 4
    path = tmp_path / "mixed.gguf"
    with path.open("wb") as file:
        file.write(mixed_header())
    stored = counting.weight_bytes_by_part(find_model(str(path)).model)
    half = HIDDEN // HEADS * KV
    assert stored["head"] == VOCAB * HIDDEN * q8
    assert stored["embedding"] == VOCAB * HIDDEN * f16
    assert stored["attention"] == LAYERS * HIDDEN * (HIDDEN * q8 + HIDDEN * f16 + 2 * half * f16)
    assert stored["ffn"] == LAYERS * 3 * HIDDEN * WIDTH * q8
    assert stored["norms"] == HIDDEN * f32 + LAYERS * (2 * HIDDEN * f32)


def mixed_header() -> bytes:
    """The header of a tiny Llama whose queries, feed-forward parts and head are q8_0 (type 8), the rest f16 (1)."""
    half = HIDDEN // HEADS * KV
    tensors = {"token_embd": ((HIDDEN, VOCAB), 1), "output": ((HIDDEN, VOCAB), 8), "output_norm": ((HIDDEN,), 0)}
    for i in range(LAYERS):
        tensors |= {
            f"blk.{i}.attn_norm": ((HIDDEN,), 0), f"blk.{i}.ffn_norm": ((HIDDEN,), 0),
            f"blk.{i}.attn_q": ((HIDDEN, HIDDEN), 8), f"blk.{i}.attn_output": ((HIDDEN, HIDDEN), 1),
            f"blk.{i}.attn_k": ((HIDDEN, half), 1), f"blk.{i}.attn_v": ((HIDDEN, half), 1),
            f"blk.{i}.ffn_gate": ((HIDDEN, WIDTH), 8), f"blk.{i}.ffn_up": ((HIDDEN, WIDTH), 8),
            f"blk.{i}.ffn_down": ((WIDTH, HIDDEN), 8),
        }  # fmt: skip
    keys: dict[str, int | str] = {
        "general.architecture": "llama", "llama.embedding_length": HIDDEN, "llama.block_count": LAYERS,
        "llama.feed_forward_length": WIDTH, "llama.attention.head_count": HEADS, "llama.attention.head_count_kv": KV,
        "llama.context_length": 2048, "llama.vocab_size": VOCAB,
    }  # fmt: skip
    whole = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    for key, value in keys.items():
        whole += _text(key) + (struct.pack("<II", 4, value) if isinstance(value, int) else b"\x08\0\0\0" + _text(value))
    for name, (shape, kind) in tensors.items():
        whole += _text(f"{name}.weight") + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, 0)
    return whole


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def test_an_unknown_architecture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="'wavtokenizer-dec' is not known"):
        find_model(write(tmp_path / "x.gguf", "wavtokenizer-dec"))


def test_latent_attention_without_its_widths_is_refused_by_the_key(tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"no deepseek2\.rope\.dimension_count"):
        find_model(write(tmp_path / "x.gguf", "deepseek2"))


@pytest.mark.parametrize("kind", [99, 9])
def test_a_value_of_an_unknown_type_is_refused(kind: int, tmp_path: Path) -> None:
    """A key of type 99, and an array (9) of items of that type."""
    key = (1).to_bytes(8, "little") + b"a" + kind.to_bytes(4, "little") + (99).to_bytes(4, "little") + bytes(8)
    path = tmp_path / "x.gguf"
    path.write_bytes(b"GGUF" + (3).to_bytes(4, "little") + bytes(8) + (1).to_bytes(8, "little") + key)
    with pytest.raises(BadFile, match="cut short or broken"):
        find_model(str(path))


@pytest.mark.parametrize("length", [0, 3, 10, 24, 100, 1000])
def test_a_file_cut_short_is_refused(length: int, tmp_path: Path) -> None:
    whole = Path(write(tmp_path / "whole.gguf")).read_bytes()
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(whole[:length])
    with pytest.raises(BadFile):
        find_model(str(cut))


def test_other_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(b"GGUF" + b"\xff" * 100)
    with pytest.raises(BadFile):
        find_model(str(path))
    with pytest.raises(BadFile, match="no such file"):
        find_model(str(tmp_path / "none.gguf"))


def header_of(path: Path, *keys: bytes) -> dict[str, object]:
    """The values of a header of these keys, named a, b, c and so on."""
    named = (_text(chr(ord("a") + index)) + key for index, key in enumerate(keys))
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, len(keys)) + b"".join(named))
    return read_header(str(path)).keys


#: The format's own numbers of its types of values, and what ``struct`` calls them.
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
VALUES = [200, -100, 60_000, -30_000, 4_000_000_000, -2_000_000_000, 0.5, True, 2**63, -(2**62), 0.1]


def test_a_value_of_each_type(tmp_path: Path) -> None:
    assert {int(kind) for kind in gguf.GGUFValueType} == {*SCALARS, 8, 9}
    packed = [
        struct.pack(f"<I{form}", kind, value) for (kind, form), value in zip(SCALARS.items(), VALUES, strict=True)
    ]
    assert list(header_of(tmp_path / "x", *packed).values()) == VALUES
    lists = [
        struct.pack(f"<IIQ3{form}", 9, kind, 3, *[value] * 3)
        for (kind, form), value in zip(SCALARS.items(), VALUES, strict=True)
    ]
    assert list(header_of(tmp_path / "x", *lists).values()) == [[value] * 3 for value in VALUES]


def test_a_list_longer_than_any_has_layers_is_passed_over(tmp_path: Path) -> None:
    """Token types: 5,000 numbers of four bytes, and then another key; 4,096 are kept."""
    long, kept = (struct.pack(f"<IIQ{length}I", 9, 4, length, *range(length)) for length in (5000, 4096))
    words = struct.pack("<IIQ", 9, 8, 2) + _text("one") + _text("three")
    after = struct.pack("<II", 4, 7)
    assert header_of(tmp_path / "x", long, after, words, after) == {"a": 5000, "b": 7, "c": 2, "d": 7}
    assert header_of(tmp_path / "x", kept, after) == {"a": list(range(4096)), "b": 7}


def keys(architecture: str, **more: int) -> dict[str, object]:
    named = {f"{architecture}.{name.replace('__', '.')}": value for name, value in more.items()}
    return {"general.architecture": architecture, **named}


OUTPUT, EMBEDDING = Tensor("output.weight", (64, 300), 16), Tensor("token_embd.weight", (64, 200), 16)


def test_heads_of_latents_are_a_part_that_turns_and_the_rest() -> None:
    """DeepSeek V2 and V3: keys of 192 of which 64 turn, values of 128; newer files call them so, for the absorbed form
    has keys of 576 and values of 512."""
    older = keys("deepseek2", rope__dimension_count=64, attention__key_length=192, attention__value_length=128)
    newer = keys("deepseek2", rope__dimension_count=64, attention__key_length=576, attention__value_length=512)
    newer |= {"deepseek2.attention.key_length_mla": 192, "deepseek2.attention.value_length_mla": 128}
    for held in (older, newer):
        config = config_of(Header(held, ()), "x")
        assert [config[f"{name}_head_dim"] for name in ("qk_rope", "qk_nope", "v")] == [64, 128, 128]


def test_what_a_header_says_of_a_model() -> None:
    held = keys("llama", block_count=10, nextn_predict_layers=2, attention__head_count=8, expert_count=8)
    config = config_of(Header(held, (OUTPUT, EMBEDDING)), "x")
    assert (config["model_type"], config["num_hidden_layers"], config["vocab_size"]) == ("mixtral", 8, 200)
    assert config["tie_word_embeddings"] is False
    dense = config_of(Header({**keys("llama", block_count=10), "tokenizer.ggml.tokens": 150}, (EMBEDDING,)), "x")
    assert (dense["model_type"], dense["num_hidden_layers"], dense["vocab_size"]) == ("llama", 10, 150)
    assert dense["tie_word_embeddings"] is True
    # a number for each layer: the most of them
    assert config_of(Header(keys("llama", attention__head_count_kv=[0, 8, 4]), ()), "x")["num_key_value_heads"] == 8


def test_the_mean_bits_of_a_file(tmp_path: Path) -> None:
    """Of the tiny Llama: f16 but for q8_0 in its head, queries and feed-forward parts, f32 in its norms."""
    path = tmp_path / "mixed.gguf"
    path.write_bytes(mixed_header())
    eight = VOCAB * HIDDEN + LAYERS * (HIDDEN * HIDDEN + 3 * HIDDEN * WIDTH)
    sixteen = VOCAB * HIDDEN + LAYERS * (HIDDEN * HIDDEN + 2 * HIDDEN * HIDDEN // HEADS * KV)
    norms = HIDDEN * (1 + 2 * LAYERS)
    mean = (8.5 * eight + 16 * sixteen + 32 * norms) / (eight + sixteen + norms)
    found = find_model(str(path)).model.quantization
    assert found.name == f"gguf {mean:.3g}-bit"
    assert found.of("experts") == 16  # as of a part that no tensor is of


@pytest.mark.parametrize(
    ("name", "shape", "part"),
    [
        ("token_embd.weight", (64, 200), "embedding"),
        ("output.weight", (64, 200), "head"),
        ("output_norm.weight", (64,), "norms"),
        ("blk.0.attn_q.weight", (64, 64), "attention"),
        ("blk.0.attn_q.bias", (64,), "norms"),
        ("blk.0.attn_output.weight", (64, 64), "attention"),
        ("blk.0.ffn_up.weight", (64, 96), "ffn"),
        ("blk.0.ffn_up_exps.weight", (64, 96, 8), "experts"),
        ("blk.0.ffn_up_shexp.weight", (64, 96), "shared"),
        ("blk.0.ffn_gate_inp.weight", (64, 8), "router"),
        ("blk.0.ffn_gate_inp_shexp.weight", (64, 1), "norms"),
        ("blk.0.ssm_in.weight", (64, 96), "attention"),
        ("blk.0.ssm_conv1d.weight", (4, 96), "norms"),
        ("blk.0.attn_q_norm.weight", (64, 4), "norms"),
        ("rope_freqs.weight", (64, 2), "norms"),
    ],
)
def test_the_part_of_a_tensor(name: str, shape: tuple[int, ...], part: str) -> None:
    assert _part(Tensor(name, shape, 16)) == part


def tensor(*shape: int) -> bytes:
    """A header of one tensor of f16."""
    counted = struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 1, 0)
    return b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + _text("a.weight") + counted


@pytest.mark.parametrize(
    ("inside", "beyond"),
    [
        (tensor(*[2] * 8), tensor(*[2] * 9)),
        (tensor(10**15), tensor(10**15 + 1)),
        (tensor(10**8, 10**7), tensor(10**8, 10**8)),
        (tensor(1), tensor(0)),
        (tensor(3, 5), tensor(3, 0)),
    ],
)
def test_a_tensor_is_of_some_weights_in_some_dimensions(inside: bytes, beyond: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(inside)
    assert len(read_header(str(path)).tensors) == 1
    path.write_bytes(beyond)
    with pytest.raises(BadFile, match="cut short or broken"):
        read_header(str(path))


@pytest.mark.parametrize(
    ("tensors", "keys", "said"),
    [
        (100_000, 0, "cut short or broken"),
        (100_001, 0, "header is broken"),
        (0, 10_000, "cut short or broken"),
        (0, 10_001, "header is broken"),
    ],
)
def test_counts_that_no_header_has(tensors: int, keys: int, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, tensors, keys))
    with pytest.raises(BadFile, match=said):
        read_header(str(path))


def test_lengths_that_no_header_has(tmp_path: Path) -> None:
    """A text is of a million bytes at most, a list of two million items."""
    text, items = b"\x08\0\0\0" + _text("x" * 1_000_000), struct.pack("<IIQ", 9, 0, 2_000_000) + bytes(2_000_000)
    assert header_of(tmp_path / "x", text, items) == {"a": "x" * 1_000_000, "b": 2_000_000}
    for key in (b"\x08\0\0\0" + _text("x" * 1_000_001), struct.pack("<IIQ", 9, 0, 2_000_001) + bytes(2_000_001)):
        with pytest.raises(BadFile, match="cut short or broken"):
            header_of(tmp_path / "x", key)


@pytest.mark.parametrize(("end", "is_read"), [(50_000_000, True), (50_000_001, False)])
def test_no_key_begins_beyond_fifty_megabytes(end: int, is_read: bool, tmp_path: Path) -> None:
    """Lists of numbers of eight bytes, and one of single bytes, before a key at the very end."""
    path, last = tmp_path / "x", struct.pack("<II", 4, 7)
    with path.open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, 0, 5))
        for name in "abc":
            file.write(_text(name) + struct.pack("<IIQ", 9, 12, 2_000_000))
            file.seek(16_000_000, 1)
        left = end - file.tell() - len(_text("d")) - 16
        file.write(_text("d") + struct.pack("<IIQ", 9, 0, left))
        file.seek(left, 1)
        file.write(_text("e") + last)
    if is_read:
        assert read_header(str(path)).keys["e"] == 7
        return
    with pytest.raises(BadFile, match="cut short or broken"):
        read_header(str(path))
