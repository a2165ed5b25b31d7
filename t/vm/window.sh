# SPDX-License-Identifier: GPL-2.0
# In the guest: how long the machine stands still for so many sleeping and running threads.
set -e

renice -n -19 -p $$ >/dev/null
echo 1000000 > /proc/sys/kernel/threads-max
echo 100000 > /proc/sys/vm/max_map_count
mkfifo /tmp/stop
value() { sed -n "s/^$1 //p" /tmp/timing; }
# time, by parts, in us
row() {
	printf '%-6s %6d %8d' $1 $sleeping $running
	for part in handler check clear write rebuild; do
		printf ' %9d' $(($(value $1_${part}_ns) / 1000))
	done
	printf ' %8d\n' $(value $1_unwound)
}
printf '%-6s %6s %8s %9s %9s %9s %9s %9s %8s\n' '' asleep runnable 'stop, us' stacks clear write rebuild unwound
measure() {	# SLEEPING RUNNING [PARAMETER]
	sleeping=$1 running=$2
	shift 2
	./sleepers $sleeping $running < /tmp/stop > /tmp/ready &
	exec 3> /tmp/stop
	until grep -q ready /tmp/ready; do usleep 50000; done
	insmod ./sched.ko "$@"
	# Afterwards it waits for all tasks to leave the module: no part of this, and long with many that run.
	echo 0 > /sys/kernel/elfkit/sched/enabled &
	until [ $(cat /sys/kernel/elfkit/sched/enabled) = 0 ]; do usleep 1000; done
	exec 3>&-
	wait
	cat /sys/kernel/elfkit/sched/timing > /tmp/timing
	rmmod sched
	row load
	row unload
}
for pair in "100 0" "1000 0" "10000 0" "100 8" "100 200"; do
	measure $pair
done
echo "looking at all tasks in the stop:"
measure 100 0 walk=1
measure 10000 0 walk=1
