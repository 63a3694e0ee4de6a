"""What one step moves by the law of Erdil's later paper: bytes to and from memory, and data between devices."""

from collections.abc import Mapping

from infercost.derivation import about, is_recording, not_recording
from infercost.engine import architecture, later_paper
from infercost.law_2025.sizes import Layout2025, Load2025, Machine2025, Protocol2025, Sizes2025
from infercost.numeric import minimum
from infercost.units import show

#: Bytes of one activation: the notebook's, for every model of the paper.
ACTIVATION_BYTES = 2
#: Times that a collective goes over its data: a sum that all ranks learn, or one stage's output for the next.
REDUCE, HAND_OVER = 2, 1


def bytes_moved(sizes: Sizes2025, load: Load2025, layout: Layout2025) -> float:
    """Bytes of weights, activations and cache that the whole machine moves for one step."""
    tokens = load.batch / layout.stages * load.tokens
    parts = {"row_parts": layout.ranks, "column_parts": layout.ranks if layout.square else 1.0}
    layer = later_paper.layer_traffic(
        grouped_query_params=sizes.attention_params,
        bytes_per_param=sizes.bytes_per_param,
        attention_activations=later_paper.attention_activations(
            tokens=tokens,
            hidden_size=sizes.hidden_size,
            heads=sizes.heads,
            kv_heads=sizes.kv_heads,
            head_dim=sizes.head_dim,
            activation_bytes=ACTIVATION_BYTES,
            **parts,
        ),
        ffn_traffic=_ffn_traffic(sizes, tokens, parts),
    )
    return later_paper.later_bytes_read(
        stages=layout.stages,
        layers=sizes.layers,
        layer_traffic=layer,
        head_bytes=sizes.head_bytes,
        cache_bytes=sizes.cache_bytes(load.context),
        batch=load.batch,
    )


def _ffn_traffic(sizes: Sizes2025, tokens: float, parts: Mapping[str, float]) -> float:
    activations = later_paper.ffn_activations(
        tokens=tokens,
        sparsity=sizes.sparsity,
        hidden_size=sizes.hidden_size,
        ffn_width=sizes.ffn_width,
        activation_bytes=ACTIVATION_BYTES,
        **parts,
    )
    return later_paper.ffn_traffic(
        experts_hit=architecture.experts_hit(
            experts=sizes.experts, active_experts=sizes.experts / sizes.sparsity, tokens=tokens
        ),
        matrices=sizes.matrices,
        hidden_size=sizes.hidden_size,
        ffn_width=sizes.ffn_width,
        bytes_per_param=sizes.bytes_per_param,
        ffn_activations=activations,
    )


def communication_time(sizes: Sizes2025, machine: Machine2025, load: Load2025, layout: Layout2025) -> float:
    """Seconds of all collectives of one step."""
    tokens = load.batch / layout.stages * load.tokens
    reduce = hand_over = 0.0
    if layout.ranks > 1:
        widths = sizes.reduced_widths(layout.square)
        messages = {width: _message(tokens, width, layout.width / layout.ranks) for width in dict.fromkeys(widths)}
        times = _collective_times(machine, REDUCE, (layout.ranks, layout.rank_nodes), messages)
        reduce = sum(times[width] for width in widths)
    if layout.stages > 1:
        message = {0: _message(tokens, sizes.hidden_size, layout.width)}
        hand_over = _collective_times(machine, HAND_OVER, (2, 2), message)[0]
    return later_paper.later_communication_time(
        layers=sizes.layers, layer_reduce_time=reduce, stages=layout.stages, hand_over_time=hand_over
    )


def _message(tokens: float, width: float, beside: float) -> float:
    return later_paper.reduced_message(
        tokens=tokens, reduced_width=width, activation_bytes=ACTIVATION_BYTES, parallel_reduces=beside
    )


def _collective_times(
    machine: Machine2025, passes: int, spread: tuple[float, float], messages: Mapping[int, float]
) -> dict[int, float]:
    """Seconds of collectives over so many ranks on so many nodes, each under the protocol that is fastest for it."""
    if is_recording():
        return {width: _shown(machine, passes, spread, message) for width, message in messages.items()}
    latencies = [_latency(protocol, passes, spread) for protocol in machine.protocols]
    return {
        width: minimum(
            *(
                latency + _transfer_time(machine, protocol, passes, spread, message)
                for protocol, latency in zip(machine.protocols, latencies, strict=True)
            )
        )
        for width, message in messages.items()
    }


def _shown(machine: Machine2025, passes: int, spread: tuple[float, float], message: float) -> float:
    """The same of one collective, where only the work of the fastest protocol is recorded, under its name."""

    def time(protocol: Protocol2025) -> float:
        return _latency(protocol, passes, spread) + _transfer_time(machine, protocol, passes, spread, message)

    with not_recording():
        fastest = min(machine.protocols, key=time)
    what = "all-reduce" if passes == REDUCE else "hand-over"
    with about(f"{what} of {show(message, 'B')} by {fastest.name}"):
        return time(fastest)


def _latency(protocol: Protocol2025, passes: int, spread: tuple[float, float]) -> float:
    return later_paper.collective_latency(
        passes=passes,
        ranks=spread[0],
        rank_nodes=spread[1],
        rank_latency=protocol.rank_latency,
        node_latency=protocol.node_latency,
        base_latency=protocol.base_latency,
    )


def _transfer_time(
    machine: Machine2025, protocol: Protocol2025, passes: int, spread: tuple[float, float], message: float
) -> float:
    return later_paper.collective_transfer_time(
        passes=passes,
        message_bytes=message,
        ranks=spread[0],
        protocol_share=protocol.share,
        rank_nodes=spread[1],
        link_bandwidth=machine.link_bandwidth,
        network_bandwidth=machine.network_bandwidth,
    )
