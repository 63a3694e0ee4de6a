"""That times under a load are means: lengths which no option says decide how long the slowest of them are."""

from infercost.report import Note, Report
from infercost.scenario.options import flag
from infercost.scenario.read import Question

#: Options that make the time of a request one among many, and commands that ask nothing of a queue.
_OF_MANY, _OF_RUNS = ("request_rate", "max_ttft"), ("validate", "calibrate")


def with_means(report: Report, question: Question) -> Report:
    """The report with a note that its times are means, where a rate, a limit on a first token or users were asked of.

    The wait of a prompt is Kingman's mean for prompts of one length; a measured p99 has lengths of all kinds, caches
    and the wait for a step in it.
    """
    axes = [text.partition("=")[0].strip().replace("-", "_") for text in question.get("sweep") or ()]
    given = {*question.given, *axes, *(name for case in question.cases for name in case)}
    rows = (report.values, *(report.series.rows if report.series else ()))
    of_users = "users" in given or question.command == "userbase"
    of_users = of_users and any(row.get("ttft_s") is not None for row in rows)
    if question.command in _OF_RUNS or not (of_users or given.intersection(_OF_MANY)):
        return report
    limit = f", which {flag('max_ttft')} is held against" if "max_ttft" in given else ""
    return report.replace(notes=(*report.notes, Note("means", f"times are means{limit}: p95 and p99 are not modelled")))
