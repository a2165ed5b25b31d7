# SPDX-License-Identifier: GPL-2.0
# bash completion of elfkit. Commands and options are those that --help has.
_elfkit()
{
	local cur prev words cword command=${COMP_WORDS[1]} options
	_init_completion -s || return
	if [ "$cword" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "--help --version $("${words[0]}" --help 2>&1 |
			sed -n 's/^  \([a-z]*\) .*/\1/p')" -- "$cur")
		return
	fi
	case $prev in
	--kernel-dir)
		_filedir -d
		return ;;
	--dot | --html)
		_filedir
		return ;;
	--at | --description | --from | --health | --maintainer | --pkgversion | --probation | --replace | --retry | --to | --why | -f | -t)
		return ;;
	esac
	if [[ $cur == -* ]]; then
		options=$("${words[0]}" "$command" --help 2>&1 | grep -o '^ *\(-., \)\?--[a-z-]*=\?' | grep -o -e '--.*')
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		[[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
		return
	fi
	case $command in
	load | pack) _filedir ko ;;
	diff) _filedir '@(yaml|json)' ;;
	relink) _filedir ;;
	unload) mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/kernel/elfkit 2>/dev/null)" -- "$cur") ;;
	status) ;;
	*) _filedir ;;
	esac
}
complete -F _elfkit elfkit
