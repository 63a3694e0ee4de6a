"""A model by any of its names: a preset, a config, a checkpoint's folder, index or weights, a GGUF file, a hub id."""

import os
import re
from collections.abc import Callable, Mapping
from json import dumps
from pathlib import Path
from typing import Any, NamedTuple

from infercost.errors import BadFile, BadValue, UnknownName, closest, extra, nearest, reason
from infercost.models.counting import weight_bytes
from infercost.models.families.config import WRAPPERS, parse_json
from infercost.models.families.table import read_model
from infercost.models.gguf import as_gguf
from infercost.models.model import Model, Quantization, Rope, as_prefill_only
from infercost.models.quantization import BLOCKS, UnknownScheme
from infercost.parts import catalog, formats
from infercost.parts.files import once, read_mapping, read_once, read_text
from infercost.parts.formats import GGUF, MLX, PACKED, Format, find_format, near_dynamic

#: Keys of a preset file; ``ids`` are hub ids of aliases whose words do not say them, ``decodes: false`` is of a model
#: that reads texts alone, though its config is a decoder's.
KEYS = ("name", "aliases", "ids", "source", "published", "extended", "note", "decodes", "config", "hf_quant_config")


def _is_words(value: Any) -> bool:
    """Whether a value is left out, or a mapping of texts."""
    return value is None or (isinstance(value, dict) and all(isinstance(each, str) for each in value.values()))


#: The form of some values of a preset file, and how to write them.
FORMS: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("name", lambda value: value is None or isinstance(value, str), "Llama 3.1 8B"),
    ("decodes", lambda value: value in (None, "false"), "false, or leave it out"),
    ("note", lambda value: value is None or isinstance(value, str), "a sentence"),
    (
        "aliases",
        lambda value: value is None or (isinstance(value, list) and all(isinstance(each, str) for each in value)),
        "[meta-llama/Llama-3.1-8B]",
    ),
    ("ids", _is_words, "{v3-0324: deepseek-ai/DeepSeek-V3-0324}"),
    ("published", _is_words, "{total: 8.03B, source: ..., date: YYYY-MM}"),
    ("source", _is_words, "{title: ..., date: YYYY-MM}"),
)
#: The keys of a config.json without which most models have no size, with the values of Llama 3.1 8B.
_LLAMA = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
}
INDEX = ".safetensors.index.json"
SIDECAR = "hf_quant_config.json"
_UNSAID = f"ModelOpt keeps the formats in {SIDECAR}, which is not there"
#: One file of several, which says nothing of the whole.
_SHARD = re.compile(r"-\d+-of-\d+\.safetensors$")
#: Folders that say nothing of a model: none, where files are put, a snapshot of the hub's cache.
_ANYONES = re.compile(r"(downloads|desktop|documents|home|te?mp|[0-9a-f]{40})?", re.IGNORECASE)
#: The size of a model in a name.
_SIZED = re.compile(r"\d[bm]\b", re.IGNORECASE)
_PLAIN = re.compile(r"(?=.*[a-z])[\w.+-]{1,80}", re.ASCII | re.IGNORECASE)
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
#: What stands before an id in the hub's addresses, and repositories of files in formats of llama.cpp or MLX: what they
#: are of, and their format, which llama.cpp takes as q4_k_m where nothing says it.
_HUB = re.compile(r"^(https?://)?(hf\.co|huggingface\.co)/")
_COPY = re.compile(
    r"[\w.-]+/(?P<name>[\w.-]+?)(-gguf(:(?P<format>[\w.-]+))?|(-mlx)?-(?P<bits>[34568])bit)", re.IGNORECASE | re.ASCII
)
#: Repositories of weights in a format that engines load, whose name ends in it: what they are of, and the format.
_STORED = re.compile(
    r"[\w.-]+/(?P<name>[\w.-]+?)[-.](quantized\.)?"
    r"(?P<format>fp8(-dynamic|-block)?|(awq|gptq)(-int[48]|-4bit)?|nvfp4|fp4|mxfp4|int[48]|w4a16|w8a8)",
    re.IGNORECASE | re.ASCII,
)
#: Words of such names that mean another format than they mean alone.
_STORED_AS = {"fp4": "nvfp4"}
#: Number formats in the name of a checkpoint, which ModelOpt's own file would describe.
_NAMED_FORMAT = re.compile(
    r"(?:^|[-_. ])(nvfp4|mxfp4|fp4|fp8|int8|int4|w4a16|w8a8|awq|gptq)(?:$|[-_. ])", re.IGNORECASE
)
#: Tensors below this share of what 16 bits would take are quantized, whatever the config says.
QUANTIZED_SHARE = 0.75
#: A config is a few kilobytes, a megabyte with a list as long as the vocabulary; an index names every tensor, the
#: largest published ones in ten megabytes.
LARGEST_CONFIG, LARGEST_INDEX = 10_000_000, 20_000_000
#: No checkpoint has more bytes.
MOST_BYTES = 10**18
#: How long the hub may take to say whether it has a file; its own client would try for half a minute.
_HUB_SECONDS = 5
_HUB_REASONS = {
    "RepositoryNotFoundError": "the hub has no such public repository",
    "GatedRepoError": "the repository is gated: log in to the hub first",
    "EntryNotFoundError": "its repository holds no config.json",
    "RemoteEntryNotFoundError": "its repository holds no config.json",
    "LocalEntryNotFoundError": "the hub cannot be reached, and its cache does not hold it",
    "OfflineModeIsEnabled": "the hub is switched off (HF_HUB_OFFLINE), and its cache does not hold it",
}


class Extended(NamedTuple):
    """The longest context that a model's card documents beyond its config, by positions stretched with YaRN."""

    context: int
    rope: Rope
    source: str
    date: str


class Checkpoint(NamedTuple):
    """A model, its title, where it was read, and the bytes that its checkpoint holds when those are known.

    ``hub_id`` is what an engine loads it by, a hub's name or a folder; empty where no weights are published. ``unsaid``
    is why its number formats are not known, though its config names none, ``extended`` what its card says of longer
    contexts. Of a file of llama.cpp that goes by its name alone, ``base`` is the model as it was published, and
    ``assumed`` why the file's format was taken where the name does not say it; ``remark`` is a remark on how the name
    was read.
    """

    model: Model
    title: str
    source: str
    date: str
    published: dict[str, str]
    stored_bytes: float | None = None
    hub_id: str = ""
    note: str = ""
    unsaid: str = ""
    extended: Extended | None = None
    base: Model | None = None
    assumed: str = ""
    remark: str = ""

    @property
    def published_model(self) -> Model:
        """The model as it was published, whatever file its name means."""
        return self.base or self.model

    @property
    def says_count(self) -> str:
        """What its publisher says of its parameters, and where; empty where nothing is known of that."""
        said = self.published
        if "total" not in said:
            return ""
        active = f", {said['active']} active" if "active" in said else ""
        return f"{said.get('source', 'the publisher')} says {said['total']} parameters{active}"

    @property
    def says_format(self) -> str:
        """Where the format of its weights is from."""
        return f"assumed: {self.assumed}" if self.assumed else f"model {self.title}"


@once
def find_model(text: str) -> Checkpoint:
    """The model that a text names; UnknownName for no preset or file, BadFile or Missing for one of no use."""
    try:
        return _find(text)
    except OSError as error:
        raise BadFile(f"model {text}: {reason(error)}", "give a file or folder that you may read") from error


def _find(text: str) -> Checkpoint:
    path = Path(text)
    if text in ("-", "/dev/stdin", "/dev/fd/0"):
        raise BadFile(
            f"model {text}: a model is not read from standard input",
            "give a file: --model config.json, or a name: infercost presets list models",
        )
    if os.path.isdir(text):
        return _from_folder(path)
    if os.path.exists(text) and not os.path.isfile(text):
        raise BadFile(f"model {text}: is neither a regular file nor a folder", "give a config.json, or its folder")
    if text.endswith((INDEX, ".safetensors")):
        return _from_folder(path.parent, path)
    if text.endswith(".json"):
        return _from_config(path, path.stem)
    if text.endswith((".yaml", ".yml")):
        return _from_preset(text, path.stem)
    if text.lower().endswith(".gguf"):
        return _from_gguf(text)
    if text.endswith((".bin", ".pt")):
        raise BadFile(f"model {text}: weights alone are not read yet", "give the folder that holds its config.json")
    if _is_path(text):
        what = f"model {text}: is no config.json, preset (.yaml), GGUF file, safetensors, or folder of one"
        what = what if os.path.isfile(text) else f"model {text}: no such file or folder"
        raise BadFile(what, "give one of these, or a name: infercost presets list models")
    return _by_name(_HUB.sub("", text))


def _is_path(text: str) -> bool:
    """Whether a text is of a file rather than a name: it begins as a path, or such a file is there and no model."""
    return text.startswith(("/", "./", "../", "~/")) or (os.path.isfile(text) and not _is_known(text))


def _by_name(text: str) -> Checkpoint:
    """The model of a preset, of a tag of Ollama, of a repository of files of one, or of a hub id."""
    if (found := _from_tag(text)) is not None:
        return found
    try:
        name, preset = catalog.find("models", text)
    except UnknownName:
        if copy := _COPY.fullmatch(text):
            return _from_copy(text, *copy.group("name", "bits", "format"))
        if "," in text and all(_is_known(each) for each in text.split(",")):
            what = f"{text!r} names several models"
            raise UnknownName(what, f"a row for each: --sweep model={text.replace(' ', '')}") from None
        if not _HUB_ID.fullmatch(text):
            raise
        try:
            return _from_hub_or_name(text)
        except (UnknownName, BadFile):
            catalog.refuse_foreign(text)
            raise
    return _from_preset(preset, name, text)


def _is_known(name: str) -> bool:
    try:
        catalog.find("models", name.strip())
    except UnknownName:
        return False
    return True


def _from_hub_or_name(text: str) -> Checkpoint:
    """The model of a hub id, or where the hub cannot be asked, the known one that it names, in the format it names."""
    try:
        return _from_hub(text)
    except (UnknownName, BadFile) as error:
        stored = _STORED.fullmatch(text)
        if stored is None or _HUB_REASONS["RepositoryNotFoundError"] in error.what:
            raise
        try:
            own, preset = catalog.find("models", stored["name"])
        except UnknownName:
            raise error from None
        base, word = _from_preset(preset, own, stored["name"]), stored["format"].lower()
        found = find_format(_STORED_AS.get(word, word))
        if found is None or found.name == base.model.quantization.name:
            return base._replace(hub_id=text)
        said = f"{base.source}; {text} is taken as its {found.name}"
        return base._replace(model=stored_in(base.model, found), source=said, hub_id=text)


def _from_copy(text: str, name: str, bits: str | None, format: str | None) -> Checkpoint:
    """The model that a hub's repository of GGUF or MLX files is of, in the format that the name says.

    Raises:
        UnknownName: no preset has the model, or no format is called so.
    """
    named = formats.name_and_format(name)
    if bits is None and not format and named.format and not _is_known(name):  # its name says the format
        name, format = named
    try:
        own, preset = catalog.find("models", name)
    except UnknownName as error:
        file = "; or give a file of it: --model FILE.gguf" if bits is None else ""
        raise UnknownName(error.what, f"{error.hint}{file}") from None
    base = _from_preset(preset, own, name)
    if bits is None:
        return _in_file(base, text, format or "", formats.USUAL_FILE, "the usual file of a repository")
    found = find_format(f"mlx-{bits}bit")
    assert found is not None  # the pattern has these alone
    said = f"{base.source}; {text} is taken as its {found.name}"
    return base._replace(model=stored_in(base.model, found), source=said)


def _from_tag(text: str) -> Checkpoint | None:
    """The model that a tag of Ollama runs, in the format that it says or that the library holds; None for no tag."""
    if (tag := formats.read_tag(text)) is None:
        return None
    for name in (text, tag.model):
        try:
            own, preset = catalog.find("models", name)
        except UnknownName:
            if name == tag.model and (text.endswith(":latest") or "/" in text):  # of Ollama's library alone
                raise
            continue
        base = _from_preset(preset, own, name)
        return _in_file(base, text, tag.format, formats.usual_format(tag.model), "as Ollama's tag")
    return None


def _in_file(base: Checkpoint, text: str, format: str, usual: str, why: str) -> Checkpoint:
    """A known model in the file that a name means: of a format, or else of the usual one.

    Raises:
        UnknownName: no format is called so.
    """
    own = base.model.quantization.name
    published = own == "mxfp4" or not usual
    found = find_format(format or (own if published else usual))
    if found is None:
        raise _no_format(base.model.name, text, format)
    base = base._replace(base=base.model, assumed="" if format else why)
    if own == "mxfp4" and found.name in ("mxfp4", "bf16", "fp16"):  # files of 16 bits leave its experts as they are
        return base
    said = f"{base.source}; {text} is taken as its {found.name}"
    return base._replace(model=stored_in(base.model, found), source=said)


def _no_format(model: str, text: str, format: str) -> UnknownName:
    """The error of a file in a format that has no rule, with the plain one near it, or those called like it."""
    if near := near_dynamic(format):
        what = f"{text}: the types of {format} are chosen tensor by tensor for each model, by no rule"
        hint = f"{near} is the plain format near it, with the types of llama-quantize: --model {model} --dtype {near}"
        return UnknownName(what, f"{hint}; or give the file: --model FILE.gguf")
    like = nearest(format.lower(), [*GGUF], 5)
    return UnknownName(
        f"{text}: no format is called {format!r} here", f"like it are {like}: --model {model} --dtype q4_k_m"
    )


def _from_preset(path: str, name: str, asked: str = "") -> Checkpoint:
    model, data = read_preset(path, name)
    source, published = data["source"], data.get("published", {})
    aliases = data.get("aliases") if published.get("weights") != "none" else ()
    ids = [alias for alias in aliases or () if _HUB_ID.fullmatch(alias)]
    own = {catalog.plain(alias): hub_id for alias, hub_id in (data.get("ids") or {}).items()}
    hub_id = own.get(catalog.plain(asked)) or _stands_for(asked, name, ids)
    if hub_id and not _is_one(hub_id, name, ids[0]):
        model = model._replace(stands_for=asked.rpartition("/")[2].lower())
    title, note = data.get("name", name), data.get("note", "")
    extended = _extended(data["extended"], f"preset {path}") if "extended" in data else None
    return Checkpoint(model, title, source["title"], source["date"], published, None, hub_id, note, extended=extended)


def _extended(entry: Any, where: str) -> Extended:
    """What a preset says of longer contexts; BadFile where that is none."""
    match typed(entry):
        case {"context": int(longest), "factor": int() | float() as factor, "original": int(original), **sources}:
            if set(sources) == {"source", "date"}:
                return Extended(longest, Rope(float(factor), original), str(sources["source"]), str(sources["date"]))
    form = "{context: 131072, factor: 4, original: 32768, source: TITLE, date: YYYY-MM}"
    raise BadFile(f"{where}: extended says no longer context", f"write it as extended: {form}")


#: A run of letters, or a number with the letter of a size.
_WORDS = re.compile(r"\d+[bmt]?(?![a-z\d])|[a-z]+|\d+")
_SIZE = re.compile(r"\d+[bmt]")


def _stands_for(asked: str, name: str, ids: list[str]) -> str:
    """The hub id that a name stands for: its own, else the first that has all its words; the first for a preset's.

    A size may be left out of an id; another word may not, so that no name serves a model of another kind.
    """
    plain = catalog.plain(asked)
    for hub_id in ids:
        if plain in (catalog.plain(hub_id), catalog.plain(hub_id.partition("/")[2])):
            return hub_id
    if len(ids) < 2 or plain in ("", catalog.plain(name)):
        return next(iter(ids), "")
    words = {word for word in _WORDS.findall(asked.lower()) if not _SIZE.fullmatch(word)}
    return next((hub_id for hub_id in ids if words <= set(_WORDS.findall(hub_id.lower()))), "")


#: Words of a hub id that tell checkpoints of one model apart.
_TRAINED = {"base", "bf16", "chat", "hf", "instruct", "it", "pt"}


def _is_one(hub_id: str, name: str, first: str) -> bool:
    """Whether a hub id is of the model that a preset is called after, not of another with the same shape."""
    theirs, own = (set(re.split(r"[-_/]", text.rpartition("/")[2].lower())) for text in (hub_id, first))
    return set(name.split("-")) <= theirs or theirs - _TRAINED == own - _TRAINED


#: A number of one file of several, and what a maker of files writes before a format.
_PIECE = re.compile(r"-\d+-of-\d+(?=\.gguf$)", re.IGNORECASE)
_IMATRIX = re.compile(r"[-.]i1$", re.IGNORECASE)


def _from_file_name(path: str) -> Checkpoint | None:
    """The known model and the format that a GGUF file is called after; None where its name does not say both."""
    named = formats.name_and_format(_PIECE.sub("", Path(path).name)[: -len(".gguf")])
    name = _IMATRIX.sub("", named.model)
    if not named.format or not _is_known(name):
        return None
    own, preset = catalog.find("models", name)
    here = f"no file {path} is here: it is counted by its name"
    return _in_file(_from_preset(preset, own, name), path, named.format, "", "")._replace(remark=here)


def _from_gguf(path: str) -> Checkpoint:
    from infercost.models.gguf import read_gguf

    if not os.path.exists(path):
        bare = Path(path).name == path
        if bare and (found := _from_file_name(path)):
            return found
        if not bare and _from_file_name(path):
            hint = f"give a file that is there, or its name alone, to count by it: --model {Path(path).name}"
            raise BadFile(f"model {path}: no such file or directory", hint)
    name = Path(path).stem
    return Checkpoint(read_gguf(path, name), name, path, "", {}, float(os.path.getsize(path)))


def _from_hub(name: str) -> Checkpoint:
    """The config of a hub id that no preset has, through the optional ``huggingface_hub``."""
    config = _fetch(name, "config.json")
    try:
        sidecar = _fetch(name, SIDECAR)
    except BadFile:  # few repositories have one
        sidecar = None
    model, unsaid = _read_checkpoint(config, sidecar, name.partition("/")[2].lower(), f"model {name}")
    unsaid = unsaid or _unsaid(model, name)
    return Checkpoint(model, name, f"{name} config.json", "", {}, hub_id=name, unsaid=unsaid)


def _fetch(name: str, file: str) -> str:
    """The local path of a hub's file by ``huggingface_hub``; BadFile where the hub has none, UnknownName without it."""
    try:
        import huggingface_hub  # noqa: F401
        from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError
        from huggingface_hub.utils.logging import set_verbosity_error
    except ModuleNotFoundError as error:
        hint = f"{extra('hub')} to ask the hub, or give its config.json or a folder that holds it"
        raise UnknownName(f"no model preset has the name {name!r}", hint) from error
    set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        return _download(name, file)
    except (EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        why = _HUB_REASONS.get(type(error).__name__) or " ".join(str(error).split())[:120]
        raise BadFile(f"model {name}: {why}", "give its config.json, or a folder that holds it") from error


def _download(name: str, file: str) -> str:
    """The file as the hub has it now; as the cache has it when the hub does not answer at the first attempt."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        get_hf_file_metadata(hf_hub_url(name, file), timeout=_HUB_SECONDS)
    except Exception as error:  # the client of its client is one of three libraries
        try:
            return str(hf_hub_download(name, file, local_files_only=True))
        except LocalEntryNotFoundError as missing:
            raise error if isinstance(error, HfHubHTTPError) else missing from error
    return str(hf_hub_download(name, file))


def _from_folder(folder: Path, weights: Path | None = None) -> Checkpoint:
    """A checkpoint's folder; ``weights`` is its index or its only file where the user gave that."""
    config = folder / "config.json"
    if not config.is_file():
        raise BadFile(f"model {folder}: holds no config.json", "put the checkpoint's config.json there, or give one")
    checkpoint = _from_config(config, folder.resolve().name)
    stored, unsaid = _stored_bytes(folder, weights), checkpoint.unsaid
    if stored and not checkpoint.model.quantization.bits and not _SHARD.search(weights.name if weights else ""):
        counted = weight_bytes(checkpoint.model)
        if stored < QUANTIZED_SHARE * counted:
            unsaid = (
                f"its tensors hold {stored / counted:.0%} of what {checkpoint.model.quantization.name} takes: {_UNSAID}"
            )
    return checkpoint._replace(stored_bytes=stored, hub_id=str(folder), unsaid=unsaid)


def _from_config(path: Path, name: str) -> Checkpoint:
    sidecar = path.parent / SIDECAR
    place = path.parent.resolve().name if name == "config" else name
    if name == "config":  # a folder that the path does not name is called so where that has a model's size
        said = path.parent.name or (place if _SIZED.search(place) else "")
        name = _own_name(_read_json(str(path), f"model {path}"), said)
    model, unsaid = _read_checkpoint(str(path), str(sidecar) if sidecar.is_file() else None, name, f"model {path}")
    return Checkpoint(model, name, str(path), "", {}, unsaid=unsaid or _unsaid(model, place))


def _own_name(data: dict[str, Any], place: str) -> str:
    """What a config is called: as it says itself, else as its folder, else, where that is anyone's, as the file."""
    own = str(data.get("_name_or_path") or "").rstrip("/").rpartition("/")[2]
    if _PLAIN.fullmatch(own):
        return own
    return "config.json" if _ANYONES.fullmatch(place) else place


def _unsaid(model: Model, name: str) -> str:
    """Why the number formats of a checkpoint are not known: its name has one, and its config none."""
    found = _NAMED_FORMAT.search(name)
    if found is None or model.quantization.bits:
        return ""
    return f"its name says {found[1]} and its config {model.quantization.name}: {_UNSAID}"


def _without_quantization(data: dict[str, Any]) -> dict[str, Any]:
    """A config without its quantization block, at every level of it."""
    kept = {key: value for key, value in data.items() if key not in BLOCKS}
    return {key: _without_quantization(value) if key in WRAPPERS and isinstance(value, dict) else value
            for key, value in kept.items()}  # fmt: skip


def _read_checkpoint(config: str, sidecar: str | None, name: str, where: str) -> tuple[Model, str]:
    """The model of a config, and why its formats are not known where they are of a method that is not."""
    formats = _read_json(sidecar, f"model {sidecar}", SIDECAR) if sidecar else None
    data = _read_json(config, where)
    try:
        return read_model(data, name, where, formats), ""
    except UnknownScheme as error:
        bare = _without_quantization(data)
        return read_model(bare, name, where), f"its config names the quantization {error.name!r}, which is not known"


def _read_json(path: str, where: str, kind: str = "config.json", most: int = LARGEST_CONFIG) -> dict[str, Any]:
    """The object of a checkpoint's file, refused as what it should be."""
    if os.path.isfile(path) and os.path.getsize(path) > most:
        raise BadFile(f"{where}: larger than {most // 1_000_000} MB, no {kind}", f"give a {kind}")
    return parse_json(read_text(path, "model", most=most), where, kind)


def _stored_bytes(folder: Path, weights: Path | None) -> float | None:
    """Bytes of all tensors: the sum in the index, else those in the headers of the files; no weights are read."""
    if weights is not None and weights.suffix == ".safetensors" and not _SHARD.search(weights.name):
        return float(_file_bytes(weights))
    index = weights if weights is not None and weights.name.endswith(INDEX) else None
    index = index or next(filter(Path.is_file, sorted(folder.glob(f"*{INDEX}"))), None)
    if index is not None and (total := _index_bytes(index)) is not None:
        return total
    files = sorted(filter(Path.is_file, folder.glob("*.safetensors")))
    return float(sum(map(_file_bytes, files))) if files else None


def _index_bytes(index: Path) -> float | None:
    """The sum in an index, which may leave it out."""
    where = f"model {index}"
    metadata = _read_json(str(index), where, "checkpoint index", LARGEST_INDEX).get("metadata") or {}
    if not isinstance(metadata, dict):
        raise BadFile(f"{where}: metadata is {repr(metadata)[:40]}", "metadata must be an object")
    total = metadata.get("total_size")
    if total is None:
        return None
    if isinstance(total, bool) or not isinstance(total, (int, float)) or not 0 < total <= MOST_BYTES:
        raise BadFile(f"{where}: total_size is {repr(total)[:40]}", "total_size must be a number of bytes")
    return float(total)


def _file_bytes(path: Path) -> int:
    """Bytes of a safetensors file's tensors, from its header."""
    where, kind = f"model {path}", "safetensors file"
    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > LARGEST_INDEX:
                raise BadFile(f"{where}: its header is {length} bytes", f"give a {kind}")
            header = parse_json(file.read(length).decode(errors="replace"), where, kind)
    except OSError as error:
        raise BadFile(f"{where}: {reason(error)}", "give a readable file") from error
    return sum(_tensor_bytes(entry, name, where) for name, entry in header.items() if name != "__metadata__")


def _tensor_bytes(entry: Any, name: str, where: str) -> int:
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    start, end = offsets if isinstance(offsets, list) and len(offsets) == 2 else (None, None)
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start <= end <= MOST_BYTES:
        raise BadFile(f"{where}: is no safetensors file: data_offsets of {name[:40]!r}", "give a safetensors file")
    return end - start


def stored_in(model: Model, format: Format) -> Model:
    """The model with its weights in a format: a GGUF file's tensor by tensor, MLX's with the tables, else matrices."""
    if format.name in GGUF:
        return as_gguf(model, format.name)
    if format.name in MLX:
        parts = ("attention", "ffn", "experts", "shared", "head", "embedding")
        return model._replace(quantization=Quantization(format.name, 16, dict.fromkeys(parts, format.stored_bits)))
    return with_format(model, format.name, format.stored_bits)


def in_cache(model: Model, cache: Format) -> Model:
    """The model with its KV cache in a format; BadValue for one that packs heads where the cache is of latents."""
    attends = [model.layers[kind].attention for kind in model.order if model.layers[kind].attention.cache]
    if (packed := PACKED.get(cache.name)) is None or not attends:
        return model._replace(kv_bits=cache.stored_bits if cache.name == "fp4" else cache.bytes_per_value * 8)
    if any(each.latent for each in attends):
        what = f"--kv-dtype {cache.name} packs keys and values of heads, and {model.name} caches latents"
        raise BadValue(what, "ask for fp8 or nvfp4")
    wide = 2 if packed.wide_ends and not model.is_recurrent else 0
    middle = attends[wide : len(attends) - wide]
    heads = sum(
        each.kv_heads * (packed.keys * each.head_dim + packed.values * each.v_head_dim + 8 * packed.beside)
        for each in middle
    )
    ends = 16 * sum(each.cache for each in attends) - 16 * sum(each.cache for each in middle)
    return model._replace(kv_bits=(heads + ends) / sum(each.cache for each in attends))


def with_format(model: Model, name: str, bits: float) -> Model:
    """The model with its matrices in another format; tables, gates and norms stay in at least 16 bits."""
    if bits >= 16:
        return model._replace(quantization=Quantization(name, bits, {}))
    matrices = dict.fromkeys(("attention", "ffn", "experts", "shared"), bits)
    return model._replace(quantization=Quantization(name, 16, matrices))


@read_once
def read_preset(path: str, name: str) -> tuple[Model, dict[str, Any]]:
    """The model of a preset file, and all that the file says; BadFile or Missing for what it lacks."""
    data, where = read_preset_file(path), f"preset {path}"
    if lacks := _lacks(data):
        raise BadFile(f"{where} has no {' and no '.join(lacks)}", f"add {', and '.join(lacks.values())}{_whole(data)}")
    formats = typed(data["hf_quant_config"]) if "hf_quant_config" in data else None
    model = read_model(typed(data["config"]), name, where, formats)
    return as_prefill_only(model) if "decodes" in data else model, data


def read_preset_file(path: str) -> dict[str, Any]:
    """What a preset file says; BadFile for a key that it cannot have, or of another form."""
    data, where = read_mapping(path, "preset"), f"preset {path}"
    if (stranger := next((key for key in data if key not in KEYS), None)) is not None:
        known = f"{closest(stranger, list(KEYS))}keys: {nearest(stranger, list(KEYS), 5)}"
        raise BadFile(f"{where}: unknown key {stranger!r}{_lacking(data)}", f"{known}{_whole(data)}")
    for key, form, example in FORMS:
        if not form(data.get(key)):
            raise BadFile(f"{where}: {key} is {str(data[key])[:40]!r}", f"write it as {key}: {example}")
    return data


def _lacks(data: Mapping[str, Any]) -> dict[str, str]:
    """What a preset file lacks, by its key, and what to add."""
    source, lacks = data.get("source"), {}
    if not isinstance(source, dict) or not source.get("title") or not source.get("date"):
        lacks["source"] = "source: {title: where the config was read, date: YYYY-MM}"
    if not isinstance(data.get("config"), dict):
        lacks["config"] = "config: with the keys of the published config.json"
    return lacks


def _lacking(data: Mapping[str, Any]) -> str:
    """Behind another fault of a file, all that it lacks; nothing where it lacks nothing."""
    return f"; there is no {', no '.join(lacks)}" if (lacks := _lacks(data)) else ""


def _whole(data: Mapping[str, Any]) -> str:
    """A whole preset file of a Llama, with keys of a config that stand outside of one; nothing where one was given."""
    if "config" not in (lacks := _lacks(data)):
        return ""
    given = {key: typed(each) for key in _LLAMA if isinstance(each := data.get(key), str)}
    source = {"title": "a model card", "date": "2026-01"} if "source" in lacks else data["source"]
    whole = {"source": source, "config": _LLAMA | given}
    return f"; a whole file, yours in place of examples: {dumps(whole)}"


def typed(value: Any) -> Any:
    """The JSON value that a text scalar writes: numbers, true, false and null; other text stays text."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    if value in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[value]
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
