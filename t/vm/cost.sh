# SPDX-License-Identifier: GPL-2.0
# In the guest: what a context switch costs with the stock scheduler and with an unmodified one that is
# loaded, by turns. hackbench has its tasks run in another order each time and so more or fewer switches;
# what it needs for each of them is steadier than its time, and the middle of several runs counts.
set -e

switches() { sed -n 's/^ctxt //p' /proc/stat; }
ping() { ./pingpong 20000 | cut -d' ' -f1; }
bench() {
	before=$(switches)
	seconds=$(hackbench "$@" -s 100 -g 2 -l 400 | sed -n 's/^Time: //p')
	awk "BEGIN { printf \"%.1f\\n\", $seconds * 1e9 / ($(switches) - $before) }"
}
measure() {	# WHO: adds to its figures in /tmp
	ping >> /tmp/$1.pingpong
	for try in 1 2; do
		bench >> /tmp/$1.processes
		bench -T >> /tmp/$1.threads
		bench -p >> /tmp/$1.pipes
	done
}
middle() { sort -n $1 | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
row() {	# FILE TEXT
	printf '%-42s %10s %10s %8s\n' "$2" $(for who in stock loaded; do middle /tmp/$who.$1; done |
		awk '{ print; v[NR] = $1 } END { printf "%.4f\n", v[2] / v[1] }')
}
ping > /dev/null	# the clock settles, caches fill
for round in 1 2 3; do
	measure stock
	insmod ./sched.ko
	measure loaded
	until echo 0 > /sys/kernel/elfkit/sched/enabled; do sleep 1; done 2>/dev/null
	rmmod sched
done
printf '%-42s %10s %10s %8s\n' 'instructions a context switch' stock loaded ratio
row pingpong 'a byte through pipes'
row processes 'hackbench, processes'
row threads 'hackbench, threads'
row pipes 'hackbench, pipes'
