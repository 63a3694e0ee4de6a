"""A guard for refactoring: what the command line says to many questions, recorded once and compared afterwards.

    python tools/golden.py record DIR     run every question, keep the answers in DIR/golden.json
    python tools/golden.py compare DIR    run the recorded questions again and say what differs

A question is a line as for a shell: ``NAME=value`` before it sets a variable, ``< FILE`` after it is standard input.
``{tmp}`` is the folder of the input files below, ``{out}`` one where only this question writes.
"""

import argparse
import difflib
import fcntl
import gc
import hashlib
import importlib
import json
import math
import os
import pkgutil
import re
import shlex
import shutil
import signal
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

ROOT = Path(__file__).resolve().parent.parent
TMP = Path(tempfile.gettempdir()) / "infercost-golden"
RECORDING = "golden.json"
TIME_LIMIT_S = 60
#: Loaded once, before the questions.
PRELOADED = ("matplotlib.figure", "numpy", "rich.console", "rich.table", "scipy.optimize", "yaml")
#: Variables that change the output are taken away; these are given.
TAKEN = ("FORCE_COLOR", "HF_TOKEN", "INFERCOST_PRESETS", "NO_COLOR", "PYTHONIOENCODING")
GIVEN = {
    "COLUMNS": "80",
    "HF_HOME": str(TMP / "hub"),
    "HF_HUB_OFFLINE": "1",
    "MPLCONFIGDIR": str(TMP / "matplotlib"),
    "OPENBLAS_NUM_THREADS": "1",
    "TERM": "xterm-256color",
}
#: Keys of JSON answers that hold English.
ENGLISH = ("advice", "steps", "text", "verdict")

COMMANDS = (
    *("fit", "utilization", "sweep-batch", "userbase", "economies", "frontier"),
    *("compare", "validate", "calibrate", "presets"),
)
SERVICE = "--model llama-3.1-70b --gpu h100:4 --messages-per-day 8 --isl 1155 --osl 211"
RESULTS = "tests/data/results"
TRACES = "tests/data/traces"

#: Endings that are tried after each of the lines below them.
FORMS = (
    "--json --steps --sources",
    "--csv",
    "--format plain --steps --sources",
    "--format table --sources",
    "--format markdown --steps",
)
IN_EVERY_FORM = f"""
fit --gpu h100-note --params 1.6e12
fit --gpu h100:4 --model llama-3.1-70b --batch 8
fit --gpu h200:8 --model qwen3-235b-a22b --context 16k
fit --gpu h200:16 --model deepseek-v3
fit --gpu h100 --model gemma-3-27b
fit --gpu a100:2 --model nemotron-h-56b
utilization --gpu h100 --params 1.6e12 --price 2
utilization --gpu h100:4 --model llama-3.1-70b --batch 16 --price 2 --isl 1000 --osl 200
utilization --gpu h200:8 --model qwen3-235b-a22b --batch 32 --ep 8
utilization --gpu h200:16 --model deepseek-v3 --batch 64
utilization --gpu h100 --model gpt-oss-120b --batch 4
utilization --gpu rtx-4090 --model qwen3-14b --dtype q4_k_m --power-price 0.30 --json --steps
utilization --gpu h100:4 --model qwen3-next-80b-a3b --batch 8
sweep-batch --gpu h100-note --params 1.6e12 --price 2
sweep-batch --gpu h100:4 --model llama-3.1-70b --batch 1,8,64
sweep-batch --gpu h100:2 --model mixtral-8x7b --batch 1:64
sweep-batch --gpu h200:16 --model deepseek-v3 --batch 1,64
sweep-batch --gpu h100 --model gemma-3-27b --batch 1,4
sweep-batch --gpu h100 --model jamba-v0.1 --gpus 2 --batch 1,4
userbase --concurrent 1000
userbase --users 100k --gpu h100-note --params 1.6e12 --price 2
userbase --users 100k {SERVICE}
userbase --users 10k --gpu h200:8 --model qwen3-235b-a22b
userbase --users 10k --gpu h200:16 --model deepseek-v3
userbase --users 10k --gpu h100 --model gemma-3-27b
userbase --users 10k --gpu a100:2 --model nemotron-h-56b
economies --gpu h100-note --params 1.6e12 --price 2 --points 4
economies {SERVICE} --points 4
economies --gpu h200:8 --model qwen3-235b-a22b --points 3
economies --gpu h200:16 --model deepseek-v3 --points 3
economies --gpu h100 --model gemma-3-27b --points 3
economies --gpu h100:4 --model qwen3-next-80b-a3b --points 3
frontier --model llama-3.1-8b --gpu h100 --max-gpus 8 --best knee
frontier --model mixtral-8x7b --gpu h100 --max-gpus 8 --best cost
frontier --model deepseek-v3 --gpu h200 --max-gpus 32 --best speed
frontier --model gemma-3-27b --gpu h100 --max-gpus 4 --best knee
frontier --model nemotron-h-56b --gpu h100 --max-gpus 8 --best knee
compare h100-note human-brain
compare h100 b200 mi300x --model llama-3.1-8b
validate {RESULTS}/measurements.csv
calibrate {RESULTS}/llama_bench.json --gpu rtx-4090 --model llama-3.1-8b
presets show h100
presets list traffic
"""

#: Each line is one question.
QUESTIONS = f"""
# the program
--version
--help
nothing-at-all

# fit: bare counts and formats
fit --gpu h100 --params 70B
fit --gpu h100 --params 70B --dtype bf16
fit --gpu h100 --params 70B --dtype fp32
fit --gpu h100 --params 70B --dtype int4 --gpus 1
fit --gpu h100:16 --params 671B --active-params 37B
fit --gpu b200 --params 1.6T --dtype fp4 --usable 80%
fit --gpu h100 --params 1.6e12 --set gpu.memory=192GB
fit --gpu h100 --params 1.6e12 --efficiency realistic
fit --gpu rtx-4090 --params 7B --dtype 4bit
fit --gpu v100 --params 7B --dtype fp16
# fit: named models
fit --gpu h100:4 --model llama-3.1-70b --context 16k --batch 8 --json
fit --gpu h100:4 --model llama-3.1-70b --kv-dtype fp8 --json
fit --gpu b200:8 --model llama-3.1-405b --tp 8 --json
fit --gpu h100:16 --model llama-3.1-405b --tp 8 --pp 2 --json
fit --gpu h100:16 --model deepseek-v3 --tp 8 --ep 16 --json
fit --gpu h100 --model deepseek-v3 --dtype fp8 --json
fit --gpu gb200:8 --model deepseek-v3.2 --json
fit --gpu b200:8 --model deepseek-v3.1-nvfp4 --json
fit --gpu b200:8 --model kimi-k2.5-nvfp4 --json
fit --gpu h200:8 --model kimi-k2-thinking --json
fit --gpu h100:8 --model minimax-m2.5 --json
fit --gpu h100:8 --model llama-4-scout --context 1M --json
fit --gpu h100 --model gpt-oss-20b --json
fit --gpu h100 --model gemma-3-27b --context 128k --json
fit --gpu h100 --model gemma-2-9b --json
fit --gpu h100 --model gemma-4-26b-a4b --json
fit --gpu h100 --model granite-4.0-h-tiny --json
fit --gpu h100 --model mamba-codestral-7b --json
fit --gpu h100 --model nemotron-3-nano-30b-a3b-nvfp4 --json
fit --gpu h100:4 --model qwen3.5-122b-a10b --json
fit --gpu h100:8 --model mimo-v2-flash --json
fit --gpu h100 --model phi-3-mini --json
fit --gpu a100 --model falcon-7b --json
fit --gpu a100:8 --model bloom-176b --json
fit --gpu t4 --model gpt-2-xl --json
fit --gpu h100 --model qwen2.5-vl-7b --json
fit --gpu l40s --model llama-2-7b-gptq --json
fit --gpu l4 --model qwen2.5-7b-awq --json
fit --gpu a100 --model qwen2.5-72b-awq --json
fit --gpu rtx-4090 --model phi-4-bnb-4bit --json
fit --gpu h100:2 --model llama-3.1-70b-w8a8 --json
fit --gpu h100 --model llama-3.1-8b --dtype fp32 --json
fit --gpu h100 --model llama-3.1-8b --dtype int8 --kv-dtype int8 --json
fit --gpu h100 --model llama-3.1-8b --efficiency vllm --json
fit --gpu h100 --model llama-3.1-8b --efficiency ideal --json
fit --gpu h100 --model llama-3.1-8b --efficiency erdil-2025 --json
fit --gpu m3-ultra --model llama-3.1-70b --efficiency llama.cpp-metal --json
fit --gpu tpu-v5e:8 --model llama-3.1-8b --json
fit --gpu h100 --model meta-llama/Llama-3.1-8B-Instruct --json
# fit: models and presets of one's own
fit --gpu h100 --model {{tmp}}/config.json --json
fit --gpu h100 --model {{tmp}}/checkpoint --json
fit --gpu h100 --model {{tmp}}/checkpoint/model.safetensors.index.json --json
fit --gpu h100 --model {{tmp}}/tiny.gguf --json --sources
fit --gpu h100 --model {{tmp}}/zamba.json --json
fit --gpu {{tmp}}/part.yaml:2 --params 70B --json
INFERCOST_PRESETS={{tmp}}/presets fit --gpu my-part --params 70B --json
INFERCOST_PRESETS={{tmp}}/presets presets path
FORCE_COLOR=1 fit --gpu h100:4 --model llama-3.1-70b
FORCE_COLOR=1 NO_COLOR=1 fit --gpu h100 --params 70B
COLUMNS=120 fit --gpu h100:4 --model llama-3.1-70b --format table
COLUMNS=60 fit --gpu h100:4 --model llama-3.1-70b --format table --sources
PYTHONIOENCODING=ascii fit --gpu h100:4 --model llama-3.1-70b --format table --plot
# fit: many at once
fit --gpu h100:4 --model llama-3.1-70b --sweep context=1k:64k
fit --gpu h100:4 --model llama-3.1-70b --sweep context=1k,64k --sweep batch=1:8 --json
fit --gpu h100 --params 70B --sweep gpu.memory=80GB:320GB:x2 --csv
fit --model llama-3.1-8b --sweep gpu=h100,b200,l4 --format table
fit --gpu h100:4 --model llama-3.1-70b --sensitivity
fit --gpu h100-note --params 1.6e12 --sensitivity --json
fit --gpu h100 --model llama-3.1-70b --gpus 1 --sensitivity --json
# fit: does not fit
fit --gpu h100:1 --model llama-3.1-70b
fit --gpu h100 --params 1.6e12 --gpus 4
fit --gpu h100:4 --model llama-3.1-70b --context 128k --batch 64 --json
fit --gpu l4 --model llama-3.1-8b --context 100k
fit --gpu h100 --model llama-3.1-70b --gpus 1 --sweep batch=1,2

# utilization: bare counts
utilization --gpu h100 --params 70B --batch 8
utilization --gpu h100 --params 671B --active-params 37B --batch 64 --json
utilization --gpu h100:8 --params 70B --layers 80 --hidden-size 8192 --json
utilization --gpu h100:8 --params 70B --layers 80 --hidden-size 8k --activation-dtype fp8 --efficiency realistic --json
utilization --gpu h100-note --params 1.6e12 --batch 500
utilization --gpu h100-note --params 1.6e12 --batch 100 --overlap full --json
utilization --gpu h100-note --params 1.6e12 --batch 100 --overlap operator --json
utilization --gpu h100-note --params 1.6e12 --batch 100 --overlap none --json
utilization --gpu h100-note --params 1.6e12 --set gpu.memory_bandwidth=3PB/s --set gpu.link_bandwidth=2TB/s --json
utilization --gpu h100 --params 7B --dtype fp32 --json
utilization --gpu human-brain --params 100T --json
# utilization: named models
utilization --gpu h100:4 --model llama-3.1-70b
utilization --gpu h100:8 --model llama-3.1-405b-fp8 --tp 8 --batch 32 --context 4k --json
utilization --gpu h100:16 --model llama-3.1-405b --tp 8 --pp 2 --batch 32 --json
utilization --gpu h100:4 --model llama-3.1-70b --batch 16 --overlap full --json
utilization --gpu h100:4 --model llama-3.1-70b --batch 16 --overlap operator --json
utilization --gpu h100:4 --model llama-3.1-70b --batch 16 --overlap none --json
utilization --gpu h100:4 --model llama-3.1-70b --batch 16 --efficiency ideal --json
utilization --gpu h100:4 --model llama-3.1-70b --batch 16 --efficiency realistic --usable 95% --json
utilization --gpu h100:4 --model llama-3.1-70b --batch 16 --efficiency vllm --json
utilization --gpu h100:4 --model llama-3.1-70b --batch 16 --efficiency vllm-2024 --json
utilization --gpu h100:4 --model llama-3.1-70b --batch 16 --efficiency tensorrt-llm --json
utilization --gpu h100:4 --model llama-3.1-70b --batch 16 --efficiency tensorrt-llm-2023 --json
utilization --gpu h100:4 --model llama-3.1-70b --batch 16 --efficiency lmdeploy --json
utilization --gpu h100:4 --model llama-3.1-70b --batch 16 --efficiency deepspeed --json
utilization --gpu h100:4 --model llama-3.1-70b --batch 16 --efficiency erdil-2025 --json --steps
utilization --gpu h100:8 --model mixtral-8x22b --batch 16 --efficiency erdil-2025 --context 0 --json
utilization --gpu a100:8 --model opt-175b --batch 4 --efficiency fastertransformer --json
utilization --gpu a100 --model llama-2-7b --dtype int4 --efficiency autoawq --json
utilization --gpu rtx-4090 --model llama-3.1-8b --dtype int4 --efficiency llama.cpp --json
utilization --gpu m2-ultra --model llama-3.1-8b --dtype int4 --efficiency llama.cpp-metal --json
utilization --gpu h100:4 --model llama-3.1-70b --efficiency {{tmp}}/simple.yaml --json
utilization --gpu h100:4 --model llama-3.1-70b --set efficiency.memory_share=0.5 --json
utilization --gpu h200:16 --model deepseek-v3 --tp 8 --ep 16 --batch 256 --json
utilization --gpu h200:8 --model deepseek-v3 --tp 1 --ep 8 --batch 128 --price 3 --json
utilization --gpu gb200:8 --model deepseek-v3.2 --batch 64 --context 64k --json
utilization --gpu b200:8 --model kimi-k2.5-nvfp4 --batch 64 --json
utilization --gpu b200:4 --model deepseek-v4-flash --batch 64 --json
utilization --gpu h200:8 --model minimax-m3 --batch 16 --json
utilization --gpu h100 --model gpt-oss-20b --batch 16 --context 32k --json
utilization --gpu h100 --model gemma-3-12b --batch 4 --context 64k --kv-dtype fp8 --json
utilization --gpu h100:2 --model llama-4-scout-fp8-dynamic --batch 4 --json
utilization --gpu h100:2 --model nemotron-h-56b --batch 8 --json
utilization --gpu h100 --model nemotron-3-nano-30b-a3b --batch 8 --json
utilization --gpu h100:2 --model jamba-v0.1 --batch 8 --json
utilization --gpu h100 --model granite-4.0-h-tiny --batch 8 --json
utilization --gpu h100 --gpus 4 --model qwen3.5-122b-a10b --batch 8 --json
utilization --gpu h100 --model mamba-codestral-7b --batch 8 --json
utilization --gpu mi300x --model qwen3-32b --batch 8 --json
utilization --gpu h100 --model llama-3.1-8b --dtype fp32 --batch 8 --json
utilization --gpu h100 --model {{tmp}}/tiny.gguf --batch 8 --json --steps
utilization --gpu h100 --model {{tmp}}/zamba.json --batch 8 --json --steps
utilization --gpu l40s --model llama-2-7b-gptq --batch 2 --json
# utilization: requests, loads and drafts
utilization --gpu h100:4 --model llama-3.1-70b --batch 16 --isl 2000 --osl 300 --json --steps
utilization --gpu h100:4 --model llama-3.1-70b --batch 16 --input-tokens 2000 --output-tokens 1 --json
utilization --gpu h100:4 --model llama-3.1-70b --batch 16 --isl 2000 --osl 300 --prefix-share 50% --json
utilization --gpu h100:4 --model llama-3.1-70b --batch 16 --isl 2000 --osl 300 --shared-prefix 1000 --json
utilization --gpu h100:4 --model llama-3.1-70b --batch 16 --isl 2000 --osl 300 --chunk-tokens 512 --json
utilization --gpu h100:4 --model llama-3.1-70b --isl 2000 --osl 300 --request-rate 2 --json --steps
utilization --gpu h100:4 --model llama-3.1-70b --isl 2000 --osl 300 --request-rate 0.5 --max-sequences 8 \
--chunk-tokens 1k
utilization --gpu h100:4 --model llama-3.1-70b --isl 2000 --osl 300 --request-rate 1 --disaggregated --json --steps
utilization --gpu h100:4 --model llama-3.1-70b --isl 2000 --osl 300 --batch 8 --disaggregated
utilization --gpu h200:16 --model deepseek-v3 --isl 2000 --osl 300 --request-rate 5 --efficiency vllm --json
utilization --gpu h100:4 --model llama-3.1-70b --isl 2000 --osl 500 --request-rate 50 --json
utilization --gpu h100:4 --model llama-3.1-70b \
--draft-tokens 4 --acceptance 80% --draft-model llama-3.1-8b --json --steps
utilization --gpu h100:4 --model llama-3.1-70b --draft-tokens 4 --acceptance 0.7 --draft-cost 5% --batch 8 --json
# utilization: many at once
utilization --gpu h100:4 --model llama-3.1-70b --price 2 --sweep context=1k:32k
utilization --gpu h100:4 --model llama-3.1-70b --sweep context=1k,8k --sweep batch=1:64 --json
utilization --gpu h100-note --params 1.6e12 --sweep gpu.memory_bandwidth=3TB/s:3PB/s:x10 --csv
utilization --gpu h100 --model llama-3.1-8b --sweep dtype=bf16,fp8,int4 --sweep kv_dtype=bf16,fp8 --format markdown
utilization --gpu h100 --model llama-3.1-8b --sweep efficiency=ideal,realistic,vllm --format table
utilization --gpu h100 --model llama-3.1-8b --sweep efficiency.memory_share=0.5:0.9:0.1 --format table
utilization --gpu h100:8 --model llama-3.1-70b --sweep tp=1,2,4,8 --json
utilization --gpu h100:4 --model llama-3.1-70b --isl 1k --osl 200 --sweep request-rate=1:8 --plot
utilization --gpu h100:4 --model llama-3.1-70b --batch 8 --price 2 --sensitivity --format table
utilization --gpu h200:16 --model deepseek-v3 --batch 64 --sensitivity --json
utilization --gpu h100-note --params 1.6e12 --sensitivity --csv
# utilization: no answer
utilization --gpu h100:1 --model llama-3.1-70b
utilization --gpu h100:1 --model llama-3.1-70b --isl 1000 --osl 10 --request-rate 0.5
utilization --gpu h100:2 --model llama-3.1-70b --draft-tokens 4 --acceptance 0.7 --draft-model llama-3.1-8b --json
utilization --gpu h100:2 --model llama-3.1-70b --sweep context=100k,128k

# sweep-batch
sweep-batch --gpu h100 --params 70B --price 2 --json
sweep-batch --gpu h100 --params 671B --active-params 37B --batch 1:1024:x4 --csv
sweep-batch --gpu h100:8 --params 70B --layers 80 --hidden-size 8192 --activation-dtype bf16 --batch 8:64:8 --json
sweep-batch --gpu h100:4 --model llama-3.1-70b --context 4k --kv-dtype fp8 --tp 4 --pp 1 --ep 1 --json
sweep-batch --gpu h100 --gpus 8 --model llama-3.1-70b --dtype fp8 --efficiency vllm --usable 0.95 --json
sweep-batch --gpu h100:4 --model llama-3.1-70b --overlap none --set gpu.memory_bandwidth=4TB/s --json
sweep-batch --gpu h100:4 --model llama-3.1-70b --efficiency erdil-2025 --context 0 --json
sweep-batch --gpu h200:16 --model deepseek-v3 --tp 8 --ep 16 --batch 1:1024 --json
sweep-batch --gpu h100-note --params 1.6e12 --price 2 --plot
sweep-batch --gpu h100:4 --model llama-3.1-70b --format table --plot
sweep-batch --gpu h100:1 --model llama-3.1-70b

# userbase: without a model
userbase --users 1M --json --steps
userbase --concurrent 1 --format table
userbase --concurrent 1000 --minutes-per-day 10 --trough-to-mean 67% --peak-to-mean 1.35 --json
userbase --users 1M --minutes-per-day 20 --decoding-share 18% --json
userbase --users 1M --minutes-per-day 1h
# userbase: a service
userbase --gpu h100-note --params 1.6e12 --price 2
userbase --gpu h100-note --params 671B --active-params 37B --dtype 8bit --concurrent 1000 --json
userbase --gpu h100:8 --params 70B --layers 80 --hidden-size 8192 --activation-dtype bf16 --users 10k \
--overlap full --json
userbase --users 1M {SERVICE} --traffic chat-global --max-tpot 40ms --max-wait-probability 1%
userbase --users 1M {SERVICE} --traffic chat-global --max-tpot 40ms --max-wait-probability 1% --format table --steps
userbase --users 100k {SERVICE} --traffic work --scale-down --json
userbase --users 100k {SERVICE} --traffic coding-week --burstiness 3 --max-wait-probability 1% --json --steps
userbase --users 100k {SERVICE} --traffic one-region --max-ttft 500ms --prefix-share 50% --json
userbase --users 100k {SERVICE} --traffic {{tmp}}/day.yaml --chunk-tokens 1k --max-sequences 32 --json
userbase --users 1000 {SERVICE} --replicas 4 --price 2.10 --json
userbase --concurrent 100 {SERVICE} --json
userbase --concurrent 100 --model llama-3.1-70b --gpu h100:4 --input-tokens 2000 --output-tokens 300 --json
userbase --users 100k --model llama-3.1-70b --gpu h100 --gpus 8 --tp 4 --pp 2 --ep 1 --context 4k --kv-dtype fp8 --json
userbase --users 100k --model llama-3.1-70b --gpu h100:4 --batch 16
userbase --users 100k {SERVICE} --efficiency vllm --usable 0.95 --set gpu.rent=2.5 --json
userbase --users 100k {SERVICE} --purchase-price 30k --years 4 --interest 8% --power-price 0.08 --pue 1.2 --json --steps
userbase --users 100k {SERVICE} --purchase-price 30000 --years 5 --price 2.5
userbase --users 10k --model deepseek-v3 --gpu h200:16 --traffic flat --dtype fp8 --json
userbase --users 10k --model llama-3.1-70b --gpu h100:4 --trace {TRACES}/azure_2023.csv
userbase --users 10k --model llama-3.1-70b --gpu h100:4 --trace {TRACES}/azure_2024.csv --json --sources
userbase --users 10k --model llama-3.1-70b --gpu h100:4 --trace {TRACES}/burstgpt_1.csv --json
userbase --users 10k --model llama-3.1-70b --gpu h100:4 --trace {TRACES}/burstgpt_3.csv --messages-per-day 8 --json
userbase --users 10k --model llama-3.1-70b --gpu h100:4 --trace {TRACES}/mooncake.jsonl --json --steps
# userbase: cannot be met
userbase --users 1000 {SERVICE} --max-tpot 1ms
userbase --users 1000 {SERVICE} --max-ttft 1ms --json
userbase --users 10M {SERVICE} --replicas 1 --max-wait-probability 1%
userbase --users 1M --model llama-3.1-70b --gpu h100:1 --json
userbase --concurrent 1e15 {SERVICE}

# economies
economies --gpu h100-note --params 1.6e12
economies --gpu h100-note --params 1.6e12 --price 2 --json --steps
economies --gpu h100 --params 671B --active-params 37B --dtype fp8 --gpus 16 --price 2 --points 3 --json
economies --gpu h100:8 --params 70B --layers 80 --hidden-size 8192 --activation-dtype bf16 --points 3 --json
economies {SERVICE} --points 3 --traffic chat-global --max-tpot 40ms --max-wait-probability 1% --json --steps
economies {SERVICE} --points 3 --traffic work --scale-down --format table
economies {SERVICE} --points 3 --traffic work --burstiness 2 --max-ttft 1s --prefix-share 30% --json
economies {SERVICE} --points 3 --chunk-tokens 1k --max-sequences 64 --api-price 0.60 --json
economies {SERVICE} --points 3 --purchase-price 30k --years 4 --interest 8% --power-price 0.08 --pue 1.2 --json --steps
economies {SERVICE} --users 20k --json
economies {SERVICE} --users 20k --points 5 --price 2.10 --overlap none --format table
economies --model llama-3.1-70b --gpu h100:4 --points 3 --minutes-per-day 20 --decoding-share 18% --json
economies --model llama-3.1-70b --gpu h100:8 --tp 4 --pp 2 --ep 1 --context 4k --kv-dtype fp8 --points 3 --json
economies --model llama-3.1-70b --gpu h100:4 --efficiency vllm --usable 0.95 --set gpu.rent=2.5 --points 3 --json
economies --model llama-3.1-70b --gpu h100:4 --trace {TRACES}/azure_2023.csv --points 3 --json
economies --model llama-3.1-70b --gpu h100:4 --trace {TRACES}/hourly.csv --points 3 --json
economies --model llama-3.1-70b --gpu h100:4 --input-tokens 2000 --output-tokens 300 --points 3 --json
economies --model llama-3.1-70b --gpu h100:4 --gpu h200:2 --gpu mi300x:2 --points 3
economies --model llama-3.1-70b --gpu h100:4 --gpu h200:2 --points 3 --json
economies --model llama-3.1-70b --gpu h100:4 --gpu h200:2 --points 3 --format table --plot
economies --model llama-3.1-70b --users 20k --sweep gpu=h100:4,h200:2 --sweep traffic=flat,work --json
economies --model llama-3.1-70b --gpu h100:4 --sweep users=1k:1M:x10 --format table --plot
economies --gpu h100-note --params 1.6e12 --price 2 --sensitivity
economies {SERVICE} --users 20k --sensitivity --json
economies {SERVICE} --max-tpot 1ms
economies --gpu h100:1 --model llama-3.1-70b --json

# frontier
frontier --model llama-3.1-8b --gpu h100 --max-gpus 8
frontier --model llama-3.1-8b --gpu h100 --max-gpus 8 --json
frontier --model llama-3.1-8b --gpu h100 --max-gpus 8 --csv
frontier --model llama-3.1-8b --gpu h100 --gpu l40s --max-gpus 4 --format table --plot
frontier --model llama-3.1-8b --model qwen3-8b --gpu h100 --max-gpus 4 --format table
frontier --model llama-3.1-8b --model qwen3-8b --gpu h100 --gpu b200 --max-gpus 2 --batch 1:64 --json
frontier --model llama-3.1-70b --gpu h100 --dtype bf16,fp8 --kv-dtype fp8 --max-gpus 8 --batch 1:64 --json
frontier --model llama-3.1-70b --gpu h100 --gpus 8 --tp 4 --pp 2 --ep 1 --context 4k --batch 1,8,64 --json
frontier --model mixtral-8x7b --gpu h100:4 --ep 4 --batch 1:64 --json
frontier --model llama-3.1-70b --gpu h100 --isl 2000 --osl 300 --prefix-share 50% --max-gpus 8 --batch 1:64 --json
frontier --model llama-3.1-70b --gpu h100 --input-tokens 2000 --output-tokens 300 --max-gpus 8 --batch 1:16 --json
frontier --model llama-3.1-70b --gpu h100 --efficiency vllm --overlap full --usable 95% --price 2 \
--max-gpus 8 --batch 1:64 --json
frontier --model llama-3.1-70b --gpu h100 --set gpu.memory_bandwidth=6TB/s --max-gpus 8 --batch 1:64 --json
frontier --model llama-3.1-70b --gpu h100 --efficiency erdil-2025 --context 0 --dtype fp8 --max-gpus 64 \
--batch 1:64 --json
frontier --model llama-3.1-70b --gpu h100 --draft-tokens 4 --acceptance 80% --draft-model llama-3.1-8b \
--max-gpus 8 --batch 1:16 --json
frontier --model llama-3.1-70b --gpu h100 --draft-tokens 4 --acceptance 80% --draft-cost 5% --max-gpus 8 --batch 1:16
frontier --model llama-3.1-70b --gpu h100 --max-gpus 64 --min-tokens-per-s 5000 --best cost --json
frontier --model llama-3.1-70b --gpu h100 --users 100k --max-tpot 50ms --max-ttft 1s --max-gpus 128 --best cost \
--json --steps
frontier --model llama-3.1-70b --gpu h100 --users 20k --minutes-per-day 20 --decoding-share 50% --max-gpus 64 --json
frontier --model llama-3.1-8b --gpu h100 --max-gpus 2 --batch 1,2,4 --all --csv
frontier --model llama-3.1-8b --gpu h100 --max-gpus 4 --batch 1:16 --all --shard 1/3 --output {{out}}/piece.csv
frontier --model llama-3.1-8b --gpu h100 --max-gpus 4 --batch 1,8 --all --shard 3/3 --output {{out}}/piece.jsonl
frontier --model llama-3.1-8b --gpu h100 --max-gpus 4 --batch 1:16 --all --shard 2/3 --csv
frontier --model llama-3.1-8b --gpu h100 --max-gpus 4 --batch 1,2 --all --output {{out}}/all.parquet --json
frontier --model llama-3.1-8b --gpu h100 --max-gpus 4 --best speed --plot
frontier --model llama-3.1-405b --gpu h100 --max-gpus 2
frontier --model llama-3.1-70b --gpu h100 --max-tpot 1ms --max-gpus 16
frontier --model llama-3.1-70b --gpu h100 --max-ttft 1ms --max-gpus 16 --best knee --json

# compare
compare h100 h200 b200
compare h100 h200 --format table
compare --gpu h100 --gpu mi300x --json
compare --all --csv
compare --all --json --model llama-3.1-8b
compare h100 a100 l4 --model llama-3.1-8b --batch 8 --context 4k --dtype fp8 --kv-dtype fp8 --json
compare h100 h200 --model llama-3.1-70b --efficiency vllm --usable 95% --price 2 --json --steps
compare h100 h200:4 --model deepseek-v3
compare h100 h200 --set gpu.memory=100GB --json
compare h100 human-brain --format table --plot
compare h100 h200 b200 --model qwen3-32b --format table --plot

# validate
validate --format table
validate --json
validate --efficiency vllm --json
validate --efficiency stack --json
validate {RESULTS}/measurements.csv --efficiency ideal --set efficiency.memory_share=0.5 --json
validate {RESULTS}/mlperf.csv --json
validate {RESULTS}/served_load.csv --json
validate {RESULTS}/served_load.csv {RESULTS}/measurements.csv
validate presets/measurements/steps.csv --csv
validate presets/measurements/served.csv --efficiency stack

# calibrate
calibrate {RESULTS}/llama_bench.json --gpu rtx-4090 --model llama-3.1-8b -o {{out}}/mine.yaml
calibrate {RESULTS}/llama_bench.json --gpu rtx-4090 --model llama-3.1-8b --output {{out}}/mine.yaml --json
calibrate {RESULTS}/llama_bench.csv --gpu rtx-4090 --model llama-3.1-8b
calibrate {RESULTS}/llama_bench.jsonl --gpu rtx-4090 --model llama-3.1-8b
calibrate {RESULTS}/sglang_serving.jsonl --gpu a100 --model llama-3.1-8b --dtype bf16 --kv-dtype bf16 --json
calibrate {RESULTS}/vllm_serve.jsonl --gpu a100 --model llama-3.1-8b --tp 1 --pp 1 --ep 1 --batch 16 \
--isl 1024 --osl 128 --json
calibrate {RESULTS}/vllm_serve.jsonl --gpu a100 --model llama-3.1-8b --batch 16 --input-tokens 1024 \
--output-tokens 128 --efficiency vllm --json
calibrate {RESULTS}/vllm_serve.json {RESULTS}/vllm_latency.json --gpu h100:2 --tp 2 --model llama-3.1-8b --batch 8 \
--isl 1k --osl 128
calibrate {RESULTS}/vllm_latency.json --gpu h100 --model llama-3.1-8b
calibrate {RESULTS}/vllm_latency.json --gpu h100 --model llama-3.1-8b --batch 8 --input-tokens 1024 --output-tokens 128
calibrate {RESULTS}/guidellm_0.3.json --gpu h100 --model llama-3.1-8b
calibrate {RESULTS}/guidellm_0.8.json --gpu h100 --model llama-3.1-8b
calibrate {RESULTS}/aiperf_concurrency.json --gpu h100 --model llama-3.1-8b
calibrate {RESULTS}/aiperf_rate.json --gpu h100 --model llama-3.1-8b
calibrate {RESULTS}/genai_perf.json --gpu h100 --model llama-3.1-8b
calibrate {RESULTS}/sglang_one_batch.jsonl --gpu h100 --model llama-3.1-8b
calibrate {RESULTS}/sglang_one_batch_server.jsonl --gpu h100 --model llama-3.1-8b
calibrate {RESULTS}/measurements.csv
calibrate presets/measurements/served.csv --efficiency vllm --json
calibrate
calibrate {RESULTS}/README.md --gpu h100 --model llama-3.1-8b

# presets
presets
presets list
presets list --json
presets list accelerators --csv
presets list efficiency
presets list models
presets path
presets show b200 --json --sources
presets show human-brain --format table
presets show erdil-2025
presets show coding-week --format table
presets show llama-3.1-70b --json
presets show deepseek-v3
presets show gpt-oss-120b --format markdown
presets show qwen3-next-80b-a3b --format table
presets show nemotron-h-56b
presets show gemma-3-27b --csv

# scenarios
fit --scenario examples/note.yaml
utilization --scenario examples/note-batch-100.yaml --overlap none --json --sources
userbase --scenario examples/note-userbase.yaml --trough-to-mean 14.4%
fit --scenario {{tmp}}/case.json --params 1.6e12
utilization --scenario {{tmp}}/case.yaml --json --sources
utilization --scenario {{tmp}}/case.yaml --sweep batch=1,2 --json
sweep-batch --scenario {{tmp}}/case.yaml --batch 1,2
economies --scenario {{tmp}}/several.yaml --points 2 --json
frontier --scenario {{tmp}}/several.yaml --max-gpus 4 --batch 1,8 --json
compare --scenario {{tmp}}/several.yaml --json
presets --scenario {{tmp}}/empty.json
validate --scenario {{tmp}}/profile.yaml {RESULTS}/measurements.csv --json
calibrate --scenario {{tmp}}/run.yaml {RESULTS}/llama_bench.json --json
fit --scenario - --json < {{tmp}}/case.yaml
utilization --scenario - --batch 9 < examples/note.yaml
fit --scenario - < /dev/null
fit --scenario - < {{tmp}}/broken.yaml

# output and pictures in files
fit --gpu h100 --params 70B -o {{out}}/fit.txt
fit --gpu h100 --params 70B --output {{out}}/fit.json --sources
utilization --gpu h100 --params 70B -o {{out}}/step.md --steps
utilization --gpu h100 --params 70B --output {{out}}/step.json
sweep-batch --gpu h100 --params 70B -o {{out}}/sweep.csv
sweep-batch --gpu h100 --params 70B --output {{out}}/sweep.txt
userbase --users 1M -o {{out}}/users.json
userbase --users 1M --output {{out}}/users.txt
economies --gpu h100-note --params 1.6e12 --points 3 -o {{out}}/economies.csv
economies --gpu h100-note --params 1.6e12 --points 3 --output {{out}}/economies.txt
compare h100 h200 -o {{out}}/compare.md
compare h100 h200 --output {{out}}/compare.txt
validate {RESULTS}/measurements.csv -o {{out}}/validate.json
validate {RESULTS}/measurements.csv --output {{out}}/validate.txt
presets list -o {{out}}/presets.csv
presets list --output {{out}}/presets.txt
fit --gpu h100 --params 70B -o {{out}}/fit.json --format markdown
frontier --model llama-3.1-8b --gpu h100 --max-gpus 2 --batch 1,8 -o {{out}}/frontier.json
fit --gpu h100:4 --model llama-3.1-70b --plot
fit --gpu h100:4 --model llama-3.1-70b --format markdown --plot
fit --gpu h100:4 --model llama-3.1-70b -o {{out}}/fit.txt --plot
fit --gpu h100:4 --model llama-3.1-70b --plot {{out}}/fit.svg
utilization --gpu h100:4 --model llama-3.1-70b --format table --plot
utilization --gpu h100:4 --model llama-3.1-70b --batch 8 --plot {{out}}/step.html
utilization --gpu h100:4 --model llama-3.1-70b --json --plot {{out}}/step.vl.json
utilization --gpu h100:4 --model llama-3.1-70b --sweep batch=1:64 --plot {{out}}/sweep.html
utilization --gpu h100:4 --model llama-3.1-70b --sweep context=1k:8k --sweep batch=1,8 --plot {{out}}/sweep.vl.json
sweep-batch --gpu h100:4 --model llama-3.1-70b --plot {{out}}/sweep.svg
sweep-batch --gpu h100-note --params 1.6e12 --price 2 --plot {{out}}/sweep.vl.json
economies --gpu h100-note --params 1.6e12 --price 2 --points 4 --plot {{out}}/economies.html
economies {SERVICE} --points 4 --plot {{out}}/economies.vl.json
frontier --model llama-3.1-8b --gpu h100 --max-gpus 4 --plot {{out}}/frontier.vl.json
frontier --model llama-3.1-8b --gpu h100 --max-gpus 4 --best knee --plot {{out}}/frontier.svg
compare h100 human-brain --plot {{out}}/compare.vl.json
compare h100 h200 --model llama-3.1-8b --plot {{out}}/compare.html

# errors: names
utilisation
fit --gpu h10o --params 70B
fit --gpu rtx-4091 --params 70B
fit --gpu "" --params 70B
fit --gpu h100 --model llama-3.1-70bb
fit --gpu h100 --model nobody/nothing
fit --gpu h100 --params 70B --betch 8
fit --gpu h100 --params 70B --dtype fp9
fit --gpu h100 --params 70B --dtype bf61
fit --gpu h100 --model llama-3.1-8b --kv-dtype b16
fit --gpu h100 --params 70B --format xml
fit --gpu h100 --params 70B --efficiency idael
utilization --gpu h100 --params 70B --overlap some
userbase --users 1M {SERVICE} --traffic wrok
frontier --model llama-3.1-8b --gpu h100 --best fastest
compare h100 h1000
presets lst
presets show
presets show h100x
presets show h100 extra
presets list acelerators
presets path extra
# errors: quantities
fit --gpu h100 --params 0
fit --gpu h100 --params=-5
fit --gpu h100 --params nan
fit --gpu h100 --params inf
fit --gpu h100 --params 1e400
fit --gpu h100 --params ""
fit --gpu h100 --params 80GB
fit --gpu h100 --params ٧٠B
fit --gpu h100: --params 70B
fit --gpu h100:0 --params 70B
fit --gpu h100 --params 70B --gpus 1e24
fit --gpu h100 --params 70B --usable 90
utilization --gpu h100 --params 70B --batch 1.5
utilization --gpu h100 --params 70B --batch 1,2
sweep-batch --gpu h100 --params 70B --batch 8:1
userbase --concurrent 1000 --minutes-per-day 1500
userbase --users 1000 {SERVICE} --max-tpot 40
userbase --users 1000 {SERVICE} --years 0.5
economies {SERVICE} --pue 0.9
economies {SERVICE} --interest=-1
economies {SERVICE} --api-price cheap
economies {SERVICE} --power-price cheap
economies {SERVICE} --points 1
economies {SERVICE} --burstiness much
frontier --model llama-3.1-8b --gpu h100 --all --csv --shard 4/3
frontier --model llama-3.1-8b --gpu h100 --all --csv --shard three
frontier --model llama-3.1-8b --gpu h100 --dtype bf16,fp9
# errors: what is missing
fit
fit --gpu h100
fit --params 70B
fit --gpu
userbase
userbase --gpu h100 --users 1M
userbase --trace {TRACES}/azure_2023.csv --model llama-3.1-70b --gpu h100:4
userbase --users 1M --max-tpot 40ms
compare
economies --gpu h100
economies --params 70B
frontier --gpu h100
frontier --model llama-3.1-8b
frontier --params 70B --gpu h100
utilization --gpu h100 --params 70B --layers 80
utilization --gpu h100 --params 70B --hidden-size 8192
utilization --gpu h100 --params 70B --context 8k
utilization --gpu h100 --params 70B --efficiency realistic
utilization --gpu h100 --params 70B --isl 100 --osl 10
utilization --gpu h100:4 --model llama-3.1-70b --isl 100
utilization --gpu h100:4 --model llama-3.1-70b --request-rate 5
utilization --gpu h100:4 --model llama-3.1-70b --max-sequences 3
utilization --gpu h100:4 --model llama-3.1-70b --disaggregated
utilization --gpu h100:4 --model llama-3.1-70b --draft-tokens 2
utilization --gpu h100:4 --model llama-3.1-70b --draft-tokens 2 --acceptance 0.5
utilization --gpu cerebras-wse3 --params 70B
utilization --gpu h100-note --params 70B --dtype bf16
utilization --gpu groq:8 --params 1B --layers 10 --hidden-size 1k
fit --gpu epyc --params 70B
calibrate {RESULTS}/llama_bench.json --gpu rtx-4090
calibrate {RESULTS}/llama_bench.json --model llama-3.1-8b
calibrate {RESULTS}/llama_bench.json --gpu rtx-4090 --params 8B
# errors: what does not go together
fit --gpu h100 --gpu b200 --params 70B
fit --gpu h100:2 --params 70B --gpus 4
fit --gpu h100 --params 70B stray
fit --gpu h100 --params 70B --json --csv
fit --gpu h100 --params 70B --csv --steps
fit --gpu h100 --params 70B --csv --sources
fit --gpu h100 --params 70B --json --plot
fit --gpu h100 --params 70B --active-params 80B
fit --gpu h100 --model llama-3.1-8b --params 70B
fit --gpu h100 --params 70B --plot {{out}}/fit.jpeg
fit --gpu h100 --params 70B --output {{out}}/fit.svg --plot {{out}}/fit.svg
userbase --users 1M --plot
userbase --concurrent 1000 --users 1M
userbase --users 1M {SERVICE} --replicas 2 --scale-down
userbase --users 1M {SERVICE} --peak-to-mean 2
userbase --users 1M {SERVICE} --minutes-per-day 10
userbase --users 1M {SERVICE} --efficiency erdil-2025
userbase --users 1M {SERVICE} --traffic work --trace {TRACES}/hourly.csv
utilization --gpu h100:4 --model llama-3.1-70b --isl 100 --osl 10 --context 8k
utilization --gpu h100:4 --model llama-3.1-70b --isl 100 --osl 10 --request-rate 1 --batch 8
utilization --gpu h100:4 --model llama-3.1-70b --isl 100 --osl 1 --request-rate 1
utilization --gpu h100:4 --model llama-3.1-70b --isl 100 --osl 10 --efficiency erdil-2025
utilization --gpu h100:4 --model llama-3.1-70b --isl 1M --osl 10
utilization --gpu h100:4 --model llama-3.1-70b --draft-tokens 2 --acceptance 1 --draft-cost 0.1
frontier --model llama-3.1-8b --gpu h100 --all
frontier --model llama-3.1-8b --gpu h100 --all --output {{out}}/all.txt
frontier --model llama-3.1-8b --gpu h100 --all --csv --best cost
frontier --model llama-3.1-8b --gpu h100 --all --csv --plot
frontier --model llama-3.1-8b --gpu h100 --shard 1/2
utilization --gpu h100 --model llama-3.1-8b --sweep efficiency=ideal,realistic --plot
economies {SERVICE} --sweep users=1,2 --points 3
economies {SERVICE} --gpu b200 --sensitivity
validate presets/measurements/served.csv --set gpu.memory_bandwidth=4TB/s
validate presets/measurements/served.csv --efficiency stack --set efficiency.memory_share=0.5
validate presets/measurements/served.csv --efficiency erdil-2025
# errors: --set and --sweep
fit --gpu h100 --params 70B --set gpu.memory
fit --gpu h100 --params 70B --set memory=80GB
fit --gpu h100 --params 70B --set cpu.memory=80GB
fit --gpu h100 --params 70B --set gpu.memori=80GB
fit --gpu h100 --params 70B --set gpu.memory=3TB/s
fit --gpu h100 --params 70B --sweep batch
fit --gpu h100 --params 70B --sweep betch=1,2
fit --gpu h100 --params 70B --sweep batch=8:1
fit --gpu h100 --params 70B --sweep batch=1:2:3:4
fit --gpu h100 --params 70B --sweep batch=1:8:x1
fit --gpu h100 --params 70B --sweep batch=1,,2
fit --gpu h100 --params 70B --sweep batch=1:1e9:1
fit --gpu h100 --params 70B --sweep dtype=bf16,fp9
fit --gpu h100 --params 70B --sweep gpu.memori=1GB,2GB
fit --gpu h100 --params 70B --sweep params=1B,2B
fit --gpu h100 --params 70B --sweep batch=1,2 --sweep batch=4
fit --gpu h100 --params 70B --sweep batch=1,2 --steps
fit --gpu h100 --params 70B --sweep batch=1,2 --sensitivity
fit --gpu h100 --params 70B --sweep gpu=h100,h101
# errors: layouts
fit --gpu h100:4 --model llama-3.1-70b --tp 3
fit --gpu h100:4 --model llama-3.1-70b --tp 8
fit --gpu h100:6 --model llama-3.1-70b
fit --gpu h100:8 --model llama-3.1-70b --ep 8
fit --gpu h100:8 --model mixtral-8x7b --ep 3
fit --gpu h100:8 --model llama-3.1-70b --tp 2 --pp 2
fit --gpu h100:200 --model llama-3.1-8b --pp 200
fit --gpu h100:4 --params 70B --tp 4
frontier --model llama-3.1-70b --gpu h100 --tp 3
frontier --model llama-3.1-70b --gpu h100 --tp 8 --max-gpus 4
# errors: files
fit --scenario nowhere.yaml
fit --scenario .
fit --gpu ./ --params 70B
fit --gpu nowhere.yaml --params 70B
fit --gpu h100 --model nowhere/config.json
fit --gpu h100 --model presets
fit --gpu h100 --model {{tmp}}/broken.yaml
fit --gpu h100 --model {{tmp}}/empty.json
fit --gpu h100 --model {{tmp}}/unknown-family.json
fit --gpu h100 --model {{tmp}}/short.gguf
fit --gpu h100 --params 70B --efficiency {{tmp}}/broken.yaml
fit --gpu {{tmp}}/no-source.yaml --params 70B
INFERCOST_PRESETS=nowhere fit --gpu h100 --params 70B
fit --gpu h100 --params 70B --output nowhere/at/all.json
fit --gpu h100 --params 70B --output .
fit --gpu h100 --params 70B --plot nowhere/at/all.html
fit --scenario {{tmp}}/broken.yaml
fit --scenario {{tmp}}/typo.yaml
fit --scenario {{tmp}}/wrong-unit.yaml
fit --scenario {{tmp}}/nested.yaml
fit --scenario {{tmp}}/twice.yaml
userbase --scenario {{tmp}}/both-spellings.yaml
fit --scenario {{tmp}}/list.yaml
fit --scenario {{tmp}}/binary.yaml
userbase --users 1M {SERVICE} --trace nowhere.csv
userbase --users 1M {SERVICE} --trace {{tmp}}/bad-trace.csv
userbase --users 1M {SERVICE} --trace {{tmp}}/bad-hours.csv
userbase --users 1M {SERVICE} --traffic {{tmp}}/bad-day.yaml
validate nowhere.csv
validate {{tmp}}/bad-header.csv
validate {{tmp}}/bad-number.csv
calibrate nowhere.json --gpu h100 --model llama-3.1-8b
calibrate {{tmp}}/empty.json --gpu h100 --model llama-3.1-8b
"""

_LLAMA = """{"model_type": "llama", "hidden_size": 1024, "intermediate_size": 2816, "num_hidden_layers": 16,
"num_attention_heads": 16, "num_key_value_heads": 4, "vocab_size": 32000, "torch_dtype": "bfloat16",
"max_position_embeddings": 8192}"""
_PART = """name: My part
vendor: Me
kind: gpu
released: {value: 2024-01-01, source: HERE}
memory: {value: 96 GB, source: HERE}
memory_bandwidth: {value: 2 TB/s, source: HERE}
flops_bf16: {value: 500 TFLOP/s, source: HERE}
flops_fp8: {value: 1 PFLOP/s, source: HERE, weak: "a guess"}
link_bandwidth: {value: 100 GB/s, source: HERE}
power: {value: 500 W, source: HERE}
sources:
  HERE: {title: "a data sheet", date: 2024-01}
"""
_MEASURED = (
    "id,source,year,framework,model,accelerator,n_accelerators,tp,pp,ep,weight_dtype,kv_dtype,"
    "batch_or_concurrency,input_tokens,output_tokens,metric,value,notes\n"
)
#: What the questions read, by name in ``{tmp}``.
INPUTS = {
    "case.yaml": "gpu: h100\nparams: 70B\nbatch: 4\nminutes-per-day: 5\n",
    "case.json": '{"gpu": "h100", "params": "70B", "minutes-per-day": 5}',
    "several.yaml": "gpu: [h100, h200]\nmodel: llama-3.1-8b\n",
    "profile.yaml": "efficiency: vllm\n",
    "run.yaml": "gpu: rtx-4090\nmodel: llama-3.1-8b\n",
    "config.json": _LLAMA,
    "checkpoint/config.json": _LLAMA,
    "checkpoint/model.safetensors.index.json": '{"metadata": {"total_size": 500000000}, "weight_map": {}}',
    "zamba.json": """{"model_type": "zamba2", "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 38,
        "num_attention_heads": 32, "num_key_value_heads": 32, "attention_head_dim": 128, "vocab_size": 32000,
        "mamba_d_state": 64, "mamba_d_conv": 4, "mamba_expand": 2, "n_mamba_heads": 64, "mamba_ngroups": 1,
        "mamba_headdim": 64, "num_mem_blocks": 1, "use_shared_attention_adapter": true, "adapter_rank": 128,
        "hybrid_layer_ids": [5, 11, 17, 23, 29, 35], "torch_dtype": "bfloat16", "max_position_embeddings": 4096}""",
    "unknown-family.json": _LLAMA.replace('"llama"', '"lama"'),
    "part.yaml": _PART,
    "presets/accelerators/my-part.yaml": _PART,
    "no-source.yaml": _PART.replace("memory: {value: 96 GB, source: HERE}", "memory: 96 GB"),
    "simple.yaml": (ROOT / "presets/efficiency/realistic.yaml").read_text(),
    "day.yaml": """name: Evenings
hours: {values: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 4, 4, 3, 2, 1], source: HERE}
burstiness: {value: 1.5, source: HERE}
sources: {HERE: {title: "made up", date: 2026}}
""",
    "bad-day.yaml": "name: Short\nhours: {values: [1, 2, 3], source: HERE}\nsources: {HERE: {title: x, date: 2026}}\n",
    "bad-trace.csv": "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:00:00.0000000,many,10\n",
    "bad-hours.csv": "day,hour,requests\n0,22,30\n0,21,20\n",
    "bad-header.csv": "name,tokens_per_second\n1,1\n",
    "bad-number.csv": _MEASURED + "own-1,here,2026,mine,llama-3.1-8b,h100,1,1,1,,bf16,,1,1000,10,tpot_ms,fast,\n",
    "empty.json": "{}",
    "broken.yaml": "gpu: [h100\n",
    "typo.yaml": "gpu: h100\nparamz: 70B\n",
    "wrong-unit.yaml": "gpu: h100\nparams: 80GB\n",
    "nested.yaml": "gpu: {name: h100}\nparams: 70B\n",
    "twice.yaml": "gpu: h100\ngpu: h200\nparams: 70B\n",
    "both-spellings.yaml": "minutes-per-day: 5\nminutes_per_day: 6\nconcurrent: 4\n",
    "list.yaml": "- gpu\n- params\n",
    "binary.yaml": "\0\1\2",
    "short.gguf": "GGUF",
}


class Said(NamedTuple):
    """A question and what the command line said to it, with the files that it wrote."""

    question: str
    code: int
    stdout: str
    stderr: str
    files: dict[str, str]


class Difference(NamedTuple):
    """How two answers differ: the graver ``kind``, the parts that do, and the first JSON paths."""

    kind: str
    parts: list[str]
    paths: list[str]


def lines_of(text: str) -> list[str]:
    """The lines that hold a question."""
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def documented() -> Iterator[str]:
    """The commands of the documents, but those that need a shell, and of the examples' comments."""
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for block in re.findall(r"^```console\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL):
            yield from re.findall(
                r"^\$ (?:.*/bin/)?infercost ((?:(?! <\().)*?)(?: (?:2?>|\|| #).*)?$", block, re.MULTILINE
            )
    for path in sorted((ROOT / "examples").glob("*.yaml")):
        yield from re.findall(r"^#\s+infercost (.*?)(?:\s{2,}.*)?$", path.read_text(), re.MULTILINE)


def questions() -> list[str]:
    """Every question once."""
    shown = list(documented())
    return list(
        dict.fromkeys(
            [
                *lines_of(QUESTIONS),
                *(f"{line} {form}" for line in lines_of(IN_EVERY_FORM) for form in FORMS),
                *(f"{command} --help" for command in COMMANDS),
                *shown,
                *(f"{line} --format table" for line in shown if "--format" not in line),
            ]
        )
    )


def gguf_header() -> bytes:
    """A tiny Llama as the header of a GGUF file: matrices of 4.5 bits, norms of 32."""

    def text(word: str) -> bytes:
        return struct.pack("<Q", len(word)) + word.encode()

    sizes = {"embedding_length": 64, "block_count": 1, "feed_forward_length": 96, "context_length": 2048}
    sizes |= {"attention.head_count": 4, "attention.head_count_kv": 2, "vocab_size": 256}
    matrices = {"token_embd": (64, 256), "output": (64, 256), "blk.0.attn_q": (64, 64), "blk.0.attn_k": (64, 32)}
    matrices |= {"blk.0.attn_v": (64, 32), "blk.0.attn_output": (64, 64), "blk.0.ffn_gate": (64, 96)}
    matrices |= {"blk.0.ffn_up": (64, 96), "blk.0.ffn_down": (96, 64)}
    norms = dict.fromkeys(("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"), (64,))
    keys = [text("general.architecture") + struct.pack("<I", 8) + text("llama")]
    keys += [text(f"llama.{name}") + struct.pack("<II", 4, size) for name, size in sizes.items()]
    tensors = [
        text(f"{name}.weight") + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, 0)
        for kind, group in ((12, matrices), (0, norms))
        for name, shape in group.items()
    ]
    return b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys)) + b"".join([*keys, *tensors])


def write_inputs() -> None:
    """Empty the temporary folder and write into it what the questions read."""
    shutil.rmtree(TMP, ignore_errors=True)
    for name, text in INPUTS.items():
        path = TMP / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (TMP / "in" / "tiny.gguf").write_bytes(gguf_header())


def preload() -> None:
    """Load the package and what it draws on once; nothing is computed yet."""
    sys.path.insert(0, str(ROOT))
    package = importlib.import_module("infercost")
    found = [module.name for module in pkgutil.walk_packages(package.__path__, "infercost.")]
    for name in [*PRELOADED, "infercost.cli.app", *found]:
        if not name.endswith("__main__"):
            importlib.import_module(name)
    gc.freeze()


def folder_of(question: str) -> Path:
    """The folder of one question, the same in every run."""
    return TMP / hashlib.sha256(question.encode()).hexdigest()[:10]


def start(question: str) -> int:
    """Begin a question in a process of its own and return the process's number."""
    (folder_of(question) / "out").mkdir(parents=True)
    process = os.fork()
    if not process:
        answer(question)
    return process


def answer(question: str) -> NoReturn:
    """Answer a question as a fresh program would, and end the process."""
    signal.alarm(TIME_LIMIT_S)
    folder = folder_of(question)
    words = shlex.split(question.replace("{tmp}", f"{TMP}/in").replace("{out}", f"{folder}/out"))
    given = 0
    while re.match(r"[A-Z_]+=", words[given]):
        given += 1
    os.environ.update({name: value for name, _, value in (word.partition("=") for word in words[:given])})
    argv, source = words[given:], os.devnull
    if "<" in argv:
        argv, source = argv[: argv.index("<")], argv[-1]
    redirect(source, folder)
    code = code_of(argv)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def redirect(source: str, folder: Path) -> None:
    """Make files of the standard streams, in the encoding that the environment names."""
    written = os.O_WRONLY | os.O_CREAT
    for number, path, flags in (
        (0, source, os.O_RDONLY),
        (1, folder / "stdout", written),
        (2, folder / "stderr", written),
    ):
        os.dup2(os.open(path, flags, 0o644), number)
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
    for stream, errors in ((sys.stdin, "strict"), (sys.stdout, "strict"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding=encoding, errors=errors)


def code_of(argv: list[str]) -> int:
    """Call the program's entry and return its exit code, whether it returns, exits or breaks."""
    sys.argv = ["infercost", *argv]
    try:
        return int(importlib.import_module("infercost.cli.app").main(argv))
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1


def run_all(asked: Sequence[str], jobs: int) -> list[Said]:
    """The answers to all questions, so many at once."""
    waiting, running, codes = list(reversed(asked)), dict[int, str](), dict[str, int]()
    while waiting or running:
        while waiting and len(running) < jobs:
            question = waiting.pop()
            running[start(question)] = question
        process, status = os.wait()
        codes[running.pop(process)] = os.waitstatus_to_exitcode(status)
    return [said_of(question, codes[question]) for question in asked]


def said_of(question: str, code: int) -> Said:
    """What a question that has ended left behind; a code below zero is the signal that ended it."""
    folder = folder_of(question)
    files = sorted(path for path in (folder / "out").rglob("*") if path.is_file())
    return Said(
        question,
        code,
        text_of(folder / "stdout"),
        text_of(folder / "stderr"),
        {str(path.relative_to(folder / "out")): text_of(path) for path in files},
    )


def text_of(path: Path) -> str:
    """A file's text, without the place of the checkout; of a binary file its digest."""
    content = path.read_bytes() if path.exists() else b""
    try:
        return content.decode().replace(str(ROOT), "{root}")
    except UnicodeDecodeError:
        return f"sha256 {hashlib.sha256(content).hexdigest()}\n"


def ask_all(asked: Sequence[str], jobs: int) -> list[Said]:
    """Run the questions in the temporary folder, alone there."""
    os.environ.update(GIVEN)
    for name in TAKEN:
        os.environ.pop(name, None)
    os.chdir(ROOT)
    with open(f"{TMP}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        write_inputs()
        preload()
        said = run_all(asked, jobs)
        shutil.rmtree(TMP)
    return said


def difference(old: Said, new: Said, json_only: bool, close: float) -> Difference | None:
    """How an answer differs from the recorded one, or None."""
    texts = {"STDOUT": (old.stdout, new.stdout), "STDERR": (old.stderr, new.stderr)}
    for name in sorted(old.files.keys() | new.files.keys()):
        texts[f"FILE:{name}"] = (old.files.get(name, ""), new.files.get(name, ""))
    parts, paths = [], []
    for part, (before, after) in texts.items():
        inside = paths_that_differ(before, after, json_only, close)
        paths += inside
        if inside or (before != after and not json_only):
            parts.append(part)
    if old.code != new.code:
        return Difference("code", [f"CODE:{old.code}->{new.code}", *parts], paths)
    return Difference("json" if paths else "text", parts, paths) if parts else None


def paths_that_differ(before: str, after: str, json_only: bool, close: float) -> list[str]:
    """Where two JSON documents differ in their values; nowhere when the recorded one is no JSON."""
    old, new = parsed(before), parsed(after)
    if before == after or old is None:
        return []
    return ["no JSON any more"] if new is None else list(walk(old, new, "", ENGLISH if json_only else (), close))


def parsed(text: str) -> Any:
    """A JSON document, or None when the text is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def walk(old: Any, new: Any, path: str, passed_over: Sequence[str], close: float) -> Iterator[str]:
    """Each place where two JSON values differ, with both values; numbers within a relative ``close`` are equal."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old | new:
            inside = f"{path}.{key}" if path else key
            if key in passed_over:
                continue
            if key in old and key in new:
                yield from walk(old[key], new[key], inside, passed_over, close)
            else:
                yield f"{inside} {'gone' if key in old else 'new'}"
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from walk(one, other, f"{path}[{i}]", passed_over, close)
    elif isinstance(old, float) and isinstance(new, float) and math.isclose(old, new, rel_tol=close):
        return
    elif old != new or isinstance(old, bool) is not isinstance(new, bool):
        yield f"{path} {brief(old)} -> {brief(new)}"


def brief(value: Any) -> str:
    """A JSON value in a few characters."""
    if isinstance(value, list):
        return f"{len(value)} items"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def unified(old: Said, new: Said) -> Iterator[str]:
    """The unified diff of two answers, stream after stream and file after file."""
    pairs = [("stdout", old.stdout, new.stdout), ("stderr", old.stderr, new.stderr)]
    pairs += [(f, old.files.get(f, ""), new.files.get(f, "")) for f in sorted(old.files.keys() | new.files.keys())]
    for name, before, after in pairs:
        yield from difflib.unified_diff(
            before.splitlines(), after.splitlines(), f"{name} recorded", f"{name} now", lineterm="", n=1
        )


def record(folder: Path, asked: Sequence[str], jobs: int) -> int:
    """Run the questions and keep the answers."""
    said = ask_all(asked, jobs)
    folder.mkdir(parents=True, exist_ok=True)
    entries = [each._asdict() for each in said]
    (folder / RECORDING).write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
    codes = Counter(each.code for each in said)
    print(f"{len(said)} questions; exit codes: {', '.join(f'{n} of {code}' for code, n in sorted(codes.items()))}")
    for each in said:
        if each.code not in (0, 2, 3):
            print(f"exit code {each.code}: {each.question}")
    return 0


def compare(recorded: Sequence[Said], wanted: argparse.Namespace) -> int:
    """Run recorded questions again and say what differs; 1 where anything does."""
    now = ask_all([each.question for each in recorded], wanted.jobs)
    found = [
        (old, new, differs)
        for old, new in zip(recorded, now, strict=True)
        if (differs := difference(old, new, wanted.json_only, wanted.close)) is not None
    ]
    for i, (old, new, differs) in enumerate(found):
        print(f"{differs.kind:4}  {' '.join(differs.parts)}  {old.question}")
        for path in differs.paths[:5]:
            print(f"        {path}")
        for line in unified(old, new) if i < wanted.show else ():
            print(f"    {line}")
    kinds = Counter(differs.kind for _, _, differs in found)
    print(
        f"{len(recorded)} questions, {len(recorded) - len(found)} equal, "
        f"{kinds['json']} json, {kinds['text']} text, {kinds['code']} exit code"
    )
    return 1 if found else 0


def arguments() -> argparse.Namespace:
    """What this tool was asked to do."""
    parser = argparse.ArgumentParser(description="Record what the command line says, and compare it afterwards.")
    parser.add_argument("action", choices=("record", "compare"))
    parser.add_argument("folder", type=Path, metavar="DIR", help=f"where {RECORDING} is; keep it out of the repository")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="questions at once (2)")
    parser.add_argument("--only", default="", metavar="WORD", help="only questions that contain the word")
    parser.add_argument("--list", action="store_true", help="print the questions and run none")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print the diffs of the first N differences")
    parser.add_argument("--json-only", action="store_true", help="compare exit codes and JSON, but no English in it")
    parser.add_argument(
        "--close", type=float, default=0.0, metavar="REL", help="JSON numbers within this relative difference are equal"
    )
    return parser.parse_args()


def chosen(asked: Iterable[str], word: str) -> list[str]:
    """The questions that contain a word."""
    return [question for question in asked if word in question]


def main() -> int:
    """Record or compare, and return the exit code."""
    wanted = arguments()
    began = time.monotonic()
    if wanted.action == "record":
        asked = chosen(questions(), wanted.only)
        recorded = []
    else:
        entries = [Said(**entry) for entry in json.loads((wanted.folder / RECORDING).read_text())]
        recorded = [each for each in entries if wanted.only in each.question]
        asked = [each.question for each in recorded]
    if wanted.list:
        print("\n".join(asked))
        return 0
    code = record(wanted.folder, asked, wanted.jobs) if wanted.action == "record" else compare(recorded, wanted)
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
