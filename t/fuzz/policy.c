// SPDX-License-Identifier: GPL-2.0
/* boundary.yaml: any text. */
#include "elfkit/policy.h"
#include "t/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy *policy;

	memory_begin();
	if (!well(policy_parse((const char *)data, size, "boundary.yaml", &policy))) {
		memory_end(size);
		return 0;
	}
	policy_has_func(policy, "kernel/sched/core.c", "schedule");
	policy_kept_out(policy, "kernel/sched/core.c", "schedule");
	policy_wants_unit("kernel/sched/core.c", policy);
	policy_of_object(policy, "runqueues");
	for (uint32_t i = 0; i < policy->keep_out.n; i++) {
		AUTO_FREE char *why = policy_reason(policy, &policy->keep_out.v[i]);

		promise(why);
	}
	memory_end(size);
	policy_free(policy);
	return 0;
}
