# SPDX-License-Identifier: GPL-2.0
# In the guest: what the kernel answers before, with the module, and afterwards.
set -e
./asks | grep slice
elfkit load --probation=60 longer.ko
./asks | grep slice
elfkit status
echo 1 > /sys/kernel/elfkit/longer/confirm
hackbench -g 2 -l 100 > /dev/null
elfkit unload
./asks | grep slice
