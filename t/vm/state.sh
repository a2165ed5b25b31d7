# SPDX-License-Identifier: GPL-2.0
# In the guest: tasks of all classes, in groups, throttled or dying, while the scheduler is switched to and
# fro: what they are worth is as before, none is lost, and limits go on being kept.
set -e

cgroup=/sys/fs/cgroup
tasks=
fail() {
	echo "$1"
	dmesg | tail -20
	exit 1
}

# The shell itself must not starve.
renice -n -19 -p $$ >/dev/null
echo +cpu > $cgroup/cgroup.subtree_control
mkdir $cgroup/heavy $cgroup/light $cgroup/limited $cgroup/frozen $cgroup/heavy/inner
echo +cpu > $cgroup/heavy/cgroup.subtree_control
echo 300 > $cgroup/heavy/cpu.weight
echo 20 > $cgroup/light/cpu.weight
echo "5000 50000" > $cgroup/limited/cpu.max
echo "20000 500000" > $cgroup/frozen/cpu.max
spin() { exec sh -c "echo \$\$ > $cgroup/$1/cgroup.procs; while :; do :; done"; }
for group in heavy/inner light limited limited; do
	spin $group & tasks="$tasks $!"
done
for i in 1 2 3 4; do
	spin frozen & tasks="$tasks $!"
done

mkfifo /tmp/ask /tmp/answer
./tasks < /tmp/ask > /tmp/answer & tasks="$tasks $!"
exec 3> /tmp/ask 4< /tmp/answer
read answer <&4
[ "$answer" = ready ] || fail "tasks: $answer"

value() { sed -n "s/^$2[^0-9]*\([0-9]*\).*/\1/p" $1 | head -1; }

grows() {	# FILE KEY FROM: within 20 s
	for try in $(seq 200); do
		[ $(value $1 $2) = $3 ] || return 0
		usleep 100000
	done
	return 1
}

check() {
	echo >&3
	read answer <&4
	case $answer in
	"all "*) ;;
	*) fail "$1: $answer" ;;
	esac
	throttled=$(value $cgroup/limited/cpu.stat nr_throttled)
	used=$(value $cgroup/limited/cpu.stat usage_usec)
	grows $cgroup/limited/cpu.stat nr_throttled $throttled || fail "$1: not throttled any more"
	grows $cgroup/limited/cpu.stat usage_usec $used || fail "$1: throttled for good"
	[ $(cat $cgroup/heavy/cpu.weight) = 300 ] || fail "$1: another weight"
}

# Waits until the frozen group has used up what it may use, so that it is throttled in the stop.
switch() {
	throttled=$(value $cgroup/frozen/cpu.stat nr_throttled)
	while [ $(value $cgroup/frozen/cpu.stat nr_throttled) = $throttled ]; do usleep 20000; done
	eval "$1" || fail "refused: $1"
}

check "stock"
switch "insmod ./sched.ko"
check "loaded"
switch "echo 0 > /sys/kernel/elfkit/sched/enabled"
rmmod sched
check "back"

# Made to fail in the stop, with everything in motion: the old state is back, and a proper load works.
insmod ./sched.ko fault=runqueue && fail "not refused"
dmesg | grep -o 'elfkit: sched: refused: the runqueue.*' | tail -1
check "refused"
switch "insmod ./sched.ko"
check "loaded"
switch "echo 0 > /sys/kernel/elfkit/sched/enabled"
check "back"
[ $(dmesg | grep -c 'kernel text identical') = 2 ] || fail "text not identical"
dmesg | grep 'elfkit: sched: [lw]' | sed 's/.*elfkit: sched: //' | head -2
exec 3>&-
kill $tasks
echo "nothing is lost"

# One that loses count on the way in: the old code cannot make that good, and so it is told.
rmmod sched
stress-ng --quiet --cpu 1 --sched fifo --sched-prio 1 &
sleep 1
! insmod ./leak.ko || fail "not refused"
echo "leak: $(dmesg | grep -o 'elfkit: leak: the runqueue .*' | sed 's/CPU [0-9]*/CPU N/' | tail -1)"
