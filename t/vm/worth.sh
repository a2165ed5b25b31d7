# SPDX-License-Identifier: GPL-2.0
# In the guest: what a hundred fair tasks and their groups are worth, and whose turn it is, on a CPU on which none of
# them runs while the scheduler is loaded, replaced by another and unloaded. CPU 1 is out of the scheduling domains
# (isolcpus=1): a thread of the kernel that waited there would wait for good. It comes up here (maxcpus=1).
set -e

./worth 1 up
cgroup=/sys/fs/cgroup
debug=/sys/kernel/debug/sched
echo 1 > /proc/sys/kernel/sched_autogroup_enabled
# One task may have all of a CPU, for minutes.
echo 400000000 > /proc/sys/kernel/sched_deadline_period_max_us
echo -1 > /proc/sys/kernel/sched_rt_runtime_us
for server in $debug/fair_server/cpu1/runtime; do
	[ ! -e $server ] || [ "$(cat $server)" = 0 ] || echo 0 > $server
done
echo +cpu > $cgroup/cgroup.subtree_control
for parent in worth worth/deep worth/deep/one; do
	mkdir $cgroup/$parent
	echo +cpu > $cgroup/$parent/cgroup.subtree_control
done
for group in even light deep/one/two deep/three idle dying; do
	mkdir $cgroup/worth/$group
done
echo 1000 > $cgroup/worth/dying/cpu.weight

taskset -p 1 $$ > /dev/null
mkfifo /tmp/ask /tmp/answer
./worth 1 < /tmp/ask > /tmp/answer &
exec 3> /tmp/ask 4< /tmp/answer
ask() {
	echo $1 >&3
	while read answer <&4; do
		case $answer in
		$2*) echo "$at: $answer"; return ;;
		wrong*) echo "$at: $answer"; exit 1 ;;
		*) echo "$at: $answer" ;;
		esac
	done
	echo "$at: worth has ended"
	exit 1
}
switch() {	# WHAT COMMAND, READS
	at=$1
	ask hold held
	eval "$2 &"
	for try in $(seq 300); do
		usleep 100000
		[ "$(cat /sys/kernel/elfkit/$3/enabled 2>/dev/null)" != "$4" ] || break
	done
	[ "$(cat /sys/kernel/elfkit/$3/enabled 2>/dev/null)" = "$4" ] || {
		echo "$at: not done"
		cat /proc/$!/stack /proc/$!/task/*/children
		exit 1
	}
	ask compare same
	wait $!
}
read answer <&4
[ "$answer" = ready ]
switch "nothing" true none ""
switch "load" "insmod ./sched.ko" sched 1
switch "replace" "insmod ./hello.ko" hello 1
rmmod sched
switch "unload" "echo 0 > /sys/kernel/elfkit/hello/enabled" hello 0
rmmod hello
exec 3>&-
