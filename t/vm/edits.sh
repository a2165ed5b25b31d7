# SPDX-License-Identifier: GPL-2.0
# In the guest: what sample edits change, before, with them and after going back.
set -e
mount -t debugfs none /sys/kernel/debug 2>/dev/null || true
mkdir -p /tmp/cg
mount -t cgroup -o cpuacct none /tmp/cg 2>/dev/null || mount -t cgroup -o cpu,cpuacct none /tmp/cg

# the slice is computed anew when a processor comes
slice=$(ls /sys/kernel/debug/sched/base_slice_ns /sys/kernel/debug/sched/latency_ns 2>/dev/null || :)
echo 2 > /sys/kernel/debug/sched/tunable_scaling
base=$(cat $slice)

# ask WHEN: one line an edit
ask() {
	./asks | sed "s/^/$1: /"
	if echo 1 > /tmp/cg/cpuacct.usage 2>/dev/null; then
		echo "$1: cpuacct takes a 1: yes"
	else
		echo "$1: cpuacct takes a 1: no"
	fi
	echo "$1: autogroup: $(setsid cat /proc/self/autogroup 2>/dev/null | sed 's/.*nice/nice/')"
	# The deadline task above has left, and a timer gives back its bandwidth. If that fires while a processor comes,
	# stock 6.1 may divide by 0 (inactive_task_timer).
	sleep 1
	echo 1 > /sys/kernel/debug/sched/verbose
	dmesg -c > /dev/null
	# the bandwidth of the deadline task above may still be accounted for a moment
	until echo 0 > /sys/devices/system/cpu/cpu1/online; do sleep 0.2; done 2>/dev/null
	echo 1 > /sys/devices/system/cpu/cpu1/online
	echo "$1: topology: $(dmesg | grep -o 'attaching.*sched-domain(s)' | sort -u)"
	echo 0 > /sys/kernel/debug/sched/verbose
	echo "$1: slice: $(($(cat $slice) / base)) times"
	echo "$1: round robin setting: $(cat /proc/sys/kernel/sched_rr_timeslice_ms)"
	echo "$1: real-time period: $(cat /proc/sys/kernel/sched_rt_period_us)"
	exec 3<> /proc/pressure/cpu
	echo 'some 500000 1000000' >&3
	echo "$1: kernel thread: nice $(cat /proc/[0-9]*/stat 2>/dev/null | awk '$2 == "(psimon)" { print $19 }')"
	exec 3<&-
}

# back NAME: out with a module
back() {
	for try in 1 2 3 4 5 6 7 8 9 10; do
		echo 0 > /sys/kernel/elfkit/$1/enabled && break
		sleep 1
	done
	rmmod $1
}

./textdump -c /tmp/before
ask before
for module in *.ko; do
	name=${module%.ko}
	insmod ./$module
	ask "with $name"
	back $name
done
ask after

# An updated setting that is set while the module is in stays as set, and then the module is not for this kernel.
setting=/proc/sys/kernel/sched_rr_timeslice_ms
dmesg -c > /dev/null
insmod ./data.ko
dmesg | sed -n 's/.*elfkit: data: \(.*\) has new contents: \(.*\) of .* words/data: \1 \2/p' | sort
echo 152 > $setting
back data
echo "setting: after going back $(cat $setting)"
dmesg -c > /dev/null
insmod ./data.ko || echo "setting: $(dmesg | grep -o 'refused: .* instead of [0-9a-f ]*' | sort -u)"
echo 100 > $setting
# A class that is not what vmlinux has; the module is told another vmlinux.
dmesg -c > /dev/null
insmod ./data.damaged || echo "class: $(dmesg | grep -o 'refused: .*+' | sort -u)"
# An object that is written back if the runqueues do not add up
insmod ./data.ko fault=runqueue || echo "fault: refused, setting $(cat $setting)"

./textdump -c /tmp/after
cmp /tmp/before /tmp/after
echo "text identical"
