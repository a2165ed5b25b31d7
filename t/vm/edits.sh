# SPDX-License-Identifier: GPL-2.0
# In the guest: what sample edits change, before, with them and after going back.
set -e
mount -t debugfs none /sys/kernel/debug 2>/dev/null || true
mkdir -p /tmp/cg /tmp/cpu
mount -t cgroup -o cpuacct none /tmp/cg 2>/dev/null || mount -t cgroup -o cpu,cpuacct none /tmp/cg
mount -t cgroup -o cpu none /tmp/cpu 2>/dev/null || mount -t cgroup -o cpu,cpuacct none /tmp/cpu

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
	session=$(setsid cat /proc/self/autogroup 2>/dev/null)
	echo "$1: autogroup: ${session#*[0-9] }"
	# a static variable counts them: old and new code must mean the same one
	number=${session#*-}
	number=${number%% *}
	if [ $number -gt ${numbered:-0} ]; then
		echo "$1: sessions: counted on"
	else
		echo "$1: sessions: counted $number after $numbered"
	fi
	numbered=$number
	mkdir /tmp/cpu/least
	if echo 4000 > /tmp/cpu/least/cpu.cfs_quota_us 2>/dev/null; then
		echo "$1: quota of 4 ms: enough"
	else
		echo "$1: quota of 4 ms: not enough"
	fi
	echo -1 > /tmp/cpu/least/cpu.cfs_quota_us	# or its key stays set
	rmdir /tmp/cpu/least
	echo 1 > /sys/kernel/debug/sched/verbose
	dmesg -c > /dev/null
	echo 0 > /sys/devices/system/cpu/cpu1/online
	echo 1 > /sys/devices/system/cpu/cpu1/online
	echo "$1: topology: $(dmesg | grep -o 'attaching.*sched-domain(s)' | sort -u)"
	echo 0 > /sys/kernel/debug/sched/verbose
	echo "$1: slice: $(($(cat $slice) / base)) times"
	echo "$1: least run time: $(cat /sys/kernel/debug/sched/deadline/min_runtime_ns 2>/dev/null || echo none)"
	if grep -q '^enqueued' /proc/self/sched; then
		echo "$1: own counter: yes"
	else
		echo "$1: own counter: no"
	fi
	echo "$1: round robin setting: $(cat /proc/sys/kernel/sched_rr_timeslice_ms)"
	echo "$1: real-time period: $(cat /proc/sys/kernel/sched_rt_period_us)"
	exec 3<> /proc/pressure/cpu
	echo 'some 500000 1000000' >&3
	echo "$1: kernel thread: nice $(cat /proc/[0-9]*/stat 2>/dev/null | awk '$2 == "(psimon)" { print $19 }')"
	exec 3<&-
}

verbose=/sys/kernel/debug/sched/verbose
file=/sys/kernel/debug/sched/deadline/min_runtime_ns

# which hooks have run; insmod tries twice
ran() { dmesg | sed -n 's/.*scheduler: hooks: //p' | sort -u; }

# refused WHAT PARAMETER: hooks.ko does not load; why, and what its hooks said
refused() {
	dmesg -c > /dev/null
	echo "hooks: $1: $(insmod ./hooks.ko $2 2>&1 | sed 's/.*: //')"
	echo "hooks: $1 ran: $(ran)"
	echo "hooks: $1 gone: $(dmesg | sed -n 's/.*scheduler: \(.*\) is gone/\1/p' | sort -u)"
}

# pool NAME FIELD: of its line "NAME N of M used, F not to be had"
pool() { awk "\$1 == \"$1\" { print \$$2 }" /sys/kernel/elfkit/hooks/pools; }

more_tasks() {
	mkfifo /tmp/stay
	./sleepers 600 0 < /tmp/stay > /tmp/ready &
	exec 3> /tmp/stay
	until grep -q ready /tmp/ready; do sleep 0.1; done
	echo "hooks: more tasks: $(pool enqueued 2)"
	exec 3>&-
	wait
	sleep 2		# until the tasks are freed
}

without_hooks() {
	echo 1 > $verbose
	refused "prepare refuses"
	echo 0 > $verbose
	refused "no memory for a pool" fault=pool
	refused "runqueue wrong" fault=runqueue
}

# What only hooks.ko has, while it is loaded
with_hooks() {
	echo 1024 > $file
	echo "hooks: least run time: $(cat $file)"
	./asks | sed -n 's/^short/hooks: short/p'

	own=$(awk '$1 == "enqueued" { print $3 }' /proc/$$/sched)
	for i in 1 2 3 4 5; do sleep 0.01; done
	[ $(awk '$1 == "enqueued" { print $3 }' /proc/$$/sched) -ge $((own + 5)) ] && echo "hooks: counter: grows"
	echo "hooks: full pool: $(pool first_two 2) of $(pool first_two 4)"
	echo "hooks: without one: $(pool first_two 6)"
	echo "hooks: tasks in it: $(cat /proc/[0-9]*/sched | grep -c '^first_two')"
	echo "hooks: runqueues: $(pool enqueued_rq 2) of $(pool enqueued_rq 4)"
	groups=$(pool enqueued_group 2)
	for i in $(seq 20); do
		mkdir /tmp/cpu/one
		sh -c 'echo $$ > /tmp/cpu/one/cgroup.procs; sleep 0.01; cat /proc/$$/sched > /tmp/sched'
		rmdir /tmp/cpu/one
	done
	count=$(awk '$1 == "enqueued_group" { print $3 }' /tmp/sched)
	if [ "$count" -ge 1 ] && [ "$count" -lt 20 ]; then echo "hooks: group: counts its own"; else echo "hooks: group: $count"; fi
	echo "hooks: order: $(awk '{ print $1 }' /sys/kernel/elfkit/hooks/pools | xargs)"
	echo "hooks: capacity: $(pool enqueued 4)"
	echo "hooks: at first: $(pool enqueued 2)"
	more_tasks
	echo "hooks: groups more: $(($(pool enqueued_group 2) - groups))"
	echo "hooks: missed: $(pool enqueued 6)"
	echo "hooks: in the end: $(pool enqueued 2)"

	echo 1 > $verbose
	echo 0 2>/dev/null > /sys/kernel/elfkit/hooks/enabled || :
	echo "hooks: leave refuses: still $(cat /sys/kernel/elfkit/hooks/enabled)"
	echo 0 > $verbose
	dmesg -c > /dev/null
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
	[ $name != hooks ] || without_hooks
	insmod ./$module
	ask "with $name"
	[ $name != hooks ] || with_hooks
	back $name
	[ $name != hooks ] || echo "hooks: ran: $(ran)"
done

# the same without the kernel's own in between: functions that only one of them has change hands with it
before=
for name in files header sidecar files; do
	for try in 1 2 3 4 5 6 7 8 9 10; do
		insmod ./$name.ko && break
		sleep 1
	done
	ask "then $name"
	[ -z "$before" ] || rmmod $before
	before=$name
done
insmod ./hooks.ko 2>/dev/null || :
echo "hooks: where another is: $(dmesg | sed -n 's/.*elfkit: hooks: //p' | tail -1)"
back $before
insmod ./hooks.ko
insmod ./files.ko 2>/dev/null || echo "hooks: another where it is: $(dmesg | sed -n 's/.*elfkit: files: //p' | tail -1) ($(cat /sys/kernel/elfkit/hooks/enabled))"
back hooks
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
insmod ./data.ko 2>/dev/null || echo "setting: $(dmesg | grep -o 'refused: .* instead of [0-9a-f ]*' | sort -u)"
echo 100 > $setting
# A class that is not what vmlinux has; the module is told another vmlinux.
dmesg -c > /dev/null
insmod ./data.damaged 2>/dev/null || echo "class: $(dmesg | grep -o 'refused: .*+' | sort -u)"
# An object that is written back if the runqueues do not add up
insmod ./data.ko fault=runqueue 2>/dev/null || echo "fault: refused, setting $(cat $setting)"

./textdump -c /tmp/after
cmp /tmp/before /tmp/after
echo "text identical"

# A module with a function whose address the kernel may hold stays, and nothing takes over from it.
mv pinned.stays pinned.ko
insmod ./pinned.ko
insmod ./files.ko 2>/dev/null || echo "pinned: $(dmesg | sed -n 's/.*elfkit: files: //p' | tail -1)"
echo 0 2>/dev/null > /sys/kernel/elfkit/pinned/enabled || echo "pinned: $(dmesg | sed -n 's/.*elfkit: pinned: //p' | tail -1)"
rmmod pinned 2>/dev/null || echo "pinned: in use, $(cat /sys/kernel/elfkit/pinned/enabled)"
./asks | sed -n 's/^short/pinned: short/p'
