#compdef elfkit
# SPDX-License-Identifier: GPL-2.0
# zsh completion of elfkit. Commands and options are those that --help has.
local -a commands options
if (( CURRENT == 2 )); then
	commands=(${(f)"$($words[1] --help 2>&1 | sed -n 's/^  \([a-z]*\)  *\(.*\)/\1:\2/p')"})
	_describe command commands
	return
fi
case $words[CURRENT] in
-*)
	options=(${(f)"$($words[1] $words[2] --help 2>&1 | grep -o '^ *\(-., \)\?--[a-z-]*=\?' | grep -o -e '--.*')"})
	compadd -S '' -- ${(M)options:#*=}
	compadd -- ${options:#*=} ;;
*)
	case $words[2] in
	load | pack) _files -g '*.ko' ;;
	diff) _files -g '*.(yaml|json)' ;;
	unload) [[ -d /sys/kernel/elfkit ]] && _files -W /sys/kernel/elfkit ;;
	status) ;;
	*) _files ;;
	esac ;;
esac
