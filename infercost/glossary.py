"""Every quantity's name, symbol, unit and meaning: one name means one thing all over the package."""

from typing import NamedTuple


class Term(NamedTuple):
    """A quantity: the symbol that steps print, its base unit and what it is."""

    symbol: str
    unit: str
    meaning: str


TERMS: dict[str, Term] = {
    # the model
    "params": Term("N", "param", "parameters of the model"),
    "active_params": Term("N_a", "param", "parameters used for one token"),
    "active_share": Term("a", "share", "share of the parameters used for one token"),
    "bytes_per_param": Term("w", "B/param", "bytes that store one parameter"),
    "weight_bytes": Term("M", "B", "bytes of all weights"),
    "flops_per_param": Term("c", "FLOP/param", "operations per parameter and token: one multiply, one add"),
    "flops_per_token": Term("f", "FLOP", "operations for one token"),
    "layers": Term("L", "", "layers of the model"),
    "hidden_size": Term("d", "", "width of the model"),
    "activation_bytes": Term("b", "B", "bytes of one activation value sent between devices"),
    # the devices
    "devices": Term("n", "", "accelerators that share the work"),
    "domain": Term("m", "", "accelerators in one scale-up domain (a node)"),
    "nodes": Term("k", "", "scale-up domains"),
    "device_memory": Term("C", "B", "memory of one accelerator"),
    "usable": Term("u", "share", "share of device memory that may be planned with"),
    "peak_flops": Term("F", "FLOP/s", "dense arithmetic rate of one accelerator"),
    "memory_bandwidth": Term("W", "B/s", "memory bandwidth of one accelerator"),
    "link_bandwidth": Term("β", "B/s", "link of one accelerator, one direction"),
    "power": Term("p", "W", "power of one accelerator"),
    "flops_per_byte": Term("I", "FLOP/B", "operations in the time that one byte is read"),
    "flops_per_joule": Term("E", "FLOP/J", "operations for one joule"),
    "drain_time": Term("t_drain", "s", "time to read the whole memory once"),
    # how close a stack comes to the bound
    "compute_share": Term("η_c", "share", "share of peak arithmetic that a real stack reaches"),
    "memory_share": Term("η_m", "share", "share of memory bandwidth that a real stack reaches"),
    "link_share": Term("η_x", "share", "share of link bandwidth that a real stack reaches"),
    "hop_latency": Term("α", "s", "latency of one hop of a collective"),
    # fitting
    "gpus_for_weights": Term("n_min", "", "least accelerators that hold the weights"),
    "weight_bytes_per_gpu": Term("M_1", "B", "weights on one accelerator"),
    "memory_left": Term("C_left", "B", "memory left on one accelerator beside its weights"),
    # one step
    "batch": Term("B", "", "sequences decoded together"),
    "bytes_read": Term("R", "B", "bytes read from memory in one step, on all devices"),
    "compute_time": Term("t_c", "s", "time of the arithmetic of one step"),
    "memory_time": Term("t_m", "s", "time to read the weights once"),
    "communication_time": Term("t_x", "s", "time of the collectives of one step"),
    "overhead_time": Term("t_o", "s", "fixed time of one step"),
    "full_overlap_step": Term("t", "s", "step time when everything overlaps"),
    "operator_overlap_step": Term("t", "s", "step time when arithmetic and reads overlap, collectives do not"),
    "no_overlap_step": Term("t", "s", "step time when nothing overlaps"),
    "step_time": Term("t", "s", "time of one step"),
    "step_time_alone": Term("t_1", "s", "time of one step for a lone user"),
    "utilization": Term("U", "share", "share of the peak arithmetic that is used"),
    "memory_bandwidth_utilization": Term("U_m", "share", "share of the memory bandwidth that is used"),
    "critical_batch": Term("B*", "", "batch at which arithmetic takes as long as reading the weights"),
    # communication
    "collectives_per_layer": Term("q", "", "all-reduces in one layer"),
    "message_bytes": Term("S", "B", "result of one all-reduce"),
    "activation_message": Term("S", "B", "result of one all-reduce"),
    "ring_all_reduce_time": Term("t_ar", "s", "time of one ring all-reduce"),
    "all_reduce_time": Term("t_ar", "s", "time of one all-reduce"),
    "scattered_message": Term("S_1", "B", "part of an all-reduce left to one rank of a node"),
    # serving and cost
    "tokens_per_s": Term("r", "token/s", "tokens decoded per second, all users"),
    "tokens_per_s_per_user": Term("r_user", "token/s", "tokens decoded per second for one user"),
    "tokens_per_s_per_gpu": Term("r_1", "token/s", "tokens decoded per second on one accelerator"),
    "price": Term("$", "USD/h", "price of one accelerator-hour"),
    "usd_per_million_tokens": Term("$_M", "USD", "price of a million decoded tokens"),
    "usd_per_month": Term("$_month", "USD", "price of all accelerators for an average month"),
    "joules_per_token": Term("J", "J", "energy of one decoded token"),
    "lone_user_cost_ratio": Term("x_1", "x", "what a lone user pays for a token against a member of the batch"),
    # users
    "concurrent_users": Term("Q", "", "sequences being decoded at once, day's mean"),
    "users": Term("U_d", "", "users who come on a day"),
    "minutes_per_day": Term("m_d", "min/day", "minutes of use per user and day"),
    "decoding_share": Term("s", "share", "share of a user's minutes in which tokens are decoded"),
    "trough_to_mean": Term("ρ", "", "load of the emptiest hour over the day's mean"),
    "peak_to_mean": Term("π", "", "load of the busiest hour over the day's mean"),
    "users_at_trough": Term("U_ρ", "", "users who keep the concurrency in the emptiest hour"),
    "trough_concurrent": Term("Q_ρ", "", "sequences being decoded in the emptiest hour"),
    "peak_concurrent": Term("Q_π", "", "sequences being decoded in the busiest hour"),
    "people_online": Term("P", "", "people with the app open, day's mean"),
    "target_users": Term("U_t", "", "users to compare with"),
    "trough_for_users": Term("ρ_t", "", "trough over mean at which this many users fill the emptiest hour"),
    "replicas": Term("g", "", "copies of the model that serve"),
    "slots": Term("slots", "", "sequences to provide for"),
}


class Key(NamedTuple):
    """A JSON key of a result: what people call it, its unit, and a head short enough for a table."""

    label: str
    unit: str
    head: str = ""


KEYS: dict[str, Key] = {
    # fit
    "gpus_for_weights": Key("least devices for the weights", ""),
    "gpus": Key("devices", "", "devices"),
    "nodes": Key("nodes", ""),
    "fits": Key("fits", ""),
    "total_params": Key("parameters", "param"),
    "active_params": Key("parameters per token", "param"),
    "vision_params": Key("vision parameters", "param"),
    "mtp_params": Key("MTP parameters", "param"),
    "weight_bytes": Key("weights", "B"),
    "weight_bytes_per_gpu": Key("weights per device", "B"),
    "memory_per_gpu_bytes": Key("memory per device", "B"),
    "kv_pool_bytes_per_gpu": Key("left per device", "B"),
    "shortfall_bytes": Key("short by", "B"),
    "kv_bytes_per_token": Key("KV cache per token", "B"),
    "kv_bytes_per_sequence": Key("KV cache per sequence", "B"),
    "kv_pool_tokens": Key("KV cache holds tokens", ""),
    "max_sequences": Key("sequences that fit", ""),
    # one step
    "batch": Key("batch", "", "batch"),
    "flops_per_token": Key("arithmetic per token", "FLOP"),
    "compute_time_s": Key("compute time", "s", "compute"),
    "memory_time_s": Key("memory time", "s", "memory"),
    "communication_time_s": Key("communication time", "s", "comm."),
    "overhead_time_s": Key("overhead", "s"),
    "step_time_s": Key("step time", "s", "step"),
    "bound_step_time_s": Key("bound on the step time", "s"),
    "bound": Key("what binds", "", "binds"),
    "utilization": Key("utilization", "share", "used"),
    "memory_bandwidth_utilization": Key("bandwidth utilization", "share"),
    "critical_batch": Key("critical batch", "", "B*"),
    "tokens_per_s": Key("tokens/s", "", "tokens/s"),
    "tokens_per_s_per_user": Key("tokens/s per user", "", "per user"),
    "tokens_per_s_per_gpu": Key("tokens/s per device", "", "per device"),
    "flops_per_byte": Key("balance of the device", "FLOP/B", "FLOP/B"),
    "usd_per_million_tokens": Key("USD per million tokens", "USD", "USD/M"),
    "joules_per_token": Key("energy per token (TDP)", "J", "J/token"),
    "prefill_time_s": Key("prefill time", "s"),
    "ttft_s": Key("time to first token", "s"),
    "request_time_s": Key("request time", "s"),
    # sweeps
    "knee_batch": Key("first batch at the knee", ""),
    "max_batch": Key("largest batch that fits", ""),
    "lone_user_cost_ratio": Key("a lone user pays", "x"),
    "cost_ratio": Key("cost of a token against the cheapest row", "x", "cost"),
    # users
    "concurrent_users": Key("sequences decoding", ""),
    "people_online": Key("people with the app open", ""),
    "minutes_per_day": Key("minutes per user", "min/day"),
    "decoding_share": Key("of those decoding", "share"),
    "users": Key("daily users", "", "users"),
    "users_at_trough": Key("users, emptiest hour full", ""),
    "mean_concurrent": Key("decoding, mean", ""),
    "peak_concurrent": Key("decoding, busiest hour", ""),
    "trough_concurrent": Key("decoding, emptiest hour", ""),
    "trough_to_mean_for_million_users": Key("trough/mean for 1M users", ""),
    "slots": Key("sequences to provide for", ""),
    "usd_per_month": Key("USD per month", "USD"),
    # comparison and presets
    "name": Key("name", "", "name"),
    "released": Key("released", "month", "date"),
    "drain_time_s": Key("time to drain memory", "s", "drain"),
    "flops_per_joule": Key("arithmetic per joule (TDP)", "FLOP/J", "FLOP/J"),
    "memory_bytes": Key("memory", "B", "mem."),
    "memory_bandwidth_bytes_per_s": Key("memory bandwidth", "B/s", "B/s"),
    "power_w": Key("power", "W", "power"),
    "peak_flops_per_s": Key("arithmetic", "FLOP/s", "FLOP/s"),
    "rate": Key("computes at", "", "at"),
    "weak": Key("weak figures", "", "weak"),
    "family": Key("family", "", "family"),
    "title": Key("title", "", "title"),
    "key": Key("figure", "", "figure"),
    "value": Key("value", "", "value"),
    "unit": Key("unit", "", "unit"),
    "source": Key("source", "", "source"),
    "date": Key("date", "", "date"),
    "shown": Key("value", "", "value"),
    "path": Key("path", "", "path"),
    "aliases": Key("other names", "", "other names"),
}
