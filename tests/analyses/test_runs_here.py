"""Which models run on a part: each in its richest format, as the commands about one model say."""

import json
import re
import shlex
from functools import cache
from typing import Any

import fastjsonschema
import pytest

import infercost
from infercost.models.find import find_model
from infercost.models.gguf import has_file
from tests.conftest import Run, grid

#: Places, and models to ask about one by one: dense, sparse, recurrent, windowed, copies, small and large.
PLACES: dict[str, dict[str, Any]] = {
    "rtx-4090": {"gpu": "rtx-4090"},
    "two of them": {"gpu": "rtx-4090:2"},
    "apple-m4-max": {"gpu": "apple-m4-max", "batch": 2},
    "h100:8": {"gpu": "h100:8"},
    "mi300x": {"gpu": "mi300x", "dtype": "int4"},
    "with a host": {"gpu": "rtx-5080", "host": "desktop-ddr5"},
}
EVERY = 14
#: GGUF formats from the richest on.
FORMATS = ("q8_0", "q6_k", "q5_k_m", "q4_k_m")


@cache
def _report(options: tuple[tuple[str, Any], ...]) -> infercost.Report:
    return infercost.fit(**dict(options))


def rows_of(**options: Any) -> dict[str, dict[str, Any]]:
    """The rows by the name of their model."""
    report = _report(tuple(options.items()))
    assert report.series is not None
    return {row["name"]: dict(row) for row in report.series.rows}


def flags_of(row: dict[str, Any]) -> dict[str, Any]:
    """The options that a row says ask for it."""
    words = shlex.split(row["flags"])
    return {name.removeprefix("--"): value for name, value in zip(words[::2], words[1::2], strict=True)}


@pytest.fixture(scope="module")
def on_4090() -> dict[str, dict[str, Any]]:
    return rows_of(gpu="rtx-4090")


@grid("place", PLACES)
def test_a_row_is_what_the_commands_say_of_its_model(place: str) -> None:
    """Weights, longest context and devices of fit, the speed and its interval of utilization."""
    options = PLACES[place]
    sampled = list(rows_of(**options).values())[::EVERY]
    assert len(sampled) >= 6
    for row in sampled:
        asked = {**options, **flags_of(row)}
        if "host" in asked and not row["offload"]:
            del asked["host"]
        fit = infercost.fit(**asked, gpus=row["gpus"])
        assert fit["fits"], row["name"]
        assert (fit["weight_bytes"], fit["longest_context"]) == (row["weight_bytes"], row["max_context"])
        assert (fit["tp"], fit["pp"], fit["dp"]) == (row["tp"], row["pp"], row["dp"])
        context = next(item.value for item in fit.inputs if item.key == "context")
        if row["tokens_per_s_per_user"] is None:  # it decodes nothing
            continue
        step = infercost.utilization(**asked, gpus=row["gpus"], context=context)
        assert step["tokens_per_s_per_user"] == row["tokens_per_s_per_user"]
        assert list(step.bands["tokens_per_s_per_user"]) == row["bands"]["tokens_per_s_per_user"]


def test_the_verdict_names_the_largest_and_what_is_much_faster_and_nearly_as_large(
    on_4090: dict[str, dict[str, Any]],
) -> None:
    """Three quarters of its parameters or more, of the same years, at half its speed again or more."""
    first = next(iter(on_4090.values()))
    verdict = _report((("gpu", "rtx-4090"),)).verdict
    since = re.findall(r"published since (\d{4}-\d\d) ", verdict)[0]
    new = [row for row in on_4090.values() if (row["released"] or "") >= since]
    assert max(row["total_params"] for row in new) == first["total_params"]
    near = [row for row in new if row["total_params"] >= 0.75 * first["total_params"]]
    speed, name = max((row["tokens_per_s_per_user"] or 0.0, row["name"]) for row in near)
    assert f" is {first['name']} in {first['dtype']}, " in verdict
    assert speed >= 1.5 * first["tokens_per_s_per_user"]
    assert re.search(rf" Of those nearly as large {re.escape(name)} in \S+ is fastest, {speed:.4g} tokens/s\.", verdict)
    assert (
        "deepseek-v2-lite" not in _report((("gpu", "rtx-3060-12gb"),)).verdict
    )  # of 2024-05, and larger than the first
    lone = infercost.fit(gpu="rtx-4090", family="seed_oss").verdict
    assert "nearly as large" not in lone


def test_a_richer_format_does_not_fit(on_4090: dict[str, dict[str, Any]]) -> None:
    """Asked one by one, no format between a file's and the checkpoint's own fits."""
    files = [row for row in on_4090.values() if row["dtype"] in FORMATS][::6]
    assert {row["dtype"] for row in files} >= {"q8_0", "q5_k_m"}
    for row in files:
        name, richer = row["name"], FORMATS[: FORMATS.index(row["dtype"])]
        for dtype in (None, *richer):
            assert not infercost.fit(gpu="rtx-4090", gpus=1, model=name, dtype=dtype)["fits"], (name, dtype)


def test_an_8b_model_in_bf16_by_hand(on_4090: dict[str, dict[str, Any]]) -> None:
    """23.64 GiB as programs see them, 90% of it; 8,030,261,248 weights of 2 B; 784,858,240 B set aside.

    A token takes 2 x 8 heads x 128 x 2 B x 32 layers = 131,072 B, so 45,772 of them are left.
    """
    row = on_4090["llama-3.1-8b"]
    left = 0.9 * 23.64 * 2**30 - 2 * 8_030_261_248 - 784_858_240
    assert row["dtype"] == "bf16"
    assert row["weight_bytes"] == 16_060_522_496
    assert row["max_context"] == int(left / 131_072) == 45_772


def test_a_30b_model_of_experts_takes_five_bits(on_4090: dict[str, dict[str, Any]]) -> None:
    """30.53e9 weights of 6.5625 bits are 25.0 GB, more than 90% of 25.8 GB; of 5.5 bits and a few more, 21.7 GB."""
    row = on_4090["qwen3-30b-a3b"]
    assert row["dtype"] == "q5_k_m"
    assert 30.53e9 * 5.5 / 8 < row["weight_bytes"] < 23.18e9 < 30.53e9 * 6.5625 / 8
    assert row["weights_from"] == "gguf"


def test_a_70b_model_takes_two_cards_in_q4_k_m(on_4090: dict[str, dict[str, Any]]) -> None:
    """Its published file holds 42.5 GB: more than one card of 25.8 GB, and less than two."""
    assert not {"llama-3.1-70b", "llama-3.3-70b"} & {*on_4090}
    row = rows_of(gpu="rtx-4090:2", family="llama-3.1")["llama-3.1-70b"]
    assert row["dtype"] == "q4_k_m"
    assert row["weight_bytes"] == pytest.approx(42.52e9, rel=0.002)
    assert row["gpus"] == 2


def test_gpt_oss_runs_on_one_card_under_llama_cpp_as_it_is_published(on_4090: dict[str, dict[str, Any]]) -> None:
    """Its checkpoint holds 13.76 GB, which vLLM's reserves leave no room for in 16 GB; its file of MXFP4 12.1 GB."""
    for gpu, row in (("rtx-4090", on_4090["gpt-oss-20b"]), ("rtx-5080", rows_of(gpu="rtx-5080")["gpt-oss-20b"])):
        assert (row["dtype"], row["weights_from"], row["efficiency"]) == ("mxfp4", "gguf", "llama.cpp-cuda")
        assert row["weight_bytes"] == pytest.approx(12.1e9, rel=0.005)
        for name in ("gpt-oss-20b", "gpt-oss:20b"):
            assert infercost.fit(gpu=gpu, model=name).met
            asked = infercost.utilization(gpu=gpu, model=name)
            assert asked["tokens_per_s_per_user"] == pytest.approx(row["tokens_per_s_per_user"])


@pytest.mark.parametrize(
    ("gpu", "more", "engine"),
    [
        ("rtx-5070-ti", {}, "llama.cpp"),
        ("rtx-4090:2", {}, "vllm"),
        ("h100", {}, "vllm"),
        ("rtx-4090", {"concurrency": 8}, "vllm"),
        ("rtx-4090", {"kv_dtype": "fp8"}, "vllm"),
        ("rtx-4090", {"dtype": "bf16", "gpus": 1}, "vllm"),
        ("rtx-4090", {"efficiency": "vllm"}, "vllm"),
    ],
)
def test_the_engine_of_a_model_that_llama_cpp_reads_as_it_is(gpu: str, more: dict[str, Any], engine: str) -> None:
    """One card of somebody's own has llama.cpp; several, a data centre, a load of requests, what it lacks a server."""
    inputs = {item.key: item.value for item in infercost.utilization(gpu=gpu, model="gpt-oss-20b", **more).inputs}
    assert inputs["efficiency"] == engine


def test_a_data_centre_part_has_checkpoints_alone() -> None:
    rows = rows_of(gpu="h100")
    assert {row["weights_from"] for row in rows.values()} == {"checkpoint"}
    assert rows["gpt-oss-120b"]["dtype"] == "mxfp4"
    assert "llama-3.3-70b" not in rows, "141 GB in bf16"
    eight = rows_of(gpu="h100:8", family="deepseek")
    assert "deepseek-v3" not in eight, "671 GB in fp8 are more than 8 x 85 GB x 90%"
    assert eight["deepseek-v3.1-nvfp4"]["dtype"] == "nvfp4"


def test_a_model_that_so_many_devices_do_not_split_runs_on_fewer() -> None:
    """GPT-2 has 12 layers of 12 heads: at most 12 stages of 4 devices, as 8 do not divide its heads."""
    row = rows_of(gpu="h100:1024", family="gpt-2")["gpt-2"]
    assert row["gpus"] == 32
    assert row["tp"] * row["pp"] == 32


def test_nvfp4_is_for_parts_of_nvidia() -> None:
    names = {name for name in rows_of(gpu="mi300x:8") if name.endswith(("nvfp4", "bnb-nf4", "bnb-4bit"))}
    assert names == set()


def test_families_that_llama_cpp_has_not_are_in_no_file() -> None:
    rows = rows_of(gpu="apple-m4-max")
    assert not {"opt-13b", "gpt-j-6b", "internlm-20b"} & {*rows}
    assert "gemma-3-27b" in rows


def test_models_without_published_weights_are_left_out() -> None:
    assert not {"gpt-3-175b", "palm-540b", "mt-nlg-530b"} & {*rows_of(gpu="b300:64")}


def test_a_model_and_its_copies_are_one_row() -> None:
    names = list(rows_of(gpu="h100:8", family="qwen3"))
    assert [name for name in names if name.startswith("qwen3-30b-a3b-2507")] == ["qwen3-30b-a3b-2507"]
    assert len([name for name in names if name.startswith("qwen3-235b-a22b")]) == 2, "and the one of July"


def test_a_least_speed_takes_leaner_formats() -> None:
    """14.77e9 weights of 2 B come at 546 GB/s 18.5 times a second at best; of 8.5 bits 34.8 times."""
    plain = rows_of(gpu="apple-m4-max", family="qwen3")["qwen3-14b"]
    fast = rows_of(gpu="apple-m4-max", family="qwen3", min_tokens_per_s=20)["qwen3-14b"]
    assert plain["dtype"] == "bf16"
    assert plain["tokens_per_s_per_user"] < 546 / 29.5
    assert fast["dtype"] == "q8_0"
    assert 20 <= fast["tokens_per_s_per_user"] < 546 / 15.7


def test_a_host_takes_experts_of_what_does_not_fit_alone() -> None:
    alone, both = rows_of(gpu="rtx-5080"), rows_of(gpu="rtx-5080", host="desktop-ddr5")
    more = {name: row for name, row in both.items() if row["offload"]}
    assert set(both) - set(alone) == set(more)
    assert {row["offload"] for row in more.values()} == {"experts"}
    assert all(row["host_bytes"] > 0 for row in more.values())
    assert more["gpt-oss-120b"]["weight_bytes"] - more["gpt-oss-120b"]["host_bytes"] < 16e9
    assert both["qwen3-14b"] == alone["qwen3-14b"] | {"offload": None, "host_bytes": 0.0}
    dense = rows_of(gpu="rtx-5080", host="desktop-ddr5", offload="layers", family="qwen3")["qwen3-32b"]
    assert dense["offload"] == "layers"


def test_recent_models_come_first_and_then_the_larger() -> None:
    rows = list(rows_of(gpu="h100:8").values())
    newest = max(row["released"] for row in rows)
    since = f"{int(newest[:4]) - 2}{newest[4:]}"
    recent = [row["total_params"] for row in rows if row["released"] >= since]
    assert [row["released"] >= since for row in rows] == [True] * len(recent) + [False] * (len(rows) - len(recent))
    assert recent == sorted(recent, reverse=True)


@pytest.mark.parametrize("more", [(), ("--host", "desktop-ddr5")])
def test_its_rows_are_in_the_schema(more: tuple[str, ...], run: Run) -> None:
    schema = json.loads(run("schema", "fit").out)
    document = run("fit", "--gpu", "rtx-5080", "--family", "gpt-oss", *more, "--json").json
    fastjsonschema.compile(schema)(document)
    assert {key for row in document["rows"] for key in row} <= {*schema["properties"]["rows"]["items"]["properties"]}


def test_a_table_has_twenty_rows_and_scripts_have_all(run: Run) -> None:
    asked = ("fit", "--gpu", "rtx-4090", "--family", "qwen")
    document = run(*asked, "--json").json
    assert len(document["rows"]) > 30
    assert f"{len(document['rows'])} of " in document["verdict"]
    assert len(run(*asked, "--csv").out.splitlines()) == len(document["rows"]) + 1
    table = run(*asked, "--format", "plain").out
    assert sum(row["name"] in table for row in document["rows"][:20]) == 20
    assert run(*asked, "--limit", "3", "--json").json["rows"] == document["rows"][:3]


@grid(
    ("asked", "form"),
    [("rtx-4090", "plain"), ("apple-m4-max", "table"), ("h100:8", "plain"), ("rtx-5080 --host desktop-ddr5", "table")],
)
def test_it_fits_a_terminal(asked: str, form: str, run: Run) -> None:
    out = run("fit", "--gpu", *asked.split(), "--format", form).out
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 80


def test_a_family_is_looked_for_in_other_names_too(run: Run) -> None:
    """Qwen2.5-Coder 7B, an alias of qwen2.5-7b: 7.6e9 parameters of 4.9 bits are 4.7 GB, on a card of 6."""
    document = run("fit", "--gpu", "rtx-2060", "--family", "coder", "--json").json
    found, alias = document["rows"], "Qwen/Qwen2.5-Coder-7B-Instruct"
    assert [(row["name"], row["alias"]) for row in found] == [("qwen2.5-7b", alias)]
    assert f" is qwen2.5-7b ({alias}) in q4_k_m" in document["verdict"]
    assert [n["text"] for n in document["notes"] if n["code"] == "aliases"] == [
        f"found by another name: qwen2.5-7b ({alias})"
    ]
    by_name = rows_of(gpu="h100:8", family="coder")
    assert by_name["qwen3-coder-480b-a35b-fp8"]["alias"] == "", "its own name has it"
    assert by_name["qwen3-next-80b-a3b"]["alias"] == "Qwen/Qwen3-Coder-Next"
    assert "mixtral-8x7b" not in rows_of(gpu="h100:8", family="mistral"), "mistralai publishes it"


def test_where_nothing_fits_it_says_by_how_much(run: Run) -> None:
    """llama-3.2-1b keeps 16 layers x 2 x 8 heads x 64 x 2 B = 32,768 B a token: 274.9 GB of 64 x 131,072 tokens."""
    result = run("fit", "--gpu", "t4", "--context", "131072", "--batch", "64", "--family", "llama")
    assert result.code == 3
    said = " ".join(result.out.split())
    assert "None of" in said
    short = 274.9 + 2.47 - 0.9 * 16
    assert any(f"is {short + off:.0f}" in said for off in (-1, 0, 1)), said
    slow = run("fit", "--gpu", "t4", "--min-tokens-per-s", "100000", "--family", "llama")
    assert slow.code == 3
    assert "the fastest that fits is llama-3.2-1b" in " ".join(slow.out.split())


def test_where_none_of_a_family_fits_the_ways_of_its_smallest_are_told(run: Run) -> None:
    """What `--model` offers for the same card, and each holds with the family too; none beside a least speed."""
    asked = ("fit", "--gpu", "rtx-4080", "--family", "qwen2.5-coder-32b")
    family, one = run(*asked, "--json"), run(*asked[:3], "--model", "qwen2.5-coder-32b", "--json")
    assert "is 6.264 GB a device short. One card holds it in iq3_xs with its KV" in family.json["verdict"]
    assert family.json["advice"][:2] == one.json["advice"][:2]
    leaner = run(*asked, "--dtype", "iq3_xs", "--kv-dtype", "q8_0", "--json")
    assert leaner.json["verdict"].startswith("1 of 1 model fits on 1 x rtx-4080 ")
    assert run(*asked, "--min-tokens-per-s", "20", "--json").json["advice"] == []


@pytest.mark.parametrize(
    ("asked", "what", "hint"),
    [
        ("", "fit needs --gpu, and a model or none", "--gpu rtx-4090 alone which models fit"),
        ("--gpu h100 --tp 2", "--tp is of one model", "--model llama-3.1-70b"),
        ("--gpu h100 --sweep context=1k,2k", "--sweep is of one model", "--model"),
        ("--gpu h100 --steps", "shows the work of none", "--model"),
        ("--gpu h100 --plot", "has no picture", "--plot"),
        ("--gpu h100 --family qwn", "no model is of 'qwn'", "did you mean qwen"),
        ("--gpu h100 --model llama-3.1-8b --limit 3", "--limit chooses among models", "leave"),
        ("--gpu h100 --offload experts", "--offload needs --host", "--host"),
        ("--gpu apple-m4-max --host desktop-ddr5", "is the host's already", "leave --host out"),
        ("--gpu h100:8 --gpus 4", "disagree", "give the count once"),
        ("--gpu h100 --efficiency nosuch", "nosuch", "presets"),
    ],
)
def test_a_wrong_question(asked: str, what: str, hint: str, run: Run) -> None:
    result = run("fit", *asked.split())
    assert (result.code, result.out) == (2, "")
    assert what in result.err
    assert hint in result.err


def test_the_command_of_the_first_row_answers_for_it(run: Run) -> None:
    options = "--context 32k --batch 4 --kv-dtype q8_0 --set gpu.power=400W --usable 85%"
    document = run("fit", "--gpu", "rtx-4090:2", *options.split(), "--family", "qwen3", "--json").json
    (text,) = (note["text"] for note in document["notes"] if note["code"] == "see-row")
    _, _, command = text.partition("infercost ")
    first, alone = document["rows"][0], run(*shlex.split(command), "--json").json
    assert alone["results"]["longest_context"] == first["max_context"]
    assert alone["results"]["weight_bytes"] == first["weight_bytes"]
    assert {"kv_dtype": "q8_0", "usable": 0.85, "batch": 4, "gpus": 2}.items() <= alone["inputs"].items()


def test_models_may_still_be_swept(run: Run) -> None:
    rows = run("fit", "--gpu", "h100", "--sweep", "model=llama-3.1-8b,qwen3-8b", "--json").json["rows"]
    assert [row["model"] for row in rows] == ["llama-3.1-8b", "qwen3-8b"]


def test_an_encoder_has_no_speed(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """BERT base: 110M parameters, 512 positions."""
    config = {
        "model_type": "bert", "hidden_size": "768", "intermediate_size": "3072", "num_attention_heads": "12",
        "num_hidden_layers": "12", "max_position_embeddings": "512", "vocab_size": "30522", "torch_dtype": "float32",
    }  # fmt: skip
    preset = {
        "name": "BERT base", "source": {"title": "a test", "date": "2026-11"},
        "published": {"total": "110M", "source": "a test", "date": "2018-10"}, "config": config,
    }  # fmt: skip
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "bert-base.yaml").write_text(json.dumps(preset))
    monkeypatch.setenv("INFERCOST_PRESETS", str(tmp_path))
    document = run("fit", "--gpu", "h100", "--family", "bert", "--json").json
    (row,) = document["rows"]
    assert row["tokens_per_s_per_user"] is None
    assert "tokens_per_s_per_user is null: it reads whole texts" in str(document["notes"])
    assert run("fit", "--gpu", "h100", "--family", "bert", "--min-tokens-per-s", "1").code == 3


def test_files_are_offered_of_families_that_llama_cpp_lists_alone() -> None:
    """src/llama-arch.cpp at 00395eb2 has laguna, mellum and afmoe, and neither k2_horizon nor spark2_5."""
    for name in ("laguna-xs-2.1", "mellum2-12b-a2.5b", "trinity-mini"):
        assert has_file(find_model(name).model)
    for name in ("k2-horizon-32b", "spark-x2.5-4b", "qwen3.8-flash-next"):
        assert not has_file(find_model(name).model)
