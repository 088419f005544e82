#!/bin/sh
# What the fault harness runs as a job. It writes down by itself what happened to it, a line for each thing that does, and
# holds a lock for each of its devices: two holders of one device can't both have it, whatever the ledger says.
#
# FAULTS_RECORDS: a folder. FAULTS_DOES: a behaviour. FAULTS_SECONDS: how long. FAULTS_EXITS: the exit code of each attempt,
# the last one that of all further ones.

# Times are seconds since boot: nobody sets that clock.
say() {
  read -r now idle </proc/uptime
  echo "$1 $BERTH_ATTEMPT $BERTH_RANK $$ ${2:--} $now" >>"$FAULTS_RECORDS/$BERTH_JOB_ID"
}

hold() {
  eval "exec $1>>\"$FAULTS_RECORDS/device-$2.lock\""
  flock -n "$3" "$1" || say overlap "$2"
}

say start "$CUDA_VISIBLE_DEVICES"
# Before anything is held: a task that was killed here was started nevertheless.
devices=$(echo "$CUDA_VISIBLE_DEVICES" | tr , ' ')
[ -z "$WORLD_SIZE" ] || devices=$(echo "$devices" | cut -d ' ' -f $((LOCAL_RANK + 1)))
fd=7
for device in $devices; do
  hold "$fd" "$device" "${FAULTS_SHARES:--x}"
  fd=$((fd + 1))
done

code=
for each in $FAULTS_EXITS; do
  code=$each
  [ "${attempt:=1}" = "$BERTH_ATTEMPT" ] && break
  attempt=$((attempt + 1))
done

forks() {
  [ "$1" = 0 ] || { forks $(($1 - 1)) & forks $(($1 - 1)) & }
  sleep "$FAULTS_SECONDS"
}

case $FAULTS_DOES in
plain) ;;
stubborn) trap '' TERM ;;
saves) trap 'say end 75; exit 75' USR1 ;;
# Detached twice over, and it keeps the device's lock.
stray) setsid sh -c 'trap "" TERM; sleep 300 & sleep 300' >/dev/null 2>&1 & ;;
group) setsid sleep "$FAULTS_SECONDS" & ;;
silent) exec >&- 2>&- ;;
binary) head -c 5000 /dev/urandom && printf 'half a letter: \342\202' ;;
flood) head -c 20000000 /dev/zero | tr '\0' 'x' ;;
forks) forks 5 & ;;
esac
sleep "$FAULTS_SECONDS"
say end "$code"
exit "$code"
