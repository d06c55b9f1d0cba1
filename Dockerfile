# lofi-radio on Debian 12, not as root; state (journal, snapshots) lives in the volume /state.
FROM python:3.11-slim-bookworm

RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
       libfluidsynth3 musescore-general-soundfont-small libportaudio2 ffmpeg fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /state --create-home lofi

WORKDIR /app
COPY requirements/radio.txt requirements/no-deps.txt requirements/
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/radio.txt \
    && pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r requirements/no-deps.txt
COPY pyproject.toml setup.py README.md LICENSE ./
COPY engine engine
COPY radio radio
COPY training/__init__.py training/__init__.py
# the compiler builds the models' step (engine/native) and is not kept
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc libc6-dev \
    && pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --editable . \
    && apt-get purge -y -qq --auto-remove gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
COPY models models
COPY loops loops
COPY soundfonts soundfonts
COPY deploy/docker.yaml config.yaml

USER lofi
VOLUME /state
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["lofi-radio", "run", "--config", "/app/config.yaml"]
