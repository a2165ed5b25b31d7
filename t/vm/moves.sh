# SPDX-License-Identifier: GPL-2.0
# In the guest, read by other scripts: from one scheduler to another. `move TO`, with TO the name of a module (its file
# is here) or none, for the kernel's own; where we are is in $loaded. Who is in the way is waited for. How often what was
# done and how often it was refused before is counted in counted_load, counted_load_refused and so on. With
# stock=yes nothing is loaded. `fail WHY` and $running, which workload runs, are the reader's.

count() { eval "counted_$1=\$((\${counted_$1:-0} + ${2:-1}))"; }
counted() { eval "echo \${counted_$1:-0}"; }

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
