# SPDX-License-Identifier: GPL-2.0
# In the guest: what a context switch costs with the stock scheduler and with an unmodified one that is
# loaded, by turns, so that both meet the kernel in the same moods.
#
# Two tasks that hand each other a byte switch as often in each run. hackbench does not: its tasks run in another order
# each time, and what they need follows from how often they switch. So from many short runs a line is
# drawn, time by number of switches, with one slope for both and a height for each (least squares), and compared
# is what a run takes with the mean number of switches. Behind the ratio is its standard error.
set -e

switches() { sed -n 's/^ctxt //p' /proc/stat; }
ping() { ./pingpong 5000 | cut -d' ' -f1; }
bench() {	# FILE OPTION...: adds "WHO TIME SWITCHES"
	file=$1
	shift
	before=$(switches)
	seconds=$(hackbench "$@" -s 100 -g 1 -f 10 -l 100 | sed -n 's/^Time: //p')
	echo $who $seconds $(($(switches) - before)) >> /tmp/$file
}
measure() {	# adds figures to files in /tmp
	who=$1
	for try in 1 2 3; do
		echo $who $(ping) >> /tmp/pingpong
		bench processes
		bench threads -T
		bench pipes -p
	done
}
ping > /dev/null	# the clock settles, caches fill
hackbench -s 100 -g 1 -f 10 -l 100 > /dev/null
for round in 1 2 3 4 5 6 7 8; do
	measure stock
	insmod ./sched.ko
	measure loaded
	until echo 0 > /sys/kernel/elfkit/sched/enabled; do sleep 1; done 2>/dev/null
	rmmod sched
done

printf '%-42s %10s %10s %8s %8s\n' 'instructions a context switch' stock loaded ratio +-
awk '
	{ n[$1]++; sum[$1] += $2; square[$1] += $2 * $2 }
	END {
		for (w in n) { mean[w] = sum[w] / n[w]; part[w] = (square[w] / n[w] - mean[w] ^ 2) / n[w] / mean[w] ^ 2 }
		ratio = mean["loaded"] / mean["stock"]
		error = part["loaded"] + part["stock"]
		printf "%-42s %10.1f %10.1f %8.4f %8.4f\n", "a byte through pipes", mean["stock"], mean["loaded"], ratio,
			ratio * sqrt(error > 0 ? error : 0)
	}' /tmp/pingpong
line() {	# FILE TEXT
	awk -v text="$2" '
		{ who[NR] = $1; y[NR] = $2 * 1e9; x[NR] = $3; n[$1]++; sx[$1] += x[NR]; sy[$1] += y[NR]; all += x[NR] }
		END {
			for (i = 1; i <= NR; i++) {
				dx = x[i] - sx[who[i]] / n[who[i]]
				sxx += dx * dx
				sxy += dx * (y[i] - sy[who[i]] / n[who[i]])
			}
			slope = sxx ? sxy / sxx : 0
			middle = all / NR
			for (w in n) { mean[w] = sx[w] / n[w]; at[w] = sy[w] / n[w] + slope * (middle - mean[w]) }
			for (i = 1; i <= NR; i++) {
				rest = y[i] - at[who[i]] - slope * (x[i] - middle)
				var += rest * rest / (NR - 3)
			}
			ratio = at["loaded"] / at["stock"]
			error = 1 / n["loaded"] + 1 / n["stock"] + (sxx ? (mean["loaded"] - mean["stock"]) ^ 2 / sxx : 0)
			printf "%-42s %10.1f %10.1f %8.4f %8.4f\n", text, at["stock"] / middle, at["loaded"] / middle, ratio,
				sqrt(var * error) / at["stock"]
		}' /tmp/$1
}
line processes 'hackbench, processes'
line threads 'hackbench, threads'
line pipes 'hackbench, pipes'
