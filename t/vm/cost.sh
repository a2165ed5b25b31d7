# SPDX-License-Identifier: GPL-2.0
# In the guest: what a context switch costs with the stock scheduler and with an unmodified one that is
# loaded, by turns, so that both meet the kernel in the same moods.
#
# A line a run: what it is, stock or loaded, the time in ns (pingpong) or us, how many switches. t/bench makes a table of them.
set -e

bench() {	# WHAT OPTION...
	what=$1
	shift
	echo $what $who $(./charged hackbench "$@" -s 100 -g 1 -f 10 -l 100 2>/dev/null)
}
measure() {
	who=$1
	sleep 2		# what a module leaves to do in the background
	./pingpong 5000 > /dev/null
	for try in 1 2 3; do
		echo pingpong $who $(./pingpong 5000 | cut -d' ' -f1) 1
	done
	for try in $(seq 12); do
		bench processes
		bench threads -T
		bench pipes -p
	done
}
hackbench -s 100 -g 1 -f 10 -l 100 > /dev/null
for round in 1 2 3 4 5 6 7 8; do
	measure stock
	insmod ./sched.ko
	measure loaded
	until echo 0 > /sys/kernel/elfkit/sched/enabled; do sleep 1; done 2>/dev/null
	rmmod sched
done
