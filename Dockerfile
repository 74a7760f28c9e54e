FROM denoland/deno:debian-2.9.6

# What holds the child processes that decode pictures: prlimit, unshare, setpriv.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends util-linux curl \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY deno.json deno.lock ./
COPY main.ts ./
COPY cameras cameras
COPY commands commands
COPY lib lib
COPY pipeline pipeline
COPY routes routes
# The program and its packages stay root's: who runs it cannot change it.
RUN deno install && mkdir /data && chown deno:deno /data

USER deno
ENV DATA_DIR=/data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD curl -fsS "http://127.0.0.1:${PORT:-8000}/health/ready" || exit 1
CMD ["deno", "task", "start"]
