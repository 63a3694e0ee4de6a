"""Find a preset by any of its names, read its file, and reject a figure without a source."""

import os
import re
from collections.abc import Collection, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from infercost.errors import BadFile, BadValue, UnknownName, closest, near_name, nearest, reason
from infercost.parts import accelerator as accelerator_figures
from infercost.parts import stack
from infercost.parts.accelerator import (
    RATES,
    Book,
    Card,
    Machine,
    cut_slice,
    data_of,
    find_card,
    find_machine,
    key_of,
    read_cards,
    slice_of,
    variant_of,
    without_figures,
)
from infercost.parts.files import once, read_mapping, read_once, read_text
from infercost.parts.files import shipped as shipped
from infercost.parts.preset import DAY_FIGURES, DAY_LABELS, Fact, Preset, counted, read_loads
from infercost.units import BANDWIDTH, COUNT, PART, SHARE, SIZE, WHOLE, Kind, parse

#: Figures of an accelerator without which most questions have no answer, and a dense rate beside them.
ESSENTIAL, RATE = ("memory", "memory_bandwidth"), "flops_bf16"
#: Labels of a profile that a whole file keeps.
_LABELS = ("like", "law", "overlap", "memory")
#: Bytes, or operations a second, below which a number has lost its unit.
LEAST = 1e6
#: What people call a figure in a file of their own.
_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("flops", "tflops", "tops", "compute", "peak_flops", "fp16", "bf16"), RATE),
    **dict.fromkeys(("bandwidth", "hbm_bandwidth", "mem_bandwidth"), "memory_bandwidth"),
    **dict.fromkeys(("vram", "hbm", "ram", "mem", "memory_size"), "memory"),
    **dict.fromkeys(("tdp", "watts"), "power"),
    **dict.fromkeys(("price", "cost", "rental"), "rent"),
    **dict.fromkeys(("nvlink", "interconnect"), "link_bandwidth"),
    "pcie": "link_bandwidth",
}
_SOURCES = "sources: {SHEET: {title: a data sheet, date: 2026-01}}"
#: What a request of a workload is, and how many of them one user sends a day.
_WORKLOAD = {"input_tokens": WHOLE, "output_tokens": WHOLE, "prefix_share": PART, "messages_per_day": COUNT}

#: A host: memory beside an accelerator's own, how fast its CPU reads it, and the link between both, in one direction.
#: ``memory_bandwidth`` is nominal: channels, bytes of each and transfers a second. ``memory_share`` of it is reached,
#: where a source says so; else the engine's profile says.
HOST = {
    "memory": SIZE,
    "channels": WHOLE,
    "memory_bandwidth": BANDWIDTH,
    "memory_share": SHARE,
    "link_bandwidth": BANDWIDTH,
}

#: Each family of presets: its figures with their kinds, and its labels.
FAMILIES: dict[str, tuple[dict[str, Kind], tuple[str, ...]]] = {
    "accelerators": (accelerator_figures.FIGURES, accelerator_figures.LABELS),
    "efficiency": (stack.KINDS, stack.LABELS),
    "workloads": (_WORKLOAD, ("name", "aliases", "traffic", "note")),
    "traffic": (DAY_FIGURES, DAY_LABELS),
    "architectures": (accelerator_figures.CHIP_FIGURES, accelerator_figures.CHIP_LABELS),
    "hosts": (HOST, ("name", "aliases", "vendor", "kind", "note")),
}
WHAT = {
    "accelerators": "accelerator",
    "architectures": "architecture",
    "efficiency": "efficiency profile",
    "hosts": "host",
    "traffic": "traffic",
    "workloads": "workload",
    "models": "model",
}
#: Figures that every preset of a family has.
NEEDED = {
    "hosts": ("memory", "channels", "memory_bandwidth", "link_bandwidth"),
    "workloads": ("input_tokens", "output_tokens"),
}
ESSENTIALS = {"accelerators": ESSENTIAL, "efficiency": (), **NEEDED}
#: Prices move: one without a date is an error.
DATED = ("rent", *(f"rent_{basis}" for basis in accelerator_figures.BASES), "purchase")
_FACT_TEXTS = ("as_of", "weak", "others")
_FACT_KEYS = ("value", "source", *_FACT_TEXTS, "until")
_DATE, _MONTH = re.compile(r"(19|20)\d\d(-\d\d){0,2}", re.ASCII), re.compile(r"2\d(0[1-9]|1[0-2])")
#: Where the words of a name end, and brands that people leave out before a number.
_BOUNDARY = re.compile(r"[-_ ]")
_BRANDS = ("rtx", "gtx", "rx")
#: Presets that a hint names of a kind, and likeness of the first words of two models from which one may be the other.
KINDRED, ALIKE = 4, 0.6
#: Where a word of a name begins: ``Tiny``, ``Llama`` and ``1.1b`` in ``TinyLlama-1.1b``.
_START = re.compile(r"(?<![^\W_.])[^\W_]|(?<=\D\.)[^\W_]|(?<=\d\.)[^\W\d_]|(?<=[a-z])[A-Z]")
#: All but letters, digits and a dot between two digits.
_NOISE = re.compile(r"[^\w.]|_|(?<!\d)\.|\.(?!\d)")
_ALIASES = re.compile(r"^aliases:\s*\[(.*?)\]", re.MULTILINE | re.DOTALL)
#: What stands between an engine and its release: ``vllm@0.10.1``, ``vllm==0.10.1``, ``vllm-0.10``.
_RELEASED = re.compile(r"@|==|[ -]v?(?=\d+\.\d+)")
#: The block of variants, and their names.
_VARIANTS = re.compile(r"^variants:[ ]*\n((?:[ ]+.*\n?)+)", re.MULTILINE)
_VARIANT = re.compile(r"^  ([\w.-]+):", re.MULTILINE)
#: A word that names a chip and no size.
_CHIP = re.compile(r"(?!\d)[a-z]+\d\w*")
#: A chip of Apple, behind the name of a computer or not, with a size that may leave out its unit.
_MAC = re.compile(
    r"(?:apple )?(?:macbook(?: (?:pro|air))?|mac ?(?:studio|mini|pro)|imac)?\s*(?:(?:20)?\d\d(?:\"| ?inch)? )*"
    r"(m\d\b.*?)(?: (?:macbook|imac|mac|air|mini|studio)\b.*?)?(?: (\d\d+)(?: ?gb)?)?"
)
#: The number of a card that its owner has: they end in 0 or 5.
_SIZES = re.compile(r"(?<![\d.])\d[\d.]*b\b")
_CARD = re.compile(r"\b(?:gtx?|rtx|rx|geforce|radeon|hd|quadro)[\s_-]?(\d{2,3}[05])\b")
#: The end of MLPerf's names of models: how much of the accuracy is kept.
_MLPERF = re.compile(r"-99(\.9)?$")
#: The CPU that stands in for a part without a preset, whose speed is mostly that of its memory.
_STAND_IN = "ryzen-9-9950x"
#: A CPU by what it is called.
_CPU = re.compile(r"\bcpu|\bi[3579]-?\d|core|xeon|epyc|ryzen|threadripper|opteron|celeron|pentium|graviton")
#: A rate of reading, as it is written.
_RATE = r"(?i)[\d.]+ ?[kmgtp]b/s"
#: Memory by its name, of which a desktop has two channels of 8 bytes.
_MEMORY = r"(?i)ddr[345][ -]?(\d{4})"
#: A letter and a number.
_LETTERED = re.compile(r"[a-z]\d+")
#: The end of a plain name that says a size or a number of cores.
_ASKED, _CORES = re.compile(r"[1-9]\d*(gb|c)"), re.compile(r"\dc$")


def folders() -> list[Path]:
    """The folders of presets, the user's own (``INFERCOST_PRESETS``) first; BadFile where that is no folder."""
    own = os.environ.get("INFERCOST_PRESETS")
    if not own:
        return [shipped()]
    if not os.path.isdir(own):
        raise BadFile(f"INFERCOST_PRESETS={own}: no such folder", "name a folder that holds accelerators/*.yaml")
    return [Path(own), shipped()]


@lru_cache(8192)
def plain(name: str) -> str:
    """A name for comparison: letters and digits in lower case, and the dot of a number: 1.3b is not 13b."""
    return _NOISE.sub("", name.lower())


def has_words(text: str, name: str) -> bool:
    """Whether a plain text is how a name begins, or the rest of it from one of its words on: ``4070`` in ``rtx-4070``.

    ``mac`` is in ``Mac mini``, not in ``llama.cpp``.
    """
    return any(plain(name[word.start() :]).startswith(text) for word in _START.finditer(name))


def _repository(alias: str) -> str:
    """The name of a hub's repository without its owner, for comparison; empty where an alias is none."""
    return plain(alias.partition("/")[2])


@once
def _files(family: str) -> dict[str, str]:
    """Preset file by name; a user's file shadows a shipped one."""
    files: dict[str, str] = {}
    for folder in reversed(folders()):
        files.update(_files_in(os.path.join(folder, family)))
    return files


@read_once
def _files_in(place: str) -> dict[str, str]:
    """Preset file by name in a folder, none where there is no such folder; BadFile for one that cannot be read."""
    if not os.path.isdir(place):
        return {}
    try:
        entries = sorted(os.listdir(place))
    except OSError as error:
        raise BadFile(f"presets {place}: {reason(error)}", "name a folder that you may read") from error
    return {each.rpartition(".")[0]: os.path.join(place, each) for each in entries if each.endswith((".yaml", ".yml"))}


def names(family: str) -> list[str]:
    """Names of all presets of a family, in alphabetical order."""
    return sorted(_files(family))


def paths(family: str) -> list[tuple[str, str]]:
    """Name and file of all presets of a family, in alphabetical order."""
    return sorted(_files(family).items())


def aliases(family: str) -> dict[str, str]:
    """Every alias of every preset, as written, with the preset's name."""
    return {alias: name for name, path in _files(family).items() for alias in _names_in(path)[0]}


def variants(family: str) -> dict[str, str]:
    """Every variant of every preset by its own name, with the preset's name."""
    return {f"{name}-{each}": name for name, path in _files(family).items() for each in _names_in(path)[1]}


def other_sizes(part: Preset) -> dict[str, Fact]:
    """The memory of the other variants that a part is sold with, by their names, the smallest first."""
    stem = Path(part.path).stem
    if part.family != "accelerators" or _files("accelerators").get(stem) != part.path:
        return {}
    sizes = [f"{stem}-{each}" for each in _names_in(part.path)[1] if _ASKED.fullmatch(each) and each[-1] == "b"]
    names = [name for name in (stem, *sizes) if sizes and name != part.name]
    known = {name: load("accelerators", name).facts["memory"] for name in names}
    others = [(name, fact) for name, fact in known.items() if fact.value != part.value("memory")]
    return dict(sorted(others, key=lambda each: each[1].value))


def is_of_a_size(part: Preset) -> bool:
    """Whether a part's name says which of several sizes it is."""
    return part.id != Path(part.path).stem


def unchecked_cards() -> tuple[Card, ...]:
    """The cards that no preset has and nobody checked by hand."""
    return _book().cards


def of_card(card: Card) -> Preset:
    """The preset that a card is: its name is not looked for among all."""
    return _read(_card_file(), "accelerators", card.id)


def _card_file() -> str:
    return str(shipped() / "cards.yaml")


def _book() -> Book:
    return read_cards(_card_file())


def machine(name: str) -> Machine | None:
    """The machine of several accelerators that a name means, None for none."""
    return find_machine(str(shipped() / "machines.yaml"), name)


def _text(path: str) -> str:
    """The text of a preset; none of a file that cannot be read, which is no other one's fault."""
    try:
        return read_text(path, "preset")
    except BadFile:
        return ""


@read_once
def _names_in(path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A file's aliases, written on one line, and variants."""
    text = _text(path)
    line, block = _ALIASES.search(text), _VARIANTS.search(text)
    known = (alias.strip().strip("\"'") for alias in line[1].split(",")) if line else ()
    return tuple(alias for alias in known if alias), tuple(_VARIANT.findall(block[1])) if block else ()


def find(family: str, name: str) -> tuple[str, str]:
    """A preset's name and file, from any of its names; of a variant or a card its own name, and the file that has it.

    Raises:
        UnknownName: no such preset, with the nearest name, none of such a size, or a text without a letter or digit.
    """
    files, text = _files(family), plain(name)
    if not text:
        what = f"{name!r} names no {WHAT[family]} preset"
        raise UnknownName(what, f"is a variable of the shell not set? infercost presets list {family} shows all")
    if found := _by_name(family, files, name):
        return found
    begun = _begun(files, text)
    if begun and family == "accelerators":  # ryzen is more than the one that was checked
        begun += sorted(card.id for card in unchecked_cards() if text in _starts(card.id))
    if begun and all(own.startswith(begun[0]) for own in begun):
        return begun[0], files[begun[0]]
    if family == "models":
        refuse_foreign(name)
    kind = _of_kind(files, text)
    if begun and not kind:
        few = ", ".join(begun[:KINDRED]) + (" ..." if len(begun) > KINDRED else "")
        raise UnknownName(f"{name!r} begins {len(begun)} names", f"{few}; infercost presets list {name} shows all")
    own = ", or its config.json: --model ./config.json" if family == "models" else ""
    raise UnknownName(
        f"no {WHAT[family]} preset is called {name!r}",
        f"{_hint(family, files, name, kind)}infercost presets list {family} shows all{own}",
    )


def _hint(family: str, files: dict[str, str], name: str, kind: str) -> str:
    """The start of a hint at what a name that no preset has may mean; ``kind`` is that of its kind of part."""
    is_part = family == "accelerators"
    others = [*aliases(family), *(card.id for card in unchecked_cards() if is_part)]
    hint = kind or (is_part and (_read_as(name) or akin(name))) or _near(family, name, [*files, *others])
    if is_part and not hint:
        hint = _by_figures(name)
    if own := {"models": _of_a_tag, "hosts": _in_other_order}.get(family):
        hint = own(name) or hint
    hint = hint or (of_its_word(name) if family == "models" else "")
    return f"{hint}workloads: {', '.join(files)}; " if family == "workloads" else hint


def of_its_word(name: str) -> str:
    """The start of a hint at the models whose first word a name has, where none is near it; nothing without any."""
    word = _word(name)
    kin = [own for own in _files("models") if len(word) > 2 and _word(own) == word]
    return f"of {word} there {'are' if len(kin) > 1 else 'is'} {', '.join(kin[:KINDRED])}; " if kin else ""


def _by_figures(name: str) -> str:
    """The start of a hint at what a part without a preset goes by: a CPU by its memory, others by their figures."""
    if _CPU.search(name.lower()):
        own = _as_part("89.6GB/s")
        return f"a CPU goes by what its memory reads, two channels of DDR5-5600 {own} --set gpu.memory=32GB; "
    return "a part without a preset goes by a file with its memory, memory_bandwidth and flops_bf16 (--gpu FILE.yaml); "


def _as_part(bandwidth: str) -> str:
    """What asks for a part without a preset, by what it reads a second."""
    written = bandwidth.replace(" ", "")
    return (
        f"--gpu {_STAND_IN} --set gpu.memory_bandwidth={written[:-2].upper() + '/s' if written.islower() else written}"
    )


def _read_as(name: str) -> str:
    """The start of a hint for who names memory in place of a part: a host, its kind or its rate; nothing for others."""
    if found := _by_name("hosts", _files("hosts"), name):
        host = load("hosts", found[0]).facts
        own = f"{_as_part(host['memory_bandwidth'].text)} --set gpu.memory={host['memory'].text.replace(' ', '')}"
        return f"{found[0]} is a host, memory beside a GPU; its CPU alone: {own}; "
    if re.fullmatch(_RATE, name):
        return f"a part that reads so fast: {_as_part(name)}, or a file of yours; "
    if memory := re.fullmatch(_MEMORY, name):
        return f"two channels of such memory: {_as_part(f'{16 * int(memory[1]) / 1e3:g}GB/s')}; "
    return ""


def _word(name: str) -> str:
    """The first letters of a model's name, of what stands behind a maker."""
    found = re.search(r"[a-z]+", name.lower().rpartition("/")[2])
    return found[0] if found else ""


def _alike(first: str, second: str) -> bool:
    """Whether one word may be the other, written wrongly or cut."""
    from difflib import SequenceMatcher

    cut = first.startswith(second) or second.startswith(first)
    return cut or SequenceMatcher(None, first, second).ratio() >= ALIKE


def _near(family: str, name: str, names: list[str]) -> str:
    """The start of a hint at the nearest name, of the same size if one is: of a card none of another number."""
    if asked := set(_SIZES.findall(name.lower())):
        names = [each for each in names if _SIZES.search(each.lower())]
    if family == "models":  # another first word is another model, whatever follows; a benchmark's names are no hint
        names = [each for each in names if _alike(_word(name), _word(each)) and not _MLPERF.search(each)]
    same = [each for each in names if asked <= set(_SIZES.findall(each.lower()))]
    hint, card = closest(name, same) or closest(name, names), _CARD.search(name.lower())
    if card is None or sorted(card[1]) in [sorted(number) for number in re.findall(r"\d+", hint)]:
        return hint
    return "cards of before 2016 or with less than 6 GB are not listed: give a file with the figures of yours; "


#: A format at the end of a tag, as Ollama writes it, and names of models whose makers publish no sizes.
_TAGGED = re.compile(r"(.+)[-:](i?q\d\w*|fp16|bf16|fp8|(awq|gptq)(-int[48])?|nvfp4|int4|int8)", re.I)
_CLOSED = re.compile(r"(openai/)?(gpt-?(3\.5|[45])|o[134]\b|chatgpt)|(anthropic/)?claude|(google/)?gemini|grok-?[3-9]")
#: Starts of names of models that answer no text, by what they are.
_OTHER_KINDS = {
    "a speech model": r"""(distil-|faster-)?whisper|parakeet|canary|wav2vec2?|hubert|seamless|moonshine|kokoro|x?tts
        |bark|speecht5|vits|chatterbox|musicgen|.*[^a-z]tts""",
    "an image generator": r"""flux|stable-?diffusion|sd-?xl|sd-?[123]|dall-?e|qwen-image|hidream|pixart|kandinsky|imagen
        |midjourney|z-image""",
    "a video generator": r"wan-?2|hunyuan-?video|ltx|cogvideox?|mochi|svd|stable-video|open-?sora|sora|animatediff|veo",
}


def refuse_foreign(name: str) -> None:
    """UnknownName for a model of no known size, or of speech, images or video, of which at most memory is counted."""
    if _CLOSED.match(name.lower()):
        raise UnknownName(f"the size of {name} is not published", "name an open model, or guess: --params 200B")
    own = name.lower().rpartition("/")[2]
    for what, names in _OTHER_KINDS.items():
        if re.match(rf"({names})(?![a-z])", own, re.VERBOSE):
            hint = "infercost answers for models that write, embed or rank text"
            if "whisper" in own:
                hint = "infercost fit --model config.json"
                hint = f"hours of audio have no price here; its memory is counted, by its file: {hint}"
            raise UnknownName(f"{name} is {what}", hint)


def _of_a_tag(name: str) -> str:
    """The start of a hint at the model and the format that a tag names together; nothing where it names none."""
    if (tag := _TAGGED.fullmatch(name)) is None:
        begun = [
            own for own in _files("models") if plain(name).startswith(plain(own)) and name[len(own) :][:1] in "-_ "
        ]
        return f"did you mean {max(begun, key=len)}? " if begun else ""
    try:
        own, _ = find("models", tag[1])
    except UnknownName:
        return ""
    return f"the format goes apart: --model {own} --dtype {tag[2].lower()}; "


def _in_other_order(name: str) -> str:
    """The start of a hint at a host whose words were written in another order, or with its size; nothing for others."""
    asked = set(_BOUNDARY.split(name.lower()))
    kin = [own for own in _files("hosts") if asked >= set(own.split("-"))]
    size = next((word for word in asked if re.fullmatch(r"\d+gb", word)), "")
    return f"did you mean {kin[0]}{f' with --set host.memory={size.upper()}' if size else ''}? " if kin else ""


def _by_name(family: str, files: dict[str, str], name: str) -> tuple[str, str] | None:
    """A preset, a variant or a card by one of its whole names; see ``find``."""
    if name in files:
        return name, files[name]
    if not (text := plain(name)):  # aliases without an owner have no repository either
        return None
    by_plain = {plain(own): own for own in files}
    if own := by_plain.get(text):
        return own, files[own]
    # files whose name holds the text come first: h100-sxm for h100
    near = [by_plain[candidate] for candidate in sorted(by_plain, key=lambda other: text not in other)]
    for spell in (plain, _repository):
        for own in near:
            if text in map(spell, _names_in(files[own])[0]):
                return own, files[own]
    if family != "accelerators":
        return None
    found = _device(files, name) or _variant_or_card(files, name) or _branded(files, name)
    return found or _slice_of(files, name) or _mac(files, name)


def _slice_of(files: dict[str, str], name: str) -> tuple[str, str] | None:
    """A slice of a part, ``h100 1g.10gb``: the part's own name with the slice, and the part's file."""
    asked = slice_of(name)
    whole = _by_name("accelerators", files, asked.part) if asked and asked.part else None
    return (f"{whole[0]}-{asked.name}", whole[1]) if asked and whole else None


def _mac(files: dict[str, str], name: str) -> tuple[str, str] | None:
    """A chip of Apple by the computer that it is in, or with a size that has no unit: ``MacBook Pro M4 Max 128``."""
    words = re.sub(r"[\s(),_-]+", " ", name.lower()).strip()
    mac = _MAC.fullmatch(words)
    chip = f"{mac[1]} {mac[2]}gb" if mac and mac[2] else mac and mac[1]
    return _by_name("accelerators", files, chip) if chip and chip != words else None


def _device(files: dict[str, str], name: str) -> tuple[str, str] | None:
    """A preset by the name that a driver reports, maker and brand in it: ``NVIDIA GeForce RTX 4090``."""
    asked = key_of(name)
    known = [(own, key_of(each)) for own, path in files.items() for each in (own, *_names_in(path)[0])]
    for own, key in known:
        if key == asked and key.core:
            return own, files[own]
    if (size := asked.size) is None:
        return None
    for own in (own for own, key in known if key == asked._replace(size=None)):
        if f"{size:g}gb" in _names_in(files[own])[1]:
            return f"{own}-{size:g}gb", files[own]
        if load("accelerators", own).value("memory") == size * 1e9:
            return own, files[own]
    return None


def akin(name: str) -> str:
    """The start of a hint at parts: the one that the last words mean, or those that share a word as ``m2``; or nothing.

    A computer's name may stand before its chip's: ``Mac mini M4 16GB``.
    """
    files, words = _files("accelerators"), name.lower().split()
    if re.fullmatch(r"(i?mac|macbook|apple)\b.*", name.lower()) and not any(map(_CHIP.fullmatch, words)):
        return "a Mac goes by its chip: --gpu m4-max-64gb; infercost presets list apple; "
    if one := machine(name):
        return f"{one.name} has {counted(one.number, one.part)}: name that one; "
    if slice_of(name):
        return "a slice goes behind its part: --gpu a100-80gb-3g.40gb; "
    for start in range(max(1, len(words) - KINDRED), len(words)):
        try:
            found = _by_name("accelerators", files, " ".join(words[start:]))
        except UnknownName as error:  # such a part, but not of this size
            return f"{error.what}: {error.hint}; "
        if found:
            return f"did you mean {found[0]}? "
    for word in (word for word in _BOUNDARY.split(name.lower()) if _CHIP.fullmatch(word)):
        if kin := sorted((own for own in files if word in own.split("-")), key=lambda own: (len(own), own)):
            return f"of {word} there are figures of {', '.join(kin[:KINDRED])}; "
    return ""


def _variant_or_card(files: dict[str, str], name: str) -> tuple[str, str] | None:
    """A variant of a preset, or else a card, by its own name with the file that has it; None where neither is meant.

    Raises:
        UnknownName: a part without published figures, or see ``_of_size``.
    """
    text, book = plain(name), _book()
    starts = [
        (own, text.removeprefix(start))
        for own, path in files.items()
        for start in map(plain, (own, *_names_in(path)[0]))
        if text.startswith(start) and start
    ]
    for own, rest in starts:
        for each in _names_in(files[own])[1]:
            if plain(each) == rest:
                return f"{own}-{each}", files[own]
    asked = [(own, rest) for own, rest in starts if _ASKED.fullmatch(rest)]
    # people leave out what all cards of a letter and a number have: a4000 is rtx-a4000
    core, size = key_of(name)
    said = f"{core} {size:g}gb" if size else core
    lettered = _LETTERED.fullmatch(core) and not asked
    spelled = (f"rtx {said}", f"pro {said}", f"{said} pcie", f"arc {said}") if lettered else ()
    if card := next(filter(None, (find_card(book, each, files) for each in (name, *spelled))), None):
        return card.id, _card_file()
    if why := without_figures(book, name):
        raise UnknownName(f"{name!r} has no published figures: {why}", "give a file of your own with its figures")
    if not asked:
        return None
    own, rest = min(asked, key=lambda each: len(each[1]))
    return _of_size(files, own, rest, cores=_CORES.search(text.removesuffix(rest)) is None)


def _of_size(files: dict[str, str], own: str, asked: str, *, cores: bool) -> tuple[str, str]:
    """The one part of a name with a size that the name itself does not come with, of any number of ``cores`` or not.

    Raises:
        UnknownName: none has that size, or several, or what was asked is a number of cores.
    """
    known = {name: name for name in files} | variants("accelerators")
    called = re.compile(re.escape(own) + r"(-\d+c)?" * cores + r"(-\d+gb)?")
    kin = {name: path for name, path in known.items() if called.fullmatch(name)}
    size = float(asked[:-2]) if asked.endswith("gb") else 0.0
    memory = {name: fact.value for name in kin if (fact := load("accelerators", name).facts.get("memory"))}
    found = [name for name in memory if memory[name] in (size * 1e9, size * 2**30)]
    found = [name for name in found if not any(other.startswith(f"{name}-") for other in found)]
    if len(found) == 1:
        return found[0], files[kin[found[0]]]
    if found:
        raise UnknownName(f"{own} comes with {asked} as several parts", f"name one of {', '.join(found)}")
    hint = (
        f"it comes as {', '.join(sorted(kin, key=len))}"
        if len(kin) > 1
        else f"name {own}, and another size as --set gpu.memory={asked.upper() if size else '48GB'}"
    )
    raise UnknownName(f"{own} does not come with {asked}", hint)


def _begun(files: dict[str, str], text: str) -> list[str]:
    """The presets with a name of which the text is the first words, the shortest first."""
    found = [own for own, path in files.items() if any(text in _starts(name) for name in (own, *_names_in(path)[0]))]
    return sorted(found, key=lambda own: (len(own), own))


@cache
def _starts(name: str) -> frozenset[str]:
    """What a name's first words are, in plain letters: ``qwen3.6`` and ``qwen3.635b`` of ``Qwen/Qwen3.6-35B-A3B``.

    A month at its end may be cut short: ``mistral-large-2`` is of ``mistral-large-2407``.
    """
    words = _BOUNDARY.split(name.rpartition("/")[2])
    cut = [name[:-missing] for missing in (1, 2, 3) if _MONTH.fullmatch(words[-1])]
    return frozenset(map(plain, ["-".join(words[:count]) for count in range(1, len(words))] + cut))


def _branded(files: dict[str, str], name: str) -> tuple[str, str] | None:
    """The card that a number means, as ``4070`` or ``5060 ti 16gb``; UnknownName for one of several sizes."""
    for brand in _BRANDS if name[:1].isdigit() else ():
        if found := _variant_or_card(files, f"{brand} {name}"):
            return found
    return None


def _of_kind(files: dict[str, str], kind: str) -> str:
    """The start of a hint for who names a kind of part: some presets of it, ``a cpu is epyc-turin or xeon-6980p; ``."""
    found = [name for name, path in files.items() if re.search(rf"(?m)^kind: {re.escape(kind)}$", _text(path))]
    return f"a {kind} is {' or '.join(found[:KINDRED])}; " if kind and found else ""


def looks_like_file(text: str) -> bool:
    """Whether a text is a file's path, not a preset's name."""
    return (os.sep in text and not re.fullmatch(_RATE, text)) or text.endswith((".yaml", ".yml", ".json"))


@once
def load(family: str, name: str) -> Preset:
    """The preset of a name or of a file's path, a profile's of a release too: ``sglang@0.5.8``.

    Raises:
        UnknownName: no such preset.
        BadFile: see ``build``.
        BadValue: a release that is none, or of a profile that is the same for all.
    """
    if family == "efficiency" and not looks_like_file(name) and name not in aliases(family):
        base, *release = _RELEASED.split(name, 1)
        if release:
            return stack.at_release(load(family, base), release[0])
    is_own = looks_like_file(name)
    own, path = (Path(name).stem, name) if is_own else find(family, name)
    preset = _read(path, family, own)._replace(own=is_own)
    if is_own and family in ("accelerators", "hosts"):
        preset = preset._replace(name=" ".join(preset.title.split()) or own)
    return stack.like(preset, load(family, preset.labels["like"])) if "like" in preset.labels else preset


@read_once
def _read(path: str, family: str, own: str) -> Preset:
    return build(family, own, _data(own, path), path)


def _data(own: str, path: str) -> dict[str, Any]:
    """The data of a preset's file, of a variant in it, of a card, or of a slice of one."""
    if (asked := slice_of(own)) and asked.part:
        return cut_slice(_data(asked.part, path), asked.part, asked, accelerator_figures.FIGURES)
    if path == _card_file():
        return data_of(_book(), next(card for card in _book().cards if card.id == own))
    data = read_mapping(path, "preset")
    stem = Path(path).stem
    return data if own == stem else variant_of(data, own.removeprefix(f"{stem}-"), path)


def build(family: str, name: str, data: dict[str, Any], path: str) -> Preset:
    """A preset from its file's data; BadFile or BadValue for a key, a figure, its source or date that cannot be."""
    kinds, labels = FAMILIES[family]
    data = accelerator_figures.flat(data, f"preset {path}") if family == "architectures" else data
    data = stack.flat(data, f"preset {path}") if family == "efficiency" else data
    keys = [*kinds, *labels, "released", "sources"]
    if unknown := [key for key in data if key not in keys]:
        _refuse_unknown(family, data, unknown, keys, path)
    if family in ESSENTIALS:
        unsaid = stack.unsaid(data) if family == "efficiency" else {}
        refuse_lacking(data, kinds, ESSENTIALS[family], DATED, path, unsaid)
    for key, words in stack.WORDS.items() if family == "efficiency" else ():
        word = data.get(key, stack.DEFAULTS.get(key))
        if word not in words and (key in data or stack.needs(data, key)):
            raise BadFile(f"preset {path}: {key} is {word!r}", f"write one of {', '.join(words)}")
    sources = data.get("sources", {})
    facts = {key: _fact(key, kind, data[key], sources, path) for key, kind in kinds.items() if key in data}
    texts = {key: _label(data[key]) for key in labels if key in data}
    needed = (*NEEDED.get(family, ()), *accelerator_figures.beside(facts))
    if missing := [key for key in needed if key not in facts]:
        raise BadFile(f"preset {path}: no {missing[0]}", f"{WHAT[family]} presets have {', '.join(needed)}")
    if "released" in data:
        texts.update(_released(data["released"], sources, path))
    if family == "traffic":
        texts.update(_hours(data.get("hours"), sources, path))
    return Preset(name=name, family=family, labels=texts, facts=facts, path=path)


def _label(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | dict) else str(value)


def _released(entry: Any, sources: Any, path: str) -> dict[str, str]:
    where = f"preset {path}: released"
    if not isinstance(entry, dict) or not _DATE.fullmatch(str(entry.get("value"))):
        raise BadFile(f"{where} is no date", "write it as released: {value: 2025-03, source: KEY}")
    source = _source(entry.get("source"), sources, where)
    return {"released": entry["value"], "released_source": source["title"], "released_date": source["date"]}


def _hours(entry: Any, sources: Any, path: str) -> dict[str, str]:
    where = f"preset {path}: hours"
    loads = read_loads(entry, where)
    source = _source(entry["source"], sources, where)
    return {"hours": _label(list(loads)), "hours_source": source["title"], "hours_date": source["date"]}


def _source(key: Any, sources: Any, where: str) -> dict[str, str]:
    source = sources.get(key) if isinstance(sources, dict) and isinstance(key, str) else None
    if not isinstance(source, dict) or not all(isinstance(source.get(name), str) for name in ("title", "date")):
        hint = f"add under sources: {key}: {{title: ..., date: ...}}"
        raise BadFile(f"{where}: its source {key!r} has no title or no date", hint)
    return source


def _fact(key: str, kind: Kind, entry: Any, sources: Any, path: str) -> Fact:
    where = f"preset {path}: {key}"
    if not isinstance(entry, dict) or "value" not in entry or not entry.get("source"):
        form = "{value: " + kind.forms.split(",")[0] + ", source: KEY}"
        raise BadFile(f"{where} has no source", f"write it as {key}: {form}, and the key under sources:")
    if unknown := [name for name in entry if name not in _FACT_KEYS]:
        raise BadFile(f"{where}: unknown key {unknown[0]!r}", f"a figure has {', '.join(_FACT_KEYS)}")
    if odd := [name for name in _FACT_TEXTS if not isinstance(entry.get(name, ""), str)]:
        raise BadFile(f"{where}: {odd[0]} is no text", f"write it as {odd[0]}: a few words")
    source = _source(entry["source"], sources, where)
    if key in DATED and not entry.get("as_of"):
        raise BadFile(f"{where} has no date", "add as_of: YYYY-MM to the price")
    return Fact(
        value=parse(kind, str(entry["value"]), where),
        kind=kind,
        source=source["title"],
        date=entry.get("as_of") or source["date"],
        weak=entry.get("weak", ""),
        others=entry.get("others", ""),
        text=str(entry["value"]),
        until=_until(kind, entry.get("until", {}), where),
    )


def on_part(profile: Preset, part: Preset) -> Preset:
    """An efficiency profile as it is on a part, whose name or else vendor may decide the engine's backend.

    What a profile says itself, beyond the one that it is like, holds for every backend.
    """
    entries = [(*entry.split(" ", 1), "")[:2] for entry in profile.labels.get("backends", "").split(", ") if entry]
    names = () if profile.labels.get("kernels") else (part.id, part.labels.get("vendor", ""), "any")
    found = (backend for name in names for start, backend in entries if name.startswith(start))
    if (backend := next(found, None)) is None:
        return profile
    base, theirs = load("efficiency", profile.labels.get("like", profile.name)), load("efficiency", backend)
    own = {key: fact for key, fact in profile.facts.items() if base.facts.get(key) != fact}
    own = {key: fact for key, fact in own.items() if stack.is_stated(profile, key)}
    if "like" not in profile.labels:
        return theirs._replace(facts={**theirs.facts, **own})
    return profile._replace(labels={**theirs.labels, **profile.labels}, facts={**theirs.facts, **own})


def _until(kind: Kind, entry: Any, where: str) -> tuple[tuple[str, float], ...]:
    """Values of earlier releases, from the oldest on."""
    if not isinstance(entry, dict) or not all(stack.release_of(release) for release in entry):
        raise BadFile(f"{where}: until is no mapping of releases", "write it as until: {0.5.9: 3}")
    values = [(release, parse(kind, str(value), where)) for release, value in entry.items()]
    return tuple(sorted(values, key=lambda each: stack.release_of(each[0]) or ()))


def accelerators() -> list[str]:
    """Names of all accelerator presets."""
    return names("accelerators")


def accelerator(name: str) -> Preset:
    """The accelerator preset of a name or a file: ``accelerator("h100").value("memory_bandwidth")``."""
    return load("accelerators", name)


# All that a preset of one's own lacks, said at once, and the smallest file that has it.


def _refuse_unknown(family: str, data: Mapping[str, Any], unknown: list[str], keys: list[str], path: str) -> None:
    """Refuse keys that a family has not: with all that the file lacks beside them, and a whole file with its values.

    Raises:
        BadFile: always.
    """
    kinds, first = FAMILIES[family][0], unknown[0]
    meant = {key: name for key in unknown if (name := _meant(key, kinds)) and name not in data}
    guess = f"did you mean {meant[first]}? " if first in meant else closest(first, keys)
    known = f"keys: {nearest(meant.get(first, first), keys, 5)}"
    what, hint = [f"unknown key {first!r}"], f"{guess}{known}"
    if family in ESSENTIALS and family != "efficiency":
        what += lacking(data, kinds, ESSENTIALS[family], DATED, {}).lacks
        renamed = {key: value for key, value in data.items() if key not in meant}
        renamed |= {name: data[key] if _has_unit(data[key], kinds[name]) else None for key, name in meant.items()}
        whole = lacking(renamed, kinds, ESSENTIALS[family], DATED, {}).whole
        hint = f"{guess}a whole file, yours in place of examples: {whole}; {known}"
    raise BadFile(f"preset {path}: {'; '.join(what)}", hint)


def _meant(key: str, kinds: Mapping[str, Kind]) -> str:
    """The figure that a key is another word for, or is most like; empty where none is."""
    words = _WORDS.get(key.lower(), "")
    return words if words in kinds else near_name(key, list(kinds))


def _has_unit(entry: Any, kind: Kind) -> bool:
    """Whether the value under another word counts base units: ``tflops: 989`` and ``memory_gb: 80`` do not."""
    try:
        return parse(kind, _written(entry)) >= LEAST or kind.unit not in ("B", "B/s", "FLOP/s")
    except BadValue:
        return False


def refuse_lacking(
    data: Mapping[str, Any],
    kinds: Mapping[str, Kind],
    needed: Collection[str],
    dated: Collection[str],
    path: str,
    words: Mapping[str, str],
) -> None:
    """Refuse a preset that lacks several things; one alone is refused, or asked for, where it is read.

    ``words`` are labels that it has to say and does not, each with one that it may say.

    Raises:
        BadFile: all that it lacks, with the smallest whole file in the hint.
    """
    found = lacking(data, kinds, needed, dated, words)
    has_some = any(key in data for key in kinds)
    if found.things < 2 or (RATE in kinds and has_some and not found.told):  # memory alone answers fit
        return
    raise BadFile(
        f"preset {path}: {'; '.join(found.lacks)}", f"a whole file, yours in place of examples: {found.whole}"
    )


class Lacking(NamedTuple):
    """What a preset lacks in words, how many things that are, those it has half, and the smallest whole file."""

    lacks: list[str]
    things: int
    told: int
    whole: str


def lacking(
    data: Mapping[str, Any],
    kinds: Mapping[str, Kind],
    needed: Collection[str],
    dated: Collection[str],
    words: Mapping[str, str],
) -> Lacking:
    """All that a preset lacks, and the smallest whole file with what it has."""
    figures = {key: data[key] for key in kinds if key in data}
    unsourced = [key for key, entry in figures.items() if not (isinstance(entry, dict) and entry.get("source"))]
    sources = {str(entry["source"]): None for key, entry in figures.items() if key not in unsourced}
    untitled = [name for name in sources if not _is_titled(data.get("sources"), name)]
    undated = [key for key in dated if key in figures and not (isinstance(data[key], dict) and data[key].get("as_of"))]
    absent = [key for key in needed if key not in data]
    if RATE in kinds and not any(f"flops_{rate}" in data for rate in RATES):
        absent.append(RATE)
    told = len(unsourced) + len(untitled) + len(undated) + len(words)
    lacks = [f"{_list(unsourced)} {'has' if len(unsourced) == 1 else 'have'} no source"] if unsourced else []
    lacks += [f"its source {name!r} has no title or no date" for name in untitled]
    lacks += [f"{_list(undated)} {'has' if len(undated) == 1 else 'have'} no date (as_of)"] if undated else []
    named = [f"dense rate ({key})" if key == RATE else key for key in absent]
    lacks += [f"there is no {', no '.join((*words, *named))}"] if words or absent else []
    own = {key: data[key] for key in _LABELS if key not in kinds and isinstance(data.get(key), str)}
    said = [f"{key}: {word}" for key, word in {**own, **words}.items()]
    entries = [_entry(key, data.get(key), kinds[key], as_of=key in dated) for key in (*figures, *absent)]
    return Lacking(lacks, told + len(absent), told, f"{{{', '.join((*said, *entries, _SOURCES))}}}")


def _is_titled(sources: Any, name: str) -> bool:
    source = sources.get(name) if isinstance(sources, dict) else None
    return isinstance(source, dict) and all(isinstance(source.get(key), str) for key in ("title", "date"))


def _list(keys: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(keys[:-1]), keys[-1])))


def _written(entry: Any) -> str:
    """The value of a figure as it was written, with or without its source."""
    return str(entry.get("value", "") if isinstance(entry, dict) else entry or "")


def _entry(key: str, given: Any, kind: Kind, *, as_of: bool) -> str:
    """A figure as a file has it: with the value that was given where it is one, else with an example."""
    value = _written(given)
    try:
        parse(kind, value)
    except BadValue:
        value = kind.forms.split(",")[0].split(" or ")[0]
    return f"{key}: {{value: {value.replace(',', '')}, source: SHEET{', as_of: 2026-01' if as_of else ''}}}"
