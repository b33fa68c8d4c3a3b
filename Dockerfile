# The simulated marketplace of docker-compose.yml: traffic and its metrics, without servers.
FROM python:3.13-slim

WORKDIR /src
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY instrumentation instrumentation
COPY processor processor
COPY exporters exporters
COPY grafana grafana
COPY portal portal
COPY cli cli
COPY demo demo
# The image has no C compiler: the core is the one in Python. With `apt-get install gcc libc6-dev`
# before it, this line compiles the core.
RUN pip install --no-cache-dir . && rm -rf /src

WORKDIR /
USER nobody
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
EXPOSE 9464
ENTRYPOINT ["agent-analytics"]
CMD ["demo", "--serve", "0.0.0.0:9464"]
