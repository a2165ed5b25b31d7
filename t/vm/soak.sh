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

# ---- what is counted, in variables counted_WHAT ----

count() { eval "counted_$1=\$((\${counted_$1:-0} + ${2:-1}))"; }
counted() { eval "echo \${counted_$1:-0}"; }

# ---- the moves ----

loaded=none
value() { sed -n "s/^$1 //p" /sys/kernel/elfkit/$loaded/timing; }
leave() {	# MODULE, which another one has replaced or which was switched off
	for try in $(seq 100); do
		rmmod $1 2>/dev/null && return
		usleep 100000
	done
	fail "$1 cannot be removed"
}
attempt() {	# KIND COMMAND: many tries, since somebody may be in the way in each
	for refused in $(seq 0 29); do
		if eval "$2" 2>/dev/null; then
			count $1
			count $1_refused $refused
			return
		fi
		usleep 200000
	done
	dmesg | tail -5
	fail "given up: $2"
}
move() {	# TO
	at="$running, $loaded to $1"
	if [ $stock = yes ]; then
		stopped=never
		refused=0
		loaded=$1
		usleep 500000
		return
	fi
	case $loaded,$1 in
	*,none)
		attempt unload "echo 0 > /sys/kernel/elfkit/$loaded/enabled"
		stopped="$(($(value unload_handler_ns) / 1000)) us"
		leave $loaded
		loaded=none
		[ ! -e /sys/kernel/elfkit ] || fail "/sys/kernel/elfkit is left behind"
		return
		;;
	none,*)
		attempt load "insmod ./$1.ko"
		;;
	*)
		attempt replace "insmod ./$1.ko"
		leave $loaded
		;;
	esac
	loaded=$1
	stopped="$(($(value load_handler_ns) / 1000)) us"
}
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
