"""The JSON Schema (draft 7) of a command's answer: the keys of its results and rows, their types and their units."""

from typing import Any

from infercost.errors import UnknownName, closest
from infercost.quantities import KEYS
from infercost.render.json import SCHEMA_VERSION

#: Times, use, speed and price of one step, in results and in rows of many of them.
_STEP = """gpus batch weight_bytes flops_per_token compute_time_s memory_time_s communication_time_s overhead_time_s
step_time_s tpot_s bound_step_time_s full_overlap_step_time_s no_overlap_step_time_s bound utilization
memory_bandwidth_utilization critical_batch flops_per_byte arithmetic_intensity tokens_per_s tokens_per_s_per_user
tokens_per_s_per_gpu usd_per_million_tokens usd_per_million_tokens_decode joules_per_token prefill_time_s ttft_s
request_time_s tuned_step_time_s tuned_ttft_s itl_s tokens_per_s_all_in experts_hit_share host_bytes host_time_s
prompt_itl_s dp cache_bytes_share attention_gain_bound"""
_FIT = """gpus_for_weights gpus tp pp ep dp nodes fits total_params active_params vision_params mtp_params weight_bytes
weight_bytes_per_gpu activation_bytes_per_gpu engine_bytes_per_gpu memory_needed_bytes memory_per_gpu_bytes
kv_pool_bytes_per_gpu kv_bytes_per_token kv_bytes_per_sequence kv_bytes_of_batch kv_pool_tokens max_sequences
longest_context shortfall_bytes draft_active_params draft_bytes_per_gpu host_bytes host_layers host_weight_bytes
host_kv_bytes_per_sequence host_memory_bytes host_left_bytes tokens_per_s_per_user"""
_OF_ALL_TOKENS = "usd_per_request wh_per_request joules_per_output_token input_tokens_per_s"
_ROOM = "fits shortfall_bytes"
_OWN = "usd_per_gpu_hour rent_usd_per_gpu_hour break_even_hours_share payback_months api_payback_months"
_API = """api_usd_per_million_tokens api_usd_per_month tokens_per_month break_even_users break_even_users_for_good
break_even_tokens_per_month
break_even_usd_per_month break_even_usd_per_gpu_hour api_gross_margin users_at_api_price"""
_SERVICE = """users concurrent_users batch replicas gpus utilization tokens_per_s tpot_s ttft_s
memory_bandwidth_utilization joules_per_token stable usd_per_million_tokens usd_per_million_tokens_input
usd_per_million_tokens_output usd_per_million_tokens_blended"""
_LEVEL = f"""{_SERVICE} name busy_share tokens_per_s_per_user device_seconds_per_token usd_per_million_tokens_decode
usd_per_million_tokens_busy"""
_ECONOMIES = f"""usd_per_million_tokens_fifth usd_per_million_tokens_two_fifths usd_per_million_tokens_four_fifths
usd_per_million_tokens_at_load load_usd_per_month load_api_usd_per_month load_left_usd_per_month load_gross_margin
lone_user_cost_ratio lone_user_reserved_cost_ratio batch_limit gpus_per_replica users_per_replica
users_within_2x users_within_10_percent charged_usd_per_million_tokens charged_usd_per_million_tokens_input
charged_usd_per_million_tokens_output charged_usd_per_million_tokens_at_users
charged_usd_per_million_tokens_input_at_users charged_usd_per_million_tokens_output_at_users
charged_usd_per_million_tokens_at_load charged_usd_per_million_tokens_input_at_load
charged_usd_per_million_tokens_output_at_load
floor_usd_per_million_tokens usd_per_request usd_per_million_tokens_input usd_per_million_tokens_output
usd_per_million_tokens_blended floor_device_seconds floor_tokens_per_s_per_user floor_tokens_per_s
{_API} usd_per_month break_even_capacity_share break_even_token_share full_usd_per_month full_api_usd_per_month
full_gross_margin {_OWN} {_ROOM}"""
_TREND = """flops_doubling_years memory_bandwidth_doubling_years memory_doubling_years flops_per_byte_doubling_years
drain_time_doubling_years flops_doubling_years_error memory_bandwidth_doubling_years_error
memory_doubling_years_error flops_per_byte_doubling_years_error drain_time_doubling_years_error
parts_fitted"""
#: Keys of the results of each command; which of them an answer has depends on what was asked.
RESULTS = {
    "fit": _FIT,
    "utilization": f"""{_STEP} tokens_per_s_per_user_all_in tokens_per_s_per_gpu_all_in
    in_flight stable gpus_needed prefill_per_decode cache_transfer_time_s
    cache_transfer_bytes_per_s draft_passes_time_s accept_length plain_tpot_s draft_speedup ttft_all_at_once_s
    texts_per_s texts_load_share usd_per_hour input_tokens_per_s job_time_s job_usd mixed_gpus
    mixed_usd_per_million_tokens mixed_itl_s prefill_flops
    usd_per_million_tokens_input most_requests_per_s requests_at_once measured_utilization
    measured_memory_bandwidth_utilization measured_over_estimate measured_over_bound measured_bytes_per_s
    measured_tokens_per_s measured_usd_per_million_tokens wh_per_request usd_per_request rated_power_w kwh_per_day
    joules_per_output_token
    api_usd_per_million_tokens own_over_api_cost usd_per_month electricity_usd_per_month {_OWN} {_ROOM}""",
    "sweep-batch": f"gpus critical_batch peak_critical_batch knee_batch max_batch lone_user_cost_ratio {_OWN} {_ROOM}",
    "userbase": f"""{_SERVICE} people_online minutes_per_day decoding_share users_at_trough mean_concurrent
    trough_to_mean_for_million_users peak_concurrent trough_concurrent slots usd_per_month in_flight batch_limit
    gpus_needed users_capacity idle_share unused_share wait_probability mean_wait_s usd_per_hour usd_per_user_month
    peak_requests_per_s requests_per_month charged_usd_per_user_month gross_margin paying_users usd_per_request
    paying_users_for_good api_usd_per_user_month api_usd_per_request api_uncached_usd_per_month
    api_cache_saved_share {_API} {_OWN} {_ROOM}""",
    "economies": _ECONOMIES,
    "frontier": """configurations layouts layouts_excluded fastest_tokens_per_s_per_user knee_tokens_per_s_per_user
    knee_usd_per_million_tokens least_usd_per_million_tokens best_of_each""",
    "compare": f"{_TREND} cheapest fastest",
    "validate": """count median_abs_error p90_abs_error median_relative_error p90_relative_error median_ratio
    within_band below_bound_count skipped_count apart_count stack_median_abs_error stack_p90_abs_error
    stack_median_relative_error stack_p90_relative_error mlperf_near_share groups""",
    "calibrate": """count median_abs_error_before median_abs_error p90_abs_error_before p90_abs_error determined_count
    undetermined_count skipped_count""",
    "presets": """total_params active_params vision_params mtp_params weight_bytes kv_bytes_per_token
    kv_bytes_per_sequence state_bytes_per_sequence flops_per_token flops_per_token_full attention_context prefill_flops
    embedding_params attention_params ffn_params experts_params shared_params router_params head_params norms_params
    hidden_size vocab_size multiplied_head_params final_norm_params max_context""",
}
#: Keys of the rows of each command, beside those of ``--sweep`` and ``--sensitivity``.
ROWS = {
    "fit": """name alias released family total_params active_params dtype weights_from efficiency gpus tp pp ep dp
    weight_bytes max_context tokens_per_s_per_user offload host_bytes flags source""",
    "utilization": "",
    "sweep-batch": f"{_STEP} tp pp ep prefill_flops {_OF_ALL_TOKENS} cost_ratio fits",
    "userbase": f"{_LEVEL} hour load requests_per_s",
    "economies": f"{_LEVEL} cost_ratio",
    "frontier": f"""{_STEP} name gpu model dtype tp pp ep replicas total_gpus prefill_per_decode
    device_seconds_per_token usd_per_million_tokens_all_in device_seconds_per_token_all_in flags replay on_frontier
    draft_passes_time_s accept_length plain_tpot_s draft_speedup cache_transfer_time_s busy_ttft_s""",
    "compare": f"""{_STEP} {_TREND} name released rate peak_flops_per_s drain_time_s flops_per_joule memory_bytes weak
    memory_bandwidth_bytes_per_s power_w {_ROOM} why_not replicas tp pp ep usd_per_hour usd_per_month
    usd_per_sequence_hour usd_per_gpu_hour
    price_basis price_date efficiency flags replay""",
    "validate": "id source metric predicted measured ratio bound low high efficiency not_covered",
    "calibrate": "constant before after unit range determined remark",
    "presets": """layers attention heads cache_elements ffn parameters query_heads kv_heads head_dim v_head_dim
    attention_params kv_params copied_params norm_params kv_elements packed_entry_bytes index_elements
    borrowed_elements window compress attended attention_flops prefill_attention_flops index_flops query_rank
    state_elements conv_elements ffn_width ffn_params shared_params router_params reused_params experts
    active_experts expert_groups token_groups expert_params expert_input expert_norm_params params_per_expert key
    shown value unit source date weak others name family title released aliases path total_params active_params
    memory_bytes usable_memory_bytes memory_bandwidth_bytes_per_s rate peak_flops_per_s usd_per_gpu_hour price_date
    power_w dtype
    kv_bytes_per_token kv_bytes_per_sequence flops_per_token prefill_flops weight_bytes max_context""",
}
#: Commands that take ``--sweep``: rows with the results of each point beside the options that were swept.
SWEPT = ("fit", "utilization", "userbase", "economies")
#: Keys that are no numbers.
TEXTS = """alias aliases attention bound cheapest constant date dtype efficiency family fastest ffn flags gpu heads id
key metric model name not_covered offload others path price_basis price_date rate released remark replay shown source
title unit value weak weights_from why_not"""
FLAGS = {
    "determined": "whether the runs determine the constant",
    "fits": "whether memory holds the model and its sequences, whatever the speed; limits too are in the answer's met",
    "met": "false where it does not fit, keep up, meet a limit or reach what was measured, exit code 3 of one answer",
    "on_frontier": "whether no other configuration is both faster and cheaper",
    "stable": "whether it keeps up with the load",
}
OBJECTS = {
    "groups": "errors by kind of row",
    "best_of_each": "figures of the best row of each part, model or format; null where none meets the limits",
}
LISTS = ("range", "value", "weak")
#: Keys that are texts in some answers and numbers in others.
BOTH = ("bound", "value")
INTERVAL = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
BANDS = {
    "type": ["object", "null"],
    "description": "low and high of a key: eight of ten measured runs of its kind lie inside",
    "additionalProperties": INTERVAL,
}


def schema(command: str) -> dict[str, Any]:
    """The schema of what a command prints with ``--json``; a number without a value is null, a note says why.

    Raises:
        UnknownName: no such command.
    """
    if command not in RESULTS:
        what = f"schema: no command {command!r}" if command else "schema needs a command"
        raise UnknownName(what, f"{closest(command, [*RESULTS]) if command else ''}one of {', '.join(RESULTS)}")
    swept = f"{RESULTS[command]} met key value unit shown low high" if command in SWEPT else ""
    rows = {"bands": BANDS, **_properties(f"{ROWS[command]} {swept}")}
    properties = _answer(command, rows)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"infercost {command} --json",
        "type": "object",
        "properties": properties,
        "required": [key for key in properties if key != "bands"],
        "additionalProperties": False,
    }


def _answer(command: str, rows: dict[str, Any]) -> dict[str, Any]:
    """The parts of a document."""
    texts = {"type": "array", "items": {"type": "string"}}
    return {
        "schema_version": {"const": SCHEMA_VERSION},
        "command": {"const": command},
        "verdict": {"type": "string", "description": "the answer in a sentence"},
        "met": {
            "type": "boolean",
            "description": "yes or no: false where it does not fit or misses a limit, exit code 3",
        },
        "inputs": {"type": "object", "description": "options and figures of presets, in base units"},
        "assumed": {**texts, "description": "the inputs that nobody gave"},
        "asked": {"type": "object", "description": "the options that were given: --scenario asks them again"},
        "results": _results(command),
        "bands": BANDS,
        "rows": {
            "type": "array",
            "items": {"type": "object", "properties": rows, "additionalProperties": command in SWEPT},
        },
        "advice": texts,
        "engine_command": {"type": ["string", "null"], "description": "starts the engine, as a shell takes it"},
        "notes": _list_of(code="string", text="string"),
        "steps": _list_of(name="string", meaning="string", symbols="string", numbers="string", unit="string"),
        "sources": _list_of(key="string", unit="string", origin="string", source="string", date="string"),
    }


def _results(command: str) -> dict[str, Any]:
    """The results: an answer to many questions has those of elasticities or none."""
    elasticities = {"^elasticity_": {"type": ["number", "null"]}} if command in SWEPT else {}
    return {
        "type": "object",
        "properties": _properties(RESULTS[command]),
        "patternProperties": elasticities,
        "additionalProperties": False,
    }


def _properties(keys: str) -> dict[str, Any]:
    return {key: _property(key) for key in sorted(set(keys.split()))}


def _property(key: str) -> dict[str, Any]:
    """The type of a key, with its label and unit as people read them."""
    if key in OBJECTS:
        return {"type": "object", "description": OBJECTS[key]}
    if key in FLAGS:
        return {"type": _types(key), "description": FLAGS[key]}
    if key not in KEYS:
        return {"type": _types(key)}
    named = KEYS[key]
    return {"type": _types(key), "description": f"{named.label} ({named.unit})" if named.unit else named.label}


def _types(key: str) -> list[str]:
    if key in FLAGS:
        return ["boolean", "null"]
    is_text = key in TEXTS.split()
    texts = ["string"] if is_text else []
    numbers = ["number"] if not is_text or key in BOTH else []
    return [*texts, *numbers, *(["array"] if key in LISTS else []), "null"]


def _list_of(**fields: str) -> dict[str, Any]:
    """A list of objects that have at least these fields."""
    properties = {name: {"type": kind} for name, kind in fields.items()}
    return {"type": "array", "items": {"type": "object", "properties": properties, "required": [*fields]}}
