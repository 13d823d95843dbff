"""What the DAGs have in common: how the functions of Pappus are asked, and how people are told."""

import logging
from datetime import timedelta

from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk import BaseHook, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowNotFoundException

log = logging.getLogger(__name__)

# How long the first retry waits is Airflow's own setting, `[core] default_task_retry_delay`.
DEFAULTS = {
    "owner": "pappus",
    "retries": 3,
    "retry_exponential_backoff": 2,
    "max_retry_delay": timedelta(minutes=30),
    "execution_timeout": timedelta(minutes=15),
}
# Seconds for an answer: less than a task may take, so that the log says who was silent.
PATIENCE = 600
# Asked again, the answer would be the same.
LASTING = {400, 401, 403, 405, 413, 415, 422}


def options(patience=PATIENCE):
    """Every answer is looked at by `answered`, which knows what the function said is wrong."""
    return {"timeout": patience, "check_response": False}


def answered(response):
    """Whether a function did what it was asked: what it said instead is in the log, and ends the task."""
    if response.ok:
        return True
    try:
        why = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        why = response.text[:500] or response.reason
    said = f"{response.request.method} {response.url} answered {response.status_code}: {why}"
    raise (AirflowFailException if response.status_code in LASTING else AirflowException)(said)


def asking(function, path):
    """What an operator that posts JSON to a function is made of; the task returns the answer."""
    return {
        "http_conn_id": f"pappus_{function}",
        "endpoint": path,
        "headers": {"content-type": "application/json"},
        "response_check": answered,
        "response_filter": read,
        "extra_options": options(),
        "log_response": True,
    }


def read(response):
    """An answer."""
    return response.json()


def tell(text, **more):
    """Posts to the webhook of the connection `pappus_notify`; where there is none, the log has to do."""
    log.info(text)
    try:
        BaseHook.get_connection("pappus_notify")
    except AirflowNotFoundException:
        log.info("nobody else is told: there is no connection `pappus_notify`")
        return
    message = {"text": text, **more}
    answered(HttpHook(http_conn_id="pappus_notify").run(json=message, extra_options=options(patience=30)))


# A leaf beside the last task, which then does not run: the failure is told, and the DAG run is a failed one.
@task(trigger_rule="one_failed")
def notify_failure(dag_run=None):
    """Says that it failed, and where to look."""
    tell(f"{dag_run.dag_id} failed: see its run {dag_run.run_id} in Airflow.", outcome="failed")
