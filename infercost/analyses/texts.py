"""One pass over whole texts: what an embedder or a reranker reads in a second, and what its tokens cost."""

from typing import Any

from infercost import formulas
from infercost.analyses.measurement import against_of, found_of, with_measured
from infercost.analyses.prices import says_price
from infercost.analyses.remarks import count_remark, kind, misfit, overlap_words, room_rows, step_notes, sure
from infercost.analyses.step import job_remarks, job_results, job_words, of_all, place_of_all
from infercost.numeric import known_share
from infercost.replica.serving import prefill_time
from infercost.replica.step import reworked
from infercost.report import Note, Report, Row
from infercost.scenario.scenario import Scenario
from infercost.units import many, show

_OF_TEXTS = (
    *("step_time_s", "bound_step_time_s", "prefill_time_s", "utilization", "texts_per_s", "input_tokens_per_s"),
    "usd_per_million_tokens_input",
)
_UNMEASURED = (Note("texts", "no measured run of an embedder or a reranker lies behind these times"),)


def answer(scenario: Scenario) -> Report:
    """What a model that decodes nothing answers: whole texts a second, and what their tokens cost."""
    running, rack = scenario.running, scenario.rack
    results = dict.fromkeys(_OF_TEXTS) if not rack.plan.fits else {}
    results = {**_facts(scenario), **(results or _results(scenario))}
    lone = results["batch"] == 1 or results["prefill_time_s"] is None
    remarks = _remarks(scenario) | job_remarks(results)
    hidden = {"prefill_time_s"} if lone else set()
    report = Report(
        command="utilization",
        verdict=misfit(rack) or _verdict(scenario, results),
        inputs=scenario.inputs,
        results=tuple(
            Row(key, value, "the model does not fit" if value is None else remarks.get(key, ""), key not in hidden)
            for key, value in results.items()
            if value is not None or not rack.plan.fits
        )
        + room_rows(rack),
        notes=(*step_notes(running, ()), *(_UNMEASURED if kind(running) == "estimate" else ()), *scenario.notes),
        met=rack.plan.fits,
        work=lambda: _shown_work(scenario),
    )
    report = of_all(report, scenario)
    return report if scenario.measured is None else with_measured(report, scenario, results)


def _facts(scenario: Scenario) -> dict[str, Any]:
    rack, text = scenario.rack, scenario.load.request
    assert text is not None
    return {
        "gpus": rack.devices,
        "batch": scenario.batch,
        "weight_bytes": rack.weight_bytes,
        "prefill_flops": scenario.running.work.whole_prompt_flops(text.new, text.cached),
    }


def _results(scenario: Scenario) -> dict[str, Any]:
    """Times, rates and the price of texts that come together, over and over."""
    running, rack, text = scenario.running, scenario.rack, scenario.load.request
    assert text is not None
    bare = running.replica._replace(speeds=running.bounds, timing=None)
    flops = running.work.whole_prompt_flops(text.new, text.cached)
    alone, bound = prefill_time(running.replica, 1, text), prefill_time(bare, scenario.batch, text)
    whole = prefill_time(running.replica, scenario.batch, text)
    rate = formulas.cost.texts_per_s(batch=scenario.batch, prefill_time=whole)
    peak = running.rate.fact.value
    share = formulas.step.text_utilization(prompt_flops=flops, texts_per_s=rate, devices=rack.devices, peak_flops=peak)
    tokens = formulas.cost.input_tokens_per_s(texts_per_s=rate, input_tokens=text.input_tokens)
    usd = None
    if scenario.price:
        usd = formulas.cost.usd_per_million_input(price=scenario.price, devices=rack.devices, input_tokens_per_s=tokens)
    found = dict(zip(_OF_TEXTS, (whole, bound, alone, known_share(share), rate, tokens, usd), strict=True))
    return found | job_results(scenario, rate, whole)


def _remarks(scenario: Scenario) -> dict[str, str]:
    running, rack = scenario.running, scenario.rack
    return {
        "gpus": count_remark(rack),
        "batch": "texts that are read together",
        "weight_bytes": rack.model.quantization.label,
        "prefill_flops": "of one text",
        "prefill_time_s": "one text alone",
        "step_time_s": f"{kind(running)}: {overlap_words(running)}",
        "usd_per_million_tokens_input": "accelerators always busy",
    }


def _shown_work(scenario: Scenario) -> None:
    again = scenario._replace(running=reworked(scenario.running))
    results = _results(again)
    if scenario.measured is not None and scenario.rack.plan.fits:
        found_of(again, against_of(again, results))


def _verdict(scenario: Scenario, results: dict[str, Any]) -> str:
    rack, text = scenario.rack, scenario.load.request
    assert text is not None
    rate, tokens = (show(scenario.copies * results[key], "") for key in ("texts_per_s", "input_tokens_per_s"))
    usd = results["usd_per_million_tokens_input"]
    price = f" at {show(usd, 'USD')} a million tokens" if usd is not None and says_price(scenario) else ""
    share = "more than all" if results["utilization"] is None else show(results["utilization"], "share")
    where = f"{rack.model.called()} on {place_of_all(scenario)}"
    return (
        f"{job_words(scenario, results)}"
        f"{where} reads {rate} texts of {many(text.input_tokens, 'token')} a second, {tokens} tokens{price}: "
        f"{share} of the arithmetic is used, {sure(scenario.running)}."
    )
