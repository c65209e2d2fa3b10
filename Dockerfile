# Airflow and Polybroker in one image: every service of docker-compose.yaml runs from it.
FROM python:3.12-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONPATH=/opt/polybroker AIRFLOW_HOME=/opt/airflow PATH=/opt/venv/bin:$PATH
RUN groupadd --gid 50000 airflow && useradd --uid 50000 --gid airflow --create-home airflow \
    && mkdir -p /opt/airflow/logs /opt/polybroker/data && chown -R airflow:airflow /opt/airflow /opt/polybroker

COPY requirements.txt /tmp/requirements.txt
RUN python -m venv /opt/venv && pip install --no-cache-dir "$(grep -oE '^uv==[^ ]+' /tmp/requirements.txt)" \
    && VIRTUAL_ENV=/opt/venv uv pip install --no-cache --require-hashes -r /tmp/requirements.txt && rm /tmp/requirements.txt

WORKDIR /opt/polybroker
COPY --chown=airflow:airflow pyproject.toml README.md LICENSE ./
COPY --chown=airflow:airflow include include
COPY --chown=airflow:airflow dags dags
COPY --chown=airflow:airflow plugins plugins
RUN printf '#!/bin/sh\nexec python -m include.cli "$@"\n' > /usr/local/bin/polybroker && chmod 0755 /usr/local/bin/polybroker
USER airflow
