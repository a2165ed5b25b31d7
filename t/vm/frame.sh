# SPDX-License-Identifier: GPL-2.0
# In the guest: each variant in turn, with work before, in and after; where the offsets of its adapter are given
# (NAME/offsets), stack traces from each instruction of the adapter. The text must be as before.
set -e

./textdump /tmp/before
# an optimised probe runs a copy of the instructions behind it as well, and theirs would not be hit
echo 0 > /proc/sys/debug/kprobes-optimization
for folder in frame-*; do
	dmesg -c > /dev/null
	for try in 1 2 3 4 5; do
		insmod $folder/frame.ko && break
		sleep 0.2
	done
	grep -q '^1$' /sys/kernel/elfkit/frame/enabled
	hackbench -g 1 -l 50 > /dev/null
	if [ -e $folder/offsets ]; then
		insmod ./unwind.ko offsets=$(cat $folder/offsets)
		hackbench -g 1 -l 20 > /dev/null
		rmmod unwind
		dmesg | sed -n "s/.*unwind: /$folder /p"
	fi
	dmesg | sed -n "s/.*scheduler: /$folder says: /p"
	for try in 1 2 3 4 5; do
		echo 0 > /sys/kernel/elfkit/frame/enabled && break
		sleep 0.2
	done
	rmmod frame
	hackbench -g 1 -l 10 > /dev/null
	./textdump /tmp/after
	cmp /tmp/before /tmp/after
	echo "$folder: text identical"
done
