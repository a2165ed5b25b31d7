# SPDX-License-Identifier: GPL-2.0
# In the guest of a CI job, behind a line that sets $module: on probation, under load, confirmed, and back.
set -e
: "${module:?}"
elfkit load --probation=600 --retry=10 "$module.ko"
stress-ng --quiet --cpu 2 --switch 2 --fork 2 --timeout 2
elfkit status
echo 1 > "/sys/kernel/elfkit/$module/confirm"
elfkit unload --retry=10 "$module"
dmesg | grep -o "elfkit: $module: kernel text.*"
