"""## monitor_brokers: whether the brokers answer, every 15 minutes

**Reads** each account of every portfolio at an active broker: it connects, reads the account and asks for one quote. **Writes**
how the calls went (`call_counts`, kept 30 days; *Brokers* in the menu shows the last 24 hours), and metrics
`polybroker.broker.<source>.*` through Airflow's own statistics. It sends no order and keeps nothing of an account.

**Red means:** one index of `probe_broker`: that account cannot be read now (its log says why, `polybroker brokers status` whether
it is left alone); the others were asked all the same · `report_health` always runs and never decides the run's colour: the
project's database does not answer.

**May be run again:** every task. It is paused until you switch it on, because it logs in to your accounts.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from include.hooks import monitoring
from include.hooks.tasks import NO_RETRY, label, step


@dag(
    schedule="*/15 * * * *",
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    doc_md=__doc__,
    tags=["polybroker"],
)
def monitor_brokers() -> None:
    accounts = step(monitoring.probed_accounts)()
    probed = step(monitoring.probe_broker, map_index_template=label("account"), **NO_RETRY).expand(account=accounts)
    probed >> step(monitoring.report_health)().as_teardown()


monitor_brokers()
