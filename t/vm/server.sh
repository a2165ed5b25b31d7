# SPDX-License-Identifier: GPL-2.0
# In the guest: loading and going back while the deadline server of a CPU's fair tasks is at work, since a FIFO task
# leaves them nothing. Kernels without such a server go through the same.
set -e

server=/sys/kernel/debug/sched/fair_server/cpu1/runtime
if [ -e $server ]; then
	echo 900000000 > $server	# of a second: so that it is queued most of the time
else
	echo "no server"
fi
taskset 2 sh -c 'while :; do :; done' &
stress-ng --quiet --cpu 1 --taskset 1 --sched fifo --sched-prio 10 &
sleep 3
for round in 1 2 3 4; do
	insmod ./sched.ko
	sleep 1.3
	echo 0 > /sys/kernel/elfkit/sched/enabled
	rmmod sched
	sleep 0.7
done
kill %1 %2
echo "served"
