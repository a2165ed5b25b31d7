# SPDX-License-Identifier: GPL-2.0
# In the guest: loads, replaces and unloads two schedulers, a.ko and b.ko, while workloads (t/vm/workloads.sh) come and go,
# in an order that a seed decides. The file `plan` has
#
#	seed=N rounds=N seconds=N workloads="NAME..." together=yes|no stock=yes|no
#
# rounds or seconds may be 0: no limit. With together=yes all the workloads run the whole time, otherwise each
# round has one of them, or "reboot": then the machine goes down with a module in, its last line is
# "again: VARIABLE=VALUE...", and with these in the plan it goes on where it was. With stock=yes nothing is loaded:
# whether the kernel does this on its own. A line a round; in the end what was done. It ends with an error at the first kernel
# message of level warn or above that has nothing to do with a refusal or a workload, when a task of any
# class does not move on any more, or when the kernel has more memory in use at the end than at the beginning.
set -e

round=0
first_seed=
. ./plan
first_seed=${first_seed:-$seed}
running=
now() { cut -d. -f1 /proc/uptime; }
begin=$(now)
fail() {
	echo "seed $first_seed, round $round, $at: $1"
	exit 1
}
. ./workloads.sh
. ./moves.sh

# ---- chance, the same for the same seed ----

random() {	# BELOW, the answer in $drawn
	seed=$(((seed * 1103515245 + 12345) & 0x7fffffff))
	drawn=$(((seed >> 8) % $1))
}
choose() {	# WORD..., the answer in $chosen
	random $#
	shift $drawn
	chosen=$1
}

# ---- where to go from here ----

another() {	# chooses where to go from here
	case $loaded in
	none) choose a b ;;
	a) choose none $replacement_of_a ;;
	b) choose none $replacement_of_b ;;
	esac
}
again() {	# the machine goes down with a module in; its text comes out first
	[ $loaded != none ] || move a
	echo "again: $(set | grep -E '^(seed|first_seed|round|counted_[a-z_]*)=' | tr '\n' ' ')"
	stty -F /dev/ttyS1 raw -echo
	reboot -f
}

# ---- before: whether one can take over from the other (not if b has, say, data of its own to update), and memory ----

used() { sed -n "s/^$1: *\([0-9]*\) kB/\1/p" /proc/meminfo; }
settle() {
	for try in 1 2 3; do
		echo 3 > /proc/sys/vm/drop_caches
		sleep 1
	done
}
begin_tasks
at=begin
if [ $stock = no ]; then
	insmod ./a.ko
	loaded=a
	if insmod ./b.ko 2>/dev/null; then
		leave a
		loaded=b
		replacement_of_a=b replacement_of_b=a
	fi
	echo 0 > /sys/kernel/elfkit/$loaded/enabled
	leave $loaded
	loaded=none
fi
dmesg -c >/dev/null
settle
slab=$(used SUnreclaim) vmalloc=$(used VmallocUsed)

# ---- the rounds ----

[ -n "$workloads" ] || workloads="$all_workloads reboot"
[ $together = no ] || for workload in $workloads; do
	start $workload
	running=all
done
while [ $rounds = 0 ] || [ $round -lt $rounds ]; do
	[ $seconds = 0 ] || [ $(($(now) - begin)) -lt $seconds ] || break
	round=$((round + 1))
	if [ $together = no ]; then
		choose $workloads
		workload=$chosen
		case $workload in
		reboot) start forks ;;
		*) start $workload ;;
		esac
		running=$workload
		usleep 500000
	fi
	from=$loaded
	another
	move $chosen
	tasks
	[ $together = yes ] || [ $running = reboot ] || stop
	messages
	count in_$running
	echo "round $round: $running: $from to $loaded, stopped $stopped, $refused refused"
	[ $running != reboot ] || again
done
stop
[ $loaded = none ] || move none
tasks
messages
end_tasks
settle
at="the end"
echo "$round rounds, seed $first_seed"
for kind in load unload replace; do
	echo "$(counted $kind) ${kind}s, $(counted ${kind}_refused) refused and tried again"
done
echo "rounds of each workload:$(for workload in $workloads; do echo " $workload $(counted in_$workload)"; done | tr -d '\n')"
more_slab=$(($(used SUnreclaim) - slab)) more_vmalloc=$(($(used VmallocUsed) - vmalloc))
echo "memory: slab $slab kB, $more_slab more; vmalloc $vmalloc kB, $more_vmalloc more"
[ $more_slab -lt 8192 ] && [ $more_vmalloc -lt 2048 ] || fail "memory is not given back"
