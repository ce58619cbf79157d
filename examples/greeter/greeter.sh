#!/bin/sh
# Greets COUNT times, then waits to be stopped. Shows what a container sees of itself: user, limits, root file system.
trap 'echo "fair winds"; exit 0' TERM

limit() { # of memory in MiB, by cgroup v2 or v1
  for file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
    [ -r "$file" ] && echo "$(($(cat "$file") / 1048576)) MiB" && return
  done
  echo "unknown"
}

echo "$GREETING from $(hostname), user $(id -u), memory $(limit)"
n=1
while [ "$n" -le "$COUNT" ]; do
  echo "$GREETING, number $n"
  n=$((n + 1))
done
echo "warnings go to standard error" >&2

while :; do sleep 1 & wait $!; done
