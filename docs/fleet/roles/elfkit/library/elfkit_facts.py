#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# What a roll-out must know of a host: kernel and build-id, elfkit modules, installed schedulers, and who has patched
# which function. Reads only; what cannot be read is an error, since "no conflict" would be a guess.
"""Facts of a host for a roll-out with elfkit."""

DOCUMENTATION = """
module: elfkit_facts
short_description: Kernel, build-id, elfkit modules and patched functions of a host
description: Reads /sys, /proc and the package database. Changes nothing.
author: elfkit maintainers
options:
  scheduler:
    description: The packages of this scheduler are listed; all if it is empty.
    type: str
    default: ""
"""

EXAMPLES = """
- name: Look at the host
  elfkit_facts:
    scheduler: mysched
  register: host
"""

RETURN = """
release: {type: str, returned: always, description: as uname -r}
build_id: {type: str, returned: always, description: of the running kernel}
modules: {type: list, returned: always, description: "elfkit modules: name, enabled, confirmed"}
patched: {type: list, returned: always, description: "function, and by whom"}
installed: {type: dict, returned: always, description: "versions of the scheduler's packages, by name"}
"""

import os
import re
import struct

from ansible.module_utils.basic import AnsibleModule

SYS = "/sys/kernel/elfkit"


def slurp(*path):
    with open(os.path.join(*path), encoding="ascii", errors="replace") as f:
        return f.read()


def build_id():
    """The GNU build-id, from the kernel's notes (ELF gABI, note section)."""
    with open("/sys/kernel/notes", "rb") as f:
        notes = f.read()
    at = 0
    while at + 12 <= len(notes):
        name_size, desc_size, kind = struct.unpack_from("=III", notes, at)
        name = at + 12
        desc = name + (name_size + 3) // 4 * 4
        if kind == 3 and notes[name:name + name_size] == b"GNU\0":
            return notes[desc:desc + desc_size].hex()
        at = desc + (desc_size + 3) // 4 * 4
    raise ValueError("/sys/kernel/notes has no build-id")


def modules():
    if not os.path.isdir(SYS):
        return []
    return [{"name": name,
             "enabled": slurp(SYS, name, "enabled").strip() == "1",
             "confirmed": slurp(SYS, name, "confirm").strip() == "1"} for name in sorted(os.listdir(SYS))]


def livepatches(top="/sys/kernel/livepatch"):
    """TOP/PATCH/OBJECT/FUNCTION,N"""
    if not os.path.isdir(top):
        return
    for patch in sorted(os.listdir(top)):
        vmlinux = os.path.join(top, patch, "vmlinux")
        if os.path.isdir(vmlinux):
            for entry in sorted(os.listdir(vmlinux)):
                if "," in entry:
                    yield {"function": entry.rpartition(",")[0], "by": "livepatch " + patch}


def lines_of(top, path):
    """Of a file that a kernel may lack, but not because its file system is not mounted."""
    if not os.path.ismount(top):
        raise ValueError("%s is not mounted" % top)
    return slurp(top, path).splitlines() if os.path.exists(os.path.join(top, path)) else []


def kprobes():
    """ADDRESS KIND FUNCTION+OFFSET ..."""
    for line in lines_of("/sys/kernel/debug", "kprobes/list"):
        m = re.match(r"\S+\s+[kr]\s+([^\s+]+)\+", line)
        if m:
            yield {"function": m.group(1), "by": "a kprobe"}


def traced():
    """FUNCTION (COUNT) ..."""
    for line in lines_of("/sys/kernel/tracing", "enabled_functions"):
        m = re.match(r"(\S+) \(\d+\)", line)
        if m:
            yield {"function": m.group(1), "by": "function tracing"}


def installed(module, scheduler):
    # the package's name, as elfkit pack makes it; a release begins with a digit, and no scheduler's name has one behind _
    pattern = "elfkit-sched-%s*" % (scheduler.lower().replace("_", "-") + "-[0-9]" if scheduler else "")
    status, out, _err = module.run_command(
        ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}|${Package}|${Version}\n", pattern])
    lines = [line.split("|") for line in out.splitlines()] if status == 0 else []
    # the second letter is the state: neither removed nor only its configuration is there
    return {name: version for state, name, version in lines if state[1] not in "nc"}


def main():
    module = AnsibleModule({"scheduler": {"type": "str", "default": ""}}, supports_check_mode=True)
    try:
        facts = {
            "release": os.uname().release,
            "build_id": build_id(),
            "modules": modules(),
            "patched": list(livepatches()) + list(kprobes()) + list(traced()),
            "installed": installed(module, module.params["scheduler"]),
        }
    except (OSError, ValueError) as e:
        module.fail_json(msg="cannot tell what this host runs: %s" % e)
    module.exit_json(changed=False, **facts)


if __name__ == "__main__":
    main()
