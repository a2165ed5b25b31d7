# SPDX-License-Identifier: GPL-2.0
# In the guest: static keys of the scheduler in states other than those of the build: flipped
# before the load, while loaded, and after going back. New and old code must follow each time.
set -e

debug=/sys/kernel/debug/sched
trace=/sys/kernel/tracing
group=/sys/fs/cgroup/limited

fail() {
	echo "$1: $2"
	dmesg | tail -20
	exit 1
}

spin() { while :; do :; done; }

# A process that is throttled when there is a limit, and one beside it on the same CPU.
mkdir -p $group
echo +cpu > /sys/fs/cgroup/cgroup.subtree_control
spin & limited=$!
spin & beside=$!
taskset -p 1 $limited >/dev/null
taskset -p 1 $beside >/dev/null
echo $limited > $group/cgroup.procs

value() { sed -n "s/^$2[^0-9]*\([0-9]*\).*/\1/p" $1 | head -1; }

flip() {	# on|off
	case $1 in
	on)
		echo 1 > /proc/sys/kernel/sched_schedstats
		echo "10000 100000" > $group/cpu.max
		echo NO_START_DEBIT > $debug/features 2>/dev/null || echo NO_PLACE_LAG > $debug/features
		echo HRTICK > $debug/features
		echo 1 > $trace/events/sched/enable
		;;
	off)
		echo 0 > /proc/sys/kernel/sched_schedstats
		echo "max 100000" > $group/cpu.max
		echo START_DEBIT > $debug/features 2>/dev/null || echo PLACE_LAG > $debug/features
		echo NO_HRTICK > $debug/features
		echo 0 > $trace/events/sched/enable
		;;
	esac
}

# Each key is seen by what it does: statistics count, the group is throttled, events arrive.
check() {	# WHEN on|off
	local stats throttled

	sleep 0.15	# a limit that was lifted may still end a period
	echo > $trace/trace
	stats=$(value /proc/$beside/sched wait_count)
	throttled=$(value $group/cpu.stat nr_throttled)
	sleep 0.25	# two periods
	stats=$(($(value /proc/$beside/sched wait_count) - stats))
	throttled=$(($(value $group/cpu.stat nr_throttled) - throttled))
	events=$(grep -c sched_switch: $trace/trace) || :
	if [ $2 = on ]; then
		[ $stats -gt 0 ] || fail "$1" "no statistics though they are on"
		[ $throttled -gt 0 ] || fail "$1" "not throttled though there is a limit"
		[ $events -gt 0 ] || fail "$1" "no sched_switch events though they are on"
	else
		[ $stats = 0 ] || fail "$1" "statistics though they are off"
		[ $throttled = 0 ] || fail "$1" "throttled though there is no limit"
		[ $events = 0 ] || fail "$1" "sched_switch events though they are off"
	fi
	echo "$1, keys $2: ok"
}

round() {	# keys before, while loaded, after
	flip $1
	check "stock" $1
	insmod ./sched.ko
	check "loaded" $1
	flip $2
	check "loaded" $2
	flip $1
	check "loaded" $1
	flip $2
	echo 0 > /sys/kernel/elfkit/sched/enabled
	check "back" $2
	flip $1
	check "back" $1
	echo 1 > /sys/kernel/elfkit/sched/enabled
	check "loaded again" $1
	echo 0 > /sys/kernel/elfkit/sched/enabled
	rmmod sched
	flip $2
	check "removed" $2
}

round on off
round off on
flip off
kill $limited $beside
echo "keys flipped on $(nproc) CPUs"
