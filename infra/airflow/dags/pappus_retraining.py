"""Once a day: how the model does and what is new to learn; and where train-trigger's policy so decides, a
training that is waited for, judged, and released if it passes. The functions do it; this asks them."""

import logging
from datetime import datetime, timedelta

from airflow.providers.http.operators.http import HttpOperator
from airflow.providers.http.sensors.http import HttpSensor
from airflow.sdk import DAG, Param, PokeReturnValue, task
from airflow.sdk.exceptions import AirflowFailException
from pappus_functions import DEFAULTS, answered, asking, notify_failure, options, tell

log = logging.getLogger(__name__)

QUESTION = """
{%- if params.reason -%}
{{ {"cause": "operator", "reason": params.reason} | tojson }}
{%- else -%}
{"cause": "schedule"}
{%- endif -%}
"""
VERSION = '{"version": {{ ti.xcom_pull(task_ids="train") | tojson }}}'
RELEASE = """
{%- set reason = "passed its evaluation, in Airflow's " ~ run_id -%}
{{ {"version": ti.xcom_pull(task_ids="train"), "reason": reason} | tojson -}}
"""


@task.short_circuit
def training(answer):
    """The run to wait for. Where there is none, this is the end, and a good one."""
    decision = answer["decision"]
    why = "; ".join(reason["reason"] for reason in decision["reasons"]) or "no reason to train"
    log.info("%s (%s)", decision["summary"], why)
    if decision["run"]:
        return decision["run"]
    hindrance = decision["hindrance"] or {}
    if hindrance.get("hindrance") == "under-way":
        # Begun by somebody else, or by a first try whose answer was lost. The holder begins with the run.
        return hindrance["holder"].split("/")[0]
    if hindrance:
        log.info("not now: %s", hindrance)
    return None


def trained(response):
    """Whether the run is over; its version."""
    answered(response)
    run = response.json()
    if run["status"] == "succeeded":
        return PokeReturnValue(is_done=True, xcom_value=run["version"])
    if run["status"] == "failed":
        raise AirflowFailException(f"run {run['run']} failed: {run['message']}")
    log.info("run %s is %s: %s", run["run"], run["status"], run.get("progress") or "no progress is known")
    return False


@task.branch
def judged(verdict):
    """Which way it goes on."""
    return "promote" if verdict["passed"] else "notify"


@task(trigger_rule="none_failed_min_one_success")
def notify(verdict, promoted):
    """Says how it ended, where anything was trained."""
    version = verdict["version"]
    if not promoted:
        tell(f"Version {version} did not pass its evaluation.", outcome="kept", version=version)
        return
    model = promoted["release"]["model"]
    tell(f"Version {version} of {model} is released.", outcome="released", version=version)


with DAG(
    "pappus_retraining",
    description="Check, train, judge and release",
    doc_md=__doc__,
    schedule="0 3 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=12),
    default_args=DEFAULTS,
    params={"reason": Param("", type="string", description="Train whatever the policy says, and why")},
    tags=["pappus"],
):
    # One question, so that both are of one moment; the answer has the figures, and the run if one begins.
    check = HttpOperator(
        task_id="check_performance_and_new_data", data=QUESTION, **asking("train_trigger", "/decisions")
    )
    run = training(check.output)
    # Rescheduled, and not deferred: a deferred sensor takes any good answer for the end.
    train = HttpSensor(
        task_id="train",
        http_conn_id="pappus_train_trigger",
        endpoint="/runs/{{ ti.xcom_pull(task_ids='training') }}",
        response_check=trained,
        extra_options=options(patience=60),
        mode="reschedule",
        poke_interval=20,
        timeout=timedelta(hours=8).total_seconds(),
    )
    evaluate = HttpOperator(task_id="evaluate", data=VERSION, **asking("evaluate", "/evaluate"))
    verdict = judged(evaluate.output)
    promote = HttpOperator(task_id="promote", data=RELEASE, **asking("promote", "/promote"))

    run >> train >> evaluate
    verdict >> promote
    verdict >> notify(evaluate.output, promote.output)
    [check, run, train, evaluate, verdict, promote] >> notify_failure()
