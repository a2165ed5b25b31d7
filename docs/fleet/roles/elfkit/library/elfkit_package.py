#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# What a package of elfkit pack is for; runs on the controller, before any host is touched. The manifest that relink
# puts into each module says it (docs/module.md).
"""Packages with a scheduler, as elfkit pack makes them."""

DOCUMENTATION = """
module: elfkit_package
short_description: What packages of elfkit pack are for
description: Reads the module's manifest in each. Changes nothing; takes dpkg-deb, modinfo and objcopy.
author: elfkit maintainers
options:
  files:
    description: The packages.
    type: list
    elements: path
    required: true
"""

EXAMPLES = """
- name: Read the packages
  elfkit_package:
    files: [elfkit-sched-mysched-6.1.0-56-cloud-amd64_2_amd64.deb]
  delegate_to: localhost
  register: packages
"""

RETURN = """
packages:
  type: list
  returned: always
  description: of each file, package, version, scheduler, module, release, build_id, path, sha256, unit and functions
"""

import json
import os
import re
import tempfile

from ansible.module_utils.basic import AnsibleModule


class Package:
    """One package, unpacked into a folder that goes again."""

    def __init__(self, module, path):
        self.run = lambda *argv: module.run_command(list(argv), check_rc=True)[1]
        self.sha256 = module.sha256
        self.path = os.path.abspath(path)

    def manifest(self, ko, folder):
        out = os.path.join(folder, "manifest")
        self.run("objcopy", "-O", "binary", "--only-section=.elfkit.manifest",
                 "--set-section-flags", ".elfkit.manifest=alloc", ko, out)
        with open(out, encoding="utf-8") as f:
            return json.load(f)

    def read(self):
        with tempfile.TemporaryDirectory() as folder:
            self.run("dpkg-deb", "-x", self.path, folder)
            files = [os.path.join(top, name) for top, _folders, names in os.walk(folder) for name in names]
            ko = [f for f in files if re.search(r"/usr/lib/elfkit/[^/]+/[^/]+\.ko$", f)]
            unit = [f for f in files if f.endswith(".service")]
            if len(ko) != 1 or len(unit) != 1:
                raise ValueError("%s: not a package of elfkit pack" % self.path)
            manifest = self.manifest(ko[0], folder)
            release, name = ko[0].split("/")[-2:]
            return {
                "file": self.path,
                "package": self.run("dpkg-deb", "-f", self.path, "Package").strip(),
                "version": self.run("dpkg-deb", "-f", self.path, "Version").strip(),
                "scheduler": name[:-3],
                "module": self.run("modinfo", "-F", "name", ko[0]).strip(),
                "release": release,
                "build_id": manifest["build_id"],
                "path": ko[0][len(folder):],
                "sha256": self.sha256(ko[0]),
                "unit": os.path.basename(unit[0]),
                "functions": sorted({f["name"] for f in manifest["functions"]}),
            }


def main():
    module = AnsibleModule({"files": {"type": "list", "elements": "path", "required": True}}, supports_check_mode=True)
    try:
        packages = [Package(module, path).read() for path in module.params["files"]]
    except (OSError, ValueError, KeyError) as e:
        module.fail_json(msg="cannot read the packages: %s" % e)
    module.exit_json(changed=False, packages=packages)


if __name__ == "__main__":
    main()
