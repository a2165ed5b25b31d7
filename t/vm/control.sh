# SPDX-License-Identifier: GPL-2.0
# In the guest: the files in sysfs, probation, tracers at every stage, a second module, and failures that leave no
# trace: after each, the same module loads. One CPU: under QEMU's multi-threaded TCG another may go on running what
# a tracer or a kprobe has taken out, with a stock kernel, too.
set -e

own=/sys/kernel/elfkit/sched
trace=/sys/kernel/tracing
fail() {
	echo "$1"
	dmesg | tail -20
	exit 1
}
refused() {	# WHAT, COMMAND; its last line in the log
	! eval "$2" 2>/dev/null || fail "$1: not refused"
	echo "$1: $(dmesg | grep -o 'elfkit: .*' | tail -1)"
}
load() { insmod ./sched.ko $1 || fail "sched.ko $1: refused"; }
back() {
	echo 0 > $own/enabled || fail "going back refused"
	rmmod sched
	dmesg | grep elfkit: | tail -3 | grep -q 'kernel text identical' || fail "text not identical"
}
# It goes by itself; the module is in use until all tasks have left it.
gone() {
	until [ $(cat $own/enabled) = 0 ]; do sleep 0.1; done
	until rmmod sched 2>/dev/null; do sleep 0.1; done
}
proper() { load; back; }

./textdump /tmp/before
# by address: the name is the module's, too, while it is there
probe=0x$(sed -n 's/ T wake_up_process$//p' /proc/kallsyms)

# files
load
[ $(ls $own/functions | wc -l) -gt 300 ] || fail "functions"
[ $(cat $own/functions/schedule_tail,1 $own/functions/wake_up_process,1 | sort -u) = 1 ] || fail "functions: not enabled"
[ $(cat $own/build_id) = $(cat build_id) ] || fail "build_id"
for key in prepare check clear write rebuild handler stopped total; do
	grep -q "^load_${key}_ns [1-9]" $own/timing || fail "timing has no load_${key}_ns"
	grep -q "^unload_${key}_ns 0$" $own/timing || fail "timing has an unload_${key}_ns"
done
[ $(cat $own/confirm) = 1 ] || fail "on probation without a time"

# somebody else, who speaks another language
back
insmod ./stranger.ko || fail "stranger.ko: refused"
refused "second module" "insmod ./sched.ko"
[ ! -e $own ] || fail "second module: sysfs is left behind"
echo 0 > /sys/kernel/elfkit/hello/enabled
rmmod hello

# one where another is: back and forth, each with all that can keep it from it; then the kernel's own again
other=/sys/kernel/elfkit/hello
states() { [ "$(cat $own/enabled 2>/dev/null) $(cat $other/enabled 2>/dev/null)" = "$1" ] || fail "replace: not $1"; }
load
refused "replace, fault" "insmod ./hello.ko retries=1 delay_ms=1 fault=runqueue"
refused "replace, stack" "insmod ./hello.ko retries=1 delay_ms=1 fault=stack"
states "1 "
./parked 3 > /tmp/parked.out &
until grep -q parked /tmp/parked.out; do sleep 0.1; done
! insmod ./hello.ko retries=0 2>/dev/null || fail "replace, parked: not refused"
echo "replace, parked: $(dmesg | grep -o 'elfkit: hello: pid .*' | tail -1) $(dmesg | grep -c 'get_user_cpu_mask.*\[sched\]')"
states "1 "
wait
insmod ./hello.ko || fail "hello.ko: refused"
states "0 1"
echo 1 > $own/enabled
states "1 0"
echo 1 > $other/enabled
states "0 1"
rmmod sched
load probation=60
states "1 0"
echo "replaced: $(dmesg | grep -c 'elfkit: .*: took over from .*, which is disabled now') times"
back
./textdump /tmp/middle
cmp /tmp/before /tmp/middle

# tracers while it is in; of some functions, as all of them take long under emulation
some='wake_up_process *_fair vfs_*'
echo "$some" > $trace/set_ftrace_filter
load
for tracer in function function_graph; do
	echo $tracer > $trace/current_tracer
	sleep 0.2
	refused "back with $tracer" "echo 0 > $own/enabled"
	refused "replace with $tracer" "echo 1 > $other/enabled"
	states "1 0"
	echo nop > $trace/current_tracer
done
echo > $trace/set_ftrace_filter
rmmod hello
echo "p:mine $probe" > $trace/kprobe_events
echo 1 > $trace/events/kprobes/enable
refused "back with a kprobe" "echo 0 > $own/enabled"
echo 0 > $trace/events/kprobes/enable
echo > $trace/kprobe_events
back

# tracers before, one of all functions
for tracer in function function_graph; do
	echo $tracer > $trace/current_tracer
	refused "load with $tracer" "insmod ./sched.ko"
	echo nop > $trace/current_tracer
	echo "$some" > $trace/set_ftrace_filter
done
echo > $trace/set_ftrace_filter
echo "p:mine $probe" > $trace/kprobe_events
echo 1 > $trace/events/kprobes/enable
refused "load with a kprobe" "insmod ./sched.ko"
echo 0 > $trace/events/kprobes/enable
echo > $trace/kprobe_events
proper

# one in the middle of a function, at the first place behind its entry where the kernel takes one
middle=0x$(sed -n 's/ T set_user_nice$//p' /proc/kallsyms)
at=40
until echo "p:mine $(printf 0x%x $((middle + at)))" > $trace/kprobe_events; do
	at=$((at + 1))
	[ $at -lt 80 ] || fail "no place for a kprobe in set_user_nice"
done 2>/dev/null
echo 1 > $trace/events/kprobes/enable
refused "load with a kprobe at $at" "insmod ./sched.ko"
echo 0 > $trace/events/kprobes/enable
echo > $trace/kprobe_events
proper

# a byte of a function that is another than in vmlinux: the table is changed here, since a kernel's text cannot be
while read place value where; do
	cp sched.ko changed.ko
	printf "\\$value" | dd of=changed.ko bs=1 seek=$place conv=notrunc 2>/dev/null
	refused "changed byte $where" "insmod ./changed.ko"
	[ ! -e /sys/kernel/elfkit ] || fail "changed byte: sysfs is left behind"
done < flips
proper

# they work afterwards
echo wake_up_process > $trace/set_ftrace_filter
echo function > $trace/current_tracer
sleep 0.2
echo nop > $trace/current_tracer
echo > $trace/set_ftrace_filter
echo "p:mine $probe" > $trace/kprobe_events
echo 1 > $trace/events/kprobes/enable
sleep 0.2
grep -q 'mine: ' $trace/trace || fail "kprobes do not work any more"
echo 0 > $trace/events/kprobes/enable
echo > $trace/kprobe_events

# failures
for fault in runqueue stack; do
	refused "fault $fault" "insmod ./sched.ko retries=1 delay_ms=1 fault=$fault"
	[ ! -e /sys/kernel/elfkit ] || fail "fault $fault: sysfs is left behind"
	proper
done

# probation: not confirmed, not confirmed while somebody is in the way, confirmed
load probation=1
[ $(cat $own/confirm) = 0 ] || fail "not on probation"
gone
mkfifo /tmp/stop
load "probation=1 retries=0"
./parked < /tmp/stop > /tmp/parked.out &
exec 3> /tmp/stop
until grep -q parked /tmp/parked.out; do sleep 0.1; done
until grep -q parked $own/blockers; do sleep 0.1; done
[ $(cat $own/enabled) = 1 ] || fail "gone back with a task in the way"
echo "blockers: $(cat $own/blockers)"
exec 3>&-
wait
gone
load probation=2
echo 1 > $own/confirm
sleep 3
[ $(cat $own/enabled) = 1 ] || fail "gone back though confirmed"
back

# the commands; what they say is looked at from outside
elfkit() {	# STATUS WHAT ARGUMENT...
	local want=$1 what=$2 status=0

	shift 2
	LD_LIBRARY_PATH=. ./elfkit "$@" > /tmp/said 2>&1 || status=$?
	sed "s/^/elfkit, $what: /" /tmp/said
	[ $status = $want ] || fail "elfkit $*: status $status"
}
park() {	# SECONDS
	./parked $1 > /tmp/parked.out &
	until grep -q parked /tmp/parked.out; do sleep 0.1; done
}
elfkit 1 nothing status
elfkit 2 nothing unload
elfkit 2 "no module" load script
elfkit 0 load load sched.ko retries=1
elfkit 0 loaded status
elfkit 0 json status --json
elfkit 1 again load sched.ko
elfkit 1 refused load --json sched.ko
elfkit 0 other load hello.ko
elfkit 0 both status
elfkit 2 two unload
elfkit 0 removed unload sched
elfkit 0 third load --json sched.ko retries=1
elfkit 0 gone unload --json hello
park 6
elfkit 1 "unload, parked" unload
elfkit 0 blocked status
elfkit 0 "unload, retry" unload --retry 60 sched
wait
park 6
elfkit 1 "load, parked" load sched.ko retries=1
elfkit 0 "load, retry" load --retry 60 --probation 60 sched.ko retries=1
wait
elfkit 0 probation status
elfkit 0 unload unload
elfkit 0 fits load --check sched.ko
elfkit 0 healthy load --health 'grep 0 /sys/kernel/elfkit/sched/confirm' --replace sched sched.ko
elfkit 0 "in already" load --health false --replace sched sched.ko
elfkit 1 conflict load --replace "hello*" hello.ko
elfkit 1 sick load --health "exit 3" --replace "sch*" hello.ko
elfkit 1 slow load --health "sleep 99" --probation 1 hello.ko
elfkit 0 better load --health true --replace nobody,sched hello.ko
elfkit 0 "after trials" status
elfkit 0 patterns unload "nobody,h*"
elfkit 1 "sick alone" load --health false hello.ko
elfkit 0 none unload --if-loaded hello

. ./failures.sh

./textdump /tmp/after
cmp /tmp/before /tmp/after
echo "no trace is left"
