# SPDX-License-Identifier: GPL-2.0
# In the guest, read by other scripts: workloads under which the scheduler is switched, and what has to hold under each.
#
# Each workload is a function that runs until it is killed, with all it has started: `start NAME`, `stop`. They stay in
# control groups, so that all of them can be found. `tasks` asks whether tasks of every class move on; `messages` says what
# the kernel had to say of level warn or above that neither a refusal nor a workload explains. `fail WHY` is the reader's.
# Files of other folders that they need: tasks, wake.ko.

cgroup=/sys/fs/cgroup
trace=/sys/kernel/tracing
cpus=$(grep -c ^processor /proc/cpuinfo)
all_workloads="forks storm switches races timers fifo deadlines memory processes threads latency sessions idle affinities
	hotplug groups cpusets kthreads tracers asleep"

# What reads this must not starve, and not be the one that is killed when memory is short.
renice -n -19 -p $$ >/dev/null
echo -1000 > /proc/self/oom_score_adj
echo "+cpu +cpuset" > $cgroup/cgroup.subtree_control
echo 0 > /proc/sys/vm/oom_dump_tasks
echo 4096 > /proc/sys/vm/min_free_kbytes

forks()		{ stress-ng --fork 8; }
storm()		{ stress-ng --fork 100; }
switches()	{ stress-ng --switch 4; }
races()		{ stress-ng --race-sched 4; }
timers()	{ stress-ng --timer 2; }
fifo()		{ stress-ng --cpu 2 --cpu-load 20 --sched fifo --sched-prio 1; }
deadlines()	{ stress-ng --cpu 4 --sched deadline --sched-runtime 1000000 --sched-deadline 10000000 --sched-period 20000000; }
processes()	{ while :; do hackbench -s 100 -g 2 -l 50; done; }
threads()	{ while :; do hackbench -T -s 100 -g 2 -l 50; done; }
latency()	{ cyclictest -q -t -p 5 -D 100000; }
idle()		{ sleep 1000000; }
# All of it is taken but 48 MB (huge pages are taken without being written to), and two processes take most of that, until
# they are killed or their time is over. `start` returns when it is so. The reader cannot be killed, so it must find enough.
memory() {
	echo $((($(free_memory) - 49152) / 2048)) > /proc/sys/vm/nr_hugepages
	if [ $(free_memory) -gt 53248 ]; then
		mkdir -p /tmp/full
		mount -t tmpfs -o size=100% none /tmp/full
		fallocate -l $(($(free_memory) - 49152))k /tmp/full/fill
	fi
	while :; do
		stress-ng --oomable --vm 2 --vm-bytes 36m --vm-populate --timeout 10
		usleep 200000
	done
}
free_memory() { sed -n 's/^MemFree: *\([0-9]*\) kB/\1/p' /proc/meminfo; }
sessions() {
	echo 1 > /proc/sys/kernel/sched_autogroup_enabled
	while :; do
		setsid sh -c 'echo 5 > /proc/self/autogroup; true'
	done
}
affinities() {
	sh -c 'while :; do :; done' &
	while :; do
		for mask in 1 2 3; do
			taskset -p $mask $!
			usleep 20000
		done
	done
}
hotplug() {
	while :; do
		for cpu in $(seq $((cpus - 1))); do
			echo 0 > /sys/devices/system/cpu/cpu$cpu/online
			usleep 300000
			echo 1 > /sys/devices/system/cpu/cpu$cpu/online
			usleep 300000
		done
	done
}
groups() {
	mkdir -p $cgroup/churn
	while :; do
		mkdir $cgroup/churn/a
		timeout 1 sh -c "echo 0 > $cgroup/churn/a/cgroup.procs; while :; do :; done" &
		echo "2000 20000" > $cgroup/churn/a/cpu.max
		usleep 300000
		echo 500 > $cgroup/churn/a/cpu.weight
		echo max > $cgroup/churn/a/cpu.max
		wait
		rmdir $cgroup/churn/a
	done
}
cpusets() {
	mkdir -p $cgroup/set
	sh -c "echo 0 > $cgroup/set/cgroup.procs; while :; do :; done" &
	while :; do
		echo 0 > $cgroup/set/cpuset.cpus
		usleep 200000
		echo 0-$((cpus - 1)) > $cgroup/set/cpuset.cpus
		usleep 200000
	done
}
# A thread of the kernel for each group whose pressure somebody waits for
kthreads() {
	mkdir -p $cgroup/pressure
	while :; do
		for group in $(seq 60); do
			mkdir $cgroup/pressure/$group
			(
				exec 3<> $cgroup/pressure/$group/cpu.pressure
				echo "some 500000 1000000" >&3
				exec sleep 2
			) &
		done
		wait
		rmdir $cgroup/pressure/*/
	done
}
# They come and go on functions that no scheduler has; on those that one has, loading would be refused.
tracers() {
	echo 'vfs_* do_sys_*' > $trace/set_ftrace_filter
	while :; do
		for tracer in function function_graph nop; do
			echo 1 > $trace/events/sched/enable
			echo $tracer > $trace/current_tracer
			usleep 300000
			echo 0 > $trace/events/sched/enable
			usleep 100000
		done
	done
}
# Suspend-to-idle again and again, until the clock wakes the machine; not if it has rung before (wakeup_count)
asleep() {
	while :; do
		count=$(cat /sys/power/wakeup_count)
		echo 0 > /sys/class/rtc/rtc0/wakealarm
		echo +5 > /sys/class/rtc/rtc0/wakealarm
		echo $count > /sys/power/wakeup_count && echo freeze > /sys/power/state
		usleep 500000
	done
}
irq=$(sed -n 's/^ *\([0-9]*\):.* rtc0$/\1/p' /proc/interrupts)
[ ! -e wake.ko ] || insmod ./wake.ko irq=$irq

start() {
	mkdir -p $cgroup/load
	running=$1
	(
		echo 0 > $cgroup/load/cgroup.procs
		echo 1000 > /proc/self/oom_score_adj
		renice -n 0 -p $(sh -c 'echo $PPID') >/dev/null
		set +e
		exec >/dev/null 2>&1
		$1
	) &
	for try in $(seq 600); do
		[ $1 = memory ] && [ $(free_memory) -gt 24576 ] || return 0
		usleep 100000
	done
	fail "memory has not become short"
}
stop() {
	while cat $cgroup/*/cgroup.procs $cgroup/*/*/cgroup.procs 2>/dev/null | grep -q .; do
		kill -9 $(cat $cgroup/*/cgroup.procs $cgroup/*/*/cgroup.procs 2>/dev/null) 2>/dev/null || :
		usleep 50000
	done
	for cpu in $(seq $((cpus - 1))); do
		echo 1 > /sys/devices/system/cpu/cpu$cpu/online
	done
	until rmdir $cgroup/*/*/ $cgroup/*/ 2>/dev/null; do
		ls -d $cgroup/*/ >/dev/null 2>&1 || break
		usleep 50000
	done
	echo 0 > /proc/sys/vm/nr_hugepages
	umount /tmp/full 2>/dev/null || :
	echo 0 > /sys/class/rtc/rtc0/wakealarm
	echo 0 > /proc/sys/kernel/sched_autogroup_enabled
	echo 0 > $trace/events/sched/enable
	echo nop > $trace/current_tracer
	echo > $trace/set_ftrace_filter
}

# What the kernel says on its own, of a workload or of a refusal: the stock kernel does, too (t/soak with STOCK=yes). 6.1
# says "task underflow" when tasks move between groups, both kernels "Stale IRR" when a CPU goes and a call of it is
# under way. A busy host takes time from the guest's clocks.
expected='taints kernel|module verification failed|sched: (RT throttling|DL replenish)|psi: task underflow|APIC: Stale IRR'
expected="$expected|elfkit: [a-z]+: (pid|  |loading given|going back given|replacing given)"
expected="$expected|hrtimer: interrupt took|elfkit-vm|clocksource|TSC found unstable|perf: interrupt took|hpet: Lost|hpet_rtc_timer_reinit|Scheduler tracepoints"
# the end of "Restarting tasks ...", if somebody has said something in between
expected="$expected|\\] done\\.\$"
messages() {
	# where memory is short, it takes many lines to say whom it is not enough for
	bad=$(dmesg -rc | grep '^<[0-4]>' | sed '/invoked oom-killer/,/Out of memory: Killed process/d
		/stress-ng.*page allocation failure/,/pages hwpoisoned/d' | grep -vE "$expected" | head -20 || :)
	[ -z "$bad" ] || fail "$bad"
}

begin_tasks() {
	mkfifo /tmp/ask /tmp/answer
	./tasks < /tmp/ask > /tmp/answer &
	exec 3> /tmp/ask 4< /tmp/answer
	read answer <&4
}
tasks() {
	echo >&3
	read answer <&4
	case $answer in
	"all "*) ;;
	*) fail "$answer" ;;
	esac
}
end_tasks() {
	exec 3>&-
	wait
}
