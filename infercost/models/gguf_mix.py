"""GGUF files as llama-quantize makes them: which tensors of a format get which type, and the bits of each part.

Types and mixes are llama.cpp's, src/llama-quant.cpp and ggml/src/ggml-common.h at commit 007dbbf3.
"""

from collections.abc import Callable
from typing import NamedTuple

from infercost.models.model import Ffn, Model, Quantization
from infercost.quantities import CONSTANTS

#: Bits of a weight, scales included, and how many weights of a row share a block.
TYPES: dict[str, tuple[float, int]] = {
    "q2_k": (2.625, 256), "q3_k": (3.4375, 256), "q4_k": (4.5, 256), "q5_k": (5.5, 256), "q6_k": (6.5625, 256),
    "q4_0": (4.5, 32), "q4_1": (5.0, 32), "q5_0": (5.5, 32), "q5_1": (6.0, 32), "q8_0": (8.5, 32),
    "iq2_xxs": (2.0625, 256), "iq2_xs": (2.3125, 256), "iq2_s": (2.5625, 256), "iq3_xxs": (3.0625, 256),
    "iq3_s": (3.4375, 256), "iq4_xs": (4.25, 256), "iq4_nl": (4.5, 32), "mxfp4": (4.25, 32),
    "f16": (16.0, 1), "bf16": (16.0, 1), "f32": (32.0, 1),
}  # fmt: skip
#: The type of a row whose width is no multiple of a type's block.
INSTEAD = {
    "q4_k": "q5_0", "q5_k": "q5_1", "q6_k": "q8_0", "q2_k": "q4_0", "q3_k": "q4_0", "iq4_xs": "iq4_nl",
    "iq2_xxs": "iq4_nl", "iq2_xs": "iq4_nl", "iq2_s": "iq4_nl", "iq3_xxs": "iq4_nl", "iq3_s": "iq4_nl",
}  # fmt: skip
#: Experts of Mixtral and Grok, which have a rule of their own, and layers of models of 70B.
EIGHT, SEVENTY = 8, 80
GATED = CONSTANTS["gated_matrices"].value


class Place(NamedTuple):
    """A layer among those of its model: its number, how many there are, query heads a KV head, experts."""

    layer: int
    layers: int
    queries: float
    experts: int

    @property
    def eighth(self) -> bool:
        """Whether it is of the first eighth."""
        return self.layer < self.layers // 8

    @property
    def more(self) -> bool:
        """Whether it is of the layers that get more bits: the first and the last eighth, and every third between."""
        first = self.layers // 8
        return self.eighth or self.layer >= 7 * self.layers // 8 or (self.layer - first) % 3 == 2

    @property
    def grouped(self) -> bool:
        """Whether four query heads or more share a KV head."""
        return self.queries >= 4

    @property
    def wide(self) -> bool:
        """Whether its values are few beside its other matrices: grouped heads, or experts."""
        return self.grouped or self.experts >= 4


Rule = Callable[[Place], str]


class Mix(NamedTuple):
    """The types of a format: of its tensors by default, and of those that differ by layer; empty is the default."""

    base: str
    values: Rule | str = ""
    queries: str = ""
    output: str = ""
    down: Rule | str = ""
    up: Rule | str = ""
    head: str = "q6_k"
    table: str = ""


def _low(name: str, values: str) -> Mix:
    return Mix(
        name,
        values=lambda at: "q4_k" if at.wide else values,
        down=lambda at: "q2_k" if at.eighth else "",
        head="q5_k",
        table="q2_k",
    )


def _small(name: str) -> Mix:
    return Mix(
        name,
        values=lambda at: "q4_k" if at.wide else "iq3_s",
        output="iq3_s",
        down=lambda at: "iq3_s" if at.eighth else "",
        head="q5_k",
        table="iq3_s",
    )


def _medium(name: str, more: str) -> Mix:
    return Mix(name, values=lambda at: more if at.more else "", down=lambda at: more if at.more else "")


def _four(name: str) -> Mix:
    return Mix(name, values=lambda at: "q5_k" if at.grouped else "", down=lambda at: "q5_k" if at.eighth else "")


MIXES: dict[str, Mix] = {
    "q2_k": Mix("q2_k", values=lambda at: "q4_k" if at.grouped else "q3_k", output="q3_k", down="q3_k"),
    "q3_k_s": Mix("q3_k"),
    "q3_k_m": Mix(
        "q3_k",
        values=lambda at: "q5_k" if at.layer < 2 else "q4_k",
        output="q4_k",
        down=lambda at: "q5_k" if at.layer < at.layers // 16 else "q4_k",
    ),
    "q3_k_l": Mix("q3_k", values="q5_k", output="q5_k", down="q5_k"),
    "q4_0": Mix("q4_0"),
    "q4_1": Mix("q4_1"),
    "q4_k_s": Mix(
        "q4_k",
        values=lambda at: "q5_k" if at.layer < 4 else "",
        down=lambda at: "q5_k" if at.eighth else "",
    ),
    "q4_k_m": _medium("q4_k", "q6_k"),
    "q5_0": Mix("q5_0"),
    "q5_1": Mix("q5_1"),
    "q5_k_s": Mix("q5_k"),
    "q5_k_m": _medium("q5_k", "q6_k"),
    "q6_k": Mix("q6_k"),
    "q8_0": Mix("q8_0", head="q8_0"),
    "iq2_xxs": _low("iq2_xxs", "q2_k"),
    "iq2_xs": _low("iq2_xs", "q2_k"),
    "iq2_s": _small("iq2_xs"),
    "iq2_m": _small("iq2_s"),
    "iq3_xxs": Mix(
        "iq3_xxs",
        values=lambda at: "q4_k" if at.grouped else "",
        queries="iq2_s",
        output="iq3_s",
        head="q5_k",
        table="iq3_s",
    ),
    "iq3_xs": Mix(
        "iq3_s",
        values=lambda at: "q4_k" if at.grouped else "",
        queries="iq3_xxs",
        up=lambda at: "iq3_xxs" if at.layers // 8 <= at.layer < 7 * at.layers // 8 else "",
    ),
    "iq3_s": Mix("iq3_s", values=lambda at: "q4_k" if at.grouped else ""),
    "iq3_m": Mix("iq3_s", values="q4_k", output="q4_k", down=lambda at: "q4_k" if at.eighth or _of_eight(at) else ""),
    "iq4_xs": _four("iq4_xs"),
    "iq4_nl": _four("iq4_nl"),
    "f16": Mix("f16", head="f16"),
    "bf16": Mix("bf16", head="bf16"),
    "mxfp4": Mix("q8_0", head="q8_0"),
}
#: Formats that other engines have too: they choose none.
OF_ALL = ("f16", "bf16", "mxfp4")
#: Formats of others under llama.cpp.
NEAREST = {
    **dict.fromkeys(("int4", "4bit", "awq", "gptq"), "q4_k_m"),
    **dict.fromkeys(("fp8", "int8", "8bit"), "q8_0"),
}


def _of_eight(at: Place) -> bool:
    return at.experts == EIGHT and at.more


def in_gguf(model: Model, name: str, head: str = "") -> Model:
    """The model as a GGUF file of a format holds it: vision towers have files of their own."""
    return model._replace(quantization=gguf_mix(model, name, head), vision_params=0)


def gguf_mix(model: Model, name: str, head: str = "") -> Quantization:
    """The bits of each part of a model in a GGUF format; ``head`` is the type of a head, or tied table, of its own."""
    return _Mixed(model, name, head).quantization()


class _Mixed:
    """The mix of one model: what its tensors get, layer by layer."""

    def __init__(self, model: Model, name: str, head: str) -> None:
        self.model, self.name, self.mix, self.head = model, name, MIXES[name], head
        self.experts = max(layer.ffn.experts for layer in model.layers)
        self.quantized = TYPES[self.mix.base][0] < TYPES["f16"][0]

    def quantization(self) -> Quantization:
        """The bits of all parts; what is no matrix stays in 32 bits."""
        model, width = self.model, self.model.hidden_size
        head = self._bits(self.head or self._head(), width)
        table = self._bits(self.mix.table or self.mix.base, width) if model.head else head
        wide = TYPES["f32"][0]
        parts = {"attention": self._attention(), "head": head, "embedding": table, "router": wide}
        parts["ffn"] = self._mean("ffn", lambda ffn: ffn.dense, lambda ffn: ffn.width or ffn.dense / (GATED * width))
        parts["shared"] = self._mean("shared", lambda ffn: ffn.shared, self._inside_shared)
        parts["experts"] = self._mean("experts", lambda ffn: ffn.experts * ffn.expert, self._inside)
        return Quantization(self.name, wide, parts)

    def _inside_shared(self, ffn: Ffn) -> float:
        return ffn.shared / ((GATED if self._gated(ffn) else 2) * self.model.hidden_size)

    def _inside(self, ffn: Ffn) -> float:
        return ffn.expert / ((GATED if self._gated(ffn) else 2) * (ffn.expert_input or self.model.hidden_size))

    @staticmethod
    def _gated(ffn: Ffn) -> bool:
        return "plain" not in ffn.kind

    def _head(self) -> str:
        """The head's type: in eight bits where a row does not divide, or in Falcon of 2023."""
        odd = self.model.hidden_size % TYPES[self.mix.base][1] != 0 or self.model.family == "falcon"
        return "q8_0" if odd and self.quantized else self.mix.head

    def _place(self, layer: int) -> Place:
        of = [each.attention for each in self.model.layers if each.attention.kv_heads]
        return Place(layer, self.model.depth, of[0].heads / of[0].kv_heads if of else 1, self.experts)

    def _bits(self, type: str, row: float) -> float:
        """Bits of a weight in rows of a width, whose blocks may not divide it; one not whole is not known."""
        while row == int(row) and row % TYPES[type][1]:
            type = INSTEAD.get(type, "f16")
        return TYPES[type][0]

    def _type(self, rule: Rule | str, at: Place) -> str:
        return (rule if isinstance(rule, str) else rule(at)) or self.mix.base

    def _over(self, type: Callable[[Place], str], row: float) -> float:
        """Mean bits over all layers of the model."""
        depth = self.model.depth
        return sum(self._bits(type(self._place(layer)), row) for layer in range(depth)) / depth

    def _values(self, at: Place) -> str:
        """The type of values: more bits in models of 70B, and in those of eight experts."""
        type = self._type(self.mix.values, at)
        low = self.name.startswith("iq2")
        if self.experts == EIGHT and self.quantized:
            return "q4_k" if low else "q8_0"
        if at.layers == SEVENTY and self.model.hidden_size == 8192 and type in ("q3_k", "q4_k") and not low:
            return "q5_k"
        return type

    def _keys(self, at: Place) -> str:
        if self.experts == EIGHT and self.quantized:
            return "q4_k" if self.name.startswith("iq2") else "q8_0"
        return self._type(self.mix.queries, at)

    def _output(self, at: Place) -> str:
        if self.experts == EIGHT and self.quantized:
            more = self.name in ("q2_k", "q3_k_s", "q3_k_m", "q4_k_s", "q4_k_m") or self.name.startswith("iq")
            return "q5_k" if more else self.mix.base
        return self._type("" if self.model.family == "falcon" and self.name != "q3_k_l" else self.mix.output, at)

    def _attention(self) -> float:
        """Mean bits of attention's matrices: values, keys and output apart, the rest as queries."""
        width, bits, params = self.model.hidden_size, 0.0, 0
        types = [(rule, self._over(rule, width)) for rule in (self._values, self._keys)]
        values, keys = types[0][1], types[1][1]
        queries = self._over(lambda at: self._type(self.mix.queries, at), width)
        base = self._bits(self.mix.base, width)
        for layer in self.model.layers:
            attention, of_all = layer.attention, layer.attention.split + layer.attention.copied
            params += layer.times * of_all
            if attention.latent or not attention.kv_heads:
                bits += layer.times * of_all * base
                continue
            kinds = (
                (width * attention.kv_heads * attention.v_head_dim, values),
                (width * attention.kv_heads * attention.head_dim, keys),
                (rows := attention.heads * attention.v_head_dim) and (rows * width, self._over(self._output, rows)),
            )
            known = [kind for kind in kinds if kind]
            rest = of_all - sum(count for count, _ in known)
            bits += layer.times * (sum(count * each for count, each in known) + rest * queries)
        return bits / params if params else base

    def _mean(self, part: str, count: Callable[[Ffn], float], inside: Callable[[Ffn], float]) -> float:
        """Mean bits of feed-forward matrices of a part: down projections apart."""
        bits = total = 0.0
        for layer in self.model.layers:
            if not (params := count(layer.ffn)):
                continue
            row = inside(layer.ffn)
            down_share = 1 / (GATED if self._gated(layer.ffn) else 2)
            up, down = self._up_and_down(part, row)
            bits += layer.times * params * (down * down_share + up * (1 - down_share))
            total += layer.times * params
        return bits / total if total else TYPES[self.mix.base][0]

    def _up_and_down(self, part: str, row: float) -> tuple[float, float]:
        width, routed = self.model.hidden_size, part == "experts"
        if routed and self.name == "mxfp4":
            return TYPES["mxfp4"][0], TYPES["mxfp4"][0]
        up = self._over(lambda at: self._type(self.mix.up, at), width)
        return up, self._over(lambda at: self._type(self.mix.down, at), row)
