# SPDX-License-Identifier: GPL-2.0
# In the guest, a debug kernel: two schedulers, a.ko and b.ko, come and go in every way there is, under load, and what
# they have made is used when they are gone. With the file `stock` beside it nothing is loaded. It says a line a step,
# and ends with an error at the first thing that lockdep, KASAN, debug objects or their like have to say.
set -e

cgroup=/sys/fs/cgroup
own=/sys/kernel/elfkit
step=start
fail() {
	echo "$step: $1"
	dmesg | tail -60
	exit 1
}
reports='WARNING:|BUG:|ODEBUG:|INFO: task|possible (circular|recursive|irq|deadlock|reason)|inconsistent|suspicious|KASAN|general protection|Oops|stall|lockup|Call Trace'
# lockdep that has switched itself off sees nothing any more
done_with() {
	! dmesg | grep -E "$reports" || fail "the kernel complains"
	grep -q '^ debug_locks: *1$' /proc/lockdep_stats || fail "lockdep is off"
	echo "$(cut -d' ' -f1 /proc/uptime): $step"
}
try() {	# COMMAND: somebody may be in the way
	[ ! -e stock ] || return 0
	for attempt in $(seq 30); do
		eval "$1" 2>/dev/null && return
		usleep 200000
	done
	fail "given up: $1"
}
load() { try "insmod ./$1.ko $2"; }
back() {	# MODULE
	try "echo 0 > $own/$1/enabled"
	try "rmmod $1"
}
refused() {	# COMMAND
	[ -e stock ] || ! eval "$1" 2>/dev/null || fail "not refused: $1"
}

# Locks with names and keys: those of a group, of its bandwidth, of pressure, and of an autogroup.
make_locks() {	# NAME
	mkdir $cgroup/$1
	echo "5000 20000" > $cgroup/$1/cpu.max
	echo "some 150000 1000000" > $cgroup/$1/cpu.pressure &
	wait $!
	setsid sh -c "echo 0 > $cgroup/$1/cgroup.procs; echo 3 > /proc/self/autogroup; while :; do usleep 1000; done" &
	eval "worker_$1=$!"
}
use_locks() {	# NAME
	usleep 100000
	echo max > $cgroup/$1/cpu.max
	cat $cgroup/$1/cpu.pressure $cgroup/$1/cpu.stat >/dev/null
}
drop_locks() {	# NAME
	kill -9 $(cat $cgroup/$1/cgroup.procs) || :
	until rmdir $cgroup/$1 2>/dev/null; do usleep 50000; done
}

echo "+cpu +cpuset" > $cgroup/cgroup.subtree_control
done_with

step="loaded, read and unloaded"
load a
[ -e stock ] || cat $own/a/* >/dev/null 2>&1 || :
back a
done_with

step="locks from before, of the module and from after it"
make_locks before
load a
make_locks while
use_locks before
use_locks while
back a
use_locks while
make_locks after
use_locks after
load b
use_locks while
for group in before while after; do drop_locks $group; done
back b
done_with

step="load that goes wrong is undone"
refused "insmod ./a.ko fault=runqueue retries=1"
refused "insmod ./a.ko fault=stack retries=1 delay_ms=1"
load a walk=1
refused "insmod ./b.ko fault=runqueue retries=1"
back a
done_with

step="probation"
load a probation=1
if [ ! -e stock ]; then
	until [ $(cat $own/a/enabled) = 0 ]; do usleep 100000; done
	try "rmmod a"
fi
load a probation=3
try "echo 1 > $own/a/confirm"
sleep 4
[ -e stock ] || [ $(cat $own/a/enabled) = 1 ] || fail "went back though it was confirmed"
done_with

step="replaced, a to b to a"
load b
try "echo 1 > $own/a/enabled"
try "echo 1 > $own/b/enabled"
try "rmmod a"
load a
try "rmmod b"
back a
done_with

step="forks, hackbench, deadline, hotplug and groups meanwhile"
(
	set +e
	stress-ng --fork 4 --timeout 60 &
	stress-ng --switch 1 --timeout 60 &
	stress-ng --cpu 1 --cpu-load 20 --sched fifo --sched-prio 1 --timeout 60 &
	for round in $(seq 20); do hackbench -s 100 -g 1 -l 20; done &
	for round in $(seq 20); do hackbench -T -p -s 100 -g 1 -l 20; done &
	for round in $(seq 20); do
		echo 0 > /sys/devices/system/cpu/cpu1/online
		usleep 200000
		echo 1 > /sys/devices/system/cpu/cpu1/online
		usleep 200000
	done &
	for round in $(seq 20); do
		mkdir $cgroup/churn
		timeout 1 sh -c "echo 0 > $cgroup/churn/cgroup.procs; while :; do :; done" &
		echo "2000 20000" > $cgroup/churn/cpu.max
		usleep 200000
		wait $!
		rmdir $cgroup/churn
	done &
	wait
) >/dev/null 2>&1 &
load=$!
for round in $(seq 4); do
	load a
	usleep 300000
	load b
	try "rmmod a"
	usleep 300000
	back b
	usleep 300000
	echo "$(cut -d' ' -f1 /proc/uptime): round $round"
done
kill -9 $load 2>/dev/null || :
killall -9 stress-ng hackbench 2>/dev/null || :
done_with

step="tracers while it is in"
trace=/sys/kernel/tracing
kprobes=$trace/kprobe_events
load a
[ ! -e $kprobes ] || echo 'p:elfkit_probe wake_up_new_task' > $kprobes
echo function > $trace/current_tracer
sleep 1
echo nop > $trace/current_tracer
[ ! -e $kprobes ] || echo > $kprobes
back a
done_with

# what was asked to be checked later: freed memory that somebody writes to, work that was left
step="afterwards"
sleep 5
done_with
