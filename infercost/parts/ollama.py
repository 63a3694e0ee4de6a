"""Names of weights for llama.cpp: the tags of Ollama's library and of files, with the number format that they say."""

import re
from typing import NamedTuple

#: What Ollama's library holds under a tag without a format: "The default is now q4_k_m" (ollama/ollama issue 1543,
#: 2024-12-29); qwen3.6:35b (issue 15834), gemma3 (issue 9682) and llama3.3:70b show it.
USUAL = "q4_k_m"
#: Models of before that change, which the library keeps as they were: "by default we use q4_0" (ollama/ollama issue
#: 643, 2023-09), llama2 (issue 2495), llama3 (issue 4626), all of the library in July 2024 (issue 5425).
OF_BEFORE = ("codellama", "falcon", "gemma", "gemma2", "llama2", "llama3", "mixtral", "phi", "phi3", "qwen", "qwen2")
#: Tags of another format: a server's log of llama3.2:1b says Q8_0 (ollama/ollama issue 12887, 2025-10); models of
#: OpenAI come as they were published.
OTHERS = {"llama3.2:1b": "q8_0"}
AS_PUBLISHED = "gpt-oss"
#: What stands before a name in addresses of Ollama's library.
_LIBRARY = re.compile(r"(https?://)?((www\.|registry\.)?ollama\.(com|ai)/)?library/|ollama/", re.IGNORECASE)
_LATEST = ":latest"
#: A format at the end of a name; Gemma's quantization-aware training (qat) is for q4_0.
_FORMAT = re.compile(
    r"(?P<name>.+?)[-_.:](?P<format>(ud-)?i?q\d\w*|f16|fp16|bf16|f32|fp32|mxfp4(?P<moe>_moe)?|qat)", re.IGNORECASE
)
_MEANS = {"qat": "q4_0", "f16": "fp16", "f32": "fp32", "mxfp4_moe": "mxfp4"}


class Named(NamedTuple):
    """A model's own name and the format written behind it, empty where there is none."""

    model: str
    format: str = ""


def split(name: str) -> Named:
    """The name of a tag or of a file, and the format that it ends in."""
    if (found := _FORMAT.fullmatch(name)) is None:
        return Named(name)
    format = found["format"].lower()
    before = split(found["name"])  # gemma3:27b-it-qat-q4_0
    return Named(before.model, _MEANS.get(format, format))


def read(text: str) -> Named | None:
    """The model and the format of a tag of Ollama's library; None for a name of another kind."""
    name = _LIBRARY.sub("", text, count=1) if _LIBRARY.match(text) else text
    if "/" in name or (name == text and ":" not in name):
        return None
    named = split(name)
    return named._replace(model=named.model.removesuffix(_LATEST))


def usual_format(name: str) -> str:
    """What the library holds under a name without a format; empty for what comes as it was published."""
    family = name.partition(":")[0].lower()
    if family.startswith(AS_PUBLISHED):
        return ""
    return OTHERS.get(name.lower(), "q4_0" if family in OF_BEFORE else USUAL)
