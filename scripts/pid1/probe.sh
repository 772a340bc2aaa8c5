#!/bin/sh
# The programs that the inits of docs/pid1.md run: probe.sh WHAT ARGUMENTS. Each prints what it sees, a line at a time. "up" is printed when a
# signal may be sent.

# The state of a process, a letter; nothing if there is none.
state() { sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null; }

name() { sed -n 's/^Name:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null; }

parent() { sed -n 's/^PPid:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null; }

# How many processes with this name are in one of these states.
count() {
  n=0
  for p in /proc/[0-9]*; do
    p=${p#/proc/}
    [ "$(name "$p")" = "$1" ] || continue
    case $(state "$p") in [$2]) n=$((n + 1)) ;; esac
  done
  echo "$n"
}

await_file() { while ! [ -e "$1" ]; do sleep 0.01; done; }

# Waits until a process that makes /tmp/told at SIGTERM, and ends, has done so if it has got that signal by now: its shell takes signals in the
# order of their numbers, so that it would do that before it makes /tmp/asked.
ask() {
  kill -WINCH "$1" 2>/dev/null
  until [ -e /tmp/told ] || [ -e /tmp/asked ]; do
    case $(state "$1") in [ZX] | "") break ;; esac
    sleep 0.02
  done
}

# Whether PID 1 sleeps, and no SIGCHLD waits for it: it has reaped what it wants to reap.
is_idle() {
  [ "$(state 1)" = S ] || return 1
  pending=$(sed -n 's/^S[hi][dg]Pnd:[[:space:]]*//p' /proc/1/status)
  for mask in $pending; do [ $((0x$mask >> 16 & 1)) = 0 ] || return 1; done
}

case $1 in
  exit) exit "$2" ;;
  signal) kill "-$2" $$ ;;

  # Has a handler: does a signal to PID 1 arrive?
  handler)
    trap 'echo handled; exit 5' TERM
    sleep 10 &
    echo up
    wait
    ;;

  # A signal came to PID 1 while it started this, which starts nothing itself: does it arrive?
  early) exec sleep 1 ;;

  # Has none: does SIGTERM end it, or does it end by itself after so many seconds, with 0?
  plain)
    echo up
    exec sleep "$2"
    ;;

  # Twenty orphans end; what is left of them? The program itself never waits.
  orphans)
    mkfifo /tmp/end
    ln -s /usr/bin/bash /tmp/orphan
    (
      until [ "$(name $$)" = sleep ] && [ "$(count orphan S)" = 20 ]; do sleep 0.01; done
      # opened for both, which does not wait; again for those that were not at it yet
      while [ "$(count orphan RSD)" -gt 0 ]; do
        : 8<>/tmp/end
        sleep 0.01
      done
      # a reaper has had its signals by now, and needs some time to run
      looks=0
      while [ "$(count orphan Z)" -gt 0 ] && [ "$looks" -lt 10 ]; do
        if is_idle; then looks=$((looks + 1)); else looks=0; fi
        sleep 0.02
      done
      echo "zombies $(count orphan Z)"
    ) &
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do (/tmp/orphan -c 'read -r _ </tmp/end' &); done
    exec sleep 1000
    ;;

  # The program ends while another process goes on, in a session of its own or in the program's group: is that asked to end?
  remaining)
    [ "$2" = session ] && new=setsid
    # shellcheck disable=SC2086 # nothing if it is empty
    $new sh -c 'trap "echo told; : >/tmp/told; exit" TERM; trap ": >/tmp/asked" WINCH; echo $$ >/tmp/up; while :; do sleep 0.02; done' &
    until [ -s /tmp/up ]; do sleep 0.01; done
    exit 0
    ;;

  # Waits until the process of "remaining" has told whether it was told.
  look) ask "$(cat /tmp/up)" ;;

  # A signal to PID 1: does only the program get it, or its process group?
  group)
    sh -c 'trap ": >/tmp/told; exit" TERM; trap ": >/tmp/asked" WINCH; : >/tmp/up; while :; do sleep 0.02; done' &
    await_file /tmp/up
    trap 'got=yes' TERM
    echo up
    tries=0
    while [ -z "$got" ]; do
      tries=$((tries + 1))
      [ "$tries" -lt 500 ] || exit
      sleep 0.02
    done
    ask $!
    if [ -e /tmp/told ]; then echo group; else echo program; fi
    ;;

  # Is a program that is stopped taken for one that has ended?
  stopped)
    main=$$
    (
      until [ "$(state $main)" = T ]; do sleep 0.01; done
      kill -CONT $main
    ) &
    kill -STOP $$
    echo resumed
    exit 7
    ;;

  # With a terminal: is the program in its foreground, so that it can read what is typed and gets Ctrl-C?
  terminal)
    read -r line </proc/$$/stat
    # shellcheck disable=SC2086 # the fields of proc_pid_stat(5)
    set -- ${line#*) }
    if [ "$3" = "$6" ]; then echo foreground; else echo background; fi
    ;;

  # Who adopts an orphan, if the init is not PID 1?
  adopter)
    (sleep 1000 & echo $! >/tmp/orphan)
    orphan=$(cat /tmp/orphan)
    sed -n 's/^Name:[[:space:]]*/adopter /p' "/proc/$(parent "$orphan")/status"
    kill "$orphan"
    ;;
esac
