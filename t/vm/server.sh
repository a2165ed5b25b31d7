# SPDX-License-Identifier: GPL-2.0
# In the guest: loading and going back while the deadline server of a CPU's fair tasks is at work, since a FIFO task
# leaves them nothing. Kernels without such a server go through the same. Then probation, while a task never sleeps.
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
kill %1
killall -9 stress-ng
echo "served"

# Another that never sleeps. Who waits for all tasks to have slept waits as long as it runs, and must not keep the kernel
# from going back.
insmod ./busy.ko
insmod ./sched.ko
insmod ./hello.ko probation=2 &
inserting=$!
enabled=/sys/kernel/elfkit/hello/enabled
until [ "$(cat $enabled 2>/dev/null)" = 1 ]; do sleep 0.1; done
for wait in $(seq 200); do
	[ "$(cat $enabled)" = 1 ] || break
	sleep 0.1
done
[ "$(cat $enabled)" = 0 ] || { echo "did not go back"; exit 1; }
! rmmod sched 2>/dev/null || { echo "nobody waits for the task that never sleeps"; exit 1; }
echo "went back meanwhile"
rmmod busy
wait $inserting
until rmmod sched 2>/dev/null; do sleep 0.1; done
until rmmod hello 2>/dev/null; do sleep 0.1; done
