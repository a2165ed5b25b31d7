# SPDX-License-Identifier: GPL-2.0
# In the guest: sched.ko is loaded, replaced by hello.ko and unloaded under one workload after the other (the file
# `plan`: workloads="NAME..."); each must go on afterwards. A line a workload. First how long cyclictest has to wait
# for its turn, before, while and after one is loaded. In the end the machine restarts with a module in.
set -e

fail() {
	echo "$running: $at: $1"
	dmesg | tail -20
	exit 1
}
stock=no running=none at=begin
. ./plan
. ./workloads.sh
. ./moves.sh
dmesg -c > /dev/null

# histogram WHEN: every wake-up must have its place in it; half of them came sooner than the figure
histogram() {
	at="histogram $1"
	cyclictest -q -t 2 -p 5 -i 2000 -l 200 -h 10000 > /tmp/histogram
	sed -n 's/^# Histogram Overflows: /10000 /p; /^[0-9]/p' /tmp/histogram | awk -v when="$1" '
		{ n += $2 + $3; if (!half && n >= 200) half = $1 + 1 }
		END { print "latency, " when ": " n " wake-ups, half of them within " half " us" }'
}

# Whether what was started still gets time to run
used() { sed -n 's/^usage_usec //p' $cgroup/cpu.stat; }
alive() {
	cat $cgroup/*/cgroup.procs $cgroup/*/*/cgroup.procs 2>/dev/null | grep -q . || fail "nothing runs any more"
	[ $running != idle ] || return 0
	before=$(used)
	for try in $(seq 200); do
		[ $(used) -le $((before + 1000)) ] || return 0
		usleep 50000
	done
	fail "it stands still"
}

histogram before
move sched
histogram loaded
move none
histogram after

for workload in $workloads; do
	start $workload
	usleep 300000
	for to in sched hello none; do
		move $to
		alive
	done
	stop
	messages
	echo "$workload: loaded, replaced, unloaded"
done
start forks
move sched
alive
echo "restarts"
stty -F /dev/ttyS1 raw -echo
reboot -f
