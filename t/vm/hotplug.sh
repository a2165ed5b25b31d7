# SPDX-License-Identifier: GPL-2.0
# In the guest: loading and going back while a CPU comes and goes, also between the look at all stacks and the
# stop and as probation ends; with one that is off; and a machine that sleeps
# and one that is switched off with the module in.
set -e

fail() {
	echo "$1"
	dmesg | tail -20
	exit 1
}
load() { insmod ./sched.ko $1 || fail "refused"; }
back() {
	echo 0 > /sys/kernel/elfkit/sched/enabled || fail "going back refused"
	rmmod sched
	dmesg | grep elfkit: | tail -3 | grep -q 'kernel text identical' || fail "text not identical"
}
cpu1=/sys/devices/system/cpu/cpu1/online

./textdump /tmp/before
(for i in 1 2 3 4 5 6; do
	echo 0 > $cpu1
	echo 1 > $cpu1
done) &
for i in 1 2; do
	load
	back
done
wait
echo 0 > $cpu1
load
echo 1 > $cpu1
back

# one CPU less in the stop than when the stacks were looked at, then one more; the same on the way back
parameters=/sys/module/sched/parameters
goes() {	# VALUE COMMAND
	eval "$2" &
	sleep 1
	echo $1 > $cpu1
	wait $! || fail "CPU 1 to $1 in the middle: refused"
}
cpus() { echo "$1: $(dmesg | grep elfkit: | sed -n 's/.*\(loaded\|went back\): [0-9]* functions, \([0-9]* CPUs\).*/\2/p' | tail -1)"; }
for value in 0 1; do
	goes $value "insmod ./sched.ko fault=slow"
	cpus "load with CPU 1 to $value"
	goes $((1 - value)) "echo 0 > /sys/kernel/elfkit/sched/enabled"
	cpus "back with CPU 1 to $((1 - value))"
	echo $value > $cpu1
	rmmod sched
done
load probation=1
until [ $(cat /sys/kernel/elfkit/sched/enabled) = 0 ]; do
	echo 0 > $cpu1
	echo 1 > $cpu1
done
until rmmod sched 2>/dev/null; do sleep 0.1; done

# asleep, until the clock wakes it; all CPUs but one are switched off for that. (`freeze` does not wake in QEMU, with a
# stock kernel either.)
load
echo 0 > /sys/class/rtc/rtc0/wakealarm
echo +4 > /sys/class/rtc/rtc0/wakealarm
echo mem > /sys/power/state || fail "no sleep"
[ $(cat /sys/kernel/elfkit/sched/enabled) = 1 ] || fail "asleep: not enabled any more"
echo "asleep: $(dmesg | grep -c 'Waking up from system sleep state S3') times"
[ $(cat $cpu1) = 1 ] || fail "asleep: CPU 1 is gone"
back
./textdump /tmp/after
cmp /tmp/before /tmp/after
echo "no trace is left"
load
