"""What is known, with its sources: the list of presets, one preset in full, and where the files are."""

import csv
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, starmap
from math import ceil, floor, inf
from typing import Any

from infercost.analyses.needs import cache_saved, states_kept, states_layers, stored_notes, token_cache, windows_saved
from infercost.analyses.remarks import side_by_side
from infercost.errors import BadFile, BadValue, UnknownName, closest
from infercost.models import counting
from infercost.models.find import KEYS, Checkpoint, find_model, read_preset_file
from infercost.models.model import Attention, Layer, Model
from infercost.numeric import last_that
from infercost.parts import catalog
from infercost.parts.accelerator import SECTIONS, Rate, find_rate, memory_key
from infercost.parts.files import read_mapping
from infercost.parts.formats import FORMATS
from infercost.parts.preset import DAY, Preset, hours_of
from infercost.report import Input, Note, Report, Row, Series
from infercost.scenario.options import flag
from infercost.scenario.rack import in_formats
from infercost.scenario.read import Reading
from infercost.scenario.scenario import Scenario
from infercost.scenario.usual import USUAL_BASIS, rent_key, words_of
from infercost.units import many, show

VERBS = ("list", "show", "path")
PARTS, MODELS = "accelerators", "models"
FAMILIES = (*catalog.FAMILIES, MODELS)
#: Options of models alone.
OF_MODELS = ("context", "dtype")
#: What a list says of the shipped presets, written by ``tools/index.py``.
INDEX = "index.csv"
#: What people look for a model that decodes nothing by.
KINDS = {"embedder": ("embedders", "embeddings"), "reranker": ("rerankers",), "encoder": ("encoders",)}
#: A prompt that most models take.
PROMPT = 8192
#: Columns that JSON and CSV have of a family: a model's size, a part's memory as sold and as engines count it,
#: dense rate and neocloud rent.
COLUMNS = {
    PARTS: (
        *("memory_bytes", "usable_memory_bytes", "memory_bandwidth_bytes_per_s", "rate", "peak_flops_per_s"),
        *("usd_per_gpu_hour", "price_date"),
    ),
    MODELS: ("total_params", "active_params", "layers"),
}
#: Figures of two models, and of two parts, side by side, and those of the verdict.
MODEL_KEYS = (
    *("total_params", "active_params", "layers", "weight_bytes", "dtype", "flops_per_token", "prefill_flops"),
    *("kv_bytes_per_token", "kv_bytes_per_sequence", "max_context"),
)
MODEL_WORDS = {
    "total_params": "parameters",
    "flops_per_token": "FLOP a token",
    "kv_bytes_per_token": "KV cache a token",
}
PART_KEYS = (
    *("peak_flops_per_s", "rate", "memory_bandwidth_bytes_per_s", "memory_bytes", "usable_memory_bytes", "power_w"),
    *("usd_per_gpu_hour", "price_date"),
)
PART_WORDS = {
    "peak_flops_per_s": "dense FLOP/s", "memory_bandwidth_bytes_per_s": "bandwidth", "memory_bytes": "memory",
}  # fmt: skip
#: Heights of a bar of one character, from nothing to the busiest hour.
HEIGHTS = " ▁▂▃▄▅▆▇█"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


#: Families by the words that people use for them.
MEANT = {
    **dict.fromkeys(("gpu", "gpus", "parts", "cards", "accelerator"), "accelerators"),
    **dict.fromkeys(("model", "llms"), "models"),
    **dict.fromkeys(("engine", "engines", "profile", "profiles", "stacks"), "efficiency"),
    "host": "hosts",
    "workload": "workloads",
}


def answer(scenario: Scenario) -> Report:
    """The answer to ``presets list [WORD]``, ``presets show NAME`` or ``presets path``.

    Raises:
        UnknownName: another word, or a preset that does not exist.
    """
    verb, *rest = scenario.question.words or ("list",)
    if stray := [flag(name) for name in OF_MODELS if verb != "show" and scenario.question.get(name) is not None]:
        raise BadValue(f"presets {verb} has no {stray[0]}", "presets show MODEL takes it")
    if verb == "path" and rest:
        raise BadValue(f"presets path: too many words: {' '.join(rest)}", "presets list [WORD], show NAME or path")
    if verb not in VERBS:
        words = " ".join((verb, *rest))
        known = any(
            catalog.has_words(catalog.plain(words), name) for family in FAMILIES for name in catalog.names(family)
        )
        near = closest(verb, list(VERBS)) or (f"infercost presets list {words} searches; " if known else "")
        hint = f"{near}presets list, presets show NAME or presets path"
        raise UnknownName(f"presets: no such word {verb!r}", hint)
    if verb == "path":
        folders = tuple({"path": str(folder)} for folder in catalog.folders())
        verdict = "Presets are read from these folders, the first wins."
        return Report(command="presets", verdict=verdict, inputs=(), series=Series(("path",), folders))
    if verb == "list":
        return _list(" ".join(rest), every=bool(scenario.question.get("all")))
    if not rest:
        raise UnknownName("presets show names no preset", "for example infercost presets show h100")
    reading = Reading(scenario.question)
    if len(rest) > 1 and any(map(os.path.exists, rest)) and not os.path.exists(" ".join(rest)):
        return _side_by_side([_preset(name) for name in rest], reading)
    try:
        return _report_of(_preset(" ".join(rest)), reading)
    except UnknownName:
        if len(rest) == 1 or not any(map(_is_known, rest)):
            raise
    return _side_by_side([_preset(name) for name in rest], reading)


def _list(word: str, *, every: bool) -> Report:
    """The presets of a family, with a word that begins so, or all; profiles of older engines where asked for."""
    word = MEANT.get(word, word)
    families, text = ((word,), "") if word in FAMILIES else (FAMILIES, catalog.plain(word))
    rows, notes, read, hidden, shipped = [], [], [], 0, read_index()
    for family in families:
        for name, path in catalog.paths(family):
            try:
                row = shipped.get((family, path)) or list_row(family, name)
            except (BadFile, BadValue) as error:  # one file of many
                notes.append(Note("unreadable", f"left out, {error.what}"))
                continue
            shown = every or bool(text) or not row["old"]
            hidden += not shown
            if shown and any(catalog.has_words(text, each) for each in (*_names(row), *_kinds(row))):
                rows.append({key: value for key, value in row.items() if key not in ("old", "kind")})
                read.append((family, name))
    presets, rows = len(rows), [*rows, *(_cards(text) if text else ())]
    if not rows and word:
        hint = f"{_near(word, FAMILIES)}presets list shows all; families: {', '.join(FAMILIES)}"
        raise UnknownName(f"presets: nothing is called {word!r}", hint)
    if hidden:
        left_out = f"{many(hidden, 'profile')} of engines of 2022 to 2024 left out: --all lists them too"
        notes.append(Note("left-out", left_out))
    return Report(
        command="presets",
        verdict=_found(presets, rows, word if text else ""),
        inputs=(),
        series=Series(("name", "released", "title"), tuple(rows), shown=tuple(_with_heads(_with_alias(rows, text)))),
        notes=tuple(notes),
        figures=lambda: tuple(chain.from_iterable(starmap(_sourced, read))),
    )


def _sourced(family: str, name: str) -> list[Input]:
    """Every figure of a listed preset, and a model's parameters, with where they are from."""
    if family == MODELS:
        found, origin = find_model(name), f"preset {name}"
        params = counting.total_params(found.model)
        return [Input(f"{name}.total_params", params, "param", origin, found.source, found.date)]
    preset = catalog.load(family, name)
    return [
        Input(
            f"{preset.id}.{key}", fact.value, fact.kind.unit, f"preset {preset.id}", fact.source, fact.date, fact.weak
        )
        for key, fact in preset.facts.items()
    ]


def _cards(text: str) -> Iterator[dict[str, Any]]:
    """The cards below the presets with a text in a name, each marked."""
    for card in catalog.unchecked_cards():
        if catalog.has_words(text, card.id) or catalog.has_words(text, card.name):
            title = f"{card.name}, not checked by hand"
            row = {"name": card.id, "family": PARTS, "title": title, "released": card.released, "aliases": ""}
            yield row | _of_list(catalog.of_card(card))


def _found(presets: int, rows: list[dict[str, Any]], word: str) -> str:
    """How many there are, and where the word that was looked for stands."""
    counts = [many(presets, "preset")] if presets or len(rows) == presets else []
    if cards := len(rows) - presets:
        counts.append(f"{many(cards, 'card')} that nobody checked by hand")
    alias = any(_alias_of(row, catalog.plain(word)) for row in rows)
    where = f" with {word!r} in a {'name, title or alias' if alias else 'name or title'}" if word else ""
    kinds = [words for words in KINDS.values() if any(catalog.has_words(catalog.plain(word), each) for each in words)]
    where += ", or of that kind" if word and kinds else ""
    return f"{' and '.join(counts)}{where}."


def _alias_of(row: dict[str, Any], text: str) -> str:
    """The alias by which alone a text finds a row, empty where its name or title has it."""
    name, title, *aliases = _names(row)
    if catalog.has_words(text, name) or catalog.has_words(text, title):
        return ""
    return next((alias for alias in aliases if catalog.has_words(text, alias)), "")


def _names(row: dict[str, Any]) -> list[str]:
    """The name of a row, its title, and its aliases."""
    return [row["name"], row["title"] or "", *row["aliases"].split(", ")]


def _kinds(row: dict[str, Any]) -> list[str]:
    """The words of what a row's model is, where it decodes nothing."""
    return [word for kind in row["kind"].split(", ") for word in KINDS.get(kind, ())]


def _with_alias(rows: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """The rows for people, with the alias that was found behind a title that does not say it."""
    found = ((row, _alias_of(row, text)) for row in rows)
    return [{**row, "title": f"{row['title']}, also {alias}"} if alias else row for row, alias in found]


def _with_heads(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows, those of each family under its name where there are several."""
    families = Counter(row["family"] for row in rows)
    for family, count in families.items():
        if len(families) > 1:
            yield {"name": f"{family}, {count}:", "released": "", "title": ""}
        yield from (row for row in rows if row["family"] == family)


def read_index() -> dict[tuple[str, str], dict[str, Any]]:
    """The rows of the shipped presets by family and file, from an index: to read each file takes ten times as long."""
    folder = catalog.shipped()
    with open(folder / INDEX, encoding="utf-8", newline="") as file:
        rows = [_of_line(line) for line in csv.DictReader(file)]
    return {(row["family"], str(folder / row["family"] / f"{row['name']}.yaml")): row for row in rows}


def _of_line(line: dict[str, str]) -> dict[str, Any]:
    """A row of the list from its line in the index."""
    texts = {key: line[key] for key in ("name", "family", "title")}
    known = {"released": line["released"] or None, "aliases": line["aliases"], "kind": line["kind"]}
    columns = {key: _of_cell(key, line[key]) for key in COLUMNS.get(line["family"], ())}
    return {**texts, **known, "old": bool(line["old"]), **columns}


def _of_cell(key: str, text: str) -> Any:
    """A value from its cell in the index: a text, a model's whole number, a part's figure; None of an empty cell."""
    if key in ("rate", "price_date") or not text:
        return text or None
    return int(text) if key in COLUMNS[MODELS] else float(text)


def list_row(family: str, name: str) -> dict[str, Any]:
    """What a list says of a preset, from its file; ``old`` is a profile of an engine that few run today.

    Raises:
        BadFile, BadValue: the file is no preset.
    """
    old, kind, columns = False, "", dict[str, Any]()
    if family == MODELS:
        data = read_preset_file(catalog.find(family, name)[1])
        title, released = data.get("name"), data.get("published", {}).get("date")
        aliases = ", ".join(data.get("aliases", ()))
        model = find_model(name).model
        columns = {"total_params": counting.total_params(model), "active_params": counting.active_params(model)}
        columns["layers"] = model.depth
        if model.prefill_only:
            kind = ("reranker" if "rerank" in name else "embedder") + ", encoder" * model.is_encoder
    else:
        preset = catalog.load(family, name)
        name, title = preset.name, preset.title
        released, aliases = preset.labels.get("released"), preset.labels.get("aliases", "")
        old = family == "efficiency" and "until" in preset.labels
        columns = _of_list(preset) if family == PARTS else {}
    found = {"name": name, "family": family, "title": title, "released": released, "aliases": aliases}
    return {**found, "kind": kind, "old": old, **columns}


def _of_list(part: Preset) -> dict[str, Any]:
    """The figures of a part that a list has, None where one is not known."""
    facts, rate, rent = part.facts, find_rate(part, FORMATS["bf16"]), part.facts.get("rent_neocloud")
    keys = ("memory", memory_key(part, nominal=False), "memory_bandwidth")
    known = (*(facts.get(key) for key in keys), rate and rate.fact, rent)
    memory, usable, bandwidth, peak, price = (fact and float(fact.value) for fact in known)
    values = (memory, usable, bandwidth, rate and rate.words, peak, price, rent and rent.date)
    return dict(zip(COLUMNS[PARTS], values, strict=True))


def _report_of(found: Preset | Checkpoint, reading: Reading) -> Report:
    """A preset in full, a model in the format and at the context that were asked for."""
    if isinstance(found, Checkpoint):
        return _show_model(found, reading)
    _refuse_of_models(reading)
    return _show(found)


def _refuse_of_models(reading: Reading) -> None:
    """BadValue for what is of models alone."""
    if stray := [flag(name) for name in OF_MODELS if name in reading.given]:
        raise BadValue(f"{stray[0]} is of a model", "leave it out, or name a model")


def _longest(checkpoint: Checkpoint) -> float:
    """The longest context of a model, by its config or by what its card documents; endless where neither says one."""
    card = checkpoint.extended
    return max(checkpoint.model.max_context, card.context if card else 0) or inf


def _by_card(checkpoint: Checkpoint) -> str:
    """The longer context that a model's card documents; empty where it documents none."""
    card = checkpoint.extended
    return f"{card.context:,} by YaRN, as its card says" if card else ""


def _as_asked(checkpoint: Checkpoint, reading: Reading, most: float = inf) -> tuple[Checkpoint, int]:
    """The checkpoint in the format that was asked for, and the tokens of a context, 0 where nobody gave one.

    ``most`` is the context that a model beside it takes at most.

    Raises:
        BadValue: a context beyond the model's own and what its card documents.
    """
    model, context, longest = checkpoint.model, int(reading.take("context") or 0), _longest(checkpoint)
    if context > longest:
        what = f"--context {context:,} is more than {model.name} was made for"
        by_card = f", {_by_card(checkpoint)}" if checkpoint.extended else ""
        both = "" if most == inf else " for both"
        hint = f"its config has {model.max_context:,} tokens{by_card}: --context {min(longest, most):.0f} is the most"
        raise BadValue(what, f"{hint}{both}")
    if "dtype" in reading.given:
        checkpoint = checkpoint._replace(model=in_formats(reading, checkpoint.published_model))
    return checkpoint, context


def _preset(name: str) -> Preset | Checkpoint:
    """The preset of a name, in whichever family has it; a file in the family that it looks like."""
    name = machine.part if (machine := catalog.machine(name)) else name
    family, slash, rest = name.partition("/")
    if slash and family in catalog.FAMILIES and not os.path.exists(name):
        return catalog.load(family, rest)
    for family in (_family_of(name), MODELS) if catalog.looks_like_file(name) else FAMILIES:
        try:
            return find_model(name) if family == MODELS else catalog.load(family, name)
        except UnknownName:
            continue
    ways = "infercost presets list shows all; a model without a preset is shown by its config.json"
    raise UnknownName(f"no preset is called {name!r}", f"{_near(name)}{ways}")


def _near(name: str, words: Sequence[str] = ()) -> str:
    """The start of a hint at the nearest name, these words among them; UnknownName for a model that can have none."""
    catalog.refuse_foreign(name)
    known = [word for family in FAMILIES for word in (*catalog.names(family), *catalog.aliases(family))]
    return catalog.akin(name) or closest(name, [*words, *known]) or catalog.of_its_word(name)


def _is_known(name: str) -> bool:
    """Whether a preset has the name."""
    try:
        _preset(name)
    except UnknownName:
        return False
    return True


def _side_by_side(each: Sequence[Preset | Checkpoint], reading: Reading) -> Report:
    """Two models or two accelerators as columns; a BadValue for others, and for more of them."""
    if len(each) > 2:
        raise BadValue(f"presets show puts two side by side, not {len(each)}", "presets list --csv has figures of all")
    found = [one for one in each if isinstance(one, Checkpoint)]
    most = min(map(_longest, found)) if len(found) == 2 else inf
    asked = [_as_asked(one, reading, most) for one in found]
    models = [one for one, _ in asked]
    parts = [one for one in each if isinstance(one, Preset) and one.family == PARTS]
    if len(models) == 2:
        full = asked[0][1] or min(one.model.max_context or PROMPT for one in models)
        widest = "" if asked[0][1] else ", what both take at most"
        at = f"a sequence is of {many(full, 'token')}{widest}, a prompt of {min(full, PROMPT):,}"
        notes = [Note("at", at), *(Note("same-shape", one.model.called()) for one in models if one.model.stands_for)]
        cards = [f"{one.model.name} takes {_by_card(one)}" for one in models if one.extended]
        notes += [Note("context", text) for text in cards]
        return side_by_side([_model_row(one, full) for one in models], MODEL_KEYS, MODEL_WORDS, notes)
    if len(parts) == 2:
        _refuse_of_models(reading)
        rows = [_part_row(one) for one in parts]
        weak = (
            Note("weak-figure", f"~ {row['name']}: presets show {row['name']} says why") for row in rows if row["weak"]
        )
        return side_by_side(rows, PART_KEYS, PART_WORDS, weak)
    named = [one.model.called() if isinstance(one, Checkpoint) else one.id for one in each]
    both = [
        f"infercost fit --gpu {part.id} --model {one.model.name} asks about both" for part in parts for one in models
    ]
    hint = ", ".join((*both, "show one by itself"))
    raise BadValue(f"{' and '.join(named)} are not two models or two accelerators", hint)


def _model_row(checkpoint: Checkpoint, full: int) -> dict[str, Any]:
    """A model's figures beside those of another, with sequences of as many tokens."""
    model, figures = checkpoint.model, {row.key: row.value for row in _rows(checkpoint, full)}
    figures |= {"dtype": model.quantization.words, "layers": model.depth}
    return {"name": model.stands_for or model.name, **{key: figures[key] for key in MODEL_KEYS}}


def _part_row(part: Preset) -> dict[str, Any]:
    """A part's figures beside those of another, with the keys of those that are weak."""
    rate, power = find_rate(part, FORMATS["bf16"]), part.facts.get("power")
    used = ("memory", "memory_bandwidth", "power", rate.key if rate else "")
    weak = [key for key in used if key in part.facts and part.facts[key].weak]
    return {"name": part.id, **_of_list(part), "power_w": power and power.value, "weak": weak}


def _family_of(path: str) -> str:
    """The family that knows most of a file's keys; ``models`` where none knows more, and where it is no preset.

    Raises:
        BadFile: a YAML file that cannot be read.
    """
    is_yaml = path.endswith((".yaml", ".yml"))
    try:
        keys = set(read_mapping(path, "preset")) if is_yaml or os.path.isfile(path) else set()
    except BadFile:
        if is_yaml:
            raise
        return MODELS
    known = {MODELS: KEYS} | {family: (*kinds, *labels) for family, (kinds, labels) in catalog.FAMILIES.items()}
    return max(known, key=lambda family: len(keys.intersection(known[family])))


def _figure(key: str, shown: str, value: Any, source: str, date: str, **more: str) -> dict[str, Any]:
    """A figure of a preset, with ``more`` its unit, why it is weak and what others say."""
    figure = {"key": key, "shown": shown, "value": value, "unit": "", "source": source, "date": date}
    return {**figure, "weak": "", "others": "", **more}


def _released(preset: Preset) -> list[dict[str, Any]]:
    if "released" not in preset.labels:
        return []
    day, source, date = (preset.labels[key] for key in ("released", "released_source", "released_date"))
    return [_figure("released", day, day, source, date)]


def _hours(preset: Preset) -> list[dict[str, Any]]:
    """A traffic preset's days as bars of 24 hours, and the extremes that follow from them."""
    if "hours" not in preset.labels:
        return []
    hours, source, date = hours_of(preset), preset.labels["hours_source"], preset.labels["hours_date"]
    peak, trough = max(hours), min(hours)
    days = [hours[start : start + DAY] for start in range(0, len(hours), DAY)]
    bars = ["".join(HEIGHTS[ceil(hour / peak * 8)] for hour in day) for day in days]
    keys = DAYS if len(days) > 1 else ("hours",)
    extremes = (("peak_to_mean", peak), ("trough_to_mean", trough))
    return [
        *(_figure(key, bar, day, source, date) for key, bar, day in zip(keys, bars, days, strict=True)),
        *(_figure(key, show(value, ""), value, "follows from the hours", date) for key, value in extremes),
    ]


def _show(preset: Preset) -> Report:
    figures = [*_released(preset), *_hours(preset)]
    for key, fact in preset.facts.items():
        shown = fact.text or show(fact.value, fact.kind.unit)
        more = {"unit": fact.kind.unit, "weak": fact.weak, "others": fact.others}
        figures.append(_figure(key, shown, fact.value, fact.source, fact.date, **more))
    weak: dict[str, list[str]] = {}
    for figure in figures:
        weak.setdefault(figure["weak"], []).append(figure["key"])
    notes = [Note("note", preset.labels[key]) for key in ("note", "note_8bit") if key in preset.labels]
    if why := preset.labels.get("unchecked"):
        notes.append(Note("unchecked", f"not checked by hand: {why}"))
    if sizes := preset.labels.get("variants"):
        notes.append(Note("variants", f"also as {', '.join(f'{preset.id}-{size}' for size in sizes.split(', '))}"))
    columns: tuple[str, ...] = ("key", "shown", "date", "source")
    rows = tuple(figures)
    if preset.family == "architectures":
        columns, rows = columns[:2], _by_row(figures)
        notes += _sources(rows)
    notes += [Note("others", f"{row['key']}: {row['others']}") for row in rows if row["others"]]
    notes += [
        Note("weak-figure", f"uncertain (~): {', '.join(keys)}: {reason}") for reason, keys in weak.items() if reason
    ]
    notes.append(Note("aliases", f"other names: {preset.labels.get('aliases', 'none')}"))
    return Report(
        command="presets",
        verdict=f"{preset.id}: {preset.title}{_of_part(preset) if preset.family == PARTS else ''}.",
        inputs=(Input("name", preset.id, "", "given"),),
        series=Series(columns, tuple(figures), shown=rows),
        notes=tuple(notes),
    )


def _of_part(part: Preset) -> str:
    """What is known of a part's memory, bandwidth, dense arithmetic, power and rent, for the end of a verdict."""
    rate, rent = _rate_of(part), rent_key(part, USUAL_BASIS[0])
    forms = {"memory": "{} of memory", "memory_bandwidth": "{} of bandwidth"}
    forms |= {rate.key: f"{{}} dense in {rate.words}"} if rate else {}
    texts = {key: fact.text or show(fact.value, fact.kind.unit) for key, fact in part.facts.items()}
    usable = memory_key(part, nominal=False)
    if usable != "memory" and (shown := show(part.value(usable), "B")) != show(part.value("memory"), "B"):
        forms["memory"] = f"{{}} of memory ({shown} as engines count it)"
    known = [form.format(texts[key]) for key, form in {**forms, "power": "{}"}.items() if key in texts]
    price = f"; {texts[rent]} by {words_of(rent)} of {part.facts[rent].date}" if rent else ""
    return f"{', '.join(['', *known])}{price}"


def _rate_of(part: Preset) -> Rate | None:
    """The dense rate of a part for weights of 16 bits, of 8 where no other is known; None without any."""
    return find_rate(part, FORMATS["bf16"]) or find_rate(part, FORMATS["8bit"])


def _by_row(figures: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """An architecture's figures for people: those of one kind of kernels on one line."""
    names = {f"{section}_{row}": f"{section} {row}" for section, rows in SECTIONS.items() for row in rows}
    rows: dict[str, dict[str, Any]] = {}
    for figure in figures:
        key = figure["key"]
        row = max((name for name in names if key.startswith(f"{name}_")), key=len, default=key)
        shown = f"{key.removeprefix(f'{row}_')} {figure['shown']}" if row in names else figure["shown"]
        if row in rows:
            shown = f"{rows[row]['shown']}, {shown}"
        rows[row] = {**figure, "key": names.get(row, row), "shown": shown}
    return tuple(rows.values())


def _sources(rows: Iterable[dict[str, Any]]) -> Iterator[Note]:
    """Where the rows of a table come from, each source once."""
    whose: dict[str, list[str]] = {}
    for row in rows:
        whose.setdefault(row["source"], []).append(row["key"])
    return (Note("source", f"{', '.join(keys)}: {source}") for source, keys in whose.items())


def _show_model(found: Checkpoint, reading: Reading) -> Report:
    checkpoint, context = _as_asked(found, reading)
    model = checkpoint.model
    layers, rows = tuple(_layer_row(model, layer) for layer in model.layers), _rows(checkpoint, context)
    name = Input("model", model.name, "", "given", checkpoint.source, checkpoint.date)
    return Report(
        command="presets",
        verdict=_of_model(checkpoint, {row.key: row.value for row in rows}, reading),
        inputs=(name, *reading.inputs),
        results=rows,
        parts=tuple((part, float(count), "param") for part, count in counting.params_by_part(model).items()),
        series=Series(("layers", "attention", "heads", "cache_elements", "ffn"), layers),
        notes=(*reading.notes, *_notes(found)),
    )


def _of_model(checkpoint: Checkpoint, values: Mapping[str, Any], reading: Reading) -> str:
    """How large a model is, and what a token takes of arithmetic and of KV cache."""
    model, total, active = checkpoint.model, values["total_params"], values["active_params"]
    used = f", {show(active, 'param')} of them for each token" if active < total / 2 else ""
    text = f"{model.called()}: {checkpoint.title}, {show(total, 'param')} parameters in {model.depth} layers{used}"
    text += f", {show(values['weight_bytes'], 'B')} in {model.quantization.words}" if "dtype" in reading.given else ""
    cache = f", and {token_cache(model)}" if values["kv_bytes_per_token"] else ""
    full = int(reading.get("context") or model.max_context or PROMPT)
    saved = ", and ".join(filter(None, (cache_saved(model), windows_saved(model, full)))) if cache else ""
    cache += states_kept(model) if model.is_recurrent else f", {saved}" if saved else ""
    flops, more = show(values["flops_per_token"], "FLOP"), "more with context"
    context = reading.get("context") if values["flops_per_token_full"] > values["flops_per_token"] else None
    if context:
        flops, more = (
            show(values["flops_per_token_full"], "FLOP"),
            f"at {many(context, 'token')} of context, {flops} at none",
        )
    return f"{text}; a token takes {flops}{',' if not context else ''} {more}{cache}."


def _rows(checkpoint: Checkpoint, full: int = 0) -> tuple[Row, ...]:
    model, active = checkpoint.model, checkpoint.published.get("active")
    full = full or model.max_context or PROMPT
    prompt, at = min(full, PROMPT), f"at {many(full, 'token')}"
    empty, whole = (
        2 * counting.active_params(model) + counting.decode_attention_flops(model, held) for held in (0, full)
    )
    used = f"publisher says {active}" if active else "multiplied for one token"
    outweighs = _attention_context(model, full)
    longest = _by_card(checkpoint) if model.max_context else "its config does not say"
    states = f"in {states_layers(model):,} of {many(model.depth, 'layer')}, at any context"
    return (
        Row("total_params", counting.total_params(model), "the language model alone"),
        Row("active_params", counting.active_params(model), used),
        Row("vision_params", model.vision_params, shown=bool(model.vision_params)),
        Row("mtp_params", model.mtp_params, "predict further tokens", shown=bool(model.mtp_params)),
        Row("weight_bytes", counting.weight_bytes(model), model.quantization.words),
        Row("kv_bytes_per_token", counting.growing_cache_bytes(model), _growth_remark(model)),
        Row("kv_bytes_per_sequence", counting.cache_bytes(model, full), at),
        Row("state_bytes_per_sequence", counting.cache_bytes(model, 0), states, shown=model.is_recurrent),
        Row("flops_per_token", empty, "at an empty context"),
        Row("flops_per_token_full", whole, at),
        Row("attention_context", outweighs, "tokens of context and more", outweighs is not None),
        Row("prefill_flops", counting.prefill_flops(model, prompt), f"a prompt of {many(prompt, 'token')}"),
        *(Row(f"{part}_params", count, shown=False) for part, count in counting.params_by_part(model).items()),
        *(Row(key, value, shown=False) for key, value in counting.figures(model).items()),
        Row("max_context", model.max_context or None, longest),
    )


def _attention_context(model: Model, most: int) -> int | None:
    """The first context at which attention is more arithmetic than the weights; None where none to ``most`` is."""
    weights = 2 * counting.active_params(model)
    if counting.decode_attention_flops(model, most) <= weights:
        return None
    return floor(last_that(lambda at: counting.decode_attention_flops(model, at) <= weights, 0, most, whole=True)) + 1


def _growth_remark(model: Model) -> str:
    if model.prefill_only:
        return "it keeps none"
    if any(layer.attention.window for layer in model.layers):
        return f"{model.kv_bits:g} bits, once windows are full"
    return f"{model.kv_bits:g} bits" if counting.growing_cache_bytes(model) else "a state of fixed size"


def _kind(attention: Attention) -> str:
    """A kind of attention, with the positions that share an entry and those of a window."""
    if attention.has_past:
        return f"{attention.kind.removesuffix(' compressed')} {attention.compress:,}x + {attention.window:,}"
    return f"{attention.kind} {attention.window:,}" if attention.window else attention.kind


def _layer_row(model: Model, layer: Layer) -> dict[str, Any]:
    attention, ffn = layer.attention, layer.ffn
    heads = f"{attention.heads}/{attention.kv_heads} x {attention.head_dim}" if attention.cache else "-"
    wide = f"{ffn.experts} of {ffn.width:,}, {ffn.active} active" if ffn.experts else f"{ffn.width:,}"
    return {
        "layers": layer.times,
        "attention": _kind(attention),
        "heads": heads,
        "cache_elements": attention.cache + attention.index_cache,
        "ffn": f"{ffn.kind} {wide}" if ffn.width else ffn.kind,
        "parameters": attention.split + attention.copied + ffn.dense + ffn.shared + ffn.experts * ffn.expert,
        **counting.layer_figures(model, layer),
    }


def _notes(checkpoint: Checkpoint) -> Iterator[Note]:
    date = f", {checkpoint.date}" if checkpoint.date else ""
    yield Note("source", f"read in {checkpoint.source}{date}")
    if checkpoint.model.has_encoder:
        yield Note(
            "encoder", f"embedding holds the encoder too, {checkpoint.model.lookup:,} parameters; no arithmetic does"
        )
    if said := checkpoint.says_count:
        yield Note("published", f"{said}; publishers count active ones in three ways")
    if checkpoint.note:
        yield Note("note", checkpoint.note)
    if card := checkpoint.extended:
        text = f"{card.source} says {card.context:,} tokens by YaRN, {card.rope.factor:g} times {card.rope.original:,}"
        yield Note("extended", text)
    if not checkpoint.model.vision_known:
        yield Note("vision", "a tower for images or sound is not known and not counted")
    yield from stored_notes(checkpoint)
