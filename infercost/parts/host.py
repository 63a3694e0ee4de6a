"""The figures of a host: memory beside an accelerator's own, how fast its CPU reads it, and the link between both."""

from infercost.units import BANDWIDTH, SHARE, SIZE, WHOLE

#: ``memory_bandwidth`` is nominal: channels, bytes of each and transfers a second. ``memory_share`` of it is reached,
#: where a source says so; else the engine's profile says. The link counts one direction.
FIGURES = {
    "memory": SIZE,
    "channels": WHOLE,
    "memory_bandwidth": BANDWIDTH,
    "memory_share": SHARE,
    "link_bandwidth": BANDWIDTH,
}
LABELS = ("name", "aliases", "vendor", "kind", "note")
#: Figures that every host has.
NEEDED = ("memory", "channels", "memory_bandwidth", "link_bandwidth")
#: What of a model may lie in a host: experts of sparse layers, whole layers, or all of the cache.
OFFLOADS = ("experts", "layers", "kv")
