# SPDX-License-Identifier: GPL-2.0
# In the guest: a task that is stuck inside a function to be replaced stops the load,
# which says who it is; once the task is out, the same module loads. The same for
# going back.
set -e

insmod_fails() {
	if insmod ./sched.ko retries=1; then
		echo "not refused"
		exit 1
	fi
	[ ! -e /sys/kernel/elfkit ]
}

mkfifo /tmp/stop
./parked < /tmp/stop > /tmp/parked.out &
exec 3> /tmp/stop
until grep -q parked /tmp/parked.out; do sleep 0.1; done
tid=$(sed -n 's/^parked //p' /tmp/parked.out)

insmod_fails
dmesg | grep -o "pid $tid (parked) is in .*" | sort -u
dmesg | grep -o 'loading given up.*' | tail -1
exec 3>&-
wait
insmod ./sched.ko
echo "loaded once it was out"

./parked < /tmp/stop > /tmp/parked.out &
exec 3> /tmp/stop
until grep -q parked /tmp/parked.out; do sleep 0.1; done
tid=$(sed -n 's/^parked //p' /tmp/parked.out)
echo 0 > /sys/module/sched/parameters/retries
if echo 0 > /sys/kernel/elfkit/sched/enabled; then
	echo "going back not refused"
	exit 1
fi
[ "$(cat /sys/kernel/elfkit/sched/enabled)" = 1 ]
dmesg | grep -o "pid $tid (parked) is in .*" | sort -u
exec 3>&-
wait
echo 0 > /sys/kernel/elfkit/sched/enabled
rmmod sched
echo "went back once it was out"
