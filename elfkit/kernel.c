// SPDX-License-Identifier: GPL-2.0
/* The stages up to the boundary, in their order. */
#include <string.h>
#include <unistd.h>

#include "elfkit/kernel.h"
#include "elfkit/parallel.h"

struct reading {
	const char *vmlinux;
	struct kernel *kernel;
	struct err *image, *debuginfo;
};

/* Symbols and DWARF have nothing to do with each other until functions are joined. */
static void read_part(void *arg, uint32_t debuginfo)
{
	struct reading *r = arg;
	struct kernel *k = r->kernel;

	if (debuginfo) {
		r->debuginfo = debuginfo_open(r->vmlinux, policy_wants_unit, k->policy, &k->debuginfo);
		return;
	}
	r->image = image_open(r->vmlinux, &k->image);
	if (!r->image && !machine_of(k->image->machine))
		r->image = err_new("%s: ELF machine %u is not supported: elfkit knows x86-64", r->vmlinux,
				   k->image->machine);
	if (!r->image)
		k->symbols = symbols_read(k->image);
}

static struct err *read_vmlinux(const char *vmlinux, struct kernel *ret)
{
	struct reading r = { .vmlinux = vmlinux, .kernel = ret };

	parallel_run(2, read_part, &r);
	/* what is wrong with the file says more than what that does to its DWARF */
	if (r.image) {
		err_free(r.debuginfo);
		return r.image;
	}
	return r.debuginfo;
}

struct err *kernel_read(const char *vmlinux, const char *policy, struct kernel *ret)
{
	struct err *err;

	memset(ret, 0, sizeof(*ret));
	err = policy_read(policy, &ret->policy);
	err = err ?: read_vmlinux(vmlinux, ret);
	if (err)
		return err;
	if (!ret->debuginfo->nr_units)
		return err_new("%s: its DWARF has no unit in the folder of %s: not a kernel, or built without debug info",
			       vmlinux, ret->policy->files.v[0].name);
	ret->funcs = funcs_build(ret->image, ret->symbols, ret->debuginfo);
	ret->variables = variables_find(ret->image, ret->symbols, ret->debuginfo, ret->policy);
	err = refs_collect(ret->funcs, ret->variables, &ret->refs);
	err = err ?: boundary_compute(ret->funcs, ret->refs, ret->policy, NULL, &ret->boundary);
	if (!err && ret->boundary->counts[SIDE_NONE] == ret->boundary->n)
		return err_new("%s has no function in any of the files of %s: not the kernel that it was written for?",
			       vmlinux, policy);
	return err;
}

struct err *kernel_users_of(const struct kernel *kernel, const struct type_filter *filter, struct structs **ret)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return structs_collect(kernel->image->path, kernel->funcs, kernel->boundary, kernel->policy,
			       cpus < 1 ? 1 : cpus > 16 ? 16 : cpus, filter, ret);
}

struct err *kernel_read_structs(struct kernel *kernel)
{
	return kernel_users_of(kernel, NULL, &kernel->structs);
}

void kernel_release(struct kernel *kernel)
{
	structs_free(kernel->structs);
	boundary_free(kernel->boundary);
	refs_free(kernel->refs);
	variables_free(kernel->variables);
	funcs_free(kernel->funcs);
	debuginfo_free(kernel->debuginfo);
	symbols_free(kernel->symbols);
	image_free(kernel->image);
	policy_free(kernel->policy);
	memset(kernel, 0, sizeof(*kernel));
}

/* init/version.c: linux_banner[] = "Linux version RELEASE (..." */
char *kernel_release_name(const struct kernel *kernel)
{
	static const char prefix[] = "Linux version ";
	uint32_t id = symbols_find_global(kernel->symbols, "linux_banner");
	const char *banner;
	size_t len;

	if (id == NO_ID)
		return NULL;
	banner = (const char *)image_bytes(kernel->image, kernel->symbols->v[id].value,
					   kernel->symbols->v[id].size);
	len = kernel->symbols->v[id].size;
	if (!banner || len <= strlen(prefix) || strncmp(banner, prefix, strlen(prefix)))
		return NULL;
	banner += strlen(prefix);
	len -= strlen(prefix);
	return xstrndup(banner, strcspn(banner, " ") < len ? strcspn(banner, " ") : 0);
}
