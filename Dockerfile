# syntax=docker/dockerfile:1
# A node with nothing beside it:
#   docker build -t adserver .
#   docker run -p 127.0.0.1:8080:8080 -v adserver-data:/data -v ./config:/config:ro adserver
#   docker exec CONTAINER adserver apply --yes
# With Redis, Prometheus, Grafana and TLS: docker-compose.yml.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /opt/adserver
# First what changes seldom: a change of the code below reuses this layer.
COPY requirements.lock /src/
RUN /opt/adserver/bin/pip install --require-hashes --only-binary :all: --requirement /src/requirements.lock
COPY pyproject.toml README.md LICENSE /src/
COPY adserver /src/adserver
COPY config /src/config
# The build tool is in the lock as well, so nothing comes without a hash.
RUN /opt/adserver/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /src/dist /src \
 && /opt/adserver/bin/pip install --no-deps --no-index /src/dist/*.whl \
 && /opt/adserver/bin/pip uninstall --yes pip \
 && /opt/adserver/bin/python -m compileall -q /opt/adserver/lib

FROM python:3.11-slim
COPY --from=build /opt/adserver /opt/adserver
# A number, not a name: Kubernetes' runAsNonRoot can check it. Only /data and /tmp are written to,
# and /backups where a volume is mounted there: it takes the owner that the folder has here.
RUN install --directory --owner=10001 --group=10001 --mode=0700 /backups /data
ENV PATH=/opt/adserver/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ADSERVER_CONFIG=/config \
    ADSERVER_STATE=/data \
    ADSERVER_REDIS=embedded:/data
USER 10001:10001
VOLUME /data
EXPOSE 8080 8081
# Alive is enough: a node without a generation, or with its store away, is not to be restarted.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8081/livez', timeout=2)"]
# The supervisor is process 1: it starts, reaps, replaces and drains its workers itself.
ENTRYPOINT ["adserver"]
CMD ["serve", "--host", "0.0.0.0"]
