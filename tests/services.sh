#!/usr/bin/env bash
# Starts the services that some tests need, on loopback, for whoever has none at hand:
#
#   eval "$(tests/services.sh)"   start (or find running) and set the TEST_… variables
#   tests/services.sh stop        stop what was started here
#
# Chromium, ffmpeg and an RTSP server: Debian's packages, installed where this may be done (root,
# apt-get).
# S3: MinIO, else Versity's S3 gateway; both check signatures. Whichever is on PATH is taken, else
# it is built once through the Go module proxy (some minutes). What cannot be had is named on
# stderr, and the tests that need it are ignored; the exit status is 0 either way.
set -u

MINIO_MODULE=github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
VERSITY_MODULE=github.com/versity/versitygw/cmd/versitygw@v1.8.0
BUILD_SECONDS=480
RTSP_SERVER="python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base
gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly"

RUN="${TMPDIR:-/tmp}/imago-services-$(id -u)"
BIN="${XDG_CACHE_HOME:-$HOME/.cache}/imago-services"
BUCKET=imago-test
ACCESS_KEY=imago-test-access
SECRET_KEY=imago-test-secret-key

main() {
  case "${1:-start}" in
    start)
      install_chromium || echo "tests/services.sh: no Chromium: needs Debian's package" >&2
      install_rtsp || echo "tests/services.sh: no RTSP camera: needs ffmpeg and $RTSP_SERVER" >&2
      start_s3 || echo "tests/services.sh: no S3 server: needs minio, versitygw or go" >&2
      ;;
    stop) stop_s3 ;;
    *) echo "usage: tests/services.sh [start|stop]" >&2 ;;
  esac
  return 0
}

install_chromium() {
  [ -x /usr/bin/chromium ] || install chromium
}

install_rtsp() {
  command -v ffmpeg >/dev/null && has_rtsp_server || install ffmpeg $RTSP_SERVER
}

has_rtsp_server() {
  /usr/bin/python3 -c 'import gi; gi.require_version("GstRtspServer", "1.0")' 2>/dev/null
}

install() {
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
  apt-get update -qq >&2 &&
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >&2
}

start_s3() {
  if ! running; then
    local server
    server=$(find_server) || return 1
    launch "$server" || return 1
  fi
  cat "$RUN/env"
}

running() {
  [ -s "$RUN/pid" ] && [ -s "$RUN/env" ] && kill -0 "$(cat "$RUN/pid")" 2>/dev/null
}

find_server() {
  command -v minio || command -v versitygw || built minio "$MINIO_MODULE" ||
    built versitygw "$VERSITY_MODULE"
}

# Prints the path of a server built earlier, or builds it.
built() {
  local name=$1 module=$2
  if [ ! -x "$BIN/$name" ]; then
    command -v go >/dev/null || return 1
    echo "tests/services.sh: building $name, once" >&2
    mkdir -p "$BIN"
    (cd "$BIN" && GOBIN="$BIN" timeout "$BUILD_SECONDS" nice go install "$module" >"$BIN/$name.log" 2>&1) ||
      return 1
  fi
  echo "$BIN/$name"
}

launch() {
  local server=$1 port
  port=$(free_port) || return 1
  rm -rf "$RUN" && mkdir -p "$RUN/data/$BUCKET" && chmod 700 "$RUN" || return 1
  case "$(basename "$server")" in
    minio)
      MINIO_ROOT_USER=$ACCESS_KEY MINIO_ROOT_PASSWORD=$SECRET_KEY MINIO_BROWSER=off \
        setsid "$server" server --quiet --address "127.0.0.1:$port" "$RUN/data" \
        >"$RUN/log" 2>&1 </dev/null &
      ;;
    *)
      ROOT_ACCESS_KEY=$ACCESS_KEY ROOT_SECRET_KEY=$SECRET_KEY \
        setsid "$server" --port "127.0.0.1:$port" posix "$RUN/data" >"$RUN/log" 2>&1 </dev/null &
      ;;
  esac
  echo $! >"$RUN/pid"
  wait_for "$port" || { stop_s3; return 1; }
  cat >"$RUN/env" <<END
export TEST_S3_ENDPOINT=http://127.0.0.1:$port
export TEST_S3_BUCKET=$BUCKET
export TEST_S3_ACCESS_KEY=$ACCESS_KEY
export TEST_S3_SECRET_KEY=$SECRET_KEY
END
}

free_port() {
  local port
  for port in $(seq 19000 19050); do
    listening "$port" || { echo "$port"; return 0; }
  done
  return 1
}

listening() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

wait_for() {
  local i
  for i in $(seq 100); do
    listening "$1" && return 0
    sleep 0.1
  done
  return 1
}

stop_s3() {
  [ -s "$RUN/pid" ] && kill "$(cat "$RUN/pid")" 2>/dev/null
  rm -rf "$RUN"
}

main "$@"
