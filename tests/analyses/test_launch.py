"""The command to paste serves what was asked, on the engine that the answer is for, and starts."""

import pytest

from infercost.models.find import find_model
from tests.conftest import Run


def command(run: Run, *args: str) -> tuple[str, str]:
    """The command, and why there is none."""
    said = run("fit", *args, "--json")
    assert said.code == 0, said.err
    why = " ".join(note["text"] for note in said.json["notes"] if note["code"] == "no-command")
    return said.json["engine_command"] or "", why


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("deepseek-r1", "deepseek-ai/DeepSeek-R1"),
        ("dsr1", "deepseek-ai/DeepSeek-R1"),
        ("deepseek-r1-671b", "deepseek-ai/DeepSeek-R1"),
        ("deepseek-v3", "deepseek-ai/DeepSeek-V3"),
        ("meta-llama/Llama-3.1-70B-Instruct", "meta-llama/Llama-3.1-70B-Instruct"),
        ("meta-llama/llama-3.1-70b-instruct", "meta-llama/Llama-3.1-70B-Instruct"),
        ("llama-3.1-70b-instruct", "meta-llama/Llama-3.1-70B-Instruct"),
        ("llama-3.1-nemotron-70b", "nvidia/Llama-3.1-Nemotron-70B-Instruct-HF"),
        ("qwen2.5-coder-7b", "Qwen/Qwen2.5-Coder-7B-Instruct"),
        ("gemma-2-27b-it", "google/gemma-2-27b-it"),
        ("codegemma-7b", "google/codegemma-7b"),
        ("mistral-small-2506", "mistralai/Mistral-Small-3.2-24B-Instruct-2506"),
        ("llama2-70b-99.9", "meta-llama/Llama-2-70b-chat-hf"),
        ("qwen3.6-27b", "Qwen/Qwen3.6-27B"),
        ("glm-5.3", "zai-org/GLM-5.3"),
        ("glm-5.3-fp8", "zai-org/GLM-5.3-FP8"),
        ("kimi-k2.7-code", "moonshotai/Kimi-K2.7-Code"),
        ("qwen3-coder-next", "Qwen/Qwen3-Coder-Next"),
        ("ministral-3-8b-reasoning-2512", "mistralai/Ministral-3-8B-Reasoning-2512"),
        ("gpt-3-175b", ""),
    ],
)
def test_the_weights_that_were_asked_for(asked: str, served: str) -> None:
    assert find_model(asked).hub_id == served


@pytest.mark.parametrize(
    ("args", "start", "flags"),
    [
        ("--gpu h100 --model llama-3.1-8b", "vllm serve meta-llama/Llama-3.1-8B", ("--max-model-len 8192",)),
        (
            "--gpu h200:8 --model deepseek-v3 --tp 8 --kv-dtype fp8 --efficiency sglang",
            "python -m sglang.launch_server --model-path deepseek-ai/DeepSeek-V3",
            ("--tp-size 8", "--context-length 8192", "--kv-cache-dtype fp8_e4m3"),
        ),
        (
            "--gpu h100 --model llama-3.1-8b --efficiency sglang --usable 80%",
            "python -m sglang.launch_server",
            ("--mem-fraction-static 0.8",),
        ),
        (
            "--gpu h200:8 --model deepseek-v3 --tp 1 --ep 8 --efficiency sglang",
            "python -m sglang.launch_server",
            ("--tp-size 8", "--dp-size 8", "--ep-size 8", "--enable-dp-attention"),
        ),
        (
            "--gpu h100:2 --model llama-3.1-70b-fp8 --efficiency tensorrt-llm --max-sequences 64",
            "trtllm-serve nvidia/Llama-3.1-70B-Instruct-FP8",
            ("--tp_size 2", "--max_seq_len 8192", "--max_batch_size 64", "--kv_cache_free_gpu_memory_fraction 0.9"),
        ),
        ("--gpu v100 --model qwen3-8b", "vllm serve Qwen/Qwen3-8B", ("--dtype half",)),
        ("--gpu t4:2 --model qwen3-8b --dtype bf16", "vllm serve", ("--dtype half", "--tensor-parallel-size 2")),
        ("--gpu t4 --model qwen2.5-7b-awq", "vllm serve Qwen/Qwen2.5-7B-Instruct-AWQ", ("--dtype half",)),
        ("--gpu v100 --model qwen3-4b --efficiency sglang", "python -m sglang.launch_server", ("--dtype half",)),
    ],
)
def test_the_engine_that_was_planned_for(args: str, start: str, flags: tuple[str, ...], run: Run) -> None:
    line, why = command(run, *args.split())
    assert line.startswith(start)
    assert [flag for flag in flags if flag not in line] == []
    assert ("bfloat16" in line, why) == (False, "")


def test_sglang_finds_its_share_itself(run: Run) -> None:
    line, _ = command(run, "--gpu", "h100", "--model", "llama-3.1-8b", "--efficiency", "sglang")
    assert "--mem-fraction-static" not in line


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("--gpu apple-m4-max --model llama-3.1-8b", "llama.cpp loads a GGUF file of"),
        ("--gpu apple-m4-max --model llama-3.1-8b --efficiency vllm", "vLLM does not run on apple-m4-max"),
        ("--gpu cerebras-wse3 --model llama-3.1-8b", "no engine of cerebras-wse3"),
        ("--gpu epyc-turin --model llama-3.1-8b --efficiency vllm", "vLLM does not run on epyc-turin"),
        ("--gpu mi300x --model llama-3.1-8b --efficiency tensorrt-llm", "TensorRT-LLM does not run on mi300x"),
        ("--gpu v100 --model llama-3.1-8b --efficiency tensorrt-llm", "no part without bf16"),
        ("--gpu h100 --model llama-3.1-8b --efficiency llama.cpp", "llama.cpp loads a GGUF file of"),
        ("--gpu h100 --model llama-3.1-8b --efficiency ideal", "of no engine of today"),
        ("--gpu h100 --model llama-3.1-8b --efficiency lmdeploy", "of no engine of today"),
        ("--gpu h100 --model llama-3.1-8b --dtype awq", "vLLM loads awq only from a checkpoint"),
        ("--gpu h100 --model llama-3.1-8b --dtype fp8 --efficiency tensorrt-llm", "TensorRT-LLM loads fp8 only"),
        ("--gpu h200:8 --model deepseek-v3 --tp 1 --ep 8 --efficiency tensorrt-llm", "enable_attention_dp"),
    ],
)
def test_no_command_where_none_would_run(args: str, said: str, run: Run) -> None:
    line, why = command(run, *args.split())
    assert line == ""
    assert said in why


HYBRID = "--model qwen3.8-27b --dtype bf16 --gpu rtx-pro-6000:1 --usable 0.95 --context"


@pytest.mark.parametrize("context", ["131072", "262144"])
def test_a_recurrent_model_asks_for_no_more_sequences_than_states(context: str, run: Run) -> None:
    """vllm-project/recipes issue 831: 1,024 sequences are wanted, 556 blocks are there, and the engine refuses."""
    line, _ = command(run, *HYBRID.split(), context)
    words = line.split()
    said = run("fit", *HYBRID.split(), context, "--json").json
    assert int(words[words.index("--max-num-seqs") + 1]) == said["results"]["max_sequences"] <= 556
    assert any(note["code"] == "state-blocks" for note in said["notes"])


def test_what_was_asked_for_is_told(run: Run) -> None:
    assert "--max-num-seqs 64" in command(run, "--gpu", "h100", "--model", "qwen3-8b", "--max-sequences", "64")[0]
    assert "--max-num-seqs" not in command(run, "--gpu", "h100", "--model", "qwen3-8b")[0]


def test_a_recurrent_model_is_started_for_the_sequences_that_there_is_room_for(run: Run) -> None:
    """States of 256 sequences are more than the pool of a small part has: the flag is the room that is said."""
    asked = ("--gpu", "l4", "--model", "nemotron-nano-9b-v2")
    said = run("fit", *asked, "--json").json
    room = said["results"]["max_sequences"]
    assert f"room for {room} such sequences" in said["verdict"]
    assert command(run, *asked)[0].endswith(f"--max-num-seqs {room}")
    assert command(run, *asked, "--max-sequences", "9")[0].endswith("--max-num-seqs 9")
    assert "states of sequences left out" in run("fit", *asked, "--format", "markdown").out


@pytest.mark.parametrize(
    ("engine", "flag"),
    [("vllm", "--max-num-seqs"), ("sglang", "--max-running-requests"), ("tensorrt-llm", "--max_batch_size")],
)
def test_a_cache_that_holds_fewer_than_an_engine_starts_with_is_told(engine: str, flag: str, run: Run) -> None:
    """vLLM starts 256 on an A100 (EngineArgs.get_batch_defaults), SGLang 2,048; 8,000 tokens of 64 layers are 2.1 GB.

    A layer has 8 heads of 128 values twice in 16 bits: 262,144 B a token, half of them on each of two. Two A100s hold
    65.5 GB of weights and some 80 GB more: at 80 tokens a sequence that is more than any of them starts.
    """
    asked = ("--gpu", "a100-80gb:2", "--model", "qwen3-32b", "--tp", "2", "--efficiency", engine)
    for more in (("--context", "8k"), ("--context", "8k", "--kv-dtype", "fp8")):
        words = command(run, *asked, *more)[0].split()
        held = int(words[words.index(flag) + 1])
        results = run("fit", *asked, *more, "--json").json["results"]
        token = 64 * 2 * 8 * 128 * (1 if "fp8" in more else 2) / 2  # on each of two
        assert held == int(results["kv_pool_bytes_per_gpu"] / (8000 * token))
    assert flag not in command(run, *asked)[0]  # nobody said how long
    assert flag not in command(run, *asked, "--context", "80")[0]


def test_groups_of_sglang_share_their_number_and_those_of_vllm_have_it_each(run: Run) -> None:
    asked = ("--gpu", "h200:8", "--model", "deepseek-v3", "--tp", "1", "--ep", "8", "--context", "128k", "--efficiency")
    vllm, sglang = (command(run, *asked, engine)[0].split() for engine in ("vllm", "sglang"))
    results = [run("fit", *asked, engine, "--json").json["results"] for engine in ("vllm", "sglang")]
    assert int(vllm[vllm.index("--max-num-seqs") + 1]) == results[0]["max_sequences"] // 8
    assert int(sglang[sglang.index("--max-running-requests") + 1]) == results[1]["max_sequences"] // 8 * 8


def test_a_command_over_two_nodes_says_what_each_needs(run: Run) -> None:
    """405B in 16 bits are 812 GB, on two nodes of eight."""
    asked = ("fit", "--model", "llama-3.1-405b", "--gpu", "h100")
    notes = {note["code"]: note["text"] for note in run(*asked, "--json").json["notes"]}
    assert notes["nodes"].startswith("a replica spans 2 nodes: start Ray on the first")
    assert "spans" not in run(*asked[:2], "llama-3.1-70b", *asked[3:]).err


@pytest.mark.parametrize(
    ("engine", "flag"),
    [("vllm", "--max-num-batched-tokens 2048"), ("sglang", "--chunked-prefill-size 2048"),
     ("tensorrt-llm", "--max_num_tokens 2048")],
)  # fmt: skip
def test_prompt_tokens_of_a_pass_are_told_to_the_engine(engine: str, flag: str, run: Run) -> None:
    asked = f"--model llama-3.1-8b --gpu h100 --efficiency {engine}".split()
    assert flag in command(run, *asked, "--chunk-tokens", "2048")[0]
    assert flag.split()[0] not in command(run, *asked)[0]
