# shellcheck shell=bash disable=SC2034,SC2154 # a part of ops/bootstrap.sh, which holds the shared names

engine_answers() {
  docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

start_engine() {
  ! engine_answers || return 0
  open_log
  if [[ -n ${DOCKER_HOST:-} ]]; then
    docker version >>"$log" 2>&1 || fail "the engine at $DOCKER_HOST does not answer" 'docker version' 'unset DOCKER_HOST to use an engine on this machine'
  fi
  if [[ $EUID != 0 ]]; then
    say 'error: the container engine does not answer this user; nothing was started'
    docker version 2>&1 | tail -n 1 >&2 || true
    say "run the same command as root, or add $(id -un) to the group docker and log in again"
    exit 2
  fi
  if [[ -d /run/systemd/system ]]; then
    step 'engine: starting it, now and at boot (systemd)' systemctl enable --now docker
  else
    say 'engine: starting dockerd in the background (no systemd here); log: /var/log/dockerd.log'
    forget_dead_dockerd
    run_dockerd
  fi
  wait_for_engine 60
}

# A killed container or machine leaves the pid file behind, and dockerd refuses to start when that number
# belongs to any process.
forget_dead_dockerd() {
  local pid_file=/var/run/docker.pid pid
  [[ -f $pid_file ]] || return 0
  pid=$(<"$pid_file")
  [[ $pid =~ ^[0-9]+$ && $(cat "/proc/$pid/comm" 2>/dev/null) == dockerd ]] || rm -f "$pid_file"
}

# In a session of its own, holding none of our files: a caller that reads our output to its end, such as
# $(...) or a CI step, must not wait for the engine to stop.
run_dockerd() {
  [[ ! -f /var/run/docker.pid ]] || return 0 # alive, and slow to answer
  # shellcheck disable=SC2016 # the inner shell's dollars
  setsid bash -c '
    cd /
    for fd in /proc/$$/fd/*; do
      fd=${fd##*/}
      ((fd <= 2)) || exec {fd}>&-
    done
    exec dockerd' </dev/null >>/var/log/dockerd.log 2>&1 &
  dockerd_pid=$!
}

# usage: wait_for_engine SECONDS - stops early when the dockerd we started is gone.
wait_for_engine() {
  local deadline=$((SECONDS + $1))
  until engine_answers; do
    if ((SECONDS >= deadline)) || ! kill -0 "${dockerd_pid:-$$}" 2>/dev/null; then
      engine_log >>"$log" 2>&1 || true
      fail 'the container engine does not start' 'dockerd' \
        'mend what its log says; in a container of your own, the engine needs privileges to run'
    fi
    sleep 0.2
  done
  say 'engine: running'
}

engine_log() {
  if [[ -d /run/systemd/system ]]; then journalctl -u docker -n 15 --no-pager; else tail -n 15 /var/log/dockerd.log; fi
}
