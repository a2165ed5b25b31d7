# SPDX-License-Identifier: GPL-2.0
# In the guest: what sample edits change, before, with them and after going back.
set -e
mount -t debugfs none /sys/kernel/debug 2>/dev/null || true
mkdir -p /tmp/cg
mount -t cgroup -o cpuacct none /tmp/cg 2>/dev/null || mount -t cgroup -o cpu,cpuacct none /tmp/cg

# the slice is computed anew when a processor comes
slice=$(ls /sys/kernel/debug/sched/base_slice_ns /sys/kernel/debug/sched/latency_ns 2>/dev/null || :)
echo 2 > /sys/kernel/debug/sched/tunable_scaling
base=$(cat $slice)

# ask WHEN: one line an edit
ask() {
	./asks | sed "s/^/$1: /"
	if echo 1 > /tmp/cg/cpuacct.usage 2>/dev/null; then
		echo "$1: cpuacct takes a 1: yes"
	else
		echo "$1: cpuacct takes a 1: no"
	fi
	echo "$1: autogroup: $(setsid cat /proc/self/autogroup 2>/dev/null | sed 's/.*nice/nice/')"
	echo 1 > /sys/kernel/debug/sched/verbose
	dmesg -c > /dev/null
	# the bandwidth of the deadline task above may still be accounted for a moment
	until echo 0 > /sys/devices/system/cpu/cpu1/online; do sleep 0.2; done 2>/dev/null
	echo 1 > /sys/devices/system/cpu/cpu1/online
	echo "$1: topology: $(dmesg | grep -o 'attaching.*sched-domain(s)' | sort -u)"
	echo 0 > /sys/kernel/debug/sched/verbose
	echo "$1: slice: $(($(cat $slice) / base)) times"
}

./textdump /tmp/before
ask before
for module in *.ko; do
	name=${module%.ko}
	insmod ./$module
	ask "with $name"
	for try in 1 2 3 4 5 6 7 8 9 10; do
		echo 0 > /sys/kernel/elfkit/$name/enabled && break
		sleep 1
	done
	rmmod $name
done
ask after
./textdump /tmp/after
cmp /tmp/before /tmp/after
echo "text identical"
