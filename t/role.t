#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# The Ansible role in docs/fleet: syntax, lint, and that its page has each variable and each refusal. What it does to
# hosts is t/fleet's affair.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use Test::More;

my $role = 'docs/fleet/roles/elfkit';
my $page = slurp('docs/fleet.md') =~ s/\s+/ /gr;
delete $ENV{ANSIBLE_CONFIG};
$ENV{ANSIBLE_LOCAL_TEMP} = $ENV{ANSIBLE_HOME} = "$tmp/ansible";
$ENV{NO_COLOR} = 1;
$ENV{LC_ALL} = 'C.UTF-8';

sub in_folder {
	my ($status, $out, $err) = run('sh', '-c', 'cd docs/fleet && exec "$@"', 'sh', @_);
	return ($status, "$out$err");
}

my @playbooks = qw(check rollout status remove);
my ($status, $said) = in_folder('ansible-playbook', '--syntax-check', map { "$_.yaml" } @playbooks);
is($status, 0, 'playbooks and role can be read') or diag($said);
($status, $said) = in_folder('ansible-lint', '--offline', '--nocolor');
is($status, 0, 'ansible-lint has nothing to say') or diag($said);

my %variable = map { $_ => 1 } map { slurp($_) =~ /^(?:\s{6})?(elfkit_\w+):/mg } "$role/defaults/main.yaml", "$role/meta/argument_specs.yaml";
cmp_ok(keys %variable, '>=', 10, 'variables are found');
is_deeply([grep { $page !~ /`$_`/ } sort keys %variable], [], 'docs/fleet.md has each variable');
is_deeply([grep { !$variable{$_} && $_ !~ /^elfkit_(?:suited|unsuited|hosts|batches)$/ } $page =~ /`(elfkit_\w+)`/g], [],
	'and none that is not there');
is_deeply([grep { $page !~ /`$_\.yaml`/ } @playbooks], [], 'and each playbook');
# a task that refuses is told by its name, which is what Ansible shows
my @refusals = map { slurp($_) =~ /^ *- name: (.*)\n +ansible\.builtin\.(?:assert|fail):/mg } glob "$role/tasks/*.yaml";
cmp_ok(@refusals, '>=', 7, 'refusals are found');
is_deeply([grep { index($page, "`$_`") < 0 } @refusals], [], 'and each refusal');
done_testing;
