# A producer in a container: docker build -f deploy/docker/producer.Dockerfile -t logverse-producer .
FROM python:3.11-slim-bookworm AS build
COPY requirements/producer.txt /build/
RUN python -m venv /opt/logverse \
 && /opt/logverse/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /build/producer.txt \
 && /opt/logverse/bin/pip uninstall -y setuptools pip

FROM python:3.11-slim-bookworm
# Log files of the host often belong to group adm (4 on Debian and Ubuntu).
# The home is open to group root too: Docker's own log files take a root without capabilities (see producer.compose.yaml).
RUN useradd --system --uid 10001 --groups adm --home-dir /var/lib/logverse --create-home logverse \
 && chgrp 0 /var/lib/logverse && chmod 0770 /var/lib/logverse
COPY --from=build /opt/logverse /opt/logverse
COPY logverse /opt/logverse/src/logverse
COPY producers /opt/logverse/src/producers
ENV PATH=/opt/logverse/bin:$PATH PYTHONPATH=/opt/logverse/src PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LOGVERSE_HOME=/var/lib/logverse
USER logverse
# What has arrived is remembered here: without a volume a new container sends every file again, with the same ids.
VOLUME /var/lib/logverse
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "logverse.cli.main", "produce"]
CMD ["--config", "/etc/logverse/producers.yaml"]
