# SPDX-License-Identifier: GPL-2.0
# In the guest: what a context switch costs with the stock scheduler and with an unmodified one that is
# loaded, by turns; of each the fastest counts.
set -e

ping() { ./pingpong 20000 | cut -d' ' -f1; }
bench() { hackbench "$@" -s 100 -g 2 -l 200 | sed -n 's/^Time: //p'; }
measure() {	# WHO: adds to its figures in /tmp
	for try in 1 2; do
		ping >> /tmp/$1.pingpong
		bench >> /tmp/$1.processes
		bench -T >> /tmp/$1.threads
		bench -p >> /tmp/$1.pipes
	done
}
row() {	# FILE TEXT
	printf '%-42s %10s %10s %8s\n' "$2" $(for who in stock loaded; do sort -n /tmp/$who.$1 | head -1; done |
		awk '{ print; v[NR] = $1 } END { printf "%.4f\n", v[2] / v[1] }')
}
for round in 1 2 3; do
	measure stock
	insmod ./sched.ko
	measure loaded
	until echo 0 > /sys/kernel/elfkit/sched/enabled; do sleep 1; done 2>/dev/null
	rmmod sched
done
printf '%-42s %10s %10s %8s\n' '' stock loaded ratio
row pingpong 'pipes, instructions a context switch'
row processes 'hackbench, processes: seconds of 1e9'
row threads 'hackbench, threads'
row pipes 'hackbench, pipes'
