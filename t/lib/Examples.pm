# SPDX-License-Identifier: GPL-2.0
# Commands that the documents show, with the output below them, and whether a command says what is shown.
package Examples;
use strict;
use warnings;
use Elfkit;
use Exporter 'import';

our @EXPORT = qw(examples shown says);

my $begins = qr{(?:[A-Z_]+=\S+ )*(?:(?:build/)?elfkit [a-z]|build/\S+ |make\b|(?:t|docs)/|insmod|rmmod|cat |echo |apt |tar |cp |sed |jq |dmesg|\$EDITOR|export |ls |grep |printf |\./|hackbench)};

# Every command of an indented block: behind a prompt, or a line that begins like one. Synopses have brackets.
sub examples {
	my ($doc) = @_;
	my @found;
	my $open = 0;
	for my $line (split /\n/, slurp($doc) =~ s/\\\n\s*/ /gr) {
		$open = 0 if $line =~ /^ {0,3}\S/;
		$found[-1]{output} .= "\n" if $open && $line eq '';
		my ($text) = $line =~ /^ {4}(.*)/ or next;
		my $prompted = $text =~ s/^(?:\$ |# (?=$begins))//;
		if ($prompted || ($text =~ /^$begins/ && $text !~ /\[(?:-|[A-Z])|──►|:  +/)) {
			$text =~ s/ {2,}(?:#.*|[a-z].*)?$//;
			push @found, { doc => $doc, command => $text, output => '' };
			$open = $prompted;
		} elsif ($open) {
			$found[-1]{output} .= "$text\n";
		}
	}
	return @found;
}

# The output that is shown below the command of a document that matches
sub shown {
	my ($doc, $like) = @_;
	my ($one) = grep { $_->{command} =~ $like } examples($doc);
	die "$doc shows no $like" if !$one;
	return $one->{output};
}

# The lab's kernels are those of the documents? If Debian has newer builds, figures may differ.
my %same = map { my $release = slurp(Elfkit::kernel_dir($_) . '/release') =~ s/\n//r;
	($release => scalar grep { index(slurp($_), $release) >= 0 } 'docs/boundary.md', 'docs/report.md') } @kernels;
my $same = !grep { !$same{$_} } keys %same;

# Whether @$out is what is shown: `...` stands for anything, and so do times and this machine's folders; other figures
# hold for the builds of the kernels that the documents were written with.
sub says {
	my ($out, $shown) = @_;
	$shown =~ s/\n+\z/\n/;
	$_ =~ s/\d+ us/N us/g, $_ =~ s{(?:~|/)\S*(?=/kernels/)}{CACHE}g, $_ =~ s/(?<=fetch: )apt knows/apt knows/g for $out, $shown;
	$_ =~ s{(?<=wrote )\S*/}{}g for $out, $shown;
	my $pattern = join '', map { /^\s*\.\.\.$/ ? '(?:.*\n)*?' : join('.*', map { quotemeta } split /\.\.\./, $_, -1) . '\n' } split /\n/, $shown;
	$pattern =~ s/(?<![\\\w])[0-9a-f]{40}|\d+(?:\\\.\d+)*/[\\w.+-]+/g if !$same;
	return $out =~ /\A$pattern/;
}

1;
