# SPDX-License-Identifier: GPL-2.0
# In the guest, read by control.sh: what goes wrong on the way in, on the way back and from one module to
# another. After each the text is what it was, and the next switch works.

# text WHAT: as it was in the beginning; text_in WHAT: as it was with sched in
grep -E ' (_stext|_etext)$' /proc/kallsyms > /tmp/symbols
text() { KALLSYMS=/tmp/symbols ./textdump -e /tmp/before || fail "$1: another text"; }
text_in() { KALLSYMS=/tmp/symbols ./textdump -e /tmp/in || fail "$1: another text"; }
set_fault() { echo "$2" > /sys/module/$1/parameters/fault; }
last() { dmesg | grep -o 'elfkit: .*' | tail -1; }

# ---- memory: each request fails once, until there is none left to fail ----

# short N FILE LINES COMMAND: whether there are as many as N requests; counts those that the switch could do without.
# A refusal is told once in each try.
marks=0
short() {
	marks=$((marks + 1))
	echo "mark $marks." > /dev/kmsg
	if eval "$4" 2>/dev/null; then
		left=$(cat $2)
		echo 0 > $2
		[ $left = 0 ] || return 1
		coped=$((coped + 1))
		return 0
	fi
	dmesg | sed "1,/mark $marks\.$/d" | grep 'elfkit: .*refused' > /tmp/refused
	grep -cE 'refused: (memory is short, nothing has changed|the module.s .* could not be registered|/sys/.* cannot be made)$' /tmp/refused |
		grep -qx $3 || fail "request $1: $(cat /tmp/refused)"
	[ $(wc -l < /tmp/refused) = $3 ] || fail "request $1: told more than once: $(cat /tmp/refused)"
	denied=$((denied + 1))
}

memory_load() {
	local at=1 files=0 functions=$1
	coped=0 denied=0
	while short $at /sys/module/sched/parameters/fail_memory 2 "insmod ./sched.ko fail_memory=$at"; do
		if [ -e $own ]; then
			# not back(): without its probe on a trace point the loader has kept another __schedule()
			echo 0 > $own/enabled
			rmmod sched
		elif dmesg | tail -2 | grep -q '/sched cannot be made'; then
			files=$((files + 1))
			# between the second name of a function and the last all are alike
			[ $files != 6 ] || at=$((at + functions - 3))
		fi
		text "load, request $at"
		at=$((at + 1))
	done
	back
	echo "short of memory, load: $denied refused, $coped done without, up to request $at"
}

# memory_back: with sched in, which is out in the end
memory_back() {
	local at=1 file=/sys/module/sched/parameters/fail_memory
	coped=0 denied=0
	while short $at $file 1 "echo $at > $file; echo 0 > $own/enabled"; do
		if [ $(cat $own/enabled) = 0 ]; then
			text "back, request $at"
			echo 1 > $own/enabled
		fi
		text_in "back, request $at"
		at=$((at + 1))
	done
	echo "short of memory, back: $denied refused, $coped done without"
}

# memory_replace: with sched in and hello out, the other way round in the end
memory_replace() {
	local at=1 file=/sys/module/hello/parameters/fail_memory
	coped=0 denied=0
	while short $at $file 1 "echo $at > $file; echo 1 > $other/enabled"; do
		if [ $(cat $other/enabled) = 1 ]; then
			echo 1 > $own/enabled
		fi
		states "1 0"
		text_in "replace, request $at"
		at=$((at + 1))
	done
	states "0 1"
	echo "short of memory, replace: $denied refused, $coped done without"
}

load
./textdump /tmp/in
functions=$(ls $own/functions | wc -l)
insmod ./hello.ko
echo 1 > $own/enabled
memory_replace
echo 1 > $own/enabled
memory_back
text "short of memory"
rmmod hello
rmmod sched
memory_load $functions
text "short of memory"
proper

# ---- the way back, and from one to the other, with what a test can make bad ----

load
insmod ./hello.ko
echo 1 > $own/enabled
text_in "back again"

# a task that was in the code of a module which is gone by now
./parked 600 > /tmp/parked.out &
parked=$!
until grep -q parked /tmp/parked.out; do sleep 0.1; done
echo 0 > /sys/module/hello/parameters/retries
refused "replace by a write, parked" "echo 1 > $other/enabled"
kill $parked
wait $parked
echo 0 > $own/enabled
rmmod sched
grep -q '^[0-9]* parked [a-z_]*cpu_mask' $other/blockers || fail "blockers: $(cat $other/blockers)"
load
states "1 0"

for module in sched hello; do
	echo 1 > /sys/module/$module/parameters/retries
	echo 1 > /sys/module/$module/parameters/delay_ms
done
for fault in runqueue stack; do
	set_fault sched $fault
	refused "back, $fault" "echo 0 > $own/enabled"
	text_in "back, $fault"
	set_fault sched
	set_fault hello $fault
	refused "replace by a write, $fault" "echo 1 > $other/enabled"
	states "1 0"
	text_in "replace by a write, $fault"
	set_fault hello
done

# a module that is trying to go back is not replaced at that moment
./parked 600 > /tmp/parked.out &
parked=$!
until grep -q parked /tmp/parked.out; do sleep 0.1; done
echo 1000 > /sys/module/sched/parameters/retries
echo 0 > $own/enabled &
writer=$!
until dmesg | tail -1 | grep -q 'sched: pid .* is in'; do sleep 0.1; done
! echo 1 2>/dev/null > $other/enabled || fail "replace while it is being switched: not refused"
echo "replace, busy: $(dmesg | grep -o 'elfkit: hello: .*' | tail -1)"
states "1 0"
kill $parked
wait $parked
wait $writer || fail "did not go back once the task was out"
states "0 0"
[ -z "$(cat $own/blockers)" ] || fail "gone back, and somebody is in the way still: $(cat $own/blockers)"
text "replace, busy"
rmmod hello
rmmod sched
proper

# ---- probation: confirmed when it is over but could not go back; others write meanwhile ----

load "probation=1 retries=0"
./parked 600 > /tmp/parked.out &
parked=$!
until grep -q parked $own/blockers; do sleep 0.1; done
echo 1 > $own/confirm
kill $parked
wait $parked
sleep 2
[ $(cat $own/enabled) = 1 ] || fail "gone back though confirmed in the last moment"
back
load probation=1
until [ $(cat $own/enabled) = 0 ]; do
	! rmmod sched 2>/dev/null || fail "removed while it was in"
done
until rmmod sched 2>/dev/null; do sleep 0.1; done
text "probation"

# ---- several who write at once, one who removes ----

load probation=1
for writer in 1 2 3 4; do
	for value in 0 1 1 0 1; do
		echo $value > $own/enabled || :
		cat $own/timing $own/blockers $own/functions/schedule,1 || :
	done > /dev/null 2>&1 &
	writers="$writers $!"
done
for try in 1 2 3 4 5; do
	rmmod sched 2>/dev/null && break
	sleep 0.2
done
wait $writers
if [ -e $own ]; then
	echo 0 > $own/enabled
	rmmod sched
fi
text "several writers"
proper

# ---- tracers that come in the middle: they wait, and find all functions or those that are not replaced ----

# those that are traced and are the kernel's own
traced() { grep -vc '\[' $trace/enabled_functions || :; }
# tracer_amid TRACER WHAT COMMAND: starts a tracer between the look at all stacks and the stop of a switch, and leaves it on
tracer_amid() {
	eval "$3" &
	switch=$!
	sleep 1
	echo > $trace/trace
	echo $1 > $trace/current_tracer
	wait $switch || fail "$2 with $1 in the middle: $(last)"
}
# has_all WHAT: a tracer that is on, and goes off; hidden WHAT: one that does not see what is replaced
has_all() {
	sleep 0.2
	[ $(traced) = $whole ] || fail "$1: $(traced) of $whole functions are traced"
	grep -q wake_up_process $trace/trace || fail "$1: a function is not traced"
	echo nop > $trace/current_tracer
}
hidden() {
	[ $(traced) -lt $whole ] || fail "$1: what is replaced is traced"
	echo nop > $trace/current_tracer
}
# the last request for memory is for the copy that is made right before the stop
load fail_memory=100000
requests=$((100000 - $(cat /sys/module/sched/parameters/fail_memory)))
back
echo '*_fair' > $trace/set_ftrace_filter
echo wake_up_process >> $trace/set_ftrace_filter
echo function > $trace/current_tracer
whole=$(traced)
echo nop > $trace/current_tracer
for tracer in function function_graph; do
	tracer_amid $tracer "refused load" "! insmod ./sched.ko fault=slow fail_memory=$requests 2>/dev/null"
	has_all "refused load amid $tracer"
	text "refused load amid $tracer"
	tracer_amid $tracer load "insmod ./sched.ko fault=slow"
	hidden "load amid $tracer"
	tracer_amid $tracer replace "insmod ./hello.ko fault=slow"
	hidden "replace amid $tracer"
	states "0 1"
	rmmod sched
	tracer_amid $tracer back "echo 0 > $other/enabled"
	has_all "back amid $tracer"
	text "back amid $tracer"
	rmmod hello
	text "tracers in the middle"
done
echo "tracers in the middle: $whole functions traced"
echo > $trace/set_ftrace_filter
proper

# ---- two that each have functions of a third ----

insmod ./core.ko
insmod ./fair.ko
./textdump /tmp/two
refused "replace two" "insmod ./sched.ko"
KALLSYMS=/tmp/symbols ./textdump -e /tmp/two || fail "replace two: another text"
for module in core fair; do
	echo 0 > /sys/kernel/elfkit/$module/enabled
	rmmod $module
done
text "replace two"
proper

# ---- a kprobe that is there and not armed ----

insmod ./probe.ko
refused "load with a kprobe that is off" "insmod ./sched.ko"
text "load with a kprobe that is off"
rmmod probe
load
insmod ./probe.ko
refused "back with a kprobe that is off" "echo 0 > $own/enabled"
rmmod probe
back
text "back with a kprobe that is off"

# ---- livepatch ----

# lives UNTIL: until its transition has ended
lives() { until [ "$(cat /sys/kernel/livepatch/livepatch/enabled 2>/dev/null) $(cat /sys/kernel/livepatch/livepatch/transition 2>/dev/null)" = "$1" ]; do sleep 0.1; done; }
calls() {
	renice -n 1 -p $$ > /dev/null
	cat /sys/module/livepatch/parameters/calls
}
dead() {
	echo 0 > /sys/kernel/livepatch/livepatch/enabled
	lives " "
	rmmod livepatch
}
insmod ./livepatch.ko
lives "1 0"
[ $(calls) -gt 0 ] || fail "livepatch does not work"
refused "load with livepatch" "insmod ./sched.ko"
dead
load
insmod ./livepatch.ko
lives "1 0"
echo "livepatch while it is in: $(calls) calls"
refused "back with livepatch" "echo 0 > $own/enabled"
dead
text_in "livepatch"
back
text "livepatch"
insmod ./livepatch.ko
lives "1 0"
[ $(calls) -gt 0 ] || fail "livepatch does not work afterwards"
dead
proper

# ---- everything is traced in the middle of a load: functions without an entry of ours, too ----

tracer_amid function "load by all" "insmod ./sched.ko fault=slow"
echo nop > $trace/current_tracer
# the tracer had flipped keys when the text was copied, so it is held against that from before
echo 0 > $own/enabled || fail "load by all: going back refused"
rmmod sched
text "load by all"
