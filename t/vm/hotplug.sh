# SPDX-License-Identifier: GPL-2.0
# In the guest: loading and going back while a CPU comes and goes, and with one that is off.
set -e

fail() {
	echo "$1"
	dmesg | tail -20
	exit 1
}
load() { insmod ./sched.ko || fail "refused"; }
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
./textdump /tmp/after
cmp /tmp/before /tmp/after
echo "no trace is left"
