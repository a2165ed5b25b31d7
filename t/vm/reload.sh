# SPDX-License-Identifier: GPL-2.0
# In the guest: loads and unloads 20 times (or as often as a file `rounds` says) under a load of forks, switches and timers.
# A load or a going back that meets a task inside is refused and tried again; each
# refusal must leave the machine as it was.
set -e

stress-ng --fork 4 --switch 4 --timer 2 --timeout 600 >/dev/null 2>&1 &
stress=$!
while :; do hackbench -g 2 -l 100 >/dev/null || echo "hackbench failed"; done &
hackbench=$!

refused=0
attempt() {
	for try in 1 2 3 4 5 6 7 8 9 10; do
		if eval "$1" 2>/dev/null; then
			return 0
		fi
		refused=$((refused + 1))
		sleep 0.2
	done
	echo "given up: $1"
	dmesg | tail -5
	exit 1
}

rounds=$(cat rounds 2>/dev/null || echo 20)
for round in $(seq $rounds); do
	attempt "insmod ./sched.ko"
	grep -q '^1$' /sys/kernel/elfkit/sched/enabled
	sleep 0.3
	attempt "echo 0 > /sys/kernel/elfkit/sched/enabled"
	rmmod sched
	if [ -e /sys/kernel/elfkit ]; then
		echo "round $round: /sys/kernel/elfkit is left behind"
		exit 1
	fi
done
kill -0 $stress	# still running: nothing was killed on the way
kill $hackbench $stress
wait $stress || :
echo "$rounds rounds, $refused refusals, $(dmesg | grep -c 'kernel text identical') times text identical"
