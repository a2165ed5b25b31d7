# SPDX-License-Identifier: GPL-2.0
# In the guest: loads, replaces and unloads two schedulers, a.ko and b.ko, while workloads come and go, in an
# order that a seed decides. The file `plan` has
#
#	seed=N rounds=N seconds=N workloads="NAME..." together=yes|no stock=yes|no
#
# rounds or seconds may be 0: no limit. With together=yes all the workloads run the whole time, otherwise each
# round has one of them. With stock=yes nothing is loaded: whether the kernel does this on its own. A line a
# round. It ends with an error at the first kernel message of level warn or above that has nothing to do with
# a refusal or a workload, when a task of any class does not move on any more, or when the kernel has more memory
# in use at the end than at the beginning.
set -e

. ./plan
cgroup=/sys/fs/cgroup
cpus=$(grep -c ^processor /proc/cpuinfo)
renice -n -19 -p $$ >/dev/null
echo -1000 > /proc/self/oom_score_adj
echo "+cpu +cpuset" > $cgroup/cgroup.subtree_control
now() { cut -d. -f1 /proc/uptime; }
begin=$(now)

fail() {
	echo "seed $first_seed, round $round, $at: $1"
	exit 1
}

# ---- chance, the same for the same seed ----

first_seed=$seed
random() {	# BELOW, the answer in $drawn
	seed=$(((seed * 1103515245 + 12345) & 0x7fffffff))
	drawn=$(((seed >> 8) % $1))
}
choose() {	# WORD..., the answer in $chosen
	random $#
	shift $drawn
	chosen=$1
}

# ---- workloads: each runs until it is killed, with its children ----

forks()		{ stress-ng --fork 8; }
storm()		{ stress-ng --fork 100; }
switches()	{ stress-ng --switch 4; }
timers()	{ stress-ng --timer 2; }
fifo()		{ stress-ng --cpu 2 --cpu-load 20 --sched fifo --sched-prio 1; }
memory()	{ stress-ng --vm 2 --vm-bytes 90%; }
processes()	{ while :; do hackbench -s 100 -g 2 -l 50; done; }
threads()	{ while :; do hackbench -T -s 100 -g 2 -l 50; done; }
latency()	{ cyclictest -q -t -p 5 -D 100000; }
sessions()	{ while :; do setsid sh -c 'echo 5 > /proc/self/autogroup; true'; done; }
idle()		{ sleep 1000000; }
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
if [ -z "$workloads" ]; then
	workloads="forks storm switches timers fifo memory processes threads latency sessions idle affinities hotplug groups cpusets"
fi

# What a workload starts stays in groups of its own, so that all of it can be found.
start() {
	mkdir -p $cgroup/load
	(
		echo 0 > $cgroup/load/cgroup.procs
		echo 1000 > /proc/self/oom_score_adj
		renice -n 0 -p $(sh -c 'echo $PPID') >/dev/null
		set +e
		exec >/dev/null 2>&1
		$1
	) &
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
}

# ---- what must hold ----

expected='taints kernel|module verification failed|sched: (RT throttling|DL replenish)|elfkit: [ab]: (pid|  |loading given|going back given|replacing given)'
# the stock kernel does these on its own: see with stock=yes; 6.1 when tasks move between groups, both when a
# CPU goes and a call of it is under way
expected="$expected|psi: task underflow|APIC: Stale IRR"
expected="$expected|oom|Out of memory|Mem-Info|hrtimer: interrupt took|elfkit-vm|clocksource|TSC found unstable|perf: interrupt took|invoked oom-killer"
messages() {
	case $running in
	*memory*) dmesg -c >/dev/null; return ;;	# the OOM killer talks a lot; t/soak reads the whole log
	esac
	bad=$(dmesg -rc | grep '^<[0-4]>' | grep -vE "$expected" | head -20 || :)
	[ -z "$bad" ] || fail "$bad"
}
mkfifo /tmp/ask /tmp/answer
./tasks < /tmp/ask > /tmp/answer &
exec 3> /tmp/ask 4< /tmp/answer
read answer <&4
tasks() {
	echo >&3
	read answer <&4
	case $answer in
	"all "*) ;;
	*) fail "$answer" ;;
	esac
}
used() { sed -n "s/^$1: *\([0-9]*\) kB/\1/p" /proc/meminfo; }
settle() {
	for try in 1 2 3; do
		echo 3 > /proc/sys/vm/drop_caches
		sleep 1
	done
}

# ---- the moves ----

loaded=none
try=1
refused=0
moves=0
value() { sed -n "s/^$1 //p" /sys/kernel/elfkit/$loaded/timing; }
leave() {	# MODULE, which another one has replaced or which was switched off
	for try in $(seq 100); do
		rmmod $1 2>/dev/null && return
		usleep 100000
	done
	fail "$1 cannot be removed"
}
attempt() {	# COMMAND: many tries, since somebody may be in the way in each
	for try in $(seq 30); do
		eval "$1" 2>/dev/null && return
		refused=$((refused + 1))
		usleep 200000
	done
	dmesg | tail -5
	fail "given up: $1"
}
move() {	# TO
	at="$running, $loaded to $1"
	moves=$((moves + 1))
	if [ $stock = yes ]; then
		stopped=never
		loaded=$1
		usleep 500000
		return
	fi
	case $1 in
	none)
		attempt "echo 0 > /sys/kernel/elfkit/$loaded/enabled"
		stopped="$(($(value unload_handler_ns) / 1000)) us"
		leave $loaded
		loaded=none
		[ ! -e /sys/kernel/elfkit ] || fail "/sys/kernel/elfkit is left behind"
		;;
	*)
		attempt "insmod ./$1.ko"
		[ $loaded = none ] || leave $loaded
		loaded=$1
		stopped="$(($(value load_handler_ns) / 1000)) us"
		;;
	esac
}
another() {	# chooses where to go from here
	case $loaded in
	none) choose a b ;;
	a) choose none $replacement_of_a ;;
	b) choose none $replacement_of_b ;;
	esac
}
# Whether one can take over from the other: not if b has, say, data of its own to update.
round=0
running=
move a
if [ $stock = no ] && insmod ./b.ko 2>/dev/null; then
	leave a
	loaded=b
	replacement_of_a=b replacement_of_b=a
fi
move none
dmesg -c >/dev/null
settle
slab=$(used SUnreclaim) vmalloc=$(used VmallocUsed)

[ $together = no ] || for workload in $workloads; do
	start $workload
	running=all
done
while [ $rounds = 0 ] || [ $round -lt $rounds ]; do
	[ $seconds = 0 ] || [ $(($(now) - begin)) -lt $seconds ] || break
	round=$((round + 1))
	if [ $together = no ]; then
		choose $workloads
		running=$chosen
		start $running
		usleep 500000
	fi
	from=$loaded
	another
	move $chosen
	tasks
	[ $together = yes ] || stop
	messages
	echo "round $round: $running: $from to $loaded, stopped $stopped, $((try - 1)) refused"
done
stop
[ $loaded = none ] || move none
tasks
messages
exec 3>&-
wait
settle
at="the end"
more_slab=$(($(used SUnreclaim) - slab)) more_vmalloc=$(($(used VmallocUsed) - vmalloc))
echo "seed $first_seed: $round rounds, $moves moves, $refused refusals; memory: slab $slab kB, $more_slab more; vmalloc $vmalloc kB, $more_vmalloc more"
[ $more_slab -lt 8192 ] && [ $more_vmalloc -lt 2048 ] || fail "memory is not given back"
