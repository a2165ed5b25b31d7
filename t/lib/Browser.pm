# SPDX-License-Identifier: GPL-2.0
# A headless Chromium for tests, through chromedriver and plain WebDriver (W3C): its own profile, its own
# port, no network.
package Browser;
use strict;
use warnings;
use File::Temp qw(tempdir);
use HTTP::Tiny;
use JSON::PP;
use MIME::Base64 qw(decode_base64);
use sigtrap qw(die normal-signals);	# so that no browser outlives its test

# Where the driver listens: it says so once it does
sub port_of {
	my ($log, $seconds) = @_;
	for (1 .. $seconds * 10) {
		if (open my $f, '<', $log) {
			local $/;
			return $1 if <$f> =~ /started successfully on port (\d+)/;
		}
		select undef, undef, undef, 0.1;
	}
	die "chromedriver did not start within $seconds s\n";
}

sub new {
	my ($class, %window) = @_;
	my $dir = tempdir(CLEANUP => 1);
	my $self = bless { http => HTTP::Tiny->new(timeout => 120), dir => $dir, owner => $$ }, $class;
	$self->{pid} = fork // die "fork: $!";
	if (!$self->{pid}) {
		# a group of its own, so that nothing of it is left behind
		setpgrp 0, 0;
		$ENV{HOME} = $dir;
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$dir/log";
		open STDERR, '>&', \*STDOUT;
		exec 'chromedriver', '--port=0' or die "chromedriver: $!";
	}
	$self->{url} = 'http://127.0.0.1:' . port_of("$dir/log", 60) . '/session';
	my $size = join ',', $window{width} // 1440, $window{height} // 900;
	my $answer = $self->ask('POST', '', { capabilities => { alwaysMatch => {
		'goog:loggingPrefs' => { browser => 'ALL' },
		'goog:chromeOptions' => { args => ["--user-data-dir=$dir/profile", "--window-size=$size", qw(--headless --no-sandbox
			--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update
			--disable-sync --hide-scrollbars --disable-dev-shm-usage), @{$window{flags} // []}] } } } });
	$self->{url} .= "/$answer->{sessionId}";
	return $self;
}

sub ask {
	my ($self, $method, $path, $body) = @_;
	my $response = $self->{http}->request($method, $self->{url} . $path, $body ? {
		headers => { 'content-type' => 'application/json' }, content => encode_json($body) } : {});
	my $value = eval { decode_json($response->{content})->{value} };
	die "WebDriver: $method $path: ", ref $value ? $value->{message} : $response->{content}, "\n" if !$response->{success};
	return $value;
}

sub open_page { $_[0]->ask('POST', '/url', { url => $_[1] }) }

# What JavaScript returns; "return ..." with arguments[0] and on
sub run {
	my ($self, $script, @arguments) = @_;
	return $self->ask('POST', '/execute/sync', { script => $script, args => \@arguments });
}

# Whether a condition comes true within 10 s
sub comes_true {
	my ($self, $condition, @arguments) = @_;
	for (1 .. 100) {
		return 1 if $self->run("return !!($condition)", @arguments);
		select undef, undef, undef, 0.1;
	}
	return 0;
}

my $element = 'element-6066-11e4-a52e-4f735466cecf';	# the key that the standard gives to elements
sub find {
	my ($self, $selector) = @_;
	return $self->ask('POST', '/element', { using => 'css selector', value => $selector })->{$element};
}

sub click { my ($self, $selector) = @_; $self->ask('POST', '/element/' . $self->find($selector) . '/click', {}) }

my %key = (Enter => "\x{e007}", Escape => "\x{e00c}", Down => "\x{e015}", Up => "\x{e013}", End => "\x{e010}", Home => "\x{e011}", Tab => "\x{e004}");

# Keys as a person presses them, wherever the focus is: names of keys, or text
sub press {
	my ($self, @keys) = @_;
	my @actions = map { my $k = $_; map { ({ type => 'keyDown', value => $_ }, { type => 'keyUp', value => $_ }) } $key{$k} // split //, $k } @keys;
	$self->ask('POST', '/actions', { actions => [{ type => 'key', id => 'keyboard', actions => \@actions }] });
}

sub back { $_[0]->ask('POST', '/back', {}) }
sub size { $_[0]->ask('POST', '/window/rect', { width => $_[1], height => $_[2] }) }
sub screenshot { decode_base64($_[0]->ask('GET', '/screenshot')) }

# What the page complained of
sub complaints {
	return map { "$_->{level}: $_->{message}" } @{$_[0]->ask('POST', '/se/log', { type => 'browser' })};
}

sub DESTROY {
	my ($self) = @_;
	return if $$ != $self->{owner};
	local ($?, $@);
	eval { $self->ask('DELETE', '') } if $self->{url};
	kill 'TERM', -$self->{pid};
	waitpid $self->{pid}, 0;
}

1;
