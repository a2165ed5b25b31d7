# SPDX-License-Identifier: GPL-2.0
# In the guest: modules for another build of this kernel are refused, and neither the kernel's text nor
# what their jump labels take for keys has been written to; a module for this build works then.
set -e

dump() { ./textdump $1 "$(cat anchor)" keys; }

dump /tmp/before
for module in moved other; do
	if insmod ./$module.ko 2>/dev/null; then
		echo "$module: not refused"
		exit 1
	fi
	[ -z "$(cat /proc/modules)" ]
	[ ! -e /sys/kernel/elfkit ]
done
dmesg | grep -o 'refused: made for.*' | sort -u
dump /tmp/after
cmp /tmp/before /tmp/after
echo "nothing was written: $(wc -c < /tmp/after) bytes are as before"

# The keys' real state, in both directions: the lists of the kernel are whole.
insmod ./sched.ko
echo 1 > /proc/sys/kernel/sched_schedstats
echo 0 > /proc/sys/kernel/sched_schedstats
echo 0 > /sys/kernel/elfkit/sched/enabled
rmmod sched
echo 1 > /proc/sys/kernel/sched_schedstats
echo 0 > /proc/sys/kernel/sched_schedstats
