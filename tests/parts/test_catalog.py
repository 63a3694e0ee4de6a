"""What the loader refuses, and the user's own presets."""

import re
from pathlib import Path

import pytest

import infercost
from infercost.errors import BadFile, BadValue, Missing, UnknownName, closest, nearest
from infercost.parts import catalog
from tests.conftest import Run

GOOD = """\
name: Mine
aliases: [my part]
vendor: me
kind: gpu
memory: {value: 24 GiB, source: LAB}
memory_bandwidth: {value: 1 TB/s, source: LAB}
flops_bf16: {value: 100 TFLOP/s, source: LAB}
sources:
  LAB: {title: "our own lab", date: 2026-01}
"""


def write(folder: Path, text: str, name: str = "mine") -> str:
    path = folder / "accelerators" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return str(path)


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    part = catalog.accelerator(write(tmp_path, GOOD))
    assert (part.name, part.value("memory")) == ("Mine", 24 * 2**30)


def test_a_folder_of_ones_own_shadows_the_shipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, GOOD, "h100-sxm")
    monkeypatch.setenv("INFERCOST_PRESETS", str(tmp_path))
    assert catalog.accelerator("h100-sxm").value("flops_bf16") == 100e12
    assert catalog.accelerator("my part").name == "h100-sxm"
    assert catalog.accelerator("h200").name == "h200-sxm"
    assert catalog.folders()[0] == tmp_path


def test_a_part_of_unknown_size_is_asked_for_it(tmp_path: Path) -> None:
    nameless = write(tmp_path, GOOD.replace("memory: {value: 24 GiB, source: LAB}\n", ""))
    with pytest.raises(Missing, match="no memory of Mine is known"):
        infercost.fit(gpu=nameless, params="70B")


def test_a_kind_of_part_is_answered_with_some_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "kind: [tpu", "broken")
    monkeypatch.setenv("INFERCOST_PRESETS", str(tmp_path))
    with pytest.raises(UnknownName) as error:
        catalog.accelerator("TPU")
    assert error.value.hint.startswith("a tpu is tpu-8i or tpu-8t or tpu-v4 or")


def test_a_folder_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFERCOST_PRESETS", "/nowhere/at/all")
    with pytest.raises(BadFile, match="no such folder"):
        catalog.accelerator("h100")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{value: 24 GiB, source: LAB}", "24 GiB", "memory has no source"),
        ("{value: 24 GiB, source: LAB}", "{value: 24 GiB}", "memory has no source"),
        ("{value: 24 GiB, source: LAB}", "{value: 24 GiB, source: ELSEWHERE}", "'ELSEWHERE' has no title or no date"),
        (", date: 2026-01", "", "'LAB' has no title or no date"),
        ("kind: gpu", "kind: gpu\nrent: {value: 2, source: LAB}", "rent has no date"),
        ("kind: gpu", "kind: gpu\nmemroy: {value: 2 GB, source: LAB}", "unknown key 'memroy'"),
        ("source: LAB}", "source: LAB, sorce: LAB}", "unknown key 'sorce'"),
        ("kind: gpu", "kind: gpu\nkind: tpu", "stands twice"),
        ("kind: gpu", "kind: &a gpu\nvendor2: *a", "alias"),
        ("name: Mine", "name: [unclosed", "line"),
        (GOOD, "just a text", "holds no mapping"),
        (GOOD, "", "is empty"),
        (GOOD, "- a\n- b", "holds no mapping"),
        (GOOD, "? [a, b]\n: c", "a key that is no text"),
        (GOOD, "a: &x [1]\nb: *x", "alias"),
        ("source: LAB}", "source: [LAB]}", "has no title or no date"),
        ("source: LAB}", "source: {a: b}}", "has no title or no date"),
        ('"our own lab"', "[a, b]", "has no title or no date"),
        ("kind: gpu", "kind: gpu\nreleased: {}", "released is no date"),
        ("kind: gpu", "kind: gpu\nreleased: soon", "released is no date"),
    ],
)
def test_refuses(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(BadFile) as error:
        catalog.accelerator(write(tmp_path, GOOD.replace(old, new, 1)))
    assert said in error.value.what
    assert "mine.yaml" in error.value.what
    assert error.value.hint


def test_refuses_a_figure_of_the_wrong_unit(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="memory: '24 GB/s' ends in 'GB/s'"):
        catalog.accelerator(write(tmp_path, GOOD.replace("24 GiB", "24 GB/s")))


def test_an_alias_bomb_is_refused_and_not_built(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    with pytest.raises(BadFile, match="alias"):
        catalog.accelerator(write(tmp_path, "\n".join(lines)))


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_deep_nesting_is_refused(tmp_path: Path, opening: str) -> None:
    with pytest.raises(BadFile):
        catalog.accelerator(write(tmp_path, "a:\n  " + opening * 50_000))


def test_other_files_are_refused(tmp_path: Path) -> None:
    binary = tmp_path / "x.yaml"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    large = tmp_path / "y.yaml"
    large.write_bytes(b"a: b\n" * 300_000)
    for path, said in (
        (binary, "binary"),
        (large, "larger than"),
        (tmp_path, "directory"),
        (tmp_path / "no.yaml", "no such file"),
    ):
        with pytest.raises(BadFile, match=said):
            catalog.accelerator(str(path) if path != tmp_path else str(tmp_path) + "/")


@pytest.mark.parametrize(
    ("name", "why", "changes"),
    [
        ("desktop-ddr4", "is a host, memory beside a GPU", "bandwidth=51.2GB/s --set gpu.memory=64GiB"),
        ("epyc-milan", "is a host, memory beside a GPU", "bandwidth=204.8GB/s --set gpu.memory=512GiB"),
        ("50GB/s", "reads so fast", "bandwidth=50GB/s"),
        ("50 gb/s", "reads so fast", "bandwidth=50GB/s"),
        ("ddr4-3200", "two channels", "bandwidth=51.2GB/s"),  # two of 8 bytes, 3,200 million a second
        ("DDR5-5600", "two channels", "bandwidth=89.6GB/s"),
        ("i7-13700k", "a CPU goes by what its memory reads", "bandwidth=89.6GB/s --set gpu.memory=32GB"),
    ],
)
def test_a_part_without_a_preset_is_told_how_to_ask_by_its_memory(name: str, why: str, changes: str, run: Run) -> None:
    asked = run("fit", "--model", "qwen3-4b", "--gpu", name)
    assert (asked.code, why in asked.err) == (2, True)
    way = f"--gpu ryzen-9-9950x --set gpu.memory_{changes}"
    assert way in asked.err
    assert run("utilization", "--model", "qwen3-4b", *way.split()).code == 0


@pytest.mark.parametrize("name", ["iphone", "custom"])
def test_a_part_without_a_preset_that_is_no_cpu_is_not_made_of_one(name: str, run: Run) -> None:
    said = run("fit", "--model", "qwen3-4b", "--gpu", name).err
    assert "goes by a file with its memory, memory_bandwidth and flops_bf16 (--gpu FILE.yaml)" in said
    assert "ryzen" not in said


def test_a_near_miss_suggests() -> None:
    with pytest.raises(UnknownName) as error:
        catalog.accelerator("h10")
    assert "did you mean" in error.value.hint
    with pytest.raises(UnknownName) as error:
        catalog.accelerator("qqqqqqqq")
    assert "did you mean" not in error.value.hint


def test_a_missing_figure_says_how_to_give_it() -> None:
    with pytest.raises(Missing) as error:
        catalog.accelerator("t4").fact("flops_fp8")
    assert "--set gpu.flops_fp8=" in error.value.hint


@pytest.mark.parametrize(("key", "word"), [("overlap", "sometimes"), ("memory", "foo")])
def test_a_profiles_words_are_checked(tmp_path: Path, key: str, word: str) -> None:
    text = (catalog.shipped() / "efficiency" / "ideal.yaml").read_text()
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(f"{key}: {'full' if key == 'overlap' else 'nominal'}", f"{key}: {word}"))
    with pytest.raises(BadFile, match=word):
        catalog.load("efficiency", str(path))


@pytest.mark.parametrize(
    "variant",
    [
        "  48gb: 48 GB\n",
        "  48gb: [a]\n",
        "  48gb:\n    like: 96gb\n",
        "  48gb:\n    like: 48gb\n",
        "  48gb:\n    memory: 48 GB\n",
        "  48gb:\n    memory: 48 GB\n    source: ELSEWHERE\n",
        "  48gb:\n    memroy: 48 GB\n    source: LAB\n",
    ],
)
def test_a_variant_without_figures_or_source_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variant: str
) -> None:
    write(tmp_path, f"{GOOD}variants:\n{variant}")
    monkeypatch.setenv("INFERCOST_PRESETS", str(tmp_path))
    assert catalog.accelerator("mine").value("memory") == 24 * 2**30
    with pytest.raises(BadFile, match=r"mine\.yaml"):
        catalog.accelerator("mine-48gb")


def test_a_variant_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = "variants:\n  48gb:\n    memory: 48 GiB\n    source: LAB\n"
    priced = GOOD.replace("kind: gpu", "kind: gpu\nrent: {value: 2, source: LAB, as_of: 2026-01}")
    write(tmp_path, priced + sizes)
    monkeypatch.setenv("INFERCOST_PRESETS", str(tmp_path))
    part = catalog.accelerator("my part 48GB")
    assert (part.name, part.title, part.value("memory")) == ("mine-48gb", "Mine, 48 GiB", 48 * 2**30)
    assert (part.value("memory_bandwidth"), "rent" in part.facts) == (1e12, False)
    assert "rent" in catalog.accelerator("mine").facts


def test_a_preset_of_ones_own_takes_the_place_of_a_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "unchecked" in catalog.accelerator("rtx-4070").labels
    write(tmp_path, GOOD, "rtx-4070")
    monkeypatch.setenv("INFERCOST_PRESETS", str(tmp_path))
    assert catalog.accelerator("RTX 4070").title == "Mine"


@pytest.mark.parametrize(
    ("family", "words", "preset"),
    [
        ("models", "qwen3-235b", "qwen3-235b-a22b"),
        ("models", "Qwen3.6-35B", "qwen3.5-35b-a3b"),
        ("models", "mistral-large-2", "mistral-large-2407"),
        ("models", "mistral-large-24", "mistral-large-2407"),
        ("models", "qwen3-4b-2", "qwen3-4b-2507"),
        ("accelerators", "4070", "rtx-4070"),
        ("accelerators", "5060 ti 16gb", "rtx-5060-ti-16gb"),
        ("accelerators", "7900xtx", "rx-7900-xtx"),
    ],
)
def test_the_first_words_of_one_name_are_enough(family: str, words: str, preset: str) -> None:
    assert catalog.find(family, words)[0] == preset


@pytest.mark.parametrize(
    ("family", "words", "what", "hint"),
    [
        ("models", "qwen3", "'qwen3' begins ", "qwen3-8b, "),
        ("models", "deepseek", "'deepseek' begins ", "infercost presets list deepseek shows all"),
        ("accelerators", "rtx", "'rtx' begins ", "rtx-4090"),
        ("accelerators", "5060ti", "several sizes", "rtx-5060-ti-8gb"),
        ("efficiency", "0.5", "no efficiency profile", "infercost presets list efficiency shows all"),
        ("hosts", "0.5", "no host", "infercost presets list hosts shows all"),
        ("workloads", "0.5", "no workload", "infercost presets list workloads shows all"),
        ("traffic", "0.5", "no traffic", "infercost presets list traffic shows all"),
        ("models", "llama-3.1-7", "no model preset is called", "did you mean llama-3.1-70b"),
        (
            "accelerators",
            "Vision Pro M2 16GB",
            "no accelerator",
            "did you mean apple-m2-16gb? ",
        ),
        ("accelerators", "M1 Nano", "no accelerator", "of m1 there are figures of apple-m1, apple-m1-max"),
        ("accelerators", "Toaster M4 16GB", "no accelerator", "did you mean apple-m4-16gb? "),
        ("accelerators", "Toaster Pro M3 Max", "no accelerator", "did you mean apple-m3-max? "),
        ("accelerators", "mi300", "no accelerator preset is called", "did you mean mi300x"),
        ("accelerators", "ryzen", "'ryzen' begins ", "ryzen-9-5950x, ryzen-9-9950x, ryzen-ai-max-395, "),
        ("accelerators", "rx 7900", "'rx 7900' begins 3 names", "rx-7900-xtx, rx-7900-gre, rx-7900-xt"),
    ],
)
def test_the_first_words_of_several_names_list_them(family: str, words: str, what: str, hint: str) -> None:
    with pytest.raises(UnknownName, match=what) as error:
        catalog.find(family, words)
    assert hint in error.value.hint


def test_a_name_that_begins_as_written_comes_before_one_that_looks_alike() -> None:
    assert closest("model-large-2", ["model-large-3", "model-large-2-instruct-2407"]) == (
        "did you mean model-large-2-instruct-2407? "
    )
    many = [f"model-large-{number}" for number in range(3, 20)]
    assert nearest("model-large-2", [*many, "model-large-2-instruct-2407"]).startswith("model-large-2-instruct-2407, ")


@pytest.mark.parametrize(
    ("word", "found", "others"),
    [
        ("mac", [], ["llama.cpp", "codellama-13b", "inkling"]),
        ("qwen3", ["qwen3-8b", "qwen3.5-35b-a3b"], ["qwen2.5-7b"]),
        ("4070", ["rtx-4070-ti-super", "rtx-4070"], ["rtx-4080"]),
        ("m4", ["apple-m4-max", "apple-m4"], ["gemma-4-31b", "apple-m1"]),
        ("apple", ["apple-m4-max"], ["rtx-4070"]),
        ("llama", ["llama.cpp", "codellama-13b", "tinyllama-1.1b", "llama-3.1-8b"], ["qwen3-8b"]),
        ("3.1 8b", ["llama-3.1-8b"], ["llama-3.1-70b", "llama-3.3-70b"]),
        ("meta-llama", ["llama-3.1-8b"], ["tinyllama-1.1b"]),
        ("cpp", ["llama.cpp"], ["llama-3.1-8b"]),
    ],
)
def test_a_list_has_what_a_word_begins(word: str, found: list[str], others: list[str], run: Run) -> None:
    """Whole words and their beginnings, in a name, a title or an alias: ``mac`` is in no word of ``llama.cpp``."""
    said = run("presets", "list", word, "--json")
    names = {row["name"] for row in said.json["rows"]} if said.code == 0 else set()
    assert {*found} <= names
    assert not {*others} & names
    if not found:
        assert "a Mac goes by its chip" in said.err


@pytest.mark.parametrize(
    ("starts", "said"),
    [
        ("[1]", "starts is no mapping"),
        ("{50gib: {tokens: 5, source: LAB}}", "starts has no row '50gib'"),
        ("{90gib: 5}", "starts has no row '90gib'"),
        ("{90gib: {tokens: 5}}", "start_90gib_tokens has no source"),
    ],
)
def test_starts_of_an_engine_are_rows(tmp_path: Path, starts: str, said: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(f"like: sglang\nstarts: {starts}\nsources:\n  LAB: {{title: ours, date: 2026}}\n")
    with pytest.raises(BadFile) as error:
        catalog.load("efficiency", str(path))
    assert said in error.value.what


#: One CPU, and GB/s of its memory channels: 12 of DDR5-6400, 12 of DDR5-4800, 8 of DDR5-4800.
CPUS = [
    ("epyc-9755", 12 * 8 * 6.4),
    ("EPYC 9755", 12 * 8 * 6.4),
    ("AMD EPYC 9755", 12 * 8 * 6.4),
    ("EPYC 9654", 12 * 8 * 4.8),
    ("genoa", 12 * 8 * 4.8),
    ("xeon-6980p", 12 * 8 * 6.4),
    ("xeon-8480", 8 * 8 * 4.8),
    ("xeon-8480+", 8 * 8 * 4.8),
    ("epyc-9755-2p", 24 * 8 * 6.4),
]


@pytest.mark.parametrize(("name", "gb_per_s"), CPUS)
def test_the_name_of_one_cpu_is_one_socket(name: str, gb_per_s: float) -> None:
    assert catalog.accelerator(name).value("memory_bandwidth") == pytest.approx(gb_per_s * 1e9)


SIZES = {
    "M4 Max 36GB": "apple-m4-max-32c",
    "m4-max-36gb": "apple-m4-max-32c",
    "MacBook Pro M4 Max 36": "apple-m4-max-32c",
    "m3-max-96gb": "apple-m3-max-30c",
    "m3-max-30c 96gb": "apple-m3-max-30c",
    "M4 Max 128GB": "apple-m4-max-128gb",
    "mi50 16gb": "mi50",
}


@pytest.mark.parametrize(("name", "own"), SIZES.items(), ids=SIZES.keys())
def test_a_size_finds_the_part_that_has_it(name: str, own: str) -> None:
    assert catalog.find("accelerators", name)[0] == own


def test_each_size_of_a_part_with_any_number_of_cores_is_found() -> None:
    """Of all parts whose names differ in cores and sizes alone: the answer has as much memory as was asked for."""
    names = [*catalog.names("accelerators"), *catalog.variants("accelerators")]
    asked = 0
    for name in names:
        short = re.sub(r"-\d+gb$", "", name)
        bare = re.sub(r"-\d+c$", "", short)
        if name == bare or bare not in names:
            continue
        memory = catalog.accelerator(name).value("memory")
        gigabytes = next(memory / unit for unit in (1e9, 2**30) if memory % unit == 0)
        for start in (short, bare, bare.removeprefix("apple-")):
            found, _ = catalog.find("accelerators", f"{start} {gigabytes:g}GB")
            assert catalog.accelerator(found).value("memory") == memory, (name, start)
            assert found.startswith(bare)
            asked += 1
    assert asked > 100


@pytest.mark.parametrize("name", ["m4-max-40c 36gb", "M4 Max 40GB", "m4 36gb", "m4-max-20c"])
def test_a_size_of_other_cores_or_of_another_chip_is_refused(name: str) -> None:
    with pytest.raises(UnknownName, match=r"apple-m4(-max)? does not come with") as error:
        catalog.find("accelerators", name)
    assert error.value.hint.startswith("it comes as apple-m4")


def test_a_size_of_several_parts_is_asked_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, memory in (("mine", 24), ("mine-8c", 16), ("mine-10c", 16)):
        write(tmp_path, GOOD.replace("24 GiB", f"{memory} GB").replace("[my part]", "[]"), name)
    monkeypatch.setenv("INFERCOST_PRESETS", str(tmp_path))
    assert catalog.find("accelerators", "mine 24gb")[0] == "mine"
    with pytest.raises(UnknownName, match="mine comes with 16gb as several parts") as error:
        catalog.find("accelerators", "mine 16gb")
    assert error.value.hint == "name one of mine-10c, mine-8c"


@pytest.mark.parametrize(
    ("family", "text", "lacks"),
    [
        ("gpu", "name: Mine", "there is no memory, no memory_bandwidth, no dense rate (flops_bf16)"),
        (
            "gpu",
            "memory: 80 GB\nmemory_bandwidth: 3 TB/s",
            "memory and memory_bandwidth have no source; there is no dense rate (flops_bf16)",
        ),
        (
            "gpu",
            "memory: {value: '80,000MB', source: A}\nflops_fp16: {value: 1e14, source: A}\nrent: {value: 2, source: A}",
            "its source 'A' has no title or no date; rent has no date (as_of); there is no memory_bandwidth",
        ),
        (
            "host",
            "memory: 64 GB",
            "memory has no source; there is no channels, no memory_bandwidth, no link_bandwidth",
        ),
        ("workload", "input_tokens: 500", "input_tokens has no source; there is no output_tokens"),
    ],
)
def test_all_that_a_file_lacks_is_said_at_once_with_a_file_that_works(
    tmp_path: Path, family: str, text: str, lacks: str
) -> None:
    asked = {"gpu": "h100", "model": "llama-3.1-8b"}
    with pytest.raises(BadFile) as error:
        infercost.utilization(**asked | {family: write(tmp_path, text)})
    assert error.value.what.endswith(f"mine.yaml: {lacks}")
    _, _, whole = error.value.hint.partition(": ")
    assert infercost.utilization(**asked | {family: write(tmp_path, whole)})["tokens_per_s"] > 0


@pytest.mark.parametrize(
    ("family", "text", "what", "hint"),
    [
        (
            "gpu",
            "name: Chip\nmemory: 80GB\nmemory_bandwidth: 3TB/s\nflops: 989e12",
            "unknown key 'flops'; memory and memory_bandwidth have no source; there is no dense rate (flops_bf16)",
            "did you mean flops_bf16? .*{memory: {value: 80GB, .*{value: 3TB/s, .*{value: 989e12, .*keys: flops_bf16, ",
        ),
        (
            "gpu",
            "vram: 80GB\nbandwidth: 3TB/s\ntflops: 500",
            "unknown key 'vram'; there is no memory, no memory_bandwidth, no dense rate (flops_bf16)",
            "did you mean memory? .*{value: 80GB, .*{value: 3TB/s, .*flops_bf16: {value: (?!500,)",
        ),
        (
            "gpu",
            "memory_gb: {value: 80, source: A}\nsources: {A: {title: a label, date: 2026-01}}",
            "unknown key 'memory_gb'; there is no memory, no memory_bandwidth, no dense rate (flops_bf16)",
            "did you mean memory? .*memory: {value: (?!80,)",
        ),
        (
            "host",
            "memory: 128GB\nbandwidth: 80GB/s",
            "unknown key 'bandwidth'; memory has no source; "
            "there is no channels, no memory_bandwidth, no link_bandwidth",
            "did you mean memory_bandwidth? .*{value: 128GB, .*{value: 80GB/s, ",
        ),
        (
            "model",
            "params: 7B\nhidden_size: 2048\nnum_hidden_layers: 16",
            "unknown key 'params'; there is no source, no config",
            '"hidden_size": 2048, .*"num_hidden_layers": 16, ',
        ),
    ],
)
def test_an_unknown_key_is_told_all_and_a_file_that_works(
    tmp_path: Path, family: str, text: str, what: str, hint: str
) -> None:
    """Values stand where they are known, under other words too: not those that have lost their unit."""
    asked = {"gpu": "h100", "model": "llama-3.1-8b"}
    with pytest.raises(BadFile) as error:
        infercost.utilization(**asked | {family: write(tmp_path, text)})
    assert error.value.what.endswith(f"mine.yaml: {what}")
    assert re.match(hint.replace("?", "[?]", 1) if hint.startswith("did") else f".*{hint}", error.value.hint)
    whole = re.search(r"examples: (\{.*\})", error.value.hint)
    assert whole
    assert infercost.utilization(**asked | {family: write(tmp_path, whole[1])})["tokens_per_s"] > 0


def test_a_part_of_known_memory_alone_is_asked_what_fits(tmp_path: Path) -> None:
    """8 GB of 24 are the weights of 8B in 8 bits."""
    alone = write(tmp_path, "memory: {value: 24 GB, source: A}\nsources: {A: {title: a label, date: 2026-01}}")
    assert infercost.fit(gpu=alone, params="8B")["memory_needed_bytes"] == 8e9
