"""One pass over whole texts: what an embedder or a reranker reads in a second, and what its tokens cost."""

from typing import Any

from infercost import formulas
from infercost.analyses.measurement import shown_claim, with_measured
from infercost.analyses.prices import says_price
from infercost.analyses.remarks import count_remark, kind, misfit, overlap_words, room_rows, step_notes, sure
from infercost.analyses.step import OVERLOADED, ends_late, job_remarks, job_results, job_words, of_all, place_of_all
from infercost.numeric import known_share
from infercost.parts.accelerator import called
from infercost.parts.preset import counted
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
    keeps_up = results.get("stable") is not False
    lone = results["batch"] == 1 or results["prefill_time_s"] is None
    remarks = _remarks(scenario) | job_remarks()
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
        met=rack.plan.fits and keeps_up and not ends_late(scenario, results),
        work=lambda: _shown_work(scenario),
    )
    report = of_all(report, scenario)
    return with_measured(report, scenario, results) if scenario.is_claimed else report


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
    return found | job_results(scenario, rate, whole) | _of_rate(scenario, rate)


def _of_rate(scenario: Scenario, texts_per_s: float) -> dict[str, Any]:
    """Devices that keep up with texts that arrive, and what those that were counted are; nothing where no rate is."""
    if (rate := scenario.question.get("request_rate")) is None:
        return {}
    needed, each = formulas.cost.replicas_of_texts(request_rate=rate, texts_per_s=texts_per_s), scenario.rack.devices
    copies = scenario.copies if _is_counted(scenario) else needed
    busy = formulas.cost.texts_load_share(request_rate=rate, replicas=copies, texts_per_s=texts_per_s)
    usd = scenario.price and formulas.cost.usd_per_hour(price=scenario.price, replicas=copies, devices=each)
    return {"gpus_needed": needed * each, "stable": copies >= needed, "texts_load_share": busy, "usd_per_hour": usd}


def _is_counted(scenario: Scenario) -> bool:
    """Whether somebody said how many devices there are."""
    return scenario.rack.given or scenario.copies > 1


def _rate_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """The start of a verdict on texts that arrive: the devices that they need, or how busy those are that there are."""
    if (rate := scenario.question.get("request_rate")) is None:
        return ""
    part, each = called(scenario.rack.part), show(results["texts_per_s"], "")
    enough, there = (counted(of, part) for of in (results["gpus_needed"], scenario.copies * scenario.rack.devices))
    arrive = f"{many(rate, 'text')} a second"
    replicas = f"{'each' if scenario.rack.devices == 1 else f'a replica of {scenario.rack.devices}'}"
    usd = results["usd_per_hour"]
    paid = f", {show(usd, 'USD')} an hour" if usd is not None and says_price(scenario) else ""
    if not _is_counted(scenario):
        return f"{arrive} need{'s' if rate == 1 else ''} {enough} ({each} {replicas}){paid}. "
    if not results["stable"]:
        most = show(scenario.copies * results["texts_per_s"], "")
        return (
            f"{OVERLOADED}{arrive} arrive{'s' if rate == 1 else ''} and {there} read at most {most}; {enough} would. "
        )
    busy = show(results["texts_load_share"], "share")
    fewer = f"; {enough} would do" if results["gpus_needed"] < scenario.copies * scenario.rack.devices else ""
    return f"{arrive} keep{'s' if rate == 1 else ''} {there} busy {busy} of the time{paid}{fewer}. "


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
        "gpus_needed": "whole replicas",
        "texts_load_share": "texts that arrive over those that could be read",
    }


def _shown_work(scenario: Scenario) -> None:
    again = scenario._replace(running=reworked(scenario.running))
    results = _results(again)
    if scenario.is_claimed and scenario.rack.plan.fits:
        shown_claim(again, results)


def _verdict(scenario: Scenario, results: dict[str, Any]) -> str:
    rack, text = scenario.rack, scenario.load.request
    assert text is not None
    rate, read = (show(scenario.copies * results[key], "") for key in ("texts_per_s", "input_tokens_per_s"))
    usd = results["usd_per_million_tokens_input"]
    price = f" at {show(usd, 'USD')} a million tokens" if usd is not None and says_price(scenario) else ""
    share = "more than all" if results["utilization"] is None else show(results["utilization"], "share")
    where = f"{rack.model.called()} on {place_of_all(scenario)}"
    return (
        f"{job_words(scenario, results)}{_rate_words(scenario, results)}"
        f"{where} reads {rate} texts of {many(text.input_tokens, 'token')} a second ({read} tokens/s){price}: "
        f"{share} of the arithmetic is used, {sure(scenario.running)}."
    )
