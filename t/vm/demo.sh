# SPDX-License-Identifier: GPL-2.0
# In the guest: work before, load, work, go back, work; the text must be as before.
set -e

bench() {
	echo "$1:"
	hackbench -g 2 -l 200 | sed -n 's/^Time: */  hackbench, 2 groups: /p'
}

echo "running $(uname -r), $(nproc) CPUs"
./textdump /tmp/before
bench "before"

echo "# insmod hello.ko"
insmod ./hello.ko
dmesg | grep -o 'scheduler: Hi.*' | sort -u
dmesg | grep -o 'elfkit: hello: loaded.*'
echo "enabled: $(cat /sys/kernel/elfkit/hello/enabled)"
bench "with the new scheduler"
if rmmod hello 2>/dev/null; then
	echo "rmmod of an enabled scheduler was not refused"
	exit 1
fi

echo "# echo 0 > /sys/kernel/elfkit/hello/enabled; rmmod hello"
echo 0 > /sys/kernel/elfkit/hello/enabled
dmesg | grep -o 'elfkit: hello: kernel text.*'
dmesg | grep -o 'elfkit: hello: went back.*'
rmmod hello
bench "after"

./textdump /tmp/after
cmp /tmp/before /tmp/after
echo "kernel text identical: all $(wc -c < /tmp/after) bytes, read through /proc/kcore"
