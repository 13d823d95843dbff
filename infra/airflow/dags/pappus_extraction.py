"""Once a day: ingest fetches, checks and stores the images that a list names, and knows those it has. The
list is a CSV file with columns `url_source` and `label`, at the URL of the connection `pappus_sources`."""

import csv
import io
import json
import logging
from datetime import datetime, timedelta

from airflow.providers.http.operators.http import HttpOperator
from airflow.sdk import DAG, task
from airflow.sdk.exceptions import AirflowFailException
from pappus_functions import DEFAULTS, answered, asking, notify_failure, options, tell

log = logging.getLogger(__name__)

COLUMNS = ("url_source", "label")
# So many a request: it takes a few minutes where a server of images is slow, and is what a retry does again.
BATCH = 50


def batches(response):
    """The requests that a list comes to."""
    # Spreadsheets begin a file with a byte order mark.
    rows = csv.DictReader(io.StringIO(response.content.decode("utf-8-sig")), skipinitialspace=True)
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or [])]
    if missing:
        raise AirflowFailException(f"{response.url} has no column {' and no column '.join(missing)}")
    sources = [{"url": row["url_source"], "label": row["label"]} for row in rows]
    log.info("%s names %d images", response.url, len(sources))
    return [json.dumps({"sources": sources[at : at + BATCH]}) for at in range(0, len(sources), BATCH)]


@task
def summarise(answers):
    """What all requests came to. An image may fail, and come another day; if all do, something is wrong."""
    fates = ("stored", "relabelled", "duplicates", "conflicts", "quarantined", "unreadable")
    sums = dict.fromkeys(fates, 0)
    for answer in answers:
        for fate in fates:
            sums[fate] += answer[fate]
        for source in answer["attention"]:
            log.warning("%s", source)
    failed = sums["quarantined"] + sums["unreadable"]
    if failed and failed == sum(sums.values()):
        raise AirflowFailException(f"not one of {failed} images could be had: the log says why")
    return {
        "stored": sums["stored"],
        "known": sums["relabelled"] + sums["duplicates"] + sums["conflicts"],
        "failed": failed,
    }


@task
def notify(summary):
    """Says what has come. Nobody wants to read every day that nothing has."""
    text = "{stored} new images, {known} known, {failed} that could not be had".format(**summary)
    if summary["stored"] or summary["failed"]:
        tell(text, **summary)
    else:
        log.info(text)


with DAG(
    "pappus_extraction",
    description="Fetch the labelled images that a list names",
    doc_md=__doc__,
    # Before the retraining, which so learns from what has come.
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=12),
    default_args=DEFAULTS,
    tags=["pappus"],
):
    sources = HttpOperator(
        task_id="list",
        http_conn_id="pappus_sources",
        method="GET",
        response_check=answered,
        response_filter=batches,
        extra_options=options(patience=60),
    )
    ingest = HttpOperator.partial(
        task_id="ingest", max_active_tis_per_dagrun=2, **asking("ingest", "/sources")
    ).expand(data=sources.output)
    summary = summarise(ingest.output)
    [sources, ingest, summary] >> notify_failure()
    notify(summary)
